"""Text search and filtered listing with facets, over the present shelf."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from smartshop.backend_api.services.search_index import SearchIndex, build_index
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import format_category, parse_category
from smartshop.data_collection.schemas.ids import ProductId

MAX_FACET_VALUES = 100
SOLD_OUT_DISCOUNT = 0.5
"""What cannot be bought now stands behind equals that can."""

Mask = NDArray[np.bool_]


class Sort(StrEnum):
    RELEVANCE = "relevance"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    query: str = ""
    category: tuple[str, ...] = ()
    """Paths; a product in any of them, or below, passes."""
    brand: tuple[str, ...] = ()
    price_min: int | None = None
    price_max: int | None = None
    in_stock: bool = False
    sort: Sort = Sort.RELEVANCE
    offset: int = 0
    limit: int = 24


@dataclass(frozen=True, slots=True)
class Found:
    product_ids: tuple[ProductId, ...]
    total: int
    categories: tuple[tuple[str, int], ...] = ()
    """Path, at every depth → products there or below, most first; counted without the category filter."""
    brands: tuple[tuple[str, int], ...] = ()
    """Counted without the brand filter."""
    price_min: int | None = None
    price_max: int | None = None
    """Over what was found without the price filter."""


@dataclass(slots=True)
class SearchKeeper:
    """Keeps the word index in step with the shelf's texts; a stock change rebuilds nothing."""

    shelf: Callable[[], Shelf]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _built: tuple[Shelf, SearchIndex] | None = None

    def find(self, search: Search) -> Found:
        """Blocking, for a worker thread: the first search after a catalogue change builds the index."""
        shelf, index = self._current()
        return find(shelf, index, search)

    def _current(self) -> tuple[Shelf, SearchIndex]:
        shelf = self.shelf()
        with self._lock:
            built = self._built
            if built is None or not same_words(built[0], shelf):
                built = (shelf, build_index(shelf))
            # Kept with the newest shelf, whose arrays the next comparison will find to be the same objects.
            self._built = (shelf, built[1])
            return shelf, built[1]


def same_words(built: Shelf, now: Shelf) -> bool:
    """True when the same words lead to the same products: stock and prices may differ."""
    return (
        (built.titles is now.titles or built.titles == now.titles)
        and (built.alive is now.alive or np.array_equal(built.alive, now.alive))
        and (built.category is now.category or np.array_equal(built.category, now.category))
        and (built.brand is now.brand or np.array_equal(built.brand, now.brand))
        and (built.categories, built.brands) == (now.categories, now.brands)
    )


def find(shelf: Shelf, index: SearchIndex, search: Search) -> Found:
    """One page of what matches, with facets over everything that matches. Pure."""
    scores = index.scores(search.query)
    matching = shelf.alive & (scores > 0) if search.query.strip() else shelf.alive
    if search.in_stock:
        matching = matching & shelf.sellable
    in_category, of_brand, in_price = _in_category(shelf, search), _of_brand(shelf, search), _in_price(shelf, search)
    passing = np.flatnonzero(matching & in_category & of_brand & in_price)
    page = _sorted(shelf, scores, passing, search.sort)[search.offset : search.offset + search.limit]
    prices = shelf.price_minor[matching & in_category & of_brand & (shelf.price_minor >= 0)]
    return Found(
        product_ids=tuple(shelf.product_ids[number] for number in page.tolist()),
        total=len(passing),
        categories=category_counts(shelf, matching & of_brand & in_price)[:MAX_FACET_VALUES],
        brands=_brand_counts(shelf, matching & in_category & in_price)[:MAX_FACET_VALUES],
        price_min=int(prices.min()) if len(prices) else None,
        price_max=int(prices.max()) if len(prices) else None,
    )


def category_counts(shelf: Shelf, mask: Mask) -> tuple[tuple[str, int], ...]:
    """Every category path, at every depth, that holds products of the mask, with their number; most first."""
    counts: dict[tuple[str, ...], int] = {}
    for code, count in enumerate(np.bincount(shelf.category[mask], minlength=len(shelf.categories)).tolist()):
        path = shelf.categories[code]
        for depth in range(1, len(path) + 1) if count else ():
            counts[path[:depth]] = counts.get(path[:depth], 0) + count
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple((format_category(path), count) for path, count in ordered)


def _brand_counts(shelf: Shelf, mask: Mask) -> tuple[tuple[str, int], ...]:
    counts = np.bincount(shelf.brand[mask], minlength=len(shelf.brands)).tolist()
    found = [(shelf.brands[code], count) for code, count in enumerate(counts) if count and shelf.brands[code]]
    return tuple(sorted(found, key=lambda entry: (-entry[1], entry[0])))


def _in_category(shelf: Shelf, search: Search) -> Mask:
    if not search.category:
        return np.ones(shelf.n_products, np.bool_)
    wanted = [parse_category(text) for text in search.category]
    codes = [any(path[: len(want)] == want and want for want in wanted) for path in shelf.categories]
    mask: Mask = np.asarray(codes, np.bool_)[shelf.category]
    return mask


def _of_brand(shelf: Shelf, search: Search) -> Mask:
    if not search.brand:
        return np.ones(shelf.n_products, np.bool_)
    wanted = set(search.brand)
    mask: Mask = np.asarray([brand in wanted for brand in shelf.brands], np.bool_)[shelf.brand]
    return mask


def _in_price(shelf: Shelf, search: Search) -> Mask:
    mask = np.ones(shelf.n_products, np.bool_)
    if search.price_min is not None:
        mask &= shelf.price_minor >= search.price_min
    if search.price_max is not None:
        mask &= (shelf.price_minor <= search.price_max) & (shelf.price_minor >= 0)
    return mask


def _sorted(shelf: Shelf, scores: NDArray[np.float32], found: NDArray[np.int64], sort: Sort) -> NDArray[np.int64]:
    """Ties go by product_no, so that pages never overlap."""
    price, newest = shelf.price_minor[found], -shelf.published_at[found]
    keys: tuple[NDArray[np.generic], ...]
    match sort:
        case Sort.RELEVANCE:
            weight = np.where(shelf.sellable[found], 1.0, SOLD_OUT_DISCOUNT)
            keys = (found, newest, ~shelf.sellable[found], -scores[found] * weight)
        case Sort.PRICE:
            keys = (found, price, price < 0)
        case Sort.PRICE_DESCENDING:
            keys = (found, -price)
        case Sort.NEWEST:
            keys = (found, newest)
        case _:
            assert_never(sort)
    ordered: NDArray[np.int64] = found[np.lexsort(keys)]
    return ordered
