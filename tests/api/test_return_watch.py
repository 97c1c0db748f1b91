"""What no message tells of (another process's stock, a crash, a day that is over) is found by looking."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from smartshop.backend_api.services.return_watch import WHOLE_LOOK_SECONDS, watch_returns
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.ports import Delivery
from smartshop.data_collection.schemas.ids import ProductId, VariantId
from smartshop.data_collection.schemas.messages import Message, StockChanged
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.data_collection.schemas.waits import Wait
from tests.api.shop_for_tests import make_shop, open_shop_stores

TENT = "tents-14"


def ask(shop: Shop, item_id: str) -> None:
    now = shop.clock.now()
    shop.waits.ask(Wait(shopper_key="ada", item_id=item_id, product_id=ProductId(item_id), asked_at=now), now)


def count(shop: Shop, level: int) -> None:
    """As another process does: nobody says a word."""
    now = shop.clock.now()
    told = StockCount(movement_id=f"c-{level}", variant_id=VariantId(TENT), level=level, occurred_at=now)
    shop.stock.count([told], now)
    shop.shelves.refresh()


@asynccontextmanager
async def watched(shop: Shop, seconds: list[float]) -> AsyncIterator[AsyncIterator[Sequence[Delivery]]]:
    """The messages that a watch says, which lives by these seconds."""
    said = shop.bus.subscribe("test", (StockChanged,))
    watch = asyncio.create_task(watch_returns(shop, 0.001, lambda: seconds[0]))
    try:
        yield said
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def heard(said: AsyncIterator[Sequence[Delivery]]) -> Message:
    async with asyncio.timeout(10):
        (delivery,) = await anext(said)
    return delivery.message


async def test_what_is_not_said_is_found(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    shop, seconds = make_shop(stores), [0.0]
    ask(shop, "tents-3")
    ask(shop, TENT)
    async with watched(shop, seconds) as said:
        first = await heard(said)
        assert first == StockChanged((VariantId("tents-3"),)), "what a crash left waiting, though it is there"
        await asyncio.to_thread(count, shop, 2)
        assert await heard(said) == StockChanged((VariantId(TENT),))
        seconds[0] = WHOLE_LOOK_SECONDS
        again = await heard(said)
        assert isinstance(again, StockChanged)
        assert sorted(again.variant_ids) == [TENT, "tents-3"], "whose turn it is now may have changed"
    stores.close()
