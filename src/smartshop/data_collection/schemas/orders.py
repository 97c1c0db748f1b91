"""Orders, refunds and returns. An order is its `order_id`, whichever door it came through; the first content wins."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    EventId,
    LineId,
    LocationId,
    Micros,
    OrderId,
    ProductId,
    VariantId,
)


class OrderStatus(StrEnum):
    PLACED = "placed"
    CLAIMED = "claimed"
    """Told by a publishable key only: stored, but neither demand nor value until the shop itself confirms it."""


class OrderLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    line_id: LineId
    product_id: ProductId
    variant_id: VariantId
    quantity: int
    unit_price_minor: int | None = None
    """After discount, in the order's currency."""


class Order(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    order_id: OrderId
    lines: tuple[OrderLine, ...]
    currency: str
    ordered_at: Micros
    received_at: Micros
    trust: Trust
    customer_id: CustomerId | None = None
    anonymous_id: AnonymousId | None = None
    discount_minor: int = 0
    shipping_minor: int = 0
    tax_minor: int = 0
    channel: str | None = None
    market: str | None = None
    location_id: LocationId | None = None
    decision_id: DecisionId | None = None
    reservation_id: str | None = None
    """The units kept for this basket, which it takes first and ends with; no part of what makes two orders the same."""

    @property
    def status(self) -> OrderStatus:
        return OrderStatus.CLAIMED if self.trust is Trust.CLIENT else OrderStatus.PLACED

    @property
    def total_minor(self) -> int:
        goods = sum(line.quantity * (line.unit_price_minor or 0) for line in self.lines)
        return goods - self.discount_minor + self.shipping_minor + self.tax_minor


class Refund(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Money given back, by lines or as an amount. Its identity is the event's, so saying it twice refunds once."""

    event_id: str
    order_id: OrderId | None
    amount_minor: int
    currency: str
    refunded_at: Micros
    trust: Trust
    lines: tuple[OrderLine, ...] = ()
    customer_id: CustomerId | None = None
    asked: str = ""
    """Digest of what was asked for where an order was called off, so that the same again is known for the same."""

    @property
    def is_called_off(self) -> bool:
        """Told by calling the order off, and not by a refund alone."""
        return self.event_id.startswith(f"{CALLED_OFF}/")


class Return(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Goods that came back; `restock` puts them on the shelf again."""

    event_id: str
    order_id: OrderId | None
    lines: tuple[OrderLine, ...]
    returned_at: Micros
    trust: Trust
    restock: bool = False
    customer_id: CustomerId | None = None


CALLED_OFF = "called-off"


def called_off_event(order_id: OrderId, cancellation_id: str) -> EventId:
    """The event that calls off a part, or (with an empty name) the whole. No id from outside holds a slash."""
    return EventId(f"{CALLED_OFF}/{order_id}/{cancellation_id}")


def units_by_line(told: Order | Refund) -> dict[LineId, int]:
    """By line; two lines of one name are one."""
    units: dict[LineId, int] = {}
    for line in told.lines:
        units[line.line_id] = units.get(line.line_id, 0) + max(line.quantity, 0)
    return units


def units_called_off(order: Order, refunds: Iterable[Refund]) -> dict[LineId, int]:
    """Of its lines, at most what was ordered; lines of which nothing was are absent."""
    ordered = units_by_line(order)
    units: dict[LineId, int] = {}
    for refund in refunds:
        for line in refund.lines if refund.is_called_off else ():
            units[line.line_id] = min(units.get(line.line_id, 0) + line.quantity, ordered.get(line.line_id, 0))
    return units


class CalledOff(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Units of an order that never left: what it took of them from the shelf goes back there, each unit once."""

    order_id: OrderId
    lines: tuple[OrderLine, ...]
    """With the units called off."""
    called_off_at: Micros
    restock: bool = True
    """False: they came back and are written off, so that nobody buys them."""
