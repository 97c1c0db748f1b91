"""Files as people send them become the shop's records; bad rows are refused with their line and a sentence."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from smartshop.data_collection.pipelines.sources.interactions import read_interactions
from smartshop.data_collection.pipelines.sources.online_retail import read_online_retail
from smartshop.data_collection.pipelines.sources.products import read_products
from smartshop.data_collection.pipelines.sources.source import SourceBatch, SourceOptions
from smartshop.data_collection.pipelines.sources.stock import read_stock
from smartshop.data_collection.schemas.events import Event, EventKind
from smartshop.data_collection.schemas.stock import MovementReason
from smartshop.errors import SourceError

OPTIONS = SourceOptions(currency="GBP", imported_at=1_700_000_000_000_000)


def events_of(batches: list[SourceBatch]) -> list[Event]:
    return [event for batch in batches for event in batch.events]


def reasons_of(batches: list[SourceBatch]) -> Counter[str]:
    return Counter(row.reason.split(":")[0] for batch in batches for row in batch.rejected)


@pytest.fixture
def invoices(tmp_path: Path) -> Path:
    """One of each thing that the data set is known for."""
    rows = [
        ("536365", " 85123a", "WHITE HEART", 6, "2010-12-01 08:26:00", 2.55, 17850, "United Kingdom"),
        ("536365", "POST", "POSTAGE", 1, "2010-12-01 08:27:00", 18.0, 17850, "United Kingdom"),
        ("536366", "22633", "HAND WARMER", 2, "2010-07-01 09:00:00", 0.125, None, "Channel Islands"),
        ("C536379", "85123A", "WHITE HEART", -1, "2010-12-02 09:41:00", 2.55, 17850, "United Kingdom"),
        ("A563185", "B", "Adjust bad debt", 1, "2011-08-12 14:50:00", 11062.06, None, "United Kingdom"),
        ("536546", "22145", "damages", -30, "2010-12-01 14:33:00", 0.0, None, "United Kingdom"),
        ("C496350", "M", "Manual", 1, "2010-02-01 08:24:00", 373.57, None, "United Kingdom"),
        ("536999", "22633", "HAND WARMER", 1, "2010-12-03 10:00:00", 0.0, 12345, "EIRE"),
    ]
    names = (
        "invoice_no",
        "stock_code",
        "description",
        "quantity",
        "invoice_ts",
        "unit_price",
        "customer_id",
        "country",
    )
    path = tmp_path / "invoices.parquet"
    pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("invoice_ts").str.to_datetime(time_unit="us"), pl.col("customer_id").cast(pl.Int32)
    ).write_parquet(path)
    return path


def test_an_invoice_is_one_order_with_its_lines_as_they_stand(invoices: Path) -> None:
    order = next(e for e in events_of(list(read_online_retail(invoices, OPTIONS))) if e.order_id == "536365")
    assert order.customer_id == "17850"
    assert [(line.product_id, line.quantity, line.price_minor) for line in order.products] == [
        ("85123A", 6, 255),
        ("POST", 1, 1800),
    ]
    assert order.occurred_at == "2010-12-01T08:26:00.000000Z"  # the first of its two times; winter is UTC


def test_an_invoice_without_customer_is_an_anonymous_shopper_named_by_it(invoices: Path) -> None:
    order = next(e for e in events_of(list(read_online_retail(invoices, OPTIONS))) if e.order_id == "536366")
    assert (order.customer_id, order.anonymous_id) == (None, "536366")
    assert order.products[0].price_minor == 12  # 12.5 pence, half to even
    assert order.occurred_at == "2010-07-01T08:00:00.000000Z"  # summer time in the UK
    assert order.context is None  # the Channel Islands are no ISO country


def test_a_credit_note_gives_money_and_goods_back(invoices: Path) -> None:
    events = {str(e.event_id): e for e in events_of(list(read_online_retail(invoices, OPTIONS)))}
    refund, came_back = events["C536379-refund"], events["C536379-return"]
    assert (refund.kind, refund.amount_minor) == (EventKind.ORDER_REFUNDED, 255)
    assert came_back.kind is EventKind.ORDER_RETURNED
    assert came_back.products[0].quantity == 1


def test_ledger_rows_and_write_offs_are_refused_with_their_reason(invoices: Path) -> None:
    batches = list(read_online_retail(invoices, OPTIONS))
    assert reasons_of(batches) == {"adjustment": 1, "write_off": 1, "positive_credit": 1}
    assert sum(batch.rows for batch in batches) == 8
    write_off = next(row for b in batches for row in b.rejected if row.reason.startswith("write_off"))
    assert write_off.line == 6


def test_codes_that_are_no_products_are_never_recommended(invoices: Path) -> None:
    products = {str(p.product_id): p for b in read_online_retail(invoices, OPTIONS) for p in b.products}
    assert products["85123A"].recommendable
    assert products["85123A"].title == "White Heart"
    assert not products["POST"].recommendable
    assert products["22633"].variants[0].offers[0].price_minor == 12  # a gift at 0 is no price


def test_the_whole_online_retail_set_is_accounted_for(shared_data: Path) -> None:
    path = shared_data / "online_retail" / "online_retail.parquet"
    batches = list(read_online_retail(path, OPTIONS))
    lines = sum(len(e.products) for e in events_of(batches) if e.kind is not EventKind.ORDER_RETURNED)
    refused = reasons_of(batches)
    assert lines + refused.total() == sum(batch.rows for batch in batches) == 873_869
    assert refused == {"write_off": 5_413, "adjustment": 6, "positive_credit": 1}


def test_columns_may_bear_the_names_of_the_original_file(tmp_path: Path) -> None:
    path = tmp_path / "uci.csv"
    path.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    )
    (order,) = events_of(list(read_online_retail(path, OPTIONS)))
    assert order.customer_id == "17850"


def test_rows_of_one_order_id_are_one_order_wherever_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    path.write_text(
        "customer_id,product_id,kind,occurred_at,order_id,quantity,price_minor\n"
        "c1,p1,order_completed,2026-01-01T10:00:00Z,o1,1,500\n"
        "c1,p9,,2026-01-01T11:00:00Z,,,\n"
        "c1,p2,order_completed,2026-01-01T10:00:00Z,o1,2,700\n"
    )
    batches = list(read_interactions(path, OPTIONS))
    by_kind = {event.kind: event for event in events_of(batches)}
    assert [line.product_id for line in by_kind[EventKind.ORDER_COMPLETED].products] == ["p1", "p2"]
    assert by_kind[EventKind.PRODUCT_VIEWED].products[0].product_id == "p9"
    assert sum(batch.rows for batch in batches) == 3


def test_true_repeats_stay_and_reading_again_gives_the_same_ids(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    path.write_text("user_id,item_id,timestamp\nu,i,1700000000\nu,i,1700000000\n")
    first, again = ([e.event_id for e in events_of(list(read_interactions(path, OPTIONS)))] for _ in range(2))
    assert len(set(first)) == 2
    assert first == again


def test_a_position_stands_for_a_time_and_keeps_the_order(tmp_path: Path) -> None:
    path = tmp_path / "sequence.parquet"
    pl.DataFrame({"user_id": [1, 1], "item_id": [7, 8], "pos": [0, 1]}).write_parquet(path)
    first, second = events_of(list(read_interactions(path, OPTIONS)))
    assert first.occurred_at < second.occurred_at  # type: ignore[operator]  # both are set
    assert datetime.fromisoformat(str(first.occurred_at)).year == 2000


def test_bad_rows_name_their_line_and_what_would_be_right(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    path.write_text(
        "customer_id,product_id,kind,occurred_at,quantity\n"
        "c1,p/1,,2026-01-01T10:00:00Z,\n"
        "c1,p1,bougth,2026-01-01T10:00:00Z,\n"
        "c1,p1,,yesterday,\n"
        "c1,p1,product_added,2026-01-01T10:00:00Z,three\n"
        "c1,p1\n"
    )
    rejected = [row for b in read_interactions(path, OPTIONS) for row in b.rejected]
    assert sorted(row.line for row in rejected) == [2, 3, 4, 5, 6]
    assert all(":" in row.reason for row in rejected)
    assert any("'three'" in row.reason and "write for example 3" in row.reason for row in rejected)


def test_rows_of_one_product_are_its_variants(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text(
        "product_id,variant_id,title,category,price_minor,currency,stock,colour,attributes\n"
        'boot,boot-41,Walking boot,Shoes > Boots,9900,GBP,3,brown,"{""sole"": ""rubber""}"\n'
        "boot,boot-42,Walking boot,Shoes > Boots,9900,GBP,0,brown,\n"
        "mug,,Mug,Kitchen,700,GBP,,,\n"
        "bad,,,Kitchen,700,GBP,,,\n"
    )
    (batch,) = read_products(path, OPTIONS)
    boot, mug = batch.products
    assert boot.category == ("Shoes", "Boots")
    assert [v.variant_id for v in boot.variants] == ["boot-41", "boot-42"]
    assert boot.attributes == {"sole": "rubber", "colour": "brown"}
    assert mug.variants[0].variant_id == "mug"
    assert [(count.variant_id, count.level) for count in batch.counts] == [("boot-41", 3), ("boot-42", 0)]
    assert [row.line for row in batch.rejected] == [5]


def test_stock_rows_are_counts_or_movements(tmp_path: Path) -> None:
    path = tmp_path / "stock.jsonl"
    path.write_text(
        '{"variant_id": "v1", "level": 5}\n{"variant_id": "v1", "movement": -2, "reason": "sale"}\n'
        '{"variant_id": "v1"}\nnonsense\n{"variant_id": "v1", "movement": 1, "reason": "magic"}\n'
    )
    (batch,) = read_stock(path, OPTIONS)
    assert [count.level for count in batch.counts] == [5]
    assert [(m.quantity, m.reason) for m in batch.movements] == [(-2, MovementReason.SALE)]
    assert sorted(row.line for row in batch.rejected) == [3, 4, 5]


def test_a_stock_row_has_to_make_sense_as_it_has_over_http(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(
        "variant_id,level,movement,occurred_at,reason\n"
        "v1,5,,1900-01-01T00:00:00Z,\nv1,5,,2300-01-01T00:00:00Z,\n"
        "v1,,-5,,receipt\nv1,,5,,write_off\nv1,,0,,sale\nv1,,-5,,\nv1,,-1,,transfer\nv1,,3,,count\n"
    )
    (batch,) = read_stock(path, OPTIONS)
    assert (batch.counts, [movement.quantity for movement in batch.movements]) == ([], [-5, -1])
    why = "\n".join(row.reason for row in batch.rejected)
    assert len(batch.rejected) == 6
    assert "The movement 3 has the reason count; a count says a level, so write it as level." in why
    assert "The occurred_at 1900-01-01T00:00:00.000000Z cannot be" in why
    assert "The movement -5 of a receipt must be above 0" in why


@pytest.mark.parametrize("name", ["missing.csv", "table.xlsx"])
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, name: str) -> None:
    if name != "missing.csv":
        (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"\.csv, \.tsv"):
        list(read_products(tmp_path / name, OPTIONS))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("product_id,price\np,1\n")
    with pytest.raises(SourceError, match="no column title"):
        list(read_products(path, OPTIONS))


def test_a_price_in_whole_units_is_answered_with_how_to_write_it(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("product_id,title,price_minor\np-1,Red dress,12.50\n")
    refused = [row.reason for batch in read_products(path, OPTIONS) for row in batch.rejected]
    assert len(refused) == 1
    assert "'12.50'" in refused[0]
    assert "1250 for 12.50" in refused[0]
