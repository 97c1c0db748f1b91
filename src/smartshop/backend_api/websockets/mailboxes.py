"""One slot per topic of a connection, saying that the topic is out of date; the newest state is read when it is sent.

So a slow client gets the newest state and never a backlog, and what nobody waits for is never computed.
"""

import asyncio
from collections.abc import Iterable

from smartshop.backend_api.websockets.frames import BackInStockFrame
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.data_collection.schemas.slates import Surface

Due = Surface | frozenset[ProductId] | BackInStockFrame
"""A slate, all products whose state is out of date, or a piece of news."""
MOST_NEWS = 20
"""Pieces that wait for a page; more at once nobody reads, so the oldest go."""


class Mailbox:
    """Bounded by what the connection subscribed to, and by `MOST_NEWS`."""

    def __init__(self) -> None:
        self._slates: dict[Surface, None] = {}
        self._products: set[ProductId] = set()
        self._news: dict[str, BackInStockFrame] = {}
        """By product: of several variants the newest."""
        self._filled = asyncio.Event()

    def slate_due(self, surface: Surface) -> None:
        self._slates[surface] = None
        self._filled.set()

    def products_due(self, product_ids: Iterable[ProductId]) -> None:
        self._products.update(product_ids)
        if self._products:
            self._filled.set()

    def news_due(self, news: BackInStockFrame) -> None:
        self._news.pop(news.product_id, None)
        if len(self._news) >= MOST_NEWS:
            del self._news[next(iter(self._news))]
        self._news[news.product_id] = news
        self._filled.set()

    def forget_slate(self, surface: Surface) -> None:
        self._slates.pop(surface, None)

    def forget_products(self) -> None:
        self._products.clear()

    async def next_due(self) -> Due:
        """Wait for the next topic out of date and empty its slot; slates before products, news last."""
        while True:
            await self._filled.wait()
            if self._slates:
                surface = next(iter(self._slates))
                del self._slates[surface]
                return surface
            if self._products:
                due = frozenset(self._products)
                self._products.clear()
                return due
            if self._news:
                return self._news.pop(next(iter(self._news)))
            self._filled.clear()
