"""Commands that tend a shop: schema, diagnosis, keys, rules, what was refused, whom to erase, the API's document."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from smartshop.terminal import AsJson, DataDir, answers, explained, find_shop, print_facts, print_json, print_rows

keys_app = typer.Typer(help="API keys: secret ones for servers, publishable ones for browsers.", no_args_is_help=True)
quarantine_app = typer.Typer(help="What was refused, with the reason; replayable after a fix.", no_args_is_help=True)

customers_app = typer.Typer(help="Customers: everything stored of one, and erasing one.", no_args_is_help=True)

rules_app = typer.Typer(help="What the shop pins, boosts, buries and caps in its slates.", no_args_is_help=True)

COLOURS = {"good": "green", "note": "yellow", "bad": "red"}
SHOWN_BYTES = 500
"""Of a refused event in a list."""


@explained
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's schema up to date; harmless to repeat."""
    from smartshop.opening import opened_stores

    settings, place = find_shop(data_dir)
    with opened_stores(settings, place):
        typer.echo(f"The schema of {place.shown_database} is up to date.")


@explained
def doctor(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check settings, engines, models, keys and clocks; says what is wrong and what to do."""
    from smartshop.doctor import examine

    findings = examine(*find_shop(data_dir))
    if as_json:
        print_json([{"check": f.check, "state": f.state, "says": f.says} for f in findings])
    else:
        table = Table("check", "", "what was found", title="smartshop doctor", title_justify="left")
        for finding in findings:
            table.add_row(finding.check, f"[{COLOURS[finding.state]}]{finding.state}[/]", finding.says)
        answers.print(table)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


@explained
def openapi() -> None:
    """Print the OpenAPI document of the service."""
    from smartshop.wiring import openapi_document

    print_json(openapi_document())


@keys_app.command("create")
@explained
def keys_create(
    kind: Annotated[str, typer.Argument(help="secret or publishable.")],
    label: Annotated[str, typer.Option(help="What it is for; shown in lists.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Make a key; a secret one is shown this once and only its hash is kept."""
    from smartshop.api_keys import create_key
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
        typer.echo(create_key(stores.keys, kind, label))


@keys_app.command("list")
@explained
def keys_list(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """All keys, without the secrets."""
    from smartshop.data_collection.pipelines.clock import format_rfc3339
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
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
    print_json(rows) if as_json else print_rows("keys", rows)


@keys_app.command("revoke")
@explained
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="As `smartshop keys list` shows it.")], data_dir: DataDir = None
) -> None:
    """End a key; running processes refuse it within a second."""
    from smartshop.data_collection.pipelines.clock import system_now
    from smartshop.errors import NotFound
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
        if not stores.keys.revoke(key_id, system_now()):
            raise NotFound(f"There is no living key {key_id!r}; `smartshop keys list` shows them.")
    typer.echo(f"The key {key_id} is revoked.")


