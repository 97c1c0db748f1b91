"""What an operator is warned of about stock and supply: kinds, figures, and the life of a warning."""

from enum import StrEnum
from hashlib import sha256
from typing import NewType

import msgspec

from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import PurchaseOrderId

AlertId = NewType("AlertId", str)

MAX_NOTE = 500
"""Characters of an operator's note."""
_ID_CHARACTERS = 12


class AlertKind(StrEnum):
    STOCKOUT_RISK = "stockout_risk"
    OVERSTOCK = "overstock"
    DEAD_STOCK = "dead_stock"
    DEMAND_SURGE = "demand_surge"
    LATE_ORDER = "late_order"
    SLOWER_SUPPLIER = "slower_supplier"
    PRICE_DEMAND = "price_demand"


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Still so, but an operator knows: for good, or until a date."""
    CLOSED = "closed"
    """No longer so."""


class AlertSubject(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a warning is about; what does not apply is absent."""

    product_id: ProductId | None = None
    variant_id: VariantId | None = None
    location_id: LocationId | None = None
    supplier_id: SupplierId | None = None
    """Whose goods they are, too."""
    purchase_order_id: PurchaseOrderId | None = None
    title: str = ""


class StockoutFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="stockout_risk"):
    chance_short: float
    """That what is there and comes in time does not last until goods ordered at the next look could be there."""
    chance_short_today: float
    """The same for goods ordered today."""
    free_units: int
    """On the shelf, less what baskets keep."""
    arriving_units: int
    """In time."""
    incoming_units: int = 0
    """On approved orders, whenever they come."""
    first_arrival_days: float | None = None
    """From now until the first of them; None: nothing is on its way."""
    is_on_its_way: bool = False
    """With all that is on its way there would be enough: it comes too late, not too little."""
    expected_units: float
    """Asked for until goods ordered at the next look could be there."""
    until_days: float | None = None
    """From now until then; None of warnings from before it was told."""
    short_units: float
    """Expected to be missing until then."""
    lead_days: float
    lost_margin_minor: int
    """Of the units expected to be missing."""


class OverstockFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="overstock"):
    on_hand: int
    incoming: int
    cover_days: float
    needed_units: float
    """That demand stays within over the cover, with the chance configured."""
    excess_units: int
    excess_minor: int
    """At cost."""
    lasts_days: float | None
    """At the demand expected; None: nothing is asked for."""


class DeadStockFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="dead_stock"):
    on_hand: int
    tied_minor: int
    """At cost."""
    days_without_sale: int
    """On which it could be bought."""
    last_sold: str | None
    """Day; None: never."""


class SurgeFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="demand_surge"):
    days: int
    units: float
    """Sold in these days, without one single large line."""
    largest_line: float
    """Left out of them; 0 where it was usual."""
    expected_units: float
    """In the time that it was there."""
    times: float
    chance: float
    """That so much or more is asked for by chance."""
    extra_margin_minor: int
    """Margin of what would be asked for beyond the forecast in the lead time, if it went on."""


class LateOrderFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="late_order"):
    days_late: float
    lead_days: float
    lead_spread_days: float
    chance: float
    """That this supplier is so late or later."""
    expected_on: str
    expected_wait_days: float
    """From now, of orders that took so long already; of one that may be lost, as if sent anew."""
    open_units: int
    open_minor: int
    """At cost."""


class SlowerSupplierFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="slower_supplier"):
    orders_seen: int
    before_days: float
    """Mean of the earlier orders."""
    lately_days: float
    """Mean of those since it began to rise."""
    lately_orders: int
    cusum: float
    """Where it stands; it opens at the line configured."""


class PriceDemandFigures(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="price_demand"):
    usual_price_minor: int
    price_minor: int
    times: float
    """Present price over the usual one."""
    units: float
    expected_units: float
    days: int
    chance: float
    """That demand strays so far by chance."""
    is_slip: bool
    """So far from usual that a digit may have slipped; else demand moved against its price."""
    worth_minor: int


Figures = (
    StockoutFigures
    | OverstockFigures
    | DeadStockFigures
    | SurgeFigures
    | LateOrderFigures
    | SlowerSupplierFigures
    | PriceDemandFigures
)


class FoundAlert(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found. Money in minor units of the shop's currency."""

    alert_id: AlertId
    kind: AlertKind
    severity: Severity
    subject: AlertSubject
    figures: Figures
    worth_minor: int
    """What is at stake, by which the alerts of a severity are ordered."""
    since: str
    """Day since when it is so, as far as is known."""
    words: str
    """The whole of it, as a person would say it."""
    advice: str
    """What one may do about it."""


class Alert(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was found, and its life. Times are real ones, also where the shop's own stands still."""

    found: FoundAlert
    """By the newest look that saw it."""
    opened_at: Micros
    """The last time; one that comes again is opened again."""
    seen_at: Micros
    closed_at: Micros | None = None
    acknowledged_at: Micros | None = None
    snoozed_until: Micros | None = None
    """Until when the acknowledgement holds; None: as long as it is open."""
    acknowledged_as: Severity | None = None
    """How grave it was then: once it is graver, the acknowledgement is over."""
    note: str = ""
    times_opened: int = 1

    def state(self, now: Micros) -> AlertState:
        if self.closed_at is not None:
            return AlertState.CLOSED
        is_known = self.acknowledged_at is not None and (self.snoozed_until is None or now < self.snoozed_until)
        return AlertState.ACKNOWLEDGED if is_known else AlertState.OPEN


class AlertChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a look changed."""

    opened: tuple[Alert, ...]
    """And those that an operator knew and that got graver."""
    still: int
    closed: int


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts are asked for; None is all."""

    kind: AlertKind | None = None
    severity: Severity | None = None
    state: AlertState | None = AlertState.OPEN
    location_id: LocationId | None = None
    supplier_id: SupplierId | None = None


def alert_id(kind: AlertKind, *subject: str) -> AlertId:
    """The same for the same kind and subject.

    >>> alert_id(AlertKind.OVERSTOCK, "mug", "main") == alert_id(AlertKind.OVERSTOCK, "mug", "main")
    True
    """
    told = sha256("/".join(subject).encode()).hexdigest()[:_ID_CHARACTERS]
    return AlertId(f"{kind.value}-{told}")
