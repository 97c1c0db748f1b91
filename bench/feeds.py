"""Stock and price feeds through the API: batches of changes to a shop of ten thousand products, counted as applied."""

import asyncio
import random
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import msgspec

from bench.figures import Figure
from bench.load import Connection, Measured, Target, closed_loop
from bench.service import Served, served

PRODUCTS, BATCH, CONNECTIONS = 10_000, 1_000, 2
PREPARED = 40
"""Bodies made before the clock starts; each prices its variants anew, so that every line changes something."""
WANTED = "≥ 1000"


def measure_feeds(folder: Path, seconds: float) -> list[Figure]:
    with served(folder) as service:
        asyncio.run(_fill(service))
        prices, moves = (
            asyncio.run(closed_loop(service.target, _posts(service.target, path, body), CONNECTIONS, seconds))
            for path, body in (("/v1/products/prices", _prices), ("/v1/stock/movements", _movements))
        )
    return [*_figures("price", prices, seconds), *_figures("stock", moves, seconds)]


def _figures(what: str, measured: Measured, seconds: float) -> list[Figure]:
    if set(measured.statuses) != {200}:
        raise RuntimeError(f"the {what} feed answered {dict(measured.statuses)}; only 200 counts")
    how = f"{seconds:.0f} s, batches of {BATCH}, {CONNECTIONS} connections, {PRODUCTS} products"
    return [
        Figure(f"{what}_updates", measured.per_second * BATCH, "updates/s", WANTED, how),
        Figure(f"{what}_batch_p99", measured.percentile(99), "ms", "", f"a batch of {BATCH}, as above"),
    ]


async def _fill(service: Served) -> None:
    connection = Connection(service.target)
    for first in range(0, PRODUCTS, BATCH):
        products = [
            {"product_id": f"p-{n}", "title": f"Thing {n}", "category": f"Garden > {n % 40}", "price_minor": 1_000 + n}
            for n in range(first, first + BATCH)
        ]
        counts = [{"variant_id": f"p-{n}", "level": 1_000_000} for n in range(first, first + BATCH)]
        for path, body in (("/v1/products", {"products": products}), ("/v1/stock/counts", {"counts": counts})):
            status, answer = await connection.ask(service.target.post(path, msgspec.json.encode(body)))
            if status != 200:
                raise RuntimeError(f"{path} answered {status}: {answer[:200]!r}")
    connection.close()


def _posts(target: Target, path: str, body: Callable[[int], bytes]) -> Iterator[bytes]:
    prepared = [target.post(path, body(number)) for number in range(PREPARED)]
    return cycle(prepared)


def _prices(number: int) -> bytes:
    rng = random.Random(number)
    chosen = rng.sample(range(PRODUCTS), BATCH)
    return msgspec.json.encode(
        {"prices": [{"variant_id": f"p-{n}", "price_minor": 1_000 + n + number % PREPARED} for n in chosen]}
    )


def _movements(number: int) -> bytes:
    """Without ids, so that each of them counts."""
    rng = random.Random(number)
    moved = [(n, rng.choice((-2, -1, -1, -1))) for n in rng.sample(range(PRODUCTS), BATCH)]
    return msgspec.json.encode(
        {"movements": [{"variant_id": f"p-{n}", "quantity": units, "reason": "sale"} for n, units in moved]}
    )
