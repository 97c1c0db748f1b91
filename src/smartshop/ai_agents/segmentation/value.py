"""What customers are worth: orders and money to be expected from each, with intervals, and how wrong that was before.

BG/NBD or a near kin says how often (predictor.py), Gamma-Gamma how much (gamma_gamma.py), both in closed form, so that
an interval is exact and not simulated. A model is parameters alone: one customer a second after an order is told by the
same functions as the whole shop at a refit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import (
    BgNbd,
    BgNbdConfig,
    expected_while_alive,
    next_purchase_median,
    p_alive,
    purchase_count_quantile,
    purchase_count_tail,
)
from smartshop.ai_agents.segmentation.gamma_gamma import (
    GammaGamma,
    GammaGammaConfig,
    expected_order_value,
    fit_gamma_gamma,
    total_value_cdf,
)
from smartshop.ai_agents.segmentation.predictor import Predictor, fit_predictor, histories_of
from smartshop.ai_agents.segmentation.purchases import Purchases, purchases_of
from smartshop.ai_agents.segmentation.value_holdout import (
    HoldoutConfig,
    HoldoutError,
    choose_variant,
    holdout_days,
    holdout_error,
)
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import HORIZONS_DAYS

Array = NDArray[np.float64]

CHURN_DAYS = 90.0
"""Churn risk is the chance of no order within these."""
MOST_WAIT_DAYS = 730.0
"""A next order that is not to be expected within two years is told as "rather never"."""
MOST_COUNTS = 512
"""Counts looked at for an interval of value; above it neighbouring ones are taken together."""
NEGLIGIBLE = 1e-6
"""Chance of a count so high that an interval leaves it out."""
BISECTIONS = 60
MOST_MINOR = 1e15
"""Where the search for an amount ends: beyond it floats hold no whole units."""


class ValueConfig(msgspec.Struct, frozen=True, kw_only=True):
    least_buyers: Annotated[int, Meta(ge=1)] = 50
    """With fewer customers who ever bought there is no value model."""
    least_repeaters: Annotated[int, Meta(ge=1)] = 10
    """Or with fewer who bought on two days."""
    bg_nbd: BgNbdConfig = BgNbdConfig()
    gamma_gamma: GammaGammaConfig = GammaGammaConfig()
    holdout: HoldoutConfig = HoldoutConfig()


class ValueModel(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters in days and minor units, and the error they had on the shop's own past."""

    predictor: Predictor
    gamma_gamma: GammaGamma
    holdout: HoldoutError | None
    """None where the history is too short to hold a part of it out."""
    buyers: int
    repeaters: int


@dataclass(frozen=True, slots=True)
class ValuePrediction:
    """For n customers who bought; all finite but for `next_order_days`, chances 0 to 1, the rest ≥ 0."""

    p_alive: Array
    """(n,)"""
    expected_orders: Array
    """(n, 3) within HORIZONS_DAYS."""
    expected_value_minor: Array
    """(n, 3)"""
    next_order_days: Array
    """(n,) within which the next order comes with a chance of one half; NaN: rather never, or not within two years."""
    churn_90: Array
    """(n,) chance of no order within 90 days."""


@dataclass(frozen=True, slots=True)
class ValueInterval:
    """What one customer will do with the chance asked for, from–to, both ends in."""

    orders: tuple[int, int]
    value_minor: tuple[int, int]


def fit_value(activity: CustomerActivity, *, config: ValueConfig, rng: np.random.Generator) -> ValueModel | None:
    """Learn from everything until `activity.as_of`; None where too few customers bought, or bought again."""
    purchases = purchases_of(activity)
    repeaters = int((purchases.x > 0).sum())
    if len(purchases) < config.least_buyers or repeaters < config.least_repeaters:
        return None
    money = fit_gamma_gamma(purchases.x, purchases.mean_value_minor, config=config.gamma_gamma, rng=rng)
    if money is None:
        return None
    days = holdout_days(activity, activity.as_of, config.holdout.share, config.holdout.most_days)
    known_before = Micros(activity.as_of - days * DAY)
    variant = choose_variant(activity, known_before, fit=config.bg_nbd, config=config.holdout, rng=rng)
    return ValueModel(
        predictor=fit_predictor(purchases, variant, config=config.bg_nbd, rng=rng),
        gamma_gamma=money,
        holdout=holdout_error(activity, days, variant, fit=config.bg_nbd, config=config.holdout, rng=rng),
        buyers=len(purchases),
        repeaters=repeaters,
    )


