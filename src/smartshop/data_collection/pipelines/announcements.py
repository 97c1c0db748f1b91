"""After the commit: fold into profiles, publish on the bus, let the outbox row go; and finish what a crash left."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from smartshop.data_collection.connectors.ports import Bus, EventLog, PendingBatch, Profiles
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.pipelines.group_commit import Committed
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted, Message, StockChanged

QUEUE_BATCHES = 2_000
"""Batches waiting for a slow bus; what does not fit stays in the outbox, where the sweeper finds it."""
SWEEP_AFTER = 5 * SECOND
"""Age (µs) at which an outbox batch counts as left behind; the usual way takes about one second."""
SWEEP_BATCHES = 100
STOP_SECONDS = 5.0
"""What a bus gets to take the last messages when the process ends."""

_log = structlog.get_logger(__name__)


def stored_events(committed: Committed) -> list[StoredEvent]:
    """Those that are new in the log with their content."""
    entries = committed.batch.entries
    return [
        entry.event
        for entry, outcome in zip(entries, committed.outcomes, strict=True)
        if outcome.stored and not entry.count_only
    ]


def messages_of(committed: Committed) -> tuple[Message, ...]:
    events = stored_events(committed)
    moved = {
        line.variant_id or VariantId(line.product_id or "")
        for event in events
        if event.takes_stock or event.restock
        for line in event.products
    }
    accepted: tuple[Message, ...] = (EventsAccepted(tuple(events)),) if events else ()
    return (*accepted, StockChanged(tuple(sorted(moved)))) if moved else accepted


class Announcer:
    """Everything here may be done twice, late or never by this process: the outbox knows what is still owed."""

    def __init__(self, log: EventLog, profiles: Profiles, bus: Bus, now: Callable[[], Micros]) -> None:
        self._log, self._profiles, self._bus, self._now = log, profiles, bus, now
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[PendingBatch | None] = asyncio.Queue(QUEUE_BATCHES)
        self._publishing: asyncio.Task[None] | None = None
        self._in_hand: set[int] = set()
        self._published: deque[int] = deque()
        self._finishing: asyncio.Task[None] | None = None
        self._next_sweep = Micros(0)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._publishing = loop.create_task(self._publish_all())

    async def stop(self) -> None:
        """Publish what is queued, then let its outbox rows go."""
        if self._publishing is not None:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._queue.put(None)
                    await self._publishing
            except TimeoutError:
                self._publishing.cancel()  # the outbox still holds them; the next start sweeps
        await asyncio.to_thread(self._mark_published)
        self._loop = None

    async def fold(self, events: Sequence[StoredEvent]) -> bool:
        """True when done; else the outbox keeps the batch, and the sweeper folds it."""
        if not events:
            return True
        try:
            await self._profiles.fold(events)
        except Exception as error:  # durable already: an engine that is down must not undo the answer
            _log.warning("events_not_folded", events=len(events), error=repr(error))
            return False
        return True

    def announce(self, batches: Sequence[PendingBatch]) -> None:
        """Queue for publishing; on the event loop."""
        for batch in batches:
            if self._queue.full():
                return
            self._in_hand.add(batch.batch_id)
            self._queue.put_nowait(batch)

    def settle_blocking(self, committed: Committed, *, is_history: bool) -> None:
        """After a commit in a caller's own thread."""
        if not committed.outbox_id:
            return
        if is_history:
            # Nobody's open page waits for history; learning reads it from the log.
            self._fold_blocking(stored_events(committed))
            self._log.mark_published([committed.outbox_id])
        # Anything else is published by the sweeper of whichever process serves.

    def _fold_blocking(self, events: Sequence[StoredEvent]) -> None:
        if _runs_on_a_loop():
            return  # profiles over the log read it again within a second
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self.fold(events), self._loop).result()
        else:
            asyncio.run(self.fold(events))

    def chore(self) -> None:
        """Once per second on the writer thread: one small transaction for all rows published since, and the sweep."""
        self._mark_published()
        now = self._now()
        if now < self._next_sweep or self._loop is None:
            return
        self._next_sweep = Micros(now + SWEEP_AFTER)
        pending = self._log.pending(Micros(now - SWEEP_AFTER), SWEEP_BATCHES)
        left_behind = [batch for batch in pending if batch.batch_id not in self._in_hand]
        if left_behind:
            self._loop.call_soon_threadsafe(self._finish_soon, left_behind)

    def _mark_published(self) -> None:
        batch_ids = [self._published.popleft() for _ in range(len(self._published))]
        if not batch_ids:
            return
        try:
            self._log.mark_published(batch_ids)
        except BaseException:
            self._published.extend(batch_ids)  # the next chore tries again
            raise
        self._in_hand.difference_update(batch_ids)

    def _finish_soon(self, batches: Sequence[PendingBatch]) -> None:
        assert self._loop is not None
        self._finishing = self._loop.create_task(self._finish(batches))

    async def _finish(self, batches: Sequence[PendingBatch]) -> None:
        events = [
            event
            for batch in batches
            for message in batch.messages
            if isinstance(message, EventsAccepted)
            for event in message.events
        ]
        if await self.fold(events):
            self.announce(batches)

    async def _publish_all(self) -> None:
        while True:
            batches = [await self._queue.get()]
            while not self._queue.empty():
                batches.append(self._queue.get_nowait())
            await self._publish([batch for batch in batches if batch is not None])
            if None in batches:
                return

    async def _publish(self, batches: Sequence[PendingBatch]) -> None:
        batch_ids = [batch.batch_id for batch in batches]
        messages = [message for batch in batches for message in batch.messages]
        try:
            if messages:
                await self._bus.publish(messages)
        except Exception as error:  # the outbox still holds them; the sweeper tries again
            _log.warning("events_not_published", batches=len(batches), error=repr(error))
            self._in_hand.difference_update(batch_ids)
            return
        self._published.extend(batch_ids)


def _runs_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
