"""What the books tell beside demand while they are read once: when each variant was last sold, and recent lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from smartshop.data_collection.pipelines.demand import OrderBook
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.orders import Order, Refund
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION


@dataclass(frozen=True, slots=True)
class RecentLine:
    product_id: ProductId
    location_id: LocationId
    ordered_at: Micros
    units: int


@dataclass(slots=True)
class OverheardOrders:
    """The books, remembering what passes by. Read whole once; then what was heard is complete."""

    book: OrderBook
    recent_since: Micros
    last_sold: dict[VariantId, dict[LocationId, Micros]] = field(default_factory=dict)
    """Also lines called off later: somebody wanted it."""
    recent: list[RecentLine] = field(default_factory=list)

    def scan(self, until: Micros | None = None) -> Iterator[list[Order]]:
        for batch in self.book.scan(until):
            for order in batch:
                self._hear(order)
            yield batch

    def refunds(self, until: Micros | None = None) -> Iterator[Refund]:
        return self.book.refunds(until)

    def last_sold_at(self, variant_id: VariantId, locations: frozenset[LocationId]) -> Micros | None:
        """From any of these places; None: never."""
        at = self.last_sold.get(variant_id, {})
        return max((moment for location, moment in at.items() if location in locations), default=None)

    def _hear(self, order: Order) -> None:
        location, at = order.location_id or DEFAULT_LOCATION, order.ordered_at
        for line in order.lines:
            if line.quantity < 1:
                continue
            sold = self.last_sold.setdefault(line.variant_id, {})
            sold[location] = max(sold.get(location, at), at)
            if at >= self.recent_since:
                self.recent.append(RecentLine(line.product_id, location, at, line.quantity))
