"""Small records to tell the stores; every field that a test does not name has one usual value."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from smartshop.data_collection.connectors.ports import LogEntry, Outcome
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    LineId,
    Micros,
    OrderId,
    ProductId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.orders import Order, OrderLine

Result = TypeVar("Result")

SECOND = 1_000_000
NOON = Micros(1_760_000_000 * SECOND)
"""A moment in October 2025; everything in these tests happens around it."""


def at(seconds: float) -> Micros:
    return Micros(NOON + int(seconds * SECOND))


def event(name: str, **told: Any) -> StoredEvent:  # noqa: ANN401  any field of the record
    fields: dict[str, Any] = {
        "event_id": EventId(name),
        "kind": EventKind.PRODUCT_VIEWED,
        "occurred_at": NOON,
        "source": "api",
        "trust": Trust.CLIENT,
        "products": (ProductLine(product_id=ProductId("tent")),),
        **told,
    }
    fields.setdefault("received_at", fields["occurred_at"] + SECOND)
    if "customer_id" not in fields:
        fields.setdefault("anonymous_id", AnonymousId("browser"))
    fields.setdefault("shopper_key", ShopperKey(fields.get("customer_id") or fields["anonymous_id"]))
    return msgspec.convert(msgspec.to_builtins(fields), StoredEvent)


def order(name: str, units: int = 1, **told: Any) -> Order:  # noqa: ANN401  any field of the record
    line = OrderLine(
        line_id=LineId("0"),
        product_id=ProductId("tent"),
        variant_id=VariantId("tent-green"),
        quantity=units,
        unit_price_minor=9_900,
    )
    fields: dict[str, Any] = {
        "order_id": OrderId(name),
        "lines": (line,),
        "currency": "GBP",
        "ordered_at": NOON,
        "received_at": at(1),
        "trust": Trust.SERVER,
        "customer_id": CustomerId("ada"),
        **told,
    }
    return Order(**fields)


def order_entry(name: str, told: Order, **fields: Any) -> LogEntry:  # noqa: ANN401  any field of the event
    """The `order_completed` event of that name, carrying an order."""
    told_event = event(
        name,
        kind=EventKind.ORDER_COMPLETED,
        order_id=told.order_id,
        trust=told.trust,
        customer_id=told.customer_id,
        occurred_at=told.ordered_at,
        **fields,
    )
    return LogEntry(event=told_event, order=told)


def link(browser: str, customer: str, seconds: float, trust: Trust = Trust.SERVER) -> IdentityLink:
    return IdentityLink(
        anonymous_id=AnonymousId(browser), customer_id=CustomerId(customer), received_at=at(seconds), trust=trust
    )


def append(stores: SqlStores, *entries: LogEntry | StoredEvent) -> list[Outcome]:
    """One batch."""
    batch = [entry if isinstance(entry, LogEntry) else LogEntry(event=entry) for entry in entries]
    outcomes, _ = stores.log.append([batch])
    return outcomes[0]


def in_threads(work: Sequence[Callable[[], Result]]) -> list[Result]:
    """All at once; results in the order given."""
    with ThreadPoolExecutor(max_workers=len(work)) as pool:
        return [future.result() for future in [pool.submit(each) for each in work]]
