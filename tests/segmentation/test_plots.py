"""The picture of segments: readable whatever there is to draw, and written where it is asked for."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from smartshop.ai_agents.pictures import style
from smartshop.ai_agents.segmentation import plots
from smartshop.ai_agents.segmentation.plot_rfm import RfmMap
from smartshop.ai_agents.segmentation.plot_style import spread_apart
from smartshop.ai_agents.segmentation.plots import draw_segments
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.data_collection.schemas.segments import Refit, Segment, SegmentFlow, SegmentId, SegmentKind
from smartshop.errors import InvalidValue

LONG_NAME = "Price-conscious buyers of mugs, cups and teaware outside the season"


def segments_of(k: int) -> list[Segment]:
    fixed = [
        Segment(
            segment_id=group.segment_id, kind=SegmentKind.RFM, name=group.name, sentence=group.sentence, since=Micros(0)
        )
        for group in RFM_GROUPS
    ]
    learned = [
        Segment(
            segment_id=SegmentId(f"b{number}"),
            kind=SegmentKind.BEHAVIOUR,
            name=LONG_NAME if number % 3 == 0 else f"Buyers in bulk {number}",
            sentence="",
            since=Micros(0),
        )
        for number in range(k)
    ]
    return fixed + learned


def refits_of(n: int, k: int, size: int = 1) -> list[Refit]:
    """Most segments nearly alike in size, so that their labels want the same place."""
    sizes = {SegmentId(f"b{number}"): size * (900 if number == 0 else 100 + number) for number in range(k)}
    sizes |= {group.segment_id: size * (120 + place) for place, group in enumerate(RFM_GROUPS)}
    flows = [
        SegmentFlow(one, other, 80 * size if one == other else 3)
        for one in sizes
        for other in sizes
        if one[0] == other[0] == "b"
    ]
    flows += [SegmentFlow(None, SegmentId("b0"), 40 * size), SegmentFlow(SegmentId("b1"), None, 2)] if k > 1 else []
    return [
        Refit(
            version=ModelVersion(f"v{number}"),
            as_of=Micros((20_000 + 30 * number) * DAY),
            refitted_at=Micros(0),
            customers=sum(sizes.values()),
            buyers=10,
            sizes={one: count + number * count // 50 for one, count in sizes.items()},
            compared=1_000,
            moved_behaviour=40,
            moved_model=10,
            held_back=number == 1,
            note="" if k else "Under 200 customers are known well enough; there are RFM groups only.",
            flows=tuple(flows) if number else (),
        )
        for number in range(n)
    ]


def rfm_map(size: int = 1) -> RfmMap:
    counts = np.arange(25).reshape(5, 5) * 40 * size
    values = np.where(counts > 0, counts * 1_000.0, np.nan)
    groups = tuple(tuple("Previously loyal" if counts[r, f] else "" for f in range(5)) for r in range(5))
    return RfmMap(counts, values, groups)


@pytest.mark.parametrize(
    ("n_refits", "k", "size"), [(1, 12, 1), (1, 0, 1), (2, 12, 1), (9, 12, 3_000), (4, 5, 1), (3, 0, 1)]
)
def test_no_text_covers_another_or_leaves_the_picture(n_refits: int, k: int, size: int) -> None:
    with style():
        figure = plots._figure(refits_of(n_refits, k, size), segments_of(k), rfm_map(size), "GBP")
        figure.draw_without_rendering()
        unseen = unseen_labels(figure)
        texts: list[Text] = figure.findobj(Text)
        shown = [text for text in texts if text.get_visible() and text.get_text().strip() and text not in unseen]
        boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in shown]
    assert len(boxes) > 60
    for text, box in boxes:
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text
    for place, (text, box) in enumerate(boxes):
        for other, other_box in boxes[:place]:
            assert not box.overlaps(other_box), f"{text!r} covers {other!r}"


def unseen_labels(figure: Figure) -> set[Text]:
    """Of axes that are switched off, and of ticks beyond what is shown."""
    unseen: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not axes.axison or not low <= tick.get_loc() <= high:
                    unseen |= {tick.label1, tick.label2}
    return unseen


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_a_picture_is_written_by_its_suffix_and_is_the_same_again(suffix: str, begins: bytes, tmp_path: Path) -> None:
    once, again = tmp_path / f"once{suffix}", tmp_path / f"again{suffix}"
    for path in (once, again):
        draw_segments(refits_of(2, 3), segments_of(3), rfm_map(), path, currency="EUR")
    assert once.read_bytes().startswith(begins)
    assert once.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("name", ["segments.gif", "segments", "segments.png.exe"])
def test_a_suffix_that_is_no_picture_is_told_with_those_that_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"use one of \.png, \.svg, \.pdf"):
        draw_segments(refits_of(1, 3), segments_of(3), rfm_map(), tmp_path / name, currency="EUR")


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="There is no folder"):
        draw_segments(refits_of(1, 3), segments_of(3), rfm_map(), tmp_path / "none" / "a.png", currency="EUR")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(InvalidValue, match=r"cannot be written to .*directory"):
        draw_segments(refits_of(1, 3), segments_of(3), rfm_map(), tmp_path / "taken.png", currency="EUR")


def test_a_cell_whose_customers_were_not_told_apart_is_called_by_its_scores() -> None:
    plain = RfmMap(np.ones((5, 5), np.int64), np.ones((5, 5)))
    assert [plain.group(4, 4), plain.group(4, 0), plain.group(0, 0)] == ["Champions", "New", "Dormant"]


def test_without_a_refit_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no refit"):
        draw_segments([], segments_of(3), rfm_map(), tmp_path / "a.png", currency="EUR")


def test_names_in_any_letters_and_segments_that_are_gone_are_drawn(tmp_path: Path) -> None:
    refits = refits_of(3, 3)
    gone = SegmentId("b9")
    refits[0].sizes[gone] = 50
    segments = [
        *segments_of(3),
        Segment(
            segment_id=gone, kind=SegmentKind.BEHAVIOUR, name="キャンドル $\\frac{$ <b>", sentence="", since=Micros(0)
        ),
    ]
    draw_segments(refits, segments, rfm_map(), tmp_path / "a.svg", currency="JPY")
    assert (tmp_path / "a.svg").stat().st_size > 10_000


def test_labels_keep_apart_and_near_to_what_they_name() -> None:
    wanted = [0.5, 0.5, 0.5, 0.9, 0.02, 0.0]
    places = spread_apart(wanted, 0.06, 0.0, 1.0)
    ranked = sorted(places)
    assert all(later - earlier >= 0.06 - 1e-9 for earlier, later in pairwise(ranked))
    assert all(0.0 <= place <= 1.0 for place in places)
    assert places[3] == pytest.approx(0.9)
    assert np.mean(places[:3]) == pytest.approx(0.5)
