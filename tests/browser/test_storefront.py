"""The storefront in a real browser against the running service: `frontend/e2e` says what a shopper must be able to do."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.postgres import free_loopback_port

READY_WITHIN_SECONDS = 240.0
"""A demonstration shop is made and learned from first; the limit only ends a start that hangs."""
STOP_WITHIN_SECONDS = 30.0

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop_url(tmp_path_factory: pytest.TempPathFactory, repository: Path, chromium: str) -> Iterator[str]:
    """A demonstration shop of its own, filled and learned, on a free port."""
    assert chromium  # asked for first: without a browser there is no need to start a shop
    folder = tmp_path_factory.mktemp("shop")
    port = free_loopback_port()
    program = str(Path(sys.executable).parent / "smartshop")
    command = [program, "up", "--demo", "--data-dir", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "service.log").open("wb") as log:
        service = subprocess.Popen(command, cwd=repository, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/health/ready", service, folder / "service.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        _stop(service)


def test_a_shopper_can_do_in_a_browser_what_the_storefront_promises(
    shop_url: str, chromium: str, repository: Path, tmp_path: Path
) -> None:
    programs = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SMARTSHOP_URL": shop_url,
        "CHROMIUM": chromium,
        "PLAYWRIGHT_OUTPUT_DIR": str(tmp_path),
    }
    command = ["npm", "--prefix", str(repository / "frontend"), "run", "--silent", "e2e"]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]


def _wait_until_ready(address: str, service: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if service.poll() is not None:
            pytest.fail(f"the service ended with {service.returncode}: {log.read_text(errors='replace')[-4000:]}")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            pass
        time.sleep(0.25)
    pytest.fail(
        f"{address} was not ready within {READY_WITHIN_SECONDS:.0f} s: {log.read_text(errors='replace')[-4000:]}"
    )


def _stop(service: "subprocess.Popen[bytes]") -> None:
    service.send_signal(signal.SIGTERM)
    try:
        service.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()
