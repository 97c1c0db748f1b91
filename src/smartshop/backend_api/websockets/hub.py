"""Hears what changed and marks the open pages that show it: nothing is computed for a page that nobody has open."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

import numpy as np
import structlog

from smartshop.backend_api.shop import Shop
from smartshop.backend_api.websockets.connection import Connection
from smartshop.backend_api.websockets.return_news import ReturnNews
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, ProductId, ShopperKey
from smartshop.data_collection.schemas.messages import (
    BackInStock,
    CatalogueChanged,
    Message,
    SlateRefreshed,
    StockChanged,
)

GROUP = "websockets"
LISTENS_TO: tuple[type[Message], ...] = (SlateRefreshed, StockChanged, CatalogueChanged, BackInStock)
LOOK_AT_SHELF_SECONDS = 0.5
"""What another process changed is on the shelf within a second; the page hears of it this much later at most."""
MAX_CONNECTIONS = 5_000
MAX_PER_SHOPPER = 10

_log = structlog.get_logger(__name__)
Watched = tuple[ShopperKey, bool]
"""A shopper key, and whether it is a customer's."""


class Hub:
    """One per serving process; entered before the first connection."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._by_shopper: dict[Watched, set[Connection]] = defaultdict(set)
        self._connections: dict[Connection, tuple[Watched, ...]] = {}
        self._shelf = shop.shelves.shelf
        self._returns = ReturnNews(shop)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Hub":
        parts = (self._listen(), self._look_at_shelf(), self._tell_of_returns())
        self._tasks = [asyncio.create_task(part) for part in parts]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    @property
    def is_full(self) -> bool:
        return len(self._connections) >= MAX_CONNECTIONS

    def open_of(self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> int:
        """How many lines this shopper has open."""
        key = _own_key(customer_id, anonymous_id)
        return 0 if key is None else len(self._by_shopper.get(key, ()))

    async def join(self, connection: Connection) -> None:
        """From now on the connection is marked when its shopper does something, on whichever linked browser."""
        keys = await self._keys_of(connection)
        self._connections[connection] = keys
        for key in keys:
            self._by_shopper[key].add(connection)
        await self._returns.recall(connection)

    def leave(self, connection: Connection) -> None:
        for key in self._connections.pop(connection, ()):
            watching = self._by_shopper[key]
            watching.discard(connection)
            if not watching:
                del self._by_shopper[key]

    def hear(self, message: Message) -> None:
        """Mark who is concerned; cheap, and harmless to repeat."""
        match message:
            case SlateRefreshed():
                for connection in self._by_shopper.get((message.shopper_key, message.is_customer), ()):
                    connection.slates_due()
            case StockChanged():
                self._products_changed([ProductId(variant_id) for variant_id in message.variant_ids])
            case CatalogueChanged():
                self._products_changed(message.product_ids)
            case BackInStock():
                self._shop.awaited_goods.hear(message)
                self._returns.tell_who_asked(message, self._pages_of(message))
                self._returns.look_for_others(message)
            case _:
                return

    def _pages_of(self, message: BackInStock) -> set[Connection]:
        """Of those who asked, on whichever linked browser."""
        keys: list[Watched] = [(ShopperKey(customer_id), True) for customer_id in message.customer_ids]
        keys += [(ShopperKey(anonymous_id), False) for anonymous_id in message.anonymous_ids]
        return {connection for key in keys for connection in self._by_shopper.get(key, ())}

    async def _keys_of(self, connection: Connection) -> tuple[Watched, ...]:
        caller = connection.caller
        own = _own_key(caller.customer_id, caller.anonymous_id)
        if own is None:
            return ()
        keys = [own]
        if caller.anonymous_id is not None:
            keys.append((ShopperKey(caller.anonymous_id), False))
        shopper = await self._shop.recommendations.shopper_of(caller.customer_id, caller.anonymous_id, vouched=True)
        keys.extend((ShopperKey(window.anonymous_id), False) for window in shopper.windows if window.until is None)
        keys.extend((ShopperKey(customer_id), True) for customer_id in shopper.customer_ids)
        return tuple(dict.fromkeys(keys))

    def _products_changed(self, ids: Sequence[ProductId]) -> None:
        """Ids of products or variants."""
        shelf = self._shop.shelves.shelf
        numbers = [shelf.number_of[one] for one in ids if one in shelf.number_of]
        changed = frozenset(shelf.product_ids[number] for number in numbers)
        sold_out = frozenset(shelf.product_ids[number] for number in numbers if not shelf.sellable[number])
        if changed:
            for connection in self._connections:
                connection.stock_due(changed, sold_out)

    async def _listen(self) -> None:
        async for deliveries in self._shop.bus.subscribe(GROUP, LISTENS_TO):
            for delivery in deliveries:
                self.hear(delivery.message)
            await self._shop.bus.acknowledge(GROUP, [delivery.delivery_id for delivery in deliveries])

    async def _tell_of_returns(self) -> None:
        while True:
            returned = await self._returns.next_round()
            try:
                await self._returns.go_round(returned, list(self._connections))
            except Exception as error:  # a store that is away costs these news, never the ones to come
                _log.warning("returns_not_told", returned=len(returned), error=repr(error))
            await asyncio.sleep(LOOK_AT_SHELF_SECONDS)

    async def _look_at_shelf(self) -> None:
        """Imports, dated prices and other processes say nothing on this bus; the shelf shows what they did."""
        while True:
            await asyncio.sleep(LOOK_AT_SHELF_SECONDS)
            before, now = self._shelf, self._shop.shelves.shelf
            self._shelf = now
            if before is not now and self._connections:
                self._products_changed(changed_products(before, now))


def changed_products(before: Shelf, now: Shelf) -> list[ProductId]:
    """Products whose stock, price or place on the shelf differs between two pictures. Pure."""
    n = min(before.n_products, now.n_products)
    differs = (
        (before.available[:n] != now.available[:n])
        | (before.price_minor[:n] != now.price_minor[:n])
        | (before.sellable[:n] != now.sellable[:n])
    )
    return [now.product_ids[number] for number in np.flatnonzero(differs).tolist()]


def _own_key(customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> Watched | None:
    if customer_id is not None:
        return ShopperKey(customer_id), True
    return None if anonymous_id is None else (ShopperKey(anonymous_id), False)
