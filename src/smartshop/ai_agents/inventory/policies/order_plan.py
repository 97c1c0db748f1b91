"""How often to order, and how low stock may fall before: the plan that a single order is judged against.

With orders that last T days and a position of s when the last review before a new order passes, a day costs

    C(s, T) = (K + p·E[(D − s)⁺])/T + h·(E[(s − D)⁺] + λT/2) + price(λT)

with D the demand over lead time plus review and λ units a day. For each T the best s is the quantile p/(p + hT) of D,
read from the forecast; T is searched, between the review period and the longest cover, the supplier's breakpoints among
its values. It is the expected-inventory-level model (Hadley & Whitin 1963) without its normal demand, for reviews at
intervals, sales lost rather than delayed, and prices by size.
"""

from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw
from smartshop.ai_agents.inventory.policies.order_terms import AwaitedDemand, StockCosts, SupplierTerms
from smartshop.ai_agents.inventory.policies.periodic_review import WHOLE, worthwhile_service

TRIED_LENGTHS = 48
"""Lengths tried, evenly by their logarithm; then as many around the best of them."""


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """What is done in the long run, and what it costs."""

    days: float
    """T: how long an order lasts."""
    safe_level: float
    """s: the position that is enough until the next order but one could arrive."""
    per_day: float
    """λ: mean demand in units a day."""
    unit_price: float
    """Money per unit, at the size of the planned order."""
    cost_per_day: float
    """C without the price of the goods at `unit_price`."""
    holding_per_unit_day: float
    stockout_per_unit: float
    review_days: float
    over_protection: DemandLaw

    @property
    def order_up_to(self) -> float:
        """Units; demand during the days beyond one review is added to the safe level."""
        return float(np.ceil(self.safe_level + self.per_day * (self.days - self.review_days) - WHOLE))

    def days_until_low(self, position: Floats) -> Floats:
        """Days until the review at which stock, raised to a position now, is low. Any shape; at least one review."""
        if self.per_day == 0:
            return np.full(np.shape(position), self.review_days)
        beyond = np.maximum(np.asarray(position, np.float64) - self.safe_level, 0.0)
        return np.asarray(self.review_days + beyond / self.per_day, np.float64)

    def lowest(self, position: Floats) -> Floats:
        """The position, raised to one now, at the last review before an order. Any shape."""
        if self.per_day == 0:
            return np.asarray(position, np.float64)
        return np.minimum(np.asarray(position, np.float64), self.safe_level)

    def cost_until_low(self, position: Floats) -> Floats:
        """Money that stock raised to a position costs until it is low, less the plan's for as long. Any shape."""
        days, lowest = self.days_until_low(position), self.lowest(position)
        held = self.over_protection.left(lowest) + self.per_day * days / 2
        short = self.stockout_per_unit * self.over_protection.short(lowest)
        return np.asarray(self.holding_per_unit_day * days * held + short - self.cost_per_day * days, np.float64)


def plan_orders(demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts) -> OrderPlan:
    """The plan of least cost per day."""
    per_day, review = demand.per_day, demand.review_days
    if per_day == 0:
        return _chosen(demand, terms, costs, np.array([review]))
    least = max(terms.fewest_packs * terms.pack_units / per_day, review)
    most = max(min(costs.longest_cover_days, terms.most_packs * terms.pack_units / per_day), least)
    lengths = np.geomspace(least, most, TRIED_LENGTHS)
    breaks = np.asarray(terms.prices.from_units, np.float64) / per_day
    lengths = np.unique(np.concatenate((lengths, breaks[(breaks > least) & (breaks < most)])))
    best = int(np.argmin(_rates(demand, terms, costs, lengths)))
    around = lengths[[max(best - 1, 0), best, min(best + 1, len(lengths) - 1)]]
    # The best so far stays among them: a breakpoint is not met again by equal steps.
    closer = np.concatenate((np.linspace(around[0], around[2], TRIED_LENGTHS), around[1:2]))
    return _chosen(demand, terms, costs, closer)


def _chosen(demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts, lengths: Floats) -> OrderPlan:
    rates = _rates(demand, terms, costs, lengths)
    days = float(lengths[int(np.argmin(rates))])
    size = max(demand.per_day * days, terms.fewest_packs * terms.pack_units)
    unit_price = float(terms.prices.cost_of(size)) / size
    stockout, service = _stockout_and_service(costs, np.array([days]))
    return OrderPlan(
        days=days,
        safe_level=float(np.ceil(demand.over_protection.quantile(service[0]) - WHOLE)),
        per_day=demand.per_day,
        unit_price=unit_price,
        cost_per_day=float(rates.min()) - unit_price * demand.per_day,
        holding_per_unit_day=costs.holding_per_unit_day,
        stockout_per_unit=float(stockout[0]),
        review_days=demand.review_days,
        over_protection=demand.over_protection,
    )


def _rates(demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts, lengths: Floats) -> Floats:
    """(n,) C of each length, with the price of the goods, at the best whole safe level for it."""
    stockout, service = _stockout_and_service(costs, lengths)
    level = np.ceil(demand.over_protection.quantile(service) - WHOLE)
    sizes = demand.per_day * lengths
    held = demand.over_protection.left(level) + sizes / 2
    # A wanted service level fixes the shortages: only the other costs are weighed against each other.
    short = 0.0 if costs.service_level is not None else stockout * demand.over_protection.short(level)
    rate = (terms.fixed_cost + short + terms.prices.cost_of(sizes)) / lengths + costs.holding_per_unit_day * held
    return np.asarray(rate, np.float64)


def _stockout_and_service(costs: StockCosts, lengths: Floats) -> tuple[Floats, Floats]:
    """(n,) money per unit short and (n,) chance of having enough, for orders of these lengths."""
    if costs.stockout_per_unit is not None:
        known = np.full(len(lengths), costs.stockout_per_unit)
        return known, worthwhile_service(costs.holding_per_unit_day, lengths, costs.stockout_per_unit)
    service = costs.service_level or 0.0
    return costs.holding_per_unit_day * lengths * service / (1 - service), np.full(len(lengths), service)
