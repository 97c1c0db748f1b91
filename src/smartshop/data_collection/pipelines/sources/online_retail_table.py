"""The table of UCI Online Retail as files spell it: columns, times, prices, countries, ids."""

from pathlib import Path

import polars as pl

from smartshop.data_collection.pipelines.sources.rows import check_file
from smartshop.data_collection.schemas.ids import clean_id
from smartshop.errors import InvalidId, SourceError

TIMEZONE = "Europe/London"
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

ESSENTIAL = ("invoice_no", "stock_code", "quantity", "occurred_at", "price_minor")
TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M")
"""ISO, and as the widespread CSV copies of the set write it (12/1/2010 8:26)."""

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


def load_table(path: Path) -> pl.DataFrame:
    """The rows in the file's order, invoices by their first time, prices in pence, times in UTC."""
    check_file(path)
    frame = _read_table(path)
    # Half-even after rounding away what binary fractions add: 0.125 is 12.5 pence.
    pence = (pl.col("unit_price").cast(pl.Float64, strict=False) * 100).round(6).round(0, mode="half_to_even")
    local = _local_time(frame).dt.replace_time_zone(TIMEZONE, ambiguous="earliest", non_existent="null")
    return (
        frame.with_row_index("row", offset=1)
        .with_columns(
            pl.col("invoice_no").cast(pl.String).str.strip_chars().replace("", None),
            pl.col("stock_code").cast(pl.String).str.strip_chars().str.to_uppercase().replace("", None),
            pl.col("description").cast(pl.String).str.strip_chars(),
            pl.col("quantity").cast(pl.Float64, strict=False).cast(pl.Int64, strict=False),
            pence.cast(pl.Int64, strict=False).alias("price_minor"),
            local.dt.convert_time_zone("UTC").dt.epoch("us").alias("occurred_at"),
            _customer_ids().alias("customer_id"),
            pl.col("country").cast(pl.String).replace_strict(COUNTRY_CODES, default=None, return_dtype=pl.String),
        )
        .with_columns(pl.col("occurred_at").min().over("invoice_no").alias("ordered_at"))
        .sort("ordered_at", "invoice_no", "row")
    )


def _read_table(path: Path) -> pl.DataFrame:
    try:
        match path.suffix.lower():
            case ".parquet":
                frame = pl.read_parquet(path)
            case ".csv":
                # All as text: what a cell is, its column says. UCI's own file is Latin-1 in places.
                frame = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy")
            case ending:
                raise SourceError(f"{path.name} ends in {ending or 'nothing'}; save the data set as .parquet or .csv.")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path.name} cannot be read: {str(error)[:200]}.") from None
    frame = frame.rename(
        {column: COLUMNS.get(column.strip().lower(), column.strip().lower()) for column in frame.columns}
    )
    if missing := [column for column in NEEDED if column not in frame.columns]:
        raise SourceError(f"{path.name} lacks the column {missing[0]}; it has {', '.join(frame.columns)[:200]}.")
    return frame


def _local_time(frame: pl.DataFrame) -> pl.Expr:
    when = pl.col("invoice_ts")
    if frame.schema["invoice_ts"] == pl.String:
        when = pl.coalesce(when.str.to_datetime(written, strict=False, time_unit="us") for written in TIME_FORMATS)
    return when.cast(pl.Datetime("us"))


def _customer_ids() -> pl.Expr:
    """Tables write 17850.0 where ids are missing beside it."""
    text = pl.col("customer_id").cast(pl.String).str.strip_chars()
    return text.str.replace(r"\.0+$", "").replace("", None)


def apart_by_ids(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows whose invoice, code and customer can be ids, and the others."""
    good = pl.all_horizontal(
        pl.col(column).is_null() | ~pl.col(column).is_in(_no_ids(frame[column]))
        for column in ("invoice_no", "stock_code", "customer_id")
    )
    return frame.filter(good), frame.filter(~good)


def _no_ids(column: pl.Series) -> list[str]:
    return [text for text in column.drop_nulls().unique() if not _is_id(text)]


def _is_id(text: str) -> bool:
    try:
        return clean_id(text) == text
    except InvalidId:
        return False
