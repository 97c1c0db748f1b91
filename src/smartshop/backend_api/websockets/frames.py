"""What travels over `/ws/shopper`: small JSON texts, each with its `type`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from smartshop.data_collection.schemas.ids import ProductId
from smartshop.data_collection.schemas.slates import MAX_LIMIT, SlateFilters, SlateItem, SlateRequest, Surface
from smartshop.errors import InvalidValue

MAX_FRAME_BYTES = 16_384
MAX_PRODUCTS = 200


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first frame, when the token was not in the query; later ones renew it."""

    token: str


class SubscribeSlate(msgspec.Struct, frozen=True, kw_only=True):
    """Asking again for a surface replaces what was asked; the shopper is the token's, whatever the frame says."""

    surface: Surface
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = 12
    product_id: ProductId | None = None
    basket: Annotated[list[ProductId], Meta(max_length=MAX_PRODUCTS)] = []
    query: str | None = None
    filters: SlateFilters = SlateFilters()

    def request(self) -> SlateRequest:
        return SlateRequest(
            surface=self.surface,
            limit=self.limit,
            product_id=self.product_id,
            basket=self.basket,
            query=self.query,
            filters=self.filters,
        )


class SubscribeProducts(msgspec.Struct, frozen=True):
    """The products on the page; asking again replaces them."""

    product_ids: Annotated[list[ProductId], Meta(max_length=MAX_PRODUCTS)]


class Unsubscribe(msgspec.Struct, frozen=True):
    topic: Literal["slate", "products"]
    surface: Surface | None = None


class Ping(msgspec.Struct, frozen=True):
    """For pages that want to know that the line lives."""


ClientFrame = Hello | SubscribeSlate | SubscribeProducts | Unsubscribe | Ping


class SlateFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="slate"):
    surface: Surface
    version: int
    """Counts up from 1 per subscription."""
    decision_id: str
    items: list[SlateItem]
    product_id: str | None = None
    degraded: list[str] | None = None


class StockFrame(msgspec.Struct, frozen=True, tag_field="type", tag="stock"):
    product_id: str
    variant_id: str
    available: int


class PriceFrame(msgspec.Struct, frozen=True, tag_field="type", tag="price"):
    product_id: str
    variant_id: str
    price_minor: int | None
    list_price_minor: int | None
    currency: str | None


class BackInStockFrame(msgspec.Struct, frozen=True, tag_field="type", tag="back_in_stock"):
    product_id: str
    variant_id: str
    title: str
    asked: bool
    """The shopper asked to be told; else they looked for it while it was sold out."""


class ErrorFrame(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    detail: str
    """A sentence; the line stays open."""


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    pass


ServerFrame = SlateFrame | StockFrame | PriceFrame | BackInStockFrame | ErrorFrame | Pong


class _Head(msgspec.Struct, frozen=True):
    type: str
    topic: str | None = None


def read_frame(text: str | bytes) -> ClientFrame:
    """A client's frame.

    Raises:
        InvalidValue: too large, no JSON, or none of the frames there are.
    """
    if len(text) > MAX_FRAME_BYTES:
        raise InvalidValue(f"The frame has {len(text)} bytes; at most {MAX_FRAME_BYTES} are read.")
    try:
        head = msgspec.json.decode(text, type=_Head)
        shape = _shape(head)
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidValue(f"The frame cannot be read: {error}.") from None


def _shape(head: _Head) -> type[ClientFrame]:
    match head.type, head.topic:
        case "hello", _:
            return Hello
        case "subscribe", "slate":
            return SubscribeSlate
        case "subscribe", "products":
            return SubscribeProducts
        case "unsubscribe", _:
            return Unsubscribe
        case "ping", _:
            return Ping
    raise InvalidValue(
        f"The frame {head.type[:20]!r} with topic {(head.topic or '')[:20]!r} is not known; "
        "send hello, subscribe to slate or products, unsubscribe, or ping."
    )
