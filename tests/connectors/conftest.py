"""The stores under test, once over SQLite and once over a real PostgreSQL. Every test finds them empty."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from smartshop.data_collection.connectors.sql import tables
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores

ENGINES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with migrated files to copy: cheaper than migrating for every test."""
    folder = tmp_path_factory.mktemp("empty-shop")
    open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models").close()
    return folder


@pytest.fixture(scope="session")
def migrated_postgres(new_postgres_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    url = new_postgres_database()
    folder = tmp_path_factory.mktemp("migrating")
    open_stores(url, folder, folder / "models").close()
    return url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each engine, its tables there."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("empty_sqlite"), tmp_path, dirs_exist_ok=True)
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("migrated_postgres")
    _empty(url)
    return url


def _empty(url: str) -> None:
    names = [*tables.shop.tables, *tables.decision_log.tables]
    with psycopg.connect(url) as connection:
        for name in names:
            connection.execute(psycopg.sql.SQL("DELETE FROM {}").format(psycopg.sql.Identifier(name)))


@pytest.fixture
def open_again(database_url: str, tmp_path: Path) -> Callable[[], SqlStores]:
    """Opens the same database as another process would."""
    return lambda: open_stores(database_url, tmp_path, tmp_path / "models")


@pytest.fixture
def stores(open_again: Callable[[], SqlStores]) -> Iterator[SqlStores]:
    opened = open_again()
    yield opened
    opened.close()
