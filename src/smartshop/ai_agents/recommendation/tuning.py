"""Chooses the mix on held-out shoppers: a small search that gives the same answer every time, and its calibration.

There are two mixes: one for lists that may show what the shopper knows, one for lists of new products only. On a
wholesaler's history one mix for both lost a tenth of NDCG@10 where repeats are shown, since the weight that habits need
there drowns the differences between all others.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.blend import BlendConfig, blend
from smartshop.ai_agents.recommendation.calibration import Calibration, fit_calibration
from smartshop.ai_agents.recommendation.held_out import HeldOutQuestion
from smartshop.ai_agents.recommendation.mix_search import EVERY_SOURCE, Rankings, find_mix, rank_sources
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.source import Moment, ShelfView
from smartshop.ai_agents.recommendation.sources import SOURCES

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]

LIST_LENGTH = 60
"""Of each source while tuning: only the first ten of the blend are judged."""
CALIBRATED_ON = 1_000
"""Questions, about; each tells of a hundred candidates and more."""

Convention = Callable[[HeldOutQuestion, Mask], tuple[Mask, Numbers]]
"""Question and living products → what may be shown, and what is asked for."""


def moment_of(question: HeldOutQuestion, eligible: Mask) -> Moment:
    return Moment(
        eligible=eligible,
        history=question.history,
        history_at=question.history_at,
        now=question.now,
        focus=np.zeros(0, np.int32),
        bought=question.history_order >= 0,
    )


def repeats_allowed(question: HeldOutQuestion, alive: Mask) -> tuple[Mask, Numbers]:
    """The convention "repeats allowed": everything alive may be shown and is asked for."""
    return alive, question.targets[alive[question.targets]]


def without_history(question: HeldOutQuestion, alive: Mask) -> tuple[Mask, Numbers]:
    """The convention "new only": what the shopper knows is neither shown nor asked for."""
    eligible = alive.copy()
    eligible[question.history] = False
    return eligible, question.targets[eligible[question.targets]]


def rankings_of(
    model: RecommendationModel,
    view: ShelfView,
    alive: Mask,
    questions: Sequence[HeldOutQuestion],
    convention: Convention,
) -> Rankings:
    """Every source's lists for these questions, without those that have nothing left to ask for."""
    asked = [(question, *convention(question, alive)) for question in questions]
    asked = [entry for entry in asked if len(entry[2])]
    lists = [draw_all(model, view, moment_of(question, mask), LIST_LENGTH) for question, mask, _ in asked]
    return rank_sources([[drawn.product_no for drawn in each] for each in lists], [targets for _, _, targets in asked])


def tune(model: RecommendationModel, view: ShelfView, alive: Mask, questions: Sequence[HeldOutQuestion]) -> BlendConfig:
    """Both mixes with the best NDCG@10 on these questions, the same answer every time."""
    known = rankings_of(model, view, alive, questions, repeats_allowed)
    new = rankings_of(model, view, alive, questions, without_history)
    return tune_on(known, new, model.recipe.blend)


def tune_on(known: Rankings, new: Rankings, start: BlendConfig, sources: frozenset[str] = EVERY_SOURCE) -> BlendConfig:
    """As `tune`, from lists already drawn and of these sources only; the weights of others become 0."""
    mix, mix_new = find_mix(known, start, sources), find_mix(new, start.for_new(), sources)
    return msgspec.structs.replace(mix, weights_new=mix_new.weights, k_new=mix_new.k)


def calibrate(
    model: RecommendationModel,
    view: ShelfView,
    alive: Mask,
    questions: Sequence[HeldOutQuestion],
    blending: BlendConfig,
    convention: Convention = repeats_allowed,
) -> Calibration:
    """Fit the log-odds of being acted upon to the blend's scores."""
    scores: list[NDArray[np.float32]] = []
    acted: list[NDArray[np.bool_]] = []
    weights = blending.weights_of(SOURCES)
    for question in questions[:: max(1, len(questions) // CALIBRATED_ON)]:
        eligible, targets = convention(question, alive)
        lists = [drawn.product_no for drawn in draw_all(model, view, moment_of(question, eligible), blending.n)]
        blended = blend(lists, weights, blending.k, blending.n)
        scores.append(blended.score)
        acted.append(np.isin(blended.product_no, targets))
    if not scores:
        return Calibration()
    return fit_calibration(np.concatenate(scores), np.concatenate(acted))
