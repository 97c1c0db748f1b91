"""What `bench.policies` lets order through a simulated year: a planner's rules, and the agent's decision."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from smartshop.ai_agents.inventory.policies.order_decision import compare_orders
from smartshop.ai_agents.inventory.policies.order_terms import AwaitedDemand, StockCosts, SupplierTerms
from smartshop.ai_agents.inventory.policies.periodic_review import worthwhile_service
from smartshop.ai_agents.inventory.policies.prices import PriceList
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time
from smartshop.simulator.supply import Counts, Floats, SupplyWorld
from smartshop.simulator.supply_run import Seen

WEEK = 7


@dataclass(frozen=True, slots=True)
class FixedCover:
    """At each review, up to so many weeks of the recent mean sales."""

    world: SupplyWorld
    weeks: float
    window_days: int

    def orders(self, seen: Seen) -> Counts:
        wanted = _recent_mean(seen, self.window_days) * WEEK * self.weeks
        return _units_up_to(wanted, seen.position)


@dataclass(frozen=True, slots=True)
class CoverAboveTrigger:
    """So many weeks of sales, once stock lasts no longer than the supplier's usual time, a review and ten days."""

    world: SupplyWorld
    weeks: float
    window_days: int

    def orders(self, seen: Seen) -> Counts:
        mean = _recent_mean(seen, self.window_days)
        review = self.world.scenario.supply.review_days
        trigger = mean * (stated_days(self.world) + review + 10.0)
        units = np.maximum(np.ceil(mean * WEEK * self.weeks), 1.0)
        return np.where((seen.position < trigger) & (mean > 0), units, 0.0).astype(np.int64)


@dataclass(frozen=True, slots=True)
class NormalSafetyStock:
    """s = μ(L + R) + z·√((L + R)σ² + μ²σ_L²), the economic order above it (Silver, Pyke & Thomas 2017, section 6)."""

    world: SupplyWorld
    safety_factor: float
    window_days: int

    def orders(self, seen: Seen) -> Counts:
        world, supply = self.world, self.world.scenario.supply
        mean = _recent_mean(seen, self.window_days)
        lead, lead_sd = _learned_leads(world, seen)
        over = lead + supply.review_days
        weekly = _weekly(seen.sold[:, -self.window_days :])
        variance = weekly.var(axis=1, ddof=1) / WEEK
        low = mean * over + self.safety_factor * np.sqrt(over * variance + (mean * lead_sd) ** 2)
        economic = np.sqrt(2.0 * mean * supply.order_cost / world.holding_per_unit_day)
        size = np.maximum(economic, np.maximum(mean * supply.review_days, 1.0))
        return np.where(seen.position <= low, _units_up_to(low + size, seen.position), 0) * (mean > 0)


class Foresight(Protocol):
    """What is expected of a product: of demand, and of its supplier."""

    def look(self, seen: Seen) -> None:
        """The books as they are at a review, before anything is asked."""

    def awaited(self, product: int, review_days: float) -> AwaitedDemand:
        """What an order placed today must meet."""


@dataclass(slots=True)
class ByLaw:
    """The product's own decision (`policies.order_decision`), from whatever law is foreseen."""

    world: SupplyWorld
    foresight: Foresight
    plans: int = 0

    def orders(self, seen: Seen) -> Counts:
        self.foresight.look(seen)
        units = np.zeros(len(self.world), np.int64)
        for product in range(len(self.world)):
            units[product] = self._order(product, int(seen.position[product]))
        return units

    def _order(self, product: int, position: int) -> int:
        review = float(self.world.scenario.supply.review_days)
        awaited = self.foresight.awaited(product, review)
        if awaited.per_day <= 0:
            return 0
        terms, costs = self._terms(product)
        # No safe level lies above: see `policies.order_plan`.
        enough = worthwhile_service(costs.holding_per_unit_day, review, costs.stockout_per_unit or 0.0)
        if position > float(awaited.over_protection.quantile(enough)):
            return 0
        self.plans += 1
        return compare_orders(awaited, terms, costs).best(position)

    def _terms(self, product: int) -> tuple[SupplierTerms, StockCosts]:
        world = self.world
        terms = SupplierTerms(
            PriceList((float(world.unit_cost[product]),)), fixed_cost=world.scenario.supply.order_cost
        )
        costs = StockCosts(float(world.holding_per_unit_day[product]), float(world.margin[product]))
        return terms, costs


def learned_leads(world: SupplyWorld, seen: Seen) -> list[LeadTime]:
    """One for each supplier."""
    return [
        lead_time(supplier.lead_time_days, [took for number, took in seen.receipts if number == which])
        for which, supplier in enumerate(world.scenario.suppliers)
    ]


def stated_days(world: SupplyWorld) -> Floats:
    """(n,) what each product's supplier says."""
    return np.array([one.lead_time_days for one in world.scenario.suppliers])[world.supplier]


def _learned_leads(world: SupplyWorld, seen: Seen) -> tuple[Floats, Floats]:
    known = learned_leads(world, seen)
    mean, spread = np.array([one.mean_days for one in known]), np.array([one.sd_days for one in known])
    return mean[world.supplier], spread[world.supplier]


def _recent_mean(seen: Seen, window_days: int) -> Floats:
    """(n,) units sold a day on days with stock, of the last so many days."""
    sold, there = (each[:, -window_days:].sum(axis=1) for each in (seen.sold, seen.in_stock))
    mean: Floats = sold / np.maximum(there, window_days / 4)
    return mean


def _weekly(daily: Counts) -> Floats:
    weeks = daily.shape[1] // WEEK
    weekly: Floats = daily[:, -weeks * WEEK :].reshape(len(daily), weeks, WEEK).sum(axis=2).astype(np.float64)
    return weekly


def _units_up_to(level: Floats, position: Counts) -> Counts:
    units: Counts = np.maximum(np.ceil(level).astype(np.int64) - position, 0)
    return units
