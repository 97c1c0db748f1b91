"""Batch jobs: what the command line, the worker and any scheduler run. Each is repeatable for a day."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from smartshop.ai_agents.recommendation.agent import RecommendationAgent, train_recommendation
from smartshop.ai_agents.recommendation.evaluate import evaluate
from smartshop.ai_agents.recommendation.report import as_markdown, as_tables
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY, ShopClock, system_now, to_micros
from smartshop.data_collection.pipelines.importing import ImportDoors, ImportReport, check_import, run_import
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.replay import replay
from smartshop.data_collection.pipelines.segment import replayed_segment
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.pipelines.sources.rows import count_rows
from smartshop.data_collection.pipelines.sources.source import SourceOptions
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue, NotFound
from smartshop.settings import Settings
from smartshop.simulator.enter import enter_history
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.world import build_world
from smartshop.wiring import DEMO_SCENARIO, Place, build_clock, build_ingest, opened_stores

DECISIONS_KEPT = 30 * DAY
EVENT_KEYS_KEPT = 60 * DAY
DEMO_SEED = 7

Tell = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job may use."""

    settings: Settings
    place: Place
    stores: SqlStores
    clock: ShopClock
    until: Micros | None
    """The end of the day the job is for; None is now."""
    tell: Tell


Job = Callable[[JobContext], dict[str, Any]]
"""Any: facts to print, as JSON can say them."""


def train(context: JobContext) -> dict[str, Any]:
    stores = context.stores
    shelf = ShelfKeeper(stores.catalogue, stores.stock, context.settings.currency, context.clock.shop_now).shelf
    agent = RecommendationAgent(stores.models, context.clock.now)
    trained = train_recommendation(
        stores.log, stores.customers, shelf, agent, until=context.until, progress=context.tell
    )
    record = next(found for found in stores.models.history(trained.agent) if found.version == trained.version)
    return {"version": trained.version, "promoted": trained.promoted, **_rounded(record.metrics)}


def prune(context: JobContext) -> dict[str, Any]:
    now = context.until or context.clock.now()
    return {
        "decisions_forgotten": context.stores.decisions.prune(Micros(now - DECISIONS_KEPT)),
        "event_keys_forgotten": context.stores.log.prune(Micros(now - EVENT_KEYS_KEPT)),
    }


def make_demo(context: JobContext) -> dict[str, Any]:
    """The demonstration shop's past: made from a scenario, entered through the only door, its truth kept apart."""
    stores, now = context.stores, context.clock.now()
    context.tell(0.0, "thinking up products and shoppers")
    world = build_world(load_scenario(DEMO_SCENARIO), DEMO_SEED, now)
    entered = enter_history(
        world,
        build_ingest(context.settings, stores, context.clock),
        stores.catalogue,
        stores.stock,
        now=now,
        truth_folder=context.place.folder / "truth",
        progress=context.tell,
    )
    return asdict(entered)


JOBS: Mapping[str, Job] = {"train-recommendation": train, "prune": prune, "make-demo": make_demo}


def run_job(name: str, settings: Settings, place: Place, day: date | None, console: Console | None) -> dict[str, Any]:
    """Run one job to its end; what it found out.

    Raises:
        NotFound: no such job.
    """
    if name not in JOBS:
        raise NotFound(f"There is no job {name!r}; there are {', '.join(JOBS)}.")
    with opened_stores(settings, place) as stores, _progress(console) as progress:
        task = progress.add_task(name, total=1.0)
        until = None if day is None else _end_of(day, settings)

        def tell(share: float, what: str) -> None:
            progress.update(task, completed=share, description=f"{name}: {what}")

        found = JOBS[name](JobContext(settings, place, stores, build_clock(settings, stores), until, tell))
        tell(1.0, "done")
    return found


