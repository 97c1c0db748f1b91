"""From a shop's history to a model: fit on the older part, tune the mix on the newer, then fit again on everything."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.recommendation.blend import BlendConfig, blend
from smartshop.ai_agents.recommendation.held_out import HeldOut, HeldOutQuestion, Protocol, hold_out, protocol_for
from smartshop.ai_agents.recommendation.metrics import CUT, Measures, measure
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.sequences import Sequences, make_sequences
from smartshop.ai_agents.recommendation.source import NO_FOLDERS, Folders, Lesson, Source
from smartshop.ai_agents.recommendation.sources import SOURCES, fit_sources
from smartshop.ai_agents.recommendation.tuning import (
    Convention,
    calibrate,
    moment_of,
    repeats_allowed,
    tune,
    without_history,
)
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import Interactions
from smartshop.data_collection.schemas.ids import Micros

Progress = Callable[[float, str], None]
"""Share done (0 to 1) and what is being done."""

MAX_SHOPPERS = 6_000
"""Shoppers asked about while tuning, two thirds of them by the search: fewer gave poorer mixes on a public data set's
validation item (2,000 .0659, 4,000 and more .067 NDCG@10), and each costs some 5 ms."""
MAX_QUESTIONS = 6_000
"""Of all these shoppers' questions evenly many are left out beyond: long sessions ask at every step."""
LINES_ASKED = 300
"""Next lines of orders, about, on which it is found whether the order of the lines before them speaks."""
DEFAULT_RECIPE = Recipe()
MIN_QUESTIONS = 40
"""With fewer held-out questions the mix is not tuned: it would be tuned to chance."""


def fit(
    sequences: Sequences,
    shelf: Shelf,
    as_of: int,
    recipe: Recipe,
    *,
    seed: int = 0,
    earlier: Sequence[Source] = (),
    folders: Folders = NO_FOLDERS,
) -> RecommendationModel:
    """Fit every source; the shelf gives the categories. `as_of` (µs UTC) is when ages are counted from.

    `earlier`: sources fitted on a part of these sequences, from which a costly one goes on.
    """
    lesson = Lesson(
        sequences=sequences,
        shelf=shelf,
        as_of=as_of,
        seed=seed,
        text_network=folders.text_network,
        scratch=folders.scratch,
    )
    return RecommendationModel(
        n_products=sequences.n_products,
        as_of=as_of,
        recipe=recipe,
        sources=tuple(fit_sources(lesson, recipe.configs, earlier)),
        categories=shelf.categories,
    )


@dataclass(frozen=True, slots=True)
class Learned:
    """A recipe tuned on held-out shoppers, and what it was tuned beside."""

    older: RecommendationModel
    """Fitted on the older part, with the tuned recipe."""
    held: HeldOut
    """The split: what `older` learned from, and all the questions."""
    tuned_on: tuple[HeldOutQuestion, ...]
    judged_on: tuple[HeldOutQuestion, ...]
    """Questions that neither fit nor tuning has seen."""


def learn(
    sequences: Sequences,
    shelf: Shelf,
    recipe: Recipe,
    rng: np.random.Generator,
    progress: Progress,
    *,
    protocol: Protocol,
    seed: int = 0,
    folders: Folders = NO_FOLDERS,
) -> Learned:
    """Tune the recipe on the newest part of these sequences; two thirds of the shoppers tune, one third judges."""
    progress(0.05, "fitting the older part")
    held = hold_out(sequences, MAX_SHOPPERS, rng, protocol)
    older = fit(held.rest, shelf, newest(held.rest), recipe, seed=seed, folders=folders)
    questions = held.questions[:: max(1, math.ceil(len(held.questions) / MAX_QUESTIONS))]
    tuned_on = tuple(question for question in questions if question.shopper % 3 != 0)
    judged_on = tuple(question for question in questions if question.shopper % 3 == 0)
    if len(tuned_on) >= MIN_QUESTIONS:
        progress(0.3, f"tuning the mix on {len(tuned_on)} held-out questions")
        recipe = msgspec.structs.replace(recipe, lines_in_order=_lines_speak(older, shelf, tuned_on))
        older = replace(older, recipe=recipe)
        view = older.view(shelf)
        blending = tune(older, view, shelf.alive, tuned_on)
        tuned = msgspec.structs.replace(
            recipe,
            blend=blending,
            calibration=calibrate(older, view, shelf.alive, tuned_on, blending),
            calibration_new=calibrate(older, view, shelf.alive, tuned_on, blending.for_new(), without_history),
        )
        older = replace(older, recipe=tuned)
    return Learned(older=older, held=held, tuned_on=tuned_on, judged_on=judged_on)


