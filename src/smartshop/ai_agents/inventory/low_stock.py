"""When a level crossed the low-stock line, from the movements alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartshop.data_collection.schemas.ids import LocationId, Micros
from smartshop.data_collection.schemas.stock import StockMovement

LOW_STOCK_LEVEL = 5
"""Units at a location; until demand is forecast, a line that fits neither all products nor any perfectly."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The movement that took a level from above the line to it or under it."""

    movement_id: str
    occurred_at: Micros
    level: int
    """Right after that movement."""


def last_crossing(
    movements: Sequence[StockMovement], location_id: LocationId, level: int, low_stock_level: int
) -> Crossing | None:
    """The newest crossing at this location, walking back from the present level; None when these movements show none.

    `movements`: of one variant, newest first, any location.

    >>> from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION, MovementReason
    >>> sale = StockMovement(movement_id="m", variant_id="v", quantity=-3, reason=MovementReason.SALE, occurred_at=7)
    >>> last_crossing([sale], DEFAULT_LOCATION, 4, 5)
    Crossing(movement_id='m', occurred_at=7, level=4)
    """
    if level > low_stock_level:
        return None
    after = level
    for movement in movements:
        if movement.location_id != location_id:
            continue
        before = after - movement.quantity
        if after <= low_stock_level < before:
            return Crossing(movement.movement_id, movement.occurred_at, after)
        after = before
    return None
