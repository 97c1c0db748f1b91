"""Whatever a file holds, importing it ends in a report or a sentence, and every row is accounted for."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.errors import SourceError
from tests.importing.shop import opened_shop

ODD = (
    *" c1 p1 a/b .. 0 -1 3.0 1e400 nan 2020-01-01T00:00:00Z 1577836800 order_completed searched rated {} [ GBP".split(
        " "
    ),
    *("9" * 30, '{"a": NaN}', "[" * 5_000, "x" * 300, "\x00", "é" * 70),
)
CELLS = st.one_of(st.sampled_from(ODD), st.text(max_size=12))
COLUMNS = {
    "interactions": "customer_id anonymous_id product_id variant_id kind occurred_at position event_id session_id "
    "order_id quantity price_minor currency rating",
    "products": "product_id variant_id title description brand category price_minor list_price_minor currency "
    "image_url attributes published_at stock locale market own",
    "stock": "variant_id product_id location_id level movement occurred_at reason reference",
    "online-retail": "invoice_no stock_code description quantity invoice_ts unit_price customer_id country",
}


@pytest.mark.parametrize("source", COLUMNS)
@given(table=st.data())
@settings(max_examples=12)
def test_any_cells_end_in_a_report(source: str, table: st.DataObject) -> None:
    columns = COLUMNS[source].split()
    rows = table.draw(st.lists(st.lists(CELLS, min_size=len(columns), max_size=len(columns)), min_size=1, max_size=8))
    with TemporaryDirectory() as folder, opened_shop(Path(folder) / "shop") as shop:
        if source == "online-retail":
            path = Path(folder) / "rows.csv"
            pl.DataFrame(rows, schema=columns, orient="row").cast(pl.String).write_csv(path)
        else:
            path = Path(folder) / "rows.jsonl"
            path.write_text("\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows))
        report = shop.bring(source, path)
        assert report.rows == len(rows)
        held = shop.holds()
        assert shop.bring(source, path).events == 0
        assert shop.holds() == held


@given(content=st.binary(max_size=400))
@settings(max_examples=20)
def test_any_bytes_end_in_a_report_or_a_sentence(content: bytes) -> None:
    with TemporaryDirectory() as folder, opened_shop(Path(folder) / "shop") as shop:
        for name, source in (
            ("a.csv", "interactions"),
            ("a.jsonl", "products"),
            ("a.parquet", "stock"),
            ("b.csv", "online-retail"),
        ):
            path = Path(folder) / name
            path.write_bytes(content)
            with suppress(SourceError):
                shop.bring(source, path)


def test_a_workbook_is_refused_with_what_would_do(tmp_path: Path) -> None:
    path = tmp_path / "Online Retail.xlsx"
    path.write_bytes(b"PK\x03\x04")
    with opened_shop(tmp_path / "shop") as shop, pytest.raises(SourceError, match=r"save the data set as \.parquet"):
        shop.bring("online-retail", path)


def test_the_widespread_csv_copy_of_the_invoices_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(
        b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n"
        b"536365,85123A,WHITE \xa3 HEART,6,12/1/2010 8:26,2.55,17850.0,United Kingdom\r\n"
        b"536366,22633,HAND WARMER,six,12/1/2010 8:28,1.85,,United Kingdom\r\n"
        b"536367,22633,HAND WARMER,6,12/1/2010 8:28,,17850,United Kingdom\r\n"
    )
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("online-retail", path)
        (event,) = (event for batch in shop.stores.log.scan() for _, event in batch)
    assert (event.customer_id, event.occurred_at) == ("17850", 1_291_191_960_000_000)
    assert report.reasons == {"incomplete": 2}


def test_only_an_order_of_things_imports_and_trains(tmp_path: Path) -> None:
    """Public research sets often hold no times at all: user, item, position."""
    from smartshop.jobs import run_job

    rows = [(f"u{user}", f"i{(user + step) % 12}", step) for user in range(30) for step in range(6)]
    path = tmp_path / "sequences.parquet"
    pl.DataFrame(rows, schema=["user_id", "item_id", "pos"], orient="row").write_parquet(path)
    with opened_shop(tmp_path / "shop") as shop:
        report = shop.bring("interactions", path)
        assert (report.events, report.refused) == (180, 0)
        first = [e.products[0].product_id for b in shop.stores.log.scan() for _, e in b if e.customer_id == "u3"]
        assert first == ["i3", "i4", "i5", "i6", "i7", "i8"]
    found = run_job("train-recommendation", shop.settings, shop.place)
    assert found["promoted"]
    assert found["interactions"] == 180


def test_rows_without_any_time_keep_the_files_order(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_text("customer_id,product_id\nc1,p2\nc1,p1\n")
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("interactions", path)
        times = {e.products[0].product_id: e.occurred_at for b in shop.stores.log.scan() for _, e in b}
    assert times["p2"] < times["p1"]  # type: ignore[index]
