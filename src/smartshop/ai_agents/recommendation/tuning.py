"""Chooses the mix on held-out shoppers: a small search without chance, and the calibration of what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.blend import BlendConfig, blend
from smartshop.ai_agents.recommendation.calibration import Calibration, fit_calibration
from smartshop.ai_agents.recommendation.held_out import HeldOutQuestion
from smartshop.ai_agents.recommendation.metrics import CUT, measure
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.source import Drawn, Moment, ShelfView
from smartshop.ai_agents.recommendation.sources import SOURCES

Mask = NDArray[np.bool_]

STEPS = (0.0, 0.25, 0.5, 0.7, 1.4, 2.0, 4.0)
"""Each weight in turn is tried at these multiples of itself; a weight of 0 is tried at `REVIVAL`."""
REVIVAL = 0.1
K_CHOICES = (0.5, 2.0, 5.0, 10.0, 30.0)
ROUNDS = 4
FOLLOWER = 0.2
"""Weight of the others where one source leads."""
LIST_LENGTH = 60
"""Of each source while tuning: only the first ten of the blend are judged."""
AGAIN = SOURCES.index("buy_again")
LEAST_WEIGHTS = tuple(0.0 if source == AGAIN else 0.05 for source in range(len(SOURCES)))
"""A shop that so far only sent orders will send clicks one day, and its pages must answer them from the first."""
LEAST_GAIN = 3e-4
"""Of NDCG: a change that gains less is noise and is not taken."""


@dataclass(frozen=True, slots=True)
class Rankings:
    """The sources' lists for n questions, as one block: C products per question, each with its rank in every list."""

    rank: NDArray[np.float32]
    """(n_questions, C, n_sources): from 1; infinite where the source does not name the product."""
    is_target: NDArray[np.bool_]
    """(n_questions, C)"""
    n_targets: NDArray[np.int64]
    """(n_questions,)"""


def moment_of(question: HeldOutQuestion, eligible: Mask) -> Moment:
    return Moment(
        eligible=eligible,
        history=question.history,
        history_at=question.history_at,
        now=question.now,
        focus=np.zeros(0, np.int32),
    )


def without_history(question: HeldOutQuestion, alive: Mask) -> tuple[Mask, NDArray[np.int32]]:
    """The convention "new only": what the shopper knows is neither shown nor asked for."""
    eligible = alive.copy()
    eligible[question.history] = False
    return eligible, question.targets[eligible[question.targets]]


def rank_sources(lists: Sequence[tuple[Drawn, ...]], targets: Sequence[NDArray[np.int32]]) -> Rankings:
    """Line the lists of all questions up in one block."""
    unions = [np.unique(np.concatenate([drawn.product_no for drawn in drawns])) for drawns in lists]
    width = max((len(union) for union in unions), default=0)
    width = max(width, CUT)
    rank = np.full((len(lists), width, len(SOURCES)), np.inf, np.float32)
    is_target = np.zeros((len(lists), width), np.bool_)
    for number, (union, drawns) in enumerate(zip(unions, lists, strict=True)):
        for source, drawn in enumerate(drawns):
            rank[number, np.searchsorted(union, drawn.product_no), source] = np.arange(1, len(drawn.product_no) + 1)
        is_target[number, : len(union)] = np.isin(union, targets[number])
    return Rankings(rank=rank, is_target=is_target, n_targets=np.array([len(each) for each in targets], np.int64))


def mean_ndcg(rankings: Rankings, weights: NDArray[np.float64], k: float) -> float:
    """NDCG@10 of the blend with these weights."""
    return float(measure(_hits(rankings, weights, k), rankings.n_targets).ndcg.mean())


