"""Data in: the simulated history, the first start, a real import, training, and the size of an installation."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.figures import Figure
from bench.service import free_port
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.simulator.enter import enter_history
from smartshop.simulator.history import make_history
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.truth import new_ledger
from smartshop.simulator.world import build_world
from smartshop.wiring import build_clock, build_ingest

DAYS, SHOPPERS = 60, 3_000


def measure_history() -> list[Figure]:
    scenario, now = load_scenario("outdoor_store"), system_now()
    began = time.perf_counter()
    world = build_world(scenario, 3, now, shoppers=SHOPPERS)
    events = sum(len(day.events) for day in make_history(world, DAYS, SHOPPERS, 3, new_ledger(world, DAYS)))
    made = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        with opened_stores(settings, find_place(settings, False)) as stores:
            ingest = build_ingest(settings, stores, build_clock(settings, stores))
            began = time.perf_counter()
            enter_history(world, ingest, stores.catalogue, stores.stock, now=now, days=DAYS)
            both = time.perf_counter() - began
    how = f"{DAYS} days, {SHOPPERS:,} shoppers"
    return [
        Figure("history_events", events, "events", "", how),
        Figure("history_made", made, "s", "< 20", how),
        Figure("history_stored", both - made, "s", "< 30", f"{how}; through the only door, less the making"),
    ]


def measure_first_start() -> list[Figure]:
    """From the command to a home slate full of reasons, on an empty data dir."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "smartshop", "up", "--demo", "--data-dir", folder, "--port", str(port)]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while time.perf_counter() - began < 300 and not _is_filled(port):
                time.sleep(0.25)
            taken = time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    return [Figure("first_start", taken, "s", "< 90", "`smartshop up --demo` on an empty data dir to a filled slate")]


def _is_filled(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/storefront", timeout=2) as answer:
            key = re.search(rb'"publishable_key":"([^"]+)"', answer.read())
        if key is None:
            return False
        url = f"http://127.0.0.1:{port}/v1/recommendations?surface=home&anonymous_id=a-bench&limit=12"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key[1].decode()}"})
        with urllib.request.urlopen(request, timeout=2) as answer:
            body = answer.read()
        return b'"degraded":null' in body and body.count(b'"product_id"') >= 12
    except OSError:
        return False


def measure_import(path: Path) -> list[Figure]:
    """The whole of a real shop's history, then learning from it, each a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        import_seconds, import_mib = timed(["import", "online-retail", str(path), "--data-dir", folder, "--json"])
        database = sum(file.stat().st_size for file in Path(folder).glob("shop.db*")) / 2**20
        train_seconds, train_mib = timed(["train", "--data-dir", folder, "--json"])
    how = "online_retail, 873,869 rows"
    return [
        Figure("import_seconds", import_seconds, "s", "< 75", how),
        Figure("import_peak_memory", import_mib, "MiB", "< 1536", how),
        Figure("import_database", database, "MiB", "< 1024", how),
        Figure("train_seconds", train_seconds, "s", "< 60", how),
        Figure("train_peak_memory", train_mib, "MiB", "", how),
    ]


def timed(arguments: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MiB of one command."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "smartshop", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"smartshop {arguments[0]} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def measure_installation() -> list[Figure]:
    """Bytes of everything that `pip install smartshop` brings, without extras, as recorded by the installer."""
    needed, waiting = set[str](), ["smartshop"]
    while waiting:
        name = _canonical(waiting.pop())
        if name in needed:
            continue
        needed.add(name)
        for requirement in importlib.metadata.requires(name) or []:
            if "extra ==" in requirement and not _wanted_extra(name, requirement):
                continue
            other = _canonical(re.split(r"[\s\[(<>=!~;]", requirement, maxsplit=1)[0])
            if _is_installed(other):
                waiting.append(other)
    size = sum(_size(name) for name in needed) / 2**20
    return [Figure("base_installation", size, "MiB", "< 1024", f"{len(needed)} packages, without extras")]


WANTED_EXTRAS = {"uvicorn": "standard", "psycopg": "binary", "sqlalchemy": "asyncio"}


def _wanted_extra(name: str, requirement: str) -> bool:
    extra = WANTED_EXTRAS.get(name)
    return extra is not None and re.search(rf"extra == ['\"]{extra}['\"]", requirement) is not None


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _size(name: str) -> int:
    total = 0
    for file in importlib.metadata.files(name) or []:
        try:
            total += Path(str(file.locate())).stat().st_size
        except OSError:
            continue
    return total
