"""One product, one supplier, now: order, and how much? With what one pack more or less would cost."""

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_plan import OrderPlan, plan_orders
from smartshop.ai_agents.inventory.policies.order_terms import (
    AwaitedDemand,
    OrderDecision,
    StockCosts,
    StockPosition,
    SupplierTerms,
)
from smartshop.ai_agents.inventory.policies.packs import Counts, cheapest_packs, fewer_packs, more_packs


def decide_order(
    position: StockPosition, demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts
) -> OrderDecision:
    """The order that costs least until stock is low again, by comparison with the plan of least cost per day.

    An order of q units costs its fixed cost, what its goods cost beyond the plan's price, what stock raised by it costs
    to hold and to run out of, less what the plan costs for the days it lasts: the improvement step of a Markov decision
    process (Howard 1960) whose values are those of the plan. So packs, smallest orders, discounts and the question
    whether to order at all are answered by the same comparison.

    Sales missed before the order can arrive are not to be helped. Waiting is charged with all that is missed until a
    later order arrives, ordering with what is missed before this one's arrival and then again before the next one's.

    Demand is taken to be independent of what is on the shelf; stock-outs lose sales, and what is owed is delivered
    first.
    """
    plan = plan_orders(demand, terms, costs)
    judged = _Comparison(plan, demand, terms)
    packs = judged.best(position.units)
    fewer, more = fewer_packs(terms, packs), more_packs(terms, packs)
    after = float(position.units + packs * terms.pack_units)
    return OrderDecision(
        units=packs * terms.pack_units,
        packs=packs,
        order_up_to=plan.order_up_to,
        reorder_point=judged.reorder_point(),
        expected_cost=judged.cost(position.units, packs),
        cost_of_one_pack_less=None if fewer is None else judged.cost(position.units, fewer),
        cost_of_one_pack_more=None if more is None else judged.cost(position.units, more),
        cost_of_waiting=judged.cost(position.units, 0),
        cycle_service=float(demand.over_protection.chance_within(plan.lowest(np.array(after)))),
        fill_rate=judged.fill_rate(after),
        short_before_delivery=1.0 - float(judged.before.chance_within(float(position.units))),
        days_of_cover=after / plan.per_day if plan.per_day else float("inf"),
        cash=float(judged.cash(np.array([packs]))[0]),
        stockout_per_unit=plan.stockout_per_unit,
        planned_days=plan.days,
    )


class _Comparison:
    """What orders of each size cost at a position, under one plan."""

    def __init__(self, plan: OrderPlan, demand: AwaitedDemand, terms: SupplierTerms) -> None:
        self.plan, self.terms, self.before = plan, terms, demand.before_delivery

    def cash(self, packs: Counts) -> Floats:
        """(n,) money that the supplier asks."""
        units = packs * self.terms.pack_units
        return np.asarray(
            self.terms.prices.cost_of(units.astype(np.float64)) + self.terms.fixed_cost * (packs > 0), np.float64
        )

    def costs(self, position: float, packs: Counts) -> Floats:
        """(n,) money beyond the plan's, over the time that each order lasts."""
        units = packs * self.terms.pack_units
        missed_anyway = self.plan.stockout_per_unit * float(self.before.short(position))
        found = (
            self.cash(packs)
            - self.plan.unit_price * units
            + self.plan.cost_until_low((position + units).astype(np.float64))
        )
        return np.asarray(found + np.where(packs > 0, missed_anyway, 0.0), np.float64)

    def cost(self, position: float, packs: int) -> float:
        """Money over the time that the planned order lasts."""
        return float(self.costs(position, np.array([packs]))[0]) + self.plan.cost_per_day * self.plan.days

    def best(self, position: float) -> int:
        """Packs to order at a position."""
        return cheapest_packs(self.terms, self.plan.order_up_to - position, lambda packs: self.costs(position, packs))

    def reorder_point(self) -> int | None:
        """The largest position at which an order is better than none; waiting only gets worse as stock falls."""
        low, high = -1, int(max(self.plan.order_up_to, 0.0))
        if not self.best(low):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.best(middle) else (low, middle)
        return low

    def fill_rate(self, after: float) -> float:
        """Share of demand met between this order's arrival and the next one's."""
        days = float(self.plan.days_until_low(np.array(after)))
        if self.plan.per_day == 0:
            return 1.0
        short = float(self.plan.over_protection.short(self.plan.lowest(np.array(after)))) - float(
            self.before.short(after)
        )
        return float(np.clip(1.0 - max(short, 0.0) / (self.plan.per_day * days), 0.0, 1.0))
