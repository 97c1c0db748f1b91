"""How often to order, and how low stock may fall before: the plan that a single order is judged against.

With orders that last T days and a position of s at the last review before a new order, a day costs

    C(s, T) = (K + p·short)/T + h·(left + λT/2) + price(λT)

with λ units of demand a day, `short` units missed between two deliveries and `left` on the shelf just before one, both
from the law of demand over lead time plus review. s and T are searched together, the supplier's breakpoints among the
values of T. It is the (r, Q) model of Hadley & Whitin (1963, section 4.2) without its normal demand, for reviews at
intervals, sales lost rather than delayed, and prices by size; what is short and left then is in `cycle_ends.py`.
"""

from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.cycle_ends import Cycle, CycleEnd, cycle_end
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw
from smartshop.ai_agents.inventory.policies.order_terms import AwaitedDemand, StockCosts, SupplierTerms
from smartshop.ai_agents.inventory.policies.periodic_review import WHOLE, worthwhile_service

TRIED_LENGTHS, TRIED_LEVELS = 24, 48
"""Lengths tried, evenly by their logarithm, and levels, evenly; then as many around the best of them."""

ROUNDS = 3
"""How often the search is narrowed: to a two-hundredth of the first steps."""

SERVICE_MARGIN = 30.0
"""How far the stock-out cost of a service level may lie from p = h·T·α/(1 − α), which is exact for orders far apart."""

SERVICE_HALVINGS = 14
"""Halvings of that range, on a logarithmic scale: to a thousandth of the cost."""


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
    longest_days: float
    """No order is placed that would last longer, but for the smallest that the supplier takes."""
    demand: AwaitedDemand
    before_delivery: DemandLaw

    @property
    def order_up_to(self) -> float:
        """Units; demand during the days beyond one review is added to the safe level."""
        return self._lasting(self.days)

    @property
    def most_raised_to(self) -> float:
        """Units; beyond it an order looks cheap only since the plan may not last longer."""
        return self._lasting(max(self.longest_days, self.days))

    def _lasting(self, days: float) -> float:
        return float(np.ceil(self.safe_level + self.per_day * (days - self.review_days) - WHOLE))

    def effective(self, position: float) -> float:
        """The position as it counts: what is missed before an order placed now arrives takes nothing from the shelf.

        In whole units, rather one too few.
        """
        return position + float(np.floor(self.before_delivery.short(max(position, 0.0)) + WHOLE))

    @property
    def _reviewed_only(self) -> float:
        """Units above the safe level that change nothing, where an order is placed at every review anyhow."""
        return self.per_day * self.review_days if self.days == self.review_days else 0.0

    def days_until_low(self, position: Floats) -> Floats:
        """Days until the review at which stock, raised to a position now, is low. Any shape; at least one review."""
        if self.per_day == 0:
            return np.full(np.shape(position), self.review_days)
        beyond = np.maximum(position - self.safe_level - self._reviewed_only, 0.0)
        return np.asarray(self.review_days + beyond / self.per_day, np.float64)

    def lowest(self, position: Floats) -> Floats:
        """The position, raised to one now, at the last review before an order. Any shape."""
        return position if self.per_day == 0 else np.minimum(position, self.safe_level + self._reviewed_only)

    def short_between(self, position: Floats) -> Floats:
        """Units missed from the arrival of an order that raises stock to a position until the next one's. Any shape."""
        return self._end(position).short

    def cost_until_low(self, position: Floats) -> Floats:
        """Money that stock raised to a position costs until it is low, less the plan's for as long. Any shape."""
        days, end = self.days_until_low(position), self._end(position)
        held = self.holding_per_unit_day * (end.left + self.per_day * days / 2)
        return np.asarray(days * (held - self.cost_per_day) + self.stockout_per_unit * end.short, np.float64)

    def _end(self, position: Floats) -> CycleEnd:
        cycle = Cycle(self.lowest(position), position, self.days_until_low(position))
        return cycle_end(self.demand, self.before_delivery, cycle, np.asarray(self.days))


def plan_orders(demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts) -> OrderPlan:
    """The plan of least cost per day; for a wanted service level that of the lowest stock-out cost that leads to it."""
    if costs.stockout_per_unit is not None:
        return _PlanSearch(demand, terms, costs).best(costs.stockout_per_unit)
    search, wanted = _PlanSearch(demand, terms, costs), costs.service_level or 0.0
    odds = costs.holding_per_unit_day * wanted / (1 - wanted)
    longest = max(costs.longest_cover_days, demand.review_days)
    low, high = np.log(odds * np.array([demand.review_days / SERVICE_MARGIN, longest * SERVICE_MARGIN]))
    plan = search.best(float(np.exp(high)))
    for _ in range(SERVICE_HALVINGS):
        tried = search.best(float(np.exp((low + high) / 2)))
        if float(demand.over_protection.chance_within(tried.safe_level)) >= wanted - WHOLE:
            plan, high = tried, (low + high) / 2
        else:
            low = (low + high) / 2
    return plan


