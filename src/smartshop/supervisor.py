"""`smartshop up`: one command, two processes that share only the stores; the one that ends is started again.

`serve` answers people; `work` trains and, in the demonstration shop, sends shoppers. This process imports nothing
heavy: it only starts, watches and ends the others. Each of them leads a process group, so that what it started ends
with it, however it ends.
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
from contextlib import suppress
from dataclasses import dataclass, field

from smartshop.errors import SettingsError
from smartshop.place import Place, storefront_folder

READY_WITHIN_SECONDS = 120
STOP_WITHIN_SECONDS = 15
LOOK_EVERY_SECONDS = 0.2
PARENT_LOOK_SECONDS = 1.0
RESTART_AFTER_SECONDS = (0.2, 1.0, 3.0, 10.0)
"""Waits before the next start of a process that keeps ending; a minute of life resets them."""
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared

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
            other = port + 1 if port < 65535 else 8000
            raise SettingsError(
                f"Port {port} on {host} cannot be used ({error.strerror}); stop what listens there or choose another, "
                f"for example with `make run PORT={other}` or `smartshop up --port {other}`."
            ) from None


def end_with_parent() -> None:
    """Close this process in order when the one that started it is gone, even by kill -9."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def url_of(host: str, port: int) -> str:
    """Where a browser on this machine finds the shop.

    >>> url_of("0.0.0.0", 8000), url_of("::1", 80)
    ('http://127.0.0.1:8000', 'http://[::1]:80')
    """
    reachable = "127.0.0.1" if host in EVERYWHERE else host
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


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
        # A session of its own: Ctrl-C in the terminal reaches us alone, and we end the children in order.
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
        _end_group(self.process.pid)
        self.early_ends = 0 if now - self.started_at > 60 else self.early_ends + 1
        wait = RESTART_AFTER_SECONDS[min(max(self.early_ends - 1, 0), len(RESTART_AFTER_SECONDS) - 1)]
        print(f"  {self.name} ended {_in_words(status)}; it starts again in {wait:g} s.", file=sys.stderr, flush=True)
        self.process, self.start_again_at = None, now + wait

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _end_group(self.process.pid)


def open_shop(place: Place, host: str, port: int) -> int:
    """Run both processes until a signal; returns the exit status."""
    url = url_of(host, port)
    serving = Child("serve", ["serve", *place.arguments, "--host", host, "--port", str(port)])
    children = [serving, Child("work", ["work", *place.arguments, "--url", url], dict(ONE_BLAS_THREAD))]
    ended = threading.Event()
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda *_: ended.set())
    try:
        for child in children:
            child.start()
        if _is_ready(serving, url, ended):
            print(_welcome(place, url), flush=True)
        while not ended.wait(LOOK_EVERY_SECONDS):
            for child in children:
                child.tend()
    finally:
        # In the order of the list: nobody is answered by half a shop.
        for child in children:
            child.stop()
    print("\n  The shop is closed.", flush=True)
    return 0


def _is_ready(serving: Child, url: str, ended: threading.Event) -> bool:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and not ended.is_set():
        serving.tend()
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            ended.wait(LOOK_EVERY_SECONDS)
    if not ended.is_set():
        says = f"  {url} is not ready after {READY_WITHIN_SECONDS} s; the lines above say why."
        print(says, file=sys.stderr, flush=True)
    return False


def _welcome(place: Place, url: str) -> str:
    lines = [f"\n  The shop is open:  {url}\n"]
    if storefront_folder() is None:
        lines.append("  The storefront is not built (`make run` builds it); the API answers.")
    elif place.demo:
        lines.append("  Click a product and go back: the rows have changed, and every card says why it is there.")
        lines.append("  Simulated shoppers come and go meanwhile. Your own shop: `smartshop import products FILE`.")
    lines.append(f"  The API describes itself at {url}/openapi.json; `smartshop doctor` looks after the rest.")
    lines.append("  Ctrl-C closes the shop; nothing is lost.\n")
    return "\n".join(lines)


def run_once(arguments: Sequence[str]) -> int:
    """One command of ours in a process of its own, in this terminal; its status. What ends us ends it."""
    process = subprocess.Popen([sys.executable, "-m", "smartshop", *arguments], env={**os.environ, **ONE_BLAS_THREAD})
    before = {number: signal.signal(number, lambda *_: process.terminate()) for number in ENDING_SIGNALS}
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def _end_group(leader: int) -> None:
    """What a process left running; most leave nothing."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _in_words(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
