"""How one place stands, whether or not something is ordered."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import (
    OrderDecision,
    StockPosition,
)
from smartshop.ai_agents.inventory.replenishment.case import Present, case_of
from smartshop.ai_agents.inventory.replenishment.deciding import SharedCosts, cases_of, decide_case, sharing_of
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.projection import (
    expected_sales,
    first_empty_day,
    projected_stock,
)
from smartshop.ai_agents.inventory.replenishment.reading import (
    Catalogued,
    StockedPlace,
    Stores,
    Supply,
    places_of_suppliers,
    supplier_of,
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How one place stands, whether or not something is ordered."""

    decided: OrderDecision
    position: StockPosition
    per_day: float
    levels: Floats
    """(days + 1,) units expected there now and after each day, with what is on its way."""
    empty_day: int | None
    """Days from now until it is expected to be gone; None: not within these days."""
    lead: LeadTime
    notes: tuple[str, ...]


def outlook(
    model: InventoryModel, supply: Supply, place: StockedPlace, present: Present, shared: SharedCosts
) -> Outlook | None:
    """None where nothing is foreseen, or neither a cost nor a price is known.

    Decided as among all that its supplier brings, so it stands here as it does in a proposal.
    """
    case = case_of(model, supply, place, present)
    if case is None:
        return None
    case = shared.of(case)
    sales = expected_sales(model, case.asked)
    levels = projected_stock(float(place.on_hand - place.reserved), sales, case.arrivals)
    return Outlook(
        decided=decide_case(case),
        position=case.position,
        per_day=case.demand.per_day,
        levels=levels,
        empty_day=first_empty_day(levels, sales),
        lead=case.lead,
        notes=case.notes,
    )


def shared_beside(
    model: InventoryModel,
    stores: Stores,
    supply: Supply,
    places: Sequence[StockedPlace],
    present: Present,
    catalogued: Catalogued | None = None,
) -> SharedCosts:
    """What a decision about every place of the shop would share fixed costs by, as far as these places' suppliers go.

    Blocking where one of them asks such a cost: all that it brings is read and looked at, milliseconds for each variant
    that may run short.
    """
    named = {supplier_of(supply, place.variant) for place in places}
    asking = {
        one.supplier_id
        for one in supply.suppliers.values()
        if one.supplier_id in named and one.fixed_cost_minor and one.currency == model.facts.currency
    }
    if not asking:
        return SharedCosts()
    beside = places_of_suppliers(stores, supply, model, present.shop_now, asking, catalogued)
    return sharing_of(cases_of(model, supply, beside, present))
