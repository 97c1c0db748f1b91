"""A database opened by its URL: SQLite files with one writer and many readers, or PostgreSQL."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from smartshop.data_collection.connectors.sql.checkpoints import WalCheckpoints
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import Unavailable

Result = TypeVar("Result")

BUSY_TIMEOUT_SECONDS = 30
"""How long a writer waits for another process; a training job's largest transaction takes a few seconds."""
SQLITE_READERS = 8
POSTGRES_CONNECTIONS = 10
TRANSACTION_ATTEMPTS = 5
POSTGRES_TRY_AGAIN = {"40P01", "40001"}
"""SQLSTATE of deadlock_detected and serialization_failure: the server undid the work, doing it again is right."""
HIDE_PARAMETERS = True
"""An error's text ends in logs and dead letters; the values of its statement are people's."""
ENGINE_TROUBLE = (OperationalError, sqlite3.OperationalError, psycopg.OperationalError)
"""As SQLAlchemy tells it, and as the drivers do where we use them directly."""
WAL_SAFETY_PAGES = 50_000
"""SQLite's own checkpoint at commit, only for when our thread cannot keep up (200 MB)."""


def system_micros() -> Micros:
    return Micros(time.time_ns() // 1_000)


@dataclass(frozen=True, slots=True)
class Database:
    """Where adapters read and write. Reads see what is committed; a write is one transaction, begun as a writer."""

    readers: Engine
    writers: Engine
    now: Callable[[], Micros] = system_micros
    """For changed-at columns and the outbox, whose meaning is this machine's time."""
    checkpoints: WalCheckpoints | None = None

    @property
    def is_postgres(self) -> bool:
        return self.writers.dialect.name == "postgresql"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read from.

        Raises:
            Unavailable: the engine is down or overloaded.
        """
        try:
            with self.readers.connect() as connection:
                yield connection
        except PoolTimeout as error:
            raise Unavailable("The database has more readers than it can serve now; try again shortly.") from error
        except ENGINE_TROUBLE as error:
            raise Unavailable(f"The database cannot be read now: {_own_words(error)}.") from error

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction and commit. It may run more than once, so it only acts on its connection.

        Raises:
            Unavailable: the engine is down, full, or locked for longer than we wait.
        """
        for attempt in range(1, TRANSACTION_ATTEMPTS + 1):
            try:
                with self.writers.begin() as connection:
                    return work(connection)
            except PoolTimeout as error:
                raise Unavailable("The database has more writers than it can serve now; try again shortly.") from error
            except ENGINE_TROUBLE as error:
                if _sqlstate(error) in POSTGRES_TRY_AGAIN and attempt < TRANSACTION_ATTEMPTS:
                    continue
                raise Unavailable(f"The database cannot be written to now: {_own_words(error)}.") from error
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        if self.checkpoints is not None:
            self.checkpoints.stop()
        self.readers.dispose()
        self.writers.dispose()


def open_database(url: str, *, durable: bool = True) -> Database:
    """Open `sqlite:///FILE` or `postgresql://…`. Not `durable`: a power cut may lose the last moments (SQLite only)."""
    if url.startswith("sqlite"):
        return _open_sqlite(url, durable=durable)
    return _open_postgres(url)


def _open_postgres(url: str) -> Database:
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        address,
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=POSTGRES_CONNECTIONS,
        pool_pre_ping=True,
        hide_parameters=HIDE_PARAMETERS,
    )
    return Database(readers=engine, writers=engine)


def _open_sqlite(url: str, *, durable: bool) -> Database:
    path = Path(make_url(url).database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    pragmas = _pragmas(durable=durable)
    readers = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=SQLITE_READERS,
        max_overflow=SQLITE_READERS,
        hide_parameters=HIDE_PARAMETERS,
    )
    # One connection: threads of this process wait for their turn here, instead of polling the file's lock.
    writers = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_SECONDS,
        insertmanyvalues_page_size=400,
        hide_parameters=HIDE_PARAMETERS,
    )
    for engine in (readers, writers):
        event.listen(engine, "connect", lambda connection, _: _prepare(connection, pragmas))
    event.listen(writers, "begin", _begin_as_writer)
    return Database(readers=readers, writers=writers, checkpoints=WalCheckpoints(path, writers))


def _pragmas(*, durable: bool) -> tuple[str, ...]:
    return (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
        "PRAGMA journal_mode = WAL",
        f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}",
        "PRAGMA foreign_keys = ON",
        f"PRAGMA wal_autocheckpoint = {WAL_SAFETY_PAGES}",
        "PRAGMA cache_size = -65536",
        f"PRAGMA mmap_size = {1 << 30}",
        "PRAGMA temp_store = MEMORY",
        # What is deleted or replaced in a page is overwritten there; it costs no write more. See `traces`.
        "PRAGMA secure_delete = FAST",
    )


class _Cursorable(Protocol):
    isolation_level: str | None

    def cursor(self) -> Any: ...  # noqa: ANN401  a DBAPI cursor has no type of its own


def _prepare(connection: _Cursorable, pragmas: tuple[str, ...]) -> None:
    # We begin transactions ourselves: the driver's own BEGIN is a reader's, which cannot always become a writer's.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in pragmas:
        _execute_patiently(cursor, pragma)
    cursor.close()


def _execute_patiently(cursor: Any, statement: str) -> None:  # noqa: ANN401  a DBAPI cursor has no type of its own
    """Changing to WAL does not wait for its lock by itself when two processes open a new file at once."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _own_words(error: Exception) -> str:
    """What the engine itself said, without the statement."""
    said = error.orig if isinstance(error, OperationalError) else error
    return str(said).strip().rstrip(".")


def _sqlstate(error: Exception) -> str | None:
    said = error.orig if isinstance(error, OperationalError) else error
    return said.sqlstate if isinstance(said, psycopg.Error) else None


def _begin_as_writer(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
