"""`smartshop up`: one command, two processes that share only the stores; the one that ends is started again.

`serve` answers people; `work` trains, imports and, in the demonstration shop, sends shoppers. This process imports
nothing heavy: it only starts, watches and ends the others.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smartshop.errors import SettingsError

READY_WITHIN_SECONDS = 120
STOP_WITHIN_SECONDS = 15
RESTART_AFTER_SECONDS = (0.2, 1.0, 3.0, 10.0)
"""Waits before the next start of a process that keeps ending; a minute of life resets them."""

ONE_BLAS_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
"""Training must leave the other core to the people."""


def check_port(host: str, port: int) -> None:
    """
    Raises:
        SettingsError: somebody listens there already, or we may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} on {host} cannot be used ({error.strerror}); stop what listens there or choose another, "
                f"for example with `make run PORT={port + 1}` or `smartshop up --port {port + 1}`."
            ) from None


@dataclass(slots=True)
class Child:
    """One supervised process."""

    name: str
    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    early_ends: int = 0
    start_again_at: float = 0.0

    def start(self) -> None:
        # A group of its own: Ctrl-C in the terminal reaches us alone, and we end the children in order.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "smartshop", *self.arguments],
            env={**os.environ, **self.environment},
            start_new_session=True,
        )
        self.started_at = time.monotonic()

    def tend(self) -> None:
        """Start again what ended, later and later when it keeps ending."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_again_at:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self.early_ends = 0 if now - self.started_at > 60 else self.early_ends + 1
        wait = RESTART_AFTER_SECONDS[min(self.early_ends, len(RESTART_AFTER_SECONDS)) - 1]
        print(f"{self.name} ended with {status}; it starts again in {wait:g} s.", file=sys.stderr, flush=True)
        self.process, self.start_again_at = None, now + wait

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def supervise(children: Sequence[Child], url: str) -> int:
    """Run the children until a signal; returns the exit status."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    try:
        for child in children:
            child.start()
        _announce(children[0], url, ended)
        while not ended.wait(0.2):
            for child in children:
                child.tend()
    finally:
        # In the order of the list: nobody is answered by half a shop.
        for child in children:
            child.stop()
    return 0


def _announce(serving: Child, url: str, ended: threading.Event) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and not ended.is_set():
        serving.tend()
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    print(f"\n  The shop is open: {url}\n  Ctrl-C closes it.\n", flush=True)
                    return
        except (urllib.error.URLError, OSError):
            ended.wait(0.2)
    if not ended.is_set():
        says = f"{url} is not ready after {READY_WITHIN_SECONDS} s; the lines above say why."
        print(says, file=sys.stderr, flush=True)


def run_once(arguments: Sequence[str]) -> int:
    """One command of ours in a process of its own, in this terminal; its status."""
    return subprocess.run(
        [sys.executable, "-m", "smartshop", *arguments], env={**os.environ, **ONE_BLAS_THREAD}, check=False
    ).returncode


def is_empty(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())
