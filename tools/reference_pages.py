"""Keeps the two reference pages in step with the code: `python -m tools.reference_pages [--check]`.

`docs/commands.md` is made from the commands, `docs/settings.md` from the settings, so neither can say something else.
"""

import sys
from pathlib import Path

import typer
from pydantic.fields import FieldInfo
from typer.cli import get_docs_for_click

from smartshop.cli import app
from smartshop.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE_FROM_CODE = "<!-- Made from the code by `make docs`: change the code, not this page. -->"

SETTINGS_INTRODUCTION = """\
All are optional: the service works with none set. They are read once, at the start, from the environment and from a
file `.env` in the working directory; the environment wins. A value that cannot be used stops the start with the name
of the variable and an example of what would do.
"""


def pages() -> dict[str, str]:
    """File name below `docs/` → what it must hold."""
    return {"commands.md": commands_page(), "settings.md": settings_page()}


def commands_page() -> str:
    """Every command with its arguments and options, as `--help` tells them."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="smartshop")
    context.ensure_object(dict)
    body = get_docs_for_click(obj=command, ctx=context, name="smartshop", title="Commands")
    title, _, rest = body.strip().partition("\n")
    return f"{title}\n\n{MADE_FROM_CODE}\n{rest}\n"


def settings_page() -> str:
    """A table of every variable, what it is for and what holds when it is not set."""
    prefix = Settings.model_config.get("env_prefix", "")
    rows = [_settings_row(f"{prefix}{name}".upper(), field) for name, field in Settings.model_fields.items()]
    head = "| variable | what it says | when not set |\n|---|---|---|"
    return "\n".join(["# Settings", "", MADE_FROM_CODE, "", SETTINGS_INTRODUCTION, head, *rows]) + "\n"


def _settings_row(variable: str, field: FieldInfo) -> str:
    if not field.description:
        raise SystemExit(f"{variable} has no description; write one beside the field in smartshop/settings.py.")
    description = field.description.replace("|", "\\|")
    return f"| `{variable}` | {description} | {_default_in_words(field)} |"


def _default_in_words(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=False)
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    return "–" if default in (None, "") else f"`{default}`"


def stale_pages(docs: Path) -> list[str]:
    """Names of the pages that do not say what the code says."""
    return [name for name, text in pages().items() if not _says(docs / name, text)]


def _says(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` end with 1 when they are stale."""
    if arguments != ["--check"]:
        for name, text in pages().items():
            (DOCS / name).write_text(text, encoding="utf-8")
        return 0
    stale = stale_pages(DOCS)
    for name in stale:
        print(f"docs/{name} does not say what the code says; run `make docs` and commit it.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
