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

from smartshop.ai_agents.segmentation.bg_nbd_likelihood import Likelihood, distinct_rows

Array = NDArray[np.float64]
Horizon = float | Array
"""One for all, or (n,) one for each."""

RUNAWAY = 6.0
"""Beyond e^±6 a parameter says "no difference between customers" or "never": the data do not determine it."""
STARTS = ((-0.7, -0.7, -0.7, 0.7), (0.0, 0.0, 0.0, 0.0), (-1.5, -2.0, -2.0, 0.5), (1.5, 0.5, -1.0, 2.0))
"""ln (r, α, a, b), α in mean times since the first purchase."""
MOST_TERMS = 4_096
"""Purchases within a horizon that a sum over counts goes up to."""
NEGLIGIBLE = 1e-12
"""A term of such a sum below which the rest is left out."""
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
    likelihood = Likelihood(x, t_x / scale, T / scale, weight, chances_missed, known if z is not None else None)
    found = min((likelihood.minimise(start, 0.0, config.max_iterations) for start in STARTS), key=lambda end: end[0])
    runaway = not np.isfinite(found[0]) or bool(np.any(np.abs(found[1][:4]) > RUNAWAY))
    if runaway:
        found = min(
            (likelihood.minimise(start, 1.0, config.max_iterations) for start in STARTS), key=lambda end: end[0]
        )
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
    likelihood = Likelihood(x, t_x, T, np.ones(len(x)), params.chances_missed)
    return likelihood.by_customer(params.r, params.alpha, params.a, params.b)


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
    lost = np.flatnonzero(~np.isfinite(renewals))
    renewals[lost] = _sum_of_tails(shape[lost], params.a, b[lost], z[lost])
    return np.asarray(np.clip(renewals, np.minimum(least, most), most)[place])


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


def _renewals(shape: Array, a: float, b: Array, z: Array) -> Array:
    """The expectation while alive, for a ≠ 1; b is what Beta(a, b) holds after the history."""
    c = a + b - 1
    # ₂F₁ has a pole at c = 0 that the factor c before it takes away.
    c = np.where(np.abs(c) < NUDGE * NUDGE, NUDGE * NUDGE, c)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        gone = np.exp((a - 1) * np.log1p(-z)) * scipy.special.hyp2f1(c - shape, a - 1, c, z)
        return np.asarray(c / (a - 1) * (1 - gone))


def _sum_of_tails(shape: Array, a: float, b: Array, z: Array) -> Array:
    """The same term by term, for where ₂F₁ finds no value: that is where leaving is likely and few terms count."""
    total, y, tail = np.zeros(len(shape)), 1, np.ones(len(shape))
    while y <= MOST_TERMS and bool((tail > NEGLIGIBLE).any()):
        tail = np.exp(_log_beta_step(a, b, np.full(len(shape), y - 1.0))) * scipy.special.betainc(y, shape, z)
        total, y = total + tail, y + 1
    return total


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
