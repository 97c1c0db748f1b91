"""A TCP proxy with faults: it forwards, delays, cuts before the request, or swallows the answer and cuts.

A swallowed answer is the fault that tests de-duplication: the service has done the work, the sender cannot know.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536
START_SECONDS = 10.0


class Fault(StrEnum):
    NONE = "none"
    SWALLOW = "swallow"
    """The request arrives, its answer does not."""
    CUT = "cut"
    """The connection ends before anything is forwarded."""
    DELAY = "delay"
    """The answer comes late."""


class FaultyProxy:
    """One fault is drawn per request, so that a kept-alive connection meets all of them."""

    def __init__(self, target: str, rng: random.Random, shares: dict[Fault, float], delay_seconds: float) -> None:
        address = urlsplit(target)
        self._host, self._port = str(address.hostname), int(address.port or 80)
        self._rng, self._shares, self._delay = rng, shares, delay_seconds
        self.met: Counter[Fault] = Counter()
        """How many requests met which fault."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service_writer: asyncio.StreamWriter | None = None
        try:
            service_reader, service_writer = await asyncio.open_connection(self._host, self._port)
            while request := await _read_message(reader):
                fault = self._draw()
                self.met[fault] += 1
                if fault is Fault.CUT:
                    return
                service_writer.write(request)
                answer = await _read_message(service_reader)
                if fault is Fault.SWALLOW or not answer:
                    return
                if fault is Fault.DELAY:
                    await asyncio.sleep(self._delay)
                writer.write(answer)
                await writer.drain()
        except OSError:
            return  # the service is away: the sender's connection ends too
        finally:
            writer.close()
            if service_writer is not None:
                service_writer.close()

    def _draw(self) -> Fault:
        drawn = self._rng.random()
        for fault, share in self._shares.items():
            drawn -= share
            if drawn < 0:
                return fault
        return Fault.NONE


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """One HTTP/1.1 message with a content-length; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head + (await reader.readexactly(length) if length else b"")


@contextmanager
def faulty_proxy(
    target: str, *, seed: int, shares: dict[Fault, float], delay_seconds: float = 0.2
) -> Iterator[tuple[str, FaultyProxy]]:
    """The proxy's own address in front of `target`, in a thread; `shares` of requests sum to at most 1."""
    proxy = FaultyProxy(target, random.Random(seed), shares, delay_seconds)
    loop, started, address = asyncio.new_event_loop(), threading.Event(), []

    async def run() -> None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=4 * 1024 * 1024)
        address.append(server.sockets[0].getsockname()[1])
        started.set()
        async with server:
            await server.serve_forever()

    task = loop.create_task(run())
    thread = threading.Thread(target=_run_until_cancelled, args=(loop, task), daemon=True)
    thread.start()
    if not started.wait(START_SECONDS):
        raise RuntimeError("the proxy did not start")
    try:
        yield f"http://127.0.0.1:{address[0]}", proxy
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(START_SECONDS)


def _run_until_cancelled(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        for open_connection in asyncio.all_tasks(loop):
            open_connection.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
