"""The storefront in a real browser against the running service; `frontend/e2e` says what a shopper can do there."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.service import PROGRAMS, running_service

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demonstration shop of its own, filled and learned."""
    assert chromium  # asked for first: without a browser there is no need to start a shop
    with running_service(tmp_path_factory.mktemp("demonstration"), options=("--demo",)) as service:
        yield service.url


def test_a_shopper_can_do_in_a_browser_what_the_storefront_promises(
    shop_url: str, chromium: str, repository: Path
) -> None:
    path = f"{PROGRAMS}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SMARTSHOP_URL": shop_url, "CHROMIUM": chromium}
    command = ["npm", "--prefix", str(repository / "frontend"), "run", "--silent", "e2e"]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]
