"""What is erased of a customer by index, a little at a time: each step does up to so many rows, and says how many.

Done again after a crash, a step finds what is left. Books are kept: orders, refunds, goods that came back and their
movements lose every id, and nothing of what they say of money and stock.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.belongings import Belongings, places_of, waits_in_windows
from smartshop.data_collection.connectors.sql.bulk import ask, change_rows
from smartshop.data_collection.connectors.sql.codes import TRUST_CODES
from smartshop.data_collection.connectors.sql.goods_back import ADDED, ERASED_CLAIM, LEFT_AGAIN
from smartshop.data_collection.connectors.sql.records import decode_order, decode_refund, decode_return, encode
from smartshop.data_collection.connectors.sql.standing_live import ERASED, drop_affinities, drop_standings
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.orders import Order

Step = Callable[[Connection, int], int]
OF_ONE_RETURN = 100_000
"""Movements of one return, which is renamed whole: one per line and place, and as many where it was written off."""
_RESERVATIONS = "SELECT reservation_id FROM stock_reservations WHERE shopper_key = ?"


class Work(NamedTuple):
    belongings: Belongings
    receipt_id: str

    @property
    def strangers(self) -> list[tuple[str, str]]:
        """Each key with the name that stands for it in the books: another one, so that nothing falls together."""
        return [(key, f"~{self.receipt_id}.{number}") for number, key in enumerate(self.belongings.keys)]


def steps_of(work: Work) -> Iterator[tuple[str, Step]]:
    """(table, step), in an order that a crash cannot hurt: a refund is judged by its order, so it comes before.

    What others see of a customer (segments, audiences, who they are) is little and goes first, with the mark itself.
    """
    yield from _customer_steps(work.belongings)
    for key in work.belongings.keys:
        yield "stock_reserved", partial(_delete, "stock_reserved", f"reservation_id IN ({_RESERVATIONS})", (key,))
        yield "stock_reservations", partial(_delete, "stock_reservations", "shopper_key = ?", (key,))
        yield "stock_waits", partial(_delete, "stock_waits", "shopper_key = ?", (key,))
    for condition, values in waits_in_windows(work.belongings):
        yield "stock_waits", partial(_delete, "stock_waits", condition, values)
    for key, stranger in work.strangers:
        yield "refunds", partial(_disown_refunds, "refunds", key, stranger)
        yield "goods_returns", partial(_disown_refunds, "goods_returns", key, stranger)
        yield "stock_movements", partial(_disown_movements, key, stranger)
    yield from _order_steps(work.belongings)
    for condition, values in places_of(work.belongings):
        yield "events", partial(_delete_events, condition, values)
    for key in work.belongings.keys:
        yield "event_seen", partial(_delete_keys, key)


def _customer_steps(belongings: Belongings) -> Iterator[tuple[str, Step]]:
    for customer_id in belongings.customer_ids:
        # The standing says which affinities and moves there are, so it is the last of the three.
        yield "affinities", partial(_drop_affinities, customer_id)
        yield "segment_moves", partial(_delete, "segment_moves", "customer_id = ?", (customer_id,))
        yield "standings", partial(_drop_standing, customer_id)
        yield "identity_links", partial(_delete, "identity_links", "customer_id = ?", (customer_id,))
        yield (
            "customer_merges",
            partial(_delete, "customer_merges", "from_customer = ? OR into_customer = ?", (customer_id, customer_id)),
        )
        yield "consents", partial(_delete, "consents", "shopper_key = ? AND is_customer", (customer_id,))
        yield "customers", partial(_delete, "customers", "customer_id = ?", (customer_id,))
    for browser in belongings.browsers:
        yield "identity_links", partial(_delete, "identity_links", "anonymous_id = ?", (browser,))
        yield "consents", partial(_delete, "consents", "shopper_key = ? AND NOT is_customer", (browser,))


def _delete(table: str, condition: str, values: tuple[object, ...], connection: Connection, limit: int) -> int:
    """All at once: one customer has few of these."""
    return change_rows(connection, f"DELETE FROM {table} WHERE {condition}", *values)  # noqa: S608  names are our own


def _delete_events(condition: str, values: tuple[object, ...], connection: Connection, limit: int) -> int:
    some = f"SELECT log_no FROM events WHERE {condition} LIMIT ?"  # noqa: S608  names are our own
    return change_rows(connection, f"DELETE FROM events WHERE log_no IN ({some})", *values, limit)  # noqa: S608


def _delete_keys(key: str, connection: Connection, limit: int) -> int:
    some = "SELECT event_id, trust FROM event_seen WHERE shopper_key = ? LIMIT ?"
    statement = f"DELETE FROM event_seen WHERE shopper_key = ? AND (event_id, trust) IN ({some})"  # noqa: S608
    return change_rows(connection, statement, key, key, limit)


def _drop_affinities(customer_id: CustomerId, connection: Connection, limit: int) -> int:
    """All at once: a standing has few."""
    return drop_affinities(connection, customer_id)


def _drop_standing(customer_id: CustomerId, connection: Connection, limit: int) -> int:
    standing = ask(connection, "SELECT count(*) FROM standings WHERE customer_id = ?", customer_id)
    drop_standings(connection, [customer_id], ERASED, Micros(0))
    return int(standing[0][0])


# ------------------------------------------------------------------------------------------------ the books
def _order_steps(belongings: Belongings) -> Iterator[tuple[str, Step]]:
    for customer_id in belongings.customer_ids:
        yield "orders", partial(_disown_orders, belongings, "customer_id = ?", customer_id)
    for browser in belongings.browsers:
        yield "orders", partial(_disown_orders, belongings, "anonymous_id = ?", browser)
    for browser in dict.fromkeys(window.anonymous_id for window in belongings.windows):
        yield "orders", partial(_disown_orders_in_windows, belongings, browser)


def _disown_orders(belongings: Belongings, condition: str, name: str, connection: Connection, limit: int) -> int:
    rows = ask(connection, f"SELECT payload FROM orders WHERE {condition} LIMIT ?", name, limit)  # noqa: S608
    for (payload,) in rows:
        _write_order(connection, _without_ids(decode_order(payload), belongings))
    return len(rows)


def _disown_orders_in_windows(belongings: Belongings, browser: str, connection: Connection, limit: int) -> int:
    windows = [window for window in belongings.windows if window.anonymous_id == browser]
    rows = ask(connection, "SELECT payload FROM orders WHERE anonymous_id = ? AND customer_id IS NULL", browser)
    told = [decode_order(payload) for (payload,) in rows]
    theirs = [
        order
        for order in told
        if any(
            window.since <= order.received_at and (window.until is None or order.received_at < window.until)
            for window in windows
        )
    ]
    for order in theirs[:limit]:
        _write_order(connection, msgspec.structs.replace(order, anonymous_id=None, reservation_id=None))
    return len(theirs[:limit])


def _without_ids(order: Order, belongings: Belongings) -> Order:
    """What a browser of theirs claimed in another's name stays the other's. A basket's id may be anything."""
    if order.customer_id is None or order.customer_id in belongings.customer_ids:
        return msgspec.structs.replace(order, customer_id=None, anonymous_id=None, reservation_id=None)
    return msgspec.structs.replace(order, anonymous_id=None, reservation_id=None)


