"""`/v1/orders`: a shopper orders for themselves, the shop's own systems for anyone."""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import check_own
from smartshop.backend_api.services.orders import Wanted, WantedLine, place_order
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.services.stock_changes import movement_time
from smartshop.backend_api.utils.auth import Caller, Permission
from smartshop.backend_api.utils.wire import Currency, Id, Limit, Minor, Quantity, id_in_path, usable_id
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas import orders
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    LineId,
    LocationId,
    Micros,
    OrderId,
    ProductId,
    VariantId,
)
from smartshop.errors import Conflict, Forbidden, NotFound, OrderConflict

MAX_LINES = 1_000
KEY_LIFETIME_SECONDS = 86_400.0
"""How long an Idempotency-Key stands for its order."""


class OrderRequestLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    product_id: Id
    variant_id: Id | None = None
    quantity: Quantity
    unit_price_minor: Minor | None = None
    """From a shopper it must be the present price; from the shop itself it is what counts."""


class OrderRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    order_id: Id | None = None
    """Made by the client; the same order again is answered 200. Without it the Idempotency-Key makes it."""
    lines: Annotated[list[OrderRequestLine], Meta(min_length=1, max_length=MAX_LINES)]
    decision_id: Id | None = None
    reservation_id: Id | None = None
    """Of this basket: the order takes the units kept for it, and ends it. One that is over keeps nothing.
    Without it the order takes, and ends, the baskets of its shopper that keep any of these goods."""
    currency: Currency | None = None
    customer_id: Id | None = None
    """With a secret key: who buys; a token buys for its own shopper."""
    anonymous_id: Id | None = None
    ordered_at: Moment | None = None
    """Secret key only, like all that follows."""
    discount_minor: Minor = 0
    shipping_minor: Minor = 0
    tax_minor: Minor = 0
    channel: Id | None = None
    market: Id | None = None
    location_id: Id | None = None


class OrderLine(msgspec.Struct, frozen=True):
    line_id: str
    product_id: str
    variant_id: str
    quantity: int
    unit_price_minor: int | None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    status: str
    """placed, partly_cancelled or cancelled; claimed: told by a browser alone."""
    lines: list[OrderLine]
    total_minor: int
    currency: str
    ordered_at: str


class OrderPage(msgspec.Struct, frozen=True):
    items: list[Order]
    next_cursor: str | None


class OrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer_id: Annotated[str, Meta(description="Whose orders; a customer's token means its own.")] | None = None
    limit: Limit = 50


class NobodyBuys(Conflict):
    code = "no_shopper_named"


class KeyReused(Conflict):
    code = "idempotency_key_reused"


async def post_order(service: Service, call: Call[None, OrderRequest]) -> Answer:
    wanted = _wanted(call.caller, call.body, _order_id(call), service.shop.clock.now())
    await _check_key(service, call, wanted.order_id)
    placed = await place_order(service.shop, wanted)
    await _remember_key(service, call, wanted.order_id)
    if not placed.is_new and not _may_see(call.caller, placed.order):
        raise OrderConflict(wanted.order_id)
    seen = await asyncio.to_thread(_seen, service, [placed.order])
    return Answer(seen[0], 201 if placed.is_new else 200)


def get_order(service: Service, call: Call[None, None]) -> Order:
    order_id = OrderId(id_in_path(call.path("order_id"), "order"))
    order = service.shop.orders.get(order_id)
    if order is None or not _may_see(call.caller, order):
        raise NotFound(f"There is no order {order_id!r} of this shopper.")
    return _seen(service, [order])[0]


def list_orders(service: Service, call: Call[OrdersQuery, None]) -> OrderPage:
    caller, asked = call.caller, call.query.customer_id
    if not caller.is_secret:
        check_own(caller, asked, None)
    customer_id = caller.customer_id if asked is None else CustomerId(asked)
    if customer_id is None:
        return OrderPage([], None)
    placed = service.shop.orders.of_customer(customer_id, call.query.limit)
    return OrderPage(_seen(service, placed), None)


def _seen(service: Service, placed: Sequence[orders.Order]) -> list[Order]:
    called_off = service.shop.orders.called_off(placed)
    return [wire_order(order, called_off.get(order.order_id, {})) for order in placed]


def wire_order(order: orders.Order, called_off: Mapping[LineId, int]) -> Order:
    """`called_off`: units by line."""
    is_whole = all(called_off.get(line.line_id, 0) >= line.quantity for line in order.lines)
    return Order(
        order_id=order.order_id,
        status=order.status.value if not called_off else "cancelled" if is_whole else "partly_cancelled",
        lines=[
            OrderLine(line.line_id, line.product_id, line.variant_id, line.quantity, line.unit_price_minor)
            for line in order.lines
        ],
        total_minor=order.total_minor,
        currency=order.currency,
        ordered_at=format_rfc3339(order.ordered_at),
    )


