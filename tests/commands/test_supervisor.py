"""One command runs everything: what dies is started again, what comes in is shown, and nothing is left at the end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from smartshop.data_collection.pipelines.clock import format_rfc3339, system_now
from tests.commands.command import children_of, environment, is_alive, smartshop
from tests.commands.worker import until
from tests.engines.postgres import free_loopback_port
from tests.engines.service import RunningService, running_service
from tests.importing.shop import interactions_file


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("up")) as running:
        yield running


def child(service: RunningService, name: str) -> int | None:
    found = [pid for pid, line in children_of(service.process.pid).items() if f"smartshop {name} " in line]
    return found[0] if found else None


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def slate(service: RunningService, anonymous_id: str) -> dict[str, Any]:
    question = {"surface": "home", "anonymous_id": anonymous_id, "limit": 5, "filters": {"in_stock": False}}
    answer = httpx.post(
        f"{service.url}/v1/recommendations",
        json=question,
        headers={"Authorization": f"Bearer {service.secret_key}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("name", ["serve", "work"])
def test_a_process_that_is_killed_is_started_again(service: RunningService, name: str) -> None:
    before = child(service, name)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(lambda: child(service, name) not in (None, before), f"{name} to be started again")
    until(lambda: is_ready(service.url), "the shop to be ready again")
    assert f"{name} ended by SIGKILL" in service.log.read_text()


def test_an_import_beside_the_open_shop_shows_without_a_restart(service: RunningService, tmp_path: Path) -> None:
    until(lambda: is_ready(service.url), "the shop to be ready")
    products = tmp_path / "products.csv"
    products.write_text("product_id,title,price_minor\n" + "".join(f"late-{n},Lamp {n},500\n" for n in range(8)))
    data_dir = service.log.parent / "shop"
    ended = smartshop(tmp_path, "import", "products", "products.csv", "--json", "--data-dir", str(data_dir))
    assert ended.json["products"] == 8
    serving = child(service, "serve")

    def shows() -> bool:
        return any(item["product_id"].startswith("late-") for item in slate(service, "a-1")["items"])

    until(shows, "imported products to be shown")
    interactions_file(tmp_path / "interactions.csv", rows=600)
    assert smartshop(tmp_path, "import", "interactions", "interactions.csv", "--data-dir", str(data_dir)).status == 0
    until(lambda: "model_served" in service.log.read_text(), "the worker to learn from it and the service to use it")
    until(lambda: slate(service, "a-2")["degraded"] is None, "slates from the model")
    assert child(service, "serve") == serving


def test_the_log_of_a_healthy_shop_is_short(service: RunningService) -> None:
    said = service.log.read_text()
    assert f"The shop is open:  {service.url}" in said
    assert service.secret_key not in said  # it came from the settings, its owner has it
    for noise in ("alembic", "uvicorn", "httpx", "Traceback"):
        assert noise not in said


@contextmanager
def opened(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    port = free_loopback_port()
    command = [sys.executable, "-m", "smartshop", "up", "--port", str(port), *options]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_of_the_shop_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with opened(tmp_path, "--no-demo") as (process, url):
        until(lambda: is_ready(url), "the shop to open")
        left = children_of(process.pid)
        assert len(left) == 2
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "The shop is closed." in said
        assert [pid for pid in left if is_alive(pid)] == []
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        pass  # the port is free again


def test_a_killed_supervisor_takes_its_processes_along(tmp_path: Path) -> None:
    with opened(tmp_path, "--no-demo") as (process, url):
        until(lambda: is_ready(url), "the shop to open")
        left = children_of(process.pid)
        process.kill()
        until(lambda: not any(is_alive(pid) for pid in left), "both processes to follow")


def test_the_end_of_a_shop_that_is_still_being_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with opened(tmp_path, "--demo") as (process, _):
        until(lambda: (tmp_path / "smartshop-data" / "demo" / "shop.db").exists(), "the demonstration to be begun")
        until(lambda: children_of(process.pid), "its maker")
        left = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode != 0
        assert [pid for pid in left if is_alive(pid)] == []


def test_an_imported_shop_is_what_opens_and_its_keys_are_told_once(tmp_path: Path) -> None:
    interactions_file(tmp_path / "interactions.csv", rows=300)
    smartshop(tmp_path, "import", "interactions", "interactions.csv")
    said = []
    for _ in range(2):
        with opened(tmp_path) as (process, url):
            until(lambda: is_ready(url), "the shop to open")
            assert httpx.get(f"{url}/v1/storefront", timeout=5).json()["demo"] is False
            process.terminate()
            said.append(process.communicate(timeout=60)[0])
    assert not (tmp_path / "smartshop-data" / "demo").exists()
    assert "sk_" in said[0]
    assert "sk_" not in said[1]


def test_the_processes_run_apart_on_postgresql(tmp_path: Path, new_postgres_database: Callable[[], str]) -> None:
    url = new_postgres_database()
    settings = {"SMARTSHOP_DATABASE_URL": url, "SMARTSHOP_DATA_DIR": str(tmp_path / "data")}
    secret = smartshop(tmp_path, "keys", "create", "secret", **settings).out.strip()
    (tmp_path / "products.csv").write_text("product_id,title,price_minor\np-1,Lamp,500\np-2,Tent,900\n")
    smartshop(tmp_path, "import", "products", "products.csv", **settings)
    port = free_loopback_port()
    program = [sys.executable, "-m", "smartshop"]
    processes = [
        subprocess.Popen([*program, *arguments], cwd=tmp_path, env=environment(**settings), stderr=subprocess.PIPE)
        for arguments in (["api", "--port", str(port)], ["worker"])
    ]
    try:
        base = f"http://127.0.0.1:{port}"
        until(lambda: is_ready(base), "the API to be ready")
        headers = {"Authorization": f"Bearer {secret}"}
        event = {"kind": "product_viewed", "anonymous_id": "a-1", "product_id": "p-1"}
        event["occurred_at"] = format_rfc3339(system_now())
        taken = httpx.post(f"{base}/v1/events", json={"events": [event]}, headers=headers)
        assert (taken.status_code, taken.json()["accepted"]) == (202, 1)
        asked = httpx.post(
            f"{base}/v1/recommendations", json={"surface": "home", "anonymous_id": "a-1", "limit": 3}, headers=headers
        )
        assert asked.status_code == 200
        assert {item["product_id"] for item in asked.json()["items"]} == {"p-1", "p-2"}

        def beats() -> set[str]:
            agents = httpx.get(f"{base}/v1/agents", headers=headers).json()["items"]
            return {agent["name"] for agent in agents}

        until(lambda: {"serve", "work"} <= beats(), "both processes to report")
    finally:
        for process in processes:
            process.terminate()
        ended = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
