"""The only door into the log: decode, check, consent, append once, fold, publish.

An event is answered for only when it is durable. After the commit it is folded into its shopper's profile, so that the
next request reflects it, and published; then its outbox row goes. What a crash leaves behind the sweeper finishes, so
nothing depends on the bus being up.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from smartshop.data_collection.connectors.ports import Bus, Customers, EventLog, PendingBatch, Profiles, Quarantine
from smartshop.data_collection.pipelines.announcements import Announcer, messages_of, stored_events
from smartshop.data_collection.pipelines.arrivals import Arrival, Receipt, Rejected, Rejection
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.consent_book import ConsentBook
from smartshop.data_collection.pipelines.decoding import decode_event, rejection_of_content
from smartshop.data_collection.pipelines.erased_shoppers import IsErased, nobody_is_erased
from smartshop.data_collection.pipelines.group_commit import Batch, Committed, GroupCommit, Waiting, commit
from smartshop.data_collection.pipelines.preparation import Preparation, Prepared
from smartshop.data_collection.pipelines.product_names import ProductOf
from smartshop.data_collection.pipelines.traffic import TrafficWatch
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.events import Event, StoredEvent
from smartshop.data_collection.schemas.ids import Micros, ProductId
from smartshop.errors import Unavailable

SLICE_EVENTS = 100
"""Events prepared in one go on the event loop (about 2 ms); other requests get their turn between slices."""

__all__ = ["Arrival", "Ingest", "Receipt"]


def no_catalogue(_: str) -> ProductId | None:
    """The resolver of a shop that knows no product yet: ids stay as sent."""
    return None


class Ingest:
    """Made once per process. `accept` serves requests between `start` and `stop`; `accept_blocking` works without."""

    def __init__(
        self,
        *,
        log: EventLog,
        quarantine: Quarantine,
        customers: Customers,
        profiles: Profiles,
        bus: Bus,
        currency: str,
        product_of: ProductOf = no_catalogue,
        consent_default: Consent = Consent(),  # noqa: B008  # frozen
        is_erased: IsErased = nobody_is_erased,
        now: Callable[[], Micros] = system_now,
    ) -> None:
        self._log, self._quarantine = log, quarantine
        self.profiles = profiles
        self.consent = ConsentBook(customers, consent_default)
        self._preparation = Preparation(product_of, self.consent, currency, TrafficWatch(), is_erased)
        self._announcer = Announcer(log, profiles, bus, now)
        self._writer = GroupCommit(self._write, committed=self._on_committed, failed=self._on_failed, chore=self._chore)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._consent_is_ahead = False
        self._settling: set[asyncio.Task[None]] = set()
        self.totals: Counter[str] = Counter()
        """accepted, duplicates, rejected, other_content: since the start of this process."""

    @property
    def backlog(self) -> int:
        """Events waiting to be written."""
        return self._writer.backlog

    async def start(self) -> None:
        """Read everybody's consent, then begin to write and to sweep."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.consent.refresh)
        self._announcer.start(self._loop)
        self._writer.start()

    async def stop(self) -> None:
        """Write what waits, publish what was written."""
        await asyncio.to_thread(self._writer.stop)
        # The writer's last results reach the loop as callbacks; one turn makes tasks of them.
        await asyncio.sleep(0)
        if self._settling:
            await asyncio.gather(*self._settling)
        await self._announcer.stop()
        self._loop = None

    async def accept(self, raws: Sequence[bytes | msgspec.Raw], arrival: Arrival) -> Receipt:
        """Take a request's events in; when this returns, all of them are durable.

        Raises:
            Unavailable: too much waits already, or the log cannot be written; nothing was stored.
        """
        texts = [bytes(raw) for raw in raws]
        prepared = Prepared(texts, arrival)
        for first in range(0, len(texts), SLICE_EVENTS):
            if first:
                await asyncio.sleep(0)
            decoded = [decode_event(text) for text in texts[first : first + SLICE_EVENTS]]
            self._preparation.prepare(prepared, decoded, first)
        return await self._commit(prepared)

    async def accept_decoded(
        self, decoded: Sequence[Event | Rejection], texts: Sequence[bytes], arrival: Arrival
    ) -> Receipt:
        """The same for events that another wire's translator decoded; `texts` is what the quarantine would keep.

        Raises:
            Unavailable: too much waits already, or the log cannot be written; nothing was stored.
        """
        prepared = Prepared(texts, arrival)
        for first in range(0, len(decoded), SLICE_EVENTS):
            if first:
                await asyncio.sleep(0)
            self._preparation.prepare(prepared, decoded[first : first + SLICE_EVENTS], first)
        return await self._commit(prepared)

    async def _commit(self, prepared: Prepared) -> Receipt:
        if self._loop is None:
            raise Unavailable("The log is not open yet; send the events again in a moment.")
        batch = Batch(prepared.entries, prepared.quarantined(), prepared.conflict_row)
        answer: asyncio.Future[Committed] = self._loop.create_future()
        self._writer.submit(Waiting(batch, answer))
        return self._receipt(prepared, await answer)

    def accept_blocking(self, events: Sequence[Event | StoredEvent], arrival: Arrival) -> Receipt:
        """The same rules in the caller's thread, one transaction per call. History is learned from, not announced.

        Raises: whatever the log raises when it cannot be written; nothing was stored.
        """
        if self._loop is None:
            self.consent.refresh()
        decoded = [rejection_of_content(event) or event for event in events]
        prepared = Prepared(_Texts(events), arrival)
        self._preparation.prepare(prepared, decoded, 0)
        batch = Batch(prepared.entries, prepared.quarantined(), prepared.conflict_row)
        committed = self._write([batch])[0]
        self._announcer.settle_blocking(committed, is_history=arrival.from_import)
        return self._receipt(prepared, committed)

    def accept_again_blocking(self, event: Event | StoredEvent | Rejection, arrival: Arrival) -> Receipt:
        """One event out of the quarantine; what is refused again is not quarantined a second time."""
        prepared = Prepared([b""], arrival)
        self._preparation.prepare(prepared, [event], 0)
        if not prepared.entries:
            return Receipt(0, 0, prepared.rejected)
        outcomes, outbox_ids = self._log.append([prepared.entries])
        committed = Committed(Batch(prepared.entries, (), prepared.conflict_row), outcomes[0], outbox_ids[0])
        self._announcer.settle_blocking(committed, is_history=arrival.from_import)
        return self._receipt(prepared, committed)

    def _receipt(self, prepared: Prepared, committed: Committed) -> Receipt:
        rejected = list(prepared.rejected)
        accepted = duplicates = 0
        for place, outcome in zip(prepared.places, committed.outcomes, strict=True):
            if outcome.stored:
                accepted += 1
            elif outcome.conflict is not None:
                rejected.append(Rejected(place, outcome.conflict))
            else:
                duplicates += 1
                self.totals["other_content"] += outcome.other_content
        rejected.sort(key=_place)
        self.totals["accepted"] += accepted
        self.totals["duplicates"] += duplicates
        self.totals["rejected"] += len(rejected)
        return Receipt(accepted, duplicates, rejected)

    def _write(self, batches: Sequence[Batch]) -> list[Committed]:
        return commit(self._log, self._quarantine, batches)

    def _on_committed(self, pairs: Sequence[tuple[Waiting, Committed]]) -> None:
        assert self._loop is not None, "the writer runs between start and stop"
        self._loop.call_soon_threadsafe(self._settle_soon, pairs)

    def _on_failed(self, group: Sequence[Waiting], error: Exception) -> None:
        assert self._loop is not None, "the writer runs between start and stop"
        # Consent was applied ahead of this write; the store is asked when it can answer again.
        self._consent_is_ahead = True
        for waiting in group:
            self._loop.call_soon_threadsafe(_refuse, waiting, error)

    def _chore(self) -> None:
        if self._consent_is_ahead:
            self.consent.reload()
            self._consent_is_ahead = False
        self.consent.refresh()
        self._announcer.chore()

    def _settle_soon(self, pairs: Sequence[tuple[Waiting, Committed]]) -> None:
        task = asyncio.get_running_loop().create_task(self._settle(pairs))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, pairs: Sequence[tuple[Waiting, Committed]]) -> None:
        """Fold first: the next request after an answer must reflect its events."""
        folded = await self._announcer.fold([event for _, done in pairs for event in stored_events(done)])
        for waiting, done in pairs:
            if not waiting.answer.done():
                waiting.answer.set_result(done)
        if folded:
            self._announcer.announce(
                [PendingBatch(done.outbox_id, messages_of(done)) for _, done in pairs if done.outbox_id]
            )


class _Texts(Sequence[bytes]):
    """Events made in this process as JSON, written only for those that are refused."""

    def __init__(self, events: Sequence[Event | StoredEvent]) -> None:
        self._events = events

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, place: int) -> bytes:  # type: ignore[override]  # nobody slices it
        return msgspec.json.encode(self._events[place])


def _place(rejected: Rejected) -> int:
    return rejected.index


def _refuse(waiting: Waiting, cause: Exception) -> None:
    if not waiting.answer.done():
        refusal = Unavailable("The log cannot be written now; send the events again in a second.")
        refusal.__cause__ = cause
        waiting.answer.set_exception(refusal)
