"""How many more times a customer will buy: BG/NBD (Fader, Hardie & Lee 2005), and its kin MBG/NBD.

While alive a customer buys at a rate λ ~ Gamma(r, α) and leaves after a purchase with chance p ~ Beta(a, b). In BG/NBD
nobody leaves after the very first purchase; in MBG/NBD (Batislam, Denizel & Filiztekin 2007) some do: `chances_missed`
is 0 or 1, the number of chances to leave beyond the repeat purchases. Everything below follows for both from

    alive at T:  λ ~ Gamma(r + x, α + T),  p ~ Beta(a, b + x + chances_missed), independent.

Something known of customers, z, may set their pace: a customer's clock runs e^(effect·z) times as fast as the calendar
(which is a regression on the scale α of the rate). All functions but the fit take times and horizons on that clock.
"""

from typing import Annotated

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

Array = NDArray[np.float64]
Horizon = float | Array
"""One for all, or (n,) one for each."""

MOST_EFFECT = 1.5
"""On ln(pace), per unit of z."""
LOG_BOUND = 12.0
"""Parameters stay within e^±12 in units of the mean time since the first purchase: no overflow."""
RUNAWAY = 8.0
"""Beyond e^±8 a parameter says "no difference between customers" or "never": the data do not determine it."""
PRIOR_LOG = (-0.7, -0.7, -0.7, 0.7)
"""Centre of the weak prior on ln r, ln α (α in mean times since first purchase), ln a, ln b: what shops are like."""
PRIOR_SPREAD = 2.0
"""e-folds: parameters e² times smaller or greater cost half a unit of log-likelihood."""
STARTS = ((-0.7, -0.7, -0.7, 0.7), (0.0, 0.0, 0.0, 0.0), (-1.5, -2.0, -2.0, 0.5), (1.5, 0.5, -1.0, 2.0))
"""ln (r, α, a, b), α in mean times since the first purchase."""
NUDGE = 1e-4
"""Formulas with a removable 0/0 (a = 1) are taken this far on both sides of it; the error is of its square."""


class BgNbdConfig(msgspec.Struct, frozen=True, kw_only=True):
    most_cells: Annotated[int, Meta(ge=1_000, le=2_000_000)] = 100_000
    """Distinct (x, t_x, T) in a fit; above it customers are drawn at random until this many are left."""
    max_iterations: Annotated[int, Meta(ge=10, le=10_000)] = 500