def predict(model: ValueModel, purchases: Purchases) -> ValuePrediction:
    """What each of the (n,) customers will do from now on, given that nothing more happened until now."""
    timing, of = model.predictor.timing, histories_of(model.predictor, purchases)
    alive = p_alive(timing, of.x, of.t_x, of.T)
    orders = np.column_stack(
        [alive * expected_while_alive(timing, of.x, of.T, days * of.pace) for days in HORIZONS_DAYS]
    )
    worth = expected_order_value(model.gamma_gamma, purchases.x, purchases.mean_value_minor)
    wait = next_purchase_median(timing, of.x, of.t_x, of.T) / of.pace
    back = purchase_count_tail(timing, of.x, of.t_x, of.T, CHURN_DAYS * of.pace, np.ones(len(purchases)))
    return ValuePrediction(
        p_alive=alive,
        expected_orders=orders,
        expected_value_minor=orders * worth[:, None],
        next_order_days=np.where(wait <= MOST_WAIT_DAYS, wait, np.nan),
        churn_90=1 - back,
    )


def intervals(
    model: ValueModel,
    x: float,
    t_x: float,
    T: float,  # noqa: N803
    mean_value_minor: float,
    horizon_days: float,
    *,
    level: float = 0.8,
    mean_purchase_minor: float | None = None,
) -> ValueInterval:
    """Of one customer: the orders and the money of the next days lie in here with a chance of at least `level`.

    Both tails are cut alike. The value is a mixture over the count of orders: nothing with P(Y = 0), else Beta prime.
    The arguments are one customer's fields of `Purchases`; without the mean over all purchases that of the repeat ones
    stands in.
    """
    one = Purchases(
        x=np.array([x], np.float64),
        t_x=np.array([t_x], np.float64),
        T=np.array([T], np.float64),
        mean_value_minor=np.array([mean_value_minor], np.float64),
        mean_purchase_minor=np.array([mean_purchase_minor or mean_value_minor], np.float64),
        spent_minor=np.zeros(1, np.int64),
        buyer=np.zeros(1, np.int32),
    )
    of, timing = histories_of(model.predictor, one), model.predictor.timing
    history, horizon = (of.x, of.t_x, of.T), float(horizon_days * of.pace[0])
    tail = (1 - level) / 2
    low, high = (purchase_count_quantile(timing, *history, horizon, q)[0] for q in (tail, 1 - tail))
    counts, chance = _count_chances(timing, history, horizon)
    nothing = max(1 - float(chance.sum()), 0.0)

    def at_most(total: float) -> float:
        return nothing + float(chance @ total_value_cdf(model.gamma_gamma, x, mean_value_minor, counts, total))

    return ValueInterval(
        orders=(int(low), int(high)),
        value_minor=(_quantile(at_most, tail), _quantile(at_most, 1 - tail)),
    )


def _count_chances(params: BgNbd, history: tuple[Array, Array, Array], horizon: float) -> tuple[Array, Array]:
    """Counts ≥ 1 (at most MOST_COUNTS of them) and the chance of each; together nearly the chance of any order."""
    most = int(purchase_count_quantile(params, *history, horizon, 1 - NEGLIGIBLE)[0])
    edges = np.unique(np.linspace(1, max(most, 1) + 1, min(max(most, 1), MOST_COUNTS) + 1).round())
    x, t_x, T = (np.repeat(column, len(edges)) for column in history)  # noqa: N806
    reached = purchase_count_tail(params, x, t_x, T, horizon, edges)
    return (edges[:-1] + edges[1:] - 1) / 2, reached[:-1] - reached[1:]


def _quantile(at_most: Callable[[float], float], level: float) -> int:
    """The least whole amount with P(value ≤ amount) ≥ level, to a relative 1e-9."""
    if at_most(0.0) >= level:
        return 0
    low, high = 0.0, 1.0
    while at_most(high) < level and high < MOST_MINOR:
        low, high = high, 2 * high
    for _ in range(BISECTIONS):
        if high - low < 0.5:
            break
        middle = (low + high) / 2
        low, high = (low, middle) if at_most(middle) >= level else (middle, high)
    return round(high)
