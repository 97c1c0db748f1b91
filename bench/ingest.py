"""Durable ingest: whole path on (checked, committed with full sync, folded, published), counted when acknowledged."""

import asyncio
import random
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.figures import Figure
from bench.load import Measured, Target, closed_loop, open_loop
from bench.service import Served, served

BATCH = 100
PREPARED_BATCHES = 400
"""Bodies are made before the clock starts, so that the generator does not eat the service's processor; each is sent
again under new event ids by replacing a marker of fixed width."""
MARKER = b'"event_id":"0000000000'


def measure_ingest(folder: Path, seconds: float) -> list[Figure]:
    with served(folder) as service:
        burst = asyncio.run(closed_loop(service.publishable, batches(service.publishable), 4, min(10.0, seconds)))
        _drain(service)
        sustained, drained_in = _sustained(service, seconds)
        single = asyncio.run(closed_loop(service.publishable, singles(service.publishable), 32, min(15.0, seconds)))
        _drain(service)
        fixed = asyncio.run(open_loop(service.publishable, singles(service.publishable), 500, min(20.0, seconds)))
    for measured in (burst, sustained, single, fixed):
        if set(measured.statuses) != {202}:
            raise RuntimeError(f"ingest answered {dict(measured.statuses)}; only 202 counts")
    kept = len(sustained.latencies_ms) * BATCH
    return [
        Figure("ingest_burst", burst.per_second * BATCH, "events/s", "≥ 10000", "10 s, batches of 100, 4 connections"),
        Figure(
            "ingest_sustained",
            kept / (sustained.seconds + drained_in),
            "events/s",
            "≥ 5000",
            f"{seconds:.0f} s, batches of 100, 4 connections, clock stops when the outbox is empty",
        ),
        Figure("ingest_single", single.per_second, "events/s", "≥ 1200", "single events, 32 connections"),
        Figure("ingest_single_p50", fixed.percentile(50), "ms", "", "single events, open loop at 500/s"),
        Figure("ingest_single_p99", fixed.percentile(99), "ms", "< 50", "single events, open loop at 500/s"),
    ]


def _sustained(service: Served, seconds: float) -> tuple[Measured, float]:
    measured = asyncio.run(closed_loop(service.publishable, batches(service.publishable), 4, seconds))
    began = time.perf_counter()
    _drain(service)
    return measured, time.perf_counter() - began


def _drain(service: Served) -> None:
    """Wait until nothing acknowledged is still to be folded or published."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{service.url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        if all(float(line.rsplit(" ", 1)[1]) == 0 for line in text.splitlines() if _is_backlog(line)):
            return
        time.sleep(0.02)
    raise RuntimeError("the backlog did not drain within a minute")


def _is_backlog(line: str) -> bool:
    return not line.startswith("#") and "backlog" in line.split("{")[0].split(" ")[0]


def batches(target: Target) -> Iterator[bytes]:
    return _numbered(target, [_body(BATCH, number) for number in range(PREPARED_BATCHES)])


def singles(target: Target) -> Iterator[bytes]:
    return _numbered(target, [_body(1, number) for number in range(PREPARED_BATCHES)])


def _numbered(target: Target, bodies: list[bytes]) -> Iterator[bytes]:
    start = random.randrange(1_000_000)
    number = 0
    while True:
        number += 1
        marked = MARKER[:-10] + f"{(start * 1_000 + number) % 10**10:010d}".encode()
        yield target.post("/v1/events", bodies[number % len(bodies)].replace(MARKER, marked))


def _body(n_events: int, seed: int) -> bytes:
    rng = random.Random(seed)
    kinds = ("product_viewed", "product_viewed", "product_viewed", "product_clicked", "product_added", "dwelled")
    events = []
    for place in range(n_events):
        shopper = rng.randrange(20_000)
        kind = rng.choice(kinds)
        event: dict[str, str | int | dict[str, str]] = {
            "event_id": f"0000000000-{seed}-{place}",
            "kind": kind,
            "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "anonymous_id": f"a-{shopper}",
            "session_id": f"s-{shopper}",
            "product_id": f"p-{rng.randrange(10_000)}",
            "surface": "product",
            "context": {"device": "mobile", "channel": "web"},
        }
        if kind == "dwelled":
            event["dwell_ms"] = rng.randrange(1_000, 60_000)
        events.append(event)
    return msgspec.json.encode({"events": events})
