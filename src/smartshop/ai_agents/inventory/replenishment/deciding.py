"""Whether something is to be ordered now, and how much: for every stocked place that may run short. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.order_decision import decide_order, wants_order
from smartshop.ai_agents.inventory.policies.order_terms import OrderDecision
from smartshop.ai_agents.inventory.replenishment.case import Case, Present, case_of
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace, Supply
from smartshop.data_collection.schemas.ids import LocationId, SupplierId, VariantId

NEVER_SHORT = 0.999
"""What lasts over lead time and review with this chance can wait until the next review, whatever an order costs."""

Between = Callable[[], None]
"""Called between one place and the next; what it raises ends the deciding."""
Kind = TypeVar("Kind")


def go_on() -> None:
    """Nothing ends it."""


@dataclass(frozen=True, slots=True)
class SharedCosts:
    """Among how many variants an order's fixed cost is shared: one figure for whoever decides about any of them."""

    variants: Mapping[tuple[SupplierId, LocationId], frozenset[VariantId]] = field(default_factory=dict)
    """Supplier and place of delivery → what would be ordered there if an order cost nothing by itself."""

    @property
    def lines(self) -> dict[tuple[SupplierId, LocationId], int]:
        """Of such an order."""
        return {key: len(names) for key, names in self.variants.items()}

    def of(self, case: Case) -> Case:
        """With the case's part of its supplier's fixed cost: all of it where nothing else would be ordered."""
        if case.supplier is None:
            return case
        names = self.variants.get((case.supplier.supplier_id, case.place.location_id), ())
        return replace(case, terms=replace(case.terms, fixed_cost=case.fixed_cost_minor / max(len(names), 1)))

    def anew(self, looked_at: Collection[VariantId], cases: Sequence[Case]) -> "SharedCosts":
        """The same, but for variants that were looked at again: of these, what these cases tell by now."""
        own = sharing_of(cases).variants
        gone = frozenset(looked_at)
        found = {
            key: (self.variants.get(key, frozenset()) - gone) | own.get(key, frozenset())
            for key in self.variants.keys() | own.keys()
        }
        return SharedCosts({key: names for key, names in found.items() if names})


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
    between: Between = go_on,
) -> Decided:
    """For every place, whether something is to be ordered now, and how much.

    `shared` is what was found among all places of the suppliers; None: these are all of them.
    """
    cases = cases_of(model, supply, _watched(places, between), present)
    if shared is None:
        shared = sharing_of(_watched(cases, between))
    return decide_cases(places, cases, shared, between)


def decide_cases(
    places: Sequence[StockedPlace], cases: Sequence[Case], shared: SharedCosts, between: Between = go_on
) -> Decided:
    """The same of places whose cases are there."""
    wanted: list[tuple[Case, OrderDecision]] = []
    waiting: list[Case] = []
    lasting: list[Case] = []
    for case in map(shared.of, _watched(cases, between)):
        if not _may_run_short(case):
            lasting.append(case)
        elif (decided := decide_case(case)).units > 0:
            wanted.append((case, decided))
        else:
            waiting.append(case)
    never_sold = sum(place.series is None for place in places)
    return Decided(tuple(wanted), tuple(waiting), tuple(lasting), len(places), never_sold, shared)


def _watched(several: Iterable[Kind], between: Between) -> Iterator[Kind]:
    for one in several:
        between()
        yield one


def cases_of(model: InventoryModel, supply: Supply, places: Iterable[StockedPlace], present: Present) -> list[Case]:
    """Of the places that there is something to decide about."""
    return [case for place in places if (case := case_of(model, supply, place, present)) is not None]


def sharing_of(cases: Iterable[Case]) -> SharedCosts:
    """An order's fixed cost is shared equally by what would be ordered with it if it were none.

    `cases`: all of the suppliers concerned; those of suppliers without such a cost are not looked at.
    """
    found: dict[tuple[SupplierId, LocationId], set[VariantId]] = defaultdict(set)
    for case in cases:
        if case.supplier is not None and case.fixed_cost_minor and _wants_order(case):
            found[case.supplier.supplier_id, case.place.location_id].add(case.place.variant.variant_id)
    return SharedCosts({key: frozenset(names) for key, names in found.items()})


def decide_case(case: Case) -> OrderDecision:
    """The order that costs least for this place by itself; of no units where that is none."""
    return decide_order(case.position, case.demand, case.terms, case.costs)


def _wants_order(case: Case) -> bool:
    return _may_run_short(case) and wants_order(case.position, case.demand, case.terms, case.costs)


def _may_run_short(case: Case) -> bool:
    return float(case.demand.over_protection.quantile(NEVER_SHORT)) > case.position.units
