"""Logistic regression with a penalty, small enough to be read: plain numbers, no library where shoppers wait."""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_SPREAD = 1e-6
"""A column that varies less says nothing and gets no weight."""
MOST_LOG_ODDS = 30.0
MOST_STEPS = 50
LEAST_STEP = 1e-4
LEAST_GAIN = 1e-10
"""Relative to the loss: what is not worth another step."""
FAR_AWAY = 5.0
"""Inputs count as no farther from the usual than this many standard deviations: nothing is known beyond."""


class Logistic(msgspec.Struct, frozen=True, kw_only=True):
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    """Per standard deviation; 0 for a column that never varied."""
    intercept: float
    penalty: Annotated[float, Meta(ge=0)] = 0.0

    def log_odds(self, x: Array) -> Array:
        """(n, d) → (n,)."""
        z = np.clip((x - np.array(self.centre)) / np.array(self.scale), -FAR_AWAY, FAR_AWAY)
        return np.asarray(z @ np.array(self.weights) + self.intercept)


def fit_logistic(x: Array, y: NDArray[np.bool_], weight: Array, penalty: float, free: tuple[int, ...] = ()) -> Logistic:
    """Minimise Σ weight · logistic loss + penalty · Σ w², w per standard deviation, by Newton's method.

    The intercept and the columns `free` carry no penalty to speak of. x: (n, d), y and weight: (n,), n ≥ 1.
    """
    total = weight.sum()
    centre = weight @ x / total
    spread = np.sqrt(weight @ (x - centre) ** 2 / total)
    scale = np.where(spread > LEAST_SPREAD, spread, 1.0)
    used = spread > LEAST_SPREAD
    z = np.clip((x - centre) / scale, -FAR_AWAY, FAR_AWAY)
    z = np.column_stack([np.where(used, z, 0.0), np.ones(len(z))])
    ridge = np.full(z.shape[1], max(penalty, LEAST_SPREAD))
    ridge[[*free, -1]] = LEAST_SPREAD
    found = _newton(z, y.astype(np.float64), weight, ridge)
    return Logistic(
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(found[:-1].tolist()),
        intercept=float(found[-1]),
        penalty=penalty,
    )


def fit_best(
    x: Array,
    y: NDArray[np.bool_],
    weight: Array,
    whose: NDArray[np.int64],
    fold_of: NDArray[np.int64],
    penalties: tuple[float, ...],
    free: tuple[int, ...] = (),
) -> Logistic:
    """With the penalty that foretells customers left out of the fit best.

    A smaller penalty must be surely better than a greater one: in a small shop the best of several is the luckiest.
    `whose`: (n,) customer of each row; `fold_of`: by customer, 0, 1, …: all rows of one are left out together.
    """
    fold = fold_of[whose]
    ordered = sorted(penalties, reverse=True)
    chosen, least = ordered[0], _left_out(x, y, weight, fold, ordered[0], free)
    for penalty in ordered[1:]:
        losses = _left_out(x, y, weight, fold, penalty, free)
        if is_surely_less(losses, least, weight, whose):
            chosen, least = penalty, losses
    return fit_logistic(x, y, weight, chosen, free)


def log_losses(log_odds: Array, y: NDArray[np.bool_]) -> Array:
    """(n,) nats."""
    return np.asarray(np.logaddexp(0.0, log_odds) - y * log_odds)


def is_surely_less(losses: Array, others: Array, weight: Array, whose: NDArray[np.int64]) -> bool:
    """Whether the weighted mean is lower by more than its standard error, over the same (n,) rows.

    Rows of one customer (`whose`) say the same thing again: the error is taken over customers (cluster-robust, Liang &
    Zeger 1986).
    """
    gain, total = others - losses, max(float(weight.sum()), LEAST_SPREAD)
    mean = float(weight @ gain) / total
    by_customer = np.bincount(whose, weight * (gain - mean))
    return mean > float(np.sqrt(by_customer @ by_customer)) / total


def _left_out(
    x: Array, y: NDArray[np.bool_], weight: Array, fold: NDArray[np.int64], penalty: float, free: tuple[int, ...]
) -> Array:
    """(n,) loss of each row under the model fitted without its fold."""
    losses = np.zeros(len(y))
    for number in range(int(fold.max()) + 1):
        inside = fold != number
        if inside.any() and not inside.all():
            model = fit_logistic(x[inside], y[inside], weight[inside], penalty, free)
            losses[~inside] = log_losses(model.log_odds(x[~inside]), y[~inside])
    return losses


def chance(log_odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS))))


def _newton(z: Array, y: Array, weight: Array, ridge: Array) -> Array:
    """Damped where a whole step would not lower the loss."""
    theta = np.zeros(z.shape[1])

    def loss(at: Array) -> float:
        odds = z @ at
        return float(weight @ (np.logaddexp(0.0, odds) - y * odds) + 0.5 * ridge @ at**2)

    present = loss(theta)
    for _ in range(MOST_STEPS):
        p = chance(z @ theta)
        slope = z.T @ (weight * (p - y)) + ridge * theta
        curve = (z * (weight * p * (1 - p))[:, None]).T @ z + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        size, found = 1.0, loss(theta - step)
        while found > present and size > LEAST_STEP:
            size /= 2
            found = loss(theta - size * step)
        if found > present - LEAST_GAIN * (abs(present) + 1):
            break
        theta, present = theta - size * step, found
    return theta
