"""What learning asks of single shoppers between two trainings: events with log numbers, links, merges.

Unlike `recent`, which serves, nothing is judged here: every telling of an event, vouched or claimed, as learning reads
the log. Every question is answered by an index but the two that say so.
"""

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.bulk import Row, ask
from smartshop.data_collection.connectors.sql.codes import KIND_CODES, TRUST_OF
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.records import chunks, decode_event
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, OrderId

ASKED_AT_ONCE = 20
"""Shoppers per statement: a round trip to a database elsewhere costs more than they do."""
# Trust stands literally, for the planners to see that the partial indexes apply.
_OF_CUSTOMER = ("customer_id = ? AND trust > 0", "customer_id = ? AND trust = 0")
_OF_BROWSER = ("anonymous_id = ? AND customer_id IS NULL",)
_LINK = "anonymous_id, customer_id, received_at, trust"


class SqlOwnedEvents:
    """Implements `pipelines.owner_changes.OwnedEvents`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events_of(
        self,
        customers: Collection[CustomerId],
        browsers: Collection[AnonymousId],
        kinds: Collection[EventKind],
        limit: int,
    ) -> list[tuple[int, StoredEvent]]:
        """The newest `limit` events of each of these customers and, as far as they name no customer, browsers."""
        wanted = ", ".join(str(KIND_CODES[kind]) for kind in kinds)
        found: dict[int, StoredEvent] = {}
        with self._database.read() as connection:
            for conditions, ids in ((_OF_CUSTOMER, customers), (_OF_BROWSER, browsers)):
                for log_no, payload in _newest(connection, conditions, sorted(ids), wanted, limit):
                    found[log_no] = decode_event(payload)
        return sorted(found.items())

    def links_around(self, customers: Collection[CustomerId], browsers: Collection[AnonymousId]) -> list[IdentityLink]:
        """Every link of these browsers, and of each browser that one of these customers was ever linked to."""
        with self._database.read() as connection:
            used = {
                row[0]
                for chunk in chunks(sorted(customers))
                for row in ask(connection, _BROWSERS_OF.format(_places(chunk)), *chunk)
            }
            return [
                _link(row)
                for chunk in chunks(sorted({*used, *browsers}))
                for row in ask(connection, _LINKS_OF.format(_places(chunk)), *chunk)
            ]

    def links_since(self, received_at: Micros) -> list[IdentityLink]:
        """Links received after this moment; reads the whole table."""
        with self._database.read() as connection:
            return [_link(row) for row in ask(connection, _LINKS_SINCE, received_at)]

    def merges(self) -> dict[CustomerId, tuple[CustomerId, Micros]]:
        """Who was merged into whom, and when; reads the whole table."""
        with self._database.read() as connection:
            rows = ask(connection, "SELECT from_customer, into_customer, merged_at FROM customer_merges")
        return {CustomerId(start): (CustomerId(into), Micros(at)) for start, into, at in rows}

    def buyers_of(self, orders: Collection[OrderId]) -> list[tuple[CustomerId | None, AnonymousId | None]]:
        """Under which ids these orders were told; an unknown order is left out."""
        with self._database.read() as connection:
            rows = [
                row
                for chunk in chunks(sorted(orders))
                for row in ask(connection, _BUYERS.format(_places(chunk)), *chunk)
            ]
        return [(row[0], row[1]) for row in rows]

    def received_at(self, log_no: int) -> Micros | None:
        """When the newest event up to this log number was received; None: there is none."""
        with self._database.read() as connection:
            rows = ask(
                connection, "SELECT received_at FROM events WHERE log_no <= ? ORDER BY log_no DESC LIMIT 1", log_no
            )
        return Micros(rows[0][0]) if rows else None


_BROWSERS_OF = "SELECT anonymous_id FROM identity_links WHERE customer_id IN ({})"
_LINKS_OF = f"SELECT {_LINK} FROM identity_links WHERE anonymous_id IN ({{}})"  # noqa: S608  names are our own
_LINKS_SINCE = f"SELECT {_LINK} FROM identity_links WHERE received_at > ?"  # noqa: S608  names are our own
_BUYERS = "SELECT customer_id, anonymous_id FROM orders WHERE order_id IN ({})"


def _newest(
    connection: Connection, conditions: tuple[str, ...], ids: Iterable[str], kinds: str, limit: int
) -> Iterator[Row]:
    """Rows (log_no, payload). `kinds`: our own numbers, comma between."""
    for chunk in chunks(ids, ASKED_AT_ONCE):
        statement = " UNION ALL ".join(
            "SELECT * FROM (SELECT log_no, payload FROM events"  # noqa: S608  names and numbers are our own
            f" WHERE {condition} AND kind IN ({kinds})"
            f" ORDER BY occurred_at DESC, kind DESC, log_no DESC LIMIT {limit}) AS place_{number}_{at}"
            for number, _ in enumerate(chunk)
            for at, condition in enumerate(conditions)
        )
        yield from ask(connection, statement, *(one for one in chunk for _ in conditions))


def _places(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _link(row: Row) -> IdentityLink:
    browser, customer, received_at, trust = row
    return IdentityLink(
        anonymous_id=AnonymousId(browser),
        customer_id=CustomerId(customer),
        received_at=Micros(received_at),
        trust=TRUST_OF[trust],
    )
