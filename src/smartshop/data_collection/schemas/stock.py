"""Stock as movements: a level is the sum of what came and went, per variant and location, and never below zero."""

from enum import StrEnum

import msgspec

from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, LocationId, Micros, VariantId

DEFAULT_LOCATION = LocationId("main")
MAX_RESERVED_SECONDS = 86_400
"""Nothing is kept for an open basket for longer. A reservation that ends later than this from now was made under a
clock that ran ahead and was set back; it keeps nothing."""


class MovementReason(StrEnum):
    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    WRITE_OFF = "write_off"
    TRANSFER = "transfer"
    COUNT = "count"
    """A stock-take: the level was set, the movement is the difference found."""


SIGN_OF = {
    MovementReason.RECEIPT: 1,
    MovementReason.RETURN: 1,
    MovementReason.SALE: -1,
    MovementReason.WRITE_OFF: -1,
}
"""What comes in is above zero, what goes out below; a transfer or a count may be either."""


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


class StockPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A variant at a location, with what open baskets keep of it."""

    variant_id: VariantId
    location_id: LocationId
    level: int
    reserved: int
    changed_at: Micros

    @property
    def available(self) -> int:
        """Units that can be sold to anybody. Losses may leave less than is reserved."""
        return max(0, self.level - self.reserved)


class StockTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """Units carried from one location to another; both levels change, or neither."""

    transfer_id: str
    """Makes saying it twice harmless."""
    variant_id: VariantId
    units: int
    """At least 1."""
    from_location: LocationId
    to_location: LocationId
    occurred_at: Micros
    reference: str | None = None


class ReservedLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    variant_id: VariantId
    quantity: int
    location_id: LocationId | None = None
    """None: wherever there is some."""


def basket_owner(customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> str | None:
    """Whose basket it is, spelled as keys are: no id holds a slash, so a browser's never is a customer's."""
    if customer_id is not None:
        return customer_id
    return None if anonymous_id is None else f"/{anonymous_id}"


class Reservation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Units kept for an open basket until it is ordered, given up, or its time is over. Levels do not move."""

    reservation_id: str
    lines: tuple[ReservedLine, ...]
    reserved_at: Micros
    expires_at: Micros
    shopper_key: str | None = None
    """Whose basket: a customer's id, or a browser's behind a slash. None: the shop did not say."""

    def is_live(self, now: Micros) -> bool:
        return now < self.expires_at <= now + MAX_RESERVED_SECONDS * 1_000_000
