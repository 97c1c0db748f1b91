"""How good a list is, per question: the customary measures, each over the full catalogue, never sampled negatives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUT = 10
"""Places that count."""
SESSION_CUT = 20
"""The same where every step of a session is asked for, as is customary there."""


@dataclass(frozen=True, slots=True)
class Measures:
    """(n_questions,) float64 each."""

    hit_rate: NDArray[np.float64]
    """1 where any place holds a target."""
    ndcg: NDArray[np.float64]
    """Σ 1/log2(1 + place) over the hits, over the same sum of a perfect list (Järvelin & Kekäläinen 2002, binary
    gains)."""
    recall: NDArray[np.float64]
    """Hits over min(cut, number of targets)."""
    reciprocal_rank: NDArray[np.float64]
    """1 / place of the first hit, else 0."""


def measure(hits: NDArray[np.bool_], n_targets: NDArray[np.integer], cut: int = CUT) -> Measures:
    """`hits`: (n_questions, ≥ cut), whether each place of the list holds a target; `n_targets`: (n_questions,) ≥ 1."""
    head = hits[:, :cut]
    discount = 1.0 / np.log2(np.arange(2, head.shape[1] + 2))
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, cut + 2)))[np.minimum(n_targets, cut) - 1]
    return Measures(
        hit_rate=np.asarray(head.any(axis=1), np.float64),
        ndcg=(head * discount).sum(axis=1) / ideal,
        recall=head.sum(axis=1) / np.minimum(n_targets, cut),
        reciprocal_rank=np.where(head.any(axis=1), 1.0 / (head.argmax(axis=1) + 1), 0.0),
    )


@dataclass(frozen=True, slots=True)
class Interval:
    mean: float
    low: float
    high: float
    """95 %, by bootstrap."""


RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resamples of the shoppers behind a set of questions, drawn once, so that all intervals can be read side by side.

    A shopper's questions are always drawn together.
    """

    group: NDArray[np.intp]
    """(n_questions,): dense number of the shopper."""
    drawn: NDArray[np.float64]
    """(n_resamples, n_shoppers): how often each shopper is in each resample."""

    def interval(self, values: NDArray[np.float64]) -> Interval:
        """Mean of `values`, (n_questions,), with its 95 % percentile interval (Efron 1979).

        NaN stands for questions that have no value; without any value all is 0.
        """
        has_value = ~np.isnan(values)
        if not has_value.any():
            return Interval(0.0, 0.0, 0.0)
        sums = np.bincount(self.group, weights=np.where(has_value, values, 0.0), minlength=self.drawn.shape[1])
        counts = np.bincount(self.group, weights=has_value, minlength=self.drawn.shape[1])
        means = (self.drawn @ sums) / np.maximum(self.drawn @ counts, 1.0)
        low, high = np.quantile(means, (0.025, 0.975))
        return Interval(mean=float(values[has_value].mean()), low=float(low), high=float(high))


def draw_bootstrap(shopper: NDArray[np.integer], rng: np.random.Generator) -> Bootstrap:
    """`shopper`: (n_questions,), whose each question is."""
    shoppers, group = np.unique(shopper, return_inverse=True)
    if not len(shoppers):
        return Bootstrap(group=group, drawn=np.zeros((RESAMPLES, 0)))
    # Multinomial counts of a shopper in a resample, as weights: the same distribution without copying rows.
    chances = np.full(len(shoppers), 1 / len(shoppers))
    drawn = rng.multinomial(len(shoppers), chances, size=RESAMPLES).astype(np.float64)
    return Bootstrap(group=group, drawn=drawn)
