"""A stocked place as warnings look at it: what is there, what comes, from whom, and what a unit is worth. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.arriving import arrivals_of
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.case import Present, begins_of, cost_of_unit, title_of
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig, stock_costs
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time_of
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.schemas.alerts import AlertSubject
from smartshop.data_collection.schemas.ids import SupplierId


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
    learned = model.facts.lead_times
    coming = supply.incoming.get(place.variant.variant_id, ())
    is_foreseen = place.series is not None and place.share > 0
    return StockFacts(
        place=place,
        asked=Asked(place.series or 0, place.share, begins_of(model, present)) if is_foreseen else None,
        supplier_id=None if supplier is None else supplier.supplier_id,
        lead=lead_time_of(supplier, learned),
        arrivals=arrivals_of(coming, place.locations, supply.suppliers, learned, present.shop_now),
        unit_cost=cost,
        margin=_margin(cost, place.price_minor, present.costs),
    )


def _margin(cost: float | None, price_minor: int | None, config: CostConfig) -> float:
    if cost is None:
        return 0.0
    margin = stock_costs(cost, price_minor, CostConfig(goodwill_share=config.goodwill_share)).stockout_per_unit
    return 0.0 if margin is None else margin
