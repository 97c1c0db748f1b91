"""What to order now, how much, from whom and why, as it is told; with a budget, what saves most within it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

import msgspec

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.budget import spend_budget
from smartshop.ai_agents.inventory.policies.order_decision import order_options
from smartshop.ai_agents.inventory.policies.order_terms import (
    OrderDecision,
)
from smartshop.ai_agents.inventory.replenishment.case import Case, Present, title_of
from smartshop.ai_agents.inventory.replenishment.deciding import Decided, decide, decide_case
from smartshop.ai_agents.inventory.replenishment.projection import (
    expected_sales,
    first_empty_day,
    projected_stock,
)
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.schemas.ids import LocationId, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.money import written
from smartshop.data_collection.schemas.supply import Supplier

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
    minimums = _below_minimum(wanted, model.facts.currency)
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


def _below_minimum(wanted: Sequence[tuple[Case, OrderDecision]], currency: str) -> dict[SupplierId, str]:
    """Suppliers of whom too little is wanted to take the order; of those who bill in other money nobody knows."""
    together: dict[SupplierId, float] = defaultdict(float)
    by_id: dict[SupplierId, Supplier] = {}
    for case, decided in wanted:
        if case.supplier is not None and case.supplier.currency == currency:
            together[case.supplier.supplier_id] += float(case.terms.prices.cost_of(float(decided.units)))
            by_id[case.supplier.supplier_id] = case.supplier
    return {
        supplier_id: f"all that is wanted of {by_id[supplier_id].name} comes to {written(round(total), currency)}, "
        f"and it takes no order below {written(by_id[supplier_id].min_order_minor, currency)}"
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
