"""`POST /v1/shopper-tokens`: a token that names one shopper for an hour."""

import asyncio

import msgspec

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Caller, CallerKind, Permission
from smartshop.backend_api.utils.wire import Id, usable_id
from smartshop.data_collection.connectors.ports import Customers
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, ShopperKey
from smartshop.errors import Conflict, Erased, Forbidden


class ShopperTokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With a secret key either or both; both together say that this browser is this customer's."""

    anonymous_id: Id | None = None
    customer_id: Id | None = None


class ShopperToken(msgspec.Struct, frozen=True):
    token: str
    shopper_key: str
    expires_at: str


class NobodyNamed(Conflict):
    code = "no_shopper_named"


async def make_token(service: Service, call: Call[None, ShopperTokenRequest]) -> ShopperToken:
    customer_id, anonymous_id = _ids(call.body)
    is_erased = service.shop.erasure.is_erased
    if is_erased(customer_id, None if customer_id is not None else anonymous_id):
        raise Erased
    match call.caller.kind:
        case CallerKind.SECRET:
            await _link(service, customer_id, anonymous_id)
        case CallerKind.SHOPPER:
            customer_id, anonymous_id = _renewed(call.caller, customer_id, anonymous_id)
        case _ if customer_id is not None:
            raise Forbidden("A publishable key can name no customer_id; the shop's server asks with its secret key.")
    if customer_id is not None:
        return _signed(service, ShopperKey(customer_id), is_customer=True, anonymous_id=anonymous_id)
    if anonymous_id is None:
        raise NobodyNamed("Neither anonymous_id nor customer_id was sent; name the shopper that the token is for.")
    if not call.caller.is_secret and await asyncio.to_thread(service.shop.customers.has_identified, anonymous_id):
        raise Forbidden(f"anonymous_id {anonymous_id!r} identified before; use a new one, or ask with a secret key.")
    return _signed(service, ShopperKey(anonymous_id), is_customer=False, anonymous_id=anonymous_id)


def _ids(body: ShopperTokenRequest) -> tuple[CustomerId | None, AnonymousId | None]:
    customer_id = None if body.customer_id is None else CustomerId(usable_id(body.customer_id, "customer_id"))
    anonymous_id = None if body.anonymous_id is None else AnonymousId(usable_id(body.anonymous_id, "anonymous_id"))
    return customer_id, anonymous_id


def _renewed(
    caller: Caller, customer_id: CustomerId | None, anonymous_id: AnonymousId | None
) -> tuple[CustomerId | None, AnonymousId | None]:
    """A token renews itself, and nothing else."""
    if customer_id not in (None, caller.customer_id) or anonymous_id not in (None, caller.anonymous_id):
        raise Forbidden("A shopper token renews only itself; the request names another shopper.")
    return caller.customer_id, caller.anonymous_id


async def _link(service: Service, customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> None:
    """The shop's own server vouches that this browser is this customer's."""
    if customer_id is None or anonymous_id is None or service.shop.erasure.is_erased(None, anonymous_id):
        return
    link = IdentityLink(
        anonymous_id=anonymous_id,
        customer_id=customer_id,
        received_at=service.shop.clock.now(),
        trust=Trust.SERVER,
    )
    await asyncio.to_thread(_keep_link, service.shop.customers, link)


def _keep_link(customers: Customers, link: IdentityLink) -> None:
    """A token renewed every hour says nothing new of a browser that is the customer's already."""
    known = customers.shopper(link.customer_id, None, True)
    if not any(window.anonymous_id == link.anonymous_id and window.until is None for window in known.windows):
        customers.link(link)


def _signed(
    service: Service, shopper_key: ShopperKey, *, is_customer: bool, anonymous_id: AnonymousId | None
) -> ShopperToken:
    token, ends = service.tokens.sign(shopper_key, is_customer=is_customer, anonymous_id=anonymous_id)
    return ShopperToken(token, shopper_key, format_rfc3339(ends * SECOND))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/shopper-tokens",
        permission=Permission.ANY_KEY,
        handle=make_token,
        summary="A token for one shopper, good for an hour",
        body=ShopperTokenRequest,
        answer=ShopperToken,
    ),
)
