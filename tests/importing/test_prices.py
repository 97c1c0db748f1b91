"""Prices from a file: the products stay, what cannot be is refused, a slip is told."""

import json
from pathlib import Path

import polars as pl
import pytest

from smartshop.data_collection.schemas.ids import Micros, ProductId
from tests.importing.shop import EmbeddedShop, cut_after, opened_shop, products_file, refused_lines

ROWS = [
    {"variant_id": "p1-0", "price_minor": 90, "list_price_minor": 120, "cost_minor": 40},
    {"variant_id": "p1-1", "price_minor": 10_300},
    {"variant_id": "nobody", "price_minor": 5},
    {"variant_id": "p2-0", "price_minor": 0},
    {"variant_id": "p2-0", "price_minor": 77, "currency": "JPY"},
    {"variant_id": "p2-1", "price_minor": 95, "valid_from": "2026-01-05"},
    {"variant_id": "p3-0", "price_minor": 106},
]
REFUSED = ["invalid_value", "invalid_value", "unknown_variant"]


def prices(shop: EmbeddedShop, product_id: str) -> list[int]:
    listed = shop.stores.catalogue.get([ProductId(product_id)])[ProductId(product_id)]
    return [variant.offers[0].price_minor for variant in listed.product.variants]


def written(folder: Path, ending: str) -> Path:
    path = folder / f"prices.{ending}"
    if ending == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
        return path
    frame = pl.DataFrame(ROWS)
    frame.write_csv(path) if ending == "csv" else frame.write_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_prices_change_alone_and_refused_rows_say_why(tmp_path: Path, ending: str) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("products", products_file(tmp_path / "products.csv", rows=12))
        titles = [one.product.title for one in shop.stores.catalogue.changed_since(Micros(0))]
        report = shop.bring("prices", written(tmp_path, ending))
        assert (report.rows, report.prices, report.price_slips) == (len(ROWS), 3, 1)
        assert report.warnings == [
            "The price of 'p1-1' is 10300 minor units after 103, 100 times more; is it in minor units?"
        ]
        assert sorted(line["reason"].split(":")[0] for line in refused_lines(report)) == REFUSED  # type: ignore[attr-defined]
        assert [prices(shop, name) for name in ("p1", "p2", "p3")] == [[90, 10_300], [104, 95], [106, 107]]
        assert [one.product.title for one in shop.stores.catalogue.changed_since(Micros(0))] == titles
        again = shop.bring("prices", written(tmp_path, ending))
        assert (again.prices, again.price_slips, again.refused) == (0, 0, 3)


def test_a_cut_run_goes_on(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("products", products_file(tmp_path / "products.csv"))
        path = tmp_path / "prices.csv"
        rows = [f"p{n // 2}-{n % 2},{200 + n}" for n in range(2_500)]
        path.write_text("\n".join(["sku,price", *rows]), encoding="utf-8")
        with pytest.raises(InterruptedError):
            shop.bring("prices", path, doors=cut_after(shop, 1))
        report = shop.bring("prices", path)
        # A thousand were set and counted, a thousand set and not counted, then five hundred; 14 of them of no product.
        assert (report.rows, report.resumed_after, report.prices) == (2_500, 1_000, 1_486)
        assert prices(shop, "p5") == [210, 211]
        assert prices(shop, "p1240") == [2_680, 2_681]
