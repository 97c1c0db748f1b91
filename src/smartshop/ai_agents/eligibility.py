"""What may be shown at all, as one mask over the catalogue, made before any source draws a candidate.

Never shown: products in the basket, the product whose page it is, those of `exclude`, those the shopper dismissed and
has not liked again since. Beyond these, `filters.bought` and `filters.seen`; where the request is silent:

| surface              | bought                                   | seen  |
|----------------------|------------------------------------------|-------|
| home, email, order   | bought in the last 30 days is left out   | allow |
| all others           | allow                                    | allow |

A word said explicitly (`exclude`, `only`) is about every purchase the profile holds, and about the request's `history`
as well: a client that sends its own history means it. `seen` is what the shopper looked at or acted on, not what was
merely visible in a slate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Mask, Numbers
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import parse_category
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.slates import Bought, Seen, SlateFilters, Surface

BOUGHT_RECENTLY = 30 * 86_400 * 1_000_000
"""µs; the default of `bought`: long enough that nobody is offered what has just arrived, short enough for refills."""
RECENT_PURCHASES_LEFT_OUT = frozenset({Surface.HOME, Surface.EMAIL, Surface.ORDER})
CACHE_BYTES = 32_000_000
"""Masks kept per catalogue: 3,200 at 10,000 products."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the shopper and the page, as product numbers."""

    bought: Numbers
    bought_at: NDArray[np.int64]
    """(n,): the last time each was bought, µs."""
    seen: Numbers
    dismissed: Numbers
    history: Numbers
    """The request's own."""
    basket: Numbers
    anchor: int | None
    exclude: Numbers


class ShelfMasks:
    """Masks of one shelf, each made once: filters repeat from request to request, and a shelf never changes.

    What depends on the catalogue alone is taken over from the shelf `before` when only its stock moved.
    """

    def __init__(self, shelf: Shelf, before: "ShelfMasks | None" = None) -> None:
        self.shelf = shelf
        only_stock_moved = (
            before is not None
            and before.shelf.category is shelf.category
            and before.shelf.price_minor is shelf.price_minor
        )
        self._by_filter: dict[tuple[object, ...], Mask] = before._by_filter if before and only_stock_moved else {}
        self._most = max(16, CACHE_BYTES // max(1, shelf.n_products))

    def filtered(self, filters: SlateFilters) -> Mask:
        """A new mask of the products that pass category, brand, price, attributes and stock."""
        mask = (self.shelf.sellable if filters.in_stock else self.shelf.alive).copy()
        price = filters.price_minor
        if filters.category or filters.brand or filters.attributes or price.min is not None or price.max is not None:
            mask &= self._passing(filters)
        return mask

    def _passing(self, filters: SlateFilters) -> Mask:
        key = (
            tuple(filters.category),
            tuple(filters.brand),
            filters.price_minor.min,
            filters.price_minor.max,
            repr(filters.attributes),
        )
        mask = self._by_filter.get(key)
        if mask is None:
            if len(self._by_filter) >= self._most:
                self._by_filter.clear()
            mask = self._by_filter[key] = self._make(filters)
        return mask

    def _make(self, filters: SlateFilters) -> Mask:
        shelf = self.shelf
        mask = np.ones(shelf.n_products, dtype=np.bool_)
        if filters.category:
            mask &= in_categories(shelf, filters.category)
        if filters.brand:
            mask &= of_brands(shelf, filters.brand)
        low, high = filters.price_minor.min, filters.price_minor.max
        if low is not None or high is not None:
            mask &= shelf.price_minor >= max(low or 0, 0)  # -1 is "no price" and passes no range
        if high is not None:
            mask &= shelf.price_minor <= high
        for attribute, wanted in filters.attributes.items():
            mask &= having(shelf, attribute, wanted if isinstance(wanted, list) else [wanted])
        return mask


def in_categories(shelf: Shelf, wanted: Sequence[str]) -> Mask:
    """Products in any of these category paths, or below."""
    heads = [head for text in wanted if (head := parse_category(text))]
    passes = np.array([any(path[: len(head)] == head for head in heads) for path in shelf.categories], dtype=np.bool_)
    return np.asarray(passes[shelf.category], dtype=np.bool_)


def of_brands(shelf: Shelf, wanted: Sequence[str]) -> Mask:
    names = set(wanted) - {""}
    passes = np.array([brand in names for brand in shelf.brands], dtype=np.bool_)
    return np.asarray(passes[shelf.brand], dtype=np.bool_)


def having(shelf: Shelf, attribute: str, wanted: Sequence[Any]) -> Mask:
    """Products whose attribute is one of these values, or a list with one of them. Any: the shop's own JSON."""
    mask = np.zeros(shelf.n_products, dtype=np.bool_)
    for number, attributes in enumerate(shelf.attributes):
        if attribute in attributes:
            found = attributes[attribute]
            mask[number] = any(one in wanted for one in (found if isinstance(found, list) else [found]))
    return mask


def eligible(masks: ShelfMasks, filters: SlateFilters, surface: Surface, known: Known, now: Micros) -> Mask:
    """(n_products,) what this slate may show."""
    mask = _by_purchase(masks.filtered(filters), filters.bought, surface, known, now)
    if filters.seen is Seen.EXCLUDE:
        mask[known.seen] = False
        mask[known.history] = False
    mask[known.dismissed] = False
    mask[known.basket] = False
    mask[known.exclude] = False
    if known.anchor is not None:
        mask[known.anchor] = False
    return mask


def _by_purchase(mask: Mask, bought: Bought | None, surface: Surface, known: Known, now: Micros) -> Mask:
    match bought:
        case Bought.ALLOW:
            return mask
        case Bought.EXCLUDE:
            mask[known.bought] = False
            mask[known.history] = False
            return mask
        case Bought.ONLY:
            only = np.zeros_like(mask)
            only[known.bought] = True
            only[known.history] = True
            return mask & only
        case None:
            if surface in RECENT_PURCHASES_LEFT_OUT:
                mask[known.bought[known.bought_at > now - BOUGHT_RECENTLY]] = False
            return mask
