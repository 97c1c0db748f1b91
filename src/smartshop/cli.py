"""`smartshop …`: every command. It reads the settings, hands over values, and turns our errors into one sentence.

Rooms are imported inside the commands: `up` only supervises and `--help` only prints, so neither pays for numpy.
"""

from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smartshop import calculating, supervisor, tending
from smartshop.errors import InvalidValue
from smartshop.place import require_server_engine
from smartshop.terminal import AsJson, DataDir, Demo, answers, explained, find_shop, print_facts, print_json, progress

if TYPE_CHECKING:
    from rich.console import Console

    from smartshop.place import Place
    from smartshop.settings import Settings

app = typer.Typer(
    help="The Smart Shopping System: a shop that personalises itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]
SENTENCES_SHOWN = 10
Day = Annotated[str | None, typer.Option(help="YYYY-MM-DD in the shop's zone; learning stops at its end.")]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidValue(f"The day {text!r} is no date; write for example 2026-11-22.") from None


def _bar(as_json: bool) -> "Console | None":
    return None if as_json else progress


# ------------------------------------------------------------------------------------------ run the shop
@app.command()
@explained
def up(
    data_dir: DataDir = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="A demonstration shop; the default on an empty data dir.")
    ] = None,
) -> None:
    """Open the shop: API, WebSockets, agents, worker and storefront, by one command."""
    _, place = find_shop(data_dir, demo)
    supervisor.check_port(host, port)
    what = "The demonstration shop" if place.demo else "The shop"
    answers.print(f"\n  [bold]{what}[/] in {place.folder}\n", highlight=False, soft_wrap=True)
    if status := supervisor.run_once(["prepare", *place.arguments]):
        raise typer.Exit(status)
    raise typer.Exit(supervisor.open_shop(place, host, port))


@app.command(hidden=True)
@explained
def prepare(data_dir: DataDir = None, demo: Demo = None) -> None:
    """Bring the schema up to date, make the keys, and make the demonstration shop where it is asked for."""
    from smartshop.prepare import prepare_shop

    prepare_shop(*find_shop(data_dir, demo), answers)


