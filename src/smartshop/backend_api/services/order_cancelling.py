"""Calling off a customer's order: it is refunded, and what it took goes back on the shelf, each unit once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from smartshop.backend_api.services.stock_changes import tell_stock_changed
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.pipelines.consequences import entry_of
from smartshop.data_collection.schemas.events import ORDER_DESK, EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, LineId, Micros, OrderId, ShopperKey, VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted
from smartshop.data_collection.schemas.orders import CalledOff, Order, OrderLine, OrderStatus, called_off_event
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from smartshop.errors import Conflict, NotFound

WHOLE = ""
"""Stands for the name of calling off everything, which can be done once; no client can send an empty name."""


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
    """Of which lines; None: the whole line. No line at all: the whole order."""
    at: Micros | None
    """None: now."""
    restock: bool


@dataclass(frozen=True, slots=True)
class Cancelled:
    order: Order
    lines: tuple[OrderLine, ...]
    """With the units called off."""
    back: tuple[StockMovement, ...]
    """What this cancelling put on the shelf again; fewer units where some had come back before, or never were taken."""
    is_new: bool


async def cancel_order(shop: Shop, wanted: Cancelling) -> Cancelled:
    """Refund it, and put back what it took, in one transaction.

    Raises:
        NotFound: there is no such order.
        OnlyClaimed: a browser said so, and the shop never did.
        NotOrdered: lines or units that the order has not, or a time before it.
        CancellationConflict: the same id called off something else.
    """
    order = await asyncio.to_thread(shop.orders.get, wanted.order_id)
    if order is None:
        raise NotFound(f"There is no order {wanted.order_id!r}.")
    if order.status is not OrderStatus.PLACED:
        raise OnlyClaimed(
            f"Order {order.order_id!r} was only claimed by a browser and took nothing; there is nothing to call off."
        )
    lines, now = _lines(order, wanted), shop.clock.now()
    entry = _entry(shop, order, wanted, lines, now)
    outcomes, _ = await asyncio.to_thread(shop.log.append, [[entry]])
    outcome = outcomes[0][0]
    if outcome.conflict is not None:
        raise Conflict(outcome.conflict)
    if outcome.other_content:
        raise CancellationConflict(
            f"The cancellation_id {wanted.cancellation_id!r} of order {order.order_id!r} called off something else"
            " before; choose another id."
        )
    if outcome.stored:
        await _tell(shop, entry, [line.variant_id for line in lines])
    movements = await asyncio.to_thread(shop.orders.movements, order.order_id)
    return Cancelled(order, lines, _put_back(movements, entry), outcome.stored)


def _lines(order: Order, wanted: Cancelling) -> tuple[OrderLine, ...]:
    known = {line.line_id: line for line in order.lines}
    if not wanted.units:
        return order.lines
    found = []
    for line_id, units in wanted.units.items():
        line = known.get(line_id)
        if line is None:
            names = ", ".join(list(known)[:5])
            raise NotOrdered(f"Order {order.order_id!r} has no line {line_id!r}; it has {names}.")
        if units is not None and units > line.quantity:
            raise NotOrdered(
                f"Line {line_id!r} of order {order.order_id!r} has {line.quantity} units; {units} cannot be called off."
            )
        found.append(line if units is None else msgspec.structs.replace(line, quantity=units))
    return tuple(found)


def _entry(shop: Shop, order: Order, wanted: Cancelling, lines: Sequence[OrderLine], now: Micros) -> LogEntry:
    """A refund of these lines that also gives back what they took."""
    at = max(now if wanted.at is None else wanted.at, order.ordered_at)
    if wanted.at is not None and wanted.at < order.ordered_at:
        raise NotOrdered(
            f"Order {order.order_id!r} was placed at {format_rfc3339(order.ordered_at)}; it cannot have been called off"
            " before."
        )
    event = _event(order, wanted, lines, at, now)
    entry = entry_of(event, Arrival(ORDER_DESK, Trust.SERVER, now), order.currency)
    told = CalledOff(order_id=order.order_id, lines=tuple(lines), called_off_at=at, restock=wanted.restock)
    # Of who is erased, or withholds analytics, the books go on and the behaviour is only counted.
    is_somebody = order.customer_id is not None or order.anonymous_id is not None
    count_only = not is_somebody or not shop.ingest.consent.allows_analytics(event)
    return msgspec.structs.replace(entry, called_off=told, count_only=count_only)


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


def _put_back(movements: Sequence[StockMovement], entry: LogEntry) -> tuple[StockMovement, ...]:
    if entry.called_off is None or not entry.called_off.restock:
        return ()
    mark = f"/{entry.event.event_id}/"
    return tuple(one for one in movements if one.reason is MovementReason.RETURN and mark in one.movement_id)
