"""Importing end to end on real stores: once is enough, twice changes nothing, a cut run goes on where it stopped."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.importing import check_import
from smartshop.data_collection.pipelines.sources.source import SourceOptions
from smartshop.data_collection.schemas.ids import CustomerId, Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from smartshop.errors import SourceError
from tests.importing.shop import (
    FILES,
    cut_after,
    interactions_file,
    opened_shop,
    products_file,
    refused_lines,
    stock_file,
)

OPTIONS = SourceOptions(currency="GBP", imported_at=system_now())


class Cut(Exception):
    """What ends an import in the middle."""


@pytest.mark.parametrize("source", FILES)
def test_twice_is_once(tmp_path: Path, source: str) -> None:
    path = FILES[source](tmp_path)
    with opened_shop(tmp_path / "shop") as shop:
        first = shop.bring(source, path)
        held, refused = shop.holds(), refused_lines(first)
        second = shop.bring(source, path)
        assert shop.holds() == held
        assert refused_lines(second) == refused
    assert (second.events, second.duplicates) == (0, first.events)
    assert second.rows == first.rows > 2_000
    assert second.reasons == first.reasons
    if source in ("interactions", "online-retail"):
        assert len(held["events"]) == first.events > 0  # type: ignore[arg-type]  # the list of events


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("marks", [0, 2])
def test_a_run_cut_before_it_remembered_its_last_batch_ends_like_an_uncut_one(
    tmp_path: Path, source: str, marks: int
) -> None:
    path = FILES[source](tmp_path)
    with opened_shop(tmp_path / "uncut") as shop:
        whole = shop.bring(source, path)
        wanted, wanted_refused = shop.holds(), refused_lines(whole)
    with opened_shop(tmp_path / "cut") as shop:
        with pytest.raises(InterruptedError):
            shop.bring(source, path, doors=cut_after(shop, marks))
        report = shop.bring(source, path)
        assert shop.holds() == wanted
        assert refused_lines(report) == wanted_refused
    assert report.rows == whole.rows
    assert report.reasons == whole.reasons
    assert report.events + report.duplicates == whole.events + whole.duplicates
    if marks == 0:
        assert report.resumed_after == 0


def test_a_run_cut_between_batches_does_not_repeat_the_batches_before(tmp_path: Path) -> None:
    path = interactions_file(tmp_path / "interactions.csv")
    calls = 0

    def on_rows(rows: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cut

    with opened_shop(tmp_path / "shop") as shop:
        with pytest.raises(Cut):
            shop.bring("interactions", path, on_rows)
        before = shop.stores.log.size().events
        report = shop.bring("interactions", path)
        assert report.resumed_after > 0
        assert report.duplicates == 0
        assert shop.stores.log.size().events == report.events > before > 0


def test_a_killed_process_is_taken_up_by_the_next(tmp_path: Path) -> None:
    path = interactions_file(tmp_path / "interactions.csv", rows=8_000)
    with opened_shop(tmp_path / "uncut") as shop:
        whole = shop.bring("interactions", path)
        wanted, wanted_refused = shop.holds(), refused_lines(whole)
    command = [sys.executable, "-m", "smartshop", "import", "interactions", str(path)]
    command += ["--data-dir", str(tmp_path / "killed"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    database = tmp_path / "killed" / "shop.db-wal"
    while process.poll() is None and not (database.exists() and database.stat().st_size > 600_000):
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, 0.1))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with opened_shop(tmp_path / "killed") as shop:
        report = shop.bring("interactions", path)
        assert shop.holds() == wanted
        assert refused_lines(report) == wanted_refused


def test_refused_rows_are_written_once_with_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    path.write_text(
        "customer_id,product_id,occurred_at\n"
        "c1,p1,2020-01-01T00:00:00Z\n"
        "c1,a/b,2020-01-01T00:00:00Z\n"
        "c1,p1,soon\n"
        "c1,p1,1990-01-01T00:00:00Z\n"
        "c1,p1\n"
    )
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("interactions", path)
        lines = refused_lines(report)
        assert shop.stores.quarantine.counts() == {}
    assert sorted((line["line"], str(line["reason"]).split(":")[0]) for line in lines) == [
        (3, "invalid_id"),
        (4, "invalid_value"),
        (5, "before_2000"),
        (6, "ragged"),
    ]
    assert "'soon' is no time" in next(str(line["reason"]) for line in lines if line["line"] == 4)
    assert "a/b" in next(str(line["row"]) for line in lines if line["line"] == 3)
    assert report.reasons.total() == 4
    assert report.is_doubtful


def test_a_movement_that_cannot_be_is_refused_alone(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("stock", stock_file(tmp_path / "stock.csv"))
        lines = refused_lines(report)
    assert report.reasons == {"out_of_stock": 4}
    assert report.stock_changes == 2_600 - 4
    assert [line["line"] for line in lines] == [2 + 1_300 + 299 + 300 * n for n in range(4)]


def test_a_file_of_bad_rows_only_stores_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("product_id,title\n" + "a/b,Bad\n" * 30)
    with opened_shop(tmp_path / "shop") as shop:
        empty = shop.holds()
        report = shop.bring("products", path)
        assert shop.holds() == empty
    assert (report.rows, report.refused, report.products) == (30, 30, 0)
    assert report.is_doubtful


@pytest.mark.parametrize("source", ["interactions", "products", "stock", "online-retail"])
def test_an_empty_file_is_a_sentence(tmp_path: Path, source: str) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("")
    with opened_shop(tmp_path / "shop") as shop, pytest.raises(SourceError, match=r"empty\.csv"):
        shop.bring(source, path)


def test_a_header_without_rows_is_an_import_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    path.write_text("customer_id,product_id\n")
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("interactions", path)
        assert (report.rows, report.events, report.refused) == (0, 0, 0)


def test_a_file_that_grew_brings_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    row = "c1,p1,2020-01-01T00:00:00Z\n"
    path.write_text("customer_id,product_id,occurred_at\n" + row * 2)
    with opened_shop(tmp_path / "shop") as shop:
        assert shop.bring("interactions", path).events == 2  # two true repeats stay two
        path.write_text(path.read_text() + row + "c1,p2,2020-01-02T00:00:00Z\n")
        report = shop.bring("interactions", path)
        assert (report.events, report.duplicates, report.resumed_after) == (2, 2, 0)
        assert shop.stores.log.size().events == 4


def test_an_order_that_comes_again_with_other_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    head = "customer_id,product_id,kind,occurred_at,order_id,quantity,price_minor\n"
    path.write_text(head + "c1,p1,order_completed,2020-01-01T00:00:00Z,o1,1,500\n")
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("interactions", path)
        path.write_text(head + "c1,p1,order_completed,2020-01-01T00:00:00Z,o1,9,500\n")
        report = shop.bring("interactions", path)
        (order,) = next(iter(shop.stores.orders.scan()))
        assert order.lines[0].quantity == 1
    assert (report.events, report.reasons) == (0, {"order_conflict": 1})


def test_one_order_of_two_shoppers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "customer_id,product_id,kind,occurred_at,order_id\n"
        "c1,p1,order_completed,2020-01-01T00:00:00Z,o1\n"
        "c2,p2,order_completed,2020-01-01T00:00:00Z,o1\n"
    )
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("interactions", path)
        assert (report.events, report.refused) == (0, 2)


def test_rows_that_name_a_variant_count_for_its_product(tmp_path: Path) -> None:
    products, seen = tmp_path / "products.csv", tmp_path / "interactions.csv"
    products.write_text("product_id,variant_id,title,price_minor\ntent,tent-red,Tent,900\ntent,tent-blue,Tent,900\n")
    seen.write_text(
        "customer_id,product_id,variant_id,occurred_at\n"
        "c1,tent-red,,2020-01-01T00:00:00Z\n"
        "c2,,tent-blue,2020-01-01T00:00:00Z\n"
        "c3,lamp,,2020-01-01T00:00:00Z\n"
    )
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("products", products)
        shop.bring("interactions", seen)
        known = [item.product.product_id for item in shop.stores.catalogue.changed_since(Micros(0))]
        lines = {e.customer_id: e.products[0] for batch in shop.stores.log.scan() for _, e in batch}
    assert known == ["tent", "lamp"]
    assert [(lines[who].product_id, lines[who].variant_id) for who in ("c1", "c2")] == [  # type: ignore[index]
        ("tent", "tent-red"),
        ("tent", "tent-blue"),
    ]


def test_a_newer_list_replaces_products_and_counts_and_the_older_one_brings_back_products_only(tmp_path: Path) -> None:
    older, newer = tmp_path / "older.csv", tmp_path / "newer.csv"
    older.write_text("product_id,title,price_minor,stock\np1,Lamp,500,7\n")
    newer.write_text("product_id,title,price_minor,stock\np1,Lamp,450,3\n")
    seen = []
    with opened_shop(tmp_path / "shop") as shop:
        for path in (older, newer, older):
            shop.bring("products", path)
            listed = shop.stores.catalogue.changed_since(Micros(0))[0].product
            levels = shop.stores.stock.levels([listed.variants[0].variant_id])
            seen.append((listed.variants[0].offers[0].price_minor, *levels[listed.variants[0].variant_id].values()))
    assert seen == [(500, 7), (450, 3), (500, 3)]


def test_products_told_twice_in_one_file_are_refused_the_second_time(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("product_id,title\np1,Lamp\np2,Tent\np1,Another\n")
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("products", path)
        assert "was described on line 2" in str(refused_lines(report)[0]["reason"])
        assert report.products == 2


@pytest.mark.parametrize("source", FILES)
def test_checking_a_file_foretells_what_importing_it_meets(tmp_path: Path, source: str) -> None:
    path = FILES[source](tmp_path)
    foretold = check_import(source, path, OPTIONS, lambda rows: None)
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring(source, path)
    assert (foretold.rows, foretold.products, foretold.customers) == (report.rows, report.products, report.customers)
    assert foretold.reasons.items() <= report.reasons.items()  # the shop's own rules may refuse more
    assert foretold.dry_run


def test_changes_are_stamped_while_a_long_import_runs(tmp_path: Path) -> None:
    """Other processes look for what changed in the last seconds; a stamp of the import's start would be missed."""
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("products", products_file(tmp_path / "products.csv"))
        stamps = {item.changed_at for item in shop.stores.catalogue.changed_since(Micros(0))}
    assert len(stamps) > 1


