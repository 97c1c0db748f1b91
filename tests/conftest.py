"""What every test may ask for: a real PostgreSQL, the research data, a browser."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tests.engines.postgres import PostgresServer, load_server, save_server, start_postgres

REPOSITORY = Path(__file__).resolve().parent.parent
ENGINES_FOLDER_VARIABLE = "SMARTSHOP_TEST_ENGINES_DIR"
RUN_PID_VARIABLE = "SMARTSHOP_TEST_RUN_PID"
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# A slow machine is no failed property: examples have no deadline.
# The same examples in every run, so that a change is judged by its own faults; to look for new ones run with
# HYPOTHESIS_PROFILE=explore.
hypothesis_settings.register_profile("smartshop", deadline=None, max_examples=60, derandomize=True)
hypothesis_settings.register_profile("explore", deadline=None, max_examples=1_000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "smartshop"))


def pytest_configure(config: pytest.Config) -> None:
    """The run's first process makes the folder in which all its workers find the engines started so far."""
    if _is_worker(config):
        return
    folder = tempfile.mkdtemp(prefix="smartshop-engines-")
    # Under root PostgreSQL runs as another account, which must reach its cluster in here.
    Path(folder).chmod(0o711)
    os.environ[ENGINES_FOLDER_VARIABLE] = folder
    os.environ[RUN_PID_VARIABLE] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run's first process stops what its workers started."""
    if _is_worker(config):
        return
    folder = Path(os.environ.pop(ENGINES_FOLDER_VARIABLE))
    server_file = folder / "postgres.json"
    if server_file.exists():
        load_server(server_file).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The one PostgreSQL of this test run, started by whichever worker asks first."""
    folder = Path(os.environ[ENGINES_FOLDER_VARIABLE])
    server_file = folder / "postgres.json"
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not server_file.exists():
            save_server(start_postgres(folder / "postgres"), server_file)
            _start_keeper(server_file)
    return load_server(server_file)


@pytest.fixture(scope="session")
def new_postgres_database(postgres_server: PostgresServer, worker_name: str) -> Callable[[], str]:
    """Call it for the URL of an empty database that no other test or worker sees (about 0.05 s)."""
    numbers = count(1)
    return lambda: postgres_server.create_database(f"smartshop_{worker_name}_{next(numbers)}")


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer, worker_name: str) -> str:
    """URL of this worker's own database: empty at first, then shared by the tests of the worker."""
    return postgres_server.create_database(f"smartshop_{worker_name}")


@pytest.fixture(scope="session")
def worker_name() -> str:
    """`gw0`, `gw1`… under xdist, `main` without."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of research data beside the checkout."""
    return _beside_the_checkout("data")


@pytest.fixture(scope="session")
def shared_vectors() -> Path:
    """The folder of published test vectors beside the checkout."""
    return _beside_the_checkout("vectors")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; without one the test is skipped, and fails where CI is set."""
    named = os.environ.get("CHROMIUM", "")
    found = named or next(filter(None, map(shutil.which, BROWSER_NAMES)), "")
    if found and Path(found).exists():
        return found
    missing = f"no browser: set CHROMIUM to the path of a Chromium (it is {named!r}), or run tools/ensure_chromium.sh"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def _beside_the_checkout(name: str) -> Path:
    folder = REPOSITORY.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"the research {name} is not beside this checkout (shared/{name})")
    return folder


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _start_keeper(server_file: Path) -> None:
    command = [sys.executable, "-m", "tests.engines.keeper", os.environ[RUN_PID_VARIABLE], str(server_file)]
    subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