class BgNbd(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters; α is in the unit of the times given (days in the shop, weeks in the published examples)."""

    r: float
    alpha: float
    a: float
    b: float
    chances_missed: int = 0
    """0: BG/NBD. 1: MBG/NBD."""
    effect: float = 0.0
    """On ln(pace), per unit of z."""
    penalised: bool = False
    """The data were degenerate (all alike, nobody came back, …) and a weak prior decided."""


def fit_bg_nbd(
    x: Array,
    t_x: Array,
    T: Array,  # noqa: N803  # the literature's name
    *,
    z: Array | None = None,
    chances_missed: int = 0,
    config: BgNbdConfig,
    rng: np.random.Generator,
) -> BgNbd:
    """Maximum likelihood over (n,) customers, n ≥ 1, from several starts; a weak prior only on degenerate data.

    Times are the calendar's; `z` (n,), of few distinct values and around one in size, may set the pace.
    """
    (x, t_x, T, known), weight = _cells((x, t_x, T, np.zeros(len(x)) if z is None else z), config, rng)  # noqa: N806
    scale = float(np.average(T, weights=weight)) or 1.0
    problem = _Problem(x, t_x / scale, T / scale, weight, chances_missed, known if z is not None else None)
    found = min((problem.minimise(start, 0.0, config) for start in STARTS), key=lambda end: end[0])
    runaway = not np.isfinite(found[0]) or bool(np.any(np.abs(found[1][:4]) > RUNAWAY))
    if runaway:
        found = min((problem.minimise(start, 1.0, config) for start in STARTS), key=lambda end: end[0])
    r, alpha, a, b = (float(value) for value in np.exp(found[1][:4]))
    return BgNbd(
        r=r,
        alpha=alpha * scale,
        a=a,
        b=b,
        chances_missed=chances_missed,
        effect=float(found[1][4]),
        penalised=runaway,
    )


def log_likelihood(params: BgNbd, x: Array, t_x: Array, T: Array) -> Array:  # noqa: N803
    """(n,) log-likelihood of each customer's history (Fader, Hardie & Lee 2005, eq. 3, in logs)."""
    problem = _Problem(x, t_x, T, np.ones(len(x)), params.chances_missed)
    return problem.log_likelihood(params)


def p_alive(params: BgNbd, x: Array, t_x: Array, T: Array) -> Array:  # noqa: N803
    """(n,) chance that the customer has not left (Fader, Hardie & Lee 2005 with Fader & Hardie 2008's note)."""
    chances = x + params.chances_missed
    silence = np.log1p(np.maximum(T - t_x, 0.0) / (params.alpha + t_x))
    log_odds_gone = np.log(params.a) - np.log(params.b + np.maximum(chances, 1) - 1) + (params.r + x) * silence
    return np.where(chances > 0, scipy.special.expit(-log_odds_gone), 1.0)


def expected_purchases(params: BgNbd, x: Array, t_x: Array, T: Array, horizon: Horizon) -> Array:  # noqa: N803
    """(n,) expected purchases within the next `horizon` units of time (Fader, Hardie & Lee 2005, eq. 10)."""
    return p_alive(params, x, t_x, T) * expected_while_alive(params, x, T, horizon)


def expected_while_alive(params: BgNbd, x: Array, T: Array, horizon: Horizon) -> Array:  # noqa: N803
    """(n,) expected purchases of a customer who has not left yet.

    By Euler's transformation of the published ₂F₁(r+x, b+x; a+b+x−1; z), which overflows for frequent buyers, with
    z = t/(α+T+t); here only the third argument grows with x:

        (a+b+x−1)/(a−1) · [1 − (1−z)^(a−1) ₂F₁(a+b−1−r, a−1; a+b+x−1; z)].
    """
    # It depends on x, T and horizon alone, of which many customers share the same.
    (seen_x, seen_T, horizon), place, _ = distinct_rows(x, T, np.broadcast_to(horizon, x.shape))  # noqa: N806
    shape, rate = params.r + seen_x, params.alpha + seen_T
    b = params.b + seen_x + params.chances_missed
    z = horizon / (rate + horizon)
    if abs(params.a - 1) < NUDGE:
        low, high = (_renewals(shape, 1 + side * NUDGE, b, z) for side in (-1, 1))
        share = (params.a - 1 + NUDGE) / (2 * NUDGE)
        renewals = (1 - share) * low + share * high
    else:
        renewals = _renewals(shape, params.a, b, z)
    # Leaving can only lower what a Poisson buyer would buy, and a first purchase is always possible.
    most = shape * horizon / rate
    least = -np.expm1(shape * np.log1p(-z))
    exact = np.where(np.isfinite(renewals), renewals, least)
    return np.asarray(np.clip(exact, np.minimum(least, most), most)[place])


def purchase_count_tail(
    params: BgNbd,
    x: Array,
    t_x: Array,
    T: Array,  # noqa: N803
    horizon: Horizon,
    at_least: Array,
) -> Array:
    """(n,) chance of at least so many purchases within the horizon: P(Y ≥ y), y (n,) or a number.

    The y-th purchase needs y arrivals and to have stayed after each of the y − 1 before:
    P(alive) · B(a, b'+y−1)/B(a, b') · I_z(y, r+x), b' = b + x + chances_missed, z = t/(α+T+t). Summed over y ≥ 1 it is
    the expectation.
    """
    y = np.maximum(np.asarray(at_least, np.float64), 0.0)
    b = params.b + x + params.chances_missed
    stayed = np.exp(_log_beta_step(params.a, b, np.maximum(y, 1) - 1))
    arrived = scipy.special.betainc(np.maximum(y, 1), params.r + x, horizon / (params.alpha + T + horizon))
    return np.where(y < 1, 1.0, p_alive(params, x, t_x, T) * stayed * arrived)


def purchase_count_quantile(
    params: BgNbd,
    x: Array,
    t_x: Array,
    T: Array,  # noqa: N803
    horizon: Horizon,
    level: float,
) -> NDArray[np.int64]:
    """(n,) the least count y with P(Y ≤ y) ≥ level, exactly, by doubling and halving; 0 < level < 1."""

    def enough(y: Array) -> NDArray[np.bool_]:
        return purchase_count_tail(params, x, t_x, T, horizon, y + 1) <= 1 - level

    low, high = np.full(len(x), -1.0), np.zeros(len(x))
    while not (reached := enough(high)).all():
        low = np.where(reached, low, high)
        high = np.where(reached, high, 2 * high + 1)
    while bool((high - low > 1).any()):
        middle = np.floor((low + high) / 2)
        below = (high - low > 1) & enough(middle)
        low, high = np.where(below | (high - low <= 1), low, middle), np.where(below, middle, high)
    return high.astype(np.int64)


def next_purchase_median(params: BgNbd, x: Array, t_x: Array, T: Array) -> Array:  # noqa: N803
    """(n,) time within which the next purchase comes with a chance of one half; inf where it rather never comes."""
    alive = p_alive(params, x, t_x, T)
    with np.errstate(divide="ignore", over="ignore"):
        late = np.log1p(-0.5 / np.maximum(alive, 0.5))
        wait = (params.alpha + T) * np.expm1(-late / (params.r + x))
    return np.where(alive > 0.5, wait, np.inf)


def distinct_rows(*columns: Array) -> tuple[list[Array], NDArray[np.intp], NDArray[np.int64]]:
    """The distinct rows of n-long columns, the place of each row among them (n,), and how often each occurs.

    What `np.unique(axis=0)` does, ten times faster.
    """
    if not len(columns[0]):
        return list(columns), np.zeros(0, np.intp), np.zeros(0, np.int64)
    rank = np.lexsort(columns[::-1])
    ordered = [column[rank] for column in columns]
    begins = np.r_[True, np.any([column[1:] != column[:-1] for column in ordered], axis=0)]
    place = np.empty(len(rank), np.intp)
    place[rank] = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    return [column[first] for column in ordered], place, np.diff(np.r_[first, len(rank)])


def _renewals(shape: Array, a: float, b: Array, z: Array) -> Array:
    """The expectation while alive, for a ≠ 1; b is what Beta(a, b) holds after the history."""
    c = a + b - 1
    # ₂F₁ has a pole at c = 0 that the factor c before it takes away.
    c = np.where(np.abs(c) < NUDGE * NUDGE, NUDGE * NUDGE, c)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        gone = np.exp((a - 1) * np.log1p(-z)) * scipy.special.hyp2f1(c - shape, a - 1, c, z)
        return np.asarray(c / (a - 1) * (1 - gone))


def _log_beta_step(a: float, b: Array, steps: Array) -> Array:
    """ln B(a, b + steps) − ln B(a, b)."""
    return np.asarray(scipy.special.betaln(a, b + steps) - scipy.special.betaln(a, b))


def _cells(histories: tuple[Array, ...], config: BgNbdConfig, rng: np.random.Generator) -> tuple[list[Array], Array]:
    """Distinct histories and how many customers have each."""
    columns, _, count = distinct_rows(*histories)
    if len(count) > config.most_cells:
        drawn = rng.choice(len(histories[0]), size=config.most_cells, replace=False)
        columns, _, count = distinct_rows(*(column[drawn] for column in histories))
    return columns, count.astype(np.float64)


class _Problem:
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

    def log_likelihood(self, params: BgNbd) -> Array:
        by_count, gone_by_count = self._count_terms(params.r, params.alpha, params.a, params.b)
        alive, gone = self._time_terms(params.r, params.alpha + self.T, params.alpha + self.t_x, gone_by_count)
        return np.asarray(by_count[self.place] + np.logaddexp(alive, gone))

    def minimise(self, start: tuple[float, ...], prior: float, config: BgNbdConfig) -> tuple[float, Array]:
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
            options={"maxiter": config.max_iterations, "ftol": 1e-14, "gtol": 1e-9},
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
