"""`smartshop customers`: everything stored of one, and erasing one."""

from pathlib import Path

from typer.testing import CliRunner

from smartshop.cli import app
from smartshop.data_collection.connectors.ports import LogEntry
from tests.commands.command import smartshop
from tests.connectors.told import event
from tests.importing.shop import opened_shop

LEAVING = "ada-who-leaves"


def test_a_customer_is_exported_and_erased_once_it_is_meant(tmp_path: Path) -> None:
    folder = tmp_path / "smartshop-data"
    with opened_shop(folder) as shop:
        shop.stores.log.append([[LogEntry(event=event("e-1", customer_id=LEAVING))]])
    exported = smartshop(tmp_path, "customers", "export", LEAVING)
    assert [told["event_id"] for told in exported.json["events"]] == ["e-1"]
    said_no = CliRunner().invoke(app, ["customers", "erase", LEAVING, "--data-dir", str(folder)], input="n\n")
    assert said_no.exit_code == 1
    assert smartshop(tmp_path, "customers", "export", LEAVING).status == 0, "nothing was done"
    erased = smartshop(tmp_path, "customers", "erase", LEAVING, "--yes", "--json")
    assert (erased.status, erased.json["counts"]) == (0, {"events": 1, "event_seen": 1})
    again = smartshop(tmp_path, "customers", "erase", LEAVING, "--yes", "--json")
    assert again.json == erased.json, "the first receipt"
    assert "1 of events" in smartshop(tmp_path, "customers", "erase", LEAVING, "--yes").out


def test_a_stranger_is_told_as_such(tmp_path: Path) -> None:
    for command in (("export",), ("erase", "--yes")):
        ended = smartshop(tmp_path, "customers", command[0], "never-seen", *command[1:])
        assert ended.status == 1
        assert "Nothing is stored" in ended.err


def test_the_daily_job_completes_and_cleans(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "smartshop-data") as shop:
        shop.stores.log.append([[LogEntry(event=event("e-1", customer_id=LEAVING))]])
    assert smartshop(tmp_path, "customers", "erase", LEAVING, "--yes").status == 0
    pruned = smartshop(tmp_path, "job", "prune", "--json")
    assert (pruned.json["erasures_completed"], pruned.json["traces_removed"]) == (0, True)
