"""Whether something is to be ordered now, and how much: for every stocked place that may run short. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.order_decision import decide_order, wants_order
from smartshop.ai_agents.inventory.policies.order_terms import (
    OrderDecision,
)
from smartshop.ai_agents.inventory.replenishment.case import Case, Present, case_of
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.schemas.ids import LocationId, SupplierId

NEVER_SHORT = 0.999
"""What lasts over lead time and review with this chance can wait until the next review, whatever an order costs."""


@dataclass(frozen=True, slots=True)
class SharedCosts:
    """Among how many variants an order's fixed cost is shared: one figure for whoever decides about any of them."""

    lines: Mapping[tuple[SupplierId, LocationId], int] = field(default_factory=dict)
    """Supplier and place of delivery → variants that would be ordered there if an order cost nothing by itself."""

    def of(self, case: Case) -> Case:
        """With the case's part of its supplier's fixed cost: all of it where nothing else would be ordered."""
        if case.supplier is None:
            return case
        lines = self.lines.get((case.supplier.supplier_id, case.place.location_id), 1)
        return replace(case, terms=replace(case.terms, fixed_cost=case.fixed_cost_minor / lines))


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
    shared: SharedCosts


def decide(
    model: InventoryModel,
    supply: Supply,
    places: Sequence[StockedPlace],
    present: Present,
    shared: SharedCosts | None = None,
) -> Decided:
    """For every place, whether something is to be ordered now, and how much.

    `shared` is what was found among all places of the suppliers; None: these are all of them.
    """
    cases = cases_of(model, supply, places, present)
    if shared is None:
        shared = sharing_of(cases)
    cases = [shared.of(case) for case in cases]
    decisions = [(case, decide_case(case)) for case in cases if _may_run_short(case)]
    return Decided(
        wanted=tuple((case, decided) for case, decided in decisions if decided.units > 0),
        waiting=tuple(case for case, decided in decisions if decided.units == 0),
        lasting=tuple(case for case in cases if not _may_run_short(case)),
        looked_at=len(places),
        never_sold=sum(place.series is None for place in places),
        shared=shared,
    )


def cases_of(model: InventoryModel, supply: Supply, places: Sequence[StockedPlace], present: Present) -> list[Case]:
    """Of the places that there is something to decide about."""
    return [case for place in places if (case := case_of(model, supply, place, present)) is not None]


def sharing_of(cases: Sequence[Case]) -> SharedCosts:
    """An order's fixed cost is shared equally by what would be ordered with it if it were none.

    `cases`: all of the suppliers concerned; those of suppliers without such a cost are not looked at.
    """
    return SharedCosts(
        Counter(
            (case.supplier.supplier_id, case.place.location_id)
            for case in cases
            if case.supplier is not None and case.fixed_cost_minor and _wants_order(case)
        )
    )


def decide_case(case: Case) -> OrderDecision:
    """The order that costs least for this place by itself; of no units where that is none."""
    return decide_order(case.position, case.demand, case.terms, case.costs)


def _wants_order(case: Case) -> bool:
    return _may_run_short(case) and wants_order(case.position, case.demand, case.terms, case.costs)


def _may_run_short(case: Case) -> bool:
    return float(case.demand.over_protection.quantile(NEVER_SHORT)) > case.position.units
