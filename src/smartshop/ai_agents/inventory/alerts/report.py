"""Warnings as tables for a terminal, and the classes that the shop lives on."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from smartshop.ai_agents.inventory.class_matrix import ClassMatrix, cell_of
from smartshop.ai_agents.inventory.demand.classes import Steadiness, Value
from smartshop.data_collection.schemas.alerts import Alert, AlertKind
from smartshop.data_collection.schemas.money import to_decimal, written

NAME_WIDTH = 22
NAMES = {
    AlertKind.STOCKOUT_RISK: "runs out",
    AlertKind.OVERSTOCK: "too much",
    AlertKind.DEAD_STOCK: "dead stock",
    AlertKind.DEMAND_SURGE: "surge",
    AlertKind.LATE_ORDER: "late order",
    AlertKind.SLOWER_SUPPLIER: "slower supplier",
    AlertKind.PRICE_DEMAND: "odd price",
}
NOTHING = "Nothing to look after. Stock is looked over every few hours, and now by `smartshop job look-over-stock`."
NOTHING_SUCH = "Nothing of what was asked for; `smartshop alerts` by itself tells all that is open."
MORE = "There are more; --limit says how many are told."


def as_table(alerts: Sequence[Alert], currency: str) -> Table:
    """The gravest first; narrow enough for eighty columns. `--json` tells the rest."""
    title = f"What to look after; money in {currency}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("what", min_width=NAME_WIDTH, overflow="fold")
    for name in ("kind", "severity", "place", "since"):
        table.add_column(name, no_wrap=name != "place", overflow="fold")
    table.add_column("at stake", justify="right", no_wrap=True)
    for one in alerts:
        found = one.found
        table.add_row(
            found.subject.title,
            NAMES[found.kind],
            found.severity.value,
            found.subject.location_id or "–",
            found.since,
            f"{to_decimal(found.worth_minor, currency):,.0f}",
        )
    return table


def sentence(one: Alert) -> str:
    """What is so, and what one may do."""
    return f"{one.found.words} {one.found.advice}"


def classes_table(matrix: ClassMatrix) -> Table:
    """Products, and their share of the year's turnover, by worth (rows) and steadiness (columns)."""
    title = f"Products and share of turnover by class, {matrix.weeks} weeks to {matrix.as_of[:10]}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    names = {Steadiness.X: "X steady", Steadiness.Y: "Y varying", Steadiness.Z: "Z wild"}
    table.add_column("worth")
    for name in names.values():
        table.add_column(name, justify="right")
    table.add_column("together", justify="right")
    for value in Value:
        row = [cell_of(matrix.cells, value.value, one.value) for one in names]
        whole = f"{sum(cell.series for cell in row):,} · {sum(cell.turnover_share for cell in row):.0%}"
        table.add_row(value.value, *(f"{cell.series:,} · {cell.turnover_share:.0%}" for cell in row), whole)
    return table


def classes_sentence(matrix: ClassMatrix) -> str:
    whole = sum(cell.turnover_minor for cell in matrix.cells)
    return (
        f"{sum(cell.series for cell in matrix.cells):,} products, each counted where it was sold, turned over "
        f"{written(whole, matrix.currency)} in {matrix.weeks} weeks at today's prices."
    )
