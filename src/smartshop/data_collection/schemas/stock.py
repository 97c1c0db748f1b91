"""Stock as movements: a level is the sum of what came and went, per variant and location, and never below zero."""

from enum import StrEnum

import msgspec

from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId

DEFAULT_LOCATION = LocationId("main")


class MovementReason(StrEnum):
    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    WRITE_OFF = "write_off"
    TRANSFER = "transfer"
    COUNT = "count"
    """A stock-take: the level was set, the movement is the difference found."""


class StockMovement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change of a level. `movement_id` makes saying it twice harmless."""

    movement_id: str
    variant_id: VariantId
    quantity: int
    """Signed units."""
    reason: MovementReason
    occurred_at: Micros
    location_id: LocationId = DEFAULT_LOCATION
    reference: str | None = None
    """Order, purchase order or file it came from."""


class StockCount(msgspec.Struct, frozen=True, kw_only=True):
    """A stock-take: from now on the level is this."""

    movement_id: str
    variant_id: VariantId
    level: int
    occurred_at: Micros
    location_id: LocationId = DEFAULT_LOCATION


class StockLevel(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: VariantId
    location_id: LocationId
    level: int
    changed_at: Micros
