"""Tables of figures as people read them: drawn on a terminal, or as Markdown to keep."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """One table, whatever it is shown on. The first column is words, the others figures."""

    title: str
    columns: Cells
    rows: Sequence[Cells]
    note: str


def in_markdown(beginning: str, tables: Iterable[Figures]) -> str:
    parts = [beginning]
    for table in tables:
        rule = ("---",) + ("---:",) * (len(table.columns) - 1)
        lines = ["| " + " | ".join(cells) + " |" for cells in (table.columns, rule, *table.rows)]
        parts += [f"### {table.title}", "\n".join(lines), table.note]
    return "\n\n".join(parts) + "\n"


def drawn(tables: Iterable[Figures]) -> Iterator[Table]:
    for told in tables:
        table = Table(
            title=told.title, title_justify="left", caption=told.note, caption_justify="left", box=SIMPLE_HEAD
        )
        for number, column in enumerate(told.columns):
            table.add_column(column, justify="left" if number == 0 else "right")
        for row in told.rows:
            table.add_row(*row)
        yield table
