"""Slates: distinct shoppers with a past, 10,000 products, decision log on, no slate cache; measured at the client."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen, TimeoutExpired
from threading import Event, Thread
from typing import Any, Self

import msgspec

from bench.figures import Figure
from bench.load import Measured, Target, closed_loop, open_loop
from bench.machine import cpu_seconds, peak_memory_mib
from bench.service import Served, served
from bench.shops import LargeShop

WARM_UP_SECONDS = 3.0
REQUESTS_PER_SAMPLE = 50
"""Processor time is read from the kernel around so many requests; its share of one request is one sample."""
SAMPLES = 30
LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, and what would be well."""

    name: str = "slate"
    limit: int = 12
    per_second: int = 80
    """Of the open loop."""
    processor: str = "≤ 2.5"
    throughput: str = "≥ 300"
    p99: str = "≤ 25"


SMALL = Asked()


def measure_slates(folder: Path, shop: LargeShop, seconds: float) -> list[Figure]:
    with served(folder) as service:
        found = slate_figures(folder, service, shop, seconds, SMALL)
        memory = peak_memory_mib(service.pid)
    how = "resident at most, serving process, models swapped meanwhile"
    return [*found, Figure("slate_serve_memory", memory, "MiB", "", how)]


def slate_figures(folder: Path, service: Served, shop: LargeShop, seconds: float, asked: Asked) -> list[Figure]:
    """What slates cost the service, and how long its shoppers wait: alone, and beside a training."""
    limit, rate, name = asked.limit, asked.per_second, asked.name
    warm_up(service, shop, limit)
    processor = _processor_per_slate(service, shop, limit)
    closed = asyncio.run(closed_loop(service.target, slates(service.target, shop, limit), 8, seconds))
    quiet = asyncio.run(open_loop(service.target, slates(service.target, shop, limit), rate, seconds))
    with _Training(folder, service) as training:
        busy = asyncio.run(open_loop(service.target, slates(service.target, shop, limit), rate, seconds))
    for measured in (closed, quiet, busy):
        all_answered(measured)
    what = f"slates of {limit}, {shop.products:,} products, distinct shoppers, decision log on"
    beside = f"while the worker trains ({training.share:.0%} of the time)"
    return [
        Figure(f"{name}_cpu_p50", processor, "ms", asked.processor, f"{what}; processor time of the serving process"),
        Figure(f"{name}_closed_loop", closed.per_second, "slates/s", asked.throughput, f"{what}; 8 connections"),
        Figure(f"{name}_open_p50", quiet.percentile(50), "ms", "", f"{what}; open loop at {rate}/s"),
        Figure(f"{name}_open_p99", quiet.percentile(99), "ms", asked.p99, f"{what}; open loop at {rate}/s"),
        Figure(f"{name}_open_p99_training", busy.percentile(99), "ms", "", f"{what}; open loop at {rate}/s {beside}"),
        Figure(
            f"{name}_p99_training_ratio",
            busy.percentile(99) / quiet.percentile(99),
            "times",
            "≤ 2",
            f"p99 {beside} over p99 alone",
        ),
    ]


def warm_up(service: Served, shop: LargeShop, limit: int) -> None:
    all_answered(asyncio.run(closed_loop(service.target, slates(service.target, shop, limit), 4, WARM_UP_SECONDS)))


def all_answered(measured: Measured) -> None:
    if set(measured.statuses) != {200}:
        raise RuntimeError(f"slates were answered {dict(measured.statuses)}; only 200 counts")


def slates(target: Target, shop: LargeShop, limit: int) -> Iterator[bytes]:
    """One request a shopper, each with the device and surface of a real page."""
    for number, customer_id in enumerate(cycle(shop.customers)):
        request = {
            "surface": ("home", "home", "product", "category")[number % 4],
            "customer_id": customer_id,
            "limit": limit,
            "context": {"device": "mobile", "channel": "web"},
        }
        if request["surface"] == "product":
            request["product_id"] = shop.product_ids[(number * 7919) % len(shop.product_ids)]
        yield target.post("/v1/recommendations", msgspec.json.encode(request))


def _processor_per_slate(service: Served, shop: LargeShop, limit: int) -> float:
    requests = slates(service.target, shop, limit)

    async def sample() -> Measured:
        some = iter([next(requests) for _ in range(REQUESTS_PER_SAMPLE)])
        return await closed_loop(service.target, some, 1, 30)

    samples = []
    for _ in range(SAMPLES):
        before = cpu_seconds(service.pid)
        asyncio.run(sample())
        samples.append((cpu_seconds(service.pid) - before) / REQUESTS_PER_SAMPLE * 1e3)
    return median(samples)


class _Training:
    """The working process at training after training; a new one is asked for as soon as the last has ended."""

    def __init__(self, folder: Path, service: Served) -> None:
        self._folder, self._service = folder, service
        self._ended = Event()
        self._looks, self._at_it = 0, 0

    @property
    def share(self) -> float:
        """Of the looks, how many found it training."""
        return self._at_it / max(1, self._looks)

    def __enter__(self) -> Self:
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        command = [sys.executable, "-m", "smartshop", "work", "--data-dir", str(self._folder), "--no-demo"]
        environment = {**self._service.environment, **one_thread}
        self._worker = Popen(command, env=environment, stdout=DEVNULL, stderr=DEVNULL)
        self._asking = Thread(target=self._keep_asking)
        self._asking.start()
        while not self._at_it:
            self._ended.wait(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._asking.join()
        self._worker.terminate()
        try:
            self._worker.wait(30)
        except TimeoutExpired:
            self._worker.kill()
            self._worker.wait()

    def _keep_asking(self) -> None:
        while not self._ended.wait(LOOK_EVERY_SECONDS):
            states = [job["state"] for job in _ask(self._service, "/v1/jobs", None)["items"]]
            self._at_it += "running" in states
            self._looks += bool(self._at_it)
            if "queued" not in states:
                _ask(self._service, "/v1/jobs", {"name": "train-recommendation"})


def _ask(service: Served, path: str, body: dict[str, str] | None) -> dict[str, Any]:
    """Any: JSON as the service answers it."""
    request = urllib.request.Request(
        service.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {service.target.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
