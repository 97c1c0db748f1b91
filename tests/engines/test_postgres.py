"""The engine that the contract tests stand on starts, is empty, keeps databases apart and stops."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.engines.postgres import PostgresServer, process_has_ended, save_server, start_postgres


def test_a_new_database_is_empty_and_seen_by_nobody_else(new_postgres_database: Callable[[], str]) -> None:
    first, second = new_postgres_database(), new_postgres_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE basket (product_id text)")
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('basket')").fetchone() == (None,)


def test_each_worker_has_its_own_database(postgres_url: str, worker_name: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (f"smartshop_{worker_name}",)


def test_texts_are_utf8_and_days_are_utc(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT 'tente à 2 places – 帳篷', current_setting('TimeZone')").fetchone()
    assert row == ("tente à 2 places – 帳篷", "UTC")


@pytest.fixture
def own_server(open_folder: Path) -> PostgresServer:
    return start_postgres(open_folder / "postgres")


@pytest.fixture
def open_folder(postgres_server: PostgresServer, worker_name: str, request: pytest.FixtureRequest) -> Path:
    """A folder that PostgreSQL's account may enter; pytest's own temporary folders are closed to it."""
    folder = Path(postgres_server.folder).parent / f"{worker_name}-{request.node.name}"
    folder.mkdir(mode=0o711)
    return folder


def test_a_stopped_server_leaves_no_process_and_no_files(own_server: PostgresServer) -> None:
    own_server.stop()
    assert process_has_ended(own_server.pid)
    assert not Path(own_server.folder).exists()


def test_a_server_whose_test_run_was_killed_is_stopped(own_server: PostgresServer, open_folder: Path) -> None:
    server_file = open_folder / "server.json"
    save_server(own_server, server_file)
    killed_run = subprocess.Popen([sys.executable, "-c", "pass"])
    killed_run.wait()
    subprocess.run(
        [sys.executable, "-m", "tests.engines.keeper", str(killed_run.pid), str(server_file)],
        check=True,
        timeout=120,
        env=os.environ,
    )
    assert process_has_ended(own_server.pid)
