"""`GET /v1/categories`: every category with something in it."""

import msgspec

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.search import category_counts
from smartshop.backend_api.utils.auth import Permission
from smartshop.data_collection.schemas.catalogue import format_category, parse_category


class Category(msgspec.Struct, frozen=True):
    category: str
    """Its whole path."""
    name: str
    parent: str | None
    product_count: int
    """Products in it or below."""


class CategoryPage(msgspec.Struct, frozen=True):
    items: list[Category]
    next_cursor: str | None


async def list_categories(service: Service, _: Call[None, None]) -> CategoryPage:
    shelf = service.shop.shelves.shelf
    counts = sorted((parse_category(path), count) for path, count in category_counts(shelf, shelf.alive))
    return CategoryPage([_category(path, count) for path, count in counts], None)


def _category(path: tuple[str, ...], count: int) -> Category:
    return Category(format_category(path), path[-1], format_category(path[:-1]) or None, count)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/categories",
        permission=Permission.ANY_KEY,
        handle=list_categories,
        summary="Every category that holds products, parents before children",
        answer=CategoryPage,
    ),
)
