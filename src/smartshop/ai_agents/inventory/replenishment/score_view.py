"""How decisions to order turned out together: by supplier, by class, over some time. Pure.

Two questions, asked of two samples. How well demand was told: of decisions that were picked by the calendar, to order
or not, since proposals alone are a choice of forecasts that were high. What orders were worth: of proposals, each place
once at a time, since the same one is made again every day until somebody follows it.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.replenishment.score_parts import Rows, ScoreParts, once_at_a_time

RESAMPLES = 500
INTERVAL = (2.5, 97.5)
"""95 %, in percent."""
LEAST_PLACES = 10
"""Fewer tell no interval."""
NO_SUPPLIER = "nobody told"

UNKNOWN = -1
"""Number of a currency in which nothing was told."""
AT_50, AT_90 = np.float32(0.5), np.float32(0.9)
"""As parts are kept."""


class ScoredShare(msgspec.Struct, frozen=True, kw_only=True):
    """A share, 0 to 1, and between which ones it lies with 95 % (places resampled; None: too few of them)."""

    share: float
    low: float | None
    high: float | None


class LawScore(msgspec.Struct, frozen=True, kw_only=True):
    """How well demand was told, over decisions that were picked by the calendar."""

    decisions: int
    places: int
    within_50: ScoredShare
    """Of them, demand came at or below its told 50 % level."""
    within_90: ScoredShare
    told_short_before: float
    """Told chance that stock runs out before an order could come, on average."""
    ran_short_before: ScoredShare
    """How often it did, and somebody asked for it."""
    mean_told: float
    """Units, all together."""
    came: float
    """Units asked for, those behind an empty shelf estimated."""


class OrderScore(msgspec.Struct, frozen=True, kw_only=True):
    """What proposals were worth, over those whose time is over, each place once at a time. Money in minor units."""

    proposals: int
    followed: int
    """Of them, a purchase order was made."""
    told_service: float
    """Told chance that demand stays within what was there, on its way and proposed."""
    reached_service: ScoredShare
    """How often it did."""
    days: int
    days_out: float
    """Without stock, as it truly went."""
    asked_for: float
    short: float
    """Of it, what found an empty shelf, estimated."""
    as_proposed_minor: int
    without_order_minor: int
    with_hindsight_minor: int


class ScoreGroup(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    law: LawScore | None
    """None: nothing of it was picked by the calendar yet."""
    orders: OrderScore | None
    """None: no proposal's time is over."""


class ProposalScores(msgspec.Struct, frozen=True, kw_only=True):
    """All that was decided over some time."""

    since: str
    """Day"""
    until: str
    currency: str
    proposals: int
    """Orders that were proposed, the same again every day."""
    waiting: int
    """Decisions whose time is not over."""
    could_not_be_judged: int
    in_another_currency: int
    """Whose money is in none of the sums."""
    whole: ScoreGroup
    by_supplier: tuple[ScoreGroup, ...]
    """Most proposals first."""
    by_class: tuple[ScoreGroup, ...]
    """A, B and C: by what they turn over."""


def scores_of(parts: ScoreParts, since: str, until: str, currency: str) -> ProposalScores:
    """`parts`: of what was decided over these days."""
    rows, names = parts.rows, parts.names
    judged = rows[rows["is_judged"]]
    in_turn = judged[judged["in_turn"]]
    proposed = once_at_a_time(judged[judged["is_order"]])
    own = proposed[proposed["currency"] == names.currencies.get(currency, UNKNOWN)]
    suppliers = [name or supplier_id or NO_SUPPLIER for supplier_id, name in names.suppliers]
    by_supplier = _groups("supplier", suppliers, in_turn, own)
    return ProposalScores(
        since=since,
        until=until,
        currency=currency,
        proposals=int(rows["is_order"].sum()),
        waiting=int((~rows["is_scored"]).sum()),
        could_not_be_judged=int((rows["is_scored"] & ~rows["is_judged"]).sum()),
        in_another_currency=len(proposed) - len(own),
        whole=_group("all", in_turn, own),
        by_supplier=tuple(sorted(by_supplier, key=lambda one: -(one.orders.proposals if one.orders else 0))),
        by_class=_groups("demand_class", list(names.classes), in_turn, own),
    )


