"""kill -9 of serving and working process under load: what was answered is kept, once, and profiles are the log's."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.profiles import Profile
from tests.engines.service import running_service
from tests.faults.load import everything_in, sending

EVENTS_PER_ROUND = 400
KILLS = 2
NEW_PROCESS_WITHIN_SECONDS = 60.0
SWEPT_WITHIN_SECONDS = 30.0


def test_killed_while_serving_and_working_nothing_answered_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        with sending(service.url, service.secret_key, batch=20) as sender:
            for kill in range(KILLS):
                for number in range(kill * EVENTS_PER_ROUND, (kill + 1) * EVENTS_PER_ROUND):
                    sender.view(number)
                    if number % EVENTS_PER_ROUND == EVENTS_PER_ROUND // 4:
                        _kill(service.process.pid, b"serve")
                    if number % EVENTS_PER_ROUND == EVENTS_PER_ROUND // 2:
                        _kill(service.process.pid, b"work")
                    time.sleep(0.001)
                sender.wait_until_answered()
        stores = open_stores("", tmp_path / "shop", tmp_path / "shop" / "models")
        left = _outbox_after_the_sweep(stores)
        events = everything_in(stores)
        profiles_agree = asyncio.run(_profiles_agree(stores, events))
        stores.close()
    stored = Counter(event.event_id for event in events)
    assert sender.given_up == []
    assert set(stored) == set(sender.sent)
    assert set(stored.values()) == {1}
    assert left == 0, "what the killed processes left in the outbox must be finished by the next"
    assert profiles_agree


def _kill(supervisor: int, command: bytes) -> None:
    """Wait for the process of this command, then end it as the kernel would."""
    deadline = time.monotonic() + NEW_PROCESS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        for pid in _children(supervisor):
            if command in _command(pid):
                os.kill(pid, signal.SIGKILL)
                return
        time.sleep(0.05)
    raise AssertionError(f"there is no process {command.decode()} to kill")


def _children(parent: int) -> Iterable[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[1]) == parent and fields[0] != "Z":
            yield int(folder.name)


def _command(pid: int) -> list[bytes]:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _outbox_after_the_sweep(stores: SqlStores) -> int:
    deadline = time.monotonic() + SWEPT_WITHIN_SECONDS
    while pending := stores.log.pending(Micros(system_now() + DAY)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return len(pending)


async def _profiles_agree(stores: SqlStores, events: list[StoredEvent]) -> bool:
    """Each customer's profile as served equals the one rebuilt from the whole log."""
    profiles = LogProfiles(stores.log, fold)
    for customer_id in {event.customer_id for event in events}:
        shopper: Shopper = stores.customers.shopper(CustomerId(str(customer_id)), None, vouched=True)
        served = await profiles.read(shopper)
        rebuilt: Profile = fold(event for event in events if event.customer_id == customer_id)
        if served != rebuilt or not served.interest:
            return False
    return True
