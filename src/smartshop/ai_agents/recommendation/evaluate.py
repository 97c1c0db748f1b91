"""An honest table on the shop's own data: the blend, every source, the blend without each, and baselines.

Models are fitted on what is older than the questions; the whole catalogue is ranked, never a sample of it. What can be
chosen (the mix, the baselines' settings) is chosen inside the older part by the same protocol. Leave-one-out: the last
product of every shopper is asked for, the one before it tunes, and everything is fitted without both (the protocol of
published sequence benchmarks). The other protocols fit the chosen recipe once more on all that is older than the cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.recommendation.baselines import (
    Baseline,
    Ease,
    PersonalFrequency,
    fit_baselines,
    shoppers_of,
)
from smartshop.ai_agents.recommendation.beyond_accuracy import surprise_of
from smartshop.ai_agents.recommendation.contest import OURS, Contest, recipes_without_each, without
from smartshop.ai_agents.recommendation.figures import (
    Answers,
    EvaluationReport,
    SourceWorth,
    Table,
    accuracy_of,
    difference,
    model_figures,
)
from smartshop.ai_agents.recommendation.held_out import SHARE, HeldOut, Protocol, hold_out, protocol_for
from smartshop.ai_agents.recommendation.metrics import CUT, SESSION_CUT, draw_bootstrap
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import Sequences, make_sequences
from smartshop.ai_agents.recommendation.source import NO_FOLDERS, Folders
from smartshop.ai_agents.recommendation.sources import HANDED_ON
from smartshop.ai_agents.recommendation.training import DEFAULT_RECIPE, Learned, Progress, fit, learn, newest
from smartshop.ai_agents.recommendation.tuning import Convention, repeats_allowed, without_history
from smartshop.ai_agents.recommendation.vmis import Vmis
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import Interactions

MAX_SHOPPERS = 4_000
"""Shoppers asked about: a standard error of about .003 on the hit rate."""
LINEAR = "slist"
"""The strongest of the public linear models: the blend is set against it as against the baselines."""
CONVENTIONS: tuple[tuple[str, Convention], ...] = (("repeats allowed", repeats_allowed), ("new only", without_history))
AT_NEW_MOMENTS = "repeats allowed, at new moments"
"""Of the first convention's questions those whose answer came later than all that is known: a log has the lines of an
order one after the other, but no page is asked for between them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How the models are tried."""

    protocol: Protocol | None = None
    """None: the data's own times decide."""
    cut: int | None = None
    """µs UTC: asked for is what is not older; None: the newest `share`. Leave-one-out has no cut."""
    share: float = SHARE
    max_shoppers: int = MAX_SHOPPERS
    seed: int = 0
    recipe: Recipe = DEFAULT_RECIPE
    """What is fitted; its mix is where the search begins."""
    ablated: tuple[str, ...] | None = None
    """Sources whose worth is measured by leaving them out; None: every one."""
    folders: Folders = NO_FOLDERS


DEFAULT_TRIAL = Trial()


def evaluate(
    interactions: Interactions, shelf: Shelf, progress: Progress, trial: Trial = DEFAULT_TRIAL
) -> EvaluationReport:
    """Split, tune, fit and ask: the same trial gives the same tables."""
    rng, seed = np.random.default_rng(trial.seed), trial.seed
    with threadpool_limits(limits=1):
        sequences = make_sequences(interactions, trial.recipe.configs.sequences)
        protocol = trial.protocol or protocol_for(sequences)
        held = hold_out(sequences, trial.max_shoppers, rng, protocol, cut=trial.cut, share=trial.share)
        folders, telling = trial.folders, _part(progress, 0.0, 0.3)
        learned = learn(held.rest, shelf, trial.recipe, rng, telling, protocol=protocol, seed=seed, folders=folders)
        contests = _contests(held, learned, shelf, trial, _part(progress, 0.3, 0.6))
        surprise = surprise_of(shoppers_of(held.rest), held.rest.n_shoppers)
        tables = []
        for number, (name, contest) in enumerate(contests.items()):
            asking = _part(progress, 0.6 + 0.2 * number, 0.8 + 0.2 * number)
            for convention, answers in _answers(name, contest, held, asking):
                tables.append(_table(convention, contest, answers, shelf, surprise, rng))
    progress(1.0, "evaluated")
    return EvaluationReport(
        protocol=held.protocol.value,
        since=held.since,
        seed=seed,
        signs=len(_learned_from(held, learned)),
        products=int(shelf.alive.sum()),
        tables=tables,
    )


