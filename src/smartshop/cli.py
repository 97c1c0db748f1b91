"""`smartshop …`: every command. It reads the settings, hands over values, and turns our errors into one sentence.

Rooms are imported inside the commands: `up` only supervises and `--help` only prints, so neither pays for numpy.
"""

import json
import sys
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from smartshop import supervisor
from smartshop.errors import InvalidValue, SmartShopError

if TYPE_CHECKING:
    from smartshop.wiring import Place

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    help="The Smart Shopping System: a shop that personalises itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(help="API keys: secret ones for servers, publishable ones for browsers.", no_args_is_help=True)
quarantine_app = typer.Typer(help="What was refused, with the reason; replayable after a fix.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(quarantine_app, name="quarantine")

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the shop's data; SMARTSHOP_DATA_DIR or ./smartshop-data when absent.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of a table.")]

console = Console()


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """Our errors are for people: one sentence on standard error and status 1, no traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SmartShopError as error:
            print(f"smartshop: {error}", file=sys.stderr)
            raise typer.Exit(1) from None

    return run


def _place(data_dir: Path | None, demo: bool | None = None) -> "Place":
    from smartshop.settings import read_settings
    from smartshop.wiring import find_place

    return find_place(read_settings(data_dir=data_dir), demo)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidValue(f"The day {text!r} is no date; write for example 2026-11-22.") from None


def _print_json(found: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    typer.echo(json.dumps(found, indent=2, default=str, ensure_ascii=False))


# ------------------------------------------------------------------------------------------ run the shop
@app.command()
@explained
def up(
    data_dir: DataDir = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="A demonstration shop; the default on an empty data dir.")
    ] = None,
) -> None:
    """Open the shop: API, WebSockets, agents, worker and storefront, by one command."""
    supervisor.check_port(host, port)
    place = _place(data_dir, demo)
    where = ["--data-dir", str(place.root), "--demo" if place.demo else "--no-demo"]
    if status := supervisor.run_once(["prepare", *where]):
        raise typer.Exit(status)
    url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - only compared
    serve_arguments = ["serve", *where, "--host", host, "--port", str(port)]
    children = [
        supervisor.Child("serve", serve_arguments),
        supervisor.Child("work", ["work", *where, "--url", url], dict(supervisor.ONE_BLAS_THREAD)),
    ]
    raise typer.Exit(supervisor.supervise(children, url))


@app.command(hidden=True)
@explained
def prepare(data_dir: DataDir = None, demo: Annotated[bool | None, typer.Option("--demo/--no-demo")] = None) -> None:
    """Bring the schema up to date, make the keys, and make the demonstration shop where it is asked for."""
    from smartshop.prepare import prepare_shop
    from smartshop.settings import read_settings

    settings = read_settings(data_dir=data_dir)
    prepare_shop(settings, _place(data_dir, demo), console)


@app.command(hidden=True)
@explained
def serve(
    data_dir: DataDir = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo")] = None,
    host: str = "127.0.0.1",
    port: int = 8000,
) -> None:
    """The process that answers people: API, WebSockets, advice, light handlers."""
    from smartshop.serve import run_serving
    from smartshop.settings import read_settings

    run_serving(read_settings(data_dir=data_dir), _place(data_dir, demo), host, port)


@app.command(hidden=True)
@explained
def work(
    data_dir: DataDir = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo")] = None,
    url: Annotated[str, typer.Option(help="Where the shop is served; simulated shoppers go there.")] = "",
) -> None:
    """The process that learns: jobs, nightly training, simulated shoppers of the demonstration shop."""
    from smartshop.settings import read_settings
    from smartshop.work import run_working

    run_working(read_settings(data_dir=data_dir), _place(data_dir, demo), url)


@app.command()
@explained
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Only the serving process, for servers; needs PostgreSQL."""
    from smartshop.serve import run_serving
    from smartshop.settings import read_settings
    from smartshop.wiring import require_server_engine

    settings = read_settings()
    require_server_engine(settings, "api")
    supervisor.check_port(host, port)
    run_serving(settings, _place(None, False), host, port)


@app.command()
@explained
def worker() -> None:
    """Only the working process, for servers; needs PostgreSQL."""
    from smartshop.settings import read_settings
    from smartshop.wiring import require_server_engine
    from smartshop.work import run_working

    settings = read_settings()
    require_server_engine(settings, "worker")
    run_working(settings, _place(None, False), "")


# ----------------------------------------------------------------------------------------------- data in
@app.command(name="import")
@explained
def import_(
    source: Annotated[str, typer.Argument(help="online-retail, interactions, products or stock.")],
    path: Annotated[Path, typer.Argument(help="A .csv, .tsv, .jsonl or .parquet file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, write nothing.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Bring a file into the shop: resumable, harmless to repeat, with a quality report."""
    from smartshop.jobs import import_file
    from smartshop.settings import read_settings

    shown = None if as_json else console
    settings = read_settings(data_dir=data_dir)
    report = import_file(settings, _place(data_dir, False), source, path, dry_run=dry_run, console=shown)
    if as_json:
        _print_json(report)


# ----------------------------------------------------------------------------------------------- learning
@app.command()
@explained
def train(
    agent: Annotated[str, typer.Argument(help="Which agent learns.")] = "recommendation",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Learn now, from everything in the log; a better model is promoted and served within a second."""
    from smartshop.jobs import run_job
    from smartshop.settings import read_settings

    shown = None if as_json else console
    found = run_job(f"train-{agent}", read_settings(data_dir=data_dir), _place(data_dir), None, shown)
    _print_json(found) if as_json else _print_facts(f"train {agent}", found)


@app.command()
@explained
def job(
    name: Annotated[str, typer.Argument(help="train-recommendation, prune or make-demo.")],
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD in the shop's zone; learning stops at its end.")] = None,
    data_dir: DataDir = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Which shop of the data dir.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run one batch job, repeatable for a day: what Airflow and cron call."""
    from smartshop.jobs import run_job
    from smartshop.settings import read_settings

    shown = None if as_json else console
    found = run_job(name, read_settings(data_dir=data_dir), _place(data_dir, demo), _day(day), shown)
    _print_json(found) if as_json else _print_facts(name, found)


@app.command()
@explained
def evaluate(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD: as if it were the end of that day.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file as well.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Models against popularity and item-kNN on the shop's own later data, full ranking, with intervals."""
    from smartshop.jobs import evaluate_models
    from smartshop.settings import read_settings

    settings, place = read_settings(data_dir=data_dir), _place(data_dir)
    evaluate_models(settings, place, _day(day), console, as_json=as_json, markdown=markdown)


@app.command()
@explained
def simulate(
    url: Annotated[str, typer.Option(help="A running service.")] = "http://127.0.0.1:8000",
    scenario: Annotated[str, typer.Option(help="A shipped scenario's name or a .toml file.")] = "outdoor_store",
    shoppers: Annotated[int, typer.Option(help="How many come, one after another.", min=1)] = 100,
    per_minute: Annotated[float, typer.Option(help="Arrivals a minute.", min=0.1)] = 30.0,
    seed: Annotated[int, typer.Option(help="Same seed, same shoppers.")] = 1,
) -> None:
    """Send simulated shoppers to a running service, as HTTP clients like any other."""
    from smartshop.work import simulate_shoppers

    simulate_shoppers(url, scenario, shoppers, per_minute, seed, console)


# ------------------------------------------------------------------------------------------------- tending
@app.command()
@explained
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's schema up to date; harmless to repeat."""
    from smartshop.settings import read_settings
    from smartshop.wiring import opened_stores

    place = _place(data_dir)
    with opened_stores(read_settings(data_dir=data_dir), place):
        typer.echo(f"The schema of {place.shown_database} is up to date.")


@app.command()
@explained
def doctor(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check settings, engines, models, keys and clocks; says what is wrong and what to do."""
    from smartshop.doctor import examine
    from smartshop.settings import read_settings

    findings = examine(read_settings(data_dir=data_dir), _place(data_dir))
    if as_json:
        _print_json([{"check": f.check, "state": f.state, "says": f.says} for f in findings])
    else:
        table = Table("check", "", "what was found", title="smartshop doctor")
        colours = {"good": "green", "note": "yellow", "bad": "red"}
        for finding in findings:
            table.add_row(finding.check, f"[{colours[finding.state]}]{finding.state}[/]", finding.says)
        console.print(table)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


@app.command()
@explained
def openapi() -> None:
    """Print the OpenAPI document of the service."""
    from smartshop.wiring import openapi_document

    _print_json(openapi_document())


@keys_app.command("create")
@explained
def keys_create(
    kind: Annotated[str, typer.Argument(help="secret or publishable.")],
    label: Annotated[str, typer.Option(help="What it is for; shown in lists.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Make a key; a secret one is shown this once and only its hash is kept."""
    from smartshop.api_keys import create_key
    from smartshop.settings import read_settings
    from smartshop.wiring import opened_stores

    with opened_stores(read_settings(data_dir=data_dir), _place(data_dir)) as stores:
        typer.echo(create_key(stores.keys, kind, label))


@keys_app.command("list")
@explained
def keys_list(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """All keys, without the secrets."""
    from smartshop.data_collection.pipelines.clock import format_rfc3339
    from smartshop.settings import read_settings
    from smartshop.wiring import opened_stores

    with opened_stores(read_settings(data_dir=data_dir), _place(data_dir)) as stores:
        rows = [
            {
                "key_id": key.key_id,
                "kind": key.kind,
                "label": key.label,
                "created_at": format_rfc3339(key.created_at),
                "revoked_at": format_rfc3339(key.revoked_at) if key.revoked_at else None,
            }
            for key in stores.keys.all()
        ]
    _print_json(rows) if as_json else _print_rows("keys", rows)


@keys_app.command("revoke")
@explained
def keys_revoke(key_id: str, data_dir: DataDir = None) -> None:
    """End a key; running processes refuse it within a second."""
    from smartshop.data_collection.pipelines.clock import system_now
    from smartshop.errors import NotFound
    from smartshop.settings import read_settings
    from smartshop.wiring import opened_stores

    with opened_stores(read_settings(data_dir=data_dir), _place(data_dir)) as stores:
        if not stores.keys.revoke(key_id, system_now()):
            raise NotFound(f"There is no living key {key_id!r}; `smartshop keys list` shows them.")
    typer.echo(f"The key {key_id} is revoked.")


@quarantine_app.command("list")
@explained
def quarantine_list(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Refused events with their reason, oldest first."""
    from smartshop.settings import read_settings
    from smartshop.wiring import opened_stores

    with opened_stores(read_settings(data_dir=data_dir), _place(data_dir)) as stores:
        rows = [
            {
                "row": row.row_id,
                "source": row.source,
                "reason": row.reason,
                "event": _shown(row.raw),
            }
            for row in stores.quarantine.page(limit=limit)
        ]
    _print_json(rows) if as_json else _print_rows("quarantine", rows)


@quarantine_app.command("replay")
@explained
def quarantine_replay(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Send refused events through the door again, after a fix; what passes now is kept."""
    from smartshop.jobs import replay_refused
    from smartshop.settings import read_settings

    found = replay_refused(read_settings(data_dir=data_dir), _place(data_dir))
    _print_json(found) if as_json else _print_facts("replay", found)


def _shown(raw: bytes) -> str:
    return raw[:500].decode(errors="replace")


def _print_facts(title: str, facts: dict[str, Any]) -> None:
    table = Table(title=title, show_header=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    console.print(table)


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        typer.echo(f"No {title}.")
        return
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(str(value) if value is not None else "" for value in row.values()))
    console.print(table)


def main() -> None:
    app()
