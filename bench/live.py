"""From an acknowledged click to the changed row on an open page, over the WebSocket."""

import asyncio
import json
import time
import urllib.request
import uuid
from pathlib import Path

import msgspec
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.figures import Figure
from bench.load import Connection
from bench.service import Served, served
from bench.shops import LargeShop

PAGES = 8
"""Shoppers with an open page each."""
CLICKS = 30
"""Each clicks so often."""
PAUSE_SECONDS = 0.15
LOST_AFTER_SECONDS = 5.0
SURFACE, LIMIT = "home", 12


def measure_live(folder: Path, shop: LargeShop) -> list[Figure]:
    with served(folder) as service:
        taken, reflected, asked = asyncio.run(_click_on(service, shop))
    how = f"{PAGES} open pages, {CLICKS} clicks each; from the 202 to the frame; worker stopped"
    return [
        Figure("click_to_row_p50", float(np.percentile(taken, 50)), "ms", "", how),
        Figure("click_to_row_p99", float(np.percentile(taken, 99)), "ms", "< 150", how),
        Figure("click_in_next_slate", reflected / asked, "share", "≥ 1", "next slate over HTTP knows the click"),
    ]


async def _click_on(service: Served, shop: LargeShop) -> tuple[list[float], int, int]:
    results = await asyncio.gather(*(_one_page(service, shop, page) for page in range(PAGES)))
    taken = [one for times, _, _ in results for one in times]
    return taken, sum(found for _, found, _ in results), sum(asked for _, _, asked in results)


async def _one_page(service: Served, shop: LargeShop, page: int) -> tuple[list[float], int, int]:
    anonymous_id = f"bench-{uuid.uuid4()}"
    token = await asyncio.to_thread(_token, service, anonymous_id)
    url = f"ws://{service.target.host}:{service.target.port}/ws/shopper"
    connection, taken, reflected = Connection(service.publishable), list[float](), 0
    async with connect(url) as socket:
        await socket.send(json.dumps({"type": "hello", "token": token}))
        await socket.send(json.dumps({"type": "subscribe", "topic": "slate", "surface": SURFACE, "limit": LIMIT}))
        shown = await _next_slate(socket)
        for click in range(CLICKS):
            product_id = shop.product_ids[(page * 1009 + click * 131) % len(shop.product_ids)]
            event = {"event_id": str(uuid.uuid4()), "kind": "product_viewed", "product_id": product_id}
            body = msgspec.json.encode({"events": [{**event, "anonymous_id": anonymous_id}]})
            status, _ = await connection.ask(service.publishable.post("/v1/events", body))
            acknowledged = time.perf_counter()
            if status != 202:
                raise RuntimeError(f"a click was answered {status}")
            try:
                shown = await _next_slate(socket)
                taken.append((time.perf_counter() - acknowledged) * 1e3)
            except TimeoutError:
                # Only a slate that changed is sent: a click that moves nothing is silent, and rightly so.
                if await _slate(service, connection, anonymous_id) != shown:
                    raise
            reflected += await _is_known(service, connection, anonymous_id, product_id)
            await asyncio.sleep(PAUSE_SECONDS)
    connection.close()
    return taken, reflected, CLICKS


async def _is_known(service: Served, connection: Connection, anonymous_id: str, product_id: str) -> bool:
    """With `seen` excluded, a product viewed a moment ago is never in the slate, and all others may be."""
    request = {"surface": "home", "anonymous_id": anonymous_id, "limit": 200, "filters": {"seen": "exclude"}}
    status, body = await connection.ask(service.publishable.post("/v1/recommendations", msgspec.json.encode(request)))
    shown = [item["product_id"] for item in json.loads(body)["items"]]
    return status == 200 and product_id not in shown


async def _next_slate(socket: ClientConnection) -> list[str]:
    """Product ids of the next one sent."""
    async with asyncio.timeout(LOST_AFTER_SECONDS):
        while (message := json.loads(await socket.recv()))["type"] != "slate":
            continue
    return [item["product_id"] for item in message["items"]]


async def _slate(service: Served, connection: Connection, anonymous_id: str) -> list[str]:
    request = {"surface": SURFACE, "anonymous_id": anonymous_id, "limit": LIMIT}
    _, body = await connection.ask(service.publishable.post("/v1/recommendations", msgspec.json.encode(request)))
    return [item["product_id"] for item in json.loads(body)["items"]]


def _token(service: Served, anonymous_id: str) -> str:
    request = urllib.request.Request(
        f"{service.url}/v1/shopper-tokens",
        data=json.dumps({"anonymous_id": anonymous_id}).encode(),
        headers={"Authorization": f"Bearer {service.publishable.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["token"])
