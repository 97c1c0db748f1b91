"""Recency, frequency and money in fifths, and the public groups over them.

A score is the fifth in which the middle of a value's ties lies (mid-rank): who ties shares a score, and where all are
alike all get the middle one. The edges are frozen at the fit, so that one customer is scored live, without the others.
"""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.purchases import Purchases
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import SegmentId

Array = NDArray[np.float64]
Scores = NDArray[np.int8]

FIFTHS = 5
FAR = 1e300
"""An edge that no value passes; JSON knows no infinity."""
NEW_WITHIN_DAYS = 30.0
"""Who bought for the first time within these days, and not yet often, is New whatever the recency of others is."""
NEW_FREQUENCY = 3
"""Highest frequency score of a new customer: where most have bought once, once is the middle."""


class Rule(NamedTuple):
    """Scores from–to, both in."""

    recency: tuple[int, int]
    frequency: tuple[int, int]
    money: tuple[int, int] = (1, FIFTHS)

    def holds(self, recency: int, frequency: int, money: int) -> bool:
        return (
            self.recency[0] <= recency <= self.recency[1]
            and self.frequency[0] <= frequency <= self.frequency[1]
            and self.money[0] <= money <= self.money[1]
        )

    def in_words(self) -> str:
        """`R 4–5, F 3, M 1–5`."""
        spans = zip("RFM", self, strict=True)
        return ", ".join(f"{name} {low}" if low == high else f"{name} {low}–{high}" for name, (low, high) in spans)


@dataclass(frozen=True, slots=True)
class RfmGroup:
    segment_id: SegmentId
    name: str
    sentence: str
    rules: tuple[Rule, ...]
    """Any of them; none for those who never bought."""

    def rule_in_words(self) -> str:
        return " or ".join(rule.in_words() for rule in self.rules) or "no order yet"


def _group(name: str, sentence: str, *rules: Rule) -> RfmGroup:
    return RfmGroup(SegmentId("rfm-" + name.lower().replace(" ", "-")), name, sentence, rules)


RFM_GROUPS: tuple[RfmGroup, ...] = (
    _group(
        "Champions",
        "Bought just now, often and for much.",
        Rule((5, 5), (4, 5), (4, 5)),
    ),
    _group(
        "Loyal",
        "Buy often and have been here lately.",
        Rule((5, 5), (4, 5), (1, 3)),
        Rule((4, 4), (4, 5)),
        Rule((3, 3), (4, 5), (4, 5)),
    ),
    _group(
        "Active",
        "Bought lately and now and then, or seldom but for much.",
        Rule((4, 5), (3, 3)),
        Rule((4, 4), (1, 2), (4, 5)),
    ),
    _group(
        "New",
        "Bought for the first time within the last 30 days.",
        Rule((5, 5), (1, 2)),
    ),
    _group(
        "Promising",
        "Bought not long ago; few orders so far.",
        Rule((4, 4), (1, 2), (1, 3)),
        Rule((3, 3), (1, 2), (1, 3)),
    ),
    _group(
        "Needs attention",
        "Bought regularly or for much, and have been away for a while.",
        Rule((3, 3), (4, 5), (1, 3)),
        Rule((3, 3), (3, 3)),
        Rule((3, 3), (1, 2), (4, 5)),
    ),
    _group(
        "At risk",
        "Bought often or for much, and have been away for long.",
        Rule((2, 2), (4, 5)),
        Rule((2, 2), (3, 3), (3, 5)),
    ),
    _group(
        "Previously loyal",
        "Were among those who buy most often; away longer than nearly everybody.",
        Rule((1, 1), (4, 5)),
    ),
    _group(
        "Almost lost",
        "Bought seldom, and have been away for long.",
        Rule((2, 2), (3, 3), (1, 2)),
        Rule((2, 2), (1, 2)),
    ),
    _group(
        "Dormant",
        "Bought seldom, and away longer than nearly everybody.",
        Rule((1, 1), (1, 3)),
    ),
    _group("Prospects", "Have not bought yet."),
)
PROSPECTS = len(RFM_GROUPS) - 1
"""Place of those who never bought."""
NEW = 3
PROMISING = 4


