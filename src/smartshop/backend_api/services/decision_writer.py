"""Decisions go to their log off the hot path: in batches, by one thread.

A crash may lose the last quarter of a second of decisions; a store that cannot keep up makes the queue drop new ones.
Both are counted, and neither ever slows a slate.
"""

from collections.abc import Sequence
from threading import Condition, Thread
from time import monotonic

import structlog

from smartshop.data_collection.connectors.ports import Decisions
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Decision

log = structlog.get_logger(__name__)

BATCH = 200
INTERVAL_SECONDS = 0.25
CAPACITY = 20_000
"""Decisions held while the store is slow or down: about 80 MB, a minute at 300 slates a second."""
RETRY_SECONDS = 1.0
TRIES = 3
"""A decision that fails alone so often is dropped, so that one the store cannot hold never blocks the rest."""


class DecisionWriter:
    """Bounded queue before `Decisions`. Start it once, stop it last; a stopped one still takes and holds decisions."""

    def __init__(
        self,
        decisions: Decisions,
        *,
        batch: int = BATCH,
        interval_seconds: float = INTERVAL_SECONDS,
        capacity: int = CAPACITY,
    ) -> None:
        self._decisions = decisions
        self._batch, self._interval_seconds, self._capacity = batch, interval_seconds, capacity
        self._waiting: dict[DecisionId, Decision] = {}
        """In order of arrival; a decision leaves it only when it is in the store, so that it is found meanwhile."""
        self._changed = Condition()
        self._hurry = False
        self._stopping = False
        self._thread: Thread | None = None
        self.written = 0
        """Decisions in the store, since the start."""
        self.dropped = 0
        """Decisions lost: the queue was full, or the store would not have them."""
        self._failures = 0

    def start(self) -> None:
        if self._thread is None:
            self._stopping = False
            self._thread = Thread(target=self._run, name="decision-writer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write what waits, as far as the store takes it, and end the thread."""
        thread = self._thread
        if thread is None:
            return
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        thread.join()
        self._thread = None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(self, decision: Decision) -> None:
        """Never blocks on the store."""
        with self._changed:
            if len(self._waiting) >= self._capacity:
                self.dropped += 1
                return
            self._waiting[decision.decision_id] = decision
            if len(self._waiting) == self._batch:
                self._changed.notify_all()

    def find(self, decision_id: DecisionId) -> Decision | None:
        """A decision that is still on its way to the store."""
        return self._waiting.get(decision_id)

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until what waits now is written; False when the store did not take it in time."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting, timeout_seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._is_due, self._interval_seconds)
                self._hurry = False
                stopping = self._stopping
                size = 1 if self._failures else self._batch
                batch = list(self._waiting.values())[:size]
            if batch and not self._write(batch):
                if stopping:
                    log.error("decisions_lost", count=self.waiting)
                    return
                self._pause(RETRY_SECONDS)
            elif stopping and not self._waiting:
                return

    def _is_due(self) -> bool:
        full = len(self._waiting) >= self._batch
        return full or self._stopping or (self._hurry and bool(self._waiting))

    def _write(self, batch: Sequence[Decision]) -> bool:
        try:
            self._decisions.write(batch)
        except Exception as error:  # whatever the engine raises: the batch stays in the queue and is tried again
            self._failures += 1
            log.warning("decisions_not_written", count=len(batch), error=repr(error))
            if self._failures > TRIES:
                self._failures = 1
                self.dropped += self._leave(batch)
            return False
        self._failures = 0
        self.written += self._leave(batch)
        return True

    def _leave(self, batch: Sequence[Decision]) -> int:
        with self._changed:
            for decision in batch:
                self._waiting.pop(decision.decision_id, None)
            self._changed.notify_all()
        return len(batch)

    def _pause(self, seconds: float) -> None:
        until = monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or monotonic() >= until, seconds)
