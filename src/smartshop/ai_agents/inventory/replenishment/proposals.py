"""What to order now, how much, from whom and why, as it is told; with a budget, what saves most within it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.budget import spend_budget
from smartshop.ai_agents.inventory.policies.order_decision import order_options
from smartshop.ai_agents.inventory.policies.order_terms import OrderDecision
from smartshop.ai_agents.inventory.replenishment.case import Case, Present, title_of
from smartshop.ai_agents.inventory.replenishment.deciding import Decided, decide, decide_case
from smartshop.ai_agents.inventory.replenishment.joint_orders import joint_orders
from smartshop.ai_agents.inventory.replenishment.projection import (
    expected_sales,
    first_empty_day,
    projected_stock,
)
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal, Proposals
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.ai_agents.inventory.replenishment.shortage import chance_short_before
from smartshop.data_collection.schemas.ids import LocationId, VariantId

Wanted = tuple[Case, OrderDecision]

ID_CHARACTERS = 10
LEAST_STEP = 0.002
"""Of a budget: by so much at least it is lessened until orders and their fixed costs fit, so that this ends soon."""


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
    suppliers = {case.supplier.supplier_id: case.supplier for case, _ in wanted if case.supplier is not None}
    items = costliest_first(_proposal(model, case, order, present) for case, order in wanted)
    return Proposals(
        as_of=present.today.isoformat(),
        currency=model.facts.currency,
        items=items,
        orders=joint_orders(items, suppliers, model.facts.currency),
        looked_at=decided.looked_at,
        never_sold=decided.never_sold,
        cash_minor=sum(item.goods_minor for item in items),
        budget_minor=budget_minor,
        left_out=len(decided.wanted) - len(items),
    )


def costliest_first(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """By what it costs to wait with them."""
    return tuple(sorted(proposals, key=lambda one: (-one.waiting_minor, one.variant_id, one.location_id)))


def proposal_id(today: date, variant_id: VariantId, location_id: LocationId) -> str:
    """The same on the same day."""
    told = sha256(f"{variant_id}/{location_id}".encode()).hexdigest()[:ID_CHARACTERS]
    return f"{today.isoformat()}-{told}"


def _within(wanted: Sequence[Wanted], budget_minor: int) -> list[Wanted]:
    """What the budget allows, with the whole fixed cost of every order that is left."""
    offers = [order_options(case.position, case.demand, case.terms, case.costs) for case, _ in wanted]
    spend = float(budget_minor)
    # Lines that fall away leave their part of an order's fixed cost to the others.
    while (beyond := _cash(kept := _bought(wanted, spend_budget(offers, spend).packs)) - budget_minor) > 0:
        spend = max(0.0, spend - max(beyond, LEAST_STEP * budget_minor, 1.0))
    return kept


def _bought(wanted: Sequence[Wanted], packs_of: Iterable[int]) -> list[Wanted]:
    """Of each so many packs; an order that is cut is decided anew with what it may hold at most."""
    kept: list[Wanted] = []
    for (case, decided), packs in zip(wanted, packs_of, strict=True):
        if packs == decided.packs:
            kept.append((case, decided))
        elif packs:
            cut = replace(case, terms=replace(case.terms, most_units=packs * case.terms.pack_units))
            cut = replace(cut, notes=(*case.notes, f"the budget cuts it from {decided.units} units"))
            again = decide_case(cut)
            if again.units:
                kept.append((cut, again))
    return kept


def _cash(wanted: Sequence[Wanted]) -> float:
    """Minor units: goods, and the fixed cost of each order once."""
    fixed = {
        (None if case.supplier is None else case.supplier.supplier_id, case.place.location_id): case.fixed_cost_minor
        for case, _ in wanted
    }
    return sum(order.units * unit_cost_minor(case, order) for case, order in wanted) + sum(fixed.values())


def _proposal(model: InventoryModel, case: Case, decided: OrderDecision, present: Present) -> Proposal:
    place, series = case.place, case.asked.series
    sales = expected_sales(model, case.asked)
    levels = projected_stock(float(place.on_hand - place.reserved), sales, case.arrivals)
    empty = first_empty_day(levels, sales)
    unit_cost, supplier = unit_cost_minor(case, decided), case.supplier
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
        unit_cost_minor=unit_cost,
        goods_minor=decided.units * unit_cost,
        on_hand=place.on_hand,
        reserved=place.reserved,
        incoming=case.position.on_order,
        per_day=round(case.demand.per_day, 4),
        out_on=None if empty is None else (present.today + timedelta(days=empty)).isoformat(),
        covers_days=round(decided.days_of_cover, 1) if case.demand.per_day > 0 else None,
        chance_short_before=round(chance_short_before(model, case), 4),
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
        pattern=model.pattern_of(series),
        notes=case.notes,
    )


def unit_cost_minor(case: Case, decided: OrderDecision) -> int:
    """Of one unit in an order of this size, as a line of the purchase order tells it."""
    return round(float(case.terms.prices.cost_of(float(decided.units))) / decided.units)


def _more(cost: float | None, decided: OrderDecision) -> int | None:
    """Beyond what the proposed order costs."""
    return None if cost is None else round(cost - decided.expected_cost)
