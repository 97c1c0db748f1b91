"""Purchase orders over SQL: each step reads the order in its turn, decides, and writes it with what follows."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select, tuple_

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.purchase_steps import (
    booked,
    receipt_movements,
    stepped,
    usable_receipt,
)
from smartshop.data_collection.connectors.sql.records import chunks, encode
from smartshop.data_collection.connectors.sql.stock_book import open_book, write_book
from smartshop.data_collection.connectors.sql.supply import read_supplier
from smartshop.data_collection.connectors.sql.tables import incoming_units, purchase_orders, purchase_receipts
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import (
    BRINGS_GOODS,
    IncomingUnits,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
    Received,
    SupplyDelivery,
)
from smartshop.errors import Conflict, NotFound

_decode_order = msgspec.json.Decoder(PurchaseOrder).decode
_decode_receipt = msgspec.json.Decoder(PurchaseReceipt).decode


class SqlPurchaseOrders:
    def __init__(self, database: Database) -> None:
        self._database = database

    def draft(self, order: PurchaseOrder) -> PurchaseOrder:
        return self._database.write(lambda connection: draft_order(connection, order))

    def step(
        self, purchase_order_id: PurchaseOrderId, to: PurchaseStatus, now: Micros, expected_at: Micros | None = None
    ) -> PurchaseOrder:
        return self._database.write(lambda connection: _step(connection, purchase_order_id, to, now, expected_at))

    def receive(self, receipt: PurchaseReceipt, now: Micros) -> Received:
        return self._database.write(lambda connection: _receive(connection, receipt, now))

    def enter(self, orders: Sequence[PurchaseOrder], receipts: Sequence[PurchaseReceipt], now: Micros) -> None:
        self._database.write(lambda connection: _enter(connection, orders, receipts, now))

    def get(self, purchase_order_id: PurchaseOrderId) -> PurchaseOrder | None:
        with self._database.read() as connection:
            return _read(connection, purchase_order_id)

    def page(
        self,
        after: tuple[Micros, PurchaseOrderId] | None,
        limit: int,
        status: PurchaseStatus | None = None,
        supplier_id: SupplierId | None = None,
    ) -> list[PurchaseOrder]:
        columns = purchase_orders.c
        place = (columns.created_at, columns.purchase_order_id)
        question = select(columns.payload).order_by(*(column.desc() for column in place)).limit(limit)
        if after is not None:
            question = question.where(tuple_(*place) < after)
        if status is not None:
            question = question.where(columns.status == status.value)
        if supplier_id is not None:
            question = question.where(columns.supplier_id == supplier_id)
        with self._database.read() as connection:
            return [_decode_order(payload) for payload in connection.execute(question).scalars()]

    def incoming(self, variant_ids: Sequence[VariantId] | None = None) -> list[IncomingUnits]:
        columns = incoming_units.c
        question = select(incoming_units)
        asked = (
            [question]
            if variant_ids is None
            else [question.where(columns.variant_id.in_(chunk)) for chunk in chunks(variant_ids)]
        )
        with self._database.read() as connection:
            found = [IncomingUnits(**row._mapping) for each in asked for row in connection.execute(each)]
        # Unknown dates last, in both engines alike.
        return sorted(
            found,
            key=lambda one: (one.variant_id, one.expected_at is None, one.expected_at or 0, one.purchase_order_id),
        )

    def deliveries(self, since: Micros, supplier_id: SupplierId | None = None) -> list[SupplyDelivery]:
        receipts, orders = purchase_receipts.c, purchase_orders.c
        question = (
            select(receipts.payload, orders.payload)
            .join(purchase_orders, orders.purchase_order_id == receipts.purchase_order_id)
            .where(receipts.received_at >= since)
            .order_by(receipts.received_at, receipts.purchase_order_id, receipts.receipt_id)
        )
        if supplier_id is not None:
            question = question.where(receipts.supplier_id == supplier_id)
        with self._database.read() as connection:
            rows = connection.execute(question).all()
        return [_delivery(_decode_receipt(row[0]), _decode_order(row[1])) for row in rows]


def draft_order(connection: Connection, order: PurchaseOrder) -> PurchaseOrder:
    """Within the caller's transaction, as `PurchaseOrders.draft` says."""
    take_turn(connection, Turn.SUPPLY)
    first = _read(connection, order.purchase_order_id)
    if first is not None:
        if _content(first) != _content(order):
            raise Conflict(
                f"The purchase order {order.purchase_order_id!r} was already drafted with other content; choose another"
                " id."
            )
        return first
    if read_supplier(connection, order.supplier_id) is None:
        raise NotFound(f"There is no supplier {order.supplier_id!r} to order from; tell the supplier first.")
    _write(connection, order)
    return order


def _enter(
    connection: Connection, orders: Sequence[PurchaseOrder], receipts: Sequence[PurchaseReceipt], now: Micros
) -> None:
    for order in orders:
        draft_order(connection, order)
    for receipt in receipts:
        _receive(connection, receipt, now)


