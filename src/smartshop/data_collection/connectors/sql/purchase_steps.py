"""The life of a purchase order as pure functions: which step may follow which, and what a receipt makes of it."""

from collections import Counter
from datetime import UTC, datetime

import msgspec

from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from smartshop.data_collection.schemas.supply import (
    TAKES_RECEIPTS,
    PurchaseLine,
    PurchaseOrder,
    PurchaseReceipt,
    PurchaseStatus,
    ReceivedLine,
)
from smartshop.errors import Conflict

DAY = 86_400_000_000
CLOCK_SLACK = Micros(3_600_000_000)
"""An hour (µs): so far two clocks, or one that was set back, may disagree about what came first."""
_STANDS_AT = {
    PurchaseStatus.APPROVED: {PurchaseStatus.DRAFT},
    PurchaseStatus.SENT: {PurchaseStatus.APPROVED},
    PurchaseStatus.CANCELLED: set(PurchaseStatus) - {PurchaseStatus.RECEIVED},
}
"""A step → where an order may stand before it."""
_REPEATED_AT = {
    PurchaseStatus.APPROVED: {PurchaseStatus.APPROVED},
    PurchaseStatus.SENT: {PurchaseStatus.SENT, PurchaseStatus.PARTLY_RECEIVED},
    PurchaseStatus.CANCELLED: {PurchaseStatus.CANCELLED},
}
"""A step → where it was made before, so that making it again changes nothing."""


class WrongStep(Conflict):
    code = "purchase_order_stands_elsewhere"


class UnknownLine(Conflict):
    code = "not_on_purchase_order"


def stepped(
    before: PurchaseOrder, to: PurchaseStatus, now: Micros, expected_at: Micros | None, lead_time_days: float | None
) -> PurchaseOrder:
    """The order after approving, sending or cancelling it. Sent again, only another expected time is taken over.

    Raises:
        WrongStep: that does not follow from where it stands.
    """
    if before.status in _REPEATED_AT.get(to, ()):
        if to is PurchaseStatus.SENT and expected_at is not None:
            return msgspec.structs.replace(before, expected_at=expected_at)
        return before
    if before.status not in _STANDS_AT.get(to, ()):
        raise WrongStep(_wrong_step(before, to))
    # A clock that was set back must not make it sent before it was approved.
    at = Micros(max(now, before.created_at, before.approved_at or now, before.sent_at or now))
    match to:
        case PurchaseStatus.APPROVED:
            return msgspec.structs.replace(before, status=to, approved_at=at)
        case PurchaseStatus.SENT:
            expected = expected_at or before.expected_at or _after_lead_time(at, lead_time_days)
            return msgspec.structs.replace(before, status=to, sent_at=at, expected_at=expected)
        case _:
            return msgspec.structs.replace(before, status=to, cancelled_at=at)


def _wrong_step(before: PurchaseOrder, to: PurchaseStatus) -> str:
    order = f"The purchase order {before.purchase_order_id!r} is {before.status.value.replace('_', ' ')}"
    match to:
        case PurchaseStatus.APPROVED:
            return f"{order}; only a draft can be approved."
        case PurchaseStatus.SENT:
            return f"{order}; only an approved one can be sent."
        case PurchaseStatus.CANCELLED:
            return f"{order}; nothing of it is left to cancel."
        case _:
            return f"{order}; it can only be approved, sent or cancelled, not made {to.value!r}."


def _after_lead_time(sent_at: Micros, lead_time_days: float | None) -> Micros | None:
    return None if lead_time_days is None else Micros(sent_at + round(lead_time_days * DAY))


def usable_receipt(order: PurchaseOrder, told: PurchaseReceipt, first: PurchaseReceipt | None) -> PurchaseReceipt:
    """The receipt as it is booked: a line per variant, everything open where none is named.

    `first` is the receipt that was booked under the same id.

    Raises:
        WrongStep: goods cannot come of it where it stands, or nothing is open, or before it was sent.
        UnknownLine: a variant that was not ordered.
        Conflict: the receipt's id was used for other goods.
    """
    units: Counter[VariantId] = Counter()
    for line in told.lines:
        units[line.variant_id] += line.units
    if first is not None:
        if units and units != Counter({line.variant_id: line.units for line in first.lines}):
            raise Conflict(
                f"The receipt {told.receipt_id!r} of {order.purchase_order_id!r} was booked with other goods; give"
                " these a receipt_id of their own."
            )
        return first
    if order.status not in TAKES_RECEIPTS:
        raise WrongStep(_cannot_come(order))
    ordered = [line.variant_id for line in order.lines]
    for variant_id in units:
        if variant_id not in ordered:
            raise UnknownLine(
                f"{variant_id!r} is not on the purchase order {order.purchase_order_id!r}; book it as a stock movement."
            )
    if not units:
        units.update({line.variant_id: line.open_units for line in order.lines if line.open_units})
    if not units:
        raise WrongStep(
            f"Nothing of the purchase order {order.purchase_order_id!r} is open; name the lines that came beyond it."
        )
    return msgspec.structs.replace(
        told,
        lines=tuple(ReceivedLine(variant_id, units[variant_id]) for variant_id in ordered if variant_id in units),
        received_at=_received_at(order, told.received_at),
    )


def _cannot_come(order: PurchaseOrder) -> str:
    stands = order.status.value.replace("_", " ")
    if order.status is PurchaseStatus.CANCELLED:
        return (
            f"The purchase order {order.purchase_order_id!r} is {stands}; book what came all the same as a stock"
            " movement."
        )
    return f"The purchase order {order.purchase_order_id!r} is {stands}; send it before its goods are received."


def _received_at(order: PurchaseOrder, told: Micros) -> Micros:
    sent_at = order.sent_at or told
    if told < sent_at - CLOCK_SLACK:
        raise WrongStep(
            f"The goods of {order.purchase_order_id!r} cannot have come at {_shown(told)}: it was sent at"
            f" {_shown(sent_at)}."
        )
    return max(told, sent_at)


def _shown(moment: Micros) -> str:
    return datetime.fromtimestamp(moment // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def receipt_movements(order: PurchaseOrder, receipt: PurchaseReceipt) -> list[StockMovement]:
    """What puts the goods on the shelf; ids hold slashes, so nobody can send such a movement."""
    return [
        StockMovement(
            movement_id=f"receipt/{order.purchase_order_id}/{receipt.receipt_id}/{line.variant_id}",
            variant_id=line.variant_id,
            quantity=line.units,
            reason=MovementReason.RECEIPT,
            occurred_at=receipt.received_at,
            location_id=order.location_id,
            reference=order.purchase_order_id,
        )
        for line in receipt.lines
    ]


def booked(before: PurchaseOrder, receipt: PurchaseReceipt) -> PurchaseOrder:
    """The order once these goods are in."""
    came = {line.variant_id: line.units for line in receipt.lines}
    lines = tuple(_with(line, came.get(line.variant_id, 0)) for line in before.lines)
    is_whole = all(line.open_units == 0 for line in lines)
    return msgspec.structs.replace(
        before,
        lines=lines,
        status=PurchaseStatus.RECEIVED if is_whole else PurchaseStatus.PARTLY_RECEIVED,
        received_at=max(receipt.received_at, before.received_at or receipt.received_at),
    )


def _with(line: PurchaseLine, units: int) -> PurchaseLine:
    return msgspec.structs.replace(line, received=line.received + units)
