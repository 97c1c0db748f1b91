"""An import from file to stores: resumable after any batch, and harmless to repeat.

What was done is remembered after every batch (`ImportMark`): the rows, the counts, and how long the file of refused
rows was. A run that was cut goes on after the last whole batch as if it had never stopped.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import msgspec

from smartshop.data_collection.connectors.ports import (
    Catalogue,
    Customers,
    DemandCauses,
    ImportMark,
    Imports,
    Prices,
    QuarantinedRow,
    Stock,
)
from smartshop.data_collection.pipelines.cause_feed import tell_what_fits
from smartshop.data_collection.pipelines.ingest import Arrival, Ingest
from smartshop.data_collection.pipelines.price_feed import slip_warning, unknown_variant
from smartshop.data_collection.pipelines.sources.causes import read_causes
from smartshop.data_collection.pipelines.sources.interactions import read_interactions
from smartshop.data_collection.pipelines.sources.online_retail import read_online_retail
from smartshop.data_collection.pipelines.sources.prices import read_prices
from smartshop.data_collection.pipelines.sources.products import read_products
from smartshop.data_collection.pipelines.sources.rows import check_file
from smartshop.data_collection.pipelines.sources.source import RejectedRow, Source, SourceBatch, SourceOptions
from smartshop.data_collection.pipelines.sources.stock import read_stock
from smartshop.data_collection.schemas.events import Event, Trust
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.errors import OutOfStock, SourceError

SOURCES: dict[str, Source] = {
    "online-retail": read_online_retail,
    "interactions": read_interactions,
    "products": read_products,
    "stock": read_stock,
    "prices": read_prices,
    "causes": read_causes,
}
DOUBTFUL_SHARE = 0.5
"""From this share of refused rows on the report asks whether the file is of another format."""
REFUSED = "refused:"
"""Before a reason code in a mark's counts."""
REFUSED_BYTES = "refused_bytes"
"""In a mark's counts: how long the file of refused rows was."""
COUNTS = ("products", "customers", "events", "duplicates", "stock_changes", "prices", "price_slips", "causes")
SHOWN_WARNINGS = 10


@dataclass(slots=True)
class ImportReport:
    """What an import did, in rows of the file and in records; what an earlier, cut run did is included."""

    source: str
    dry_run: bool = False
    rows: int = 0
    products: int = 0
    customers: int = 0
    events: int = 0
    duplicates: int = 0
    stock_changes: int = 0
    prices: int = 0
    """That changed something."""
    price_slips: int = 0
    """Of these, a hundred times dearer or cheaper than before: probably told in another unit."""
    causes: int = 0
    """Days of events and weather."""
    warnings: list[str] = field(default_factory=list)
    """The first of them, as sentences."""
    resumed_after: int = 0
    """Rows that an earlier, interrupted run had done."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Reason code → rows or events refused."""
    rejected_to: Path | None = None

    @property
    def refused(self) -> int:
        return self.reasons.total()

    @property
    def is_doubtful(self) -> bool:
        return self.refused > DOUBTFUL_SHARE * max(self.rows, 1)


