"""Orders within one transaction: which are new, the same again, or another's id; read first, written once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from sqlalchemy import Connection, select

from smartshop.data_collection.connectors.sql.codes import TRUST_CODES
from smartshop.data_collection.connectors.sql.locks import take_order_turns
from smartshop.data_collection.connectors.sql.records import chunks, decode_order, encode
from smartshop.data_collection.connectors.sql.tables import orders
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.ids import OrderId
from smartshop.data_collection.schemas.orders import Order, OrderStatus
from smartshop.errors import OrderConflict


class Verdict(Enum):
    NEW = "new"
    SAME_AGAIN = "same again"


@dataclass(slots=True)
class OrderBook:
    known: dict[OrderId, Order]
    written: dict[OrderId, Order] = field(default_factory=dict)

    def judge(self, order: Order) -> Verdict:
        """What this order is to those known. A claim never stands in the way of the shop's own word.

        Raises:
            OrderConflict: the id was recorded with other content.
        """
        first = self.known.get(order.order_id)
        if first is None:
            return Verdict.NEW
        if first.status is OrderStatus.CLAIMED and order.status is OrderStatus.PLACED:
            return Verdict.NEW
        if content(first) == content(order):
            return Verdict.SAME_AGAIN
        raise OrderConflict(order.order_id)

    def enter(self, order: Order) -> None:
        self.known[order.order_id] = self.written[order.order_id] = order


def content(order: Order) -> tuple[object, ...]:
    """What makes two tellings of an order the same: who bought what for how much; not when it was told."""
    lines = sorted(
        (line.product_id, line.variant_id, line.quantity, line.unit_price_minor is not None, line.unit_price_minor or 0)
        for line in order.lines
    )
    return tuple(lines), order.customer_id, order.currency


def open_order_book(connection: Connection, order_ids: Iterable[OrderId]) -> OrderBook:
    """Read these orders; until the transaction ends nobody else writes any of them."""
    ids = list(dict.fromkeys(order_ids))
    take_order_turns(connection, ids)
    known: dict[OrderId, Order] = {}
    for chunk in chunks(ids):
        for payload in connection.execute(select(orders.c.payload).where(orders.c.order_id.in_(chunk))).scalars():
            order = decode_order(payload)
            known[order.order_id] = order
    return OrderBook(known)


def write_order_book(connection: Connection, book: OrderBook) -> None:
    insert_or_replace(connection, orders, [_row(order) for order in book.written.values()])


def _row(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "trust": TRUST_CODES[order.trust],
        "ordered_at": order.ordered_at,
        "customer_id": order.customer_id,
        "anonymous_id": order.anonymous_id,
        "payload": encode(order),
    }
