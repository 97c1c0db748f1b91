"""The search for the weights of a rank blend: coordinate ascent on NDCG@10, smoothed over resampled questions. Pure.

A question none of whose targets stands in any list scores nought under every mix, so only the others are worked on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.blend import BlendConfig
from smartshop.ai_agents.recommendation.metrics import CUT
from smartshop.ai_agents.recommendation.sources import HANDED_ON, SOURCES

Numbers = NDArray[np.int32]
Weights = NDArray[np.float64]

STEPS = (0.0, 0.25, 0.5, 0.7, 1.4, 2.0, 4.0)
"""Each weight in turn is tried at these multiples of itself; a weight of 0 is tried at `REVIVAL` of the greatest."""
REVIVAL = 0.1
K_CHOICES = (0.5, 2.0, 5.0, 10.0, 30.0, 100.0)
ROUNDS = 5
FOLLOWER = 0.05
"""Weight of the others where one source leads."""
AGAIN = SOURCES.index("buy_again")
LEAST_WEIGHT = 0.01
"""Of each source, the loudest having 1, but of buying again: a shop that so far only sent orders will send clicks one
day, and its pages must answer them from the first."""
LEAST_GAIN = 3e-4
"""Of NDCG: a change that gains less is noise and is not taken."""
RESAMPLES = 6
"""Searches over resampled questions whose mean is taken: a weight that a few shoppers made is drawn back."""
SURE = 2.0
"""Standard errors by which one source's lead must be ahead of the start before the search begins from there."""
START_IS_WORTH = 50
"""Answerable questions that the start's weights are worth beside those found: a few hundred hits are mostly noise."""
EVERY_SOURCE = frozenset(SOURCES) - HANDED_ON


@dataclass(frozen=True, slots=True)
class Rankings:
    """The sources' lists for the q questions that any of them can answer: C products each, with their ranks."""

    rank: NDArray[np.float32]
    """(n_sources, q, C): from 1; infinite where the source does not name the product."""
    is_target: NDArray[np.bool_]
    """(q, C)"""
    ideal: NDArray[np.float64]
    """(q,): the discounted gain of a perfect list."""
    n_questions: int
    """Asked altogether: means are taken over these."""


def rank_sources(lists: Sequence[Sequence[Numbers]], targets: Sequence[Numbers]) -> Rankings:
    """Line the lists up in one block. `lists`: per question one list per source of `SOURCES`; `targets`: ≥ 1 each."""
    unions = [np.unique(np.concatenate(each)) for each in lists]
    answers = [np.isin(union, wanted) for union, wanted in zip(unions, targets, strict=True)]
    kept = [number for number, answer in enumerate(answers) if answer.any()]
    width = max((len(unions[number]) for number in kept), default=0)
    rank = np.full((len(SOURCES), len(kept), max(width, CUT)), np.inf, np.float32)
    is_target = np.zeros(rank.shape[1:], np.bool_)
    for place, number in enumerate(kept):
        for source, found in enumerate(lists[number]):
            rank[source, place, np.searchsorted(unions[number], found)] = np.arange(1, len(found) + 1)
        is_target[place, : len(answers[number])] = answers[number]
    perfect = np.cumsum(_discount())
    sizes = np.array([min(len(targets[number]), CUT) for number in kept], np.int64)
    return Rankings(rank=rank, is_target=is_target, ideal=perfect[sizes - 1], n_questions=len(lists))


def mean_ndcg(rankings: Rankings, weights: Weights, k: float) -> float:
    """NDCG@10 of the blend with these weights, (n_sources,)."""
    return float(_gains(rankings, _score(rankings, weights, k)).sum()) / max(rankings.n_questions, 1)


def find_mix(rankings: Rankings, start: BlendConfig, sources: frozenset[str] = EVERY_SOURCE) -> BlendConfig:
    """Weights and k with the best NDCG@10, searched from the start or from one source's lead that is surely higher.

    Only `sources` have a weight. The search is made once on all questions and then, from where it ended, on resamples
    of them; the mean of what they find (Breiman 1996, of a search instead of a predictor) is drawn back towards where
    the search began, the more the fewer questions could be answered.
    """
    usable = [number for number, source in enumerate(SOURCES) if source in sources]
    weights = np.zeros(len(SOURCES))
    weights[usable] = np.array(start.weights_of(SOURCES))[usable]
    if not rankings.rank.shape[1]:
        return _with(start, weights, start.k, usable)
    heard = [source for source in usable if np.isfinite(rankings.rank[source]).any()]
    begun, k = _best_start(rankings, weights, start.k, heard)
    everyone = np.ones(rankings.rank.shape[1])
    weights, k = _climb(rankings, everyone, begun, k, heard, K_CHOICES)
    rng = np.random.default_rng(0)
    chances = np.full(rankings.n_questions, 1 / rankings.n_questions)
    total = np.zeros(len(SOURCES))
    for _ in range(RESAMPLES):
        drawn = rng.multinomial(rankings.n_questions, chances)[: len(everyone)].astype(np.float64)
        found, _ = _climb(rankings, drawn, weights, k, heard, ())
        total += found / found.sum()
    trust = len(everyone) / (len(everyone) + START_IS_WORTH)
    mixed = trust * total / total.max() + (1 - trust) * begun / begun.max()
    return _with(start, mixed, k, usable)


