"""The bus of a single process. Losing it loses nothing: the outbox publishes again what was not marked published."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count

from smartshop.data_collection.connectors.ports import Delivery
from smartshop.data_collection.schemas.messages import Message
from smartshop.errors import Unavailable

BATCH = 500
CAPACITY = 10_000
"""Messages a group may have outstanding; a batch of events is one message."""
REDELIVER_AFTER_SECONDS = 30.0
ROOM_WITHIN_SECONDS = 5.0


class MemoryBus:
    """At least once to every group subscribed when a message is published. For one event loop.

    A full group makes publishers wait, and after a while refuses them: then the outbox keeps the messages.
    """

    def __init__(
        self,
        *,
        capacity: int = CAPACITY,
        redeliver_after_seconds: float = REDELIVER_AFTER_SECONDS,
        room_within_seconds: float = ROOM_WITHIN_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._redeliver_after = redeliver_after_seconds
        self._room_within = room_within_seconds
        self._monotonic = monotonic
        self._groups: dict[str, _Group] = {}
        self._closed = False

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hand over to every group that wants them.

        Raises:
            Unavailable: a group stays full, or the bus is closed; some groups may have got the messages.
        """
        for group in list(self._groups.values()):
            for message in messages:
                if isinstance(message, group.kinds):
                    await self._put(group, message)

    async def _put(self, group: "_Group", message: Message) -> None:
        if self._closed:
            raise Unavailable("The bus is closed; the outbox keeps what was not published.")
        if group.outstanding >= self._capacity:
            try:
                await asyncio.wait_for(self._room(group), self._room_within)
            except TimeoutError:
                raise Unavailable(
                    f"The group {group.name} has {group.outstanding} messages waiting and takes no more now."
                ) from None
        group.put(message)

    async def _room(self, group: "_Group") -> None:
        while group.outstanding >= self._capacity and not self._closed:
            group.room.clear()
            await group.room.wait()

    def subscribe(self, group: str, kinds: Sequence[type[Message]]) -> AsyncIterator[Sequence[Delivery]]:
        """The group exists from this call on. Its readers share it; kinds add up over them."""
        known = self._groups.setdefault(group, _Group(group))
        known.kinds = tuple({*known.kinds, *kinds})
        return self._read(known)

    async def _read(self, group: "_Group") -> AsyncIterator[Sequence[Delivery]]:
        while not self._closed:
            group.take_back_stale(self._monotonic() - self._redeliver_after)
            batch = group.take(BATCH, self._monotonic())
            if batch:
                yield batch
                continue
            group.arrived.clear()
            try:
                # Woken by a message, or in time to take back what somebody else left unacknowledged.
                await asyncio.wait_for(group.arrived.wait(), max(self._redeliver_after / 4, 0.01))
            except TimeoutError:
                continue

    async def acknowledge(self, group: str, delivery_ids: Sequence[str]) -> None:
        known = self._groups.get(group)
        if known is not None:
            known.acknowledge(delivery_ids)

    def backlog(self) -> Mapping[str, int]:
        return {name: group.outstanding for name, group in self._groups.items()}

    async def close(self) -> None:
        self._closed = True
        for group in self._groups.values():
            group.arrived.set()
            group.room.set()


class _Group:
    """One group's messages: waiting, or delivered and not yet acknowledged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds: tuple[type[Message], ...] = ()
        self.arrived = asyncio.Event()
        self.room = asyncio.Event()
        self._waiting: deque[Delivery] = deque()
        # In the order delivered, so that only the front has to be looked at for stale ones.
        self._delivered: dict[str, tuple[float, Delivery]] = {}
        self._numbers = count(1)

    @property
    def outstanding(self) -> int:
        return len(self._waiting) + len(self._delivered)

    def put(self, message: Message) -> None:
        self._waiting.append(Delivery(str(next(self._numbers)), message))
        self.arrived.set()

    def take(self, most: int, at: float) -> list[Delivery]:
        batch = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._delivered.update((delivery.delivery_id, (at, delivery)) for delivery in batch)
        return batch

    def take_back_stale(self, before: float) -> None:
        """What was delivered before this and not acknowledged waits again, ahead of everything else."""
        stale = []
        for delivered_at, delivery in self._delivered.values():
            if delivered_at > before:
                break
            stale.append(delivery)
        for delivery in reversed(stale):
            del self._delivered[delivery.delivery_id]
            self._waiting.appendleft(delivery)

    def acknowledge(self, delivery_ids: Sequence[str]) -> None:
        for delivery_id in delivery_ids:
            if self._delivered.pop(delivery_id, None) is None:
                # Acknowledged after it had gone stale: whoever would get it again need not.
                self._waiting = deque(each for each in self._waiting if each.delivery_id != delivery_id)
        self.room.set()
