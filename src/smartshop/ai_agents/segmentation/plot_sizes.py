"""How large segments are: over the refits, or as bars while there has been only one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smartshop.ai_agents.pictures import FAINT, INK, SOFT_INK
from smartshop.ai_agents.segmentation.plot_style import NOWHERE, leader, shortened, spread_apart
from smartshop.data_collection.schemas.segments import Refit, SegmentId

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_LABEL = 40
LABEL_GAP = 0.062
"""Of the panel's height: a line of its labels."""
LABEL_X = 1.09
"""Of the panel's width: where names begin, right of their lines."""


def draw_sizes(
    axes: "Axes", refits: Sequence[Refit], names: dict[SegmentId, str], colours: Mapping[SegmentId, str]
) -> None:
    """One line per segment of `names`, or one bar where there is one refit. Oldest refit first."""
    if len(refits) > 1:
        _lines(axes, refits, names, colours)
    else:
        _bars(axes, refits[-1], names, colours)


def _bars(axes: "Axes", refit: Refit, names: dict[SegmentId, str], colours: Mapping[SegmentId, str]) -> None:
    # The first named is drawn on top.
    present = [one for one in reversed(names) if refit.sizes.get(one, 0)]
    sizes = [refit.sizes[one] for one in present]
    places = range(len(present))
    axes.barh(places, sizes, height=0.62, color=[colours.get(one, NOWHERE) for one in present])
    axes.set_yticks(list(places), [shortened(names[one], LONGEST_LABEL) for one in present], fontsize=8.5, color=INK)
    axes.set_xlim(0, max(sizes, default=1) * 1.18)
    for place, size in zip(places, sizes, strict=True):
        share = size / max(refit.customers, 1)
        told = f"  {size:,} · {round(100 * share)} %" if share >= 0.005 else f"  {size:,}"
        axes.text(size, place, told, va="center", fontsize=8, color=SOFT_INK)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)


def _lines(
    axes: "Axes", refits: Sequence[Refit], names: Mapping[SegmentId, str], colours: Mapping[SegmentId, str]
) -> None:
    days = np.array([refit.as_of for refit in refits], "datetime64[us]")
    last = refits[-1].sizes
    ever = [one for one in names if any(one in refit.sizes for refit in refits)]
    for one in ever:
        known = [place for place, refit in enumerate(refits) if one in refit.sizes]
        sizes = [refits[place].sizes[one] for place in known]
        colour, width = (colours.get(one, NOWHERE), 1.9) if one in last else (NOWHERE, 1.0)
        axes.plot(days[known], sizes, color=colour, linewidth=width, marker="o", markersize=3, clip_on=False)
    for day, refit in zip(days, refits, strict=True):
        if refit.held_back:
            axes.axvline(day, color=NOWHERE, linewidth=1, linestyle=":", zorder=0)
    top = max((size for refit in refits for one, size in refit.sizes.items() if one in names), default=1)
    axes.set_ylim(0, top * 1.06)
    axes.yaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.0)
    _dates(axes)
    _labels(axes, [one for one in ever if one in last], last, names, colours)


def _dates(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # heavy, and only whoever draws needs it

    locator = AutoDateLocator(minticks=2, maxticks=6)  # type: ignore[no-untyped-call]  # its stubs lack it
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above


def _labels(
    axes: "Axes",
    present: Sequence[SegmentId],
    sizes: Mapping[SegmentId, int],
    names: Mapping[SegmentId, str],
    colours: Mapping[SegmentId, str],
) -> None:
    """Names beside the lines' ends, led to where they would cover each other."""
    top = axes.get_ylim()[1]
    wanted = [sizes[one] / top for one in present]
    for one, at, place in zip(present, wanted, spread_apart(wanted, LABEL_GAP, 0.0, 1.0), strict=True):
        leader(axes, (1.012, at), (LABEL_X - 0.015, place), colours.get(one, NOWHERE))
        told = f"{shortened(names[one], LONGEST_LABEL)}  {sizes[one]:,}"
        axes.text(LABEL_X, place, told, transform=axes.transAxes, va="center", fontsize=8)
