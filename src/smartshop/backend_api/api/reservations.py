"""`/v1/stock/reservations`: units kept for open baskets; with a token a shopper's own, with a secret key anybody's."""

import asyncio
import uuid
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import check_own
from smartshop.backend_api.services.stock_changes import tell_stock_changed
from smartshop.backend_api.services.variant_owners import check_variants
from smartshop.backend_api.utils.auth import Caller, Permission
from smartshop.backend_api.utils.wire import Id, Quantity, id_in_path, usable_id
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.schemas import stock
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import MAX_RESERVED_SECONDS, ReservedLine, basket_owner
from smartshop.errors import Forbidden, NotFound

MAX_LINES = 200
DEFAULT_SECONDS = 900
"""A quarter of an hour: about as long as a checkout takes whoever looks for a card."""
SHOPPER_SECONDS = 1_800
"""What a shopper's own token may keep units for; longer is the shop's to allow."""
SHOPPER_RESERVATIONS = 5
"""Live ones of a shopper who asks with a token: a few tabs, not the whole shelf."""
Seconds = Annotated[int, Meta(ge=10, le=MAX_RESERVED_SECONDS)]


class ReservationLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    variant_id: Id
    quantity: Quantity
    location_id: Id | None = None
    """Absent: wherever there is some."""


class ReservationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lines: Annotated[list[ReservationLine], Meta(min_length=1, max_length=MAX_LINES)]
    reservation_id: Id | None = None
    """Makes sending it twice harmless; made by the service when absent."""
    ttl_seconds: Seconds = DEFAULT_SECONDS
    customer_id: Id | None = None
    """With a secret key: whose basket it is; a token reserves for its own shopper."""
    anonymous_id: Id | None = None


class RenewalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ttl_seconds: Seconds = DEFAULT_SECONDS
    """From now."""


class KeptLine(msgspec.Struct, frozen=True):
    variant_id: str
    quantity: int
    location_id: str | None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    reservation_id: str
    lines: list[KeptLine]
    reserved_at: str
    expires_at: str


async def reserve_stock(service: Service, call: Call[None, ReservationRequest]) -> Answer:
    shop, body, now = service.shop, call.body, service.shop.clock.now()
    lines = tuple(_line(line) for line in body.lines)
    await asyncio.to_thread(check_variants, shop.catalogue, [line.variant_id for line in lines])
    given_id = body.reservation_id
    told = stock.Reservation(
        reservation_id=f"r-{uuid.uuid4().hex}" if given_id is None else usable_id(given_id, "reservation_id"),
        lines=lines,
        reserved_at=now,
        expires_at=_end(call.caller, body.ttl_seconds, now),
        shopper_key=_owner(call.caller, body),
    )
    most = None if call.caller.is_secret else SHOPPER_RESERVATIONS
    kept = await asyncio.to_thread(shop.reservations.reserve, told, now, most_of_shopper=most)
    await tell_stock_changed(shop, [line.variant_id for line in lines])
    return Answer(_seen(kept), 201 if kept is told else 200)


def get_reservation(service: Service, call: Call[None, None]) -> Reservation:
    return _seen(_own(service, call))


async def renew_reservation(service: Service, call: Call[None, RenewalRequest]) -> Reservation:
    shop, now = service.shop, service.shop.clock.now()
    held = await asyncio.to_thread(_own, service, call)
    end = _end(call.caller, call.body.ttl_seconds, now)
    renewed = await asyncio.to_thread(shop.reservations.renew, held.reservation_id, end, now)
    await tell_stock_changed(shop, [line.variant_id for line in renewed.lines])
    return _seen(renewed)


async def end_reservation(service: Service, call: Call[None, None]) -> Response:
    held = await asyncio.to_thread(_own, service, call)
    await asyncio.to_thread(service.shop.reservations.release, held.reservation_id)
    await tell_stock_changed(service.shop, [line.variant_id for line in held.lines])
    return Response(status_code=204)


def _line(given: ReservationLine) -> ReservedLine:
    place = given.location_id
    return ReservedLine(
        variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
        quantity=given.quantity,
        location_id=None if place is None else LocationId(usable_id(place, "location_id")),
    )


def _end(caller: Caller, ttl_seconds: int, now: Micros) -> Micros:
    if not caller.is_secret and ttl_seconds > SHOPPER_SECONDS:
        raise Forbidden(
            f"ttl_seconds is {ttl_seconds}; a shopper token keeps units for at most {SHOPPER_SECONDS}, a secret key"
            f" for {MAX_RESERVED_SECONDS}."
        )
    return Micros(now + ttl_seconds * SECOND)


def _owner(caller: Caller, body: ReservationRequest) -> str | None:
    customer_id = None if body.customer_id is None else CustomerId(usable_id(body.customer_id, "customer_id"))
    anonymous_id = None if body.anonymous_id is None else AnonymousId(usable_id(body.anonymous_id, "anonymous_id"))
    if caller.is_secret:
        return basket_owner(customer_id, anonymous_id)
    check_own(caller, customer_id, anonymous_id)
    return basket_owner(caller.customer_id, caller.anonymous_id)


def _own(service: Service, call: Call[None, Any]) -> stock.Reservation:  # Any: with or without a body
    """The live reservation that the path names, where the caller may see it."""
    reservation_id = id_in_path(call.path("reservation_id"), "reservation")
    held = service.shop.reservations.get(reservation_id, service.shop.clock.now())
    caller = call.caller
    owners = (basket_owner(caller.customer_id, None), basket_owner(None, caller.anonymous_id))
    if held is None or not (caller.is_secret or (held.shopper_key is not None and held.shopper_key in owners)):
        raise NotFound(f"There is no live reservation {reservation_id!r}.")
    return held


def _seen(held: stock.Reservation) -> Reservation:
    return Reservation(
        reservation_id=held.reservation_id,
        lines=[KeptLine(line.variant_id, line.quantity, line.location_id) for line in held.lines],
        reserved_at=format_rfc3339(held.reserved_at),
        expires_at=format_rfc3339(held.expires_at),
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own body
    Endpoint(
        method="POST",
        path="/v1/stock/reservations",
        permission=Permission.OWN_SHOPPER,
        handle=reserve_stock,
        summary="Keep units for an open basket, all lines or none; 200 when the same was kept before",
        body=ReservationRequest,
        answer=Reservation,
        status=201,
        other_successes=(200,),
    ),
    Endpoint(
        method="GET",
        path="/v1/stock/reservations/{reservation_id}",
        permission=Permission.OWN_SHOPPER,
        handle=get_reservation,
        summary="One live reservation",
        answer=Reservation,
    ),
    Endpoint(
        method="POST",
        path="/v1/stock/reservations/{reservation_id}/renew",
        permission=Permission.OWN_SHOPPER,
        handle=renew_reservation,
        summary="Keep the units for longer",
        body=RenewalRequest,
        answer=Reservation,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/stock/reservations/{reservation_id}",
        permission=Permission.OWN_SHOPPER,
        handle=end_reservation,
        summary="Give the units back",
        status=204,
    ),
)
