"""The present shelf of this process: catalogue and stock re-read as they change, handed out as one picture."""

import threading
from collections.abc import Callable, Mapping, Set

from smartshop.data_collection.connectors.ports import Catalogue, Reservations, Stock
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelf_arrays import (
    Pricing,
    StockPicture,
    arrange,
    next_price_change,
    with_stock,
)
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, ListedProduct
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductNo, VariantId

OVERLAP = Micros(10_000_000)
"""Every reading starts this much (µs) before the last: a change is stamped before its transaction commits, and other
machines' clocks differ a little. Re-reading what is known costs only the comparison."""


class ShelfKeeper:
    """Keeps the shelf true. `refresh` may be called by any thread, every second; `shelf` never waits."""

    def __init__(
        self,
        catalogue: Catalogue,
        stock: Stock,
        currency: str,
        now: Callable[[], Micros],
        written_now: Callable[[], Micros] | None = None,
        *,
        reservations: Reservations | None = None,
    ) -> None:
        """`now` is the shop's time, which prices are of; `written_now` the time that changes are stamped with.

        They differ in a shop that lives in an imported past; there the first alone would find everything changed.
        Without `reservations` every unit on the shelf counts as available: right for learning, which sells nothing.
        """
        self._catalogue, self._stock, self._now, self._written_now = catalogue, stock, now, written_now or now
        self._currency, self._reservations = currency, reservations
        self._lock = threading.Lock()
        self._listed: dict[ProductNo, ListedProduct] = {}
        self._levels: dict[VariantId, dict[LocationId, int]] = {}
        self._kept: Mapping[VariantId, Mapping[LocationId, int]] = {}
        self._units: dict[VariantId, int] = {}
        """What anybody can buy, worked out only where something changed: an order in a large shop moves few of many."""
        self._read_at = Micros(0)
        self._prices_until: Micros | None = None
        self._version = 0
        self._begun = self._read_whole = 0
        """Readings begun so far, and the last of them that came to its end."""
        self._shelf = arrange((), self._pricing(Micros(0)), StockPicture({}), version=0)
        self.refresh()

    @property
    def shelf(self) -> Shelf:
        """The newest picture; whoever holds an older one may finish with it."""
        return self._shelf

    def refresh(self) -> bool:
        """Read again what changed since the last time; True when there is a new picture.

        Of many who ask while one reads, one reads for all of them: what a caller wrote before asking is always in.
        """
        begun, version = self._begun, self._version
        with self._lock:
            if self._read_whole > begun:
                return self._version > version
            self._begun += 1
            is_new = self._read_changes()
            self._read_whole = self._begun
            return is_new

    def _read_changes(self) -> bool:
        now, read_at = self._now(), self._written_now()
        since = Micros(max(0, self._read_at - OVERLAP))
        changed_products = self._take_products(since)
        changed_variants = self._take_levels(since) | self._take_kept(read_at)
        self._count_units(changed_variants)
        self._read_at = read_at
        prices_moved = self._prices_until is not None and now >= self._prices_until
        if not changed_products and not changed_variants and not prices_moved:
            return False
        self._version += 1
        if changed_products or prices_moved:
            self._rebuild(now)
        else:
            picture = StockPicture(self._units)
            self._shelf = with_stock(self._shelf, picture, changed_variants, version=self._version)
        return True

    def _pricing(self, now: Micros) -> Pricing:
        return Pricing(currency=self._currency, market=DEFAULT_MARKET, at=now)

    def _count_units(self, changed: Set[VariantId]) -> None:
        for variant in changed:
            at = self._levels.get(variant)
            if at is not None:
                self._units[variant] = free_units(at, self._kept.get(variant, {}))

    def _take_products(self, since: Micros) -> bool:
        changed = False
        for listed in self._catalogue.changed_since(since):
            if self._listed.get(listed.product_no) != listed:
                self._listed[listed.product_no] = listed
                changed = True
        return changed

    def _take_levels(self, since: Micros) -> set[VariantId]:
        changed: set[VariantId] = set()
        for level in self._stock.changed_since(since):
            at = self._levels.setdefault(level.variant_id, {})
            if at.get(level.location_id) != level.level:
                at[level.location_id] = level.level
                changed.add(level.variant_id)
        return changed

    def _take_kept(self, now: Micros) -> set[VariantId]:
        """What open baskets keep is read whole: it is little, and ends by itself without anything being written."""
        if self._reservations is None:
            return set()
        before, self._kept = self._kept, self._reservations.kept(now)
        return {variant for variant in {*before, *self._kept} if before.get(variant) != self._kept.get(variant)}

    def _rebuild(self, now: Micros) -> None:
        listed = tuple(self._listed[number] for number in sorted(self._listed))
        self._shelf = arrange(listed, self._pricing(now), StockPicture(self._units), version=self._version)
        self._prices_until = next_price_change(listed, now)


def free_units(levels: Mapping[LocationId, int], kept: Mapping[LocationId, int]) -> int:
    """Units over all locations that anybody can buy; where goods were lost, less may lie there than is kept."""
    return sum(max(0, level - kept.get(place, 0)) for place, level in levels.items())
