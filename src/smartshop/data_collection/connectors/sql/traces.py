"""That nothing deleted stays readable in SQLite's files. PostgreSQL's own vacuum reuses the room of deleted rows.

Deleted content is overwritten (`secure_delete`), and the write-ahead log, which holds pages as they were, is emptied.
What is left are copies that SQLite made in the unused room of pages when it split them earlier; only writing the whole
file anew removes those: at once where that takes a moment, else in the daily job.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.engine import Database

SMALL_BYTES = 8 << 20
"""A file so small is written anew in about 30 ms."""
PATIENCE_MS = 100
"""How long a try at emptying the log waits for readers, who may be anywhere; writers wait with it."""
TRIES = 20
PAUSE_SECONDS = 0.05


@contextmanager
def overwriting_deleted(connection: Connection) -> Iterator[None]:
    """What this transaction deletes is overwritten, also where that takes writing a page that becomes free."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA secure_delete = FAST")


def empty_wal(database: Database, *, pause: Callable[[float], None] = time.sleep) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; False when others were always in the way."""
    path = file_of(database)
    if path is None:
        return True
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        for _ in range(TRIES):
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                busy = 1
            if not busy:
                return True
            pause(PAUSE_SECONDS)
    return False


def is_small(database: Database) -> bool:
    path = file_of(database)
    return path is None or path.stat().st_size <= SMALL_BYTES


def write_anew(database: Database, *, pause: Callable[[float], None] = time.sleep) -> bool:
    """The whole file without its unused room: about 4 ms per MB, in which nobody else writes."""
    path = file_of(database)
    if path is None:
        return True
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 5000")
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError:
            # Somebody writes all the time, or the disk has no room for a second copy.
            return False
    return empty_wal(database, pause=pause)


def file_of(database: Database) -> Path | None:
    """None for a server."""
    return None if database.is_postgres else Path(database.writers.url.database or "")
