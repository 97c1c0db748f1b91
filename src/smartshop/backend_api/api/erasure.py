"""A customer's right to leave: everything stored of them as one file, and to be erased everywhere."""

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services import erasures
from smartshop.backend_api.services.allowed_requests import is_own
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import id_in_path
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.erasures import ErasureReceipt
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from smartshop.errors import Forbidden, NotFound

_HEADERS = {
    "content-disposition": 'attachment; filename="customer.json"',
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class ErasedCustomer(msgspec.Struct, frozen=True):
    """A receipt that names nobody; asked for again it is the same one."""

    receipt_id: str
    erased_at: str
    counts: dict[str, int]
    """Table → rows that were deleted or lost their ids."""


class CustomerExport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is stored, as it is stored; times are µs since 1970 UTC. Any: records of many kinds."""

    exported_at: str
    customers: list[dict[str, Any]]
    merges: list[dict[str, Any]]
    identity_links: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    standings: list[dict[str, Any]]
    affinities: list[dict[str, Any]]
    segment_moves: list[dict[str, Any]]
    audiences: list[dict[str, Any]]
    """Whose lists name them."""
    orders: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    goods_returns: list[dict[str, Any]]
    stock_reservations: list[dict[str, Any]]
    """Open baskets that units are kept for."""
    stock_waits: list[dict[str, Any]]
    """What they asked to be told of when it is back."""
    events: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    """Slates of the last 30 days."""
    refused: list[dict[str, Any]]
    """What was sent in their name and not taken in."""


async def erase_customer(service: Service, call: Call[None, None]) -> ErasedCustomer:
    customer_id = CustomerId(id_in_path(call.path("customer_id"), "customer"))
    return _told(await erasures.erase(service.shop, customer_id))


async def erase_me(service: Service, call: Call[None, None]) -> ErasedCustomer:
    caller = call.caller
    if caller.is_secret:
        raise NotFound("A secret key is no shopper; DELETE /v1/customers/{customer_id}, or send a shopper token.")
    if caller.customer_id is None:
        raise Forbidden("This shopper token names a browser only, and anybody may have one for it; log in first.")
    return _told(await erasures.erase(service.shop, caller.customer_id))


async def export_customer(service: Service, call: Call[None, None]) -> Response:
    customer_id = CustomerId(id_in_path(call.path("customer_id"), "customer"))
    if not is_own(call.caller, ShopperKey(customer_id), is_customer=True):
        raise Forbidden(f"This shopper token is not customer {customer_id!r}'s; ask with their token or a secret key.")
    pages = await asyncio.to_thread(service.shop.erasure.export, customer_id)
    if call.request.method == "HEAD":
        return Response(headers=_HEADERS, media_type="application/json")
    parts = erasures.export_parts(pages, format_rfc3339(service.shop.clock.now()))
    return StreamingResponse(parts, headers=_HEADERS, media_type="application/json")


def _told(receipt: ErasureReceipt) -> ErasedCustomer:
    return ErasedCustomer(receipt.receipt_id, format_rfc3339(receipt.erased_at), receipt.counts)


ENDPOINTS = (
    Endpoint(
        method="DELETE",
        path="/v1/customers/{customer_id}",
        permission=Permission.SECRET,
        handle=erase_customer,
        summary="Erase a customer everywhere; again, and the first receipt is given",
        answer=ErasedCustomer,
    ),
    Endpoint(
        method="GET",
        path="/v1/customers/{customer_id}/export",
        permission=Permission.OWN_SHOPPER,
        handle=export_customer,
        summary="Everything that is stored of a customer",
        answer=CustomerExport,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/me",
        permission=Permission.OWN_SHOPPER,
        handle=erase_me,
        summary="Erase oneself everywhere",
        answer=ErasedCustomer,
        other_problems=(404,),
    ),
)
