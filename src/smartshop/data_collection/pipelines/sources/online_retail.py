"""UCI Online Retail (Chen, 2012 and 2019): a UK gift wholesaler's invoices, one row per line.

One `order_completed` per invoice, lines as they stand. C… invoices are refunds and returns. A… invoices are adjustments
of the ledger, and rows of price 0 without a customer are write-offs and stock corrections: there is no count they could
correct, so both go to quarantine with their reason. Codes that are no products stay as order lines and are never
recommended.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from smartshop.data_collection.pipelines.clock import format_rfc3339
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
from smartshop.errors import SourceError

CURRENCY = "GBP"
TIMEZONE = "Europe/London"
PRODUCT_CODE = r"^\d{5}[A-Z]*$"
"""Five digits and perhaps letters; POST, M, DCGS…, gift_0001_… and the like are no products of the catalogue."""

INVOICES_PER_BATCH = 500
PRODUCTS_PER_BATCH = 1_000

COLUMNS = {
    "invoice": "invoice_no",
    "invoiceno": "invoice_no",
    "stockcode": "stock_code",
    "invoicedate": "invoice_ts",
    "unitprice": "unit_price",
    "price": "unit_price",
    "customerid": "customer_id",
    "customer id": "customer_id",
}
"""UCI's own column names → ours."""
NEEDED = ("invoice_no", "stock_code", "description", "quantity", "invoice_ts", "unit_price", "customer_id", "country")

ESSENTIAL = ("invoice_no", "stock_code", "quantity", "occurred_at")

COUNTRY_CODES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Bermuda": "BM", "Brazil": "BR",
    "Canada": "CA", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI",
    "France": "FR", "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL",
    "Italy": "IT", "Japan": "JP", "Korea": "KR", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT",
    "Netherlands": "NL", "Nigeria": "NG", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA",
    "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "Thailand": "TH",
    "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip
"""ISO 3166 alpha-2; Channel Islands, European Community, West Indies and Unspecified are no country and become null."""


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
    frame = _load(path)
    whole = frame.drop_nulls(ESSENTIAL)
    yield from _incomplete(frame)
    yield from _products(whole)
    yield from _customers(whole)
    yield from _invoices(whole)


def _load(path: Path) -> pl.DataFrame:
    """The rows in the file's order, invoices by their first time, prices in pence, times in UTC."""
    if not path.is_file():
        raise SourceError(f"There is no file {path}; give the path of the data set as .parquet or .csv.")
    try:
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path.name} cannot be read: {str(error)[:200]}.") from None
    frame = frame.rename({column: COLUMNS.get(column.lower(), column.lower()) for column in frame.columns})
    if missing := [column for column in NEEDED if column not in frame.columns]:
        raise SourceError(f"{path.name} lacks the column {missing[0]}; it has {', '.join(frame.columns)[:200]}.")
    pence = np.rint(np.round(frame["unit_price"].cast(pl.Float64).fill_null(0.0).to_numpy() * 100, 6))
    when = pl.col("invoice_ts")
    if frame.schema["invoice_ts"] == pl.String:
        when = when.str.to_datetime(time_unit="us")
    local = when.cast(pl.Datetime("us")).dt.replace_time_zone(TIMEZONE, ambiguous="earliest", non_existent="null")
    return (
        frame.with_row_index("row", offset=1)
        .with_columns(
            pl.col("invoice_no").cast(pl.String).str.strip_chars().replace("", None),
            pl.col("stock_code").cast(pl.String).str.strip_chars().str.to_uppercase().replace("", None),
            pl.col("description").cast(pl.String).str.strip_chars(),
            pl.Series("price_minor", pence.astype(np.int64)),
            local.dt.convert_time_zone("UTC").dt.epoch("us").alias("occurred_at"),
            pl.col("customer_id").cast(pl.Float64, strict=False).cast(pl.Int64).cast(pl.String),
            pl.col("country").replace_strict(COUNTRY_CODES, default=None, return_dtype=pl.String),
        )
        .with_columns(pl.col("occurred_at").min().over("invoice_no").alias("ordered_at"))
        .sort("ordered_at", "invoice_no", "row")
    )


def _incomplete(frame: pl.DataFrame) -> Iterator[SourceBatch]:
    lacking = frame.filter(pl.any_horizontal(pl.col(*ESSENTIAL).is_null()))
    if lacking.height:
        reason = "incomplete: The row lacks its invoice number, code, quantity or a readable time."
        rows = lacking.select("row", *ESSENTIAL, "description").iter_rows(named=True)
        rejected = [RejectedRow(row["row"], reason, json.dumps(row, ensure_ascii=False)) for row in rows]
        yield SourceBatch(rows=lacking.height, rejected=rejected)


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
            events.extend(_refund(good) if good[0].invoice_no.startswith("C") else [_order(good)])
        if invoices == INVOICES_PER_BATCH:
            yield SourceBatch(rows=rows, events=events, rejected=rejected)
            events, rejected, rows, invoices = [], [], 0, 0
    if invoices:
        yield SourceBatch(rows=rows, events=events, rejected=rejected)


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


def _order(lines: list[Line]) -> Event:
    first = lines[0]
    known = first.customer_id is not None
    return Event(
        kind=EventKind.ORDER_COMPLETED,
        event_id=EventId(first.invoice_no),
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