@quarantine_app.command("list")
@explained
def quarantine_list(
    limit: Annotated[int, typer.Option(help="How many, from the oldest on.", min=1, max=1000)] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Refused events with their reason, oldest first."""
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
        rows = [
            {
                "row": row.row_id,
                "source": row.source,
                "reason": row.reason,
                "event": row.raw[:SHOWN_BYTES].decode(errors="replace"),
            }
            for row in stores.quarantine.page(limit=limit)
        ]
    print_json(rows) if as_json else print_rows("refused events", rows)


@quarantine_app.command("replay")
@explained
def quarantine_replay(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Send refused events through the door again, after a fix; what passes now is kept."""
    from smartshop.upkeep_jobs import replay_refused

    found = replay_refused(*find_shop(data_dir))
    print_json(found) if as_json else print_facts("replay", found)


CustomerArgument = Annotated[str, typer.Argument(help="The customer's id, as the shop sends it.")]


@customers_app.command("erase")
@explained
def customers_erase(
    customer_id: CustomerArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Erase a customer everywhere, for good; running processes refuse what is theirs within a second."""
    from smartshop.data_collection.pipelines.clock import format_rfc3339, system_now
    from smartshop.data_collection.schemas.ids import CustomerId, clean_id
    from smartshop.opening import opened_stores

    cleaned = CustomerId(clean_id(customer_id, "customer_id"))
    if not yes:
        typer.confirm(f"Erase {cleaned!r} everywhere? It cannot be undone", abort=True, err=True)
    with opened_stores(*find_shop(data_dir)) as stores:
        receipt = stores.erasure.erase(cleaned, system_now())
    told = {"receipt_id": receipt.receipt_id, "erased_at": format_rfc3339(receipt.erased_at), "counts": receipt.counts}
    print_json(told) if as_json else print_facts("erased", {**told, "counts": _rows(receipt.counts)})


def _rows(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} of {table}" for table, number in counts.items())


@customers_app.command("export")
@explained
def customers_export(customer_id: CustomerArgument, data_dir: DataDir = None) -> None:
    """Print everything that is stored of a customer, as JSON."""
    import sys

    from smartshop.backend_api.services.erasures import export_parts
    from smartshop.data_collection.pipelines.clock import format_rfc3339, system_now
    from smartshop.data_collection.schemas.ids import CustomerId, clean_id
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
        pages = stores.erasure.export(CustomerId(clean_id(customer_id, "customer_id")))
        for part in export_parts(pages, format_rfc3339(system_now())):
            sys.stdout.buffer.write(part)
    typer.echo()


RuleArgument = Annotated[str, typer.Argument(help="As `smartshop rules list` shows it.")]


@rules_app.command("list")
@explained
def rules_list(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """All rules by name, and which of them hold now."""
    import msgspec

    from smartshop.backend_api.services.rule_views import as_row, seen
    from smartshop.opening import opened_stores
    from smartshop.wiring import build_clock

    settings, place = find_shop(data_dir)
    with opened_stores(settings, place) as stores:
        now = build_clock(settings, stores).shop_now()
        rules = [seen(rule, now) for rule in stores.rules.all()]
    print_json(msgspec.to_builtins(rules)) if as_json else print_rows("rules", [as_row(rule) for rule in rules])


@rules_app.command("add")
@explained
def rules_add(
    path: Annotated[Path, typer.Argument(help="A .json file with one rule, or a list, as `POST /v1/rules` takes it.")],
    data_dir: DataDir = None,
) -> None:
    """Add rules from a file, all or none; running processes act on them within a second."""
    from smartshop.backend_api.services.rule_views import read_rules
    from smartshop.data_collection.pipelines.clock import system_now
    from smartshop.opening import opened_stores
    from smartshop.wiring import build_clock

    settings, place = find_shop(data_dir)
    with opened_stores(settings, place) as stores:
        told = read_rules(path.read_bytes(), build_clock(settings, stores).timezone, system_now())
        for rule in stores.rules.add(told):
            typer.echo(f"{rule.rule_id} {rule.name}")


@rules_app.command("remove")
@explained
def rules_remove(rule_id: RuleArgument, data_dir: DataDir = None) -> None:
    """Delete a rule; running processes forget it within a second."""
    from smartshop.backend_api.services.rule_views import rule_named
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
        stores.rules.delete(rule_named(stores.rules, rule_id).rule_id)
    typer.echo(f"The rule {rule_id} is deleted.")


@rules_app.command("switch")
@explained
def rules_switch(
    rule_id: RuleArgument,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it may hold.")],
    data_dir: DataDir = None,
) -> None:
    """Switch a rule on or off, and keep it."""
    import msgspec

    from smartshop.backend_api.services.rule_views import rule_named
    from smartshop.data_collection.pipelines.clock import system_now
    from smartshop.opening import opened_stores

    with opened_stores(*find_shop(data_dir)) as stores:
        rule = rule_named(stores.rules, rule_id)
        stores.rules.replace(msgspec.structs.replace(rule, enabled=on, changed_at=system_now()), rule.version)
    typer.echo(f"The rule {rule_id} is switched {'on' if on else 'off'}.")
