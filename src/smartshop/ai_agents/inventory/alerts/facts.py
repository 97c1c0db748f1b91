"""A stocked place as warnings look at it: what is there, what comes, from whom, and what a unit is worth. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import gamma

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.case import Present, begins_of, cost_of_unit, title_of
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig, stock_costs
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.alerts import AlertSubject
from smartshop.data_collection.schemas.ids import Micros, SupplierId
from smartshop.data_collection.schemas.supply import IncomingUnits

SOONEST_DAYS = 1.0
"""What is due comes tomorrow at the earliest."""
LOST_CHANCE = 0.001
"""An order that took longer than all but so few ever do may be lost: nobody can count on it for tomorrow."""


@dataclass(frozen=True, slots=True)
class StockFacts:
    """Money in minor units of the shop's currency."""

    place: StockedPlace
    asked: Asked | None
    """None: never sold here, so nothing is foreseen."""
    supplier_id: SupplierId | None
    lead: LeadTime
    arrivals: tuple[Arrival, ...]
    unit_cost: float | None
    """None: neither a cost nor a price is known."""
    margin: float
    """Of a unit; 0 where its cost is not known."""

    @property
    def free_units(self) -> int:
        """That anybody can buy."""
        return max(self.place.on_hand - self.place.reserved, 0)

    @property
    def incoming(self) -> int:
        return sum(arrival.units for arrival in self.arrivals)

    @property
    def subject(self) -> AlertSubject:
        return AlertSubject(
            product_id=self.place.product.product.product_id,
            variant_id=self.place.variant.variant_id,
            location_id=self.place.location_id,
            supplier_id=self.supplier_id,
            title=title_of(self.place),
        )


def stock_facts(
    model: InventoryModel, supply: Supply, places: Sequence[StockedPlace], present: Present
) -> list[StockFacts]:
    """One of each place, in their order."""
    return [_facts(model, supply, place, present) for place in places]


def _facts(model: InventoryModel, supply: Supply, place: StockedPlace, present: Present) -> StockFacts:
    told = supply.terms.get(place.variant.variant_id)
    supplier_id = told.supplier_id if told is not None else place.variant.supplier_id
    supplier = None if supplier_id is None else supply.suppliers.get(supplier_id)
    cost, _ = cost_of_unit(place, supplier, told, model.facts.currency, present.costs)
    lead = lead_time(None if supplier is None else supplier.lead_time_days)
    if supplier is not None:
        lead = model.facts.lead_times.get(supplier.supplier_id, lead)
    coming = [one for one in supply.incoming.get(place.variant.variant_id, ()) if one.location_id in place.locations]
    is_foreseen = place.series is not None and place.share > 0
    return StockFacts(
        place=place,
        asked=Asked(place.series or 0, place.share, begins_of(model, present)) if is_foreseen else None,
        supplier_id=None if supplier is None else supplier.supplier_id,
        lead=lead,
        arrivals=tuple(Arrival(days_until(one, lead, present.shop_now), one.units) for one in coming),
        unit_cost=cost,
        margin=_margin(cost, place.price_minor, present.costs),
    )


def _margin(cost: float | None, price_minor: int | None, config: CostConfig) -> float:
    if cost is None:
        return 0.0
    margin = stock_costs(cost, price_minor, CostConfig(goodwill_share=config.goodwill_share)).stockout_per_unit
    return 0.0 if margin is None else margin


def days_until(one: IncomingUnits, lead: LeadTime, now: Micros) -> float:
    """Until goods on their way are there, on average.

    What is late by its date is expected as an order of this supplier that took so long already.
    """
    if one.expected_at is not None and one.expected_at > now:
        return max((one.expected_at - now) / DAY, SOONEST_DAYS)
    late = 0.0 if one.expected_at is None else (now - one.expected_at) / DAY
    age = (now - one.sent_at) / DAY if one.sent_at is not None and one.expected_at is None else lead.mean_days + late
    return expected_wait(lead, max(age, 0.0)) if one.sent_at is not None or late > 0 else max(lead.mean_days, 1.0)


def expected_wait(lead: LeadTime, age: float) -> float:
    """E[L − a | L > a] of the gamma law of a lead time, days, at least one; what may be lost comes as if sent anew.

    By E[L; L > a] = μ·P(L' > a), L' gamma with one more in its shape.

    >>> steady = LeadTime(mean_days=10.0, sd_days=10.0, orders_seen=0, stated_days=None)
    >>> round(expected_wait(steady, 5.0), 6)  # exponential: without memory
    10.0
    """
    if lead.sd_days <= 0 or lead.mean_days <= 0:
        return max(lead.mean_days - age if age <= lead.mean_days else lead.mean_days, SOONEST_DAYS)
    shape, scale = (lead.mean_days / lead.sd_days) ** 2, lead.sd_days**2 / lead.mean_days
    longer = float(gamma.sf(age, shape, scale=scale))
    if longer < LOST_CHANCE:
        return max(lead.mean_days, SOONEST_DAYS)
    return max(lead.mean_days * float(gamma.sf(age, shape + 1.0, scale=scale)) / longer - age, SOONEST_DAYS)