def import_file(
    settings: Settings, place: Place, source: str, path: Path, *, dry_run: bool, console: Console | None
) -> dict[str, Any]:
    """Bring a file in, or only check it; the report as facts."""
    options = SourceOptions(currency=settings.currency, imported_at=system_now())
    with _progress(console, rows=True) as progress:
        task = progress.add_task(f"{'checking' if dry_run else 'importing'} {path.name}", total=_rows_of(path))

        def on_rows(rows: int) -> None:
            progress.advance(task, rows)

        if dry_run:
            report = check_import(source, path, options, on_rows)
        else:
            with opened_stores(settings, place) as stores:
                doors = ImportDoors(
                    ingest=build_ingest(settings, stores, build_clock(settings, stores)),
                    catalogue=stores.catalogue,
                    customers=stores.customers,
                    stock=stores.stock,
                    imports=stores.imports,
                    quarantine_folder=place.folder / "quarantine",
                )
                report = run_import(source, path, options, doors, on_rows)
    if console is not None:
        console.print(_report_table(report, dry_run=dry_run))
    return _report_facts(report)


def evaluate_models(
    settings: Settings, place: Place, day: date | None, console: Console, *, as_json: bool, markdown: Path | None
) -> None:
    """Print the table; a progress bar while it is made."""
    with opened_stores(settings, place) as stores:
        clock = build_clock(settings, stores)
        shelf = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now).shelf
        with _progress(None if as_json else console) as progress:
            task = progress.add_task("reading the log", total=1.0)

            def tell(share: float, what: str) -> None:
                progress.update(task, completed=share, description=what)

            until = None if day is None else _end_of(day, settings)
            interactions = load_interactions(stores.log, stores.customers, shelf, until)
            if not len(interactions):
                raise NotFound("There is nothing to evaluate: the log holds no interactions; import or simulate some.")
            report = evaluate(interactions, shelf, np.random.default_rng(0), tell)
    if markdown is not None:
        markdown.write_text(as_markdown(report), encoding="utf-8")
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report)).decode())
        return
    for table in as_tables(report):
        console.print(table)


def replay_refused(settings: Settings, place: Place) -> dict[str, Any]:
    with opened_stores(settings, place) as stores:
        ingest = build_ingest(settings, stores, build_clock(settings, stores))
        wires = {"segment": replayed_segment(settings.currency)}
        report = replay(stores.quarantine, ingest, system_now(), source=None, wires=wires)
    return dict(msgspec.structs.asdict(report))


@contextmanager
def _progress(console: Console | None, *, rows: bool = False) -> Iterator[Progress]:
    """A bar for people; silent for scripts (`console` None)."""
    count = MofNCompleteColumn() if rows else TaskProgressColumn()
    columns = (TextColumn("  {task.description}"), BarColumn(), count, TimeElapsedColumn())
    with Progress(*columns, console=console or Console(quiet=True), transient=False) as progress:
        yield progress


def _rows_of(path: Path) -> int | None:
    try:
        return count_rows(path)
    except Exception:
        return None


def _end_of(day: date, settings: Settings) -> Micros:
    """The last microsecond of a day in the shop's zone."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(settings.timezone))
    if not 2000 <= day.year <= 2100:
        raise InvalidValue(f"The day {day} is not between 2000 and 2100.")
    return Micros(to_micros(midnight) - 1)


def _rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items() if not name.startswith("weight_")}


def _report_facts(report: ImportReport) -> dict[str, Any]:
    facts = asdict(report)
    return {**facts, "reasons": dict(report.reasons), "rejected_to": str(report.rejected_to or "") or None}


def _report_table(report: ImportReport, *, dry_run: bool) -> Table:
    title = f"{report.source}: what {'would be' if dry_run else 'was'} imported"
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(justify="left")
    table.add_column(justify="right")
    facts = {
        "rows read": report.rows,
        "products": report.products,
        "customers": report.customers,
        "events stored": report.events,
        "events known before": report.duplicates,
        "stock changes": report.stock_changes,
        "rows done by an earlier run": report.resumed_after,
    }
    for name, count in facts.items():
        if count:
            table.add_row(name, f"{count:,}")
    for reason, count in report.reasons.most_common():
        table.add_row(f"[yellow]refused: {reason.replace('_', ' ')}[/]", f"{count:,}")
    if report.rejected_to is not None:
        table.caption = f"Refused rows with line and reason: {report.rejected_to}"
    return table
