"""Which order clicked products should have stood in: the judge between the blend, the present ranker and a new one.

Every click asks: at which place would this order have put it, among what was in view? Its measure is NDCG with one
target, 1 / log2(1 + place). A click at a place that is seldom looked at stands for others that nobody saw there: it
weighs the inverse chance of a look, and the weights are made to average 1 (Joachims et al. 2017, equation 9;
self-normalised as in Swaminathan & Joachims 2015). Else whoever made the order of the log would win by having been
shown. That chance is an estimate, and one that falls too steeply would praise whoever turns the shown order round: a
new ranker must win with half the fall as well, where the order that was shown has an advantage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.metrics import Interval, draw_bootstrap
from smartshop.ai_agents.recommendation.ranker_examination import Examination
from smartshop.ai_agents.recommendation.ranker_table import RankerTable

Scores = NDArray[np.float64]


class Order(StrEnum):
    """Who may give the order."""

    BLEND = "blend"
    PRESENT = "present"
    """The ranker that serves now."""
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Verdict:
    chosen: Order
    ndcg: Mapping[Order, float]
    over_blend: Interval
    """The new ranker's gain over the blend, by resampled shoppers."""
    over_blend_halved: Interval
    """The same were looks to fall half as steeply."""
    over_before: Interval
    """Its gain over whoever would serve without it."""
    clicks: int


def click_ndcg(table: RankerTable, scores: Scores, examination: Examination) -> NDArray[np.float64]:
    """(n_clicks,) weighted 1 / log2(1 + place) in the order of `scores`, (m,); ties stand as they were shown."""
    order = np.lexsort((table.place, -scores, table.slate))
    starts = np.cumsum(table.size) - table.size
    place = np.empty(len(scores), np.int64)
    place[order] = np.arange(len(scores)) - np.repeat(starts, table.size)
    clicked = table.outcome > 0
    weight = examination.weight(table.place[clicked])
    return np.asarray(weight / max(weight.mean() if len(weight) else 1.0, 1e-12) / np.log2(place[clicked] + 2.0))


def judge_orders(
    table: RankerTable, scores: Mapping[Order, Scores], examination: Examination, rng: np.random.Generator
) -> Verdict:
    """The new ranker serves only where all its gains have 95 % intervals above nought.

    The present one stays otherwise, unless its own interval against the blend lies below. `scores`: (m,) each; those of
    `BLEND` and `NEW` must be there.
    """
    clicked = table.outcome > 0
    bootstrap = draw_bootstrap(table.shopper[table.slate[clicked]], rng)
    weighted, halved = (
        {order: click_ndcg(table, each, looks) for order, each in scores.items()}
        for looks in (examination, examination.halved())
    )
    before = Order.BLEND
    if Order.PRESENT in scores and bootstrap.interval(weighted[Order.PRESENT] - weighted[Order.BLEND]).high >= 0:
        before = Order.PRESENT
    gains = {
        (name, order): bootstrap.interval(found[Order.NEW] - found[order])
        for name, found in (("whole", weighted), ("half", halved))
        for order in (Order.BLEND, before)
    }
    return Verdict(
        chosen=Order.NEW if min(gain.low for gain in gains.values()) > 0 else before,
        ndcg={order: float(values.mean()) if len(values) else 0.0 for order, values in weighted.items()},
        over_blend=gains["whole", Order.BLEND],
        over_blend_halved=gains["half", Order.BLEND],
        over_before=gains["whole", before],
        clicks=int(clicked.sum()),
    )