def _may_see(caller: Caller, order: orders.Order) -> bool:
    if caller.is_secret:
        return True
    if caller.is_customer:
        return order.customer_id == caller.customer_id
    return order.customer_id is None and order.anonymous_id == caller.anonymous_id


def _order_id(call: Call[None, OrderRequest]) -> OrderId:
    if call.body.order_id is not None:
        return OrderId(usable_id(call.body.order_id, "order_id"))
    key = call.request.headers.get("idempotency-key")
    if key is None:
        return OrderId(f"o-{uuid.uuid4().hex}")
    return OrderId(f"o-{_digest(call.caller, key)}")


def _digest(caller: Caller, key: str) -> str:
    """One caller's key says nothing about another's."""
    return hashlib.blake2b(
        f"{caller.kind}|{caller.is_customer}|{caller.shopper_key}|{key}".encode(), digest_size=16
    ).hexdigest()


async def _check_key(service: Service, call: Call[None, OrderRequest], order_id: OrderId) -> None:
    """A key used for another order is a client's mistake; say so rather than order twice."""
    key = call.request.headers.get("idempotency-key")
    known = None if key is None else await service.shop.cache.get(_cache_key(call.caller, key))
    if known is not None and known != order_id.encode():
        raise KeyReused(f"This Idempotency-Key was used for order {known.decode()!r}; use a new key for a new order.")


async def _remember_key(service: Service, call: Call[None, OrderRequest], order_id: OrderId) -> None:
    key = call.request.headers.get("idempotency-key")
    if key is not None:
        await service.shop.cache.put(_cache_key(call.caller, key), order_id.encode(), KEY_LIFETIME_SECONDS)


def _cache_key(caller: Caller, key: str) -> str:
    return f"idempotency:{_digest(caller, key)}"


def _wanted(caller: Caller, body: OrderRequest, order_id: OrderId, now: Micros) -> Wanted:
    customer_id = None if body.customer_id is None else CustomerId(usable_id(body.customer_id, "customer_id"))
    anonymous_id = None if body.anonymous_id is None else AnonymousId(usable_id(body.anonymous_id, "anonymous_id"))
    if not caller.is_secret:
        check_own(caller, customer_id, anonymous_id)
        _refuse_shop_fields(body)
        customer_id, anonymous_id = caller.customer_id, caller.anonymous_id
    if customer_id is None and anonymous_id is None:
        raise NobodyBuys("Neither customer_id nor anonymous_id was sent; say who buys.")
    return Wanted(
        order_id=order_id,
        lines=[_line(line) for line in body.lines],
        customer_id=customer_id,
        anonymous_id=anonymous_id,
        trust=Trust.SERVER if caller.is_secret else Trust.SHOPPER,
        currency=body.currency,
        ordered_at=None if body.ordered_at is None else movement_time(body.ordered_at, now),
        decision_id=None if body.decision_id is None else DecisionId(usable_id(body.decision_id, "decision_id")),
        channel=None if body.channel is None else usable_id(body.channel, "channel"),
        market=None if body.market is None else usable_id(body.market, "market"),
        location_id=None if body.location_id is None else LocationId(usable_id(body.location_id, "location_id")),
        reservation_id=None if body.reservation_id is None else usable_id(body.reservation_id, "reservation_id"),
        discount_minor=body.discount_minor,
        shipping_minor=body.shipping_minor,
        tax_minor=body.tax_minor,
    )


def _line(line: OrderRequestLine) -> WantedLine:
    return WantedLine(
        ProductId(usable_id(line.product_id, "product_id")),
        None if line.variant_id is None else VariantId(usable_id(line.variant_id, "variant_id")),
        line.quantity,
        line.unit_price_minor,
    )


def _refuse_shop_fields(body: OrderRequest) -> None:
    """Money and place are the shop's to say, not the shopper's."""
    said = [
        name
        for name in ("discount_minor", "shipping_minor", "tax_minor", "ordered_at", "channel", "market", "location_id")
        if getattr(body, name)
    ]
    if said:
        raise Forbidden(f"{said[0]} needs a secret key; a shopper token orders at the shop's own prices.")


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/orders",
        permission=Permission.OWN_SHOPPER,
        handle=post_order,
        summary="Place an order and take its stock; 200 when the same order was placed before",
        body=OrderRequest,
        answer=Order,
        status=201,
        other_successes=(200,),
        request_headers={"Idempotency-Key": "Makes a repeated request harmless; stands for its order for a day."},
    ),
    Endpoint(
        method="GET",
        path="/v1/orders",
        permission=Permission.OWN_SHOPPER,
        handle=list_orders,
        summary="A customer's orders, newest first",
        query=OrdersQuery,
        answer=OrderPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/orders/{order_id}",
        permission=Permission.OWN_SHOPPER,
        handle=get_order,
        summary="One order",
        answer=Order,
    ),
)
