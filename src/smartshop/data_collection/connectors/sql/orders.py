"""Orders over SQL."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, literal, or_, select, tuple_

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.append import append_batches, prepare
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys, browser_key
from smartshop.data_collection.connectors.sql.goods_back import read_order_movements
from smartshop.data_collection.connectors.sql.order_book import content
from smartshop.data_collection.connectors.sql.records import decode_order, decode_refund
from smartshop.data_collection.connectors.sql.tables import orders, refunds
from smartshop.data_collection.schemas.ids import CustomerId, LineId, Micros, OrderId
from smartshop.data_collection.schemas.orders import CALLED_OFF, Order, OrderStatus, Refund, called_off_event
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.errors import Conflict, Forbidden, InvalidValue, OrderConflict

REFUNDS_AT_ONCE = 2_000
EARLIEST = -(1 << 63)


class SqlOrders:
    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    def place(self, entry: LogEntry) -> Order:
        order = entry.order
        if order is None:
            raise InvalidValue(f"The event {entry.event.event_id} carries no order; only an order can be placed.")
        if order.status is not OrderStatus.PLACED:
            raise Forbidden(f"Order {order.order_id} comes under a publishable key, which can only claim an order.")
        prepared = [prepare(entry)]
        now = self._database.now()
        appended = self._database.write(
            lambda connection: append_batches(
                connection, prepared, [1], now, erased=self._erased, always_takes_stock=True
            )
        )
        if appended.refused:
            raise appended.refused[0]
        first = self.get(order.order_id)
        if first is None:
            raise Conflict(f"The event_id {entry.event.event_id} was already used for something else; send a new one.")
        if content(first) != content(order):
            raise OrderConflict(order.order_id)
        return first

    def get(self, order_id: OrderId) -> Order | None:
        with self._database.read() as connection:
            payload = connection.execute(select(orders.c.payload).where(orders.c.order_id == order_id)).scalar()
        return None if payload is None else decode_order(payload)

    def of_customer(self, customer_id: CustomerId, limit: int = 50) -> list[Order]:
        """Newest first. Never claimed ones: anybody may claim an order in any customer's name."""
        if self._erased.holds(customer_id):
            return []
        question = (
            select(orders.c.payload)
            .where(orders.c.customer_id == customer_id, orders.c.trust > 0)
            .order_by(orders.c.ordered_at.desc(), orders.c.order_id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [decode_order(payload) for payload in connection.execute(question).scalars()]

    def scan(
        self, until: Micros | None = None, batch_size: int = 2_000, *, since: Micros | None = None
    ) -> Iterator[list[Order]]:
        place = (orders.c.ordered_at, orders.c.order_id)
        question = select(*place, orders.c.payload).where(orders.c.trust > 0).order_by(*place).limit(batch_size)
        if until is not None:
            question = question.where(orders.c.ordered_at <= until)
        # No id is empty, so orders of the very moment are behind it.
        after: tuple[int, str] = (EARLIEST if since is None else since, "")
        while True:
            with self._database.read() as connection:
                rows = connection.execute(question.where(tuple_(*place) > after)).all()
            if not rows:
                return
            after = (rows[-1][0], rows[-1][1])
            yield [decode_order(row[2]) for row in rows]

    def refunds(self, until: Micros | None = None, *, since: Micros | None = None) -> Iterator[Refund]:
        """By refunded_at. A refund that a browser claimed counts once the shop knows the order as that shopper's."""
        place = (refunds.c.refunded_at, refunds.c.shopper_key, refunds.c.event_id, refunds.c.trust)
        # A browser's key begins with a slash; see `seen.sender_key`.
        browser = literal("/") + orders.c.anonymous_id
        own = or_(refunds.c.shopper_key == orders.c.customer_id, refunds.c.shopper_key == browser)
        confirmed = select(1).where(orders.c.order_id == refunds.c.order_id, orders.c.trust > 0, own).exists()
        question = select(*place, refunds.c.payload).where(or_(refunds.c.trust > 0, confirmed)).order_by(*place)
        if until is not None:
            question = question.where(refunds.c.refunded_at <= until)
        after: tuple[int, str, str, int] = (EARLIEST if since is None else since, "", "", -1)
        while True:
            with self._database.read() as connection:
                rows = connection.execute(question.where(tuple_(*place) > after).limit(REFUNDS_AT_ONCE)).all()
            if not rows:
                return
            after = (rows[-1][0], rows[-1][1], rows[-1][2], rows[-1][3])
            yield from (decode_refund(row[4]) for row in rows)

    def movements(self, order_id: OrderId) -> list[StockMovement]:
        with self._database.read() as connection:
            return read_order_movements(connection, order_id)

    def called_off(self, told: Sequence[Order]) -> dict[OrderId, dict[LineId, int]]:
        with self._database.read() as connection:
            found = {order.order_id: _called_off(connection, order) for order in told}
        return {order_id: units for order_id, units in found.items() if units}


def _called_off(connection: Connection, order: Order) -> dict[LineId, int]:
    key = order.customer_id or (None if order.anonymous_id is None else browser_key(order.anonymous_id))
    start, end = called_off_event(order.order_id, ""), f"{CALLED_OFF}/{order.order_id}0"  # "0" is the sign behind "/"
    own = select(refunds.c.payload).where(
        refunds.c.shopper_key == key, refunds.c.event_id >= start, refunds.c.event_id < end
    )
    ordered = {line.line_id: line.quantity for line in order.lines}
    units: dict[LineId, int] = {}
    for payload in connection.execute(own).scalars() if key is not None else ():
        for line in decode_refund(payload).lines:
            units[line.line_id] = min(units.get(line.line_id, 0) + line.quantity, ordered.get(line.line_id, 0))
    return units
