"""Says when a variant runs low, once for each time its level crosses the line, and when one is back that people want.

That it runs low is a fact that can be recomputed; who was told that it is back is kept by `back_in_stock`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from smartshop.ai_agents.inventory.back_in_stock import ReturnLookout
from smartshop.ai_agents.inventory.low_stock import LOW_STOCK_LEVEL, Crossing, last_crossing
from smartshop.data_collection.connectors.ports import Catalogue, Stock
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted, Message, StockAlert, StockChanged

MOVEMENTS_READ = 100
"""A crossing further back than so many movements of the variant is old news."""
REMEMBERED = 10_000


class InventoryAgent:
    """A message only says where to look: levels and movements are read again from the stock.

    The alert's identity is the movement that took the level over the line, and its time is that movement's. So a
    message delivered again, after a restart too, can only lead to the very same fact; while the process lives it is
    not even said again.
    """

    name: ClassVar[str] = "inventory"
    listens_to: ClassVar[tuple[type[Message], ...]] = (EventsAccepted, StockChanged)

    def __init__(
        self,
        stock: Stock,
        catalogue: Catalogue,
        now: Callable[[], Micros],
        low_stock_level: int = LOW_STOCK_LEVEL,
        *,
        lookout: ReturnLookout | None = None,
    ) -> None:
        """`lookout`: for what is back in stock; without it nobody is told."""
        self._stock, self._catalogue, self._now = stock, catalogue, now
        self._low_stock_level, self._lookout = low_stock_level, lookout
        self._said: dict[tuple[VariantId, LocationId, str], None] = {}

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        variant_ids = sorted(set(_touched(messages)))
        if not variant_ids:
            return []
        return await asyncio.to_thread(self._look, variant_ids)

    def _look(self, variant_ids: Sequence[VariantId]) -> list[Message]:
        levels = self._stock.levels(variant_ids)
        returns = [] if self._lookout is None else self._lookout.look(variant_ids, levels)
        return [*self._alerts(levels), *returns]

    def _alerts(self, levels: Mapping[VariantId, Mapping[LocationId, int]]) -> list[Message]:
        alerts: list[Message] = []
        low = {
            variant_id: {location: level for location, level in at.items() if level <= self._low_stock_level}
            for variant_id, at in levels.items()
        }
        low = {variant_id: at for variant_id, at in low.items() if at}
        product_of = self._catalogue.product_of(list(low)) if low else {}
        for variant_id, at in low.items():
            movements = self._stock.movements(variant_id, MOVEMENTS_READ)
            for location_id, level in at.items():
                crossing = last_crossing(movements, location_id, level, self._low_stock_level)
                if crossing is None or not self._is_news(variant_id, location_id, crossing):
                    continue
                alerts.append(
                    StockAlert(
                        variant_id=variant_id,
                        product_id=product_of.get(variant_id, ProductId(variant_id)),
                        location_id=location_id,
                        level=crossing.level,
                        low_stock_level=self._low_stock_level,
                        noticed_at=crossing.occurred_at,
                    )
                )
        return alerts

    def _is_news(self, variant_id: VariantId, location_id: LocationId, crossing: Crossing) -> bool:
        key = (variant_id, location_id, crossing.movement_id)
        if key in self._said:
            return False
        if len(self._said) >= REMEMBERED:
            del self._said[next(iter(self._said))]
        self._said[key] = None
        return True


def _touched(messages: Sequence[Message]) -> Iterable[VariantId]:
    """Variants whose stock may have moved."""
    for message in messages:
        match message:
            case StockChanged(variant_ids=variant_ids):
                yield from variant_ids
            case EventsAccepted(events=events):
                for event in events:
                    if event.kind is EventKind.ORDER_COMPLETED or event.kind is EventKind.ORDER_RETURNED:
                        yield from (line.variant_id for line in event.products if line.variant_id is not None)
            case _:
                continue
