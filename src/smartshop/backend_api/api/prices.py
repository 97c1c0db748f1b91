"""`/v1/products/prices`: prices in batches, products left as they are; and what a product cost since when."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import (
    MAX_PAGE,
    Currency,
    Cursor,
    Id,
    Limit,
    Minor,
    id_in_path,
    next_cursor,
    offset_of,
)
from smartshop.data_collection.pipelines.clock import format_rfc3339, to_micros
from smartshop.data_collection.pipelines.price_feed import check_price, slip_warning, unknown_variant
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId, clean_id
from smartshop.data_collection.schemas.messages import CatalogueChanged
from smartshop.data_collection.schemas.prices import PriceChange
from smartshop.errors import InvalidValue, NotFound

MAX_BATCH = 1_000


class PriceInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    variant_id: Id
    price_minor: Minor
    """Above zero."""
    currency: Currency | None = None
    """The shop's, which it is when absent too: amounts are never converted."""
    market: Id = DEFAULT_MARKET
    list_price_minor: Minor | None = None
    """What the price was cut from; absent: as it was, where that is still above the price."""
    cost_minor: Minor | None = None
    """Absent: as it was."""
    valid_from: Moment | None = None
    """Absent: from now on. A later one is planned; one that is over is passed by where a later price is known."""


class PriceBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prices: Annotated[list[PriceInput], Meta(min_length=1, max_length=MAX_BATCH)]


class PriceLine(msgspec.Struct, frozen=True):
    """What is to be said of one line of the batch."""

    index: int
    reason: str


class PriceReceipt(msgspec.Struct, frozen=True, kw_only=True):
    changed: int
    unchanged: int
    """Was so before, or a later price is known: sending a batch twice is harmless."""
    rejected: list[PriceLine]
    warnings: list[PriceLine]
    """Taken, and worth a look: a hundred times dearer or cheaper than before."""


class PricesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = MAX_PAGE
    cursor: Cursor | None = None


class PricePoint(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: str
    market: str
    currency: str
    since: str
    """Until the next point of the same variant and market; one ahead is planned."""
    price_minor: int | None
    """The lowest that was asked, promotions counted; null: nothing was."""
    list_price_minor: int | None


class PriceHistory(msgspec.Struct, frozen=True):
    items: list[PricePoint]
    """By time."""
    next_cursor: str | None


def get_prices(service: Service, call: Call[PricesQuery, None]) -> PriceHistory:
    product_id, query = ProductId(id_in_path(call.path("product_id"), "product")), call.query
    listed = service.shop.catalogue.get([product_id]).get(product_id)
    if listed is None:
        raise NotFound(f"There is no product {product_id!r}.")
    names = [VariantId(product_id), *(variant.variant_id for variant in listed.product.variants)]
    found, offset = service.shop.prices.history(names), offset_of(query.cursor)
    by_time = sorted(found, key=lambda point: (point.since, point.variant_id, point.market, point.currency))
    return PriceHistory(
        [
            PricePoint(
                variant_id=point.variant_id,
                market=point.market,
                currency=point.currency,
                since=format_rfc3339(point.since),
                price_minor=point.price_minor,
                list_price_minor=point.list_price_minor,
            )
            for point in by_time[offset : offset + query.limit]
        ],
        next_cursor(offset, query.limit, len(by_time)),
    )


async def set_prices(service: Service, call: Call[None, PriceBatch]) -> PriceReceipt:
    shop, now = service.shop, service.shop.clock.now()
    told: dict[int, PriceChange] = {}
    rejected: list[PriceLine] = []
    for index, given in enumerate(call.body.prices):
        try:
            told[index] = _change(given, shop.currency, now)
        except InvalidValue as error:
            rejected.append(PriceLine(index, str(error)))
    outcomes = await asyncio.to_thread(shop.prices.set, list(told.values()), shop.clock.shop_now(), now)
    judged = list(zip(told.items(), outcomes, strict=True))
    changed = {one.product_id: None for _, one in judged if one.changed and one.product_id is not None}
    if changed:
        # The next request sees the change; other processes re-read it within a second.
        await asyncio.to_thread(shop.shelves.refresh)
        await shop.bus.publish([CatalogueChanged(tuple(changed))])
    rejected += [PriceLine(index, unknown_variant(change)) for (index, change), one in judged if one.product_id is None]
    said = ((index, slip_warning(change, one)) for (index, change), one in judged)
    return PriceReceipt(
        changed=sum(one.changed for _, one in judged),
        unchanged=sum(one.product_id is not None and not one.changed for _, one in judged),
        rejected=sorted(rejected, key=lambda line: line.index),
        warnings=[PriceLine(index, sentence) for index, sentence in said if sentence is not None],
    )


def _change(given: PriceInput, currency: str, now: Micros) -> PriceChange:
    change = PriceChange(
        variant_id=VariantId(clean_id(given.variant_id, "variant_id")),
        price_minor=given.price_minor,
        currency=given.currency or currency,
        market=clean_id(given.market, "market"),
        list_price_minor=given.list_price_minor,
        cost_minor=given.cost_minor,
        valid_from=None if given.valid_from is None else to_micros(given.valid_from),
    )
    check_price(change, currency, now)
    return change


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="POST",
        path="/v1/products/prices",
        permission=Permission.SECRET,
        handle=set_prices,
        summary=f"Up to {MAX_BATCH} prices, each taken or rejected by itself; the products stay as they are",
        body=PriceBatch,
        answer=PriceReceipt,
    ),
    Endpoint(
        method="GET",
        path="/v1/products/{product_id}/prices",
        permission=Permission.SECRET,
        handle=get_prices,
        summary="What a product's variants cost since when, and what is planned",
        query=PricesQuery,
        answer=PriceHistory,
    ),
)