def _groups(column: str, names: Sequence[str], in_turn: Rows, orders: Rows) -> tuple[ScoreGroup, ...]:
    """By name; two numbers of one name are one group."""
    numbers: dict[str, list[int]] = {}
    met = np.unique(np.concatenate([in_turn[column], orders[column]])).tolist()
    for number in met:
        numbers.setdefault(names[number], []).append(number)
    return tuple(
        _group(name, in_turn[np.isin(in_turn[column], own)], orders[np.isin(orders[column], own)])
        for name, own in sorted(numbers.items())
    )


def _group(name: str, in_turn: Rows, orders: Rows) -> ScoreGroup:
    return ScoreGroup(
        name=name,
        law=_law(in_turn) if len(in_turn) else None,
        orders=_orders(orders) if len(orders) else None,
    )


def _law(rows: Rows) -> LawScore:
    met, places = rows["level_met"], Places(rows["place"])
    return LawScore(
        decisions=len(rows),
        places=len(places),
        within_50=places.share(met <= AT_50),
        within_90=places.share(met <= AT_90),
        told_short_before=round(float(rows["told_short_before"].mean(dtype=np.float64)), 4),
        ran_short_before=places.share(rows["ran_short_before"]),
        mean_told=round(float(rows["mean"].sum()), 1),
        came=round(float(rows["asked_for"].sum()), 1),
    )


def _orders(rows: Rows) -> OrderScore:
    return OrderScore(
        proposals=len(rows),
        followed=int(rows["is_followed"].sum()),
        told_service=round(float(rows["told_covered"].mean(dtype=np.float64)), 4),
        reached_service=Places(rows["place"]).share(rows["covered"]),
        days=int(rows["stretch_days"].sum()),
        days_out=round(float(rows["days_out"].sum()), 1),
        asked_for=round(float(rows["asked_for"].sum()), 1),
        short=round(float(rows["short"].sum()), 1),
        as_proposed_minor=round(float(rows["as_proposed"].sum())),
        without_order_minor=round(float(rows["without_order"].sum())),
        with_hindsight_minor=round(float(rows["with_hindsight"].sum())),
    )


class Places:
    """The places of some decisions, drawn whole: what is wrong about one is wrong every week (Efron & Tibshirani 1993,
    ch. 8). Drawn once for all shares of them.
    """

    def __init__(self, place: NDArray[np.int32]) -> None:
        """`place`: (m,) a number of each decision's place."""
        known, self._of = np.unique(place, return_inverse=True)
        self._decisions = np.bincount(self._of)
        self._drawn: NDArray[np.float64] | None = None
        if len(known) >= LEAST_PLACES:
            self._drawn = _drawn_with_return(len(known))

    def __len__(self) -> int:
        return len(self._decisions)

    def share(self, holds: NDArray[np.bool_]) -> ScoredShare:
        """Of the decisions, (m,)."""
        share = round(float(holds.mean()), 4)
        if self._drawn is None:
            return ScoredShare(share=share, low=None, high=None)
        held = np.bincount(self._of, weights=holds)
        low, high = np.percentile((self._drawn @ held) / (self._drawn @ self._decisions), INTERVAL).tolist()
        return ScoredShare(share=share, low=round(low, 4), high=round(high, 4))


def _drawn_with_return(count: int) -> NDArray[np.float64]:
    """(resamples, count) how often each is drawn when as many are drawn as there are."""
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count)) + np.arange(RESAMPLES)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * count).reshape(RESAMPLES, count).astype(np.float64)
