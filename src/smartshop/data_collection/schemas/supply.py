"""Who supplies what at which price, what was ordered from them, and what came."""

from enum import StrEnum
from typing import NewType

import msgspec

from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION

PurchaseOrderId = NewType("PurchaseOrderId", str)

DEFAULT_REVIEW_DAYS = 7
"""Most small shops look at a supplier's shelf once a week."""


class Supplier(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    supplier_id: SupplierId
    name: str
    currency: str
    """The shop's own: amounts are never converted."""
    changed_at: Micros
    email: str | None = None
    lead_time_days: float | None = None
    """From sending an order to its goods on the shelf. None: not known, learned from receipts once there are some."""
    review_days: int = DEFAULT_REVIEW_DAYS
    """Days from one look at what to order to the next."""
    fixed_cost_minor: int = 0
    """Of every order, however small: delivery, handling."""
    min_order_minor: int = 0
    """Orders for less are not accepted."""
    webhook_url: str | None = None
    """Where sent orders go by themselves, signed; None: a person sends them."""


class QuantityBreak(msgspec.Struct, frozen=True):
    """From so many units of a variant in one order, each of them costs this."""

    from_units: int
    unit_cost_minor: int


class SupplyTerms(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one supplier asks for one variant."""

    supplier_id: SupplierId
    variant_id: VariantId
    unit_cost_minor: int
    pack_size: int = 1
    """Units come in multiples of this."""
    min_units: int = 1
    """Fewer of this variant are not sold in one order."""
    breaks: tuple[QuantityBreak, ...] = ()
    """By rising `from_units`, at falling cost; all units of the line cost what the last break reached says."""
    preferred: bool = False
    """At most one supplier of a variant is; the one told last."""

    def unit_cost_of(self, units: int) -> int:
        """Minor units per unit in an order of so many.

        >>> breaks = (QuantityBreak(10, 90), QuantityBreak(50, 80))
        >>> terms = SupplyTerms(supplier_id="s", variant_id="v", unit_cost_minor=100, breaks=breaks)
        >>> [terms.unit_cost_of(units) for units in (9, 10, 49, 50)]
        [100, 90, 90, 80]
        """
        reached = [step.unit_cost_minor for step in self.breaks if units >= step.from_units]
        return reached[-1] if reached else self.unit_cost_minor


class PurchaseStatus(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    """What was received before stays received."""


BRINGS_GOODS = frozenset({PurchaseStatus.APPROVED, PurchaseStatus.SENT, PurchaseStatus.PARTLY_RECEIVED})
"""Goods of these are on their way, or soon will be: nobody orders them again."""
TAKES_RECEIPTS = frozenset({PurchaseStatus.SENT, PurchaseStatus.PARTLY_RECEIVED, PurchaseStatus.RECEIVED})
"""Also one that is whole: a second parcel is more than was ordered, and is on the shelf all the same."""


class PurchaseLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    variant_id: VariantId
    units: int
    unit_cost_minor: int
    received: int = 0

    @property
    def open_units(self) -> int:
        return max(0, self.units - self.received)

    @property
    def surplus(self) -> int:
        """Units that came beyond those ordered."""
        return max(0, self.received - self.units)


class PurchaseOrder(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    purchase_order_id: PurchaseOrderId
    supplier_id: SupplierId
    status: PurchaseStatus
    currency: str
    lines: tuple[PurchaseLine, ...]
    """One per variant."""
    created_at: Micros
    location_id: LocationId = DEFAULT_LOCATION
    """Where the goods go."""
    fixed_cost_minor: int = 0
    expected_at: Micros | None = None
    approved_at: Micros | None = None
    sent_at: Micros | None = None
    received_at: Micros | None = None
    """Of the newest receipt."""
    cancelled_at: Micros | None = None
    reference: str | None = None
    """What proposed it, or the shop's own number for it."""

    @property
    def goods_minor(self) -> int:
        return sum(line.units * line.unit_cost_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        return self.goods_minor + self.fixed_cost_minor


class ReceivedLine(msgspec.Struct, frozen=True):
    variant_id: VariantId
    units: int


class PurchaseReceipt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Goods of a purchase order that came; the same `receipt_id` again is the same goods."""

    purchase_order_id: PurchaseOrderId
    receipt_id: str
    lines: tuple[ReceivedLine, ...]
    """Empty when asked for: everything that is still open."""
    received_at: Micros
    in_stock_already: bool = False
    """The levels hold these goods: they were counted or told as movements since, so no stock moves."""


class Received(msgspec.Struct, frozen=True):
    order: PurchaseOrder
    receipt: PurchaseReceipt
    is_new: bool
    """False: this receipt was booked before; nothing moved again."""


class IncomingUnits(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a variant that an approved order still brings."""

    purchase_order_id: PurchaseOrderId
    supplier_id: SupplierId
    variant_id: VariantId
    location_id: LocationId
    units: int
    sent_at: Micros | None
    """None: approved, not yet sent."""
    expected_at: Micros | None
    """None: nobody said, and the supplier's lead time is not known."""


class SupplyDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt beside the order it came of: what lead times are learned from."""

    purchase_order_id: PurchaseOrderId
    supplier_id: SupplierId
    sent_at: Micros
    expected_at: Micros | None
    received_at: Micros
    lines: tuple[ReceivedLine, ...]
    units_ordered: int
    """Of the whole order."""
