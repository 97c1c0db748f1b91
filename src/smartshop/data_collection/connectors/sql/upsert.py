"""`INSERT … ON CONFLICT`, which both engines speak and SQLAlchemy spells per engine."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

AnyInsert = sqlite.Insert | postgresql.Insert


def insert_for(connection: Connection, table: Table) -> AnyInsert:
    """The engine's own INSERT, for conflicts handled in some other way than the two below."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_if_absent(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert rows whose key is not there yet; the first stays."""
    if rows:
        connection.execute(insert_for(connection, table).on_conflict_do_nothing(), rows)


def insert_or_replace(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert rows; where the primary key is there, the given columns are replaced."""
    if not rows:
        return
    statement = insert_for(connection, table)
    keys = [column.name for column in table.primary_key.columns]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), rows)
