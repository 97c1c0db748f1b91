"""Models that face the same questions: the blend as it serves, each source alone, the blend without each, baselines."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from smartshop.ai_agents.recommendation.baselines import Baseline
from smartshop.ai_agents.recommendation.beyond_accuracy import NONE
from smartshop.ai_agents.recommendation.blend import BlendConfig, blend
from smartshop.ai_agents.recommendation.figures import Answers
from smartshop.ai_agents.recommendation.held_out import HeldOutQuestion
from smartshop.ai_agents.recommendation.mix_search import EVERY_SOURCE
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.source import ShelfView
from smartshop.ai_agents.recommendation.sources import HANDED_ON, SOURCES
from smartshop.ai_agents.recommendation.training import MIN_QUESTIONS, Learned
from smartshop.ai_agents.recommendation.tuning import (
    Convention,
    Mask,
    Numbers,
    moment_of,
    rankings_of,
    repeats_allowed,
    tune_on,
    without_history,
)
from smartshop.ai_agents.shelf import Shelf

OURS = "ours (blend)"
TELL_EVERY = 200
"""Questions between two signs of life."""


def without(source: str) -> str:
    """The name of the blend of all others."""
    return f"without {source}"


@dataclass(frozen=True, slots=True)
class Contest:
    model: RecommendationModel
    view: ShelfView
    alive: Mask
    recipes: Mapping[str, Recipe]
    """Name → recipe, over the lists of the one model."""
    baselines: Sequence[Baseline]

    def lists(self, question: HeldOutQuestion, eligible: Mask, n: int) -> dict[str, Numbers]:
        """A list of at most `n` per name; blends and sources are drawn by the very code that serves."""
        moment = moment_of(question, eligible)
        drawn = [each.product_no for each in draw_all(self.model, self.view, moment, self.model.recipe.blend.n)]
        found: dict[str, Numbers] = {}
        for name, recipe in self.recipes.items():
            mix, _ = recipe.at(eligible, moment.history, moment.focus)
            found[name] = blend(drawn, mix.weights_of(SOURCES), mix.k, n).product_no
        found.update({source: listed[:n] for source, listed in zip(SOURCES, drawn, strict=True)})
        found.update({baseline.name: baseline.rank(question, eligible, n) for baseline in self.baselines})
        return found

    def ask(
        self, questions: Sequence[HeldOutQuestion], convention: Convention, cut: int, tell: Callable[[float], None]
    ) -> Answers:
        """Put every question that has something to ask for; `tell` hears the share done."""
        targets = [convention(question, self.alive)[1] for question in questions]
        asked = [question for question, wanted in zip(questions, targets, strict=True) if len(wanted)]
        names = (*self.recipes, *SOURCES, *(baseline.name for baseline in self.baselines))
        shown = {name: np.full((len(asked), cut), NONE, np.int32) for name in names}
        for number, question in enumerate(asked):
            if number % TELL_EVERY == 0:
                tell(number / len(asked))
            eligible, _ = convention(question, self.alive)
            for name, listed in self.lists(question, eligible, cut).items():
                shown[name][number, : len(listed)] = listed
        return Answers(
            shown=shown,
            targets=[wanted for wanted in targets if len(wanted)],
            shopper=np.array([question.shopper for question in asked], np.int64),
            later=np.array([question.now > question.history_at[-1] for question in asked], np.bool_),
        )


def recipes_without_each(learned: Learned, shelf: Shelf, ablated: Collection[str] | None) -> dict[str, Recipe]:
    """For every learned source (of those named) the recipe of the others, weights chosen anew on the same questions."""
    model = learned.older
    heard = [source.name for source in model.sources if source.name not in HANDED_ON]
    names = [name for name in heard if ablated is None or name in ablated]
    if not names:
        return {}
    if len(learned.tuned_on) < MIN_QUESTIONS:
        return {without(name): _muted(model.recipe, name) for name in names}
    view = model.view(shelf)
    known = rankings_of(model, view, shelf.alive, learned.tuned_on, repeats_allowed)
    new = rankings_of(model, view, shelf.alive, learned.tuned_on, without_history)
    start = BlendConfig(n=model.recipe.blend.n)
    return {
        without(name): msgspec.structs.replace(model.recipe, blend=tune_on(known, new, start, EVERY_SOURCE - {name}))
        for name in names
    }


def _muted(recipe: Recipe, source: str) -> Recipe:
    """Without the source and otherwise as it was."""
    blending = recipe.blend
    weights = {name: weight for name, weight in blending.weights.items() if name != source}
    weights_new = {name: weight for name, weight in blending.weights_new.items() if name != source}
    blending = msgspec.structs.replace(blending, weights=weights, weights_new=weights_new)
    return msgspec.structs.replace(recipe, blend=blending)
