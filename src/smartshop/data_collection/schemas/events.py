"""What shoppers do: the event as a client sends it, and the envelope in which the log keeps it."""

from enum import StrEnum
from typing import Any

import msgspec

from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    SessionId,
    ShopperKey,
    VariantId,
)

SCHEMA_VERSION = 1
MAX_PRODUCTS_PER_EVENT = 5_000
"""The largest order of `online_retail` has 1,100 lines; ten pages of a wholesaler's basket still fit."""


class EventKind(StrEnum):
    PRODUCT_VIEWED = "product_viewed"
    PRODUCT_LIST_VIEWED = "product_list_viewed"
    PRODUCT_CLICKED = "product_clicked"
    PRODUCT_ADDED = "product_added"
    PRODUCT_REMOVED = "product_removed"
    CHECKOUT_STARTED = "checkout_started"
    ORDER_COMPLETED = "order_completed"
    ORDER_REFUNDED = "order_refunded"
    ORDER_RETURNED = "order_returned"
    SEARCHED = "searched"
    WISHLISTED = "wishlisted"
    RATED = "rated"
    DWELLED = "dwelled"
    PAGE_VIEWED = "page_viewed"
    IDENTIFIED = "identified"
    CONSENT_CHANGED = "consent_changed"
    ITEM_DISMISSED = "item_dismissed"
    RECOMMENDATION_SHOWN = "recommendation_shown"
    RECOMMENDATION_CLICKED = "recommendation_clicked"
    PROMOTION_VIEWED = "promotion_viewed"
    PROMOTION_CLICKED = "promotion_clicked"
    CUSTOM = "custom"


class Trust(StrEnum):
    """Who vouches for an event."""

    CLIENT = "client"
    """A publishable key: anybody may have sent it."""
    SHOPPER = "shopper"
    """A shopper token: the shopper named by the token."""
    SERVER = "server"
    """A secret key or an import: the shop itself."""


ORDER_DESK = "orders"
"""The door of orders that the service itself placed, at its own prices and from its own stock."""


class Traffic(StrEnum):
    HUMAN = "human"
    BOT = "bot"
    INTERNAL = "internal"
    TEST = "test"


class ProductLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product of an event; at least one of the two ids."""

    product_id: ProductId | None = None
    variant_id: VariantId | None = None
    quantity: int | None = None
    price_minor: int | None = None
    """Unit price after discount, in the event's currency."""
    position: int | None = None
    line_id: str | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing a shopper did, as sent to `POST /v1/events`. Times are RFC 3339 on the wire.

    Which fields a kind needs is said by `pipelines.quality`; here only their types.
    """

    kind: EventKind
    event_id: EventId | None = None
    occurred_at: str | None = None
    anonymous_id: AnonymousId | None = None
    customer_id: CustomerId | None = None
    session_id: SessionId | None = None
    product_id: ProductId | None = None
    variant_id: VariantId | None = None
    quantity: int | None = None
    price_minor: int | None = None
    products: list[ProductLine] = []
    order_id: OrderId | None = None
    currency: str | None = None
    market: str | None = None
    discount_minor: int | None = None
    shipping_minor: int | None = None
    tax_minor: int | None = None
    amount_minor: int | None = None
    """Of `order_refunded`: the money given back, when it is not by lines."""
    takes_stock: bool = False
    restock: bool = False
    location_id: str | None = None
    query: str | None = None
    rating: float | None = None
    dwell_ms: int | None = None
    surface: str | None = None
    position: int | None = None
    decision_id: DecisionId | None = None
    consent: dict[str, bool] | None = None
    """Of `consent_changed`: purpose (analytics, personalisation, marketing) → granted."""
    traits: dict[str, Any] | None = None
    """Of `identified`. Any: whatever JSON the shop knows of a person."""
    name: str | None = None
    """Of `custom`."""
    properties: dict[str, Any] | None = None
    """Any: the shop's own JSON, kept as it came."""
    context: Context | None = None


class StoredEvent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An event in the log. Ids are clean, times int64 µs UTC; a single product stands in `products` too.

    Order of a shopper's own events is (occurred_at, event_id).
    """

    event_id: EventId
    kind: EventKind
    occurred_at: Micros
    received_at: Micros
    shopper_key: ShopperKey
    source: str
    """The door: api, orders, segment, import:online-retail, simulator, …"""
    trust: Trust
    traffic: Traffic = Traffic.HUMAN
    schema_version: int = SCHEMA_VERSION
    anonymous_id: AnonymousId | None = None
    customer_id: CustomerId | None = None
    session_id: SessionId | None = None
    products: tuple[ProductLine, ...] = ()
    order_id: OrderId | None = None
    currency: str | None = None
    market: str | None = None
    discount_minor: int | None = None
    shipping_minor: int | None = None
    tax_minor: int | None = None
    amount_minor: int | None = None
    takes_stock: bool = False
    restock: bool = False
    location_id: str | None = None
    query: str | None = None
    rating: float | None = None
    dwell_ms: int | None = None
    surface: str | None = None
    position: int | None = None
    decision_id: DecisionId | None = None
    consent: dict[str, bool] | None = None
    traits: dict[str, Any] | None = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    context: Context | None = None
    clock_corrected: bool = False
    """True when `occurred_at` was ahead of us and was set to `received_at`."""

    @property
    def is_shops_word(self) -> bool:
        """Whether an order, refund or return told by this event is a fact and no claim.

        Anybody can get a token for a new browser, so a token vouches for what its shopper did, never for money.
        """
        return self.trust is Trust.SERVER or (self.trust is Trust.SHOPPER and self.source == ORDER_DESK)


INTEREST_WEIGHT: dict[EventKind, float] = {
    EventKind.DWELLED: 0.3,
    EventKind.PRODUCT_VIEWED: 1.0,
    EventKind.PRODUCT_CLICKED: 1.0,
    EventKind.RECOMMENDATION_CLICKED: 1.0,
    EventKind.WISHLISTED: 2.0,
    EventKind.RATED: 1.0,
    EventKind.PRODUCT_ADDED: 3.0,
    EventKind.PRODUCT_REMOVED: -1.0,
    EventKind.ITEM_DISMISSED: -3.0,
    EventKind.ORDER_COMPLETED: 4.0,
}
"""How much an event says about liking a product, relative to a view; kinds not named say nothing."""
