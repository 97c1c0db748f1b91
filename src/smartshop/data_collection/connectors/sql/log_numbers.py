"""Log numbers and the log's size, kept up to date by every append so that asking costs one small row."""

import os
from collections.abc import Sequence

from sqlalchemy import Connection, case, func, select, text

from smartshop.data_collection.connectors.ports import LogSize
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.tables import log_size
from smartshop.data_collection.connectors.sql.upsert import insert_for
from smartshop.data_collection.schemas.events import StoredEvent, Traffic

SLOTS = 64
"""PostgreSQL's writing processes add to rows of their own, so that they do not queue for one."""

_LAST_NO = select(func.coalesce(func.max(log_size.c.last_no), 0))
_DRAW = text("SELECT nextval('log_numbers') FROM generate_series(1, :wanted)")


def take_numbers(connection: Connection, wanted: int) -> list[int]:
    """That many numbers, ascending, never given before."""
    if wanted == 0:
        return []
    if connection.dialect.name == "postgresql":
        return sorted(connection.execute(_DRAW, {"wanted": wanted}).scalars())
    last = connection.execute(_LAST_NO).scalar_one()
    return list(range(last + 1, last + 1 + wanted))


def add_to_size(connection: Connection, stored: Sequence[StoredEvent], numbers: Sequence[int]) -> None:
    """Count stored events in, and remember the last number taken."""
    if not numbers:
        return
    human = [event.occurred_at for event in stored if event.traffic is Traffic.HUMAN]
    statement = insert_for(connection, log_size)
    told, known = statement.excluded, log_size.c
    newer = case((known.newest_human_at > told.newest_human_at, known.newest_human_at), else_=told.newest_human_at)
    older = case((known.oldest_at < told.oldest_at, known.oldest_at), else_=told.oldest_at)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["slot"],
            set_={
                "last_no": told.last_no,
                "events": known.events + told.events,
                "newest_human_at": func.coalesce(newer, known.newest_human_at),
                "oldest_at": func.coalesce(older, known.oldest_at),
            },
        ),
        {
            "slot": os.getpid() % SLOTS if connection.dialect.name == "postgresql" else 0,
            "last_no": numbers[-1],
            "events": len(stored),
            "newest_human_at": max(human, default=None),
            "oldest_at": min((event.occurred_at for event in stored), default=None),
        },
    )


def read_size(connection: Connection) -> LogSize:
    ((events, newest, oldest, last_no),) = ask(connection, _SIZE)
    return LogSize(events=int(events or 0), newest_human_at=newest, oldest_at=oldest, last_no=int(last_no or 0))


_SIZE = "SELECT sum(events), max(newest_human_at), min(oldest_at), max(last_no) FROM log_size"
