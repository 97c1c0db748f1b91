"""A sent purchase order to its supplier's webhook: signed, tried again with patience, the same message every time.

The webhook-id is made of the order and when it was sent, so a job that is run again after a crash, or an operator who
sends once more to be sure, gives a receiver that keeps ids nothing new.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from smartshop.data_collection.connectors.ports import JobRecord, PurchaseOrders, Suppliers, Webhooks
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.supply import TAKES_RECEIPTS, PurchaseOrder, PurchaseOrderId
from smartshop.data_collection.schemas.webhooks import WebhookAnswer
from smartshop.errors import Conflict, NotFound, Unavailable

SEND_PURCHASE_ORDER = "send-purchase-order"
"""The job's name."""
WORTH_A_RETRY = frozenset({408, 425, 429})
"""Beside 5xx: the supplier may take it later. Any other answer says that it never will."""


class SendConfig(msgspec.Struct, frozen=True, kw_only=True):
    retries: Annotated[int, Meta(ge=0, le=20)] = 7
    """After the first attempt; with the pauses below about a minute and a half."""
    first_pause_seconds: Annotated[float, Meta(ge=0)] = 1.0
    """Doubles with every retry; half of each pause is left to chance."""
    longest_pause_seconds: Annotated[float, Meta(ge=0)] = 120.0
    """Also of what `Retry-After` may ask for."""


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


class NotTaken(Conflict):
    code = "webhook_not_taken"


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
    trouble = ""
    for attempt in range(room.config.retries + 1):
        # Read anew each time: cancelled in a pause, or with another address, it does not go out as it was.
        order, url = await asyncio.to_thread(_sendable, room, purchase_order_id)
        room.tell(attempt / (room.config.retries + 1), trouble or "sending")
        answer: WebhookAnswer | None = None
        try:
            webhook_id, body = f"{order.purchase_order_id}.{order.sent_at}", _body(order, room.now())
            answer = await room.webhooks.post(url, webhook_id, room.now() // SECOND, body)
        except Unavailable as error:
            trouble = str(error)
        if answer is not None:
            if 200 <= answer.status < 300:
                return attempt + 1
            trouble = f"{order.supplier_id!r} answered the order {order.purchase_order_id!r} with {answer.status}."
            if answer.status not in WORTH_A_RETRY and answer.status < 500:
                raise NotTaken(f"{trouble} It was not tried again: the receiver says that it never takes this.")
        if attempt < room.config.retries:
            await room.pause(pause_seconds(room.config, attempt, answer, room.rng))
    raise NotTaken(f"{trouble} It was tried {room.config.retries + 1} times; sending it again begins anew.")


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


def pause_seconds(config: SendConfig, attempt: int, answer: WebhookAnswer | None, rng: np.random.Generator) -> float:
    """Seconds until the next attempt: exponential, half of it by chance, at least what the receiver asked for."""
    longest = config.longest_pause_seconds
    pause = min(longest, config.first_pause_seconds * 2.0**attempt) * (0.5 + 0.5 * rng.random())
    asked = answer.retry_after_seconds if answer is not None else None
    return pause if asked is None else max(pause, min(longest, asked))
