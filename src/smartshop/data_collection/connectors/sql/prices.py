"""Prices told by themselves, over SQL: each product is read, repriced and written in the catalogue's turn."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from smartshop.data_collection.connectors.sql.catalogue import write_products
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.price_history import note_past, read_history
from smartshop.data_collection.connectors.sql.records import chunks, decode_product
from smartshop.data_collection.connectors.sql.tables import products, variants
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.prices import PriceChange, PriceOutcome, PricePoint, repriced


class SqlPrices:
    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, changes: Sequence[PriceChange], at: Micros, now: Micros) -> list[PriceOutcome]:
        return self._database.write(lambda connection: _set(connection, changes, at, now))

    def history(self, variant_ids: Sequence[VariantId] | None = None, since: Micros | None = None) -> list[PricePoint]:
        with self._database.read() as connection:
            return read_history(connection, variant_ids, since or Micros(0))


def _set(connection: Connection, changes: Sequence[PriceChange], at: Micros, now: Micros) -> list[PriceOutcome]:
    take_turn(connection, Turn.CATALOGUE)
    owners = _owners(connection, [change.variant_id for change in changes])
    living = _living(connection, list(owners.values()))
    changed: dict[ProductId, Product] = {}
    outcomes = []
    for change in changes:
        owner = owners.get(change.variant_id)
        product = None if owner is None else living.get(owner)
        if product is None:
            outcomes.append(PriceOutcome(None))
            continue
        after, outcome = repriced(product, change, at)
        if after is not product:
            living[after.product_id] = changed[after.product_id] = after
        outcomes.append(outcome)
    if changed:
        write_products(connection, changed, now, at)
    past = [
        change
        for change, outcome in zip(changes, outcomes, strict=True)
        if outcome.product_id is not None and change.valid_from is not None and change.valid_from < at
    ]
    note_past(connection, past)
    return outcomes


def _owners(connection: Connection, variant_ids: Sequence[VariantId]) -> dict[VariantId, ProductId]:
    """A product told without variants is its own."""
    owners: dict[VariantId, ProductId] = {}
    for chunk in chunks(variant_ids):
        question = select(variants.c.variant_id, variants.c.product_id).where(variants.c.variant_id.in_(chunk))
        owners.update((variant_id, product_id) for variant_id, product_id in connection.execute(question))
    return {name: owners.get(name, ProductId(name)) for name in variant_ids}


def _living(connection: Connection, product_ids: Sequence[ProductId]) -> dict[ProductId, Product]:
    living: dict[ProductId, Product] = {}
    for chunk in chunks(product_ids):
        question = select(products.c.payload).where(products.c.product_id.in_(chunk), products.c.deleted.is_(False))
        for payload in connection.execute(question).scalars():
            product = decode_product(payload)
            living[product.product_id] = product
    return living
