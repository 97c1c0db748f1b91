"""Profiles over the log: nothing is stored; the shopper's newest events are read by index and folded on demand.

A process keeps what it read for a second, so that rows of one page cost one read. Events that this process stored
end that at once; another process's show within the second.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from smartshop.data_collection.connectors.ports import EventLog
from smartshop.data_collection.connectors.reads import ShortRead, in_thread
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind, StoredEvent
from smartshop.data_collection.schemas.profiles import EXPOSURES_LIMIT, INTEREST_LIMIT, PURCHASES_LIMIT, Profile

Fold = Callable[[Iterable[StoredEvent]], Profile]
"""`pipelines.profiles.fold`: the rule by which events become a profile lives above the stores."""

KEPT_SECONDS = 1.0
CAPACITY = 5_000
"""Profiles kept; a full one is about 100 KB, a usual one 5."""
FIRST_LOOK = 200
"""Events of all kinds read at first; most shoppers have fewer, and then nothing more has to be read."""

SPARE = 50
"""An event without a product says nothing of interest; some more are read to make up for those."""
OF_INTEREST = (*INTEREST_WEIGHT, EventKind.SEARCHED)
SETS: tuple[tuple[tuple[EventKind, ...], int], ...] = (
    (OF_INTEREST, INTEREST_LIMIT + SPARE),
    ((EventKind.ORDER_COMPLETED,), PURCHASES_LIMIT),
    ((EventKind.RECOMMENDATION_SHOWN,), EXPOSURES_LIMIT),
)
ALL_KINDS = tuple(dict.fromkeys(kind for kinds, _ in SETS for kind in kinds))


@dataclass(slots=True, eq=False)
class _Kept:
    shopper: Shopper
    ids: tuple[str, ...]
    read_at: float
    profile: "asyncio.Future[Profile]"


class LogProfiles:
    """For one event loop."""

    def __init__(
        self,
        log: EventLog,
        fold: Fold,
        *,
        read: ShortRead = in_thread,
        capacity: int = CAPACITY,
        kept_seconds: float = KEPT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._fold, self._read = fold, read
        self._capacity = capacity
        self._kept_seconds = kept_seconds
        self._monotonic = monotonic
        self._kept: OrderedDict[Shopper, _Kept] = OrderedDict()
        self._by_id: dict[str, set[_Kept]] = {}

    async def fold(self, events: Sequence[StoredEvent]) -> None:
        """The shoppers of these events are read anew when next asked for."""
        for event in events:
            for name in (event.customer_id, event.anonymous_id):
                if name is not None and name in self._by_id:
                    for kept in tuple(self._by_id[name]):
                        self._drop(kept)

    async def read(self, shopper: Shopper) -> Profile:
        kept = self._kept.get(shopper)
        if kept is not None and self._monotonic() - kept.read_at < self._kept_seconds:
            self._kept.move_to_end(shopper)
            return await asyncio.shield(kept.profile)
        if kept is not None:
            self._drop(kept)
        # Kept before it is read: events folded meanwhile drop it, so that nothing older than them is ever kept.
        return await self._read_and_keep(shopper)

    async def forget(self, shopper: Shopper) -> None:
        for name in _ids(shopper):
            for kept in tuple(self._by_id.get(name, ())):
                self._drop(kept)

    async def _read_and_keep(self, shopper: Shopper) -> Profile:
        reading = asyncio.ensure_future(self._read(self._read_from_log, shopper))
        kept = _Kept(shopper, _ids(shopper), self._monotonic(), reading)
        self._keep(kept)
        try:
            return await asyncio.shield(reading)
        except Exception:
            self._drop(kept)
            raise

    def _read_from_log(self, shopper: Shopper) -> Profile:
        newest = self._log.recent(shopper, ALL_KINDS, FIRST_LOOK)
        if len(newest) < FIRST_LOOK:
            return self._fold(newest)
        return self._fold(event for kinds, limit in SETS for event in self._log.recent(shopper, kinds, limit))

    def _keep(self, kept: _Kept) -> None:
        self._kept[kept.shopper] = kept
        for name in kept.ids:
            self._by_id.setdefault(name, set()).add(kept)
        while len(self._kept) > self._capacity:
            self._drop(next(iter(self._kept.values())))

    def _drop(self, kept: _Kept) -> None:
        if self._kept.get(kept.shopper) is kept:
            del self._kept[kept.shopper]
        for name in kept.ids:
            others = self._by_id.get(name)
            if others is not None:
                others.discard(kept)
                if not others:
                    del self._by_id[name]


def _ids(shopper: Shopper) -> tuple[str, ...]:
    """Every customer and anonymous id whose events may be this shopper's."""
    names = [*shopper.customer_ids, *(window.anonymous_id for window in shopper.windows)]
    if shopper.anonymous_id is not None:
        names.append(shopper.anonymous_id)
    return tuple(dict.fromkeys(names))
