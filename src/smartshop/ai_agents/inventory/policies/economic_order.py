"""How much to order at a time while demand is steady: the economic order quantity and its discounts (Harris 1913).

Snyder & Shen (2019), chapter 3. Rates are per any one unit of time, the same for all of them.
"""

import math
from dataclasses import dataclass

from smartshop.ai_agents.inventory.policies.bounds import positive
from smartshop.ai_agents.inventory.policies.prices import Discount, PriceList


@dataclass(frozen=True, slots=True)
class EconomicOrder:
    """An order size and what it costs per unit of time."""

    units: float
    cost: float
    """Money per unit of time; with the price of the goods where a price list was given."""
    short_share: float = 0.0
    """Share of demand that waits for the next delivery."""
    price_place: int = 0
    """Place in the price list that the order reaches."""


def economic_order(fixed_cost: float, holding_cost: float, demand_rate: float) -> EconomicOrder:
    """√(2Kλ/h), at a cost of √(2Khλ) (eq. 3.4, 3.5).

    Raises:
        InvalidValue: a number is not above 0.
    """
    _checked(fixed_cost, holding_cost, demand_rate)
    units = math.sqrt(2 * fixed_cost * demand_rate / holding_cost)
    return EconomicOrder(units, holding_cost * units)


def economic_order_with_backorders(
    fixed_cost: float, holding_cost: float, stockout_cost: float, demand_rate: float
) -> EconomicOrder:
    """Where customers wait, at `stockout_cost` per unit and time: √(2Kλ(h + p)/(hp)) (eq. 3.27 to 3.29).

    Raises:
        InvalidValue: a number is not above 0.
    """
    _checked(fixed_cost, holding_cost, demand_rate)
    positive("The stock-out cost", stockout_cost)
    both = holding_cost + stockout_cost
    units = math.sqrt(2 * fixed_cost * demand_rate * both / (holding_cost * stockout_cost))
    cost = math.sqrt(2 * fixed_cost * demand_rate * holding_cost * stockout_cost / both)
    return EconomicOrder(units, cost, short_share=holding_cost / both)


def economic_order_with_discounts(
    fixed_cost: float, holding_rate: float, demand_rate: float, prices: PriceList
) -> EconomicOrder:
    """The cheapest order under a price list; holding costs `holding_rate` × price per unit and time (section 3.4).

    At each price the best size within its range is either its own optimum or its breakpoint; the cheapest of them is
    taken, of equally cheap ones the smallest.

    Raises:
        InvalidValue: a number is not above 0.
    """
    _checked(fixed_cost, holding_rate, demand_rate)
    found = [
        order
        for place in range(len(prices.unit_costs))
        if (order := _at_price(fixed_cost, holding_rate, demand_rate, prices, place))
    ]
    return min(found, key=lambda order: order.cost)


def _at_price(fixed: float, rate: float, demand: float, prices: PriceList, place: int) -> EconomicOrder | None:
    price, skipped = prices.unit_costs[place], float(prices.skipped[place])
    units = math.sqrt(2 * (fixed + skipped) * demand / (rate * price))
    ends = [*prices.from_units[1:], math.inf]
    if units >= ends[place]:
        # More is cheaper still: the next price has a better size.
        return None
    if units < prices.from_units[place]:
        if prices.discount is Discount.INCREMENTAL:
            # The cost is continuous at the breakpoint, and falls towards the size before it.
            return None
        units = prices.from_units[place]
    cost = price * demand + (fixed + skipped) * demand / units + rate * (price * units + skipped) / 2
    return EconomicOrder(units, cost, price_place=place)


def _checked(fixed_cost: float, holding_cost: float, demand_rate: float) -> None:
    positive("The fixed cost of an order", fixed_cost)
    positive("The holding cost", holding_cost)
    positive("The demand rate", demand_rate)
