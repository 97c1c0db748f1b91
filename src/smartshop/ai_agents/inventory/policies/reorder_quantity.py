"""(r, Q): whenever stock on hand and on order falls to r, order Q. Reviewed all the time.

Normal demand, except where said; `mean` and `sd` are per unit of time, holding and stock-out costs per unit and time,
save in the expected-inventory-level approximation, where a stock-out costs once per unit. Snyder & Shen (2019), chapter
5.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from smartshop.ai_agents.inventory.policies.bounds import finite, not_negative, positive
from smartshop.ai_agents.inventory.policies.economic_order import economic_order, economic_order_with_backorders
from smartshop.ai_agents.inventory.policies.lead_time_demand import Moments, lead_time_moments
from smartshop.ai_agents.inventory.policies.losses import normal_loss, second_normal_loss
from smartshop.ai_agents.inventory.policies.newsvendor import (
    critical_ratio,
    level_costs,
    newsvendor_normal,
    newsvendor_normal_cost,
    poisson_chances,
)
from smartshop.errors import InvalidValue

MOST_ROUNDS = 500
"""Rounds of a fixed-point iteration; in the range where it converges at all, it does within some dozen."""

SETTLED = 1e-9
"""Share of the order quantity by which one round may still change it."""


@dataclass(frozen=True, slots=True)
class ReorderQuantity:
    """A reorder point and an order quantity."""

    reorder_point: float
    units: float
    cost: float | None = None
    """Expected money per unit of time; None where the method only tells the policy."""


@dataclass(frozen=True, slots=True)
class FixedLot:
    """A product that is ordered in lots of one size."""

    holding_cost: float
    stockout_cost: float
    fixed_cost: float
    mean: float
    sd: float
    lead_time: float

    def __post_init__(self) -> None:
        critical_ratio(self.holding_cost, self.stockout_cost)
        positive("The fixed cost of an order", self.fixed_cost)
        positive("Mean demand", self.mean)
        not_negative("The standard deviation of demand", self.sd)
        not_negative("The lead time", self.lead_time)

    @property
    def over_lead_time(self) -> Moments:
        return lead_time_moments(self.mean, self.sd, self.lead_time)

    def level_cost(self, level: float) -> float:
        """Cost rate while stock on hand and on order stands at a level."""
        over = self.over_lead_time
        return newsvendor_normal_cost(level, self.holding_cost, self.stockout_cost, over.mean, over.sd)


def lot_cost(lot: FixedLot, reorder_point: float, units: float) -> float:
    """(Kλ + ∫ from r to r + Q of g(y) dy)/Q, with g the newsvendor's cost (eq. 5.7); the integral in closed form.

    Raises:
        InvalidValue: the quantity is not above 0.
    """
    positive("The order quantity", units)
    over = lot.over_lead_time
    low, high = finite("The reorder point", reorder_point), reorder_point + units
    # Over the interval E[(D − y)⁺] adds up to the fall of the second loss, and y − E[D] to a difference of squares.
    short = _second_loss(low, over) - _second_loss(high, over)
    beyond_mean = ((high - over.mean) ** 2 - (low - over.mean) ** 2) / 2
    area = lot.holding_cost * (short + beyond_mean) + lot.stockout_cost * short
    return (lot.fixed_cost * lot.mean + area) / units


def best_reorder_point(lot: FixedLot, units: float) -> float:
    """The r of this quantity where g(r) = g(r + Q) (eq. 5.9).

    Raises:
        InvalidValue: the quantity is not above 0.
    """
    positive("The order quantity", units)
    over = lot.over_lead_time
    best = newsvendor_normal(lot.holding_cost, lot.stockout_cost, over.mean, over.sd).units
    if over.sd == 0:
        return best - units * lot.holding_cost / (lot.holding_cost + lot.stockout_cost)
    found = optimize.brentq(
        lambda point: lot.level_cost(point) - lot.level_cost(point + units), best - units, best, xtol=1e-12, rtol=1e-14
    )
    return float(found)


def best_lot(lot: FixedLot) -> ReorderQuantity:
    """The optimal pair: the average cost of the lot equals the cost at its ends (Zheng 1992)."""
    shortest = economic_order(lot.fixed_cost, lot.holding_cost, lot.mean).units

    def excess(units: float) -> float:
        point = best_reorder_point(lot, units)
        return lot_cost(lot, point, units) - lot.level_cost(point + units)

    longest = (
        2 * economic_order_with_backorders(lot.fixed_cost, lot.holding_cost, lot.stockout_cost, lot.mean).units
        + 10 * lot.over_lead_time.sd
    )
    # The cost falls up to the best size and rises after it; the economic order is never above the best (Zheng 1992).
    while excess(longest) > 0:
        longest *= 2
    units = float(optimize.brentq(excess, shortest * (1 - 1e-6), longest, rtol=1e-12))
    point = best_reorder_point(lot, units)
    return ReorderQuantity(point, units, lot_cost(lot, point, units))


def lot_by_expected_inventory(lot: FixedLot) -> ReorderQuantity:
    """Expected-inventory-level approximation (Hadley & Whitin 1963): r from 1 − hQ/(pλ), Q = √(2λ(K + p n(r))/h).

    Here `stockout_cost` is money per unit short, however long (eq. 5.16 to 5.18).

    Raises:
        InvalidValue: a unit short costs less than to hold a lot, so that no reorder point exists; or it does not
            settle.
    """
    over = lot.over_lead_time
    units = economic_order(lot.fixed_cost, lot.holding_cost, lot.mean).units
    for _ in range(MOST_ROUNDS):
        late = units * lot.holding_cost / (lot.stockout_cost * lot.mean)
        if late >= 1:
            raise InvalidValue(
                f"A stock-out cost of {lot.stockout_cost} per unit is below the cost of holding a lot of {units:.6g}; "
                "this approximation needs one that is above it."
            )
        point = over.mean + over.sd * float(stats.norm.isf(late))
        short = normal_loss(point, over.mean, over.sd).short
        before, units = units, math.sqrt(2 * lot.mean * (lot.fixed_cost + lot.stockout_cost * short) / lot.holding_cost)
        if abs(units - before) <= SETTLED * units:
            held = lot.holding_cost * (point - over.mean + units / 2)
            return ReorderQuantity(point, units, held + lot.mean * (lot.fixed_cost + lot.stockout_cost * short) / units)
    raise _unsettled()


def lot_by_backorder_quantity(lot: FixedLot) -> ReorderQuantity:
    """The economic order with backorders, and the best reorder point for it (eq. 3.27, 5.9)."""
    units = economic_order_with_backorders(lot.fixed_cost, lot.holding_cost, lot.stockout_cost, lot.mean).units
    point = best_reorder_point(lot, units)
    return ReorderQuantity(point, units, lot_cost(lot, point, units))


def lot_with_safety_stock(lot: FixedLot) -> ReorderQuantity:
    """The economic order, and the newsvendor's level as reorder point (eq. 3.4, 5.21)."""
    over = lot.over_lead_time
    units = economic_order(lot.fixed_cost, lot.holding_cost, lot.mean).units
    point = newsvendor_normal(lot.holding_cost, lot.stockout_cost, over.mean, over.sd).units
    return ReorderQuantity(point, units, lot_cost(lot, point, units))


