"""Calling off a customer's order: it is refunded, and what it took goes back on the shelf, each unit once."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from smartshop.backend_api.services.stock_changes import tell_stock_changed
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.pipelines.consent_book import ConsentBook
from smartshop.data_collection.pipelines.consequences import entry_of
from smartshop.data_collection.pipelines.order_refunds import refundable_minor
from smartshop.data_collection.schemas.events import ORDER_DESK, EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, LineId, Micros, OrderId, ShopperKey, VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted
from smartshop.data_collection.schemas.orders import (
    CalledOff,
    Order,
    OrderLine,
    OrderStatus,
    Refund,
    called_off_event,
    units_by_line,
    units_called_off,
)
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from smartshop.errors import Conflict

WHOLE = ""
"""Stands for the name of calling off everything, which can be done once; no client can send an empty name."""
DIGEST_BYTES = 16
"""As of events: two meet by chance once in 2^64 tries."""


class NotOrdered(Conflict):
    code = "not_ordered"


class OnlyClaimed(Conflict):
    code = "only_claimed"


class CancellationConflict(Conflict):
    code = "cancellation_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """What is called off, as asked for."""

    order_id: OrderId
    cancellation_id: str
    """The same again is the same cancelling; WHOLE: everything."""
    units: Mapping[LineId, int | None]
    """Of which lines; None: all that is left of the line. No line at all: all that is left of the order."""
    at: Micros | None
    """None: now."""
    restock: bool


@dataclass(frozen=True, slots=True)
class Cancelled:
    order: Order
    lines: tuple[OrderLine, ...]
    """With the units called off."""
    refunded_minor: int
    back: tuple[StockMovement, ...]
    """What this cancelling put on the shelf again; fewer units where some had come back before, or never were taken."""
    is_new: bool


async def cancel_order(shop: Shop, wanted: Cancelling) -> Cancelled:
    """Refund what is left of it, and put back what it took, in one transaction; the same again answers as at first.

    Raises:
        NotFound: there is no such order.
        OnlyClaimed: a browser said so, and the shop never did.
        NotOrdered: lines or more units than are left of the order, or a time before it.
        CancellationConflict: the same id called off something else.
    """
    now = shop.clock.now()
    order, before, entry = await asyncio.to_thread(
        shop.orders.call_off, wanted.order_id, partial(_entry, shop.ingest.consent, wanted, now)
    )
    refund = _known(order, wanted, before) if entry is None else entry.refund
    if refund is None:
        return Cancelled(order, (), 0, (), False)
    if entry is not None:
        await _tell(shop, entry, [line.variant_id for line in refund.lines])
    movements = await asyncio.to_thread(shop.orders.movements, order.order_id) if wanted.restock else []
    return Cancelled(order, refund.lines, refund.amount_minor, _put_back(movements, refund), entry is not None)


def _entry(
    consent: ConsentBook, wanted: Cancelling, now: Micros, order: Order, before: Sequence[Refund]
) -> LogEntry | None:
    """A refund of what is left of these lines that also gives back what they took; None: it is known, or nothing is."""
    if order.status is not OrderStatus.PLACED:
        raise OnlyClaimed(
            f"Order {order.order_id!r} was only claimed by a browser and took nothing; there is nothing to call off."
        )
    if _known(order, wanted, before) is not None:
        return None
    lines = _lines(order, wanted, units_called_off(order, before))
    if not lines:
        return None
    if wanted.at is not None and wanted.at < order.ordered_at:
        raise NotOrdered(
            f"Order {order.order_id!r} was placed at {format_rfc3339(order.ordered_at)}; it cannot have been called off"
            " before."
        )
    at = max(now if wanted.at is None else wanted.at, order.ordered_at)
    event = _event(order, wanted, lines, at, now)
    amount = refundable_minor(order, lines, before)
    if amount != sum(line.quantity * (line.unit_price_minor or 0) for line in lines):
        event = msgspec.structs.replace(event, amount_minor=amount)
    entry = entry_of(event, Arrival(ORDER_DESK, Trust.SERVER, now), order.currency)
    assert entry.refund is not None, "the event is an order_refunded"
    told = CalledOff(order_id=order.order_id, lines=lines, called_off_at=at, restock=wanted.restock)
    # Of who is erased, or withholds analytics, the books go on and the behaviour is only counted.
    is_somebody = order.customer_id is not None or order.anonymous_id is not None
    return msgspec.structs.replace(
        entry,
        refund=msgspec.structs.replace(entry.refund, asked=_digest(wanted)),
        called_off=told,
        count_only=not is_somebody or not consent.allows_analytics(event),
    )


def _known(order: Order, wanted: Cancelling, before: Sequence[Refund]) -> Refund | None:
    """What the same cancelling refunded before. The books say so for good: keys of events are forgotten."""
    name = called_off_event(order.order_id, wanted.cancellation_id)
    refund = next((one for one in before if one.event_id == name), None)
    if refund is None or refund.asked == _digest(wanted):
        return refund
    if not refund.asked and _is_of(order, wanted, refund):
        return refund
    if wanted.cancellation_id == WHOLE:
        raise CancellationConflict(
            f"Order {order.order_id!r} was called off before with another word on restock; what it gave back stays."
        )
    raise CancellationConflict(
        f"The cancellation_id {wanted.cancellation_id!r} of order {order.order_id!r} called off something else"
        " before; choose another id."
    )


def _is_of(order: Order, wanted: Cancelling, refund: Refund) -> bool:
    """Earlier releases kept no digest, and refunded every line as it was asked for."""
    ordered = units_by_line(order)
    asked = {line_id: ordered.get(line_id) if units is None else units for line_id, units in wanted.units.items()}
    return (asked or ordered) == units_by_line(refund)


def _digest(wanted: Cancelling) -> str:
    """Of what is asked for; not of its time, which a second sending may leave out."""
    lines = sorted((line_id, -1 if units is None else units) for line_id, units in wanted.units.items())
    return hashlib.blake2b(msgspec.json.encode((lines, wanted.restock)), digest_size=DIGEST_BYTES).hexdigest()


def _lines(order: Order, wanted: Cancelling, gone: Mapping[LineId, int]) -> tuple[OrderLine, ...]:
    """What is asked for, whole lines shortened to what is left of them."""
    left = {line_id: units - gone.get(line_id, 0) for line_id, units in units_by_line(order).items()}
    asked = {line_id: _units(order, left, line_id, units) for line_id, units in wanted.units.items()} or dict(left)
    found = []
    for line in order.lines:
        units = min(line.quantity, left[line.line_id], asked.get(line.line_id, 0))
        if units > 0:
            # Two lines of an order told by an event may share a name.
            left[line.line_id] -= units
            asked[line.line_id] -= units
            found.append(msgspec.structs.replace(line, quantity=units))
    return tuple(found)


def _units(order: Order, left: Mapping[LineId, int], line_id: LineId, units: int | None) -> int:
    if line_id not in left:
        raise NotOrdered(f"Order {order.order_id!r} has no line {line_id!r}; it has {', '.join(list(left)[:5])}.")
    if units is None:
        return left[line_id]
    if units > left[line_id]:
        ordered = units_by_line(order)[line_id]
        before = f", {ordered - left[line_id]} of them called off before" if left[line_id] < ordered else ""
        raise NotOrdered(
            f"Line {line_id!r} of order {order.order_id!r} has {ordered} units{before}; {units} cannot be called off."
        )
    return units


def _event(order: Order, wanted: Cancelling, lines: Sequence[OrderLine], at: Micros, now: Micros) -> StoredEvent:
    # An order of who was erased names nobody; its own name stands for them in the books.
    browser = order.anonymous_id if order.customer_id or order.anonymous_id else AnonymousId(order.order_id)
    return StoredEvent(
        event_id=called_off_event(order.order_id, wanted.cancellation_id),
        kind=EventKind.ORDER_REFUNDED,
        occurred_at=at,
        received_at=now,
        shopper_key=ShopperKey(order.customer_id or browser or order.order_id),
        source=ORDER_DESK,
        trust=Trust.SERVER,
        anonymous_id=browser,
        customer_id=order.customer_id,
        products=tuple(
            ProductLine(
                product_id=line.product_id,
                variant_id=line.variant_id,
                quantity=line.quantity,
                price_minor=line.unit_price_minor,
                line_id=line.line_id,
            )
            for line in lines
        ),
        order_id=order.order_id,
        currency=order.currency,
        market=order.market,
        restock=wanted.restock,
        location_id=order.location_id,
    )


async def _tell(shop: Shop, entry: LogEntry, variant_ids: Sequence[VariantId]) -> None:
    """Ahead of the sweeper, which would say the same within seconds; twice is harmless."""
    if not entry.count_only:
        await shop.profiles.fold([entry.event])
        await shop.bus.publish([EventsAccepted((entry.event,))])
    await tell_stock_changed(shop, variant_ids)


def _put_back(movements: Sequence[StockMovement], refund: Refund) -> tuple[StockMovement, ...]:
    mark = f"/{refund.event_id}/"
    return tuple(one for one in movements if one.reason is MovementReason.RETURN and mark in one.movement_id)
