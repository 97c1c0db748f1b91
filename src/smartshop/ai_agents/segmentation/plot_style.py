"""What pictures of segments share beyond the house style: the colours of segments, and where labels go."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smartshop.ai_agents.pictures import BRIGHT, SOFT_INK
from smartshop.data_collection.schemas.segments import SegmentId

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (*BRIGHT, "#994f00", "#009988", "#bb5566", "#0b3c5d", "#dda600", "#7b68a6")
"""Those beyond the bright ones differ from them in lightness, too."""
BEST_TO_LAST = (
    "#0b3c6f", "#1f5f99", "#3a82b8", "#6ba5cc", "#9cc4de", "#c9b97c", "#dda23a", "#cc7a1e", "#a85510", "#7a3b0d",
    "#8b94a1",
)  # fmt: skip
"""From the best customers in blue to those gone in brown, and those who never bought in grey."""
NOWHERE = "#a3abb6"
"""Customers of no segment, and segments that are no more."""


def colours_of(segment_ids: Sequence[SegmentId], colours: Sequence[str] = COLOURS) -> dict[SegmentId, str]:
    """By the order given, so that a segment has the same colour in every part of a picture."""
    return {segment_id: colours[place % len(colours)] for place, segment_id in enumerate(segment_ids)}


def title(figure: "Figure", x: float, y: float, text: str, below: str = "") -> None:
    """A heading whose left end is at (x, y) of the figure, and one line of explanation under it."""
    figure.text(x, y, text, fontsize=12, fontweight="bold")
    figure.text(x, y - 0.019, below, fontsize=8.5, color=SOFT_INK)


def note(axes: "Axes", text: str) -> None:
    """A panel that has nothing to show yet says why."""
    axes.set_axis_off()
    axes.text(0, 0.97, text, transform=axes.transAxes, va="top", fontsize=9.5, wrap=True)


def leader(axes: "Axes", start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    """A thin line from a mark to its label, both in fractions of the panel; level at both ends."""
    (x, y), (label_x, label_y) = start, end
    bend = (label_x - x) * 0.25
    across, along = [x, x + bend, label_x - bend, label_x], [y, y, label_y, label_y]
    axes.plot(
        across, along, transform=axes.transAxes, color=colour, linewidth=0.9, clip_on=False, solid_joinstyle="round"
    )


def shortened(name: str, most: int) -> str:
    """At most so many characters, cut at a word where one ends late enough.

    >>> shortened("Frequent buyers of mugs, cups and teaware", 24)
    'Frequent buyers of mugs…'
    """
    if len(name) <= most:
        return name
    cut = name[: most - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut and name[most - 1].isalnum() else cut
    return (at_word if len(at_word) >= most * 0.6 else cut).rstrip(" ,;:·-") + "…"


def spread_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels near the wanted ones, at least `gap` apart and within low…high where there is room.

    >>> spread_apart([5, 5, 1], 1.0, 0.0, 10.0)
    [4.5, 5.5, 1.0]
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda place: (wanted[place], place))
    # Labels that would overlap form a block around the mean of what its members want (isotonic regression).
    blocks: list[tuple[float, list[int]]] = []
    for rank, place in enumerate(order):
        blocks.append((wanted[place] - rank * gap, [place]))
        while len(blocks) > 1 and blocks[-1][0] < blocks[-2][0]:
            (second, those), (first, these) = blocks.pop(), blocks.pop()
            mean = (first * len(these) + second * len(those)) / (len(these) + len(those))
            blocks.append((mean, these + those))
    last = low + (high - low) - (len(wanted) - 1) * gap
    places = [0.0] * len(wanted)
    rank = 0
    for base, members in blocks:
        for place in members:
            places[place] = min(max(base, low), last) + rank * gap
            rank += 1
    return places