def tune(model: RecommendationModel, view: ShelfView, alive: Mask, questions: Sequence[HeldOutQuestion]) -> BlendConfig:
    """Weights and k with the best NDCG@10 on these questions, the same answer every time.

    The mix is tuned on what is new to the shopper; then the weight of buying again, with repeats allowed, beside it.
    """
    start = model.recipe.blend
    fresh = [(question, *without_history(question, alive)) for question in questions]
    fresh = [entry for entry in fresh if len(entry[2])]
    tuned = start
    if fresh:
        lists = [draw_all(model, view, moment_of(question, mask), LIST_LENGTH) for question, mask, _ in fresh]
        rankings = rank_sources(lists, [targets for _, _, targets in fresh])
        start = _best_start(rankings, start)
        tuned = _search(rankings, start, [source for source in range(len(SOURCES)) if source != AGAIN], K_CHOICES)
    lists = [draw_all(model, view, moment_of(question, alive), LIST_LENGTH) for question in questions]
    again = rank_sources(lists, [question.targets for question in questions])
    return _search(again, tuned, [AGAIN], (tuned.k,))


def calibrate(
    model: RecommendationModel,
    view: ShelfView,
    alive: Mask,
    questions: Sequence[HeldOutQuestion],
    blending: BlendConfig,
) -> Calibration:
    """Fit the log-odds of being acted upon to the blend's scores."""
    scores: list[NDArray[np.float32]] = []
    acted: list[NDArray[np.bool_]] = []
    for question in questions:
        lists = [drawn.product_no for drawn in draw_all(model, view, moment_of(question, alive), blending.n)]
        blended = blend(lists, blending.weights_of(SOURCES), blending.k, blending.n)
        scores.append(blended.score)
        acted.append(np.isin(blended.product_no, question.targets))
    if not scores:
        return Calibration()
    return fit_calibration(np.concatenate(scores), np.concatenate(acted))


def _best_start(rankings: Rankings, default: BlendConfig) -> BlendConfig:
    """The default mix or one led by a single source, whichever begins highest: the search only climbs from there."""
    mix = default.weights_of(SOURCES)
    starts = [np.array(mix, np.float64)]
    for leader in range(len(SOURCES)):
        weights = np.full(len(SOURCES), FOLLOWER)
        weights[leader], weights[AGAIN] = 1.0, mix[AGAIN]
        starts.append(weights)
    best, _, place, k = max(
        (mean_ndcg(rankings, weights, k), -place, place, k) for place, weights in enumerate(starts) for k in K_CHOICES
    )
    if best <= mean_ndcg(rankings, starts[0], default.k) + LEAST_GAIN:
        return default
    return _with(default, starts[place], k)


def _with(config: BlendConfig, weights: NDArray[np.float64], k: float) -> BlendConfig:
    named = {source: round(float(weight), 6) for source, weight in zip(SOURCES, weights, strict=True)}
    return msgspec.structs.replace(config, weights=named, k=k)


def _search(rankings: Rankings, start: BlendConfig, sources: Sequence[int], k_choices: Sequence[float]) -> BlendConfig:
    """Coordinate ascent from the start: first k, then each weight in turn, until a round gains nothing."""
    weights = np.array(start.weights_of(SOURCES), np.float64)
    k, best = start.k, mean_ndcg(rankings, weights, start.k)
    for _ in range(ROUNDS):
        before = best
        for choice in k_choices:
            value = mean_ndcg(rankings, weights, choice)
            if value > best + LEAST_GAIN:
                k, best = choice, value
        for source in sources:
            present = weights[source]
            for tried in _tries(float(present), LEAST_WEIGHTS[source]):
                candidate = weights.copy()
                candidate[source] = tried
                value = mean_ndcg(rankings, candidate, k)
                if value > best + LEAST_GAIN:
                    weights, best = candidate, value
        if best <= before + LEAST_GAIN:
            break
    return _with(start, weights, k)


def _tries(present: float, least: float) -> list[float]:
    if present <= 0:
        return [REVIVAL]
    return sorted({max(present * step, least) for step in STEPS} - {present})


def _hits(rankings: Rankings, weights: NDArray[np.float64], k: float) -> NDArray[np.bool_]:
    score = (1.0 / (k + rankings.rank)) @ weights.astype(np.float32)
    top = np.argpartition(score, score.shape[1] - CUT, axis=1)[:, score.shape[1] - CUT :]
    top = np.take_along_axis(top, np.argsort(-np.take_along_axis(score, top, axis=1), axis=1, kind="stable"), axis=1)
    shown = np.take_along_axis(score, top, axis=1) > 0
    return np.take_along_axis(rankings.is_target, top, axis=1) & shown
