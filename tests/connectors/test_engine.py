"""A database in trouble: what is worth another try gets one, the rest is said in words."""

import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from smartshop.data_collection.connectors.sql import engine as engine_module
from smartshop.data_collection.connectors.sql.bulk import driver_cursor
from smartshop.data_collection.connectors.sql.engine import open_database
from smartshop.errors import Unavailable
from tests.connectors.told import in_threads
from tests.engines.postgres import free_loopback_port


def test_a_server_that_is_down_is_unavailable_in_words() -> None:
    database = open_database(f"postgresql://nobody@127.0.0.1:{free_loopback_port()}/nothing?connect_timeout=2")
    with pytest.raises(Unavailable, match="cannot be read now"), database.read():
        pass
    with pytest.raises(Unavailable, match="cannot be written to now"):
        database.write(lambda connection: connection.execute(text("SELECT 1")))
    database.close()


def test_a_file_locked_for_too_long_is_unavailable_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_SECONDS", 0.1)
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    database.write(lambda connection: connection.execute(text("CREATE TABLE t (a INTEGER)")))
    holder = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="database is locked"):
        database.write(lambda connection: connection.execute(text("INSERT INTO t VALUES (1)")))
    holder.execute("ROLLBACK")
    holder.close()
    assert database.write(lambda connection: connection.execute(text("INSERT INTO t VALUES (1)")).rowcount) == 1
    database.close()


def test_what_failed_leaves_nothing_and_the_writer_free(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    database.write(lambda connection: connection.execute(text("CREATE TABLE t (a INTEGER)")))

    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        database.write(fail)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    assert database.write(lambda connection: connection.execute(text("INSERT INTO t VALUES (2)")).rowcount) == 1
    database.close()


def test_of_two_writers_in_a_deadlock_both_get_through(postgres_url: str) -> None:
    database = open_database(postgres_url)
    met = threading.Barrier(2)
    attempts = []

    def lock_both(first: int, second: int, connection: Connection) -> None:
        attempts.append(first)
        cursor = driver_cursor(connection)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (first,))
        if len(attempts) <= 2:
            met.wait(timeout=10)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (second,))

    in_threads([partial(database.write, partial(lock_both, *pair)) for pair in ((1, 2), (2, 1))])
    database.close()
    assert len(attempts) == 3


def test_an_engines_error_never_tells_the_values_of_its_statement(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    database.write(lambda connection: connection.execute(text("CREATE TABLE people (name TEXT UNIQUE)")))

    def tell(connection: Connection) -> None:
        connection.execute(text("INSERT INTO people VALUES (:name)"), [{"name": "Ann of Reykjavik"}] * 2)

    with pytest.raises(IntegrityError) as told:
        database.write(tell)
    assert "Ann" not in str(told.value) + repr(told.value)
    database.close()
