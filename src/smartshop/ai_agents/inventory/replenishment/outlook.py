"""How one place stands, whether or not something is ordered. Pure."""

from dataclasses import dataclass, replace

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import (
    OrderDecision,
    StockPosition,
)
from smartshop.ai_agents.inventory.replenishment.case import Present, case_of
from smartshop.ai_agents.inventory.replenishment.deciding import decide_case
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.projection import (
    expected_sales,
    first_empty_day,
    projected_stock,
)
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply


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


def outlook(model: InventoryModel, supply: Supply, place: StockedPlace, present: Present) -> Outlook | None:
    """None where nothing is foreseen, or neither a cost nor a price is known.

    The supplier's fixed cost is taken to be this variant's alone.
    """
    case = case_of(model, supply, place, present)
    if case is None:
        return None
    case = replace(case, terms=replace(case.terms, fixed_cost=case.fixed_cost_minor))
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
