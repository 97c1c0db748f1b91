"""An import from file to stores: resumable after any batch, and harmless to repeat."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from smartshop.data_collection.connectors.ports import Catalogue, Customers, ImportMark, Imports, Stock
from smartshop.data_collection.pipelines.ingest import Arrival, Ingest
from smartshop.data_collection.pipelines.sources.interactions import read_interactions
from smartshop.data_collection.pipelines.sources.online_retail import read_online_retail
from smartshop.data_collection.pipelines.sources.products import read_products
from smartshop.data_collection.pipelines.sources.source import RejectedRow, Source, SourceBatch, SourceOptions
from smartshop.data_collection.pipelines.sources.stock import read_stock
from smartshop.data_collection.schemas.events import Event, Trust
from smartshop.data_collection.schemas.ids import Micros, ProductId
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.errors import OutOfStock, SourceError

SOURCES: dict[str, Source] = {
    "online-retail": read_online_retail,
    "interactions": read_interactions,
    "products": read_products,
    "stock": read_stock,
}
REJECTION_SHARE_SHOWN = 0.05
"""From this share of bad rows on, the report warns that the file may be of another format."""


@dataclass(slots=True)
class ImportReport:
    """What an import did, in rows of the file and in records."""

    source: str
    rows: int = 0
    products: int = 0
    customers: int = 0
    events: int = 0
    duplicates: int = 0
    stock_changes: int = 0
    resumed_after: int = 0
    """Rows that an earlier, interrupted run had done."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Reason code → rows or events refused."""
    rejected_to: Path | None = None

    @property
    def refused(self) -> int:
        return self.reasons.total()


@dataclass(frozen=True, slots=True)
class ImportDoors:
    """The stores an import writes to; events go through the only door."""

    ingest: Ingest
    catalogue: Catalogue
    customers: Customers
    stock: Stock
    imports: Imports
    quarantine_folder: Path


def read_source(name: str) -> Source:
    """
    Raises:
        SourceError: no such source.
    """
    if name not in SOURCES:
        raise SourceError(f"There is no source {name!r}; use one of {', '.join(SOURCES)}.")
    return SOURCES[name]


def check_import(name: str, path: Path, options: SourceOptions, on_rows: Callable[[int], None]) -> ImportReport:
    """Read the whole file and write nothing: what an import would meet before it reaches the shop's own rules."""
    report = ImportReport(name)
    for batch in read_source(name)(path, options):
        _count(report, batch)
        report.events += len(batch.events)
        report.stock_changes += len(batch.counts) + len(batch.movements)
        on_rows(batch.rows)
    return report


def run_import(
    name: str, path: Path, options: SourceOptions, doors: ImportDoors, on_rows: Callable[[int], None]
) -> ImportReport:
    """Bring a file in. A run that was cut is taken up after its last whole batch; a finished one changes nothing."""
    source = read_source(name)
    key = f"{name}:{_content_hash(path)}"
    found = doors.imports.find(key)
    done = found.rows_done if found and not found.finished else 0
    report = ImportReport(name, resumed_after=done)
    if done == 0:
        # A fresh run writes its refused rows anew, so that repeating an import does not repeat them.
        _quarantine_file(doors, key).unlink(missing_ok=True)
    seen = 0
    for batch in source(path, options):
        seen += batch.rows
        on_rows(batch.rows)
        if done and seen <= done and batch.rows:
            report.rows += batch.rows
            continue
        _enter(batch, report, doors, options, key)
        doors.imports.mark(ImportMark(import_key=key, rows_done=seen, finished=False), options_now(options))
    doors.imports.mark(
        ImportMark(import_key=key, rows_done=seen, finished=True, report=dict(report.reasons)), options_now(options)
    )
    return report


def options_now(options: SourceOptions) -> Micros:
    return Micros(options.imported_at)


def _enter(batch: SourceBatch, report: ImportReport, doors: ImportDoors, options: SourceOptions, key: str) -> None:
    now = options_now(options)
    _count(report, batch)
    if batch.products:
        doors.catalogue.upsert(batch.products, now)
    if batch.customers:
        doors.customers.upsert(batch.customers, now)
    if batch.counts:
        report.stock_changes += doors.stock.count(batch.counts, now)
    refused = list(batch.rejected)
    if batch.movements:
        refused.extend(_move(batch.movements, report, doors, now))
    if batch.events:
        refused.extend(_accept(batch.events, report, doors, now))
    if refused:
        report.rejected_to = _quarantine_file(doors, key)
        _write_refused(report.rejected_to, refused)


def _accept(events: Sequence[Event], report: ImportReport, doors: ImportDoors, now: Micros) -> list[RejectedRow]:
    named = {line.product_id for event in events for line in event.products if line.product_id}
    doors.catalogue.ensure([ProductId(product_id) for product_id in named], now)
    arrival = Arrival(source=f"import:{report.source}", trust=Trust.SERVER, received_at=now, from_import=True)
    receipt = doors.ingest.accept_blocking(events, arrival)
    report.events += receipt.accepted
    report.duplicates += receipt.duplicates
    refused = [
        RejectedRow(0, rejected.reason, msgspec.json.encode(events[rejected.index]).decode())
        for rejected in receipt.rejected
    ]
    report.reasons.update(row.reason.split(":", 1)[0] for row in refused)
    return refused


def _move(movements: list[StockMovement], report: ImportReport, doors: ImportDoors, now: Micros) -> list[RejectedRow]:
    """All at once; where one asks too much, one by one, so that only that one is refused."""
    try:
        report.stock_changes += doors.stock.move(movements, now)
        return []
    except OutOfStock:
        refused = []
    for movement in movements:
        try:
            report.stock_changes += doors.stock.move([movement], now)
        except OutOfStock as error:
            refused.append(RejectedRow(0, f"{error.code}: {error}", msgspec.json.encode(movement).decode()))
    report.reasons.update(row.reason.split(":", 1)[0] for row in refused)
    return refused


def _count(report: ImportReport, batch: SourceBatch) -> None:
    report.rows += batch.rows
    report.products += len(batch.products)
    report.customers += len(batch.customers)
    report.reasons.update(row.reason.split(":", 1)[0] for row in batch.rejected)


def _quarantine_file(doors: ImportDoors, key: str) -> Path:
    return doors.quarantine_folder / f"{key.replace(':', '-')}.jsonl"


def _write_refused(path: Path, refused: list[RejectedRow]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        for row in refused:
            file.write(msgspec.json.encode({"line": row.line, "reason": row.reason, "row": row.row}) + b"\n")


def _content_hash(path: Path) -> str:
    if not path.is_file():
        raise SourceError(f"There is no file {path}; give the path of the file to import.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()
