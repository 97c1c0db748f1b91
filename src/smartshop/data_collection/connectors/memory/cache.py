"""Short-lived values of a single process."""

import time
from collections import OrderedDict
from collections.abc import Callable

CAPACITY = 100_000
"""Entries; beyond, the one used longest ago goes."""


class MemoryCache:
    """Values and counters with an end; for one event loop."""

    def __init__(self, *, capacity: int = CAPACITY, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._monotonic = monotonic
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._sums: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        found = self._values.get(key)
        if found is None:
            return None
        ends, value = found
        if ends <= self._monotonic():
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self._values[key] = (self._monotonic() + ttl_seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)

    async def add(self, key: str, amount: int, ttl_seconds: float) -> int:
        now = self._monotonic()
        ends, total = self._sums.get(key, (now + ttl_seconds, 0))
        if ends <= now:
            ends, total = now + ttl_seconds, 0
        self._sums[key] = (ends, total + amount)
        self._sums.move_to_end(key)
        if len(self._sums) > self._capacity:
            self._sums.popitem(last=False)
        return total + amount

    async def drop(self, key: str) -> None:
        self._values.pop(key, None)
        self._sums.pop(key, None)
