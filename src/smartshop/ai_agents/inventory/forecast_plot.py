"""A product's future as a picture: what was sold, a fan of quantiles ahead, and where stock is heading."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, SeriesForeseen, StockForeseen, WeekSold
from smartshop.ai_agents.pictures import BRIGHT, SOFT_INK, save_picture, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = "#b9c0c9"
BLUE, RED, GREEN = BRIGHT[:3]
SHADES = ("#dfe8f1", "#c0d2e3", "#94b2d0")
"""Of the bands from the widest to the narrowest, each over the one before: tints of the blue."""
HISTORY_WEEKS = 52
MOST_SERIES, MOST_VARIANTS = 3, 4
"""Drawn: those with the most demand, and with the most stock."""
WIDTH_INCHES, ROW_INCHES = 14.0, 4.6
STOCK_SHARE = 0.55
"""Of the width of the panel beside it: twelve weeks need less room than a year and twelve weeks."""
DOTS_PER_INCH = 120
HALF_WEEK, WEEK = 3.5, 7.0
TITLE_LETTERS = 110
"""Of a line above a panel; longer ones would stand over the panel beside it."""
LINE_OF_WORDS, BELOW_WORDS = 0.08, 0.9
"""Of a panel's height: what a line of the legend takes, and where the legend of one line ends."""
EPOCH = date(1970, 1, 1).toordinal()
"""Of the numbers that stand for days on an axis."""


def draw_forecast(found: ForecastSeen, path: Path) -> None:
    """Write the picture; its kind is told by the suffix: .png, .svg or .pdf.

    Raises:
        InvalidValue: the place cannot be written to.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # heavy, and only whoever draws needs it
    from matplotlib.figure import Figure

    with style():
        series = sorted(found.series, key=lambda one: -sum(week.mean for week in one.weeks))[:MOST_SERIES]
        figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * len(series) + 0.9), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(f"{found.title} ({found.product_id})", x=0.01, ha="left", fontsize=15, fontweight="bold")
        # Without any stock that is counted demand has the whole width.
        widths = (1.0, STOCK_SHARE) if found.stock else (1.0,)
        panels = figure.subplots(len(series), len(widths), squeeze=False, width_ratios=widths)
        for row, one in zip(panels, series, strict=True):
            stock = [each for each in found.stock if each.location_id == one.location_id]
            _fan(row[0], one, found.levels, found.today)
            row[0].set_xlim(*_shown(series))
            for beside in row[1:]:
                _stock(beside, stock or (list(found.stock) if len(series) == 1 else []), found.today)
            for axes in row:
                _dates(axes)
        save_picture(figure, path, DOTS_PER_INCH)


def _shown(series: Sequence[SeriesForeseen]) -> tuple[float, float]:
    """One time axis for the demand of all places."""
    begins = min(_day(week.week) for one in series for week in (one.history[-HISTORY_WEEKS:] or one.weeks))
    return begins, _day(series[0].weeks[-1].week) + WEEK


def _dates(axes: "Axes") -> None:
    """Months by name, days where they are few."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.xaxis_date()
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]  # matplotlib's own
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


