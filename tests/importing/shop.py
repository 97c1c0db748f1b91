"""An embedded shop to import into, what it holds as plain values, and made-up files of every format."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from smartshop.bringing import import_doors
from smartshop.data_collection.connectors.ports import ImportMark
from smartshop.data_collection.connectors.sql.imports import SqlImports
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.importing import ImportDoors, ImportReport, content_hash, run_import
from smartshop.data_collection.pipelines.sources.source import SourceOptions
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.opening import opened_stores
from smartshop.place import Place, find_place
from smartshop.settings import Settings

SHOPPERS, PRODUCTS = 40, 25


@dataclass(frozen=True)
class EmbeddedShop:
    settings: Settings
    place: Place
    stores: SqlStores
    doors: ImportDoors

    def bring(
        self,
        source: str,
        path: Path,
        on_rows: Callable[[int], None] = lambda rows: None,
        doors: ImportDoors | None = None,
    ) -> ImportReport:
        options = SourceOptions(currency=self.settings.currency, imported_at=system_now(), file_id=content_hash(path))
        # Names are learned anew, as in a new process.
        return run_import(source, path, options, doors or import_doors(self.settings, self.place, self.stores), on_rows)

    def holds(self) -> dict[str, object]:
        """Everything an import may change, without the times at which it did."""
        events = sorted(
            (e.customer_id or "", e.anonymous_id or "", e.event_id, e.kind.value, e.occurred_at, repr(e.products))
            for batch in self.stores.log.scan()
            for _, e in batch
        )
        listed = self.stores.catalogue.changed_since(Micros(0))
        variants = [v.variant_id for item in listed for v in item.product.variants]
        variants += [VariantId(item.product.product_id) for item in listed]
        return {
            "events": events,
            "orders": sorted(repr((o.order_id, o.lines, o.ordered_at)) for b in self.stores.orders.scan() for o in b),
            "products": sorted(
                repr((item.product.product_id, item.product.title, item.product.variants)) for item in listed
            ),
            "levels": dict(sorted((v, dict(at)) for v, at in self.stores.stock.levels(variants).items())),
            "refunds": len(list(self.stores.orders.refunds())),
            "quarantine": self.stores.quarantine.counts(),
        }


@contextmanager
def opened_shop(folder: Path, database_url: str = "") -> Iterator[EmbeddedShop]:
    """On the embedded store, or another that a URL names."""
    settings = Settings(data_dir=folder, database_url=database_url, _env_file=None)
    place = find_place(settings, False)
    with opened_stores(settings, place) as stores:
        yield EmbeddedShop(settings, place, stores, import_doors(settings, place, stores))


class ImportsCutShort(SqlImports):
    """A power cut: after some marks the next is not written any more."""

    marks_left = 0

    def mark(self, mark: ImportMark, now: Micros) -> None:
        if self.marks_left == 0:
            raise InterruptedError("the power went")
        self.marks_left -= 1
        super().mark(mark, now)


def cut_after(shop: EmbeddedShop, marks: int) -> ImportDoors:
    """Doors of an import that dies after a batch was stored and before that is remembered."""
    imports = ImportsCutShort(shop.stores.shop_database)
    imports.marks_left = marks
    return replace(import_doors(shop.settings, shop.place, shop.stores), imports=imports)


def refused_lines(report: ImportReport) -> list[dict[str, object]]:
    assert report.rejected_to is not None
    return [json.loads(line) for line in report.rejected_to.read_text(encoding="utf-8").splitlines()]


def interactions_file(path: Path, rows: int = 2_600) -> Path:
    """Views and orders over two years; every 100th row has an impossible product id, every 130th is from 1990."""
    lines = ["customer_id,product_id,kind,occurred_at,order_id,quantity,price_minor"]
    for n in range(rows):
        product = "bad/id" if n % 100 == 99 else f"p{n % PRODUCTS}"
        year = 1990 if n % 130 == 129 else 2010 + n % 2
        at = f"{year}-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:00:00Z"
        order = (
            f"order_completed,{at},o{n // 10},{1 + n % 3},{500 + n % 7}" if n % 10 < 2 else f"product_viewed,{at},,,"
        )
        shopper = f"c{n // 10 % SHOPPERS}"
        lines.append(f"{shopper},{product},{order}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def products_file(path: Path, rows: int = 2_600) -> Path:
    lines = ["product_id,variant_id,title,category,price_minor,stock,colour"]
    for n in range(rows):
        title = "" if n % 200 == 198 else f"Thing {n // 2}"
        lines.append(f"p{n // 2},p{n // 2}-{n % 2},{title},Garden > Tools,{100 + n},{n % 9},red")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def stock_file(path: Path, rows: int = 2_600) -> Path:
    """A count for every variant, then movements; every 300th takes more than there is."""
    lines = ["variant_id,level,movement,occurred_at,reason"]
    half = rows // 2
    lines += [f"p{n}-0,{10 + n % 5},,2026-01-01T00:00:00Z," for n in range(half)]
    for n in range(half):
        taken = 5_000 if n % 300 == 299 else 1
        lines.append(f"p{n}-0,,-{taken},2026-01-02T00:00:00Z,sale")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def online_retail_file(path: Path, invoices: int = 1_300) -> Path:
    """Two lines an invoice; every 20th is a credit note, every 50th a write-off, every 7th has no customer."""
    rows = []
    for n in range(invoices):
        number = f"C{500_000 + n}" if n % 20 == 19 else str(500_000 + n)
        at = f"2010-{1 + n % 12:02d}-{1 + n % 28:02d} {n % 24:02d}:30:00"
        customer = None if n % 7 == 6 or n % 50 == 49 else str(12_000 + n % SHOPPERS)
        for line in range(2):
            quantity = -1 if n % 20 == 19 else 1 + n % 4
            price = 0.0 if n % 50 == 49 else 1.25 + line
            code = f"{10_000 + (n + line) % PRODUCTS}"
            rows.append((number, code, f"THING {code}", quantity, at, price, customer, "United Kingdom"))
    names = "invoice_no stock_code description quantity invoice_ts unit_price customer_id country".split()
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    frame.with_columns(pl.col("invoice_ts").str.to_datetime(time_unit="us")).write_parquet(path)
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "interactions": lambda folder: interactions_file(folder / "interactions.csv"),
    "products": lambda folder: products_file(folder / "products.csv"),
    "stock": lambda folder: stock_file(folder / "stock.csv"),
    "online-retail": lambda folder: online_retail_file(folder / "invoices.parquet"),
}
