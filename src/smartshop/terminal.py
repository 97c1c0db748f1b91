"""What all commands share: errors as one sentence, tables for people, JSON for scripts.

Answers go to standard output; progress and complaints go to standard error, so that `--json` can be piped.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from smartshop.errors import SmartShopError

if TYPE_CHECKING:
    from smartshop.place import Place
    from smartshop.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the shop's data; SMARTSHOP_DATA_DIR or ./smartshop-data when absent.")
]
Demo = Annotated[bool | None, typer.Option("--demo/--no-demo", help="Which shop of the data dir.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of a table.")]

answers = Console()
progress = Console(stderr=True)


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """Our errors are for people: one sentence on standard error and status 1, no traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever read us has seen enough; typer ends quietly
        except SmartShopError as error:
            print(f"smartshop: {error}", file=sys.stderr)
        except OSError as error:
            print(f"smartshop: {error.filename or 'The system'}: {error.strerror or error}.", file=sys.stderr)
        raise typer.Exit(1)

    return run


def find_shop(data_dir: Path | None, demo: bool | None = None) -> "tuple[Settings, Place]":
    """The settings as they are now, and the shop they mean."""
    from smartshop.place import find_place
    from smartshop.settings import read_settings  # pydantic costs more than all of --help

    settings = read_settings(data_dir=data_dir)
    return settings, find_place(settings, demo)


def print_json(found: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    typer.echo(json.dumps(found, indent=2, default=str, ensure_ascii=False))


def print_facts(title: str, facts: Mapping[str, object]) -> None:
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), _shown(value))
    answers.print(table)


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float() if value.is_integer():
            return f"{value:,.0f}"
        case dict():
            return ", ".join(f"{count} × {what}" for what, count in value.items()) or "none"
    return str(value)


def print_rows(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        typer.echo(f"No {title}.")
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, overflow="fold")  # a name that is cut short cannot be written down again
    for row in rows:
        table.add_row(*(str(value) if value is not None else "" for value in row.values()))
    answers.print(table)
