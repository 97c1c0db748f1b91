"""Who went where at the last refit: bands between the segments before and after, as wide as the customers are many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from smartshop.ai_agents.pictures import INK, SOFT_INK
from smartshop.ai_agents.segmentation.plot_style import NOWHERE, leader, note, shortened, spread_apart
from smartshop.data_collection.schemas.segments import SegmentFlow, SegmentId

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_LABEL = 32
GAP = 0.018
"""Between neighbours, of the panel's height."""
THINNEST = 0.0025
"""A band of a few customers is still seen."""
LABEL_GAP = 0.058
NODE_WIDTH = 0.018
STAYED_ALPHA, MOVED_ALPHA = 0.22, 0.72
NONE_NAME = "In no segment"

Place = SegmentId | None


@dataclass(frozen=True, slots=True)
class _Side:
    """Segments down one side, and where each begins and ends (1 is the top)."""

    places: tuple[Place, ...]
    spans: dict[Place, tuple[float, float]]
    totals: dict[Place, int]


def draw_flow(
    axes: "Axes", flows: Sequence[SegmentFlow], names: Mapping[SegmentId, str], colours: Mapping[SegmentId, str]
) -> None:
    """Draw the flows between segments of `names`; those who stayed are pale, those who moved are strong."""
    drawn = [flow for flow in flows if flow.customers > 0 and _is_of(flow, names)]
    if not drawn:
        note(axes, "Who moved between segments is shown from the second refit on.")
        return
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    order = sorted(
        {place for flow in drawn for place in (flow.from_segment, flow.to_segment)},
        key=lambda place: (place is None, -_passing(drawn, place), place or ""),
    )
    before = _side(order, {place: _leaving(drawn, place) for place in order})
    after = _side(order, {place: _entering(drawn, place) for place in order})
    _bands(axes, drawn, order, before, after, colours)
    _nodes(axes, before, names, colours, x=0.0, label_x=-0.12, align="right")
    _nodes(axes, after, names, colours, x=1.0 - NODE_WIDTH, label_x=1.12, align="left")


def _is_of(flow: SegmentFlow, names: Mapping[SegmentId, str]) -> bool:
    ends = [place for place in (flow.from_segment, flow.to_segment) if place is not None]
    return bool(ends) and all(place in names for place in ends)


def _leaving(flows: Sequence[SegmentFlow], place: Place) -> int:
    return sum(flow.customers for flow in flows if flow.from_segment == place)


def _entering(flows: Sequence[SegmentFlow], place: Place) -> int:
    return sum(flow.customers for flow in flows if flow.to_segment == place)


def _passing(flows: Sequence[SegmentFlow], place: Place) -> int:
    return max(_leaving(flows, place), _entering(flows, place))


def _side(order: Sequence[Place], totals: dict[Place, int]) -> _Side:
    places = tuple(place for place in order if totals[place])
    room = 1.0 - GAP * (len(places) - 1)
    whole = sum(totals.values())
    top, spans = 1.0, {}
    for place in places:
        height = room * totals[place] / whole
        spans[place] = (top - height, top)
        top -= height + GAP
    return _Side(places, spans, totals)


def _bands(
    axes: "Axes",
    flows: Sequence[SegmentFlow],
    order: Sequence[Place],
    before: _Side,
    after: _Side,
    colours: Mapping[SegmentId, str],
) -> None:
    rank = {place: number for number, place in enumerate(order)}
    left = {place: span[1] for place, span in before.spans.items()}
    right = {place: span[1] for place, span in after.spans.items()}
    ends = []
    by_start = sorted(flows, key=lambda flow: (rank[flow.from_segment], rank[flow.to_segment]))
    for flow in by_start:
        height = _height(flow, before, flow.from_segment)
        ends.append((left[flow.from_segment], height))
        left[flow.from_segment] -= height
    starts = dict(zip(by_start, ends, strict=True))
    for flow in sorted(flows, key=lambda flow: (rank[flow.to_segment], rank[flow.from_segment])):
        height = _height(flow, after, flow.to_segment)
        _band(axes, flow, *starts[flow], right[flow.to_segment], height, colours)
        right[flow.to_segment] -= height


def _height(flow: SegmentFlow, side: _Side, place: Place) -> float:
    low, high = side.spans[place]
    return (high - low) * flow.customers / side.totals[place]


def _band(
    axes: "Axes",
    flow: SegmentFlow,
    left: float,
    left_height: float,
    right: float,
    right_height: float,
    colours: Mapping[SegmentId, str],
) -> None:
    from matplotlib.patches import PathPatch  # heavy, and only whoever draws needs it
    from matplotlib.path import Path as Outline

    start, end, middle = NODE_WIDTH, 1 - NODE_WIDTH, 0.5
    low_left, low_right = left - max(left_height, THINNEST), right - max(right_height, THINNEST)
    points = [
        (start, left), (middle, left), (middle, right), (end, right),
        (end, low_right), (middle, low_right), (middle, low_left), (start, low_left), (start, left),
    ]  # fmt: skip
    steps = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    stayed = flow.from_segment == flow.to_segment
    colour = colours.get(flow.from_segment, NOWHERE) if flow.from_segment is not None else NOWHERE
    alpha, layer = (STAYED_ALPHA, 1) if stayed else (MOVED_ALPHA, 2)
    axes.add_patch(PathPatch(Outline(points, steps), facecolor=colour, alpha=alpha, linewidth=0, zorder=layer))


def _nodes(
    axes: "Axes",
    side: _Side,
    names: Mapping[SegmentId, str],
    colours: Mapping[SegmentId, str],
    *,
    x: float,
    label_x: float,
    align: Literal["left", "right"],
) -> None:
    from matplotlib.patches import Rectangle  # heavy, and only whoever draws needs it

    middles = [sum(side.spans[place]) / 2 for place in side.places]
    for place, middle, at in zip(side.places, middles, spread_apart(middles, LABEL_GAP, 0.0, 1.0), strict=True):
        low, high = side.spans[place]
        colour = NOWHERE if place is None else colours.get(place, NOWHERE)
        axes.add_patch(Rectangle((x, low), NODE_WIDTH, max(high - low, THINNEST), color=colour, linewidth=0, zorder=3))
        name = NONE_NAME if place is None else shortened(names[place], LONGEST_LABEL)
        reach = (x, label_x + 0.015) if align == "right" else (x + NODE_WIDTH, label_x - 0.015)
        leader(axes, (reach[0], middle), (reach[1], at), colour)
        told = f"{name}  {side.totals[place]:,}"
        axes.text(label_x, at, told, ha=align, va="center", fontsize=8, color=SOFT_INK if place is None else INK)
