"""`/v1/products`: read by anyone with a key, written by the shop's own systems."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_cards import Product, ProductCards
from smartshop.backend_api.services.product_input import ProductInput, to_product, with_dates
from smartshop.backend_api.services.variant_owners import variants_taken
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import MAX_PAGE, Cursor, Limit, id_in_path, offset_of
from smartshop.data_collection.schemas import catalogue
from smartshop.data_collection.schemas.catalogue import format_category, parse_category
from smartshop.data_collection.schemas.ids import ProductId, ProductNo
from smartshop.data_collection.schemas.messages import CatalogueChanged
from smartshop.errors import InvalidValue, NotFound

MAX_BATCH = 1_000


class ProductPage(msgspec.Struct, frozen=True):
    items: list[Product]
    next_cursor: str | None


class ProductsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ids: Annotated[list[str], Meta(max_length=MAX_PAGE, description="Separated by commas, or repeated.")] | None = None
    category: Annotated[str, Meta(description="A path such as `Garden > Tools`; what lies below counts too.")] = ""
    limit: Limit = 50
    cursor: Cursor | None = None
    locale: str | None = None


class ProductQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    locale: str | None = None


class ProductBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    products: Annotated[list[ProductInput], Meta(min_length=1, max_length=MAX_BATCH)]


class RejectedProduct(msgspec.Struct, frozen=True):
    index: int
    reason: str


class ProductReceipt(msgspec.Struct, frozen=True):
    stored: int
    rejected: list[RejectedProduct]


def list_products(service: Service, call: Call[ProductsQuery, None]) -> ProductPage:
    query, cards = call.query, cards_of(service)
    if query.ids is not None:
        return ProductPage(cards.of([ProductId(name) for name in _split(query.ids)], query.locale), None)
    category = _known_category(service, query.category)
    if category is None:
        return ProductPage([], None)
    after = ProductNo(offset_of(query.cursor)) if query.cursor is not None else None
    listed = service.shop.catalogue.page(after, query.limit, category or None)
    last = str(listed[-1].product_no) if len(listed) == query.limit else None
    return ProductPage(cards.cards(listed, query.locale), last)


def get_product(service: Service, call: Call[ProductQuery, None]) -> Product:
    product_id = ProductId(id_in_path(call.path("product_id"), "product"))
    cards = cards_of(service).of([product_id], call.query.locale)
    if not cards:
        raise NotFound(f"There is no product {product_id!r}.")
    return cards[0]


async def store_products(service: Service, call: Call[None, ProductBatch]) -> ProductReceipt:
    told: dict[int, catalogue.Product] = {}
    rejected: list[RejectedProduct] = []
    for index, given in enumerate(call.body.products):
        try:
            told[index] = to_product(given, service.shop.currency)
        except InvalidValue as error:
            rejected.append(RejectedProduct(index, str(error)))
    taken = await asyncio.to_thread(variants_taken, service.shop.catalogue, told)
    rejected = sorted([*rejected, *(RejectedProduct(*refused) for refused in taken.items())], key=_index)
    products = [product for index, product in told.items() if index not in taken]
    if products:
        products = await asyncio.to_thread(with_dates, products, service.shop.catalogue, service.shop.clock.shop_now())
        await asyncio.to_thread(service.shop.catalogue.upsert, products, service.shop.clock.now())
        await _tell(service, [product.product_id for product in products])
    return ProductReceipt(len(products), rejected)


def _index(rejected: RejectedProduct) -> int:
    return rejected.index


async def delete_product(service: Service, call: Call[None, None]) -> Response:
    product_id = ProductId(id_in_path(call.path("product_id"), "product"))
    if not await asyncio.to_thread(service.shop.catalogue.delete, [product_id], service.shop.clock.now()):
        raise NotFound(f"There is no product {product_id!r}.")
    await _tell(service, [product_id])
    return Response(status_code=204)


def cards_of(service: Service) -> ProductCards:
    shop = service.shop
    return ProductCards(
        shop.catalogue, shop.stock, shop.reservations, shop.currency, shop.clock.now, draws=shop.art is not None
    )


async def _tell(service: Service, product_ids: list[ProductId]) -> None:
    """The next request sees the change; other processes re-read it within a second."""
    await asyncio.to_thread(service.shop.shelves.refresh)
    await service.shop.bus.publish([CatalogueChanged(tuple(product_ids))])


def _split(ids: list[str]) -> list[str]:
    """One `ids` is a list with commas; several stand for themselves, for ids that hold a comma."""
    names = ids if len(ids) > 1 else [name for text in ids for name in text.split(",")]
    if len(names) > MAX_PAGE:
        raise InvalidValue(f"ids names {len(names)} products; at most {MAX_PAGE} are answered at once.")
    return [name.strip() for name in names if name.strip()]


def _known_category(service: Service, text: str) -> str | None:
    """The path as stored; empty for the whole catalogue, None when the shop has no such category."""
    path = parse_category(text)
    if text.strip() and not any(known[: len(path)] == path for known in service.shop.shelves.shelf.categories):
        return None
    return format_category(path)


ENDPOINTS: tuple[Endpoint[Any, ProductBatch] | Endpoint[Any, None], ...] = (
    Endpoint(
        method="GET",
        path="/v1/products",
        permission=Permission.ANY_KEY,
        handle=list_products,
        summary="Products by id, of a category, or all, page by page",
        query=ProductsQuery,
        answer=ProductPage,
    ),
    *(
        Endpoint(
            method=method,
            path="/v1/products",
            permission=Permission.SECRET,
            handle=store_products,
            summary=f"Add or replace up to {MAX_BATCH} products",
            body=ProductBatch,
            answer=ProductReceipt,
        )
        for method in ("POST", "PUT")
    ),
    Endpoint(
        method="GET",
        path="/v1/products/{product_id}",
        permission=Permission.ANY_KEY,
        handle=get_product,
        summary="One product",
        query=ProductQuery,
        answer=Product,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/products/{product_id}",
        permission=Permission.SECRET,
        handle=delete_product,
        summary="Take a product off the shelf; its number stays taken",
        status=204,
    ),
)
