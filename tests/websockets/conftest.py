"""One listening service per test module."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.api.live_server import listening
from tests.api.shop_for_tests import Opened, app_of, make_shop, open_shop_stores


@dataclass(frozen=True, slots=True)
class Listening:
    url: str
    opened: Opened


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """A small shop behind a real port."""
    stores = open_shop_stores(tmp_path_factory.mktemp("shop"))
    shop = make_shop(stores)
    with listening(app_of(shop)) as url, httpx2.Client(base_url=url) as client:
        yield Listening(url, Opened(shop, client))
    stores.close()
