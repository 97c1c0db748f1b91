"""Whether something is to be ordered now, and how much: for every stocked place that may run short. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.order_decision import decide_order
from smartshop.ai_agents.inventory.policies.order_terms import (
    OrderDecision,
)
from smartshop.ai_agents.inventory.replenishment.case import Case, Present, case_of
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.schemas.ids import SupplierId

NEVER_SHORT = 0.999
"""What lasts over lead time and review with this chance can wait until the next review, whatever an order costs."""


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


def decide(model: InventoryModel, supply: Supply, places: Sequence[StockedPlace], present: Present) -> Decided:
    """For every place, whether something is to be ordered now, and how much."""
    cases = [case for place in places if (case := case_of(model, supply, place, present)) is not None]
    short = _sharing_fixed_costs([case for case in cases if _may_run_short(case)])
    decisions = [(case, decide_case(case)) for case in short]
    return Decided(
        wanted=tuple((case, decided) for case, decided in decisions if decided.units > 0),
        waiting=tuple(case for case, decided in decisions if decided.units == 0),
        lasting=tuple(case for case in cases if not _may_run_short(case)),
        looked_at=len(places),
        never_sold=sum(place.series is None for place in places),
    )


def decide_case(case: Case) -> OrderDecision:
    """The order that costs least for this place by itself; of no units where that is none."""
    return decide_order(case.position, case.demand, case.terms, case.costs)


def _may_run_short(case: Case) -> bool:
    return float(case.demand.over_protection.quantile(NEVER_SHORT)) > case.position.units


def _sharing_fixed_costs(cases: Sequence[Case]) -> list[Case]:
    """A supplier's fixed cost is one of the whole order: shared equally by what would be ordered if it were none."""
    dear = {case.supplier.supplier_id for case in cases if case.supplier is not None and case.fixed_cost_minor}
    lines: Counter[SupplierId] = Counter()
    for case in cases:
        if case.supplier is not None and case.supplier.supplier_id in dear and decide_case(case).units:
            lines[case.supplier.supplier_id] += 1
    return [
        case
        if case.supplier is None or case.supplier.supplier_id not in dear
        else replace(
            case,
            terms=replace(case.terms, fixed_cost=case.fixed_cost_minor / max(lines[case.supplier.supplier_id], 1)),
        )
        for case in cases
    ]
