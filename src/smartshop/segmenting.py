"""The commands about segments: tables, plots, and letting a held-back refit serve."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console

from smartshop.ai_agents.pictures import check_path
from smartshop.ai_agents.segmentation.plot_rfm import RfmMap
from smartshop.ai_agents.segmentation.plots import draw_segments
from smartshop.ai_agents.segmentation.report import SegmentsNow
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS
from smartshop.bars import sharing_bar
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.errors import NotFound
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings

REFITS_DRAWN = 24
FIFTHS = 5


def segments_now(settings: Settings, place: Place) -> SegmentsNow:
    """What the store says at this moment."""
    with opened_stores(settings, place) as stores:
        return _now(stores)


def plot_segments(settings: Settings, place: Place, path: Path, console: Console | None) -> Path:
    """Draw sizes over time, the RFM map and the flow between segments.

    Raises:
        NotFound: nothing was learned yet.
        InvalidValue: not the name of a picture.
    """
    check_path(path)
    with opened_stores(settings, place) as stores, sharing_bar("drawing", console) as tell:
        tell(0.0, "reading where customers stand")
        now = _now(stores)
        if not now.refits:
            raise NotFound("There are no segments to draw yet; run `smartshop train segmentation` first.")
        rfm_map = _rfm_map(stores)
        tell(0.7, "drawing")
        draw_segments(now.refits[::-1], now.segments, rfm_map, path, currency=settings.currency)
        tell(1.0, "done")
    return path


def _now(stores: SqlStores) -> SegmentsNow:
    standings = stores.standings
    return SegmentsNow(standings.segments(), standings.sizes(), standings.refits(REFITS_DRAWN))


def _rfm_map(stores: SqlStores) -> RfmMap:
    """Customers, their usual group and what they spent on average, by recency and frequency score."""
    customers = np.zeros((FIFTHS, FIFTHS), np.int64)
    spent = np.zeros((FIFTHS, FIFTHS), np.float64)
    groups: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    name_of = {group.segment_id: group.name for group in RFM_GROUPS}
    for batch in stores.standings.scan():
        for standing in batch:
            if standing.recency_score:
                cell = standing.recency_score - 1, standing.frequency_score - 1
                customers[cell] += 1
                spent[cell] += standing.spent_minor
                groups[cell][name_of[standing.rfm_group]] += 1
    usual = tuple(tuple(_most_common(groups[row, column]) for column in range(FIFTHS)) for row in range(FIFTHS))
    return RfmMap(customers, np.where(customers > 0, spent / np.maximum(customers, 1), np.nan), usual)


def _most_common(groups: Counter[str]) -> str:
    return next((name for name, _ in groups.most_common(1)), "")