@app.command(hidden=True)
@explained
def serve(data_dir: DataDir = None, demo: Demo = None, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The process that answers people: API, WebSockets, advice, light handlers."""
    from smartshop.serve import run_serving

    supervisor.end_with_parent()
    run_serving(*find_shop(data_dir, demo), host, port)


@app.command(hidden=True)
@explained
def work(
    data_dir: DataDir = None,
    demo: Demo = None,
    url: Annotated[str, typer.Option(help="Where the shop is served; simulated shoppers go there.")] = "",
) -> None:
    """The process that learns: jobs, nightly training, simulated shoppers of the demonstration shop."""
    from smartshop.work import run_working

    supervisor.end_with_parent()
    run_working(*find_shop(data_dir, demo), url)


@app.command()
@explained
def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Only the serving process, for servers; needs PostgreSQL."""
    settings, place = find_shop(None, False)
    require_server_engine(settings, "api")
    supervisor.check_port(host, port)
    from smartshop.serve import run_serving

    run_serving(settings, place, host, port)


@app.command()
@explained
def worker() -> None:
    """Only the working process, for servers; needs PostgreSQL."""
    settings, place = find_shop(None, False)
    require_server_engine(settings, "worker")
    from smartshop.work import run_working

    run_working(settings, place, "")


# ----------------------------------------------------------------------------------------------- data in
@app.command(name="import")
@explained
def import_(
    source: Annotated[str, typer.Argument(help="online-retail, interactions, products, prices, stock or causes.")],
    path: Annotated[Path, typer.Argument(help="A .csv, .tsv, .jsonl or .parquet file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, write nothing.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Bring a file into the shop: resumable, harmless to repeat, with a quality report."""
    from smartshop.bringing import as_facts, bring_in, look_through, print_report

    settings, place = find_shop(data_dir, False)
    if dry_run:
        report = look_through(settings, source, path, _bar(as_json))
    else:
        report = bring_in(settings, place, source, path, _bar(as_json))
    print_json(as_facts(report)) if as_json else print_report(report, answers)


# ----------------------------------------------------------------------------------------------- learning
@app.command()
@explained
def train(
    agent: Annotated[
        str, typer.Argument(help="Which agent learns: recommendation, segmentation or inventory.")
    ] = "recommendation",
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
) -> None:
    """Learn now, from everything in the log; a better model is promoted and served within a second."""
    from smartshop.jobs import run_job

    found = run_job(f"train-{agent}", *find_shop(data_dir, demo), console=_bar(as_json))
    print_json(found) if as_json else print_facts(f"train {agent}", found)


@app.command()
@explained
def job(
    name: Annotated[
        str,
        typer.Argument(
            help="train-recommendation, train-segmentation, train-inventory, look-over-stock, accept-segments, "
            "push-audience, find-alike, export-text-network, prune…"
        ),
    ],
    day: Day = None,
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
    job_id: Annotated[int | None, typer.Option(hidden=True, help="The queued job to tell how far it is.")] = None,
) -> None:
    """Run one batch job, repeatable for a day: what Airflow and cron call."""
    from smartshop.jobs import run_job

    if job_id is not None:
        supervisor.end_with_parent()  # whoever tells how it ended
    found = run_job(name, *find_shop(data_dir, demo), day=_day(day), job_id=job_id, console=_bar(as_json))
    print_json(found) if as_json else print_facts(name, found)


@app.command()
@explained
def evaluate(
    agent: Annotated[
        str, typer.Option(help="Whose figures: recommendation, segmentation or inventory.")
    ] = "recommendation",
    protocol: Annotated[
        str | None,
        typer.Option(help="by_time, leave_one_out, next_basket or next_sign; else what the shop's times allow."),
    ] = None,
    cut: Annotated[
        str | None, typer.Option(help="Ask for what came from this date on (YYYY-MM-DD), or for a newest share (0.1).")
    ] = None,
    shoppers: Annotated[
        int | None, typer.Option(min=0, help="Ask about this many shoppers, 0 for all; else 4000.")
    ] = None,
    series: Annotated[
        int | None, typer.Option(min=0, help="Inventory: judge this many series by week, 0 for all; else 500.")
    ] = None,
    daily_series: Annotated[
        int | None, typer.Option(min=0, help="Inventory: judge this many series by day, 0 for none; else 50.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Inventory: without models fitted series by series.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of every draw: the same seed gives the same tables.")] = 0,
    day: Day = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file as well.")] = None,
    json_file: Annotated[Path | None, typer.Option(help="Write all figures to this file as well.")] = None,
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
) -> None:
    """How good an agent is on the shop's own later data, beside simple baselines, with the protocol of every figure."""
    import msgspec

    from smartshop.evaluating import evaluated, forecast_trial_of, trial_of

    settings, place = find_shop(data_dir, demo)
    trial = trial_of(protocol, cut, shoppers, seed, settings)
    forecasts = forecast_trial_of(series, daily_series, seed, quick=quick)
    report = evaluated(agent, settings, place, trial, forecast_trial=forecasts, day=_day(day), console=_bar(as_json))
    figures = msgspec.json.format(msgspec.json.encode(report.record))
    if markdown is not None:
        markdown.write_text(report.markdown, encoding="utf-8")
    if json_file is not None:
        json_file.write_bytes(figures + b"\n")
    if as_json:
        typer.echo(figures)
        return
    for table in report.tables:
        answers.print(table)


@app.command()
@explained
def segments(
    plot: Annotated[
        Path | None, typer.Option(help="Draw sizes over time, the RFM map and the flow to this .png, .svg or .pdf.")
    ] = None,
    accept: Annotated[str | None, typer.Option(help="Let the refit of this version serve that was held back.")] = None,
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
) -> None:
    """Who the customers are: segments in words and sizes, what the last refit changed, and how far to trust it."""
    from smartshop.ai_agents.segmentation.report import as_facts, as_tables, sentences
    from smartshop.jobs import run_job
    from smartshop.segmenting import plot_segments, segments_now

    shop = find_shop(data_dir, demo)
    if accept is not None:
        run_job("accept-segments", *shop, arguments={"version": accept}, console=_bar(as_json))
    if plot is not None:
        progress.print(f"Drawn: {plot_segments(*shop, plot, _bar(as_json))}")
    now = segments_now(*shop)
    if as_json:
        print_json(as_facts(now))
        return
    for table in as_tables(now):
        answers.print(table)
    for sentence in sentences(now):
        answers.print(sentence, highlight=False)


@app.command()
@explained
def forecast(
    product: Annotated[str, typer.Argument(help="A product's id, or one of its variants'.")],
    plot: Annotated[
        Path | None, typer.Option(help="Draw history, quantiles and stock to this .png, .svg or .pdf.")
    ] = None,
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
) -> None:
    """What is foreseen of a product: demand week by week as quantiles, and where its stock is heading."""
    import msgspec

    from smartshop.ai_agents.inventory.forecast_words import as_tables
    from smartshop.stocking import foresee

    found = foresee(*find_shop(data_dir, demo), product, plot)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    for table in as_tables(found):
        answers.print(table)
    if plot is not None:
        progress.print(f"Drawn: {plot}")


@app.command()
@explained
def reorder(
    budget: Annotated[
        float | None,
        typer.Option(min=0, max=10**13, help="Spend at most this much, in the shop's currency, where it saves most."),
    ] = None,
    draft: Annotated[
        str | None,
        typer.Option(help="Make one draft order of all that is proposed of this supplier.", metavar="SUPPLIER_ID"),
    ] = None,
    to: Annotated[str | None, typer.Option(help="With --draft: the place that the goods go to.")] = None,
    score: Annotated[bool, typer.Option("--score", help="How proposals turned out that were made before.")] = False,
    days: Annotated[int, typer.Option(min=1, max=400, help="With --score: decided within so many days.")] = 90,
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
) -> None:
    """What to order now, how much, from whom and why: every decision with what one pack more or less would cost."""
    shop = find_shop(data_dir, demo)
    if score:
        _print_score(shop, days, as_json)
    elif draft is not None:
        _print_draft(shop, draft, to, budget, as_json)
    elif to is not None:
        raise InvalidValue(f"The place {to[:60]!r} is where a draft's goods go; name its supplier with --draft.")
    else:
        _print_proposals(shop, budget, as_json)


def _print_score(shop: "tuple[Settings, Place]", days: int, as_json: bool) -> None:
    import msgspec

    from smartshop.ai_agents.inventory.replenishment.score_words import as_score_table, scores_in_words
    from smartshop.stocking import proposals_scored

    scored = proposals_scored(*shop, days)
    if as_json:
        print_json(msgspec.to_builtins(scored))
        return
    if scored.whole.orders is not None or scored.whole.law is not None:
        answers.print(as_score_table(scored))
    for words in scores_in_words(scored):
        answers.print(words, highlight=False)


def _print_draft(
    shop: "tuple[Settings, Place]", supplier: str, to: str | None, budget: float | None, as_json: bool
) -> None:
    import msgspec

    from smartshop.ai_agents.inventory.replenishment.order_words import drafted_sentence, order_table
    from smartshop.reordering import draft_now

    made = draft_now(*shop, supplier, to, budget=budget, console=_bar(as_json))
    if as_json:
        print_json({**msgspec.to_builtins(made.order), "is_new": made.is_new, "warnings": made.warnings})
        return
    answers.print(order_table(made.order, made.supplier, made.titles))
    for words in (*made.warnings, drafted_sentence(made.order, is_new=made.is_new)):
        answers.print(words, highlight=False)


def _print_proposals(shop: "tuple[Settings, Place]", budget: float | None, as_json: bool) -> None:
    import msgspec

    from smartshop.ai_agents.inventory.replenishment.words import as_table, order_sentences, sentence, summary
    from smartshop.reordering import reorder_now

    now = reorder_now(*shop, budget, _bar(as_json))
    found = now.proposals
    if as_json:
        print_json({**msgspec.to_builtins(found), "drafted": dict(now.drafted)})
        return
    if found.items:
        answers.print(as_table(found))
    for words in islice(order_sentences(found, now.drafted), SENTENCES_SHOWN):
        answers.print(words, highlight=False)
    for one in found.items[:SENTENCES_SHOWN]:
        answers.print(sentence(one, found.currency), highlight=False)
    answers.print(summary(found), highlight=False)


@app.command()
@explained
def alerts(
    kind: Annotated[
        str | None,
        typer.Option(
            help="stockout_risk, overstock, dead_stock, demand_surge, late_order, slower_supplier or price_demand."
        ),
    ] = None,
    severity: Annotated[str | None, typer.Option(help="high, medium or low.")] = None,
    state: Annotated[str, typer.Option(help="open, acknowledged or closed.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 50,
    classes: Annotated[
        bool, typer.Option("--classes", help="Products and turnover by ABC (worth) and XYZ (steadiness) instead.")
    ] = False,
    data_dir: DataDir = None,
    demo: Demo = None,
    as_json: AsJson = False,
) -> None:
    """What to look after in stock and supply, the gravest first, as the newest look over the stock found it."""
    import msgspec

    from smartshop.ai_agents.inventory.alerts import report
    from smartshop.ai_agents.inventory.alerts.report import as_table, classes_sentence, classes_table, sentence
    from smartshop.stocking import alert_filter, alerts_now, classes_now

    asked, shop = alert_filter(kind, severity, state), find_shop(data_dir, demo)
    if classes:
        matrix = classes_now(*shop)
        if as_json:
            print_json(msgspec.to_builtins(matrix))
            return
        answers.print(classes_table(matrix))
        answers.print(classes_sentence(matrix), highlight=False)
        return
    known = alerts_now(*shop, asked, limit + 1)
    found = known[:limit]
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    if not found:
        is_all = kind is None and severity is None and state == "open"
        answers.print(report.NOTHING if is_all else report.NOTHING_SUCH, highlight=False)
        return
    answers.print(as_table(found, shop[0].currency))
    for one in found[:SENTENCES_SHOWN]:
        answers.print(sentence(one), highlight=False)
    if len(known) > limit:
        answers.print(report.MORE, highlight=False)


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
    from smartshop.simulating import simulate_shoppers

    visits = simulate_shoppers(url, scenario, shoppers, per_minute, seed, progress)
    typer.echo(f"{visits} shoppers visited {url}.")


@app.command()
@explained
def rehearse(
    scenario: Annotated[str, typer.Option(help="A shipped scenario's name or a .toml file.")] = "outdoor_store",
    shoppers: Annotated[int, typer.Option(help="How many made-up customers.", min=1)] = 100_000,
    days: Annotated[int, typer.Option(help="Of made-up history.", min=1, max=3_000)] = 60,
    seed: Annotated[int, typer.Option(help="Same seed, same shop.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Learn segments from a made-up shop of any size, to see what it costs on this machine; nothing of it is kept."""
    from smartshop.rehearsing import rehearse_segments

    found = rehearse_segments(scenario, shoppers=shoppers, days=days, seed=seed, console=_bar(as_json)).facts()
    print_json(found) if as_json else print_facts(f"rehearsal with {scenario}", found)


# ------------------------------------------------------------------------------------------------- tending
app.command()(tending.migrate)
app.command()(tending.doctor)
app.command()(tending.openapi)
app.command()(calculating.calculate)
app.add_typer(tending.keys_app, name="keys")
app.add_typer(tending.quarantine_app, name="quarantine")
app.add_typer(tending.customers_app, name="customers")
app.add_typer(tending.rules_app, name="rules")


def main() -> None:
    app()