class RfmEdges(msgspec.Struct, frozen=True, kw_only=True):
    """Four rising edges each: a value above the k-th scores more than k. Learned `as_of`, valid until the next fit.

    Recency is a negative number of days (greater is better), so that all three read alike.
    """

    as_of: Micros
    recency: tuple[float, float, float, float]
    """Of minus the days since the last purchase, counted to whenever a customer is scored."""
    frequency: tuple[float, float, float, float]
    """Of purchase days."""
    monetary: tuple[float, float, float, float]
    """Of net minor units ever spent."""


def fit_rfm(purchases: Purchases, as_of: Micros) -> RfmEdges:
    """Fifths over the n customers who bought; with nobody there every score is the middle one."""
    return RfmEdges(
        as_of=as_of,
        recency=_edges(-recency_days_of(purchases)),
        frequency=_edges(purchases.x + 1),
        monetary=_edges(purchases.spent_minor.astype(np.float64)),
    )


def recency_days_of(purchases: Purchases) -> Array:
    """(n,) days since the last purchase."""
    return np.asarray(purchases.T - purchases.t_x)


def score(edges: RfmEdges, recency_days: Array, frequency: Array, monetary: Array) -> Scores:
    """(n, 3) recency, frequency, money from 1 to 5; all 0 for those who never bought (frequency 0)."""
    columns = (
        np.searchsorted(edges.recency, -np.nan_to_num(recency_days, nan=np.inf), side="left"),
        np.searchsorted(edges.frequency, frequency, side="left"),
        np.searchsorted(edges.monetary, monetary, side="left"),
    )
    scores = 1 + np.column_stack(columns)
    return np.asarray(np.where(frequency[:, None] > 0, scores, 0), np.int8)


def group_of(scores: Scores, days_since_first: Array | None = None) -> NDArray[np.int64]:
    """(n,) places in RFM_GROUPS.

    With the days since the first purchase (n,) "New" is taken at its word: within 30 days and a frequency score of at
    most 3; who would be New by scores but came earlier is Promising.
    """
    base = _GROUP_BY_SCORES[scores[:, 0], scores[:, 1], scores[:, 2]]
    if days_since_first is None:
        return base
    bought = scores[:, 1] > 0
    is_new = bought & (days_since_first <= NEW_WITHIN_DAYS) & (scores[:, 1] <= NEW_FREQUENCY)
    return np.where(is_new, NEW, np.where(base == NEW, PROMISING, base))


def _edges(values: Array) -> tuple[float, float, float, float]:
    """Where the score by mid-rank steps up, halfway between neighbours."""
    distinct, count = np.unique(values, return_counts=True)
    if not len(distinct):
        return (-FAR, -FAR, FAR, FAR)
    middle = (np.cumsum(count) - count / 2) / count.sum()
    scores = np.clip(np.ceil(middle * FIFTHS), 1, FIFTHS)
    found = []
    for step in range(1, FIFTHS):
        above = int(np.searchsorted(scores, step, side="right"))
        if above == 0:
            found.append(float(np.nextafter(distinct[0], -np.inf)))
        elif above == len(distinct):
            found.append(float(distinct[-1]))
        else:
            found.append(float((distinct[above - 1] + distinct[above]) / 2))
    return (found[0], found[1], found[2], found[3])


def _groups_by_scores() -> NDArray[np.int64]:
    """(6, 6, 6) place in RFM_GROUPS; Prospects wherever a score is 0."""
    table = np.full((FIFTHS + 1,) * 3, PROSPECTS, np.int64)
    for recency, frequency, money in np.ndindex(FIFTHS, FIFTHS, FIFTHS):
        scores = (recency + 1, frequency + 1, money + 1)
        table[scores] = next(
            place for place, group in enumerate(RFM_GROUPS) if any(rule.holds(*scores) for rule in group.rules)
        )
    return table


_GROUP_BY_SCORES = _groups_by_scores()