def _lines_speak(older: RecommendationModel, shelf: Shelf, questions: Sequence[HeldOutQuestion]) -> bool:
    """Whether an order's next line is told better by its lines as they came than by all alike; no where none is asked
    for, as by time."""
    begun = [
        question for question in questions if len(question.history) > 1 and question.history_at[-2] == question.now
    ]
    lines = [question for question in begun if (question.history_order[-2:] >= 0).all()]
    lines = lines[:: max(1, math.ceil(len(lines) / LINES_ASKED))]
    if len(lines) < MIN_QUESTIONS:
        return False
    alike, as_they_came = (
        float(judge(replace(older, recipe=recipe), shelf, lines, recipe.blend).ndcg.mean())
        for recipe in (msgspec.structs.replace(older.recipe, lines_in_order=speaks) for speaks in (False, True))
    )
    return as_they_came > alike


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model of everything, and what was found of its recipe on shoppers that neither fit nor tuning had seen."""

    model: RecommendationModel
    older: RecommendationModel
    """The same recipe on the older part only: what the judging questions may be put to."""
    judged_on: tuple[HeldOutQuestion, ...]
    measures: Measures
    """Over `judged_on`, repeats allowed."""
    data_until: Micros
    log_no: int
    n_interactions: int


def train(
    interactions: Interactions,
    shelf: Shelf,
    rng: np.random.Generator,
    progress: Progress,
    *,
    recipe: Recipe = DEFAULT_RECIPE,
    folders: Folders = NO_FOLDERS,
) -> TrainedModel:
    """Learn everything there is: tune on held-out shoppers first, then fit the tuned recipe on the whole history.

    One thread of linear algebra, so that a training beside a serving process leaves it the other cores. The same
    interactions, shelf and seed give the same bytes.
    """
    with threadpool_limits(limits=1):
        sequences = make_sequences(interactions, recipe.configs.sequences)
        protocol = protocol_for(sequences)
        learned = learn(sequences, shelf, recipe, rng, progress, protocol=protocol, folders=folders)
        older, judged_on = learned.older, learned.judged_on
        del learned  # and with it the older part of the history, a copy as large
        progress(0.6, f"fitting all {len(sequences)} signs of interest")
        until, sources = int(interactions.data_until), older.sources
        model = fit(sequences, shelf, until, older.recipe, earlier=sources, folders=folders)
        progress(0.9, f"judging on {len(judged_on)} questions")
        measures = judge(older, shelf, judged_on, model.recipe.blend)
    progress(1.0, "trained")
    return TrainedModel(
        model=model,
        older=older,
        judged_on=judged_on,
        measures=measures,
        data_until=interactions.data_until,
        log_no=interactions.log_no,
        n_interactions=len(interactions),
    )


def judge(
    model: RecommendationModel,
    shelf: Shelf,
    questions: Sequence[HeldOutQuestion],
    blending: BlendConfig,
    convention: Convention = repeats_allowed,
) -> Measures:
    """The blend's measures on held-out questions; nought where the convention leaves nothing to ask for."""
    view = model.view(shelf)
    weights = blending.weights_of(SOURCES)
    hits = np.zeros((len(questions), CUT), np.bool_)
    n_targets = np.ones(len(questions), np.int64)
    for number, question in enumerate(questions):
        eligible, targets = convention(question, shelf.alive)
        drawn = draw_all(model, view, moment_of(question, eligible), blending.n)
        blended = blend([each.product_no for each in drawn], weights, blending.k, CUT)
        hits[number, : len(blended.product_no)] = np.isin(blended.product_no, targets)
        n_targets[number] = max(len(targets), 1)
    return measure(hits, n_targets)


def newest(sequences: Sequences) -> int:
    return int(sequences.occurred_at.max(initial=0))
