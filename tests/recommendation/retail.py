"""A wholesaler's history as interactions, straight from the public table: what a test of baskets needs of it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from smartshop.ai_agents.recommendation.held_out import HeldOut, Protocol, hold_out
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.data_collection.pipelines.interactions import KIND_NUMBERS, Interactions
from smartshop.data_collection.pipelines.sources.online_retail import PRODUCT_CODE
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from tests.recommendation.worlds import DAY


def micros(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


def online_retail(shared_data: Path, until: int) -> Interactions:
    """Invoices of known customers before `until`, µs UTC; each product once an invoice, cancellations left out."""
    table = (
        pl.read_parquet(shared_data / "online_retail" / "online_retail.parquet")
        .with_columns(
            pl.col("stock_code").cast(pl.String).str.strip_chars().str.to_uppercase(),
            pl.col("invoice_ts").cast(pl.Datetime("us")).dt.epoch("us").alias("at"),
            pl.col("invoice_no").cast(pl.String),
        )
        .filter(pl.col("customer_id").is_not_null(), pl.col("quantity") > 0, pl.col("unit_price") > 0)
        .filter(pl.col("stock_code").str.contains(PRODUCT_CODE), pl.col("at") < until)
        .unique(["invoice_no", "stock_code"])
        .sort("customer_id", "at", "invoice_no", "stock_code")
    )
    numbers = {
        column: np.unique(table[column].to_numpy(), return_inverse=True)[1].astype(np.int32)
        for column in ("customer_id", "stock_code", "invoice_no")
    }
    return Interactions(
        shopper_no=numbers["customer_id"],
        product_no=numbers["stock_code"],
        kind=np.full(len(table), KIND_NUMBERS[EventKind.ORDER_COMPLETED], np.int8),
        occurred_at=table["at"].to_numpy().astype(np.int64),
        quantity=np.ones(len(table), np.int32),
        order_no=numbers["invoice_no"],
        n_shoppers=int(numbers["customer_id"].max()) + 1,
        n_products=int(numbers["stock_code"].max()) + 1,
        data_until=Micros(int(table["at"].to_numpy().max())),
    )


def next_baskets(shared_data: Path, cut: int, shoppers: int) -> HeldOut:
    """First orders within four weeks of the cut, of customers who had ordered before it."""
    sequences = make_sequences(online_retail(shared_data, cut + 28 * DAY), SequenceConfig())
    return hold_out(sequences, shoppers, np.random.default_rng(0), Protocol.NEXT_BASKET, cut=cut)
