"""What to order now, how much, from whom and why: one decision for every stocked variant that may run short."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256

import msgspec

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.budget import spend_budget
from smartshop.ai_agents.inventory.policies.order_decision import decide_order, order_options
from smartshop.ai_agents.inventory.policies.order_terms import (
    AwaitedDemand,
    OrderDecision,
    StockCosts,
    StockPosition,
    SupplierTerms,
)
from smartshop.ai_agents.inventory.policies.prices import PriceList
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, awaited_demand
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig, stock_costs, unit_cost_of
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time
from smartshop.ai_agents.inventory.replenishment.projection import (
    Arrival,
    expected_sales,
    first_empty_day,
    projected_stock,
)
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import DEFAULT_REVIEW_DAYS, IncomingUnits, Supplier, SupplyTerms

NEVER_SHORT = 0.999
"""What lasts over lead time and review with this chance can wait until the next review, whatever an order costs."""
ID_CHARACTERS = 10


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Money in minor units of the shop's currency."""

    proposal_id: str
    """Of this variant and place on this day."""
    product_id: ProductId
    variant_id: VariantId
    title: str
    location_id: LocationId
    supplier_id: SupplierId | None
    """None: nobody told who delivers it."""
    supplier_name: str | None
    units: int
    packs: int
    pack_size: int
    unit_cost_minor: int
    """At this size of order."""
    goods_minor: int
    """Cash tied up by it."""
    on_hand: int
    reserved: int
    incoming: int
    per_day: float
    """Units expected to be asked for."""
    out_on: str | None
    """Day on which stock is expected to be gone if nothing is ordered; None: not within half a year."""
    covers_days: float | None
    """That stock lasts with the order; None: nothing is asked for."""
    chance_short_before: float
    """That stock runs out before the order could arrive."""
    service_level: float
    """Chance that none is missing from then until the order after it could arrive."""
    fill_rate: float
    reorder_point: int | None
    order_up_to: int
    one_pack_less_minor: int | None
    """What that costs more, over the time that the order lasts; None: there is no smaller order."""
    one_pack_more_minor: int | None
    waiting_minor: int
    """What ordering nothing now costs more."""
    lead_days: float
    lead_spread_days: float
    lead_source: str
    review_days: float
    demand_class: str
    """ABC-XYZ."""
    pattern: str
    notes: tuple[str, ...] = ()
    """What was assumed, or stands against it."""