class _PlanSearch:
    """The search over lengths and levels for one product; only the stock-out cost is left open."""

    def __init__(self, demand: AwaitedDemand, terms: SupplierTerms, costs: StockCosts) -> None:
        self.demand, self.terms, self.costs = demand, terms, costs
        self.before = demand.before_delivery
        self.per_day, self.least_size = demand.per_day, terms.fewest_packs * terms.pack_units

    def best(self, stockout_per_unit: float) -> OrderPlan:
        days, level, cost = self._least(stockout_per_unit)
        size = max(self.per_day * days, self.least_size)
        unit_price = float(self.terms.prices.cost_of(size)) / size
        return OrderPlan(
            days=days,
            safe_level=level,
            per_day=self.per_day,
            unit_price=unit_price,
            cost_per_day=cost - unit_price * self.per_day,
            holding_per_unit_day=self.costs.holding_per_unit_day,
            stockout_per_unit=stockout_per_unit,
            review_days=self.demand.review_days,
            longest_days=self.costs.longest_cover_days,
            demand=self.demand,
            before_delivery=self.before,
        )

    def _least(self, stockout: float) -> tuple[float, float, float]:
        lengths, levels = self._lengths(), self._levels(stockout)
        days, level, cost = lengths[0], levels[0], np.inf
        for _ in range(ROUNDS):
            rates = self._rates(lengths, levels, stockout)
            row, column = np.unravel_index(int(np.argmin(rates)), rates.shape)
            if rates[row, column] < cost:
                days, level, cost = lengths[row], levels[column], rates[row, column]
            # The best stays among the values: a breakpoint is not met again by equal steps.
            lengths = _closer(lengths, int(row), TRIED_LENGTHS)
            levels = np.unique(np.round(_closer(levels, int(column), TRIED_LEVELS)))
        return float(days), float(level), float(cost)

    def _rates(self, lengths: Floats, levels: Floats, stockout: float) -> Floats:
        """(n, k) C of each length and level, with the price of the goods."""
        sizes, days = self.per_day * lengths, lengths[:, None]
        raised = levels + self.per_day * (days - self.demand.review_days)
        end = cycle_end(self.demand, self.before, Cycle(levels[None, :], raised, days), days)
        held = self.costs.holding_per_unit_day * (end.left + sizes[:, None] / 2)
        per_order = self.terms.fixed_cost + self.terms.prices.cost_of(sizes)[:, None] + stockout * end.short
        return np.asarray(per_order / days + held, np.float64)

    def _lengths(self) -> Floats:
        review = self.demand.review_days
        if self.per_day == 0:
            return np.array([review])
        least = max(self.least_size / self.per_day, review)
        if self.terms.fixed_cost == 0 and len(self.terms.prices.unit_costs) == 1 and least == review:
            # Where neither orders nor their size cost anything, none is put off.
            return np.array([least])
        limit = self.terms.most_packs * self.terms.pack_units / self.per_day
        most = max(min(self.costs.longest_cover_days, limit), least)
        breaks = np.asarray(self.terms.prices.from_units, np.float64) / self.per_day
        tried = np.geomspace(least, most, TRIED_LENGTHS)
        return np.unique(np.concatenate((tried, breaks[(breaks > least) & (breaks < most)])))

    def _levels(self, stockout: float) -> Floats:
        """Whole levels, from the demand expected before delivery up to where no sale is worth another unit held."""
        service = worthwhile_service(self.costs.holding_per_unit_day, self.demand.review_days, stockout)
        most = float(np.ceil(self.demand.over_protection.quantile(service) - WHOLE))
        least = min(float(np.floor(self.before.mean)), most)
        return np.unique(np.round(np.linspace(least, most, TRIED_LEVELS)))


def _closer(values: Floats, best: int, count: int) -> Floats:
    """(count + 1,) values from the neighbour below the best to the one above it, the best among them, rising."""
    low, high = values[max(best - 1, 0)], values[min(best + 1, len(values) - 1)]
    return np.unique(np.append(np.linspace(low, high, count), values[best]))