def _content(order: PurchaseOrder) -> tuple[object, ...]:
    """What makes two drafts the same: what is ordered where and for how much; not how far it came since."""
    lines = sorted((line.variant_id, line.units, line.unit_cost_minor) for line in order.lines)
    return order.supplier_id, order.currency, order.location_id, lines


def _step(
    connection: Connection,
    purchase_order_id: PurchaseOrderId,
    to: PurchaseStatus,
    now: Micros,
    expected_at: Micros | None,
) -> PurchaseOrder:
    take_turn(connection, Turn.SUPPLY)
    before = _known(connection, purchase_order_id)
    supplier = read_supplier(connection, before.supplier_id)
    after = stepped(before, to, now, expected_at, None if supplier is None else supplier.lead_time_days)
    if after != before:
        _write(connection, after)
    return after


def _receive(connection: Connection, told: PurchaseReceipt, now: Micros) -> Received:
    take_turn(connection, Turn.SUPPLY)
    before = _known(connection, told.purchase_order_id)
    first = _read_receipt(connection, told)
    receipt = usable_receipt(before, told, first)
    if first is not None:
        return Received(before, first, False)
    if not receipt.in_stock_already:
        take_turn(connection, Turn.STOCK)
        book = open_book(connection, (line.variant_id for line in receipt.lines))
        for movement in receipt_movements(before, receipt):
            book.move(movement)
        write_book(connection, book, now)
    connection.execute(
        insert(purchase_receipts),
        {
            "purchase_order_id": receipt.purchase_order_id,
            "receipt_id": receipt.receipt_id,
            "supplier_id": before.supplier_id,
            "received_at": receipt.received_at,
            "payload": encode(receipt),
        },
    )
    after = booked(before, receipt)
    _write(connection, after)
    return Received(after, receipt, True)


def _known(connection: Connection, purchase_order_id: PurchaseOrderId) -> PurchaseOrder:
    order = _read(connection, purchase_order_id)
    if order is None:
        raise NotFound(f"There is no purchase order {purchase_order_id!r}.")
    return order


def _read(connection: Connection, purchase_order_id: PurchaseOrderId) -> PurchaseOrder | None:
    question = select(purchase_orders.c.payload).where(purchase_orders.c.purchase_order_id == purchase_order_id)
    payload = connection.execute(question).scalar()
    return None if payload is None else _decode_order(payload)


def read_orders(
    connection: Connection, purchase_order_ids: Collection[PurchaseOrderId]
) -> dict[PurchaseOrderId, PurchaseOrder]:
    """Those of them that there are."""
    found = []
    for chunk in chunks(sorted(purchase_order_ids)):
        question = select(purchase_orders.c.payload).where(purchase_orders.c.purchase_order_id.in_(chunk))
        found += [_decode_order(payload) for payload in connection.execute(question).scalars()]
    return {order.purchase_order_id: order for order in found}


def _read_receipt(connection: Connection, told: PurchaseReceipt) -> PurchaseReceipt | None:
    columns = purchase_receipts.c
    question = select(columns.payload).where(
        columns.purchase_order_id == told.purchase_order_id, columns.receipt_id == told.receipt_id
    )
    payload = connection.execute(question).scalar()
    return None if payload is None else _decode_receipt(payload)


def _write(connection: Connection, order: PurchaseOrder) -> None:
    """The order as it stands now, and what it still brings."""
    row: dict[str, object] = {
        "purchase_order_id": order.purchase_order_id,
        "supplier_id": order.supplier_id,
        "status": order.status.value,
        "created_at": order.created_at,
        "payload": encode(order),
    }
    insert_or_replace(connection, purchase_orders, [row])
    brings = order.lines if order.status in BRINGS_GOODS else ()
    connection.execute(delete(incoming_units).where(incoming_units.c.purchase_order_id == order.purchase_order_id))
    rows = [
        {
            "purchase_order_id": order.purchase_order_id,
            "variant_id": line.variant_id,
            "location_id": order.location_id,
            "supplier_id": order.supplier_id,
            "units": line.open_units,
            "sent_at": order.sent_at,
            "expected_at": order.expected_at,
        }
        for line in brings
        if line.open_units > 0
    ]
    if rows:
        connection.execute(insert(incoming_units), rows)


def _delivery(receipt: PurchaseReceipt, order: PurchaseOrder) -> SupplyDelivery:
    assert order.sent_at is not None, "only what was sent is received"
    return SupplyDelivery(
        purchase_order_id=order.purchase_order_id,
        supplier_id=order.supplier_id,
        sent_at=order.sent_at,
        expected_at=order.expected_at,
        received_at=receipt.received_at,
        lines=receipt.lines,
        units_ordered=sum(line.units for line in order.lines),
    )
