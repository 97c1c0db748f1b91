"""A real worker process beside a shop, and patience."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.commands.command import environment
from tests.importing.shop import EmbeddedShop

PATIENCE_SECONDS = 180.0
"""A job runs only where nobody else wants the processor, and other tests do."""


def until(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:.0f} s for {what}"
        time.sleep(0.05)


@contextmanager
def working(shop: EmbeddedShop, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "smartshop", "work", *shop.place.arguments]
    process = subprocess.Popen(command, env=environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
