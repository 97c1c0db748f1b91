"""Products: a row per product or variant; columns not named by the format are kept as attributes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from smartshop.data_collection.pipelines.sources.cells import json_object, moment, whole_number
from smartshop.data_collection.pipelines.sources.rows import Row, read_rows, refuse
from smartshop.data_collection.pipelines.sources.source import RejectedRow, SourceBatch, SourceOptions
from smartshop.data_collection.schemas.catalogue import (
    DEFAULT_MARKET,
    Offer,
    Product,
    ProductText,
    Variant,
    parse_category,
)
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId, clean_id
from smartshop.data_collection.schemas.money import clean_currency
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.errors import InvalidValue

ALIASES = {"id": "product_id", "sku": "product_id", "item_id": "product_id", "name": "title"}
NEEDS = ("product_id", "title")
NAMED = frozenset(
    "product_id variant_id title description brand category price_minor list_price_minor currency image_url "
    "attributes published_at stock locale market".split()
)
ROWS_PER_BATCH = 1_000


def read_products(path: Path, options: SourceOptions) -> Iterator[SourceBatch]:
    """Rows of one product that follow each other are its variants, markets and locales."""
    described: dict[str, int] = {}
    batch = SourceBatch(rows=0)
    for group in _by_product(read_rows(path, ALIASES, NEEDS)):
        good = [row for row in group if isinstance(row, Row)]
        rejected = [row for row in group if isinstance(row, RejectedRow)]
        try:
            if good:
                _check_together(good[0], described)
                product, counts = _product(good, options), _counts(good, options)
                batch.products.append(product)
                batch.counts.extend(counts)
        except InvalidValue as error:
            rejected.extend(refuse(row, error) for row in good)
        batch.rejected.extend(rejected)
        batch = replace(batch, rows=batch.rows + len(group))
        if batch.rows >= ROWS_PER_BATCH:
            yield batch
            batch = SourceBatch(rows=0)
    if batch.rows:
        yield batch


def _check_together(first: Row, described: dict[str, int]) -> None:
    """A product's later rows would replace its earlier ones unseen."""
    product_id = first.values.get("product_id", "")
    line = described.setdefault(product_id, first.line)
    if line != first.line:
        raise InvalidValue(
            f"The product {product_id[:40]!r} was described on line {line}; its rows must follow each other."
        )


def _by_product(rows: Iterator[Row | RejectedRow]) -> Iterator[list[Row | RejectedRow]]:
    group: list[Row | RejectedRow] = []
    present: str | None = None
    for row in rows:
        product_id = row.values.get("product_id", "") if isinstance(row, Row) else present
        if group and product_id != present:
            yield group
            group = []
        present = product_id
        group.append(row)
    if group:
        yield group


def _product(rows: list[Row], options: SourceOptions) -> Product:
    first = rows[0].values
    product_id = ProductId(clean_id(first.get("product_id", ""), "product_id"))
    published = moment(first, "published_at")
    return Product(
        product_id=product_id,
        title=_title(first, product_id),
        description=first.get("description"),
        brand=first.get("brand"),
        category=parse_category(first.get("category", "")),
        image_url=first.get("image_url"),
        attributes=json_object(first, "attributes") | _own_columns(first),
        published_at=None if published is None else Micros(published),
        variants=_variants(rows, product_id, options),
        texts={
            row.values["locale"]: ProductText(
                title=_title(row.values, product_id), description=row.values.get("description")
            )
            for row in rows
            if "locale" in row.values
        },
    )


def _title(values: dict[str, str], product_id: ProductId) -> str:
    title = values.get("title")
    if not title:
        raise InvalidValue(f"The product {product_id} has no title; every product needs one.")
    return title


def _own_columns(values: dict[str, str]) -> dict[str, Any]:
    """Columns of the shop's own; lists and objects as JSON, all else as text."""
    own: dict[str, Any] = {}
    for column, text in values.items():
        if column in NAMED:
            continue
        try:
            own[column] = json.loads(text) if text[0] in "[{" else text
        except (ValueError, RecursionError):
            own[column] = text
    return own


def _variants(rows: list[Row], product_id: ProductId, options: SourceOptions) -> tuple[Variant, ...]:
    offers: dict[VariantId, dict[str, Offer]] = {}
    for row in rows:
        variant_id = VariantId(clean_id(row.values.get("variant_id", product_id), "variant_id"))
        offer = _offer(row.values, variant_id, options)
        markets = offers.setdefault(variant_id, {})
        if offer:
            markets[offer.market] = offer
    return tuple(Variant(variant_id=variant, offers=tuple(found.values())) for variant, found in offers.items())


def _offer(values: dict[str, str], variant_id: VariantId, options: SourceOptions) -> Offer | None:
    price = whole_number(values, "price_minor")
    if price is None:
        return None
    if price < 0:
        raise InvalidValue(f"The price_minor {price} is below zero; write minor units such as 1250 for 12.50.")
    return Offer(
        variant_id=variant_id,
        market=values.get("market", DEFAULT_MARKET),
        price_minor=price,
        list_price_minor=whole_number(values, "list_price_minor"),
        currency=clean_currency(values.get("currency", options.currency)),
    )


def _counts(rows: list[Row], options: SourceOptions) -> list[StockCount]:
    counts = []
    for row in rows:
        level = whole_number(row.values, "stock")
        if level is None:
            continue
        if level < 0:
            raise InvalidValue(f"The stock {level} is below zero; a count is 0 or more.")
        variant_id = VariantId(clean_id(row.values.get("variant_id", row.values["product_id"]), "variant_id"))
        counts.append(
            StockCount(
                movement_id=f"products-{options.file_id}-{variant_id}-{level}",
                variant_id=variant_id,
                level=level,
                occurred_at=Micros(options.imported_at),
            )
        )
    return counts
