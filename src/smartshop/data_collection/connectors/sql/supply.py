"""Suppliers and their terms over SQL."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Select, delete, select, update

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import chunks, encode
from smartshop.data_collection.connectors.sql.tables import purchase_orders, suppliers, supply_terms
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.ids import SupplierId, VariantId
from smartshop.data_collection.schemas.supply import PurchaseStatus, Supplier, SupplyTerms
from smartshop.errors import Conflict, NotFound

OPEN = tuple(
    status.value for status in PurchaseStatus if status not in (PurchaseStatus.RECEIVED, PurchaseStatus.CANCELLED)
)

_decode_supplier = msgspec.json.Decoder(Supplier).decode
_decode_terms = msgspec.json.Decoder(SupplyTerms).decode


class SqlSuppliers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, supplier: Supplier) -> bool:
        return self._database.write(lambda connection: _save(connection, supplier))

    def get(self, supplier_id: SupplierId) -> Supplier | None:
        with self._database.read() as connection:
            return read_supplier(connection, supplier_id)

    def all(self) -> list[Supplier]:
        with self._database.read() as connection:
            payloads = connection.execute(select(suppliers.c.payload).order_by(suppliers.c.supplier_id)).scalars().all()
        return [_decode_supplier(payload) for payload in payloads]

    def delete(self, supplier_id: SupplierId) -> bool:
        return self._database.write(lambda connection: _delete(connection, supplier_id))

    def set_terms(self, terms: Sequence[SupplyTerms]) -> None:
        self._database.write(lambda connection: _set_terms(connection, terms))

    def terms(
        self,
        variant_ids: Sequence[VariantId] | None = None,
        supplier_id: SupplierId | None = None,
        after: VariantId | None = None,
        limit: int | None = None,
    ) -> list[SupplyTerms]:
        columns = supply_terms.c
        question = select(columns.payload, columns.preferred).order_by(
            columns.variant_id, columns.preferred.desc(), columns.supplier_id
        )
        if supplier_id is not None:
            question = question.where(columns.supplier_id == supplier_id)
        if after is not None:
            question = question.where(columns.variant_id > after)
        if limit is not None:
            question = question.limit(limit)
        asked = (
            [question]
            if variant_ids is None
            else [question.where(columns.variant_id.in_(chunk)) for chunk in chunks(sorted(variant_ids))]
        )
        with self._database.read() as connection:
            return [terms for each in asked for terms in _read_terms(connection, each)]

    def drop_terms(self, supplier_id: SupplierId, variant_id: VariantId) -> bool:
        gone = delete(supply_terms).where(
            supply_terms.c.supplier_id == supplier_id, supply_terms.c.variant_id == variant_id
        )
        return self._database.write(lambda connection: connection.execute(gone).rowcount > 0)


def read_supplier(connection: Connection, supplier_id: SupplierId) -> Supplier | None:
    question = select(suppliers.c.payload).where(suppliers.c.supplier_id == supplier_id)
    payload = connection.execute(question).scalar()
    return None if payload is None else _decode_supplier(payload)


def _save(connection: Connection, supplier: Supplier) -> bool:
    take_turn(connection, Turn.SUPPLY)
    is_new = read_supplier(connection, supplier.supplier_id) is None
    insert_or_replace(connection, suppliers, [{"supplier_id": supplier.supplier_id, "payload": encode(supplier)}])
    return is_new


def _delete(connection: Connection, supplier_id: SupplierId) -> bool:
    take_turn(connection, Turn.SUPPLY)
    columns = purchase_orders.c
    still_open = select(columns.purchase_order_id).where(columns.supplier_id == supplier_id, columns.status.in_(OPEN))
    first = connection.execute(still_open.limit(1)).scalar()
    if first is not None:
        raise Conflict(
            f"The purchase order {first!r} of the supplier {supplier_id!r} is still open; receive or cancel it first."
        )
    connection.execute(delete(supply_terms).where(supply_terms.c.supplier_id == supplier_id))
    return connection.execute(delete(suppliers).where(suppliers.c.supplier_id == supplier_id)).rowcount > 0


def _set_terms(connection: Connection, terms: Sequence[SupplyTerms]) -> None:
    take_turn(connection, Turn.SUPPLY)
    for supplier_id in dict.fromkeys(each.supplier_id for each in terms):
        if read_supplier(connection, supplier_id) is None:
            raise NotFound(f"There is no supplier {supplier_id!r}; tell the supplier before its terms.")
    for chunk in chunks(each.variant_id for each in terms if each.preferred):
        no_longer = update(supply_terms).where(supply_terms.c.variant_id.in_(chunk), supply_terms.c.preferred)
        connection.execute(no_longer.values(preferred=False))
    preferred = {each.variant_id: each.supplier_id for each in terms if each.preferred}
    # The last of two rows with one key wins; in one statement they would be a conflict.
    rows = {(each.supplier_id, each.variant_id): each for each in terms}
    insert_or_replace(
        connection,
        supply_terms,
        [
            {
                "supplier_id": each.supplier_id,
                "variant_id": each.variant_id,
                "preferred": each.preferred and preferred[each.variant_id] == each.supplier_id,
                "payload": encode(msgspec.structs.replace(each, preferred=False)),
            }
            for each in rows.values()
        ],
    )


def _read_terms(connection: Connection, question: Select[bytes, bool]) -> list[SupplyTerms]:
    return [
        msgspec.structs.replace(_decode_terms(payload), preferred=bool(preferred))
        for payload, preferred in connection.execute(question)
    ]