def _write_order(connection: Connection, order: Order) -> None:
    statement = "UPDATE orders SET customer_id = ?, anonymous_id = ?, payload = ? WHERE order_id = ?"
    change_rows(connection, statement, order.customer_id, order.anonymous_id, encode(order), order.order_id)


_CONFIRMED = (
    "SELECT 1 FROM orders WHERE order_id = ? AND trust > 0 AND (customer_id = ? OR '/' || anonymous_id = ?) LIMIT 1"
)


def _disown_refunds(table: str, key: str, stranger: str, connection: Connection, limit: int) -> int:
    """What counts goes on counting: a claim that the shop knows as this shopper's becomes its word, another goes."""
    told = f"SELECT event_id, trust, order_id, payload FROM {table} WHERE shopper_key = ? LIMIT ?"  # noqa: S608
    rows = ask(connection, told, key, limit)
    for event_id, trust, order_id, payload in rows:
        place = (key, event_id, trust)
        if trust == TRUST_CODES[Trust.CLIENT] and not ask(connection, _CONFIRMED, order_id, key, key):
            delete = f"DELETE FROM {table} WHERE shopper_key = ? AND event_id = ? AND trust = ?"  # noqa: S608
            change_rows(connection, delete, *place)
            continue
        record = decode_refund(payload) if table == "refunds" else decode_return(payload)
        vouched = Trust.SERVER if record.trust is Trust.CLIENT else record.trust
        record = msgspec.structs.replace(record, customer_id=None, trust=vouched)
        # A claim and the shop's own word may have had the same event_id.
        name = f"{stranger}{ERASED_CLAIM}" if trust == TRUST_CODES[Trust.CLIENT] else stranger
        change_rows(
            connection,
            f"UPDATE {table} SET shopper_key = ?, trust = ?, payload = ?"  # noqa: S608  names are our own
            " WHERE shopper_key = ? AND event_id = ? AND trust = ?",
            *(name, TRUST_CODES[vouched], encode(record), *place),
        )
        if table == "goods_returns" and order_id is not None:
            for kind in (ADDED, LEFT_AGAIN):
                start = f"{kind}/{order_id}"
                _rename_movements(connection, f"{start}/{key}/{event_id}/", f"{start}/{stranger}/{event_id}/")
    return len(rows)


_RENAME_MOVEMENT = "UPDATE stock_movements SET movement_id = ? WHERE movement_id = ?"


def _disown_movements(key: str, stranger: str, connection: Connection, limit: int) -> int:
    """The movements of a return that came in as it was told are named after its sender; see `goods_back`."""
    return _rename_movements(connection, f"return/{key}/", f"return/{stranger}/", limit)


def _rename_movements(connection: Connection, beginning: str, renamed: str, limit: int = OF_ONE_RETURN) -> int:
    rows = ask(
        connection,
        "SELECT movement_id FROM stock_movements WHERE movement_id >= ? AND movement_id < ? LIMIT ?",
        *(beginning, f"{beginning[:-1]}0", limit),  # "0" is the sign behind "/"
    )
    for (movement_id,) in rows:
        change_rows(connection, _RENAME_MOVEMENT, renamed + movement_id[len(beginning) :], movement_id)
    return len(rows)