class ImportedNames:
    """Ids of an import → products. Variants are resolved by the catalogue; what it does not know is created bare."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[str, ProductId] = {}

    def __call__(self, sent: str) -> ProductId | None:
        return self._known.get(sent)

    def learn(self, sent: Iterable[str], now: Micros) -> None:
        unknown = sorted({name for name in sent if name not in self._known})
        if not unknown:
            return
        for variant_id, product_id in self._catalogue.product_of([VariantId(name) for name in unknown]).items():
            self._known[variant_id] = product_id
        bare = [ProductId(name) for name in unknown if name not in self._known]
        self._catalogue.ensure(bare, now)
        self._known.update((product_id, product_id) for product_id in bare)


class KeptInFile:
    """The quarantine of a door that imports: refused rows go to the import's own file, with their line.

    Mended, the file is imported again, so nothing is kept a second time for replay.
    """

    def add(self, rows: Sequence[QuarantinedRow]) -> None: ...
    def page(self, after: int = 0, limit: int = 100, source: str | None = None) -> list[QuarantinedRow]:
        return []

    def mark_replayed(self, row_ids: Sequence[int], now: Micros) -> None: ...
    def counts(self) -> dict[str, int]:
        return {}


@dataclass(frozen=True, slots=True)
class ImportDoors:
    """The stores an import writes to; events go through the only door."""

    ingest: Ingest
    """Resolves ids by `names`."""
    names: ImportedNames
    catalogue: Catalogue
    customers: Customers
    prices: Prices
    stock: Stock
    causes: DemandCauses
    imports: Imports
    quarantine_folder: Path
    names_erased: Callable[[str], bool]
    """Whether a row holds the id of somebody erased: such a one is counted as refused, and not kept."""
    present: Callable[[], Micros]
    """The shop's own time, from which a price without a date holds."""
    now: Callable[[], Micros]
    """Stamps what is written. A moving clock: other processes find changes by it while a long import runs."""


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
    report = ImportReport(name, dry_run=True)
    for batch in read_source(name)(path, options):
        _count(report, batch)
        report.events += len(batch.events)
        report.stock_changes += len(batch.counts) + len(batch.movements)
        report.prices += len(batch.prices)
        report.causes += len(batch.causes)
        on_rows(batch.rows)
    return report


def run_import(
    name: str, path: Path, options: SourceOptions, doors: ImportDoors, on_rows: Callable[[int], None]
) -> ImportReport:
    """Bring a file in. A run that was cut is taken up after its last whole batch; a finished one, run again, finds
    everything known already.
    """
    source = read_source(name)
    key = f"{name}:{content_hash(path)}"
    refused_file = doors.quarantine_folder / f"{key.replace(':', '-')}.jsonl"
    found = doors.imports.find(key)
    report = _resumed(name, found, refused_file)
    seen = 0
    for batch in source(path, options):
        seen += batch.rows
        on_rows(batch.rows)
        if batch.rows and seen <= report.resumed_after:
            continue
        _enter(batch, report, doors, refused_file)
        doors.imports.mark(_mark(key, seen, report, finished=False), doors.now())
    doors.imports.mark(_mark(key, seen, report, finished=True), doors.now())
    return report


def _resumed(name: str, found: ImportMark | None, refused_file: Path) -> ImportReport:
    """The report to go on with; refused rows that no mark vouches for are forgotten, since they will come again."""
    if found is None or found.finished:
        refused_file.unlink(missing_ok=True)
        return ImportReport(name)
    report = ImportReport(name, rows=found.rows_done, resumed_after=found.rows_done)
    for count in COUNTS:
        setattr(report, count, found.report.get(count, 0))
    for count, number in found.report.items():
        if count.startswith(REFUSED):
            report.reasons[count.removeprefix(REFUSED)] = number
    if refused_file.exists():
        os.truncate(refused_file, min(found.report.get(REFUSED_BYTES, 0), refused_file.stat().st_size))
        report.rejected_to = refused_file if report.reasons else None
    return report


def _mark(key: str, rows_done: int, report: ImportReport, *, finished: bool) -> ImportMark:
    facts = asdict(report)
    counts = {count: facts[count] for count in COUNTS}
    counts |= {f"{REFUSED}{reason}": number for reason, number in report.reasons.items()}
    if report.rejected_to is not None:
        counts[REFUSED_BYTES] = report.rejected_to.stat().st_size
    return ImportMark(import_key=key, rows_done=rows_done, finished=finished, report=counts)