def lot_by_loss(lot: FixedLot) -> ReorderQuantity:
    """Loss-function approximation (Hadley & Whitin 1963): n(r) = hQ/(h + p), Q = √(2[Kλ + (h + p)n₂(r)]/h).

    Equations 5.28 and 5.29.

    Raises:
        InvalidValue: demand over the lead time has no spread, or the iteration does not settle.
    """
    over, both = lot.over_lead_time, lot.holding_cost + lot.stockout_cost
    positive("The spread of demand over the lead time", over.sd)
    units = economic_order(lot.fixed_cost, lot.holding_cost, lot.mean).units
    for _ in range(MOST_ROUNDS):
        point = _level_of_loss(lot.holding_cost * units / both, over)
        second = second_normal_loss(point, over.mean, over.sd)
        before, units = units, math.sqrt(2 * (lot.fixed_cost * lot.mean + both * second) / lot.holding_cost)
        if abs(units - before) <= SETTLED * units:
            return ReorderQuantity(point, units, lot_cost(lot, point, units))
    raise _unsettled()


def best_poisson_lot(
    holding_cost: float, stockout_cost: float, fixed_cost: float, mean: float, lead_time: float
) -> ReorderQuantity:
    """The optimal whole pair for Poisson demand (Federgruen & Zheng 1992).

    Levels are taken in, cheapest first, on whichever side is cheaper, for as long as one costs less than the average so
    far.

    Raises:
        InvalidValue: a cost or demand is not above 0, the lead time is negative, or demand is too large to count.
    """
    ratio = critical_ratio(holding_cost, stockout_cost)
    positive("The fixed cost of an order", fixed_cost)
    positive("Mean demand", mean)
    chances = poisson_chances(mean * not_negative("The lead time", lead_time))

    def level_cost(level: int) -> float:
        return float(level_costs(chances, holding_cost, stockout_cost, np.array([float(level)]))[0])

    first = min(int(np.searchsorted(np.cumsum(chances), ratio - 1e-12)), len(chances) - 1)
    below, above = first - 1, first + 1
    total, average = fixed_cost * mean + level_cost(first), fixed_cost * mean + level_cost(first)
    low, high = level_cost(below), level_cost(above)
    while min(low, high) < average:
        total += min(low, high)
        if low <= high:
            below -= 1
            low = level_cost(below)
        else:
            above += 1
            high = level_cost(above)
        average = total / (above - below - 1)
    return ReorderQuantity(float(below), float(above - below - 1), average)


def _level_of_loss(short: float, over: Moments) -> float:
    """The level above which so many units are expected."""
    # Below the mean the loss is about the distance to it, so the answer lies no further down than the loss itself.
    low, high = over.mean - short - over.sd, over.mean + 40 * over.sd
    return float(
        optimize.brentq(lambda level: normal_loss(level, over.mean, over.sd).short - short, low, high, xtol=1e-12)
    )


def _second_loss(level: float, over: Moments) -> float:
    if over.sd == 0:
        return max(over.mean - level, 0.0) ** 2 / 2
    return second_normal_loss(level, over.mean, over.sd)


def _unsettled() -> InvalidValue:
    return InvalidValue(f"The quantity still changes after {MOST_ROUNDS} rounds; take the exact lot for these costs.")
