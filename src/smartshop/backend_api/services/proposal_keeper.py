"""The list of what to order, kept for routes: worked out beside the requests where that takes longer than one waits."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

import structlog

from smartshop.ai_agents.inventory.replenishment.deciding import SharedCosts
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal
from smartshop.backend_api.services.reordering import Drafting, WorkedOut, served_forecasts, with_these_anew, work_out
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.clock import DAY, SECOND
from smartshop.errors import SmartShopError, Unavailable

log = structlog.get_logger(__name__)

KEPT = 30 * SECOND
OLDEST_READ = 1 * DAY
"""An older list is waited for, however long its successor takes."""
OLDEST_DRAFTED = 15 * 60 * SECOND
"""The same of a list that orders are drafted from."""
PATIENCE_SECONDS = 2.0
"""So long a reader waits for a newer list before the one that was kept is served."""
TURN_SECONDS = 20.0
"""So long a reader waits until the whole list, or an order, is worked out for somebody else."""


@dataclass(slots=True)
class ProposalKeeper:
    """The newest proposals without a budget. They are worked out by one thread, for whoever asks meanwhile as well; who
    would wait for longer than `patience_seconds` is told what was worked out before, with its time, and with what
    changed in this process since: orders, stock, terms."""

    patience_seconds: float = PATIENCE_SECONDS
    turn_seconds: float = TURN_SECONDS
    _found: WorkedOut | None = None
    _renewal: Future[WorkedOut] | None = None
    _turn: Lock = field(default_factory=Lock)
    """Of the two above."""
    _budgeted: tuple[int, WorkedOut] | None = None
    """The last budget that was asked for."""
    _mending: Lock = field(default_factory=Lock)
    """What changed is decided about once, for whoever reads the list."""
    _asking: Lock = field(default_factory=Lock)
    """Drafts and budgets are worked out one at a time."""
    _stopping: Event = field(default_factory=Event)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "proposals"))

    def newest(self, shop: Shop) -> WorkedOut:
        """To be read: up to a day old where a newer one takes its time.

        Raises:
            NotFound: nothing was learned yet.
        """
        return self._newest(shop, OLDEST_READ)

    def to_draft(self, shop: Shop, is_chosen: Callable[[Proposal], bool]) -> Drafting:
        """To be ordered from: a list of the day, at most some minutes old, with what is chosen of it decided about as
        it stands now.

        Raises:
            NotFound: nothing was learned yet.
            Unavailable: others are drafting, for long.
        """
        found = self._newest(shop, OLDEST_DRAFTED)
        chosen = [one.variant_id for one in found.proposals.items if is_chosen(one)]
        with self._alone():
            return with_these_anew(shop, found, chosen, found.change)

    def within(self, shop: Shop, budget_minor: int) -> WorkedOut:
        """What saves most within a budget, to be read: worked out for who asks, and kept for half a minute for the
        next page as long as nothing changed.

        Raises:
            NotFound: nothing was learned yet.
            InvalidValue: the budget is negative.
            Unavailable: another budget is being worked out, for long.
        """
        with self._alone():
            kept = self._budgeted
            if kept is None or kept[0] != budget_minor or not _is_unchanged(shop, kept[1]):
                self._budgeted = kept = budget_minor, work_out(shop, budget_minor, self._go_on).found
            return kept[1]

    def to_draft_within(self, shop: Shop, budget_minor: int) -> Drafting:
        """The same to be ordered from, so worked out as everything stands now."""
        with self._alone():
            return work_out(shop, budget_minor, self._go_on)

    def shared(self, shop: Shop) -> SharedCosts | None:
        """What the newest list was decided with, up to a day old. None: it is not there yet, nor as soon as one may
        wait; it is worked out for who asks next.

        Raises:
            NotFound: nothing was learned yet.
        """
        served_forecasts(shop)
        with self._turn:
            found = self._usable(shop, OLDEST_READ)
            is_young = found is not None and shop.clock.now() < found.at + OLDEST_DRAFTED
            renewal = None if is_young else self._renewing(shop)
        if found is None and renewal is not None:
            wait([renewal], self.patience_seconds)
            found = renewal.result() if renewal.done() and renewal.exception() is None else None
        return None if found is None else found.shared

    def stop(self) -> None:
        """For good: whoever waits for a list is told so, and the thread ends after the place it is deciding about."""
        self._stopping.set()
        self._worker.shutdown(wait=False)

    def _newest(self, shop: Shop, oldest: int) -> WorkedOut:
        served_forecasts(shop)
        with self._turn:
            found = self._usable(shop, oldest)
            renewal = None if found is not None and _is_fresh(shop, found) else self._renewing(shop)
        if renewal is not None:
            wait([renewal], None if found is None else self.patience_seconds)
            found = _renewed(renewal, found)
        assert found is not None, "what is not kept was waited for"
        return self._mended(shop, found)

    def _mended(self, shop: Shop, found: WorkedOut) -> WorkedOut:
        """With what changed since decided about anew; once, for others too."""
        with self._mending:
            with self._turn:
                if self._found is not None and self._found.at >= found.at:
                    found = self._found
            change, changed = shop.changed_variants.since(found.change)
            if not changed:
                return found
            mended = with_these_anew(shop, found, changed, change).found
            with self._turn:
                if self._found is found:
                    self._found = mended
            return mended

    def _usable(self, shop: Shop, oldest: int) -> WorkedOut | None:
        found, now = self._found, shop.clock.now()
        if found is None or not found.at <= now < found.at + oldest:
            return None
        is_of_today = found.proposals.as_of == shop.clock.day(shop.clock.shop_now()).isoformat()
        return found if is_of_today or oldest == OLDEST_READ else None

    def _renewing(self, shop: Shop) -> Future[WorkedOut]:
        """The renewal under way, else one that begins now."""
        if self._renewal is None or self._renewal.done():
            self._go_on()
            self._renewal = self._worker.submit(self._renew, shop)
        return self._renewal

    def _renew(self, shop: Shop) -> WorkedOut:
        found = work_out(shop, between=self._go_on).found
        with self._turn:
            self._found = found
        return found

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Unavailable("The service is stopping; ask again once it is back.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._asking.acquire(timeout=self.turn_seconds):
            raise Unavailable("Orders are being worked out for somebody else; ask again in a moment.")
        try:
            yield
        finally:
            self._asking.release()


def _is_fresh(shop: Shop, found: WorkedOut) -> bool:
    is_young = shop.clock.now() < found.at + KEPT
    return is_young and found.model is shop.forecasts() and found.supply_news is shop.supply_news.latest


def _is_unchanged(shop: Shop, found: WorkedOut) -> bool:
    return _is_fresh(shop, found) and not shop.changed_variants.since(found.change)[1]


def _renewed(renewal: Future[WorkedOut], found: WorkedOut | None) -> WorkedOut:
    """What is kept, where its successor is not there yet or could not be worked out."""
    if found is not None and not renewal.done():
        return found
    try:
        return renewal.result()
    except SmartShopError as error:
        if found is None:
            raise
        log.warning("proposals_not_renewed", error=str(error))
        return found
