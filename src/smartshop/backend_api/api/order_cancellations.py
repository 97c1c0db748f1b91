"""`POST /v1/orders/{order_id}/cancel`: the shop calls off an order, whole or in part, before it left."""

import uuid
from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.backend_api.api.orders import MAX_LINES
from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.order_cancelling import WHOLE, Cancelled, Cancelling, cancel_order
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.services.stock_changes import movement_time
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Id, Quantity, id_in_path, usable_id
from smartshop.data_collection.schemas.ids import LineId, OrderId
from smartshop.errors import Conflict


class CancelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    line_id: Id
    quantity: Quantity | None = None
    """Units of it; all that is left of the line when absent."""


class CancelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lines: Annotated[list[CancelLine], Meta(min_length=1, max_length=MAX_LINES)] | None = None
    """All that is left of the order when absent."""
    cancellation_id: Id | None = None
    """Makes sending it twice harmless. Without it the whole order is called off once, and parts each time anew, while
    something is left of them."""
    cancelled_at: Moment | None = None
    restock: bool = True
    """False: the goods are written off, and nobody buys them."""


class CancelledLine(msgspec.Struct, frozen=True):
    line_id: str
    product_id: str
    variant_id: str
    quantity: int


class BackOnShelf(msgspec.Struct, frozen=True):
    variant_id: str
    location_id: str
    units: int


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    lines: list[CancelledLine]
    """None where nothing was left to call off."""
    refunded_minor: int
    """Of these lines, at the order's prices less its discount, and less what was refunded before. No shipping, no
    tax."""
    currency: str
    restocked: list[BackOnShelf]
    """What went back on the shelf: no more than the order took from it and than had not come back before."""
    is_new: bool
    """False: this was called off before, or all of it by other names; nothing moved again."""


class TwiceNamed(Conflict):
    code = "line_named_twice"


async def post_cancellation(service: Service, call: Call[None, CancelRequest]) -> Cancellation:
    now, told = service.shop.clock.now(), call.body
    wanted = Cancelling(
        order_id=OrderId(id_in_path(call.path("order_id"), "order")),
        cancellation_id=_name(told),
        units=_units(told.lines or []),
        at=None if told.cancelled_at is None else movement_time(told.cancelled_at, now),
        restock=told.restock,
    )
    return _seen(await cancel_order(service.shop, wanted))


def _name(told: CancelRequest) -> str:
    if told.cancellation_id is not None:
        return usable_id(told.cancellation_id, "cancellation_id")
    return WHOLE if told.lines is None else f"c-{uuid.uuid4().hex}"


def _units(lines: list[CancelLine]) -> dict[LineId, int | None]:
    units: dict[LineId, int | None] = {}
    for line in lines:
        line_id = LineId(usable_id(line.line_id, "line_id"))
        if line_id in units:
            raise TwiceNamed(f"The line {line_id!r} is named twice; name each line once, with all its units.")
        units[line_id] = line.quantity
    return units


def _seen(cancelled: Cancelled) -> Cancellation:
    return Cancellation(
        order_id=cancelled.order.order_id,
        lines=[CancelledLine(one.line_id, one.product_id, one.variant_id, one.quantity) for one in cancelled.lines],
        refunded_minor=cancelled.refunded_minor,
        currency=cancelled.order.currency,
        restocked=[BackOnShelf(one.variant_id, one.location_id, one.quantity) for one in cancelled.back],
        is_new=cancelled.is_new,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/orders/{order_id}/cancel",
        permission=Permission.SECRET,
        handle=post_cancellation,
        summary="Call off an order or lines of it: refunded, and what it took is back on the shelf, once",
        body=CancelRequest,
        answer=Cancellation,
    ),
)
