"""What is foreseen of a product, as tables for a terminal."""

from collections.abc import Iterator
from datetime import date

from rich.box import SIMPLE_HEAD
from rich.table import Table

from smartshop.ai_agents.inventory.demand.known_days import in_a_line, on_day
from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, SeriesForeseen, StockForeseen


def as_tables(found: ForecastSeen) -> Iterator[Table]:
    """One table of weeks for each place, one of days where there are some, then stock."""
    for series in found.series:
        yield _weeks(found, series)
        if series.days:
            yield _days(found, series)
    if found.stock:
        yield _stock(found.stock)


def _weeks(found: ForecastSeen, series: SeriesForeseen) -> Table:
    told = f"{found.title} at {series.location_id}: class {series.demand_class}, {series.pattern}; {series.method}"
    table = Table(title=told, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("week from", no_wrap=True)
    for name in ("sold", "asked for", "expected", *(f"{100 * level:.0f} %" for level in found.levels)):
        table.add_column(name, justify="right")
    blank = [""] * (1 + len(found.levels))
    for week in series.history[-4:]:
        asked = "?" if week.demand is None else f"{week.demand:.0f}"
        table.add_row(week.week, f"{week.sold:.0f}", asked, *blank)
    for ahead in series.weeks:
        table.add_row(ahead.week, "", "", f"{ahead.mean:.1f}", *(f"{value:.0f}" for value in ahead.quantiles))
    return table


def _days(found: ForecastSeen, series: SeriesForeseen) -> Table:
    told = f"{found.title} at {series.location_id}, day by day"
    table = Table(title=told, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("day", no_wrap=True)
    for name in ("expected", *(f"{100 * level:.0f} %" for level in found.levels)):
        table.add_column(name, justify="right")
    if any(one.days for one in series.known):
        table.add_column("on that day", overflow="fold")
    if series.known:
        table.caption, table.caption_justify = f"Known: {in_a_line(series.known)}", "left"
    for ahead in series.days:
        weekday = f"{date.fromisoformat(ahead.day):%a}"
        quantiles = (f"{value:.0f}" for value in ahead.quantiles)
        on = list(on_day(series.known, ahead.day))
        table.add_row(f"{weekday} {ahead.day}", f"{ahead.mean:.1f}", *quantiles, *([", ".join(on)] if on else []))
    return table


def _stock(stock: list[StockForeseen]) -> Table:
    told = "Stock, if nothing is ordered; order at and up to: with its part of the supplier's fixed cost"
    table = Table(title=told, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("variant", overflow="fold")
    table.add_column("place", overflow="fold")
    for name in ("there", "kept", "coming", "gone by", "order at", "up to", "brought in"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in stock:
        table.add_row(
            one.variant_id,
            one.location_id,
            f"{one.on_hand:,}",
            f"{one.reserved:,}",
            f"{one.incoming:,}",
            one.out_on or "–",
            "–" if one.reorder_point is None else f"{one.reorder_point:,}",
            f"{one.order_up_to:,}",
            f"{one.lead_days:.0f} days",
        )
    return table
