"""A product's future as a picture: what was sold, a fan of quantiles ahead, and where stock is heading."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, SeriesForeseen, StockForeseen
from smartshop.errors import InvalidValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT_INK, FAINT = "#1c2430", "#5c6675", "#e3e7ec"
BLUE, RED, GREEN = "#4477aa", "#ee6677", "#228833"
"""Of Paul Tol's "bright" scheme (2021), which colour-blind people tell apart."""
SHADES = (0.14, 0.2, 0.3)
"""Of the bands from the widest to the narrowest, each over the one before."""
HISTORY_WEEKS = 52
MOST_SERIES, MOST_VARIANTS = 3, 4
"""Drawn: those with the most demand, and with the most stock."""
WIDTH_INCHES, ROW_INCHES = 12.0, 6.2
DOTS_PER_INCH = 120
HALF_WEEK, WEEK = 3.5, 7.0
EPOCH = date(1970, 1, 1).toordinal()
"""Of the numbers that stand for days on an axis."""
STYLE: Mapping[str, object] = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": SOFT_INK,
    "xtick.color": SOFT_INK,
    "ytick.color": SOFT_INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "smartshop",
    "text.parse_math": False,
}
_NO_DATE: Mapping[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""The same forecast gives the same bytes."""


def draw_forecast(found: ForecastSeen, path: Path) -> None:
    """Write the picture; its kind is told by the suffix: .png, .svg or .pdf.

    Raises:
        InvalidValue: the place cannot be written to.
    """
    import matplotlib  # heavy, and only whoever draws needs it
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():  # type: ignore[arg-type]  # stubs list each key
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        series = sorted(found.series, key=lambda one: -sum(week.mean for week in one.weeks))[:MOST_SERIES]
        figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * len(series) + 0.9), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(f"{found.title} ({found.product_id})", x=0.01, ha="left", fontsize=15, fontweight="bold")
        panels = figure.subplots(2 * len(series), 1, squeeze=False, height_ratios=(3, 2) * len(series))
        for place, one in enumerate(series):
            stock = [each for each in found.stock if each.location_id == one.location_id]
            _fan(panels[2 * place, 0], one, found.levels)
            _stock(panels[2 * place + 1, 0], stock or (list(found.stock) if len(series) == 1 else []), found.today)
            for row in (0, 1):
                panels[2 * place + row, 0].xaxis_date()
                panels[2 * place + row, 0].set_xlim(*_shown(series))
        _save(figure, path)


def _save(figure: "Figure", path: Path) -> None:
    try:
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata=_NO_DATE[path.suffix.lower()])
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidValue(f"The picture cannot be written to {path} ({reason}); name a place that can.") from None


def _shown(series: Sequence[SeriesForeseen]) -> tuple[float, float]:
    """One time axis for all panels."""
    begins = min(_day(week.week) for one in series for week in (one.history[-HISTORY_WEEKS:] or one.weeks))
    return begins, _day(series[0].weeks[-1].week) + WEEK


def _fan(axes: "Axes", one: SeriesForeseen, levels: Sequence[float]) -> None:
    past = one.history[-HISTORY_WEEKS:]
    days = [_day(week.week) + HALF_WEEK for week in past]
    axes.bar(days, [week.sold for week in past], width=6.0, color=FAINT, label="sold", zorder=1)
    estimated = [week.demand if week.demand is not None else float("nan") for week in past]
    axes.plot(days, estimated, color=SOFT_INK, linewidth=1.2, label="asked for, as estimated", zorder=2)
    ahead = [_day(week.week) + HALF_WEEK for week in one.weeks]
    for shade, low in zip(SHADES, range(len(levels) // 2), strict=False):
        high = len(levels) - 1 - low
        width = f"{100 * (levels[high] - levels[low]):.0f} % of weeks"
        below, above = ([week.quantiles[side] for week in one.weeks] for side in (low, high))
        axes.fill_between(ahead, below, above, color=BLUE, alpha=shade, linewidth=0, label=width, zorder=2)
    axes.plot(ahead, [week.mean for week in one.weeks], color=BLUE, linewidth=1.8, label="expected", zorder=3)
    axes.set_ylabel("units a week")
    _from_zero(axes)
    told = f"At {one.location_id}: class {one.demand_class}, {one.pattern}; {one.method}"
    if one.covered is not None:
        told += f"; {100 * one.covered:.0f} % of the last trial's weeks within the widest band"
    axes.set_title(told, loc="left", fontsize=9, color=SOFT_INK)
    axes.legend(loc="upper left", frameon=False, ncols=6, fontsize=8)


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
        name = "stock if nothing is ordered" if len(shown) == 1 else one.variant_id
        axes.step(days, one.levels, where="post", color=colour, linewidth=1.8, label=name)
        if one.reorder_point is not None:
            axes.hlines(one.reorder_point, begins, days[-1], color=colour, linestyle="dashed", linewidth=1.0)
            axes.annotate(f"order at {one.reorder_point}", (begins, one.reorder_point), xytext=(-4, 0),
                          textcoords="offset points", ha="right", va="center", fontsize=8, color=colour)  # fmt: skip
        if one.out_on is not None and _day(one.out_on) <= days[-1]:
            axes.plot([_day(one.out_on)], [0], marker="o", color=RED, clip_on=False, zorder=4)
            axes.annotate(f"gone by {one.out_on}", (_day(one.out_on), 0), xytext=(4, 7), textcoords="offset points",
                          fontsize=8, color=RED)  # fmt: skip
    axes.axvline(begins, color=SOFT_INK, linewidth=0.8)
    _from_zero(axes)
    axes.legend(loc="upper left", frameon=False, ncols=4, fontsize=8)


def _from_zero(axes: "Axes") -> None:
    """With room above for the legend."""
    axes.set_ylim(0.0, max(axes.get_ylim()[1], 1.0) * 1.14)


def _day(text: str) -> float:
    """As an axis of dates counts."""
    return float(date.fromisoformat(text).toordinal() - EPOCH)
