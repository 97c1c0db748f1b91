"""Decisions as they are kept to be judged later: what was told, in numbers that need no model to be read. Pure."""

from collections.abc import Collection
from datetime import date
from zlib import crc32

import numpy as np

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import OrderDecision
from smartshop.ai_agents.inventory.replenishment.awaited import chances_over
from smartshop.ai_agents.inventory.replenishment.case import Case, Present, title_of
from smartshop.ai_agents.inventory.replenishment.deciding import Decided, decide_case
from smartshop.ai_agents.inventory.replenishment.proposals import proposal_id
from smartshop.ai_agents.inventory.replenishment.shortage import chance_short_before
from smartshop.data_collection.schemas.ids import LocationId, ModelVersion, VariantId
from smartshop.data_collection.schemas.proposals import ToldCosts, ToldLaw, ToldProposal

LAW_POINTS = 64
"""Of a kept law: between them it is straight, which moves no chance by a hundredth."""
LEAST_TURN_DAYS = 7
"""A place is kept whatever was decided once a week at most: weeks that overlap tell little more."""
MOST_IN_TURN = 1_000
"""A day, however many places there are."""


def told_proposals(
    model: InventoryModel, version: ModelVersion, decided: Decided, present: Present
) -> list[ToldProposal]:
    """Every order that is proposed, and of the other places those whose turn it is, with what was told of them.

    Orders alone would be a choice of places that are short just now, and of forecasts that are high just now: how well
    demand is told shows in places that were picked by the calendar.
    """
    every = turn_days(decided.looked_at)
    in_turn = [
        case
        for case in (*decided.waiting, *decided.lasting)
        if is_in_turn(case.place.variant.variant_id, case.place.location_id, present.today, every)
    ]
    decisions = (*decided.wanted, *((case, decide_case(case)) for case in in_turn))
    return [_told(model, version, case, order, present, every) for case, order in decisions]


def told_under(
    model: InventoryModel, version: ModelVersion, decided: Decided, present: Present, wanted: Collection[str]
) -> list[ToldProposal]:
    """What was decided under these ids, to order or not; ids of no such place are left out."""
    every = turn_days(decided.looked_at)
    waiting = (case for case in (*decided.waiting, *decided.lasting) if _id_of(case, present) in wanted)
    decisions = [one for one in decided.wanted if _id_of(one[0], present) in wanted]
    decisions += [(case, decide_case(case)) for case in waiting]
    return [_told(model, version, case, order, present, every) for case, order in decisions]


def _id_of(case: Case, present: Present) -> str:
    return proposal_id(present.today, case.place.variant.variant_id, case.place.location_id)


def turn_days(places: int) -> int:
    """Days until it is the same place's turn again.

    >>> turn_days(300), turn_days(10_000)
    (7, 10)
    """
    return max(LEAST_TURN_DAYS, -(-places // MOST_IN_TURN))


def is_in_turn(variant_id: VariantId, location_id: LocationId, today: date, every: int) -> bool:
    return (today.toordinal() + crc32(f"{variant_id}/{location_id}".encode())) % every == 0


def compact_law(units: Floats, within: Floats) -> ToldLaw:
    """A law held by few enough points: all of them, or so many that lie evenly in chance, with both ends.

    >>> compact_law(np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.75, 1.0]))
    ToldLaw(units=(0.0, 1.0, 2.0), within=(0.5, 0.75, 1.0))
    """
    if len(units) > LAW_POINTS:
        even = np.linspace(0.0, 1.0, LAW_POINTS - 5)[1:-1]
        levels = np.concatenate([[0.0, 0.001, 0.005], even, [0.995, 0.999, 1.0]])
        some = np.unique(np.clip(np.searchsorted(within, levels), 0, len(units) - 1))
        units, within = units[some], within[some]
    return ToldLaw(tuple(units.tolist()), tuple(np.round(within, 6).tolist()))


def _told(
    model: InventoryModel, version: ModelVersion, case: Case, order: OrderDecision, present: Present, every: int
) -> ToldProposal:
    place, position, supplier = case.place, case.position, case.supplier
    stretch = max(1, round(case.lead.mean_days + case.demand.review_days))
    # The law of this stretch as it stands, without the spread of the lead time: demand alone is judged by it.
    units, within = chances_over(model, case.asked, float(stretch))
    low, middle, high = (_quantile(units, within, level) for level in (0.1, 0.5, 0.9))
    begins, series = case.asked.begins, case.asked.series
    return ToldProposal(
        proposal_id=_id_of(case, present),
        decided_at=present.shop_now,
        product_id=place.product.product.product_id,
        variant_id=place.variant.variant_id,
        title=title_of(place),
        location_id=place.location_id,
        locations=tuple(sorted(place.locations)),
        supplier_id=None if supplier is None else supplier.supplier_id,
        supplier_name=None if supplier is None else supplier.name,
        units=order.units,
        pack_size=case.terms.pack_units,
        least_units=case.terms.least_units,
        on_hand=place.on_hand,
        reserved=place.reserved,
        incoming=position.on_order,
        lead_days=case.lead.mean_days,
        lead_spread_days=case.lead.sd_days,
        review_days=case.demand.review_days,
        stretch_days=stretch,
        mean=round(model.mean_between(series, begins, begins + stretch) * case.asked.share, 3),
        told_10=low,
        told_50=middle,
        told_90=high,
        law=compact_law(units, within),
        service_level=round(order.cycle_service, 4),
        chance_short_before=round(chance_short_before(model, case), 4),
        costs=_costs(model, case, order),
        demand_class=f"{model.value_class[series]}{model.steadiness[series]}",
        pattern=model.pattern_of(series),
        model_version=version,
        in_turn=is_in_turn(place.variant.variant_id, place.location_id, present.today, every),
    )


def _costs(model: InventoryModel, case: Case, order: OrderDecision) -> ToldCosts:
    asked = max(order.units, 1)
    return ToldCosts(
        currency=model.facts.currency,
        unit=round(float(case.terms.prices.cost_of(float(asked))) / asked, 2),
        holding_per_unit_day=case.costs.holding_per_unit_day,
        missed_per_unit=order.stockout_per_unit,
        order=case.terms.fixed_cost,
        order_lasts_days=order.planned_days,
    )


def _quantile(units: Floats, within: Floats, level: float) -> float:
    """The fewest units that demand stays within with this chance."""
    return float(units[min(int(np.searchsorted(within, level - 1e-12)), len(units) - 1)])