def _fan(axes: "Axes", one: SeriesForeseen, levels: Sequence[float], today: str) -> None:
    past = one.history[-HISTORY_WEEKS:]
    days = [_day(week.week) + HALF_WEEK for week in past]
    drawn: list[Any] = [axes.bar(days, [week.sold for week in past], width=6.0, color=BARS, label="sold", zorder=1)]
    drawn += _missed(axes, past)
    ahead = [_day(week.week) + HALF_WEEK for week in one.weeks]
    for shade, low in zip(SHADES, range(len(levels) // 2), strict=False):
        high = len(levels) - 1 - low
        width = f"{100 * (levels[high] - levels[low]):.0f} % of weeks"
        below, above = ([week.quantiles[side] for week in one.weeks] for side in (low, high))
        drawn.append(axes.fill_between(ahead, below, above, color=shade, linewidth=0, label=width, zorder=2))
    means = [week.mean for week in one.weeks]
    drawn += axes.plot(ahead, means, color=BLUE, linewidth=1.8, label="expected", zorder=3)
    drawn += _special_days(axes, one)
    axes.axvline(_day(today), ymax=BELOW_WORDS, color=SOFT_INK, linewidth=0.8)
    axes.set_ylabel("units a week")
    _from_zero(axes)
    told = f"At {one.location_id}: class {one.demand_class}, {one.pattern}; {one.method}"
    if one.covered is not None:
        told += f"; {100 * one.covered:.0f} % of the last trial's {one.tried_weeks} weeks within the widest band"
    axes.set_title(fill(told, TITLE_LETTERS), loc="left", fontsize=9, color=SOFT_INK)
    axes.legend(handles=drawn, loc="upper left", frameon=False, ncols=6, fontsize=8, columnspacing=1.2)


def _special_days(axes: "Axes", one: SeriesForeseen) -> list[Any]:
    """Holidays and events to come, as marks on the axis. Any: as for bars."""
    days = sorted({_day(day) for known in one.known for day in known.days})
    if not days:
        return []
    marks = axes.plot(days, [0.0] * len(days), linestyle="none", marker="^", markersize=6, color=RED, clip_on=False,
                      label="holiday or event", zorder=4)  # fmt: skip
    return list(marks)


def _missed(axes: "Axes", past: Sequence[WeekSold]) -> list[Any]:
    """What was asked for beyond what was sold, on top of it; nothing where the shelf was never empty. Any: bars are no
    artists to the stubs."""
    short = [week for week in past if week.demand is not None and week.demand > week.sold + 0.5]
    if not short:
        return []
    days, sold = [_day(week.week) + HALF_WEEK for week in short], [week.sold for week in short]
    above = [(week.demand or 0.0) - week.sold for week in short]
    label = "asked for in vain, as estimated"
    return [axes.bar(days, above, bottom=sold, width=6.0, color="none", edgecolor=SOFT_INK, hatch="////",
                     linewidth=0.6, label=label, zorder=1)]  # fmt: skip


def _stock(axes: "Axes", stock: Sequence[StockForeseen], today: str) -> None:
    if not stock:
        axes.set_axis_off()
        axes.text(0.01, 0.9, "Stock is not counted here.", transform=axes.transAxes, va="top", color=SOFT_INK)
        return
    axes.set_ylabel("units on the shelf")
    begins = _day(today)
    shown = sorted(stock, key=lambda one: -one.on_hand)[:MOST_VARIANTS]
    for one, colour in zip(shown, (GREEN, BLUE, RED, SOFT_INK), strict=False):
        days = [begins + place for place in range(len(one.levels))]
        axes.step(days, one.levels, where="post", color=colour, linewidth=1.8, label=_told(one, len(shown)))
        if one.reorder_point is not None:
            axes.axhline(one.reorder_point, color=colour, linestyle="dashed", linewidth=1.0)
        if one.out_on is not None and _day(one.out_on) <= days[-1]:
            axes.plot([_day(one.out_on)], [0], marker="o", color=colour, clip_on=False, zorder=4)
    axes.set_xlim(begins, begins + max(len(one.levels) for one in shown) - 1)
    top = max(axes.get_ylim()[1], 1.0)
    # Above the lines there is room for a line of words each, which never meet however close the lines lie.
    axes.set_ylim(0.0, top * (1.08 + LINE_OF_WORDS * len(shown)))
    axes.set_title(
        "If nothing is ordered; dashed: at or below it an order pays", loc="left", fontsize=9, color=SOFT_INK
    )
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _told(one: StockForeseen, variants: int) -> str:
    """A variant's stock in a line."""
    told = "" if variants == 1 else f"{one.variant_id}: "
    told += f"{one.on_hand:,} there" + (f" and {one.incoming:,} on their way" if one.incoming else "")
    if one.reorder_point is not None:
        told += f", order at {one.reorder_point:,}"
    return told if one.out_on is None else f"{told}, gone by {_day_in_words(one.out_on)}"


def _day_in_words(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"


def _from_zero(axes: "Axes") -> None:
    """With room above for the legend."""
    axes.set_ylim(0.0, max(axes.get_ylim()[1], 1.0) * 1.14)


def _day(text: str) -> float:
    """As an axis of dates counts."""
    return float(date.fromisoformat(text).toordinal() - EPOCH)