class Proposals(msgspec.Struct, frozen=True, kw_only=True):
    """All of one day."""

    as_of: str
    """Day"""
    currency: str
    items: tuple[Proposal, ...]
    """The costliest to wait with first."""
    looked_at: int
    """Variants with stock that is counted, place by place."""
    never_sold: int
    """Of them, those that nothing is foreseen of, since they were never sold there."""
    cash_minor: int
    budget_minor: int | None = None
    left_out: int = 0
    """Orders that the budget did not allow."""


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
    position: StockPosition
    arrivals: tuple[Arrival, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about every place that anything is foreseen of."""

    wanted: tuple[tuple[Case, OrderDecision], ...]
    waiting: tuple[Case, ...]
    """It may run short, and still waiting costs less than ordering now."""
    lasting: tuple[Case, ...]
    looked_at: int
    """Places, those that nothing is foreseen of as well."""
    never_sold: int


def propose(
    model: InventoryModel,
    supply: Supply,
    places: Sequence[StockedPlace],
    present: Present,
    budget_minor: int | None = None,
) -> Proposals:
    """Decide for every place that may run short; with a budget, the orders that save most within it.

    Raises:
        InvalidValue: the budget is negative.
    """
    return proposals_of(model, decide(model, supply, places, present), present, budget_minor)


def decide(model: InventoryModel, supply: Supply, places: Sequence[StockedPlace], present: Present) -> Decided:
    """For every place, whether something is to be ordered now, and how much."""
    cases = [case for place in places if (case := _case(model, supply, place, present)) is not None]
    short = _sharing_fixed_costs([case for case in cases if _may_run_short(case)])
    decisions = [(case, decide_case(case)) for case in short]
    return Decided(
        wanted=tuple((case, decided) for case, decided in decisions if decided.units > 0),
        waiting=tuple(case for case, decided in decisions if decided.units == 0),
        lasting=tuple(case for case in cases if not _may_run_short(case)),
        looked_at=len(places),
        never_sold=sum(place.series is None for place in places),
    )


def proposals_of(
    model: InventoryModel, decided: Decided, present: Present, budget_minor: int | None = None
) -> Proposals:
    """What is to be ordered, told; with a budget, the orders that save most within it.

    Raises:
        InvalidValue: the budget is negative.
    """
    wanted = list(decided.wanted)
    if budget_minor is not None:
        wanted = _within(wanted, budget_minor)
    minimums = _below_minimum(wanted)
    items = [_proposal(model, case, order, present, minimums) for case, order in wanted]
    items.sort(key=lambda one: (-one.waiting_minor, one.variant_id, one.location_id))
    return Proposals(
        as_of=present.today.isoformat(),
        currency=model.facts.currency,
        items=tuple(items),
        looked_at=decided.looked_at,
        never_sold=decided.never_sold,
        cash_minor=sum(item.goods_minor for item in items),
        budget_minor=budget_minor,
        left_out=len(decided.wanted) - len(items),
    )


def proposal_id(today: date, variant_id: VariantId, location_id: LocationId) -> str:
    """The same on the same day."""
    told = sha256(f"{variant_id}/{location_id}".encode()).hexdigest()[:ID_CHARACTERS]
    return f"{today.isoformat()}-{told}"


def _case(model: InventoryModel, supply: Supply, place: StockedPlace, present: Present) -> Case | None:
    """Everything a decision needs; None where there is nothing to decide."""
    if place.series is None or place.share <= 0:
        return None
    told = supply.terms.get(place.variant.variant_id)
    supplier_id = told.supplier_id if told is not None else place.variant.supplier_id
    supplier = None if supplier_id is None else supply.suppliers.get(supplier_id)
    cost, notes = cost_of_unit(place, supplier, told, model.facts.currency, present.costs)
    if cost is None:
        return None
    lead = lead_time(None if supplier is None else supplier.lead_time_days)
    if supplier is not None:
        lead = model.facts.lead_times.get(supplier.supplier_id, lead)
    asked = Asked(place.series, place.share, begins_of(model, present))
    review = DEFAULT_REVIEW_DAYS if supplier is None else supplier.review_days
    demand = awaited_demand(model, asked, lead, review)
    coming = [one for one in supply.incoming.get(place.variant.variant_id, ()) if one.location_id in place.locations]
    position = StockPosition(place.on_hand, sum(one.units for one in coming), place.reserved)
    arrivals = tuple(Arrival(_days_ahead(one, lead, present.shop_now), one.units) for one in coming)
    terms = _terms(told if supplier is not None else None, cost)
    costs = stock_costs(cost, place.price_minor, present.costs)
    if lead.orders_seen == 0 and lead.stated_days is None:
        notes = (*notes, f"nobody told how long delivery takes; {lead.mean_days:.0f} days are assumed")
    return Case(place, asked, supplier, lead, demand, terms, costs, position, arrivals, notes)


def _may_run_short(case: Case) -> bool:
    return float(case.demand.over_protection.quantile(NEVER_SHORT)) > case.position.units


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
    case = _case(model, supply, place, present)
    if case is None:
        return None
    fixed = 0.0 if case.supplier is None else float(case.supplier.fixed_cost_minor)
    case = replace(case, terms=replace(case.terms, fixed_cost=fixed))
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


def begins_of(model: InventoryModel, present: Present) -> float:
    """Days from the first day that is forecast to now."""
    return float(present.today.toordinal() - model.facts.first_day)


def _days_ahead(one: IncomingUnits, lead: LeadTime, now: Micros) -> float:
    """Until goods on their way are there; what is late is taken to come tomorrow."""
    if one.expected_at is not None:
        return max((one.expected_at - now) / DAY, 1.0)
    sent = now if one.sent_at is None else one.sent_at
    return max((sent - now) / DAY + lead.mean_days, 1.0)


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


def _terms(told: SupplyTerms | None, cost: float) -> SupplierTerms:
    """As the supplier says; else single units at one price."""
    if told is None:
        return SupplierTerms(PriceList((cost,)))
    prices, begins = [cost], [0.0]
    for step in told.breaks:
        if step.from_units > begins[-1] and 0 < step.unit_cost_minor <= prices[-1]:
            prices.append(float(step.unit_cost_minor))
            begins.append(float(step.from_units))
    return SupplierTerms(
        PriceList(tuple(prices), tuple(begins)), pack_units=max(told.pack_size, 1), least_units=max(told.min_units, 0)
    )


def decide_case(case: Case) -> OrderDecision:
    """The order that costs least for this place by itself; of no units where that is none."""
    return decide_order(case.position, case.demand, case.terms, case.costs)


def _sharing_fixed_costs(cases: Sequence[Case]) -> list[Case]:
    """A supplier's fixed cost is one of the whole order: shared equally by what would be ordered if it were none."""
    dear = {case.supplier.supplier_id for case in cases if case.supplier is not None and case.supplier.fixed_cost_minor}
    lines: Counter[SupplierId] = Counter()
    for case in cases:
        if case.supplier is not None and case.supplier.supplier_id in dear and decide_case(case).units:
            lines[case.supplier.supplier_id] += 1
    return [
        case
        if case.supplier is None or case.supplier.supplier_id not in dear
        else replace(
            case,
            terms=replace(
                case.terms, fixed_cost=case.supplier.fixed_cost_minor / max(lines[case.supplier.supplier_id], 1)
            ),
        )
        for case in cases
    ]


def _within(wanted: list[tuple[Case, OrderDecision]], budget_minor: int) -> list[tuple[Case, OrderDecision]]:
    """What the budget allows; an order that is cut is decided anew with what it may hold at most."""
    offers = [order_options(case.position, case.demand, case.terms, case.costs) for case, _ in wanted]
    plan = spend_budget(offers, float(budget_minor))
    kept: list[tuple[Case, OrderDecision]] = []
    for (case, decided), packs in zip(wanted, plan.packs, strict=True):
        if packs == decided.packs:
            kept.append((case, decided))
        elif packs:
            cut = replace(case, terms=replace(case.terms, most_units=packs * case.terms.pack_units))
            cut = replace(cut, notes=(*case.notes, f"the budget cuts it from {decided.units} units"))
            again = decide_case(cut)
            if again.units:
                kept.append((cut, again))
    return kept


def _below_minimum(wanted: Sequence[tuple[Case, OrderDecision]]) -> dict[SupplierId, str]:
    """Suppliers of whom too little is wanted to take the order."""
    together: dict[SupplierId, float] = defaultdict(float)
    by_id: dict[SupplierId, Supplier] = {}
    for case, decided in wanted:
        if case.supplier is not None:
            together[case.supplier.supplier_id] += float(case.terms.prices.cost_of(float(decided.units)))
            by_id[case.supplier.supplier_id] = case.supplier
    return {
        supplier_id: f"all that is wanted of {by_id[supplier_id].name} comes to {total / 100:,.2f}, "
        f"and it takes no order below {by_id[supplier_id].min_order_minor / 100:,.2f}"
        for supplier_id, total in together.items()
        if total < by_id[supplier_id].min_order_minor
    }


def _proposal(
    model: InventoryModel, case: Case, decided: OrderDecision, present: Present, minimums: Mapping[SupplierId, str]
) -> Proposal:
    place, series = case.place, case.asked.series
    sales = expected_sales(model, case.asked)
    levels = projected_stock(float(place.on_hand - place.reserved), sales, case.arrivals)
    empty = first_empty_day(levels, sales)
    goods = float(case.terms.prices.cost_of(float(decided.units)))
    supplier = case.supplier
    notes = case.notes
    if supplier is not None and supplier.supplier_id in minimums:
        notes = (*notes, minimums[supplier.supplier_id])
    return Proposal(
        proposal_id=proposal_id(present.today, place.variant.variant_id, place.location_id),
        product_id=place.product.product.product_id,
        variant_id=place.variant.variant_id,
        title=title_of(place),
        location_id=place.location_id,
        supplier_id=None if supplier is None else supplier.supplier_id,
        supplier_name=None if supplier is None else supplier.name,
        units=decided.units,
        packs=decided.packs,
        pack_size=case.terms.pack_units,
        unit_cost_minor=round(goods / decided.units),
        goods_minor=round(goods),
        on_hand=place.on_hand,
        reserved=place.reserved,
        incoming=case.position.on_order,
        per_day=round(case.demand.per_day, 4),
        out_on=None if empty is None else (present.today + timedelta(days=empty)).isoformat(),
        covers_days=round(decided.days_of_cover, 1) if case.demand.per_day > 0 else None,
        chance_short_before=round(decided.short_before_delivery, 4),
        service_level=round(decided.cycle_service, 4),
        fill_rate=round(decided.fill_rate, 4),
        reorder_point=decided.reorder_point,
        order_up_to=round(decided.order_up_to),
        one_pack_less_minor=_more(decided.cost_of_one_pack_less, decided),
        one_pack_more_minor=_more(decided.cost_of_one_pack_more, decided),
        waiting_minor=_more(decided.cost_of_waiting, decided) or 0,
        lead_days=round(case.lead.mean_days, 1),
        lead_spread_days=round(case.lead.sd_days, 1),
        lead_source=case.lead.source,
        review_days=case.demand.review_days,
        demand_class=f"{model.value_class[series]}{model.steadiness[series]}",
        pattern=str(model.pattern[series]),
        notes=notes,
    )


def _more(cost: float | None, decided: OrderDecision) -> int | None:
    """Beyond what the proposed order costs."""
    return None if cost is None else round(cost - decided.expected_cost)


def title_of(place: StockedPlace) -> str:
    """The product's, with the variant's own where there are several."""
    own = place.variant.title
    whole = place.product.product.title
    return whole if own is None or own == whole or len(place.product.product.variants) == 1 else f"{whole}, {own}"
