"""One picture of the customers: segments' sizes over time, the map of recency and frequency, and who went where."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smartshop.ai_agents.pictures import SOFT_INK, check_path, save_picture, style
from smartshop.ai_agents.segmentation.plot_flow import draw_flow
from smartshop.ai_agents.segmentation.plot_rfm import RfmMap as RfmMap
from smartshop.ai_agents.segmentation.plot_rfm import draw_rfm_map
from smartshop.ai_agents.segmentation.plot_sizes import draw_sizes
from smartshop.ai_agents.segmentation.plot_style import BEST_TO_LAST, colours_of, note, title
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS
from smartshop.data_collection.pipelines.clock import to_datetime
from smartshop.data_collection.schemas.segments import Refit, Segment, SegmentFlow, SegmentId, SegmentKind
from smartshop.errors import InvalidValue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_INCHES = (17.0, 11.0)
DOTS_PER_INCH = 130
LEFT, RIGHT = 0.045, 0.535
"""Where the two columns begin, of the picture's width."""
UPPER, LOWER = 0.882, 0.447
"""Where the headings of the two rows stand, of its height."""


def draw_segments(
    refits: Sequence[Refit], segments: Sequence[Segment], rfm: RfmMap, path: Path, *, currency: str
) -> None:
    """Write the picture; its kind is told by the suffix.

    Args:
        refits: at least one, oldest first; the last is the present one.
        segments: of both kinds, retired ones included.

    Raises:
        InvalidValue: no refit, a suffix that is no picture, or a place that cannot be written to.
    """
    check_path(path)
    if not refits:
        raise InvalidValue("There is no refit to draw yet; run `smartshop train` first.")
    with style():
        save_picture(_figure(refits, segments, rfm, currency), path, DOTS_PER_INCH)


def _figure(refits: Sequence[Refit], segments: Sequence[Segment], rfm: RfmMap, currency: str) -> "Figure":
    # Heavy, and only whoever draws needs it. A figure of its own draws without a screen and without global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES)
    FigureCanvasAgg(figure)
    learned = _learned(segments, refits)
    fixed = _fixed(segments, refits)
    colours = colours_of(list(learned))
    fixed_colours = colours_of(list(fixed), BEST_TO_LAST)
    _heading(figure, refits[-1])
    _sizes(figure, LEFT, refits, learned, colours, "Behavioural segments", _learned_how(refits))
    _sizes(
        figure,
        RIGHT,
        refits,
        fixed,
        fixed_colours,
        "RFM groups",
        "By recency, frequency and money; everybody is in one",
    )
    title(figure, LEFT, LOWER, "Recency and frequency", "Customers, their usual group, and ø what they spent")
    draw_rfm_map(figure.add_axes((LEFT + 0.055, 0.065, 0.375, 0.345)), rfm, currency)
    title(figure, RIGHT, LOWER, "Who moved at the last refit", _moves(refits))
    flows = refits[-1].flows
    moved, shades = (learned, colours) if any(_is_among(flow, learned) for flow in flows) else (fixed, fixed_colours)
    stream = (RIGHT + 0.165, 0.065, 0.125, 0.345) if flows else (RIGHT, 0.065, 0.40, 0.345)
    draw_flow(figure.add_axes(stream), flows, moved, shades)
    return figure


def _learned_how(refits: Sequence[Refit]) -> str:
    held = any(refit.held_back for refit in refits) and len(refits) > 1
    return "Learned from what customers do" + ("; dotted: a refit that was held back" if held else "")


def _sizes(
    figure: "Figure",
    x: float,
    refits: Sequence[Refit],
    names: dict[SegmentId, str],
    colours: Mapping[SegmentId, str],
    heading: str,
    below: str,
) -> None:
    title(figure, x, UPPER, heading, below)
    if not any(one in refits[-1].sizes for one in names):
        reason = refits[-1].note or "There are none yet."
        return note(figure.add_axes((x, 0.55, 0.40, 0.295)), reason)
    # Names stand right of lines, and left of bars.
    place = (x + 0.03, 0.55, 0.225, 0.295) if len(refits) > 1 else (x + 0.185, 0.55, 0.25, 0.295)
    return draw_sizes(figure.add_axes(place), refits, names, colours)


def _learned(segments: Sequence[Segment], refits: Sequence[Refit]) -> dict[SegmentId, str]:
    """Behavioural segments that any refit counted, the largest now first."""
    now = refits[-1].sizes
    named = _counted(segments, SegmentKind.BEHAVIOUR, refits)
    return dict(sorted(named.items(), key=lambda item: (-now.get(item[0], 0), item[0])))


def _fixed(segments: Sequence[Segment], refits: Sequence[Refit]) -> dict[SegmentId, str]:
    """RFM groups, the best first."""
    named = _counted(segments, SegmentKind.RFM, refits)
    return {group.segment_id: named[group.segment_id] for group in RFM_GROUPS if group.segment_id in named}


def _counted(segments: Sequence[Segment], kind: SegmentKind, refits: Sequence[Refit]) -> dict[SegmentId, str]:
    counted = {one for refit in refits for one in refit.sizes}
    return {one.segment_id: one.name for one in segments if one.kind is kind and one.segment_id in counted}


def _is_among(flow: SegmentFlow, names: Mapping[SegmentId, str]) -> bool:
    return flow.from_segment in names or flow.to_segment in names


def _moves(refits: Sequence[Refit]) -> str:
    last = refits[-1]
    if not last.flows:
        return ""
    if not last.compared:
        return "Before on the left, after on the right"
    behaviour, model = 100 * last.moved_behaviour / last.compared, 100 * last.moved_model / last.compared
    return (
        f"Before on the left, after on the right. Of {last.compared:,}, {behaviour:.1f} % behave differently, "
        f"{model:.1f} % moved because the model changed"
    )


def _heading(figure: "Figure", refit: Refit) -> None:
    figure.text(LEFT, 0.955, "Customers", fontsize=20, fontweight="bold")
    day = to_datetime(refit.as_of)
    told = f"{refit.customers:,} customers, {refit.buyers:,} of them buyers; as of {day.day} {day:%B %Y}"
    held = ". This refit is held back: the one before still serves" if refit.held_back else ""
    figure.text(LEFT, 0.930, told + held, fontsize=10.5, color=SOFT_INK)
