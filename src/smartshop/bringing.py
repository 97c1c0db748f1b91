"""`smartshop import`: a file into a shop, with a bar while it runs and a report at its end."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from smartshop.bars import counting_bar
from smartshop.data_collection.connectors.refused_files import FOLDER as REFUSED_ROWS
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.importing import (
    ImportDoors,
    ImportedNames,
    ImportReport,
    KeptInFile,
    check_import,
    content_hash,
    read_source,
    run_import,
)
from smartshop.data_collection.pipelines.sources.rows import check_file, count_rows
from smartshop.data_collection.pipelines.sources.source import SourceOptions
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.wiring import build_clock, build_ingest


def bring_in(settings: Settings, place: Place, source: str, path: Path, console: Console | None) -> ImportReport:
    """Import a file; `console` None shows no bar.

    Raises:
        SourceError: no such source or file, or a file that is not of this format at all.
    """
    read_source(source)
    check_file(path)
    with (
        counting_bar(f"importing {path.name}", count_rows(path), console) as on_rows,
        opened_stores(settings, place) as stores,
    ):
        doors = import_doors(settings, place, stores)
        return run_import(source, path, _options(settings, path), doors, on_rows)


def import_doors(settings: Settings, place: Place, stores: SqlStores) -> ImportDoors:
    """What an import into this shop writes to."""
    names = ImportedNames(stores.catalogue)
    clock = build_clock(settings, stores)
    return ImportDoors(
        ingest=build_ingest(settings, stores, clock, product_of=names, quarantine=KeptInFile()),
        names=names,
        catalogue=stores.catalogue,
        prices=stores.prices,
        customers=stores.customers,
        stock=stores.stock,
        causes=stores.demand_causes,
        imports=stores.imports,
        quarantine_folder=place.folder / REFUSED_ROWS,
        names_erased=stores.erasure.names_erased,
        present=clock.shop_now,
        now=system_now,
    )


def look_through(settings: Settings, source: str, path: Path, console: Console | None) -> ImportReport:
    """Read and check a file, touching no store.

    Raises:
        SourceError: no such source or file, or a file that is not of this format at all.
    """
    read_source(source)
    check_file(path)
    with counting_bar(f"checking {path.name}", count_rows(path), console) as on_rows:
        return check_import(source, path, _options(settings, path), on_rows)


def _options(settings: Settings, path: Path) -> SourceOptions:
    return SourceOptions(currency=settings.currency, imported_at=system_now(), file_id=content_hash(path))


def as_facts(report: ImportReport) -> dict[str, Any]:
    """Any: the report as JSON can say it."""
    facts = asdict(report)
    return {**facts, "reasons": dict(report.reasons), "rejected_to": str(report.rejected_to or "") or None}


def print_report(report: ImportReport, console: Console) -> None:
    console.print(f"{report.source}: what {'would be' if report.dry_run else 'was'} imported")
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    facts = {
        "rows read": report.rows,
        "products": report.products,
        "customers": report.customers,
        "events to store" if report.dry_run else "events stored": report.events,
        "events known before": report.duplicates,
        "stock changes": report.stock_changes,
        "prices to set" if report.dry_run else "prices changed": report.prices,
        "days of events and weather": report.causes,
        "rows done by an earlier run": report.resumed_after,
    }
    for name, count in facts.items():
        if count or name == "rows read":
            table.add_row(name, f"{count:,}")
    for reason, count in report.reasons.most_common():
        table.add_row(f"[yellow]refused: {reason.replace('_', ' ')}[/]", f"{count:,}")
    if report.price_slips:
        table.add_row("[yellow]prices a hundred times dearer or cheaper[/]", f"{report.price_slips:,}")
    console.print(table)
    for warning in report.warnings:
        console.print(f"[yellow]{warning}[/]", highlight=False, soft_wrap=True)
    if report.rejected_to is not None:
        console.print(f"Refused rows with line and reason: {report.rejected_to}", soft_wrap=True, highlight=False)
    if report.is_doubtful:
        console.print(f"[yellow]Most rows were refused: is this a file for `{report.source}`?[/]", highlight=False)
