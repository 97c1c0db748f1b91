"""One open page: its subscriptions, and the sending of what is out of date."""

import asyncio
from dataclasses import dataclass, field

import msgspec
from starlette.websockets import WebSocket

from smartshop.backend_api.api.products import cards_of
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import allowed_request
from smartshop.backend_api.services.product_cards import Product
from smartshop.backend_api.utils.auth import Caller
from smartshop.backend_api.websockets.frames import (
    BackInStockFrame,
    ErrorFrame,
    PriceFrame,
    ServerFrame,
    SlateFrame,
    StockFrame,
    SubscribeProducts,
    SubscribeSlate,
    Unsubscribe,
)
from smartshop.backend_api.websockets.mailboxes import Mailbox
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.data_collection.schemas.slates import Surface
from smartshop.errors import SmartShopError

SEND_SECONDS = 30.0
"""A client that takes nothing for so long is gone."""


@dataclass(slots=True)
class SlateSubscription:
    asked: SubscribeSlate
    version: int = 0
    shown: tuple[ProductId, ...] = ()


@dataclass(slots=True, eq=False)
class Connection:
    """Made by the endpoint, marked out of date by the hub, sent to by itself."""

    service: Service
    socket: WebSocket
    caller: Caller
    mailbox: Mailbox = field(default_factory=Mailbox)
    slates: dict[Surface, SlateSubscription] = field(default_factory=dict)
    products: frozenset[ProductId] = frozenset()
    waiting_keys: tuple[str, ...] = ()
    """Under which the shopper may have asked to be told of what is back."""
    _told: dict[str, StockFrame | PriceFrame] = field(default_factory=dict)
    """Frame kind and variant → what the page knows."""

    def subscribe_slate(self, asked: SubscribeSlate) -> None:
        self.slates[asked.surface] = SlateSubscription(asked)
        self.mailbox.slate_due(asked.surface)

    def subscribe_products(self, asked: SubscribeProducts) -> None:
        self.products = frozenset(asked.product_ids)
        self._told = {name: frame for name, frame in self._told.items() if frame.product_id in self.products}
        self.mailbox.forget_products()
        self.mailbox.products_due(self.products)

    def unsubscribe(self, asked: Unsubscribe) -> None:
        if asked.topic == "products":
            self.products = frozenset()
            self.mailbox.forget_products()
            return
        for surface in [asked.surface] if asked.surface is not None else list(self.slates):
            self.slates.pop(surface, None)
            self.mailbox.forget_slate(surface)

    def slates_due(self) -> None:
        """The shopper did something: every open slate may have changed."""
        for surface in self.slates:
            self.mailbox.slate_due(surface)

    def stock_due(self, changed: frozenset[ProductId], sold_out: frozenset[ProductId]) -> None:
        """Products changed; a slate that shows one which can no longer be sold is out of date too."""
        self.mailbox.products_due(self.products & changed)
        for surface, subscription in self.slates.items():
            if sold_out.intersection(subscription.shown):
                self.mailbox.slate_due(surface)

    async def send_due(self) -> None:
        """Send what is out of date as long as the connection lives, one frame at a time."""
        while True:
            due = await self.mailbox.next_due()
            match due:
                case Surface():
                    await self._send_slate(due)
                case BackInStockFrame():
                    await self._send_news(due)
                case _:
                    await self._send_products(sorted(due))

    async def send(self, frame: ServerFrame) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self.socket.send_text(msgspec.json.encode(frame).decode())

    async def _send_slate(self, surface: Surface) -> None:
        subscription = self.slates.get(surface)
        if subscription is None:
            return
        try:
            allowed = allowed_request(self.caller, subscription.asked.request())
            slate = await self.service.shop.recommendations.answer(
                allowed.request, None, vouched=allowed.vouched, at=allowed.at
            )
        except SmartShopError as error:
            await self.send(ErrorFrame(str(error)))
            return
        shown = tuple(item.product_id for item in slate.items)
        if subscription.version and shown == subscription.shown:
            return
        subscription.version += 1
        subscription.shown = shown
        await self.send(
            SlateFrame(
                surface=surface,
                version=subscription.version,
                decision_id=slate.decision_id,
                items=slate.items,
                product_id=subscription.asked.product_id,
                degraded=slate.degraded,
            )
        )

    async def _send_news(self, news: BackInStockFrame) -> None:
        """Shown once on whichever of the shopper's pages comes first; those that are open all show it."""
        await self.send(news)
        if news.asked:
            shop = self.service.shop
            product_id = ProductId(news.product_id)
            await asyncio.to_thread(shop.wait_news.mark_seen, self.waiting_keys, product_id, shop.clock.now())

    async def _send_products(self, product_ids: list[ProductId]) -> None:
        cards = await asyncio.to_thread(cards_of(self.service).of, product_ids)
        for card in cards:
            for frame in _frames_of(card):
                name = f"{type(frame).__name__}:{frame.variant_id}"
                if self._told.get(name) != frame:
                    await self.send(frame)
                    self._told[name] = frame


def _frames_of(card: Product) -> list[StockFrame | PriceFrame]:
    """A variant whose stock is not counted has no stock to tell."""
    frames: list[StockFrame | PriceFrame] = []
    for variant in card.variants:
        if variant.available is not None:
            frames.append(StockFrame(card.product_id, variant.variant_id, variant.available))
        frames.append(
            PriceFrame(
                card.product_id, variant.variant_id, variant.price_minor, variant.list_price_minor, variant.currency
            )
        )
    return frames
