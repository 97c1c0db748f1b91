"""Slates: `POST /v1/recommendations` and its short forms, the lists around a product, ranking, decisions."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.ai_agents.segmentation.trending import SegmentTrending
from smartshop.backend_api.endpoint import Call, Endpoint, address_of
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import allowed_request
from smartshop.backend_api.utils.auth import Caller, CallerKind, Permission
from smartshop.backend_api.utils.wire import MAX_PAGE, Limit, id_in_path
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import ID_PATTERN, AnonymousId, CustomerId, ProductId
from smartshop.data_collection.schemas.segments import SegmentId
from smartshop.data_collection.schemas.slates import Slate, SlateContext, SlateFilters, SlateRequest, Surface
from smartshop.errors import Forbidden, NotFound


class SlateQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The short form of a slate request."""

    surface: Surface = Surface.HOME
    anonymous_id: str | None = None
    customer_id: str | None = None
    product_id: str | None = None
    query: str | None = None
    category: list[str] = []
    limit: Limit = 12
    device: str | None = None
    country: str | None = None


class ListQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 12


class TrendingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: Annotated[str, Meta(description="A path; the whole shop when absent.")] | None = None
    segment: (
        Annotated[
            str, Meta(pattern=ID_PATTERN, description="A behavioural segment's id: what it wants; with a secret key.")
        ]
        | None
    ) = None
    limit: Limit = 12


class RankRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Products to put in this shopper's order."""

    product_ids: Annotated[list[ProductId], Meta(min_length=1, max_length=MAX_PAGE)]
    surface: Surface = Surface.CATEGORY
    customer_id: CustomerId | None = None
    anonymous_id: AnonymousId | None = None
    context: SlateContext = msgspec.field(default_factory=SlateContext)


async def ask_slate(service: Service, call: Call[None, SlateRequest]) -> Slate:
    return await _answer(service, call, call.body)


async def ask_slate_shortly(service: Service, call: Call[SlateQuery, None]) -> Slate:
    query = call.query
    request = SlateRequest(
        surface=query.surface,
        anonymous_id=None if query.anonymous_id is None else AnonymousId(query.anonymous_id),
        customer_id=None if query.customer_id is None else CustomerId(query.customer_id),
        product_id=None if query.product_id is None else ProductId(query.product_id),
        query=query.query,
        limit=query.limit,
        filters=SlateFilters(category=query.category),
        context=SlateContext(device=query.device, country=query.country),
    )
    return await _answer(service, call, request)


async def _answer(service: Service, call: Call[Any, Any], request: SlateRequest) -> Slate:
    """Any: the long form has a body, the short one a query."""
    await service.rate_limit.check(call.caller, address_of(call.request), request.anonymous_id)
    allowed = allowed_request(call.caller, request)
    slate = await service.shop.recommendations.answer(allowed.request, None, vouched=allowed.vouched, at=allowed.at)
    return _counted(service, _with_notes(slate, allowed.notes))


async def similar_products(service: Service, call: Call[ListQuery, None]) -> Slate:
    product_id = ProductId(id_in_path(call.path("product_id"), "product"))
    shopper = await _token_shopper(service, call)
    return _counted(
        service, await service.shop.recommendations.similar(product_id, limit=call.query.limit, shopper=shopper)
    )


async def bought_together(service: Service, call: Call[ListQuery, None]) -> Slate:
    product_id = ProductId(id_in_path(call.path("product_id"), "product"))
    shopper = await _token_shopper(service, call)
    return _counted(
        service, await service.shop.recommendations.bought_together(product_id, limit=call.query.limit, shopper=shopper)
    )


async def trending(service: Service, call: Call[TrendingQuery, None]) -> Slate:
    shopper = await _token_shopper(service, call)
    query, recommendations = call.query, service.shop.recommendations
    source = None if query.segment is None else _of_segment(service, call.caller, SegmentId(query.segment))
    slate = await recommendations.trending(query.category, limit=query.limit, shopper=shopper, source=source)
    return _counted(service, slate)


def _of_segment(service: Service, caller: Caller, segment_id: SegmentId) -> SegmentTrending:
    if not caller.is_secret:
        raise Forbidden("What a segment wants is the shop's own to know; ask with a secret key, or without `segment`.")
    model = service.shop.segmentation.model
    if model is None:
        raise NotFound(f"There is no segment {segment_id!r}: nothing was learned of customers yet.")
    return SegmentTrending(model, segment_id)


async def rank(service: Service, call: Call[None, RankRequest]) -> Slate:
    body = call.body
    request = SlateRequest(
        surface=body.surface,
        customer_id=body.customer_id,
        anonymous_id=body.anonymous_id,
        context=body.context,
        limit=len(body.product_ids),
    )
    allowed = allowed_request(call.caller, request)
    slate = await service.shop.recommendations.rank(
        body.product_ids, allowed.request, None, vouched=allowed.vouched, at=allowed.at
    )
    return _counted(service, _with_notes(slate, allowed.notes))


async def _token_shopper(service: Service, call: Call[ListQuery, None] | Call[TrendingQuery, None]) -> Shopper | None:
    """Whose decision a plain list becomes: with a token its shopper's, else nobody's."""
    caller = call.caller
    if caller.kind is not CallerKind.SHOPPER:
        return None
    return await service.shop.recommendations.shopper_of(caller.customer_id, caller.anonymous_id, vouched=True)


def _with_notes(slate: Slate, notes: tuple[str, ...]) -> Slate:
    if not notes:
        return slate
    return msgspec.structs.replace(slate, degraded=[*(slate.degraded or ()), *notes])


def _counted(service: Service, slate: Slate) -> Slate:
    service.metrics.slate_seconds.observe(slate.took_ms / 1000)
    if slate.degraded:
        service.metrics.degraded.inc()
    return slate


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/recommendations",
        permission=Permission.ANY_KEY,
        handle=ask_slate,
        summary="What to show this shopper here and now, and why",
        body=SlateRequest,
        answer=Slate,
        counts_shopper=True,
    ),
    Endpoint(
        method="GET",
        path="/v1/recommendations",
        permission=Permission.ANY_KEY,
        handle=ask_slate_shortly,
        summary="The short form of asking for a slate",
        query=SlateQuery,
        answer=Slate,
        counts_shopper=True,
    ),
    Endpoint(
        method="GET",
        path="/v1/products/{product_id}/similar",
        permission=Permission.ANY_KEY,
        handle=similar_products,
        summary="Products like this one; where it is sold out, what stands in for it first",
        query=ListQuery,
        answer=Slate,
    ),
    Endpoint(
        method="GET",
        path="/v1/products/{product_id}/bought-together",
        permission=Permission.ANY_KEY,
        handle=bought_together,
        summary="Products that were bought with this one",
        query=ListQuery,
        answer=Slate,
    ),
    Endpoint(
        method="GET",
        path="/v1/trending",
        permission=Permission.ANY_KEY,
        handle=trending,
        summary="What is in demand now",
        query=TrendingQuery,
        other_problems=(404,),
        answer=Slate,
    ),
    Endpoint(
        method="POST",
        path="/v1/rank",
        permission=Permission.ANY_KEY,
        handle=rank,
        summary="These products, in this shopper's order",
        body=RankRequest,
        answer=Slate,
    ),
)
