"""What the sales of a shop look like, in five figures that a made-up shop and a real one can be compared by.

All of them over the order lines of *known* customers in 60 days, a line being one distinct product of one order:

- `lines_per_order`: mean distinct products per order. Units are left out: `online_retail` is a wholesaler, whose median
  line is six pieces, which no shop for people has.
- `repeat_customers`: share of the customers with an order who have a second one in the same 60 days.
- `repeat_lines`: share of the lines whose customer had bought that product before in the same 60 days.
- `top_fifth`: share of the lines that goes to the best-selling fifth of the products sold at all.
- `gini`: Gini coefficient of lines per product sold at all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

WINDOW_DAYS = 60


@dataclass(frozen=True, slots=True)
class SalesShape:
    lines_per_order: float
    repeat_customers: float
    repeat_lines: float
    top_fifth: float
    gini: float


ONLINE_RETAIL = SalesShape(
    lines_per_order=20.157, repeat_customers=0.3383, repeat_lines=0.1024, top_fifth=0.6596, gini=0.6299
)
"""Medians over the 11 consecutive windows of 60 days from 2009-12-01 of UCI Online Retail I+II, as
`online_retail_shape` works them out; the test beside this file checks them where the data is at hand."""


def shape_of(lines: pl.DataFrame) -> SalesShape:
    """`lines`: columns customer, order, product; a product named twice in an order is one line."""
    lines = lines.select("customer", "order", "product").unique()
    orders_per_customer = lines.group_by("customer").agg(pl.col("order").n_unique().alias("orders"))["orders"]
    per_product = np.sort(lines.group_by("product").len()["len"].to_numpy().astype(np.float64))
    top = round(0.2 * len(per_product))
    return SalesShape(
        lines_per_order=lines.height / lines["order"].n_unique(),
        repeat_customers=int((orders_per_customer >= 2).sum()) / len(orders_per_customer),
        repeat_lines=1 - lines.select("customer", "product").unique().height / lines.height,
        top_fifth=float(per_product[-top:].sum() / per_product.sum()),
        gini=gini(per_product),
    )


def gini(ascending: NDArray[np.float64]) -> float:
    """Gini coefficient of values sorted upwards: 0 all equal, near 1 one has everything."""
    n = len(ascending)
    return float(2 * (np.arange(1, n + 1) * ascending).sum() / (n * ascending.sum()) - (n + 1) / n)


def online_retail_shape(parquet: Path) -> SalesShape:
    """The same of the real invoices: sold products (five digits first), paid for, by known customers."""
    invoices = (
        pl.read_parquet(parquet)
        .with_columns(product=pl.col("stock_code").str.strip_chars().str.to_uppercase())
        .filter(
            ~pl.col("invoice_no").str.contains("^[CA]"),
            pl.col("quantity") > 0,
            pl.col("unit_price") > 0,
            pl.col("product").str.contains(r"^\d{5}"),
            pl.col("customer_id").is_not_null(),
        )
        .rename({"customer_id": "customer", "invoice_no": "order"})
    )
    shapes = []
    start, window = datetime(2009, 12, 1), timedelta(days=WINDOW_DAYS)  # noqa: DTZ001  # the data's own local time
    while start + window <= datetime(2011, 10, 1):  # noqa: DTZ001
        shapes.append(shape_of(invoices.filter(pl.col("invoice_ts").is_between(start, start + window, closed="left"))))
        start += window
    return SalesShape(
        *(float(np.median([getattr(shape, name) for shape in shapes])) for name in SalesShape.__dataclass_fields__)
    )