def _learned_from(held: HeldOut, learned: Learned) -> Sequences:
    """By the models that are asked: leave-one-out takes the product that tunes from them as well."""
    return learned.held.rest if held.protocol is Protocol.LEAVE_ONE_OUT else held.rest


def _part(progress: Progress, begin: float, end: float) -> Progress:
    return lambda done, what: progress(begin + (end - begin) * done, what)


def _contests(held: HeldOut, learned: Learned, shelf: Shelf, trial: Trial, progress: Progress) -> dict[str, Contest]:
    """Per convention one; they differ in what the baselines were set to."""
    rest, model = _learned_from(held, learned), learned.older
    progress(0.0, "choosing the mix without each source")
    recipes = {OURS: model.recipe, **recipes_without_each(learned, shelf, trial.ablated)}
    if held.protocol is not Protocol.LEAVE_ONE_OUT:
        progress(0.3, "fitting the models")
        model = fit(
            rest,
            shelf,
            newest(rest),
            model.recipe,
            seed=trial.seed,
            earlier=model.sources,
            folders=trial.folders,
        )
    progress(0.6, "fitting the baselines")
    baselines = fit_baselines(learned.held, rest, shelf.alive, [convention for _, convention in CONVENTIONS])
    view = model.view(shelf)
    return {
        name: Contest(model=model, view=view, alive=shelf.alive, recipes=recipes, baselines=mine)
        for (name, _), mine in zip(CONVENTIONS, baselines, strict=True)
    }


def _answers(name: str, contest: Contest, held: HeldOut, progress: Progress) -> Iterator[tuple[str, Answers]]:
    """The answers to all questions and, where steps of sessions are asked for, to those at new moments."""
    steps_of_sessions = held.protocol is Protocol.NEXT_SIGN
    doing = f"asking {len(held.questions)} questions, {name}"
    convention, cut = dict(CONVENTIONS)[name], SESSION_CUT if steps_of_sessions else CUT
    answers = contest.ask(held.questions, convention, cut, lambda done: progress(done, doing))
    yield name, answers
    if steps_of_sessions and convention is repeats_allowed:
        yield AT_NEW_MOMENTS, answers.of(answers.later)


def _table(
    name: str,
    contest: Contest,
    answers: Answers,
    shelf: Shelf,
    surprise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Table:
    bootstrap = draw_bootstrap(answers.shopper, rng)
    measures = {model: answers.measures(model) for model in answers.shown}
    sources = [source.name for source in contest.model.sources if source.name not in HANDED_ON]
    baselines = [baseline.name for baseline in contest.baselines]
    compared = [*baselines, *(source for source in sources if source == LINEAR)]
    recipe = contest.recipes[OURS]
    mix = recipe.blend.for_new() if dict(CONVENTIONS).get(name) is without_history else recipe.blend
    return Table(
        convention=name,
        cut=answers.shown[OURS].shape[1],
        questions=len(answers.targets),
        shoppers=len(np.unique(answers.shopper)),
        blend_weights={source: mix.weights.get(source, 0.0) for source in sources},
        blend_k=mix.k,
        settings={baseline.name: said for baseline in contest.baselines if (said := _setting(baseline))},
        models=[
            model_figures(model, answers.shown[model], measures, compared, shelf, surprise, bootstrap)
            for model in (OURS, *sources, *baselines)
        ],
        sources=[
            SourceWorth(
                source=source,
                weight=mix.weights.get(source, 0.0),
                without=accuracy_of(measures[without(source)], bootstrap),
                adds=difference(measures[OURS], measures[without(source)], bootstrap),
            )
            for source in sources
            if without(source) in measures
        ],
    )


def _setting(baseline: Baseline) -> str:
    match baseline:
        case Ease():
            return f"λ {baseline.regularisation:g}"
        case PersonalFrequency():
            return f"half-life {baseline.half_life:g} days"
        case Vmis():
            return baseline.config.in_words()
        case _:
            return ""
