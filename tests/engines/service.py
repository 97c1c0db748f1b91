"""A real `smartshop up` for tests, on a free loopback port, stopped by its process id."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from tests.engines.postgres import free_loopback_port

PROGRAMS = Path(sys.executable).parent
"""Where this environment keeps `smartshop`, and `node` and `npm` once set up."""
READY_WITHIN_SECONDS = 240.0
"""A demonstration shop is made and learned from first; the limit only ends a start that hangs."""
STOP_WITHIN_SECONDS = 30.0


class ServiceDidNotStart(RuntimeError):
    """The service's own output says why; its end is part of the message."""


@dataclass(frozen=True)
class RunningService:
    """A started service; `log` holds what it printed."""

    url: str
    secret_key: str
    publishable_key: str
    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def running_service(folder: Path, *, options: Sequence[str] = ("--no-demo",)) -> Iterator[RunningService]:
    """Start `smartshop up` with its data in `folder`, wait until it is ready, and end it with all its processes.

    Raises:
        ServiceDidNotStart: it ended early, or was not ready in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_loopback_port(), folder / "service.log"
    command = [str(PROGRAMS / "smartshop"), "up", "--data-dir", str(folder / "shop")]
    command += ["--host", "127.0.0.1", "--port", str(port), *options]
    secret_key, publishable_key = f"secret-{token_hex(16)}", f"publishable-{token_hex(16)}"
    keys = {"SMARTSHOP_SECRET_KEYS": secret_key, "SMARTSHOP_PUBLISHABLE_KEYS": publishable_key}
    with log.open("ab") as output:
        # A group of its own, so that its end reaches the processes that it supervises as well.
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **keys}, stdout=output, stderr=output, start_new_session=True
        )
    service = RunningService(f"http://127.0.0.1:{port}", secret_key, publishable_key, process, log)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        _stop(process)


def _wait_until_ready(service: RunningService) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            raise ServiceDidNotStart(f"the service ended with {service.process.returncode}: {_end_of(service.log)}")
        if _is_ready(service.url):
            return
        time.sleep(0.2)
    raise ServiceDidNotStart(f"{service.url} was not ready in {READY_WITHIN_SECONDS:.0f} s: {_end_of(service.log)}")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_WITHIN_SECONDS)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # the group ended by itself, as it should
    process.wait()
