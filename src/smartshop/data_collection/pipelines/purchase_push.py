"""A sent purchase order to its supplier's webhook: signed, tried again with patience, the same message every time.

The webhook-id is made of the order and when it was sent, so a job that is run again after a crash, or an operator who
sends once more to be sure, gives a receiver that keeps ids nothing new.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np

from smartshop.data_collection.connectors.ports import JobRecord, PurchaseOrders, Suppliers, Webhooks
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.pipelines.webhook_patience import Message, NotTaken, SendConfig, send_patiently
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.supply import TAKES_RECEIPTS, PurchaseOrder, PurchaseOrderId
from smartshop.errors import NotFound

SEND_PURCHASE_ORDER = "send-purchase-order"
"""The job's name."""


class SentLine(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: str
    units: int
    unit_cost_minor: int


class SentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the request."""

    type: str = "purchase_order.sent"
    timestamp: str
    purchase_order_id: str
    supplier_id: str
    currency: str
    lines: list[SentLine]
    deliver_to: str
    fixed_cost_minor: int
    total_minor: int
    expected_at: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class SendRoom:
    """What a sending works with."""

    purchase_orders: PurchaseOrders
    suppliers: Suppliers
    webhooks: Webhooks
    now: Callable[[], Micros]
    """Real time: signatures bear it."""
    rng: np.random.Generator
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    tell: Callable[[float, str], None] = lambda share, what: None
    config: SendConfig = field(default_factory=SendConfig)


def send_job(purchase_order_id: PurchaseOrderId, now: Micros) -> JobRecord:
    """What is queued to deliver it."""
    return JobRecord(name=SEND_PURCHASE_ORDER, arguments={"purchase_order_id": purchase_order_id}, queued_at=now)


async def send_to_webhook(room: SendRoom, purchase_order_id: PurchaseOrderId) -> int:
    """Send it until it is taken; how many attempts that took.

    Raises:
        NotFound: there is no such order, or its supplier has no webhook (any more).
        NotTaken: the supplier says that it never takes it, or did not within the retries; or it is not sent.
        AddressRefused: the address may not be called.
    """
    outcome = await send_patiently(room, partial(_message, room, purchase_order_id))
    if outcome.never:
        raise NotTaken(f"{outcome.trouble} It was not tried again: the receiver says that it never takes this.")
    if not outcome.taken:
        raise NotTaken(f"{outcome.trouble} It was tried {outcome.attempts} times; sending it again begins anew.")
    return outcome.attempts


async def _message(room: SendRoom, purchase_order_id: PurchaseOrderId) -> Message:
    """Read anew each time: cancelled in a pause, or with another address, it does not go out as it was."""
    order, url = await asyncio.to_thread(_sendable, room, purchase_order_id)
    webhook_id = f"{order.purchase_order_id}.{order.sent_at}"
    answered = f"{order.supplier_id!r} answered the order {order.purchase_order_id!r}"
    return Message(url, webhook_id, _body(order, room.now()), answered)


def _sendable(room: SendRoom, purchase_order_id: PurchaseOrderId) -> tuple[PurchaseOrder, str]:
    order = room.purchase_orders.get(purchase_order_id)
    if order is None:
        raise NotFound(f"There is no purchase order {purchase_order_id!r}.")
    if order.status not in TAKES_RECEIPTS:
        raise NotTaken(f"The purchase order {purchase_order_id!r} is {order.status.value}, so it does not go out.")
    supplier = room.suppliers.get(order.supplier_id)
    if supplier is None or supplier.webhook_url is None:
        raise NotFound(f"The supplier {order.supplier_id!r} has no webhook to send {purchase_order_id!r} to.")
    return order, supplier.webhook_url


def _body(order: PurchaseOrder, now: Micros) -> bytes:
    return msgspec.json.encode(
        SentOrder(
            timestamp=format_rfc3339(now),
            purchase_order_id=order.purchase_order_id,
            supplier_id=order.supplier_id,
            currency=order.currency,
            lines=[
                SentLine(variant_id=line.variant_id, units=line.units, unit_cost_minor=line.unit_cost_minor)
                for line in order.lines
            ],
            deliver_to=order.location_id,
            fixed_cost_minor=order.fixed_cost_minor,
            total_minor=order.total_minor,
            expected_at=rfc3339_or_none(order.expected_at),
            reference=order.reference,
        )
    )
