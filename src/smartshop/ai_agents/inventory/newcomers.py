"""Products that nobody has bought yet: which of the catalogue's are on the shelf or on order, and since when."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from smartshop.data_collection.connectors.ports import Catalogue
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.demand_stock import StockHistory, movements_of
from smartshop.data_collection.schemas.catalogue import ListedProduct
from smartshop.data_collection.schemas.ids import Micros, ProductNo, VariantId
from smartshop.data_collection.schemas.supply import IncomingUnits

WEEK = 7 * DAY
MOST_NEWCOMERS = 5_000
"""A catalogue that was never sold from at all is no news: the longest there are left out beyond it."""


class GoodsOnOrder(Protocol):
    """What of the port of purchase orders is asked here."""

    def incoming(self, variant_ids: Sequence[VariantId] | None = None) -> list[IncomingUnits]: ...


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A product without a sale that can be had, or will be."""

    product_no: ProductNo
    variants: tuple[VariantId, ...]
    lain_weeks: int
    """Whole weeks that it could have been bought, and was not."""
    comes_in_weeks: int
    """Whole weeks until its first goods come; 0 where it is there."""


def find_newcomers(
    catalogue: Catalogue, stock: StockHistory, on_order: GoodsOnOrder, sold: AbstractSet[int], now: Micros
) -> list[Newcomer]:
    """Of every product that is not `sold`, with units counted somewhere or brought by approved orders; the youngest
    first. What is late is taken to come now.

    Since when it could be had is told by its publication and by the first movement of its stock, whichever was later.
    """
    unsold = [one for one in catalogue.changed_since(Micros(0)) if not one.deleted and one.product_no not in sold]
    variants = [variant.variant_id for one in unsold for variant in one.product.variants]
    levels = stock.levels(variants)
    there = {variant for variant, at in levels.items() if sum(at.values()) > 0}
    coming = _first_coming(on_order.incoming())
    since = _first_moves(stock, sorted(there))
    found = list(_told(unsold, there, coming, since, now))
    found.sort(key=lambda one: (one.lain_weeks, one.product_no))
    return sorted(found[:MOST_NEWCOMERS], key=lambda one: one.product_no)


def _told(
    unsold: Sequence[ListedProduct],
    there: AbstractSet[VariantId],
    coming: Mapping[VariantId, Micros | None],
    since: Mapping[VariantId, Micros],
    now: Micros,
) -> Iterator[Newcomer]:
    for one in unsold:
        own = tuple(variant.variant_id for variant in one.product.variants)
        here = [variant for variant in own if variant in there]
        if here:
            moved, published = min(since.get(variant, now) for variant in here), one.product.published_at or Micros(0)
            lain, waits = now - max(moved, published), published - now
            yield Newcomer(one.product_no, own, max(lain, 0) // WEEK, max(waits, 0) // WEEK)
        elif any(variant in coming for variant in own):
            expected = min(coming[variant] or now for variant in own if variant in coming)
            begins = max(expected, one.product.published_at or Micros(0))
            yield Newcomer(one.product_no, own, 0, max(begins - now, 0) // WEEK)


def _first_coming(incoming: Sequence[IncomingUnits]) -> dict[VariantId, Micros | None]:
    """When the first goods of each are expected; None: nobody said."""
    found: dict[VariantId, Micros | None] = {}
    for one in incoming:
        before = found.get(one.variant_id)
        if one.units > 0 and (before is None or (one.expected_at is not None and one.expected_at < before)):
            found[one.variant_id] = one.expected_at
    return found


def _first_moves(stock: StockHistory, variants: Sequence[VariantId]) -> dict[VariantId, Micros]:
    """When something of each first came; what never moved is missing."""
    found: dict[VariantId, Micros] = {}
    for variant, movements in movements_of(stock, variants):
        came = [one.occurred_at for one in movements if one.quantity > 0]
        if came:
            found[variant] = min(came)
    return found
