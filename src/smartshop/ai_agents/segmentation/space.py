"""Where customers lie: their habits on a frozen scale, and what they leaned to as signs by topic.

Both are fitted once and kept over refits, so that a customer who does nothing stays where they were.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.feature_list import FEATURES

CLIP = 4.0
"""Spreads from the middle beyond which more of the same says nothing more: one giant order is no segment."""
TAIL = 0.01
"""Share at either end that the scale is learned without."""
LEAST_SPREAD = 1e-6
"""A column that varies less is constant and says nothing."""
HABIT_COLUMNS: tuple[bool, ...] = tuple(feature.clusters for feature in FEATURES)
"""Which columns of `Features.x` are habits; the others move with the calendar alone."""


class Behaviour(Protocol):
    """What is known of n customers; `features.Features` is one."""

    @property
    def x(self) -> NDArray[np.float64]:
        """(n, d), NaN where a feature does not apply."""
        ...

    @property
    def taste(self) -> "scipy.sparse.csr_array":
        """(n, t) ≥ 0: weighted signs by topic."""
        ...

    @property
    def evidence(self) -> NDArray[np.float32]:
        """(n,) signs and order lines."""
        ...


@dataclass(frozen=True, slots=True)
class Space:
    """A frozen scale for d features and the shop's average over t topics."""

    middle: NDArray[np.float64]
    """(d,)"""
    spread: NDArray[np.float64]
    """(d,) infinite for columns that are left out or constant."""
    background: NDArray[np.float64]
    """(t,) the shop's share of each topic, summing to 1; empty where there are no topics."""


def fit_space(behaviour: Behaviour, *, columns: tuple[bool, ...] | None = None) -> Space:
    """Learn the scale: mean and standard deviation of each column, its outermost hundredths drawn in (winsorised).

    `columns` (d,) says which to use; None is all of them.
    """
    x = behaviour.x
    middle, spread = np.zeros(x.shape[1]), np.full(x.shape[1], np.inf)
    for place in range(x.shape[1]):
        known = x[np.isfinite(x[:, place]), place]
        if len(known) == 0 or (columns is not None and not columns[place]):
            continue
        drawn_in = np.clip(known, *np.quantile(known, (TAIL, 1 - TAIL)))
        middle[place] = drawn_in.mean()
        if drawn_in.std() > LEAST_SPREAD * max(1.0, abs(middle[place])):
            spread[place] = drawn_in.std()
    return Space(middle=middle, spread=spread, background=_background(behaviour.taste))


def points(space: Space, x: NDArray[np.float64]) -> NDArray[np.float32]:
    """Where customers lie: (n, d) float32 in spreads from the middle; 0 where a feature does not apply."""
    with np.errstate(invalid="ignore"):
        scaled = np.clip((x - space.middle) / space.spread, -CLIP, CLIP)
    return np.nan_to_num(scaled, copy=False).astype(np.float32)


def signs(taste: "scipy.sparse.csr_array") -> "scipy.sparse.csr_array":
    """Square roots of the signs by topic, (n, t) float32.

    Interest comes in bursts (one basket, ten candles): the tenth sign of a topic says less than the first. The root
    makes the spread of such counts even (Bartlett 1936).
    """
    rooted = scipy.sparse.csr_array(taste, dtype=np.float32, copy=True)
    rooted.data = np.sqrt(np.maximum(rooted.data, 0.0))
    return rooted


def is_used(space: Space) -> NDArray[np.bool_]:
    """(d,) which features have a say."""
    return np.isfinite(space.spread)


def _background(taste: "scipy.sparse.csr_array") -> NDArray[np.float64]:
    total = np.asarray(signs(taste).sum(axis=0), np.float64).ravel()
    if not total.sum():
        return np.full(len(total), 1.0 / max(len(total), 1))
    # A topic nobody has touched yet is not impossible.
    total += total.sum() / len(total) * 1e-3
    return np.asarray(total / total.sum(), np.float64)
