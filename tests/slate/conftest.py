"""Real stores and empty profiles for every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from tests.slate.service_world import FoldedProfiles


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_stores("", tmp_path, tmp_path / "models")
    yield opened
    opened.close()


@pytest.fixture
def profiles() -> FoldedProfiles:
    return FoldedProfiles()