def test_the_public_invoices_can_be_read_whole(shared_data: Path) -> None:
    path = shared_data / "online_retail" / "online_retail.parquet"
    report = check_import("online-retail", path, OPTIONS, lambda rows: None)
    assert report.rows == 873_869
    assert report.reasons == {"write_off": 5_413, "adjustment": 6, "positive_credit": 1}
    assert report.products > 4_000


def test_the_same_file_of_products_counts_the_stock_once_and_a_changed_one_again(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    with opened_shop(tmp_path / "shop") as shop:
        path.write_text("product_id,title,price_minor,stock\nmug,Mug,700,10\n")
        assert shop.bring("products", path).stock_changes == 1
        sold = StockMovement(
            movement_id="sale-1",
            variant_id=VariantId("mug"),
            quantity=-6,
            reason=MovementReason.SALE,
            occurred_at=system_now(),
        )
        shop.stores.stock.move([sold], system_now())
        assert shop.bring("products", path).stock_changes == 0
        assert shop.stores.stock.levels([VariantId("mug")]) == {"mug": {"main": 4}}
        path.write_text("product_id,title,price_minor,stock\nmug,Mug,750,10\n")
        assert shop.bring("products", path).stock_changes == 1
        assert shop.stores.stock.levels([VariantId("mug")]) == {"mug": {"main": 10}}


def test_rows_of_an_erased_customer_are_counted_and_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "interactions.csv"
    rows = ["adalove,tent,2020-01-01T00:00:00Z", "bob,tent,2020-01-01T00:00:00Z", "adalove,,", "bob,,"]
    file.write_text("\n".join(["customer_id,product_id,timestamp", *rows]) + "\n")
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("interactions", file)
        kept = next((tmp_path / "shop" / "quarantine").glob("*.jsonl"))
        assert [b"adalove" in line for line in kept.read_bytes().splitlines()] == [True, False]
        shop.stores.erasure.erase(CustomerId("adalove"), system_now())
        assert [b"adalove" in line for line in kept.read_bytes().splitlines()] == [False]
        again = shop.bring("interactions", file)
        assert (again.events, again.duplicates, again.reasons["erased"]) == (0, 1, 1)
        assert not any(b"adalove" in path.read_bytes() for path in (tmp_path / "shop").rglob("*") if path.is_file())
        assert shop.stores.customers.get(CustomerId("adalove")) is None