def _enter(batch: SourceBatch, report: ImportReport, doors: ImportDoors, refused_file: Path) -> None:
    now = doors.now()
    _count(report, batch)
    if batch.products:
        doors.catalogue.upsert(batch.products, now)
    if batch.customers:
        doors.customers.upsert(batch.customers, now)
    if batch.counts:
        report.stock_changes += doors.stock.count(batch.counts, now)
    refused = [
        *_move(batch, report, doors, now),
        *_set_prices(batch, report, doors, now),
        *_tell_causes(batch, report, doors),
        *_accept(batch, report, doors, now),
    ]
    report.reasons.update(_code(row) for row in refused)
    refused = [row for row in (*batch.rejected, *refused) if not doors.names_erased(row.row)]
    if refused:
        _write_refused(refused_file, refused)
        report.rejected_to = refused_file


def _accept(batch: SourceBatch, report: ImportReport, doors: ImportDoors, now: Micros) -> list[RejectedRow]:
    if not batch.events:
        return []
    doors.names.learn(_names(batch.events), now)
    arrival = Arrival(source=f"import:{report.source}", trust=Trust.SERVER, received_at=now, from_import=True)
    receipt = doors.ingest.accept_blocking(batch.events, arrival)
    report.events += receipt.accepted
    report.duplicates += receipt.duplicates
    return [
        RejectedRow(_line(batch.event_lines, rejected.index), rejected.reason, _text(batch.events[rejected.index]))
        for rejected in receipt.rejected
    ]


def _names(events: Sequence[Event]) -> set[str]:
    return {name for event in events for line in event.products if (name := line.product_id or line.variant_id)}


def _move(batch: SourceBatch, report: ImportReport, doors: ImportDoors, now: Micros) -> list[RejectedRow]:
    """All at once; where one asks too much, one by one, so that only that one is refused."""
    if not batch.movements:
        return []
    try:
        report.stock_changes += doors.stock.move(batch.movements, now)
        return []
    except OutOfStock:
        refused = []
    for place, movement in enumerate(batch.movements):
        try:
            report.stock_changes += doors.stock.move([movement], now)
        except OutOfStock as error:
            line = _line(batch.movement_lines, place)
            refused.append(RejectedRow(line, f"{error.code}: {error}", _text(movement)))
    return refused


def _set_prices(batch: SourceBatch, report: ImportReport, doors: ImportDoors, now: Micros) -> list[RejectedRow]:
    if not batch.prices:
        return []
    refused = []
    outcomes = doors.prices.set(batch.prices, doors.present(), now)
    for change, row, outcome in zip(batch.prices, batch.price_rows, outcomes, strict=True):
        if outcome.product_id is None:
            refused.append(replace(row, reason=f"unknown_variant: {unknown_variant(change)}"))
        report.prices += outcome.changed
        warning = slip_warning(change, outcome)
        if warning is not None:
            report.price_slips += 1
            report.warnings = [*report.warnings, warning][:SHOWN_WARNINGS]
    return refused


def _tell_causes(batch: SourceBatch, report: ImportReport, doors: ImportDoors) -> list[RejectedRow]:
    refusals = tell_what_fits(batch.causes, doors.causes)
    report.causes += refusals.count(None)
    told = zip(batch.cause_rows, refusals, strict=True)
    return [replace(row, reason=reason) for row, reason in told if reason is not None]


def _count(report: ImportReport, batch: SourceBatch) -> None:
    report.rows += batch.rows
    report.products += len(batch.products)
    report.customers += len(batch.customers)
    report.reasons.update(_code(row) for row in batch.rejected)


def _code(row: RejectedRow) -> str:
    return row.reason.split(":", 1)[0]


def _line(lines: Sequence[int], place: int) -> int:
    return lines[place] if place < len(lines) else 0


def _text(refused: Event | StockMovement) -> str:
    return msgspec.json.encode(refused).decode()


def _write_refused(path: Path, refused: list[RejectedRow]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        for row in refused:
            file.write(msgspec.json.encode({"line": row.line, "reason": row.reason, "row": row.row}) + b"\n")


def content_hash(path: Path) -> str:
    check_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