def _discount() -> NDArray[np.float64]:
    return 1.0 / np.log2(np.arange(2, CUT + 2))


def _with(config: BlendConfig, weights: Weights, k: float, usable: Sequence[int]) -> BlendConfig:
    """The loudest source at 1, so that mixes can be compared and scores have one scale."""
    scaled = weights / max(float(weights.max(initial=0.0)), 1e-12)
    least = [LEAST_WEIGHT if number in usable and number != AGAIN else 0.0 for number in range(len(SOURCES))]
    scaled = np.maximum(scaled, least)
    weighed = zip(SOURCES, scaled, strict=True)
    named = {source: round(float(weight), 4) for source, weight in weighed if source in EVERY_SOURCE}
    return msgspec.structs.replace(config, weights=named, k=k)


def _best_start(rankings: Rankings, default: Weights, k: float, heard: Sequence[int]) -> tuple[Weights, float]:
    starts = [default]
    for leader in heard:
        weights = np.where(default > 0, FOLLOWER, 0.0)
        weights[leader] = 1.0
        starts.append(weights)
    _, _, place, best_k = max(
        (mean_ndcg(rankings, weights, choice), -place, place, choice)
        for place, weights in enumerate(starts)
        for choice in K_CHOICES
    )
    gain = _gains(rankings, _score(rankings, starts[place], best_k)) - _gains(rankings, _score(rankings, default, k))
    mean = gain.sum() / rankings.n_questions
    error = np.sqrt(max(float(gain @ gain) / rankings.n_questions - mean**2, 0.0) / rankings.n_questions)
    return (starts[place], best_k) if mean > SURE * error else (default, k)


def _climb(
    rankings: Rankings,
    counted: NDArray[np.float64],
    weights: Weights,
    k: float,
    heard: Sequence[int],
    k_choices: Sequence[float],
) -> tuple[Weights, float]:
    """Coordinate ascent: first k, then each weight in turn, until a round gains nothing.

    `counted`: (q,), how often each question counts.
    """
    weights = weights.copy()

    def value_of(score: NDArray[np.float32]) -> float:
        return float(_gains(rankings, score) @ counted) / rankings.n_questions

    best = value_of(_score(rankings, weights, k))
    for _ in range(ROUNDS):
        before = best
        for choice in k_choices:
            value = value_of(_score(rankings, weights, choice))
            if value > best + LEAST_GAIN:
                k, best = choice, value
        inverse = _inverse(rankings, k)
        score = np.tensordot(weights.astype(np.float32), inverse, 1)
        for source in heard:
            loudest = float(weights.max())
            least = 0.0 if source == AGAIN else LEAST_WEIGHT * loudest
            tries = _tries(float(weights[source]), least, loudest)
            best, found = _best_of(value_of, score, inverse[source], float(weights[source]), tries, best)
            score = score + np.float32(found - weights[source]) * inverse[source]
            weights[source] = found
        if best <= before + LEAST_GAIN:
            break
    return weights, k


def _best_of(
    value_of: Callable[[NDArray[np.float32]], float],
    score: NDArray[np.float32],
    inverse: NDArray[np.float32],
    present: float,
    tries: Sequence[float],
    best: float,
) -> tuple[float, float]:
    """The best value and the weight of one source that gives it; the present one where nothing gains enough."""
    found = present
    for tried in tries:
        value = value_of(score + np.float32(tried - present) * inverse)
        if value > best + LEAST_GAIN:
            best, found = value, tried
    return best, found


def _tries(present: float, least: float, greatest: float) -> list[float]:
    if present <= 0:
        return [REVIVAL * greatest]
    return sorted({max(present * step, least) for step in STEPS} - {present})


def _inverse(rankings: Rankings, k: float) -> NDArray[np.float32]:
    return np.asarray(1.0 / (np.float32(k) + rankings.rank), np.float32)


def _score(rankings: Rankings, weights: Weights, k: float) -> NDArray[np.float32]:
    """(q, C)"""
    return np.tensordot(weights.astype(np.float32), _inverse(rankings, k), 1)


def _gains(rankings: Rankings, score: NDArray[np.float32]) -> NDArray[np.float64]:
    """(q,) NDCG@10 of these scores, (q, C)."""
    first = score.shape[1] - CUT
    top = np.argpartition(score, first, axis=1)[:, first:]
    shown = np.take_along_axis(score, top, axis=1)
    order = np.argsort(-shown, axis=1, kind="stable")
    hits = np.take_along_axis(rankings.is_target, np.take_along_axis(top, order, axis=1), axis=1)
    hits &= np.take_along_axis(shown, order, axis=1) > 0
    return np.asarray((hits * _discount()).sum(axis=1) / rankings.ideal)
