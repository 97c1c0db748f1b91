"""`event_seen`: the one place that decides what is a duplicate, also between processes writing at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.bulk import driver_cursor
from smartshop.data_collection.schemas.events import StoredEvent


class SeenKey(NamedTuple):
    shopper_key: str
    event_id: str
    trust: int


def sender_key(event: StoredEvent) -> str:
    """The shopper of an event as keys hold them: a customer and a browser of the same letters stay two.

    No id holds a slash.
    """
    return event.shopper_key if event.customer_id is not None else f"/{event.shopper_key}"


SeenRow = tuple[str, str, int, bytes, int]
"""A key's three parts, the content's hash, seen_at."""


def claim(connection: Connection, rows: Sequence[SeenRow]) -> set[SeenKey]:
    """Insert these distinct keys; return those nobody had inserted before."""
    if not rows:
        return set()
    if connection.dialect.name == "sqlite":
        return _claim_in_sqlite(connection, rows)
    return _claim_in_postgres(connection, rows)


def _claim_in_sqlite(connection: Connection, rows: Sequence[SeenRow]) -> set[SeenKey]:
    # The driver's per-statement cost is about that of a row in executemany, and only this tells which rows were new.
    cursor = driver_cursor(connection)
    execute = cursor.execute
    new = set()
    for row in rows:
        execute("INSERT INTO event_seen VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        if cursor.rowcount == 1:
            new.add(SeenKey(row[0], row[1], row[2]))
    return new


def _claim_in_postgres(connection: Connection, rows: Sequence[SeenRow]) -> set[SeenKey]:
    # In the order of the key, so that two writers with the same keys wait for each other instead of deadlocking.
    columns = [list(column) for column in zip(*sorted(rows), strict=True)]
    cursor = driver_cursor(connection)
    cursor.execute(
        "INSERT INTO event_seen (shopper_key, event_id, trust, content, seen_at)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::bytea[], %s::bigint[])"
        " ON CONFLICT DO NOTHING RETURNING shopper_key, event_id, trust",
        columns,
    )
    return {SeenKey(*row) for row in cursor.fetchall()}


def contents(connection: Connection, keys: Iterable[SeenKey]) -> dict[SeenKey, bytes]:
    """The content hashes under which these keys were first seen."""
    cursor = driver_cursor(connection)
    found = {}
    place = "?" if connection.dialect.name == "sqlite" else "%s"
    question = f"SELECT content FROM event_seen WHERE shopper_key = {place} AND event_id = {place} AND trust = {place}"  # noqa: S608
    for key in keys:
        row = cursor.execute(question, tuple(key)).fetchone()
        if row is not None:
            found[key] = bytes(row[0])
    return found


def release(connection: Connection, keys: Iterable[SeenKey]) -> None:
    """Forget keys claimed in this very transaction, whose events were not stored after all."""
    place = "?" if connection.dialect.name == "sqlite" else "%s"
    cursor = driver_cursor(connection)
    statement = f"DELETE FROM event_seen WHERE shopper_key = {place} AND event_id = {place} AND trust = {place}"  # noqa: S608
    for key in keys:
        cursor.execute(statement, tuple(key))
