"""Public histories of counts as panels; no loader chooses series by what came after an origin, but carparts' own."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from smartshop.data_collection.pipelines.sources.online_retail import PRODUCT_CODE
from smartshop.data_collection.pipelines.sources.online_retail_table import ESSENTIAL, TIMEZONE, load_table

TOP_PRODUCTS = (1, 500)
"""First and last rank by units."""
M5_SERIES = 1_000
DAY_MICROS = 86_400_000_000


def load_carparts(path: Path) -> Panel:
    """(2,509, 51) complete monthly series of spare parts, in the order of their ids."""
    table = pl.read_parquet(_file(path, "carparts_monthly.parquet")).with_columns(
        pl.col("series_id").cast(pl.String),
        (pl.col("year").cast(int) * 12 + pl.col("period").cast(int) - 1).alias("month"),
    )
    first, last = int(table["month"].min()), int(table["month"].max())  # type: ignore[arg-type]
    ids, row = np.unique(table["series_id"].to_numpy(), return_inverse=True)
    demand = np.full((len(ids), last - first + 1), np.nan)
    demand[row, table["month"].to_numpy() - first] = table["value"].to_numpy()
    complete = np.isfinite(demand).all(axis=1)
    return Panel(demand[complete], Period.MONTH, date(first // 12, first % 12 + 1, 1).toordinal())


def load_m5(path: Path, draw: int = 0) -> Panel:
    """(1,000, 62) full months of item-store series, as `draw_series` has them; unknown before their first sale."""
    table = pl.read_parquet(_file(path, "m5_monthly_units.parquet")).with_columns(
        pl.col("item_id", "store_id").cast(pl.String)
    )
    table = table.sort("item_id", "store_id", "month")
    months = table["month"].unique().sort().to_list()[1:-1]
    keys = table.select("item_id", "store_id").unique(maintain_order=True)
    demand = table["units"].to_numpy().reshape(keys.height, -1).astype(np.float64)[:, 1:-1]
    drawn = draw_series(keys.height, draw)
    items = keys["item_id"].to_numpy()[drawn]
    departments = np.array([item.rsplit("_", 1)[0] for item in items])
    groups = {"department": departments, "store": keys["store_id"].to_numpy()[drawn]}
    codes = {name: np.unique(values, return_inverse=True)[1].astype(np.int32) for name, values in groups.items()}
    return Panel(_from_first_sale(demand[drawn]), Period.MONTH, months[0].toordinal(), groups=codes)


def draw_series(n: int, draw: int) -> NDArray[np.int64]:
    """(1,000,) of n series by `default_rng(draw)`; every draw but the first, 0, is of those that the first left."""
    first = np.random.default_rng(0).choice(n, M5_SERIES, replace=False)
    if draw == 0:
        return first
    return np.random.default_rng(draw).choice(np.setdiff1d(np.arange(n), first), M5_SERIES, replace=False)


def load_online_retail(path: Path, *, horizon: int, origins: int, ranks: tuple[int, int] = TOP_PRODUCTS) -> Panel:
    """(series, weeks) units per product and full week, of these ranks by units before the earliest of the origins.

    A product is what the importer takes for one. A credit note takes off the sale that it undoes where the same
    customer bought exactly that many of the product in the same week; a later one is a return, which unsays no demand.
    """
    lines = sold_lines(_file(path, "online_retail.parquet"))
    first, last = lines["day"].min(), lines["day"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    monday = first + timedelta((7 - first.weekday()) % 7)
    weeks = (last + timedelta(1) - monday).days // 7
    kept = lines.filter((pl.col("week") >= monday) & (pl.col("week") < monday + timedelta(7 * weeks)))
    codes, row = np.unique(kept["stock_code"].to_numpy(), return_inverse=True)
    column = (kept["week"].to_numpy() - np.datetime64(monday)).astype("timedelta64[D]").astype(np.int64) // 7
    demand = np.zeros((len(codes), weeks))
    np.add.at(demand, (row, column), kept["quantity"].to_numpy().astype(np.float64))
    before = demand[:, : weeks - horizon * origins].sum(axis=1)
    top = np.argsort(-before, kind="stable")[ranks[0] - 1 : ranks[1]]
    print(f"online_retail: {len(codes):,} products sold in {weeks} full weeks from {monday}; {len(top)} taken")
    return Panel(demand[top], Period.WEEK, monday.toordinal())


def sold_lines(path: Path) -> pl.DataFrame:
    """stock_code, day, week, quantity > 0, without what a credit note of the same week undid."""
    local = pl.from_epoch("ordered_at", time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(TIMEZONE)
    table = (
        load_table(path)
        .drop_nulls(ESSENTIAL)
        .filter(pl.col("stock_code").str.contains(PRODUCT_CODE), ~pl.col("invoice_no").str.starts_with("A"))
        .with_columns(local.dt.date().alias("day"))
        .with_columns(pl.col("day").dt.truncate("1w").alias("week"))
    )
    is_credit = pl.col("invoice_no").str.starts_with("C")
    written_off = (pl.col("price_minor") == 0) & pl.col("customer_id").is_null()
    sold = table.filter(~is_credit, pl.col("quantity") > 0, pl.col("price_minor") >= 0, ~written_off)
    undone = table.filter(is_credit, pl.col("quantity") < 0).with_columns(-pl.col("quantity"))
    same = ["customer_id", "stock_code", "quantity", "week"]
    numbered = [part.with_columns(pl.int_range(pl.len()).over(same).alias("time")) for part in (sold, undone)]
    return numbered[0].join(numbered[1].select(*same, "time"), on=[*same, "time"], how="anti")


def _from_first_sale(demand: Floats) -> Floats:
    begun = np.logical_or.accumulate(demand > 0, axis=1)
    return np.where(begun, demand, np.nan)


def _file(path: Path, name: str) -> Path:
    return path / name if path.is_dir() else path
