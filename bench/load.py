"""The load generator: keep-alive HTTP/1.1 connections on loopback, bounded in count and time.

Latency is measured at the client, from the moment a request was *due* (open loop) or sent (closed loop), to the last
byte of its answer. An open loop never waits for answers before it sends the next request, so a slow service is seen as
its shoppers would see it (no coordinated omission; Tene, 2013).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

READ_LIMIT = 1 << 22
MOST_CONNECTIONS = 128
"""Of an open loop: what waits for a free one counts as waiting for the service."""


@dataclass(slots=True)
class Measured:
    """Answers of one run; latencies in ms."""

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def percentile(self, q: float) -> float:
        return float(np.percentile(self.latencies_ms, q)) if self.latencies_ms else float("nan")

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Target:
    host: str
    port: int
    key: str

    def post(self, path: str, body: bytes) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Connection:
    """One keep-alive connection that asks one thing at a time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                self._target.host, self._target.port, limit=READ_LIMIT
            )
        assert self._reader is not None
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start : lower.index(b"\r\n", start)])
        body = await self._reader.readexactly(length) if length else b""
        if b"connection: close" in lower:
            self.close()
        return status, body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def closed_loop(target: Target, requests: Iterator[bytes], connections: int, seconds: float) -> Measured:
    """Each connection asks again as soon as it was answered, for `seconds`."""
    measured = Measured()
    began = time.perf_counter()
    until = began + seconds

    async def ask_on() -> None:
        connection = Connection(target)
        try:
            while (sent := time.perf_counter()) < until:
                request = next(requests, None)
                if request is None:
                    return
                status, _ = await connection.ask(request)
                measured.latencies_ms.append((time.perf_counter() - sent) * 1e3)
                measured.statuses[status] += 1
        finally:
            connection.close()

    await asyncio.gather(*(ask_on() for _ in range(connections)))
    measured.seconds = time.perf_counter() - began
    return measured


async def open_loop(target: Target, requests: Iterator[bytes], rate: float, seconds: float) -> Measured:
    """`rate` requests a second, evenly spaced, whatever the answers do."""
    measured = Measured()
    free: list[Connection] = []
    room = asyncio.Semaphore(MOST_CONNECTIONS)
    began = time.perf_counter()

    async def ask(request: bytes, due: float) -> None:
        async with room:
            connection = free.pop() if free else Connection(target)
            status, _ = await connection.ask(request)
            measured.latencies_ms.append((time.perf_counter() - due) * 1e3)
            measured.statuses[status] += 1
            free.append(connection)

    asked: list[asyncio.Task[None]] = []
    for number in range(round(rate * seconds)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        asked.append(asyncio.create_task(ask(next(requests), due)))
    await asyncio.gather(*asked)
    measured.seconds = time.perf_counter() - began
    for connection in free:
        connection.close()
    return measured
