"""What to order as stock is now, for routes: worked out beside the requests where that takes longer than one waits."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from smartshop.ai_agents.inventory.learning import AGENT
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Case
from smartshop.ai_agents.inventory.replenishment.deciding import SharedCosts, cases_of, decide, sharing_of
from smartshop.ai_agents.inventory.replenishment.joint_orders import joint_orders
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal, Proposals
from smartshop.ai_agents.inventory.replenishment.proposals import costliest_first, proposals_of
from smartshop.ai_agents.inventory.replenishment.reading import places_of_products, stocked_places
from smartshop.ai_agents.inventory.stock_now import StockNow, stock_now
from smartshop.backend_api.services.joint_drafts import DraftDesk
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.clock import DAY, SECOND
from smartshop.data_collection.schemas.ids import Micros, ModelVersion, VariantId
from smartshop.errors import NotFound

KEPT = 30 * SECOND
OLDEST_READ = 1 * DAY
"""An older list is waited for, however long its successor takes."""
OLDEST_DRAFTED = 15 * 60 * SECOND
"""The same of a list that orders are drafted from."""
PATIENCE_SECONDS = 2.0
"""So long a reader waits for a newer list before the one that was kept is served."""


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """What to order, and what it was decided from."""

    proposals: Proposals
    shared: SharedCosts
    model: InventoryModel
    at: Micros
    """Real time at which stock was read."""
    change: int = 0
    """Number of the newest change to orders that it knows of."""


def served_forecasts(shop: Shop) -> InventoryModel:
    """Raises:
    NotFound: nothing was learned yet.
    """
    model = shop.forecasts()
    if model is None:
        raise NotFound("Nothing is foreseen yet; it is once the shop has sold for four weeks, or after "
                       "`smartshop train inventory`.")  # fmt: skip
    return model


def stock_now_of(shop: Shop) -> StockNow:
    """Raises:
    NotFound: nothing was learned yet.
    """
    return stock_now(served_forecasts(shop), shop, shop.clock, shop.stock_costs)


def draft_desk(shop: Shop, shared: SharedCosts) -> DraftDesk:
    """Raises:
    NotFound: nothing was learned yet.
    """
    record = shop.models.promoted(AGENT)
    version = ModelVersion("") if record is None else record.version
    return DraftDesk(stock_now_of(shop), version, shop.proposals, shared)


def work_out(shop: Shop, budget_minor: int | None = None, change: int = 0) -> WorkedOut:
    """Decided anew from stock, baskets and goods on their way. Blocking, milliseconds for each variant.

    Raises:
        NotFound: nothing was learned yet.
        InvalidValue: the budget is negative.
    """
    at = stock_now_of(shop)
    supply = at.supply()
    places = stocked_places(at.stores, supply, at.model, at.present.shop_now)
    decided = decide(at.model, supply, places, at.present)
    found = proposals_of(at.model, decided, at.present, budget_minor)
    return WorkedOut(found, decided.shared, at.model, at.now, change)


def with_these_anew(shop: Shop, found: WorkedOut, variant_ids: Iterable[VariantId]) -> WorkedOut:
    """The same list, but for the products of these variants, which are decided about as they stand now. Blocking.

    Raises:
        NotFound: nothing was learned yet.
    """
    at = stock_now_of(shop)
    supply = at.supply()
    products = set(shop.catalogue.product_of(list(variant_ids)).values())
    places = places_of_products(at.stores, supply, at.model, at.present.shop_now, sorted(products))
    others = [one for one in found.proposals.items if one.product_id not in products]
    shared = _shared_anew(found.shared, others, cases_of(at.model, supply, places, at.present))
    own = proposals_of(at.model, decide(at.model, supply, places, at.present, shared), at.present)
    items = costliest_first((*others, *own.items))
    whole = msgspec.structs.replace(
        found.proposals,
        items=items,
        orders=joint_orders(items, supply.suppliers, at.model.facts.currency),
        cash_minor=sum(one.goods_minor for one in items),
    )
    return WorkedOut(whole, shared, found.model, found.at, found.change)


def _shared_anew(before: SharedCosts, others: Sequence[Proposal], cases: Sequence[Case]) -> SharedCosts:
    """Where most of an order is on its way by now, what is left bears the cost of another by itself."""
    lines = Counter((one.supplier_id, one.location_id) for one in others)
    lines.update(sharing_of(cases).lines)
    own = {(case.supplier.supplier_id, case.place.location_id) for case in cases if case.supplier is not None}
    kept = {key: number for key, number in before.lines.items() if key not in own}
    return SharedCosts(kept | {key: lines[key] for key in own if lines[key]})


@dataclass(slots=True)
class ProposalKeeper:
    """The newest proposals without a budget. They are worked out by one thread, for whoever asks meanwhile as well; who
    would wait for longer than `patience_seconds` is told what was worked out before, with its time, and with what
    changed in orders since."""

    patience_seconds: float = PATIENCE_SECONDS
    _found: WorkedOut | None = None
    _renewal: Future[WorkedOut] | None = None
    _changed: dict[VariantId, int] = field(default_factory=dict)
    """Variants on orders that changed → number of the change."""
    _change: int = 0
    _turn: Lock = field(default_factory=Lock)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "proposals"))

    def newest(self, shop: Shop) -> WorkedOut:
        """To be read: up to a day old where a newer one takes its time.

        Raises:
            NotFound: nothing was learned yet.
        """
        return self._newest(shop, OLDEST_READ)

    def newest_to_draft(self, shop: Shop) -> WorkedOut:
        """To be ordered from: of the day, and at most some minutes old.

        Raises:
            NotFound: nothing was learned yet.
        """
        return self._newest(shop, OLDEST_DRAFTED)

    def shared(self, shop: Shop) -> SharedCosts | None:
        """What the list that orders would be drafted from was decided with. None: it is not there yet, nor as soon as
        one may wait; it is worked out for who asks next.

        Raises:
            NotFound: nothing was learned yet.
        """
        served_forecasts(shop)
        with self._turn:
            found = self._usable(shop, OLDEST_DRAFTED)
            renewal = None if found is not None else self._renewing(shop)
        if renewal is not None:
            wait([renewal], self.patience_seconds)
            found = renewal.result() if renewal.done() else None
        return None if found is None else found.shared

    def orders_changed(self, variant_ids: Iterable[VariantId]) -> None:
        """What is on its way of these is another than it was."""
        with self._turn:
            self._change += 1
            self._changed |= dict.fromkeys(variant_ids, self._change)

    def _newest(self, shop: Shop, oldest: int) -> WorkedOut:
        served_forecasts(shop)
        with self._turn:
            found = self._usable(shop, oldest)
            renewal = None if found is not None and self._is_fresh(shop, found) else self._renewing(shop)
        if renewal is not None:
            wait([renewal], None if found is None else self.patience_seconds)
            if found is None or renewal.done():
                found = renewal.result()
        assert found is not None, "what is not kept was waited for"
        changed = [name for name, change in self._changed.copy().items() if change > found.change]
        return with_these_anew(shop, found, changed) if changed else found

    def _usable(self, shop: Shop, oldest: int) -> WorkedOut | None:
        found, now = self._found, shop.clock.now()
        if found is None or not found.at <= now < found.at + oldest:
            return None
        is_of_today = found.proposals.as_of == shop.clock.day(shop.clock.shop_now()).isoformat()
        return found if is_of_today or oldest == OLDEST_READ else None

    def _is_fresh(self, shop: Shop, found: WorkedOut) -> bool:
        is_young = shop.clock.now() < found.at + KEPT
        return is_young and found.model is shop.forecasts() and found.change == self._change

    def _renewing(self, shop: Shop) -> Future[WorkedOut]:
        """The renewal under way, else one that begins now."""
        if self._renewal is None or self._renewal.done():
            self._renewal = self._worker.submit(self._renew, shop)
        return self._renewal

    def _renew(self, shop: Shop) -> WorkedOut:
        found = work_out(shop, change=self._change)
        with self._turn:
            self._found = found
            self._changed = {name: change for name, change in self._changed.items() if change > found.change}
        return found
