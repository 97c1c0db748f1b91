"""`GET /v1/search`: text search and filtered listing with facets."""

from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.backend_api.api.products import cards_of
from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_cards import Product
from smartshop.backend_api.services.search import Found, Search, Sort
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Limit, Minor, next_cursor, offset_of


class SearchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: Annotated[str, Meta(description="Empty: everything that passes the filters.")] = ""
    category: Annotated[list[str], Meta(description="Any of these paths, or below.")] = []
    brand: Annotated[list[str], Meta(description="Any of these.")] = []
    price_min: Minor | None = None
    price_max: Minor | None = None
    in_stock: bool = False
    sort: Sort = Sort.RELEVANCE
    limit: Limit = 24
    cursor: Cursor | None = None
    locale: str | None = None


class FacetCount(msgspec.Struct, frozen=True):
    value: str
    count: int


class PriceSpan(msgspec.Struct, frozen=True):
    min: int | None
    max: int | None


class SearchFacets(msgspec.Struct, frozen=True):
    """Each counted over what the other filters let pass, so that a second value can be added."""

    category: list[FacetCount]
    brand: list[FacetCount]
    price_minor: PriceSpan


class SearchResult(msgspec.Struct, frozen=True):
    items: list[Product]
    next_cursor: str | None
    total: int
    facets: SearchFacets


def search(service: Service, call: Call[SearchQuery, None]) -> SearchResult:
    query = call.query
    offset = offset_of(query.cursor)
    found = service.search.find(
        Search(
            query=query.query,
            category=tuple(query.category),
            brand=tuple(query.brand),
            price_min=query.price_min,
            price_max=query.price_max,
            in_stock=query.in_stock,
            sort=query.sort,
            offset=offset,
            limit=query.limit,
        )
    )
    return SearchResult(
        items=cards_of(service).of(found.product_ids, query.locale),
        next_cursor=next_cursor(offset, query.limit, found.total),
        total=found.total,
        facets=_facets(found),
    )


def _facets(found: Found) -> SearchFacets:
    return SearchFacets(
        category=[FacetCount(value, count) for value, count in found.categories],
        brand=[FacetCount(value, count) for value, count in found.brands],
        price_minor=PriceSpan(found.price_min, found.price_max),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/search",
        permission=Permission.ANY_KEY,
        handle=search,
        summary="Products that match words and filters, with facets",
        query=SearchQuery,
        answer=SearchResult,
    ),
)
