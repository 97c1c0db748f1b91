"""One writer for many requests: everything that waits becomes durable in one transaction, with one flush to disk.

While a group is being written the next one gathers by itself, so groups grow with the load and a lone request waits for
nobody.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from smartshop.data_collection.connectors.ports import EventLog, LogEntry, Outcome, Quarantine, QuarantinedRow
from smartshop.data_collection.pipelines.erased_shoppers import is_refusal
from smartshop.errors import Unavailable

GROUP_EVENTS = 2_000
"""Events per transaction: at 30 µs each the slowest request of a group waits about 60 ms."""
BACKLOG_EVENTS = 20_000
"""More waiting than this is two seconds of work at full speed; senders are asked to come again."""
CHORE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's entries, and what was refused of it already."""

    entries: Sequence[LogEntry]
    refused: Sequence[QuarantinedRow]
    conflict_row: Callable[[int, str], QuarantinedRow]
    """Entry index and sentence → the row to quarantine when the log finds a conflict."""

    @property
    def size(self) -> int:
        return len(self.entries) + len(self.refused)


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch that is durable."""

    batch: Batch
    outcomes: Sequence[Outcome]
    outbox_id: int
    """0 where nothing was stored."""


@dataclass(frozen=True, slots=True)
class Waiting:
    batch: Batch
    answer: "asyncio.Future[Committed]"


def commit(log: EventLog, quarantine: Quarantine, batches: Sequence[Batch]) -> list[Committed]:
    """Append the batches in one transaction, then quarantine what was refused; blocking.

    A crash between the two loses nothing: nobody was answered, and the sender comes again.
    """
    outcomes, outbox_ids = log.append([batch.entries for batch in batches])
    rows: list[QuarantinedRow] = []
    for batch, batch_outcomes in zip(batches, outcomes, strict=True):
        rows.extend(batch.refused)
        rows.extend(
            batch.conflict_row(index, outcome.conflict)
            for index, outcome in enumerate(batch_outcomes)
            if outcome.conflict is not None and not is_refusal(outcome.conflict)
        )
    if rows:
        quarantine.add(rows)
    return [
        Committed(batch, batch_outcomes, outbox_id)
        for batch, batch_outcomes, outbox_id in zip(batches, outcomes, outbox_ids, strict=True)
    ]


class GroupCommit:
    """The writer thread. `committed` and `failed` are called on it; `chore` about once per second, between groups."""

    def __init__(
        self,
        write: Callable[[Sequence[Batch]], list[Committed]],
        *,
        committed: Callable[[Sequence[tuple[Waiting, Committed]]], None],
        failed: Callable[[Sequence[Waiting], Exception], None],
        chore: Callable[[], None],
    ) -> None:
        self._write, self._committed, self._failed, self._chore = write, committed, failed, chore
        self._waiting: deque[Waiting] = deque()
        self._waiting_events = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end; blocking."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    @property
    def backlog(self) -> int:
        """Events waiting to be written."""
        return self._waiting_events

    def submit(self, waiting: Waiting) -> None:
        """
        Raises:
            Unavailable: too much waits already, or the writer has ended.
        """
        with self._changed:
            if self._stopping:
                raise Unavailable("The service is stopping; send the events again in a moment.")
            if self._waiting_events + waiting.batch.size > BACKLOG_EVENTS:
                raise Unavailable(f"{self._waiting_events} events wait to be written; send again in a second.")
            self._waiting.append(waiting)
            self._waiting_events += waiting.batch.size
            self._changed.notify()

    def _run(self) -> None:
        next_chore = time.monotonic()
        while True:
            group = self._next_group(max(0.0, next_chore - time.monotonic()))
            if group:
                self._commit(group)
            if time.monotonic() >= next_chore:
                self._do_chore()
                next_chore = time.monotonic() + CHORE_SECONDS
            if self._is_done():
                self._do_chore()
                return

    def _is_done(self) -> bool:
        # Both at once, under the lock: after `stop` nothing more can be submitted.
        with self._changed:
            return self._stopping and not self._waiting

    def _next_group(self, timeout: float) -> list[Waiting]:
        with self._changed:
            if not self._waiting and not self._stopping:
                self._changed.wait(timeout)
            group: list[Waiting] = []
            events = 0
            while self._waiting and (not group or events + self._waiting[0].batch.size <= GROUP_EVENTS):
                events += self._waiting[0].batch.size
                group.append(self._waiting.popleft())
            self._waiting_events -= events
            return group

    def _commit(self, group: Sequence[Waiting]) -> None:
        try:
            results = self._write([waiting.batch for waiting in group])
        except Exception as error:  # the writer must outlive any failure of an engine; senders are told to come again
            if len(group) == 1:
                _log.error("events_not_written", batches=1, error=repr(error))
                self._failed(group, error)
                return
            # One request's batch must not take the others down with it.
            for waiting in group:
                self._commit([waiting])
            return
        self._committed(list(zip(group, results, strict=True)))

    def _do_chore(self) -> None:
        try:
            self._chore()
        except Exception as error:  # an engine that is down now is asked again in a second
            _log.warning("ingest_chore_failed", error=repr(error))
