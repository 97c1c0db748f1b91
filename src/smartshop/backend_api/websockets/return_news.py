"""That something is back in stock, brought to the pages of those who asked for it or came to look in vain."""

import asyncio
from collections.abc import Iterable, Sequence

from smartshop.ai_agents.inventory.back_in_stock import wanted_while_gone
from smartshop.backend_api.services.awaited_goods import keys_of
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.websockets.connection import Connection
from smartshop.backend_api.websockets.frames import BackInStockFrame
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import Micros, ProductId
from smartshop.data_collection.schemas.messages import BackInStock
from smartshop.data_collection.schemas.waits import NEWS_LASTS

MOST_PENDING = 10_000
"""Returns that wait for a round over the open pages; the oldest go."""


class ReturnNews:
    """For one hub, on its event loop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._pending: dict[ProductId, BackInStock] = {}
        self._heard = asyncio.Event()

    def tell_who_asked(self, message: BackInStock, connections: Iterable[Connection]) -> None:
        frame = self._frame(message.product_id, message.variant_id, asked=True)
        if frame is not None:
            for connection in connections:
                connection.mailbox.news_due(frame)

    def look_for_others(self, message: BackInStock) -> None:
        """In the next round."""
        if message.gone_at is None or message.others <= 0:
            return
        self._pending.pop(message.product_id, None)
        if len(self._pending) >= MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[message.product_id] = message
        self._heard.set()

    async def recall(self, connection: Connection) -> None:
        """What a shopper asked for, and was told of while no page of theirs was open."""
        shopper = await self._shopper_of(connection)
        connection.waiting_keys = keys_of(shopper)
        since = Micros(self._shop.clock.now() - NEWS_LASTS)
        unseen = await asyncio.to_thread(self._shop.wait_news.unseen, connection.waiting_keys, since)
        for wait in unseen:
            frame = self._frame(wait.product_id, wait.told_variant_id or wait.product_id, asked=True)
            if frame is not None:
                connection.mailbox.news_due(frame)

    async def next_round(self) -> Sequence[BackInStock]:
        """Wait until something came back; all that did since the last round."""
        await self._heard.wait()
        self._heard.clear()
        returned, self._pending = list(self._pending.values()), {}
        return returned

    async def go_round(self, returned: Sequence[BackInStock], connections: Sequence[Connection]) -> None:
        """Every page once, however much came back; of each product no more shoppers than may be told."""
        left = {message.product_id: message.others for message in returned}
        by_product = {message.product_id: message for message in returned}
        for connection in connections:
            shopper = await self._shopper_of(connection)
            if shopper.erased or not shopper.consent.personalisation:
                continue
            keys = set(keys_of(shopper))
            profile = await self._shop.profiles.read(shopper)
            looked_at = {sign.product_id for sign in profile.interest if sign.product_id is not None}
            for product_id in looked_at & left.keys():
                message = by_product[product_id]
                if message.gone_at is None or left[product_id] <= 0 or not keys.isdisjoint(_asked(message)):
                    continue
                if wanted_while_gone(profile, product_id, message.gone_at, message.back_at):
                    frame = self._frame(product_id, message.variant_id, asked=False)
                    if frame is not None:
                        connection.mailbox.news_due(frame)
                        left[product_id] -= 1

    async def _shopper_of(self, connection: Connection) -> Shopper:
        caller = connection.caller
        return await self._shop.recommendations.shopper_of(caller.customer_id, caller.anonymous_id, vouched=True)

    def _frame(self, product_id: ProductId, variant_id: str, *, asked: bool) -> BackInStockFrame | None:
        """None where it cannot be sold any more."""
        shelf = self._shop.shelves.shelf
        number = shelf.number_of.get(product_id)
        if number is None or not shelf.sellable[number]:
            return None
        return BackInStockFrame(product_id, variant_id, shelf.titles[number], asked)


def _asked(message: BackInStock) -> set[str]:
    """Keys of those who asked, and were told."""
    return {*message.customer_ids, *(f"/{browser}" for browser in message.anonymous_ids)}
