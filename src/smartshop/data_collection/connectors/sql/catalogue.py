"""Catalogue over SQL."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Row, func, select, update

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.price_history import note_prices
from smartshop.data_collection.connectors.sql.records import chunks, decode_product, encode
from smartshop.data_collection.connectors.sql.tables import products, variants
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent, insert_or_replace
from smartshop.data_collection.schemas.catalogue import (
    CATEGORY_SEPARATOR,
    ListedProduct,
    Product,
    format_category,
    parse_category,
)
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, VariantId


class SqlCatalogue:
    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, told: Sequence[Product], now: Micros) -> list[ProductNo]:
        newest = {product.product_id: product for product in told}
        numbers = self._database.write(lambda connection: write_products(connection, newest, now))
        return [numbers[product.product_id] for product in told]

    def ensure(self, product_ids: Sequence[ProductId], now: Micros) -> dict[ProductId, ProductNo]:
        with self._database.read() as connection:
            numbers = _numbers(connection, product_ids)
        if all(product_id in numbers for product_id in product_ids):
            return numbers
        return self._database.write(lambda connection: _ensure(connection, product_ids, now))

    def delete(self, product_ids: Sequence[ProductId], now: Micros) -> int:
        return self._database.write(lambda connection: _delete(connection, product_ids, now))

    def get(self, product_ids: Sequence[ProductId]) -> dict[ProductId, ListedProduct]:
        found: dict[ProductId, ListedProduct] = {}
        with self._database.read() as connection:
            for chunk in chunks(product_ids):
                living = select(products).where(products.c.product_id.in_(chunk), products.c.deleted.is_(False))
                for row in connection.execute(living):
                    listed = _listed(row)
                    found[listed.product.product_id] = listed
        return found

    def product_of(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, ProductId]:
        found: dict[VariantId, ProductId] = {}
        with self._database.read() as connection:
            for chunk in chunks(variant_ids):
                question = select(variants.c.variant_id, variants.c.product_id)
                asked = question.where(variants.c.variant_id.in_(chunk))
                found.update((variant_id, product_id) for variant_id, product_id in connection.execute(asked))
        return found

    def changed_since(self, since: Micros) -> list[ListedProduct]:
        # Put in order here: asked for an order, SQLite walks the whole table by its key and not the few by the index.
        question = select(products).where(products.c.changed_at >= since)
        with self._database.read() as connection:
            found = [_listed(row) for row in connection.execute(question)]
        return sorted(found, key=lambda listed: listed.product_no)

    def page(self, after: ProductNo | None, limit: int, category: str | None = None) -> list[ListedProduct]:
        question = select(products).where(products.c.deleted.is_(False)).order_by(products.c.product_no).limit(limit)
        if after is not None:
            question = question.where(products.c.product_no > after)
        if category is not None:
            path = format_category(parse_category(category))
            below = path + CATEGORY_SEPARATOR
            starts_so = func.substr(products.c.category, 1, len(below)) == below
            question = question.where((products.c.category == path) | starts_so)
        with self._database.read() as connection:
            return [_listed(row) for row in connection.execute(question)]


def _listed(row: Row[int, str, str, bool, int, bytes]) -> ListedProduct:
    return ListedProduct(
        product_no=ProductNo(row.product_no),
        product=decode_product(row.payload),
        changed_at=Micros(row.changed_at),
        deleted=row.deleted,
    )


def _numbers(connection: Connection, product_ids: Iterable[ProductId]) -> dict[ProductId, ProductNo]:
    numbers: dict[ProductId, ProductNo] = {}
    for chunk in chunks(product_ids):
        question = select(products.c.product_id, products.c.product_no).where(products.c.product_id.in_(chunk))
        numbers.update((product_id, product_no) for product_id, product_no in connection.execute(question))
    return numbers


def _known(
    connection: Connection, product_ids: Iterable[ProductId]
) -> tuple[dict[ProductId, ProductNo], dict[ProductId, Product]]:
    """Numbers, and what they stand for; a deleted product has no price any more."""
    numbers: dict[ProductId, ProductNo] = {}
    before: dict[ProductId, Product] = {}
    for chunk in chunks(product_ids):
        for row in connection.execute(select(products).where(products.c.product_id.in_(chunk))):
            numbers[ProductId(row.product_id)] = ProductNo(row.product_no)
            before[ProductId(row.product_id)] = decode_product(row.payload)
    return numbers, before


def write_products(
    connection: Connection, told: Mapping[ProductId, Product], now: Micros, at: Micros | None = None
) -> dict[ProductId, ProductNo]:
    """Add or replace within somebody's transaction; the numbers of these products. Prices change `at` then, or now."""
    take_turn(connection, Turn.CATALOGUE)
    numbers, before = _known(connection, told)
    note_prices(connection, before, told.values(), now if at is None else at)
    highest = connection.execute(select(func.coalesce(func.max(products.c.product_no), -1))).scalar_one()
    for product_id in told:
        if product_id not in numbers:
            highest += 1
            numbers[product_id] = ProductNo(highest)
    insert_or_replace(
        connection,
        products,
        [
            {
                "product_no": numbers[product_id],
                "product_id": product_id,
                "category": format_category(product.category),
                "deleted": False,
                "changed_at": now,
                "payload": encode(product),
            }
            for product_id, product in told.items()
        ],
    )
    _write_variants(connection, told.values())
    return numbers


def _write_variants(connection: Connection, told: Iterable[Product]) -> None:
    """Which product a variant is of. One that its product no longer has keeps pointing there: old orders name it."""
    own: dict[str, dict[str, object]] = {}
    default: dict[str, dict[str, object]] = {}
    for product in told:
        default[product.product_id] = {"variant_id": product.product_id, "product_id": product.product_id}
        for variant in product.variants:
            own[variant.variant_id] = {"variant_id": variant.variant_id, "product_id": product.product_id}
    insert_or_replace(connection, variants, list(own.values()))
    insert_if_absent(connection, variants, [row for variant_id, row in default.items() if variant_id not in own])


def _ensure(connection: Connection, product_ids: Sequence[ProductId], now: Micros) -> dict[ProductId, ProductNo]:
    take_turn(connection, Turn.CATALOGUE)
    known = _numbers(connection, product_ids)
    bare = {
        product_id: Product(product_id=product_id, title=product_id)
        for product_id in product_ids
        if product_id not in known
    }
    return {**known, **write_products(connection, bare, now)}


def _delete(connection: Connection, product_ids: Sequence[ProductId], now: Micros) -> int:
    deleted = 0
    for chunk in chunks(product_ids):
        statement = update(products).where(products.c.product_id.in_(chunk), products.c.deleted.is_(False))
        deleted += connection.execute(statement.values(deleted=True, changed_at=now)).rowcount
    return deleted
