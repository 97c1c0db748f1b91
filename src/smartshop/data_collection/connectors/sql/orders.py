"""Orders over SQL."""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, literal, or_, select, tuple_

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.append import append_batches, prepare
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.goods_back import read_order_movements
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn, take_order_turns
from smartshop.data_collection.connectors.sql.order_book import content
from smartshop.data_collection.connectors.sql.records import chunks, decode_order, decode_refund
from smartshop.data_collection.connectors.sql.tables import orders, refunds
from smartshop.data_collection.schemas.ids import CustomerId, LineId, Micros, OrderId
from smartshop.data_collection.schemas.orders import Order, OrderStatus, Refund, units_called_off
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.errors import Conflict, Forbidden, InvalidValue, NotFound, OrderConflict

REFUNDS_AT_ONCE = 2_000
EARLIEST = -(1 << 63)
_REFUND_PLACE = (refunds.c.refunded_at, refunds.c.shopper_key, refunds.c.event_id, refunds.c.trust)
"""As the index has them."""


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
            return _read(connection, order_id)

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
        place = _REFUND_PLACE
        question = select(*place, refunds.c.payload).where(_counts()).order_by(*place)
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
            refunded = _refunds_of(connection, [order.order_id for order in told])
        found = {order.order_id: units_called_off(order, refunded.get(order.order_id, ())) for order in told}
        return {order_id: units for order_id, units in found.items() if units}

    def call_off(
        self, order_id: OrderId, entry_of: Callable[[Order, Sequence[Refund]], LogEntry | None]
    ) -> tuple[Order, list[Refund], LogEntry | None]:
        now = self._database.now()

        def write(connection: Connection) -> tuple[Order, list[Refund], LogEntry | None]:
            # In the order in which whoever appends to the log takes them.
            share_turn(connection, Turn.LOG)
            take_order_turns(connection, [order_id])
            order = _read(connection, order_id)
            if order is None:
                raise NotFound(f"There is no order {order_id!r}.")
            before = _refunds_of(connection, [order_id]).get(order_id, [])
            entry = entry_of(order, before)
            if entry is None:
                return order, before, None
            prepared = [prepare(entry)]
            appended = append_batches(connection, prepared, [1], now, erased=self._erased, always_takes_stock=False)
            if appended.refused:
                raise appended.refused[0]
            if not appended.outcomes[0].stored:
                raise Conflict(f"The event_id {entry.event.event_id} was already used for something else.")
            return order, before, entry

        return self._database.write(write)


def _read(connection: Connection, order_id: OrderId) -> Order | None:
    payload = connection.execute(select(orders.c.payload).where(orders.c.order_id == order_id)).scalar()
    return None if payload is None else decode_order(payload)


def _counts() -> ColumnElement[bool]:
    """A refund that a browser claimed counts once the shop knows the order as that shopper's."""
    # A browser's key begins with a slash; see `seen.sender_key`.
    browser = literal("/") + orders.c.anonymous_id
    own = or_(refunds.c.shopper_key == orders.c.customer_id, refunds.c.shopper_key == browser)
    confirmed = select(1).where(orders.c.order_id == refunds.c.order_id, orders.c.trust > 0, own).exists()
    return or_(refunds.c.trust > 0, confirmed)


def _refunds_of(connection: Connection, order_ids: Sequence[OrderId]) -> dict[OrderId, list[Refund]]:
    """Those that count, by time; of who was erased too, since the books keep their order."""
    found: dict[OrderId, list[Refund]] = {}
    for chunk in chunks(order_ids):
        question = select(refunds.c.order_id, refunds.c.payload).where(refunds.c.order_id.in_(chunk), _counts())
        for order_id, payload in connection.execute(question.order_by(*_REFUND_PLACE)):
            found.setdefault(order_id, []).append(decode_refund(payload))
    return found
