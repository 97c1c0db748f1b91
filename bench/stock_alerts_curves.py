"""How many warnings are right against how many stock-outs are warned of in time, drawn over lines and headrooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.stock_alerts_year import KNOWING, WatchedYear, judged_together
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig
from smartshop.ai_agents.pictures import BRIGHT, save_picture, style

LINES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
HEADROOMS = (3, 7, 14)
PANEL_INCHES, DOTS_PER_INCH = 4.6, 120


@dataclass(frozen=True, slots=True)
class Curve:
    scenario: str
    who: str
    headroom: int
    right: tuple[float, ...]
    """Share of warnings, by line."""
    in_time: tuple[float, ...]
    """Share of stock-outs."""
    warnings: tuple[float, ...]

    def as_words(self) -> str:
        points = ", ".join(
            f"{line:g}: {right:.0%} right, {in_time:.0%} in time of {count:.0f}"
            for line, right, in_time, count in zip(LINES, self.right, self.in_time, self.warnings, strict=True)
        )
        return f"- {self.scenario}, {self.who}, {self.headroom} days: {points}"


def curve_of(scenario: str, who: str, headroom: int, years: Sequence[WatchedYear]) -> Curve:
    """A warning closes at half the line that it opens at."""
    found = [judged_together(years, who, headroom, StockoutConfig(line, line / 2, float(headroom))) for line in LINES]
    return Curve(
        scenario,
        who,
        headroom,
        tuple(float(one.right.sum() / max(one.warnings.sum(), 1.0)) for one in found),
        tuple(float(one.in_time.sum() / max(one.stockouts.sum(), 1.0)) for one in found),
        tuple(float(one.warnings.sum()) for one in found),
    )


def draw_curves(curves: Sequence[Curve], path: Path) -> None:
    """A panel for each scenario; one who knows the law is dashed.

    Raises:
        InvalidValue: the place cannot be written to.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # heavy, and only whoever draws needs it
    from matplotlib.figure import Figure

    scenarios = list(dict.fromkeys(curve.scenario for curve in curves))
    with style():
        figure = Figure(figsize=(PANEL_INCHES * len(scenarios), PANEL_INCHES), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(scenarios), squeeze=False, sharex=True, sharey=True)[0]
        for axes, scenario in zip(panels, scenarios, strict=True):
            for curve in (one for one in curves if one.scenario == scenario):
                dash = "--" if curve.who == KNOWING else "-"
                colour = BRIGHT[HEADROOMS.index(curve.headroom)]
                label = f"{curve.who}, lead time + {curve.headroom} days"
                axes.plot(curve.in_time, curve.right, dash, color=colour, marker="o", markersize=3, label=label)
            axes.set_title(scenario, loc="left")
            axes.set_xlabel("stock-outs warned of in time")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(lambda value, _: f"{value:.0%}")
            axes.set_xticks(np.arange(0.0, 0.81, 0.2))
        panels[0].set_ylabel("warnings that are right")
        # Long enough to tell dashes from lines.
        panels[0].legend(frameon=False, fontsize=7, handlelength=4.0, loc="lower left")
        save_picture(figure, path, DOTS_PER_INCH)
