"""One service per test module, over a fresh shop."""

from collections.abc import Iterator

import pytest

from tests.api.shop_for_tests import Opened, opened_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A small shop of real parts behind a client; what a test stores, the module's later tests find."""
    with opened_service(tmp_path_factory.mktemp("shop")) as opened:
        yield opened
