"""`/v1/stock/waits`: who is to be told when it is back; a token waits for its own shopper, a secret key for anybody."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import check_own
from smartshop.backend_api.services.awaited_goods import keys_of
from smartshop.backend_api.services.stock_changes import tell_stock_changed
from smartshop.backend_api.services.variant_owners import UnknownVariant
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Caller, Permission
from smartshop.backend_api.utils.wire import id_in_path, usable_id
from smartshop.data_collection.connectors.ports import Catalogue
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas import waits
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, ProductId, VariantId
from smartshop.data_collection.schemas.stock import basket_owner
from smartshop.errors import Conflict, Erased, NotFound


class NobodyWaits(Conflict):
    code = "no_shopper_named"


class WaitsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer_id: Annotated[str, Meta(description="With a secret key: who waits; a token means its own.")] | None = None
    anonymous_id: Annotated[str, Meta(description="The same, of a browser.")] | None = None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    item_id: str
    """A product's id, then any of its variants will do, or a variant's."""
    product_id: str
    variant_id: str | None
    asked_at: str
    told_at: str | None
    """When it was back and this shopper was told; asking again waits for the next time."""


class WaitList(msgspec.Struct, frozen=True):
    items: list[Wait]
    """Newest first."""


async def wait_for(service: Service, call: Call[WaitsQuery, None]) -> Answer:
    shop, now = service.shop, service.shop.clock.now()
    item_id = id_in_path(call.path("item_id"), "product or variant")
    owner, _ = await _who(shop, call.caller, call.query)
    product_id, variant_id = await asyncio.to_thread(_item, shop.catalogue, item_id)
    told = waits.Wait(shopper_key=owner, item_id=item_id, product_id=product_id, variant_id=variant_id, asked_at=now)
    kept = await asyncio.to_thread(shop.waits.ask, told, now)
    number = shop.shelves.shelf.number_of.get(product_id)
    if number is not None and shop.shelves.shelf.sellable[number]:
        # It came back while the page was open, or another variant is there: whoever tells looks at once.
        await tell_stock_changed(shop, shop.shelves.shelf.variants_sold[number])
    return Answer(_seen(kept), 201 if kept is told else 200)


async def list_waits(service: Service, call: Call[WaitsQuery, None]) -> WaitList:
    shop = service.shop
    _, keys = await _who(shop, call.caller, call.query)
    found = await asyncio.to_thread(shop.waits.of_shopper, keys, shop.clock.now())
    newest = {wait.item_id: wait for wait in reversed(found)}
    return WaitList([_seen(wait) for wait in reversed(newest.values())])


async def give_up_wait(service: Service, call: Call[WaitsQuery, None]) -> Response:
    shop = service.shop
    item_id = id_in_path(call.path("item_id"), "product or variant")
    _, keys = await _who(shop, call.caller, call.query)
    if not await asyncio.to_thread(shop.waits.give_up, keys, item_id):
        raise NotFound(f"This shopper does not wait for {item_id!r}.")
    return Response(status_code=204)


async def _who(shop: Shop, caller: Caller, query: WaitsQuery) -> tuple[str, tuple[str, ...]]:
    """Under which key a shopper asks, and under which they may have asked before.

    Raises:
        Forbidden: a token that names another shopper.
        NobodyWaits: a secret key that names nobody.
        Erased: the shopper was.
    """
    customer_id = None if query.customer_id is None else CustomerId(usable_id(query.customer_id, "customer_id"))
    browser = None if query.anonymous_id is None else AnonymousId(usable_id(query.anonymous_id, "anonymous_id"))
    if not caller.is_secret:
        check_own(caller, customer_id, browser)
        customer_id, browser = caller.customer_id, caller.anonymous_id
    owner = basket_owner(customer_id, browser)
    if owner is None:
        raise NobodyWaits("Nobody is named who waits; send customer_id or anonymous_id, or a shopper's own token.")
    shopper: Shopper = await shop.recommendations.shopper_of(customer_id, browser, vouched=True)
    if shopper.erased:
        raise Erased
    return owner, tuple(dict.fromkeys((owner, *keys_of(shopper))))


def _item(catalogue: Catalogue, item_id: str) -> tuple[ProductId, VariantId | None]:
    """The product, and the variant where one is meant. Blocking.

    Raises:
        UnknownVariant: the catalogue has neither.
    """
    if catalogue.get([ProductId(item_id)]):
        return ProductId(item_id), None
    product_id = catalogue.product_of([VariantId(item_id)]).get(VariantId(item_id))
    if product_id is None or not catalogue.get([product_id]):
        raise UnknownVariant(f"The catalogue has no product or variant {item_id!r} to wait for.")
    return product_id, VariantId(item_id)


def _seen(wait: waits.Wait) -> Wait:
    return Wait(
        item_id=wait.item_id,
        product_id=wait.product_id,
        variant_id=wait.variant_id,
        asked_at=format_rfc3339(wait.asked_at),
        told_at=rfc3339_or_none(wait.told_at),
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query
    Endpoint(
        method="GET",
        path="/v1/stock/waits",
        permission=Permission.OWN_SHOPPER,
        handle=list_waits,
        summary="What a shopper waits for, newest first, with what they were told of lately",
        query=WaitsQuery,
        answer=WaitList,
        other_problems=(409,),
    ),
    Endpoint(
        method="PUT",
        path="/v1/stock/waits/{item_id}",
        permission=Permission.OWN_SHOPPER,
        handle=wait_for,
        summary="Be told when this product or variant is back; 200 when the shopper waits already",
        query=WaitsQuery,
        answer=Wait,
        status=201,
        other_successes=(200,),
        other_problems=(409,),
    ),
    Endpoint(
        method="DELETE",
        path="/v1/stock/waits/{item_id}",
        permission=Permission.OWN_SHOPPER,
        handle=give_up_wait,
        summary="Wait no longer",
        query=WaitsQuery,
        status=204,
        other_problems=(409,),
    ),
)
