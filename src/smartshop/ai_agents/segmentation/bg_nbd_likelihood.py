"""The likelihood of purchase histories under BG/NBD and MBG/NBD, and where it is greatest (see bg_nbd.py)."""

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_EFFECT = 1.5
"""On ln(pace), per unit of z."""
LOG_BOUND = 12.0
"""Parameters stay within e^±12 in units of the mean time since the first purchase: no overflow."""
PRIOR_LOG = (-0.7, -0.7, -0.7, 0.7)
"""Centre of the weak prior on ln r, ln α (α in mean times since first purchase), ln a, ln b: what shops are like."""
PRIOR_SPREAD = 2.0
"""e-folds: parameters e² times smaller or greater cost half a unit of log-likelihood."""


class Likelihood:
    """The likelihood of a set of histories, and its slope. Gamma functions are taken once per distinct x."""

    def __init__(
        self,
        x: Array,
        t_x: Array,
        T: Array,  # noqa: N803
        weight: Array,
        chances_missed: int,
        z: Array | None = None,
    ) -> None:
        self.x, self.t_x, self.T, self.weight, self.z = x, t_x, T, weight, z
        self.counts, self.place = np.unique(x, return_inverse=True)
        self.count_weight = self._by_count(weight)
        self.chances = self.counts + chances_missed
        self.can_have_left = (x + chances_missed) > 0

    def by_customer(self, r: float, alpha: float, a: float, b: float) -> Array:
        """(n,) log-likelihood of each history, without weights, at the pace of the calendar."""
        by_count, gone_by_count = self._count_terms(r, alpha, a, b)
        alive, gone = self._time_terms(r, alpha + self.T, alpha + self.t_x, gone_by_count)
        return np.asarray(by_count[self.place] + np.logaddexp(alive, gone))

    def minimise(self, start: tuple[float, ...], prior: float, max_iterations: int) -> tuple[float, Array]:
        """(value, (ln r, ln α, ln a, ln b, effect)) at the minimum of minus the mean log-likelihood."""
        total = self.weight.sum()
        centre = np.array([*PRIOR_LOG, 0.0])

        def loss(theta: Array) -> tuple[float, Array]:
            value, slope = self._value_and_slope(theta)
            off = (theta - centre) / PRIOR_SPREAD
            return (
                (-value + prior * 0.5 * float(off @ off)) / total,
                (-slope + prior * off / PRIOR_SPREAD) / total,
            )

        found = scipy.optimize.minimize(
            loss,
            np.array([*start, 0.0]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-LOG_BOUND, LOG_BOUND)] * 4 + [(-MOST_EFFECT, MOST_EFFECT) if self.z is not None else (0.0, 0.0)],
            options={"maxiter": max_iterations, "ftol": 1e-14, "gtol": 1e-9},
        )
        return float(found.fun), np.asarray(found.x, np.float64)

    def _by_count(self, weight: Array) -> Array:
        return np.bincount(self.place, weight, len(self.counts)).astype(np.float64)

    def _count_terms(self, r: float, alpha: float, a: float, b: float) -> tuple[Array, Array]:
        """What depends on x alone: of the whole, and of having left after the last purchase."""
        gammaln, betaln = scipy.special.gammaln, scipy.special.betaln
        whole = gammaln(r + self.counts) - gammaln(r) + r * np.log(alpha)
        whole = whole + betaln(a, b + self.chances) - betaln(a, b)
        return whole, np.log(a) - np.log(b + np.maximum(self.chances, 1) - 1)

    def _time_terms(self, r: float, until_now: Array, until_last: Array, gone_by_count: Array) -> tuple[Array, Array]:
        """Of being alive still and of having left after the last purchase; α + T and α + t_x are given."""
        shape = r + self.x
        gone = gone_by_count[self.place] - shape * np.log(until_last)
        return -shape * np.log(until_now), np.where(self.can_have_left, gone, -np.inf)

    def _value_and_slope(self, theta: Array) -> tuple[float, Array]:
        """Weighted log-likelihood, and its derivatives by (ln r, ln α, ln a, ln b, effect)."""
        r, alpha, a, b = np.exp(theta[:4])
        pace = np.exp(theta[4] * self.z) if self.z is not None else 1.0
        until_now, until_last = alpha + pace * self.T, alpha + pace * self.t_x
        by_count, gone_by_count = self._count_terms(r, alpha, a, b)
        alive, gone = self._time_terms(r, until_now, until_last, gone_by_count)
        both = np.logaddexp(alive, gone)
        value = float(self.weight @ (by_count[self.place] + both))
        was_gone = np.exp(gone - both) * self.weight
        was_alive = self.weight - was_gone
        shape, psi = r + self.x, scipy.special.psi
        slope_r = self.count_weight @ (psi(r + self.counts) - psi(r) + np.log(alpha))
        slope_r -= was_alive @ np.log(until_now) + was_gone @ np.log(until_last)
        held_now, held_last = was_alive * shape / until_now, was_gone * shape / until_last
        slope_alpha = self.weight.sum() * r / alpha - held_now.sum() - held_last.sum()
        slope_effect = 0.0
        if self.z is not None:
            # Density over calendar time: each repeat purchase brings one factor of pace.
            value += theta[4] * float(self.weight @ (self.x * self.z))
            passed = held_now * pace * self.T + held_last * pace * self.t_x
            slope_effect = float(self.z @ (self.weight * self.x - passed))
        slope_a, slope_b = self._leaving_slopes(a, b, self._by_count(was_gone))
        return value, np.array([slope_r * r, slope_alpha * alpha, slope_a * a, slope_b * b, slope_effect])

    def _leaving_slopes(self, a: float, b: float, gone: Array) -> tuple[float, float]:
        """Derivatives by a and b; `gone`: weight of those who left, per distinct x."""
        psi = scipy.special.psi
        staying = psi(a + b) - psi(a + b + self.chances)
        slope_a = self.count_weight @ staying + gone.sum() / a
        slope_b = self.count_weight @ (staying + psi(b + self.chances) - psi(b))
        return float(slope_a), float(slope_b - gone @ (1 / (b + np.maximum(self.chances, 1) - 1)))


def distinct_rows(*columns: Array) -> tuple[list[Array], NDArray[np.intp], NDArray[np.int64]]:
    """The distinct rows of n-long columns, the place of each row among them (n,), and how often each occurs.

    What `np.unique(axis=0)` does, ten times faster.
    """
    if len(columns[0]) <= 1:
        n = len(columns[0])
        return list(columns), np.zeros(n, np.intp), np.ones(n, np.int64)
    rank = np.lexsort(columns[::-1])
    ordered = [column[rank] for column in columns]
    begins = np.r_[True, np.any([column[1:] != column[:-1] for column in ordered], axis=0)]
    place = np.empty(len(rank), np.intp)
    place[rank] = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    return [column[first] for column in ordered], place, np.diff(np.r_[first, len(rank)])
