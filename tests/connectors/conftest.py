"""The stores under test, once over SQLite and once over a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores

ENGINES = ("sqlite", "postgres")


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    return new_database()


@pytest.fixture
def open_again(database_url: str, tmp_path: Path) -> Callable[[], SqlStores]:
    """Opens the same database as another process would."""
    return lambda: open_stores(database_url, tmp_path, tmp_path / "models")


@pytest.fixture
def stores(open_again: Callable[[], SqlStores]) -> Iterator[SqlStores]:
    opened = open_again()
    yield opened
    opened.close()
