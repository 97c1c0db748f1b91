"""How many segments: as many as hold when half of the customers are asked, and tell most of customers not asked.

For each number k,

- *Stability*: the customers are cut into halves at random, several times, and each half is divided on its own; the
  adjusted Rand index between what the two halves' segments make of all customers whom both know for sure (Ben-Hur,
  Elisseeff & Guyon 2002; the index: Hubert & Arabie 1985).
- *Separation*: how much likelier customers are under the segments than without any, in nats, each fifth of them under
  the segments of the other four fifths (cross-validated likelihood, Smyth 2000), as a share of the most any k reaches.

The k with the highest stability × separation³ is chosen. Separation leads, because the coarsest segments are always
the stablest, and two sorts of customers in one segment lose more than one sort in two.
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
    """Nats per customer who was not learned from."""
    smallest: float
    """Share of customers in the smallest segment, the mean over fits."""
    agreements: tuple[float, ...] = ()
    """Stability at each of the cuts; the same cuts for every k."""


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
    """Stability and gain of each k; every k gets the same cuts. `sure`: least membership to be compared."""
    everybody = np.arange(len(points))
    halves = [_parts(rng, len(points), 2) for _ in range(cuts)]
    folds = [(np.setdiff1d(everybody, fold), fold) for fold in _parts(rng, len(points), FOLDS)]
    choices = []
    for k in numbers:

        def learn(rows: NDArray[np.intp], k: int = k) -> tuple[Mixture, NDArray[np.float64]]:
            mixture = fit(points[rows], signs[rows], k, rng)
            return mixture, scores(mixture, points, signs)

        told = [(learn(others), fold) for others, fold in folds]
        gain = np.mean([_gain(mixture, found[fold], points[fold]) for (mixture, found), fold in told])
        smallest = np.mean([np.min(np.bincount(found.argmax(axis=1), minlength=k)) for (_, found), _ in told])
        agreements = [_agreement([learn(half)[1] for half in pair], sure) for pair in halves]
        choices.append(
            Choice(k, float(np.mean(agreements)), float(gain), float(smallest / len(points)), tuple(agreements))
        )
    return choices


FOLDS = 5
"""Parts of the customers that are told by the others."""


def _parts(rng: np.random.Generator, n: int, count: int) -> list[NDArray[np.intp]]:
    return [np.sort(part) for part in np.array_split(rng.permutation(n), count)]


def _agreement(pair: list[NDArray[np.float64]], sure: float) -> float:
    """Adjusted Rand index between two mixtures' scores (n, k), over customers whom both know for sure."""
    shares = [membership_of(found) for found in pair]
    compared = (shares[0].max(axis=1) >= sure) & (shares[1].max(axis=1) >= sure)
    one, other = (share[compared].argmax(axis=1) for share in shares)
    return adjusted_rand(one, other)


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
    """The best k; the `present` one unless another is better by the factor `clearly`, and surely so.

    None when no k tells anything, or every one makes a segment below `least_share` of the customers.
    """
    usable = [choice for choice in choices if choice.smallest >= least_share and choice.gain > 0]
    if not usable:
        return None
    most = max(choice.gain for choice in usable)
    best = max(usable, key=lambda choice: _worth(choice, most, choice.stability))
    kept = next((choice for choice in usable if choice.k == present), None)
    if kept is None or best is kept:
        return best
    is_clear = _worth(best, most, best.stability) > clearly * _worth(kept, most, kept.stability)
    return best if is_clear and _is_surely_better(best, kept, most) else kept


def _worth(choice: Choice, most: float, stability: float) -> float:
    return max(stability, 0.0) * (choice.gain / most) ** 3


SURE_ERRORS = 3.0
"""Standard errors by which another number must win: with five cuts about one time in fifty by chance (Student's t)."""


def _is_surely_better(other: Choice, kept: Choice, most: float) -> bool:
    """Whether `other` is worth more at the same cuts by more than chance: customers of a small shop divide now so, now
    so.
    """
    pairs = zip(other.agreements, kept.agreements, strict=True)
    apart = np.array([_worth(other, most, one) - _worth(kept, most, two) for one, two in pairs])
    if len(apart) < 2:
        return True
    return bool(apart.mean() > SURE_ERRORS * apart.std(ddof=1) / len(apart) ** 0.5)


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
