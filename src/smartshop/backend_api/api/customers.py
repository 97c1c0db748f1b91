"""`/v1/customers/{customer_id}` and `/v1/me`: what is known of a shopper, and what they allow."""

import asyncio

import msgspec
from starlette.responses import Response

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import is_own
from smartshop.backend_api.services.shopper_views import ShopperView, view_of
from smartshop.backend_api.services.standing_views import standing_of
from smartshop.backend_api.utils.auth import Caller, Permission
from smartshop.backend_api.utils.wire import id_in_path
from smartshop.data_collection.schemas.customers import Consent, ConsentChange
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from smartshop.data_collection.schemas.messages import SlateRefreshed
from smartshop.errors import Forbidden, NotFound


class ConsentUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes; a purpose not named stays as it was."""

    analytics: bool | None = None
    personalisation: bool | None = None
    marketing: bool | None = None


async def get_customer(service: Service, call: Call[None, None]) -> ShopperView:
    customer_id = _own_customer(call)
    view = await view_of(service.shop, customer_id, None)
    if view is None:
        raise NotFound(f"There is no customer {customer_id!r}.")
    if not call.caller.is_secret:
        return view
    return msgspec.structs.replace(view, standing=await asyncio.to_thread(standing_of, service.shop, customer_id))


async def get_consent(service: Service, call: Call[None, None]) -> Consent:
    return await asyncio.to_thread(service.shop.customers.consent, _own_customer(call), True)


async def put_consent(service: Service, call: Call[None, ConsentUpdate]) -> Consent:
    return await _change(service, ShopperKey(_own_customer(call)), True, call.body)


async def get_me(service: Service, call: Call[None, None]) -> ShopperView:
    _require_shopper(call.caller)
    view = await view_of(service.shop, call.caller.customer_id, call.caller.anonymous_id)
    if view is None:
        raise NotFound(f"Nothing is known yet of {call.caller.shopper_key!r}.")
    return view


async def get_my_consent(service: Service, call: Call[None, None]) -> Consent:
    key = _require_shopper(call.caller)
    return await asyncio.to_thread(service.shop.customers.consent, key, call.caller.is_customer)


async def put_my_consent(service: Service, call: Call[None, ConsentUpdate]) -> Consent:
    return await _change(service, _require_shopper(call.caller), call.caller.is_customer, call.body)


async def _change(service: Service, key: ShopperKey, is_customer: bool, update: ConsentUpdate) -> Consent:
    changes = {name: granted for name, granted in msgspec.structs.asdict(update).items() if granted is not None}
    change = ConsentChange(
        shopper_key=key, is_customer=is_customer, changes=changes, received_at=service.shop.clock.now()
    )
    consent = await asyncio.to_thread(service.shop.customers.set_consent, change)
    # The next event is judged by it already; other processes read it within a second.
    service.shop.ingest.consent.apply(change)
    await service.shop.bus.publish([SlateRefreshed(shopper_key=key, is_customer=is_customer, cause="consent_changed")])
    return consent


async def undo_merge(service: Service, call: Call[None, None]) -> Response:
    customer_id, shop = CustomerId(id_in_path(call.path("customer_id"), "customer")), service.shop
    family = (await asyncio.to_thread(shop.customers.shopper, customer_id, None, True)).customer_ids
    if not await asyncio.to_thread(shop.customers.undo_merge, customer_id, shop.clock.now()):
        raise NotFound(f"The customer {customer_id!r} is merged into nobody.")
    apart = dict.fromkeys((family[0], customer_id))
    await shop.bus.publish([SlateRefreshed(ShopperKey(one), is_customer=True, cause="merged") for one in apart])
    return Response(status_code=204)


def _own_customer(call: Call[None, None] | Call[None, ConsentUpdate]) -> CustomerId:
    customer_id = CustomerId(id_in_path(call.path("customer_id"), "customer"))
    if not is_own(call.caller, ShopperKey(customer_id), is_customer=True):
        raise Forbidden(f"This shopper token is not customer {customer_id!r}'s; ask with their token or a secret key.")
    return customer_id


def _require_shopper(caller: Caller) -> ShopperKey:
    if caller.shopper_key is None:
        raise NotFound("A secret key is no shopper; ask /v1/customers/{customer_id}, or send a shopper token.")
    return caller.shopper_key


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/customers/{customer_id}",
        permission=Permission.OWN_SHOPPER,
        handle=get_customer,
        summary="What is known of a customer",
        answer=ShopperView,
    ),
    Endpoint(
        method="GET",
        path="/v1/customers/{customer_id}/consent",
        permission=Permission.OWN_SHOPPER,
        handle=get_consent,
        summary="What a customer allows",
        answer=Consent,
    ),
    Endpoint(
        method="PUT",
        path="/v1/customers/{customer_id}/consent",
        permission=Permission.OWN_SHOPPER,
        handle=put_consent,
        summary="Grant or withdraw purposes for a customer",
        body=ConsentUpdate,
        answer=Consent,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/customers/{customer_id}/merge",
        permission=Permission.SECRET,
        handle=undo_merge,
        summary="Undo an alias: this customer is again one of their own",
        status=204,
    ),
    Endpoint(
        method="GET",
        path="/v1/me",
        permission=Permission.OWN_SHOPPER,
        handle=get_me,
        summary="What is known of the shopper whose token this is",
        answer=ShopperView,
    ),
    Endpoint(
        method="GET",
        path="/v1/me/consent",
        permission=Permission.OWN_SHOPPER,
        handle=get_my_consent,
        summary="What this shopper allows",
        answer=Consent,
    ),
    Endpoint(
        method="PUT",
        path="/v1/me/consent",
        permission=Permission.OWN_SHOPPER,
        handle=put_my_consent,
        summary="Grant or withdraw purposes for oneself",
        body=ConsentUpdate,
        answer=Consent,
    ),
)
