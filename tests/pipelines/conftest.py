"""Stores for a test of the door, closed afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from tests.pipelines.door import stores_in


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = stores_in(tmp_path)
    yield opened
    opened.close()
