"""The serving and the working process for a measurement, on a free loopback port, ended by their process ids."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Target

READY_WITHIN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Served:
    target: Target
    publishable: Target
    pid: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://{self.target.host}:{self.target.port}"


@contextmanager
def served(folder: Path, *, demo: bool = False) -> Iterator[Served]:
    """`smartshop serve` over the shop in `folder`."""
    port = free_port()
    secret, publishable = f"sk_{secrets.token_hex(16)}", f"pk_{secrets.token_hex(16)}"
    environment = {**os.environ, "SMARTSHOP_SECRET_KEYS": secret, "SMARTSHOP_PUBLISHABLE_KEYS": publishable}
    where = ["--data-dir", str(folder), "--demo" if demo else "--no-demo"]
    run_command(["prepare", *where], environment)
    arguments = ["serve", *where, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "smartshop", *arguments], env=environment, stdout=log, stderr=log
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/health/ready", process, folder / "serve.log")
        yield Served(
            Target("127.0.0.1", port, secret), Target("127.0.0.1", port, publishable), process.pid, environment
        )
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_command(arguments: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """One `smartshop` command to its end; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "smartshop", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"smartshop {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError as error:
            if error.code == 503:
                time.sleep(0.1)
                continue
            raise
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not become ready: {log.read_text(errors='replace')[-2000:]}")
