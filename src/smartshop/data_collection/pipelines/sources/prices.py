"""Prices: a row per variant and market, with the product left as it is."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from smartshop.data_collection.pipelines.price_feed import check_price
from smartshop.data_collection.pipelines.sources.cells import moment, whole_number
from smartshop.data_collection.pipelines.sources.rows import Row, batched_rows, each_read, read_rows
from smartshop.data_collection.pipelines.sources.source import SourceBatch, SourceOptions
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET
from smartshop.data_collection.schemas.ids import Micros, VariantId, clean_id
from smartshop.data_collection.schemas.money import clean_currency
from smartshop.data_collection.schemas.prices import PriceChange
from smartshop.errors import InvalidValue

ALIASES = {"sku": "variant_id", "price": "price_minor", "list_price": "list_price_minor", "cost": "cost_minor"}
NEEDS = ("variant_id|product_id", "price_minor")
ROWS_PER_BATCH = 1_000


def read_prices(path: Path, options: SourceOptions) -> Iterator[SourceBatch]:
    """Rows count in the order of the file: of two prices of a variant the later one stands."""
    for rows in batched_rows(read_rows(path, ALIASES, NEEDS), ROWS_PER_BATCH):
        batch = SourceBatch(rows=len(rows))
        for price, row in each_read(rows, partial(_read, options=options), batch.rejected):
            batch.prices.append(price)
            batch.price_rows.append(row)
        yield batch


def _read(row: Row, options: SourceOptions) -> PriceChange:
    values = row.values
    price = whole_number(values, "price_minor")
    if price is None:
        raise InvalidValue("The row has no price_minor; write minor units such as 1250 for 12.50.")
    valid_from = moment(values, "valid_from")
    change = PriceChange(
        variant_id=VariantId(clean_id(values.get("variant_id") or values.get("product_id", ""), "variant_id")),
        price_minor=price,
        currency=clean_currency(values.get("currency", options.currency)),
        market=clean_id(values.get("market", DEFAULT_MARKET), "market"),
        list_price_minor=whole_number(values, "list_price_minor"),
        cost_minor=whole_number(values, "cost_minor"),
        valid_from=None if valid_from is None else Micros(valid_from),
    )
    check_price(change, options.currency, Micros(options.imported_at))
    return change
