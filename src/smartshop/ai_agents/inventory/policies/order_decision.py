"""One product, one supplier, now: order, and how much? With what one pack more or less would cost."""

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.budget import OrderOptions
from smartshop.ai_agents.inventory.policies.order_plan import OrderPlan, plan_orders
from smartshop.ai_agents.inventory.policies.order_terms import (
    AwaitedDemand,
    OrderDecision,
    StockCosts,
    StockPosition,
    SupplierTerms,
)
from smartshop.ai_agents.inventory.policies.packs import Counts, cheapest_packs, fewer_packs, more_packs

MOST_OPTIONS = 256
"""Sizes of one product's order that a budget chooses from; of more, so many evenly."""


def decide_order(
    position: StockPosition, demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts
) -> OrderDecision:
    """The order that costs least until stock is low again, by comparison with the plan of least cost per day.

    An order of q units costs its fixed cost, what its goods cost beyond the plan's price, what stock raised by it costs
    to hold and to run out of, less what the plan costs for the days it lasts: the improvement step of a Markov decision
    process (Howard 1960) whose values are those of the plan. So packs, smallest orders, discounts and the question
    whether to order at all are answered by the same comparison.

    Stock-outs lose sales. Those missed before an order placed now can arrive are in none of the costs, since nothing
    decided now can save them, and need not be replaced either: after a long stock-out less is ordered than the plan's
    level less the position.
    """
    judged = compare_orders(demand, terms, costs)
    plan, packs = judged.plan, judged.best(position.units)
    fewer, more = fewer_packs(terms, packs), more_packs(terms, packs)
    after = float(position.units + packs * terms.pack_units)
    raised = plan.effective(position.units) + packs * terms.pack_units
    return OrderDecision(
        units=packs * terms.pack_units,
        packs=packs,
        order_up_to=plan.order_up_to,
        reorder_point=judged.reorder_point(),
        expected_cost=judged.cost(position.units, packs),
        cost_of_one_pack_less=None if fewer is None else judged.cost(position.units, fewer),
        cost_of_one_pack_more=None if more is None else judged.cost(position.units, more),
        cost_of_waiting=judged.cost(position.units, 0),
        cycle_service=float(demand.over_protection.chance_within(plan.lowest(np.array(raised)))),
        fill_rate=judged.fill_rate(raised),
        days_of_cover=after / plan.per_day if plan.per_day else float("inf"),
        cash=float(judged.cash(np.array([packs]))[0]),
        stockout_per_unit=plan.stockout_per_unit,
        planned_days=plan.days,
    )


def wants_order(position: StockPosition, demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts) -> bool:
    """Whether `decide_order` would order anything, at a third of its price."""
    return compare_orders(demand, terms, costs).best(position.units) > 0


def compare_orders(demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts) -> "OrderComparison":
    """What every order would cost at every position: for many positions of one product, and for plots."""
    return OrderComparison(plan_orders(demand, terms, costs), terms)


def order_options(
    position: StockPosition, demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts
) -> OrderOptions:
    """Every order up to the best one, with its cash and what it saves: from these a budget over many chooses."""
    judged = compare_orders(demand, terms, costs)
    best = judged.best(position.units)
    least = min(terms.fewest_packs, best)
    packs = np.unique(np.round(np.linspace(least, best, min(best - least + 1, MOST_OPTIONS)))).astype(np.int64)
    packs = np.unique(np.append(packs, 0))
    found = judged.costs(position.units, packs)
    return OrderOptions(packs, judged.cash(packs), found[0] - found)


class OrderComparison:
    """What orders of each size cost at a position, under one plan."""

    def __init__(self, plan: OrderPlan, terms: SupplierTerms) -> None:
        self.plan, self.terms = plan, terms

    def cash(self, packs: Counts) -> Floats:
        """(n,) money that the supplier asks."""
        units = packs * self.terms.pack_units
        return np.asarray(
            self.terms.prices.cost_of(units.astype(np.float64)) + self.terms.fixed_cost * (packs > 0), np.float64
        )

    def costs(self, position: float, packs: Counts) -> Floats:
        """(n,) money beyond the plan's, over the time that each order lasts."""
        units = packs * self.terms.pack_units
        goods = self.cash(packs) - self.plan.unit_price * units
        raised = self.plan.effective(position) + units.astype(np.float64)
        return np.asarray(goods + self.plan.cost_until_low(raised), np.float64)

    def cost(self, position: float, packs: int) -> float:
        """Money over the time that the planned order lasts."""
        return float(self.costs(position, np.array([packs]))[0]) + self.plan.cost_per_day * self.plan.days

    def best(self, position: float) -> int:
        """Packs to order at a position."""
        at = self.plan.effective(position)
        wanted, most = self.plan.order_up_to - at, self.plan.most_raised_to - at
        return cheapest_packs(self.terms, wanted, most, lambda packs: self.costs(position, packs))

    def reorder_point(self) -> int | None:
        """The largest position at which an order is better than none; waiting only gets worse as stock falls."""
        low, high = 0, int(max(self.plan.order_up_to, 1.0))
        if not self.best(low):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.best(middle) else (low, middle)
        return low

    def fill_rate(self, position: float) -> float:
        """Share of demand met between this order's arrival and the next one's."""
        if self.plan.per_day == 0:
            return 1.0
        raised = np.array(position)
        asked = self.plan.per_day * float(self.plan.days_until_low(raised))
        return max(0.0, 1.0 - float(self.plan.short_between(raised)) / asked)
