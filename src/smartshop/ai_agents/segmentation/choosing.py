"""How many segments: as many as hold when half of the customers are asked, and tell something of the other half.

For each number k the customers are cut into halves at random, several times, and each half is divided on its own.

- *Stability*: the adjusted Rand index between what the two halves' segments make of all customers whom both know for
  sure (Ben-Hur, Elisseeff & Guyon 2002; the index: Hubert & Arabie 1985).
- *Separation*: how much likelier a customer is under the other half's segments than without any, in nats
  (cross-validated likelihood, Smyth 2000), as a share of the most that any k reaches.

The k with the highest stability × separation² is chosen. Squared, because the first few, coarsest segments are always
the stablest, and merging two sorts of customers loses much of what could be told.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.mixture import Mixture, likelihood, membership_of, scores

Fit = Callable[[NDArray[np.float32], "scipy.sparse.csr_array", int, np.random.Generator], Mixture]
"""Points, signs, k, rng → segments."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What came of one k."""

    k: int
    stability: float
    """0 to 1 (below 0: worse than chance)."""
    gain: float
    """Nats per customer of the half that was not learned from."""
    smallest: float
    """Share of customers in the smallest segment; the mean over halves."""


def try_numbers(
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    numbers: range,
    fit: Fit,
    *,
    cuts: int,
    sure: float,
    rng: np.random.Generator,
) -> list[Choice]:
    """Stability and gain of each k; every k gets the same halves. `sure`: least membership to be compared."""
    n = len(points)
    halves = [np.split(rng.permutation(n), [n // 2]) for _ in range(cuts)]
    halves = [[np.sort(half) for half in pair] for pair in halves]
    return [_try_number(points, signs, k, fit, halves, sure, rng) for k in numbers]


def _try_number(
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    k: int,
    fit: Fit,
    halves: list[list[NDArray[np.intp]]],
    sure: float,
    rng: np.random.Generator,
) -> Choice:
    agreements: list[float] = []
    gains: list[float] = []
    smallest: list[float] = []
    for pair in halves:
        labels, are_sure = [], []
        for half, other in (pair, pair[::-1]):
            mixture = fit(points[half], signs[half], k, rng)
            found = scores(mixture, points, signs)
            shares = membership_of(found)
            mine: NDArray[np.intp] = shares.argmax(axis=1)
            labels.append(mine)
            are_sure.append(shares.max(axis=1) >= sure)
            gains.append(_gain(mixture, found[other], points[other]))
            smallest.append(float(np.min(np.bincount(mine, minlength=k))) / len(points))
        compared = are_sure[0] & are_sure[1]
        agreements.append(adjusted_rand(labels[0][compared], labels[1][compared]))
    return Choice(k, float(np.mean(agreements)), float(np.mean(gains)), float(np.mean(smallest)))


def _gain(mixture: Mixture, found: NDArray[np.float64], points: NDArray[np.float32]) -> float:
    """Mean log-likelihood over that of the whole shop as one segment."""
    z = points.astype(np.float64)
    squares = (z * z).sum(axis=1)
    if mixture.taste_weight:
        about_mean = mixture.habit_weight / 2 * (squares.mean() - (z.mean(axis=0) ** 2).sum())
        return float((likelihood(found) - mixture.habit_weight / 2 * squares).mean() + about_mean)
    used = max(1, int(np.count_nonzero(points.any(axis=0))))
    whole = max(z[:, z.any(axis=0)].var(axis=0).mean() if z.any() else 1.0, 1e-6)
    inside = likelihood(found) - mixture.habit_weight / 2 * squares - np.log(len(mixture))
    return float(inside.mean() + used / 2 * (np.log(mixture.habit_weight) + np.log(whole) + 1))


def best_choice(choices: list[Choice], *, present: int | None, clearly: float, least_share: float) -> Choice | None:
    """The best k; the `present` one unless another is better by the factor `clearly`.

    None when no k tells anything, or every one makes a segment below `least_share` of the customers.
    """
    usable = [choice for choice in choices if choice.smallest >= least_share and choice.gain > 0]
    if not usable:
        return None
    most = max(choice.gain for choice in usable)

    def worth(choice: Choice) -> float:
        bonus = clearly if choice.k == present else 1.0
        return max(choice.stability, 0.0) * (choice.gain / most) ** 2 * bonus

    return max(usable, key=worth)


def adjusted_rand(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Agreement of two partitions of the same customers: 1 the same, 0 by chance (Hubert & Arabie 1985).

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    """
    if len(one) == 0:
        return 0.0
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one, other), 1)
    pairs = (table * (table - 1)).sum() / 2
    rows, columns = (np.sum(side * (side - 1)) / 2 for side in (table.sum(axis=1), table.sum(axis=0)))
    every = len(one) * (len(one) - 1) / 2
    expected = rows * columns / max(every, 1)
    most = (rows + columns) / 2
    # Both put everybody into one segment: they agree, but it says nothing.
    return float((pairs - expected) / (most - expected)) if most > expected else 0.0
