"""The map of recency and frequency: how many customers stand where, what they spent, and what they are called."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.pictures import INK, PAPER
from smartshop.ai_agents.segmentation.figures import say_money
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS, group_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIFTHS = 5
SHADES = ("#f4f7fa", "#cfe0ec", "#93bcd6", "#4f8fb8", "#1f5f8f", "#0b3558")
"""One hue, light to dark: it reads the same without colour."""
DARK_FROM = 0.68
"""Shade from which letters are white."""


@dataclass(frozen=True, slots=True)
class RfmMap:
    """Axis 0: recency score 1 to 5; axis 1: frequency score 1 to 5."""

    counts: NDArray[np.int64]
    """(5, 5) customers."""
    mean_value_minor: NDArray[np.float64]
    """(5, 5) mean of what they spent; NaN where there is nobody."""
    groups: tuple[tuple[str, ...], ...] = ()
    """5 × 5: the name of the group in which most of the cell's customers are. Empty: the group of those who stand as
    high by money as by frequency, as most do.
    """

    def group(self, recency: int, frequency: int) -> str:
        """The name for a cell, counted from 0."""
        if self.groups:
            return self.groups[recency][frequency]
        scores = np.array([[recency + 1, frequency + 1, frequency + 1]], np.int8)
        return RFM_GROUPS[int(group_of(scores)[0])].name


def draw_rfm_map(axes: "Axes", rfm: RfmMap, currency: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap  # heavy, and only whoever draws needs it

    most = max(int(rfm.counts.max(initial=0)), 1)
    # The root lets a group of a few hundred be seen beside one of many thousand.
    shade = np.sqrt(rfm.counts / most)
    colours = LinearSegmentedColormap.from_list("customers", list(SHADES))
    axes.imshow(shade, origin="lower", aspect="auto", cmap=colours, vmin=0, vmax=1)
    for recency in range(FIFTHS):
        for frequency in range(FIFTHS):
            count = int(rfm.counts[recency, frequency])
            ink = PAPER if shade[recency, frequency] > DARK_FROM else INK
            _cell(axes, recency, frequency, count, rfm, currency, ink)
    axes.set_xticks(range(FIFTHS), ["1 · seldom", "2", "3", "4", "5 · often"])
    axes.set_yticks(range(FIFTHS), ["1 · long ago", "2", "3", "4", "5 · just now"])
    axes.set_xlabel("Frequency")
    axes.set_ylabel("Recency")
    axes.set_xticks(np.arange(0.5, FIFTHS - 1), minor=True)
    axes.set_yticks(np.arange(0.5, FIFTHS - 1), minor=True)
    axes.grid(which="minor", color=PAPER, linewidth=2.5)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _cell(axes: "Axes", recency: int, frequency: int, count: int, rfm: RfmMap, currency: str, ink: str) -> None:
    if not count:
        axes.text(frequency, recency, "–", ha="center", va="center", color=ink, alpha=0.5)
        return
    value = say_money(float(rfm.mean_value_minor[recency, frequency]), currency)
    axes.text(
        frequency, recency + 0.24, rfm.group(recency, frequency), ha="center", va="center", color=ink, fontsize=7.5
    )
    axes.text(
        frequency, recency - 0.02, f"{count:,}", ha="center", va="center", color=ink, fontsize=11, fontweight="bold"
    )
    axes.text(frequency, recency - 0.28, f"ø {value}", ha="center", va="center", color=ink, fontsize=7.5)
