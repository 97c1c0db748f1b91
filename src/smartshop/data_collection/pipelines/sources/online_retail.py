"""UCI Online Retail (Chen, 2012 and 2019): a UK gift wholesaler's invoices, one row per line.

One `order_completed` per invoice, lines as they stand. C… invoices are refunds and returns. A… invoices are adjustments
of the ledger, and rows of price 0 without a customer are write-offs and stock corrections: there is no count they could
correct, so both go to quarantine with their reason. Codes that are no products stay as order lines and are never
recommended.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.pipelines.sources.online_retail_table import ESSENTIAL, apart_by_ids, load_table
from smartshop.data_collection.pipelines.sources.source import RejectedRow, SourceBatch, SourceOptions
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.customers import Customer
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    LineId,
    Micros,
    OrderId,
    ProductId,
    VariantId,
)

CURRENCY = "GBP"
PRODUCT_CODE = r"^\d{5}[A-Z]*$"
"""Five digits and perhaps letters; POST, M, DCGS…, gift_0001_… and the like are no products of the catalogue."""

INVOICES_PER_BATCH = 500
PRODUCTS_PER_BATCH = 1_000


class Line(NamedTuple):
    row: int
    invoice_no: str
    stock_code: str
    description: str | None
    quantity: int
    occurred_at: int
    price_minor: int
    customer_id: str | None
    country: str | None


def read_online_retail(path: Path, options: SourceOptions) -> Iterator[SourceBatch]:
    frame = load_table(path)
    whole = frame.drop_nulls(ESSENTIAL)
    yield from _incomplete(frame)
    whole, unnamed = apart_by_ids(whole)
    yield from _unnamed(unnamed)
    yield from _products(whole)
    yield from _customers(whole)
    yield from _invoices(whole)


def _incomplete(frame: pl.DataFrame) -> Iterator[SourceBatch]:
    lacking = frame.filter(pl.any_horizontal(pl.col(*ESSENTIAL).is_null()))
    if lacking.height:
        reason = "incomplete: The row lacks its invoice number, code, quantity, price or a readable time."
        rows = lacking.select("row", *ESSENTIAL, "description").iter_rows(named=True)
        rejected = [RejectedRow(row["row"], reason, json.dumps(row, ensure_ascii=False)) for row in rows]
        yield SourceBatch(rows=lacking.height, rejected=rejected)


def _unnamed(frame: pl.DataFrame) -> Iterator[SourceBatch]:
    if frame.height:
        reason = "invalid_id: The invoice number, code or customer cannot be an id; ids have no slash, 1 to 128 bytes."
        rows = frame.select("row", "invoice_no", "stock_code", "customer_id").iter_rows(named=True)
        rejected = [RejectedRow(row["row"], reason, json.dumps(row, ensure_ascii=False)) for row in rows]
        yield SourceBatch(rows=frame.height, rejected=rejected)


def _products(frame: pl.DataFrame) -> Iterator[SourceBatch]:
    """Titles are the commonest description among priced rows, prices the last one asked."""
    priced = frame.filter((pl.col("price_minor") > 0) & (pl.col("quantity") > 0))
    titles = (
        priced.filter(pl.col("description").is_not_null())
        .group_by("stock_code", "description")
        .len()
        .sort("len", "description", descending=[True, False])
        .unique("stock_code", keep="first", maintain_order=True)
        .select("stock_code", "description")
    )
    offers = priced.group_by("stock_code").agg(
        pl.col("price_minor").sort_by("ordered_at", "row").last(), pl.col("ordered_at").min()
    )
    codes = (
        frame.select("stock_code")
        .unique()
        .join(titles, on="stock_code", how="left")
        .join(offers, on="stock_code", how="left")
        .with_columns(pl.col("stock_code").str.contains(PRODUCT_CODE).alias("is_product"))
        .sort("stock_code")
    )
    columns = ("stock_code", "description", "price_minor", "ordered_at", "is_product")
    for part in codes.select(columns).iter_slices(PRODUCTS_PER_BATCH):
        yield SourceBatch(rows=0, products=[_product(*row) for row in part.iter_rows()])


def _product(
    code: str, title: str | None, price_minor: int | None, first_sold: int | None, is_product: bool
) -> Product:
    variant = VariantId(code)
    offers = () if price_minor is None else (Offer(variant_id=variant, price_minor=price_minor, currency=CURRENCY),)
    return Product(
        product_id=ProductId(code),
        title=title.title().replace("'S", "'s") if title else code,
        published_at=None if first_sold is None else Micros(first_sold),
        variants=(Variant(variant_id=variant, offers=offers),),
        recommendable=is_product,
    )


def _customers(frame: pl.DataFrame) -> Iterator[SourceBatch]:
    known = frame.filter(pl.col("customer_id").is_not_null()).unique("customer_id", keep="first", maintain_order=True)
    for part in known.select("customer_id", "country").iter_slices(PRODUCTS_PER_BATCH):
        yield SourceBatch(
            rows=0, customers=[Customer(customer_id=CustomerId(who), country=where) for who, where in part.iter_rows()]
        )


def _invoices(frame: pl.DataFrame) -> Iterator[SourceBatch]:
    events: list[Event] = []
    event_lines: list[int] = []
    rejected: list[RejectedRow] = []
    rows = invoices = 0
    for lines in _by_invoice(frame):
        rows, invoices = rows + len(lines), invoices + 1
        good = []
        for line in lines:
            if reason := _why_not(line):
                rejected.append(RejectedRow(line.row, reason, json.dumps(line._asdict(), ensure_ascii=False)))
            else:
                good.append(line)
        if good:
            said = _refund(good) if good[0].invoice_no.startswith("C") else [_order(good)]
            events.extend(said)
            event_lines.extend(good[0].row for _ in said)
        if invoices == INVOICES_PER_BATCH:
            yield SourceBatch(rows=rows, events=events, event_lines=event_lines, rejected=rejected)
            events, event_lines, rejected, rows, invoices = [], [], [], 0, 0
    if invoices:
        yield SourceBatch(rows=rows, events=events, event_lines=event_lines, rejected=rejected)


def _by_invoice(frame: pl.DataFrame) -> Iterator[list[Line]]:
    columns = ("row", "invoice_no", "stock_code", "description", "quantity", "ordered_at", "price_minor", "customer_id")
    lines: list[Line] = []
    for cells in frame.select(*columns, "country").iter_rows():
        line = Line._make(cells)
        if lines and line.invoice_no != lines[0].invoice_no:
            yield lines
            lines = []
        lines.append(line)
    if lines:
        yield lines


def _why_not(line: Line) -> str | None:
    if line.invoice_no.startswith("A"):
        return f"adjustment: Invoice {line.invoice_no} adjusts the ledger; it sold nothing."
    if line.price_minor < 0:
        return f"negative_price: The unit price is {line.price_minor / 100:.2f}; a sale needs 0 or more."
    is_credit = line.invoice_no.startswith("C")
    if is_credit and line.quantity >= 0:
        return (
            f"positive_credit: Credit note {line.invoice_no} gives back {line.quantity} units; it needs a negative one."
        )
    if not is_credit and line.price_minor == 0 and line.customer_id is None:
        return f"write_off: {line.quantity} units of {line.stock_code} without price or customer correct the stock."
    if not is_credit and line.quantity <= 0:
        return f"negative_quantity: Invoice {line.invoice_no} sells {line.quantity} units and is no credit note."
    return None


def _product_lines(lines: list[Line]) -> list[ProductLine]:
    return [
        ProductLine(
            product_id=ProductId(line.stock_code),
            variant_id=VariantId(line.stock_code),
            quantity=abs(line.quantity),
            price_minor=line.price_minor,
            line_id=LineId(str(index)),
        )
        for index, line in enumerate(lines)
    ]


def _digest(lines: list[Line]) -> str:
    """So that the same invoice again is a duplicate, and another of that number a conflict to be told."""
    content = [(line.stock_code, line.quantity, line.price_minor, line.customer_id) for line in lines]
    return hashlib.blake2b(repr((lines[0].occurred_at, content)).encode(), digest_size=6).hexdigest()


def _order(lines: list[Line]) -> Event:
    first = lines[0]
    known = first.customer_id is not None
    return Event(
        kind=EventKind.ORDER_COMPLETED,
        event_id=EventId(f"{first.invoice_no}-{_digest(lines)}"),
        order_id=OrderId(first.invoice_no),
        occurred_at=format_rfc3339(first.occurred_at),
        customer_id=CustomerId(first.customer_id) if first.customer_id else None,
        anonymous_id=None if known else AnonymousId(first.invoice_no),
        products=_product_lines(lines),
        currency=CURRENCY,
        context=Context(country=first.country) if first.country else None,
    )


def _refund(lines: list[Line]) -> list[Event]:
    """A credit note gives the money back and says the goods came back; which order it undoes the data does not tell."""
    first = lines[0]
    known = first.customer_id is not None
    refund = Event(
        kind=EventKind.ORDER_REFUNDED,
        event_id=EventId(f"{first.invoice_no}-refund"),
        occurred_at=format_rfc3339(first.occurred_at),
        customer_id=CustomerId(first.customer_id) if first.customer_id else None,
        anonymous_id=None if known else AnonymousId(first.invoice_no),
        products=_product_lines(lines),
        amount_minor=sum(-line.quantity * line.price_minor for line in lines),
        currency=CURRENCY,
        properties={"credit_note": first.invoice_no},
    )
    goods = [line for line in lines if line.stock_code[:5].isdigit()]
    if not goods:
        return [refund]
    came_back = Event(
        kind=EventKind.ORDER_RETURNED,
        event_id=EventId(f"{first.invoice_no}-return"),
        occurred_at=refund.occurred_at,
        customer_id=refund.customer_id,
        anonymous_id=refund.anonymous_id,
        products=_product_lines(goods),
        currency=CURRENCY,
        properties={"credit_note": first.invoice_no},
    )
    return [refund, came_back]
