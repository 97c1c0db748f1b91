"""Real stores for every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from tests.agents.world import fill


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_stores("", tmp_path, tmp_path / "models")
    fill(opened)
    yield opened
    opened.close()
