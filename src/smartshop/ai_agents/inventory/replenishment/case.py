"""Everything that one decision about ordering is made from, read off the stores for one stocked place. Pure."""

from dataclasses import dataclass
from datetime import date

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.order_terms import (
    AwaitedDemand,
    StockCosts,
    StockPosition,
    SupplierTerms,
)
from smartshop.ai_agents.inventory.policies.prices import PriceList
from smartshop.ai_agents.inventory.replenishment.arriving import arrivals_of
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, awaited_demand
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig, stock_costs, unit_cost_of
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time_of
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.supply import DEFAULT_REVIEW_DAYS, Supplier, SupplyTerms


@dataclass(frozen=True, slots=True)
class Present:
    """When it is asked, and under which assumptions."""

    shop_now: Micros
    today: date
    """In the shop's zone."""
    costs: CostConfig


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that one decision is made from."""

    place: StockedPlace
    asked: Asked
    supplier: Supplier | None
    lead: LeadTime
    demand: AwaitedDemand
    terms: SupplierTerms
    costs: StockCosts
    fixed_cost_minor: float
    """Of a whole order to the supplier, however many variants it is for; 0 where it bills in another currency."""
    position: StockPosition
    arrivals: tuple[Arrival, ...]
    notes: tuple[str, ...]


def case_of(model: InventoryModel, supply: Supply, place: StockedPlace, present: Present) -> Case | None:
    """Everything a decision needs; None where there is nothing to decide."""
    if place.series is None or place.share <= 0:
        return None
    told = supply.terms.get(place.variant.variant_id)
    supplier_id = told.supplier_id if told is not None else place.variant.supplier_id
    supplier = None if supplier_id is None else supply.suppliers.get(supplier_id)
    cost, notes = cost_of_unit(place, supplier, told, model.facts.currency, present.costs)
    if cost is None:
        return None
    lead = lead_time_of(supplier, model.facts.lead_times)
    asked = Asked(place.series, place.share, begins_of(model, present))
    review = DEFAULT_REVIEW_DAYS if supplier is None else supplier.review_days
    demand = awaited_demand(model, asked, lead, review)
    coming = [one for one in supply.incoming.get(place.variant.variant_id, ()) if one.location_id in place.locations]
    position = StockPosition(place.on_hand, sum(one.units for one in coming), place.reserved)
    arrivals = arrivals_of(coming, place.locations, supply.suppliers, model.facts.lead_times, present.shop_now)
    is_own_money = supplier is not None and supplier.currency == model.facts.currency
    terms = _terms(told if supplier is not None else None, cost, has_breaks=is_own_money)
    fixed = float(supplier.fixed_cost_minor) if supplier is not None and is_own_money else 0.0
    costs = stock_costs(cost, place.price_minor, present.costs)
    if lead.orders_seen == 0 and lead.stated_days is None:
        notes = (*notes, f"nobody told how long delivery takes; {lead.mean_days:.0f} days are assumed")
    if not model.has_sold(place.series):
        notes = (*notes, "it has not sold yet; demand is told by launches of its like")
    return Case(place, asked, supplier, lead, demand, terms, costs, fixed, position, arrivals, notes)


def begins_of(model: InventoryModel, present: Present) -> float:
    """Days from the first day that is forecast to now."""
    return float(present.today.toordinal() - model.facts.first_day)


def cost_of_unit(
    place: StockedPlace, supplier: Supplier | None, told: SupplyTerms | None, currency: str, config: CostConfig
) -> tuple[float | None, tuple[str, ...]]:
    """Minor units of one unit, None where neither a cost nor a price is known; and what was assumed."""
    notes: tuple[str, ...] = ()
    own = place.variant.cost_minor
    if supplier is None:
        notes = ("nobody told who supplies it",)
    elif supplier.currency != currency:
        notes = (f"{supplier.name} bills in {supplier.currency}, which is not converted; the cost is a guess",)
    elif told is not None:
        return unit_cost_of(told.unit_cost_minor, place.price_minor, config), notes
    if own is None and place.price_minor is not None:
        share = f"{100 * config.usual_cost_share:.0f} %"
        notes = (*notes, f"what it costs is not known; {share} of its price is assumed")
    return unit_cost_of(own, place.price_minor, config), notes


def title_of(place: StockedPlace) -> str:
    """The product's, with the variant's own where there are several."""
    own = place.variant.title
    whole = place.product.product.title
    return whole if own is None or own == whole or len(place.product.product.variants) == 1 else f"{whole}, {own}"


def _terms(told: SupplyTerms | None, cost: float, *, has_breaks: bool) -> SupplierTerms:
    """As the supplier says; else single units at one price. Breaks told in another currency than the cost do not
    count."""
    if told is None:
        return SupplierTerms(PriceList((cost,)))
    prices, begins = [cost], [0.0]
    for step in told.breaks if has_breaks else ():
        if step.from_units > begins[-1] and 0 < step.unit_cost_minor <= prices[-1]:
            prices.append(float(step.unit_cost_minor))
            begins.append(float(step.from_units))
    return SupplierTerms(
        PriceList(tuple(prices), tuple(begins)), pack_units=max(told.pack_size, 1), least_units=max(told.min_units, 0)
    )
