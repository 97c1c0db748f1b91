"""Many rows at once, past SQLAlchemy's per-row work: the driver's own executemany (SQLite) or COPY (PostgreSQL).

Names come from our own tables, values always as parameters.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

Row = tuple[Any, ...]  # Any: a row's values are as different as its columns


def driver_cursor(connection: Connection) -> Any:  # noqa: ANN401  a DBAPI cursor has no type of its own
    """The driver's cursor, inside the connection's own transaction."""
    return connection.connection.cursor()


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows given in the table's column order."""
    if not rows:
        return
    cursor = driver_cursor(connection)
    if connection.dialect.name == "sqlite":
        cursor.executemany(_insert_statement(table), rows)
        return
    with cursor.copy(_copy_statement(table)) as copy:
        for row in rows:
            copy.write_row(row)


def ask(connection: Connection, statement: str, *values: object) -> list[Row]:
    """The rows a statement answers; its places are written `?` for either engine."""
    rows: list[Row] = driver_cursor(connection).execute(_spelled(connection, statement), values).fetchall()
    return rows


def tell(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    """Run a statement once per row of values; its places are written `?` for either engine."""
    if rows:
        driver_cursor(connection).executemany(_spelled(connection, statement), rows)


def change_rows(connection: Connection, statement: str, *values: object) -> int:
    """Run a statement once; how many rows it changed. Its places are written `?` for either engine."""
    cursor = driver_cursor(connection)
    cursor.execute(_spelled(connection, statement), values)
    return int(cursor.rowcount)


def _spelled(connection: Connection, statement: str) -> str:
    return statement.replace("?", "%s") if connection.dialect.name == "postgresql" else statement


@cache
def _insert_statement(table: Table) -> str:
    places = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {table.name} VALUES ({places})"  # noqa: S608  names are our own


@cache
def _copy_statement(table: Table) -> str:
    return f"COPY {table.name} FROM STDIN"
