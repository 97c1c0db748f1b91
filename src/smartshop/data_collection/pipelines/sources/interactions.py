"""Interactions: who did what with which product, a row each; rows of one order_id are one order."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from smartshop.data_collection.pipelines.sources.cells import moment, whole_number, wire_time
from smartshop.data_collection.pipelines.sources.rows import Row, batched_rows, read_rows, refuse
from smartshop.data_collection.pipelines.sources.source import RejectedRow, SourceBatch, SourceOptions
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    SessionId,
    VariantId,
    clean_id,
)
from smartshop.errors import InvalidValue

ALIASES = {
    "user_id": "customer_id",
    "item_id": "product_id",
    "sku": "product_id",
    "timestamp": "occurred_at",
    "pos": "position",
    "event_type": "kind",
}
NEEDS = ("customer_id|anonymous_id", "product_id|variant_id")
ROWS_PER_BATCH = 1_000
ORDERS_PER_BATCH = 250

POSITION_START = 946_771_200 * 1_000_000
"""2000-01-02T00:00:00Z: where only an order is known, position n happened n minutes after it."""
POSITION_STEP = 60 * 1_000_000
LINE_STEP = 1_000_000
"""Where not even an order is named, the file's own stands for it: a second a line."""


def read_interactions(path: Path, options: SourceOptions) -> Iterator[SourceBatch]:
    occurrences: Counter[bytes] = Counter()
    orders: dict[str, list[Row]] = {}
    for rows in batched_rows(read_rows(path, ALIASES, NEEDS), ROWS_PER_BATCH):
        events: list[Event] = []
        lines: list[int] = []
        rejected = [row for row in rows if isinstance(row, RejectedRow)]
        held = 0
        for row in rows:
            if isinstance(row, RejectedRow):
                continue
            if row.values.get("kind") == EventKind.ORDER_COMPLETED and "order_id" in row.values:
                # Rows of one order may lie anywhere in the file, so orders wait for its end.
                orders.setdefault(row.values["order_id"], []).append(row)
                held += 1
                continue
            try:
                events.append(_event(row, occurrences, options))
                lines.append(row.line)
            except InvalidValue as error:
                rejected.append(refuse(row, error))
        yield SourceBatch(rows=len(rows) - held, events=events, event_lines=lines, rejected=rejected)
    yield from _orders(orders, options)


def _orders(orders: dict[str, list[Row]], options: SourceOptions) -> Iterator[SourceBatch]:
    # By time, so that a shopper's life is entered in the order it was lived.
    by_time = iter(sorted(orders.values(), key=lambda lines: (lines[0].values.get("occurred_at", ""), lines[0].line)))
    while waiting := list(islice(by_time, ORDERS_PER_BATCH)):
        events: list[Event] = []
        rejected: list[RejectedRow] = []
        first_lines: list[int] = []
        for lines in waiting:
            try:
                events.append(_order(lines, options))
                first_lines.append(lines[0].line)
            except InvalidValue as error:
                rejected.extend(refuse(line, error) for line in lines)
        yield SourceBatch(rows=sum(map(len, waiting)), events=events, event_lines=first_lines, rejected=rejected)


def _event(row: Row, occurrences: Counter[bytes], options: SourceOptions) -> Event:
    values = row.values
    text = values.get("kind", EventKind.PRODUCT_VIEWED)
    try:
        kind = EventKind(text)
    except ValueError:
        raise InvalidValue(f"The kind {text[:40]!r} is none we know; use for example product_viewed.") from None
    return Event(
        kind=kind,
        event_id=_event_id(values, occurrences),
        occurred_at=wire_time(_when(row)),
        customer_id=CustomerId(clean_id(values["customer_id"], "customer_id")) if "customer_id" in values else None,
        anonymous_id=AnonymousId(clean_id(values["anonymous_id"], "anonymous_id"))
        if "anonymous_id" in values
        else None,
        session_id=SessionId(values["session_id"]) if "session_id" in values else None,
        products=[_line(values)],
        order_id=OrderId(values["order_id"]) if "order_id" in values else None,
        currency=values.get("currency", options.currency),
        rating=_rating(values),
    )


def _order(lines: list[Row], options: SourceOptions) -> Event:
    first = lines[0].values
    order_id = clean_id(first["order_id"], "order_id")
    for line in lines:
        if any(line.values.get(column) != first.get(column) for column in ("customer_id", "anonymous_id")):
            raise InvalidValue(f"The order {order_id} names several shoppers; rows of one order have the same one.")
    return Event(
        kind=EventKind.ORDER_COMPLETED,
        event_id=EventId(first["event_id"]) if "event_id" in first else _order_event_id(lines),
        order_id=OrderId(order_id),
        occurred_at=wire_time(_when(lines[0])),
        customer_id=CustomerId(clean_id(first["customer_id"], "customer_id")) if "customer_id" in first else None,
        anonymous_id=AnonymousId(clean_id(first["anonymous_id"], "anonymous_id")) if "anonymous_id" in first else None,
        session_id=SessionId(first["session_id"]) if "session_id" in first else None,
        products=[_line(line.values) for line in lines],
        currency=first.get("currency", options.currency),
    )


def _line(values: dict[str, str]) -> ProductLine:
    return ProductLine(
        product_id=ProductId(clean_id(values["product_id"], "product_id")) if "product_id" in values else None,
        variant_id=VariantId(clean_id(values["variant_id"], "variant_id")) if "variant_id" in values else None,
        quantity=whole_number(values, "quantity"),
        price_minor=whole_number(values, "price_minor"),
    )


def _event_id(values: dict[str, str], occurrences: Counter[bytes]) -> EventId:
    """The row's own id, else a hash of its content and which occurrence of that content it is in the file.

    So importing twice changes nothing, and two true repeats stay two.
    """
    if "event_id" in values:
        return EventId(values["event_id"])
    digest = _digest([values])
    occurrences[digest] += 1
    return EventId(f"row-{digest.hex()}-{occurrences[digest]}")


def _order_event_id(lines: list[Row]) -> EventId:
    """With the content in it: the same order again is a duplicate, another one of that id a conflict to be told."""
    return EventId(f"order-{_digest([line.values for line in lines]).hex()}")


def _digest(rows: list[dict[str, str]]) -> bytes:
    content = "\x1e".join("\x1f".join(f"{column}={row[column]}" for column in sorted(row)) for row in rows)
    return hashlib.blake2b(content.encode(), digest_size=12).digest()


def _when(row: Row) -> Micros:
    """Never the time of the import: the same file must say the same each time it is read."""
    given = moment(row.values, "occurred_at")
    if given is not None:
        return given
    position = whole_number(row.values, "position")
    if position is not None:
        return Micros(POSITION_START + position * POSITION_STEP)
    return Micros(POSITION_START + row.line * LINE_STEP)


def _rating(values: dict[str, str]) -> float | None:
    text = values.get("rating")
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidValue(f"The rating {text[:40]!r} is no number; write for example 4.5.") from None
