"""Rows of the quarantine that name somebody, read a page at a time."""

from collections.abc import Iterator
from typing import NamedTuple

from smartshop.data_collection.connectors.named_ids import Named, spellings
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.engine import Database

ROWS_AT_ONCE = 500


class RefusedText(NamedTuple):
    row_id: int
    raw: bytes
    reason: str


def refused_naming(database: Database, named: Named) -> Iterator[list[RefusedText]]:
    """Replayed rows too: they are kept as they came."""
    told = [spelling for one in sorted(named.ids) for spelling in spellings(one)]
    holds = "position(? in raw) > 0" if database.is_postgres else "instr(raw, ?) > 0"
    question = (
        f"SELECT row_id, raw, reason FROM quarantine WHERE row_id > ? AND ({' OR '.join([holds] * len(told))})"  # noqa: S608
        " ORDER BY row_id LIMIT ?"
    )
    after = 0
    while True:
        with database.read() as connection:
            rows = [
                RefusedText(row_id, bytes(raw), reason)
                for row_id, raw, reason in ask(connection, question, after, *told, ROWS_AT_ONCE)
            ]
        if theirs := [row for row in rows if named.is_in(row.raw)]:
            yield theirs
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1].row_id
