"""How decisions to order turned out together: by supplier, by class, over some time. Pure.

Two questions, asked of two samples. How well demand was told: of decisions that were picked by the calendar, to order
or not, since proposals alone are a choice of forecasts that were high. What orders were worth: of proposals, each place
once at a time, since the same one is made again every day until somebody follows it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.ids import LocationId, VariantId
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore, ToldProposal

RESAMPLES = 500
INTERVAL = (2.5, 97.5)
"""95 %, in percent."""
LEAST_PLACES = 10
"""Fewer tell no interval."""
NO_SUPPLIER = "nobody told"

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class Scored:
    told: ToldProposal
    score: ProposalScore
    is_followed: bool

    @property
    def place(self) -> tuple[VariantId, LocationId]:
        return self.told.variant_id, self.told.location_id


def scores_of(kept: Iterable[KeptProposal], since: str, until: str, currency: str) -> ProposalScores:
    """`kept`: decided over these days, oldest first."""
    scored, orders, waiting, unknown = list[Scored](), 0, 0, 0
    for one in kept:
        orders += one.told.units > 0
        waiting += one.score is None
        if one.score is not None:
            unknown += one.score.left_out is not None
            scored.append(Scored(one.told, one.score, one.followed_by is not None))
    judged = [one for one in scored if one.score.left_out is None]
    in_turn = [one for one in judged if one.told.in_turn]
    proposed = once_at_a_time([one for one in judged if one.told.units > 0])
    own = [one for one in proposed if one.told.costs.currency == currency]

    def groups(name: Callable[[ToldProposal], str]) -> tuple[ScoreGroup, ...]:
        found = {name(one.told) for one in (*in_turn, *own)}
        return tuple(
            _group(
                each,
                [one for one in in_turn if name(one.told) == each],
                [one for one in own if name(one.told) == each],
            )
            for each in sorted(found)
        )

    return ProposalScores(
        since=since,
        until=until,
        currency=currency,
        proposals=orders,
        waiting=waiting,
        could_not_be_judged=unknown,
        in_another_currency=len(proposed) - len(own),
        whole=_group("all", in_turn, own),
        by_supplier=tuple(sorted(groups(_supplier), key=lambda one: -(one.orders.proposals if one.orders else 0))),
        by_class=groups(lambda told: told.demand_class[:1]),
    )


def once_at_a_time(scored: Sequence[Scored]) -> list[Scored]:
    """Of the same place's proposals whose stretches overlap one: that which was followed, else the first.

    `scored`: oldest first.
    """
    found: list[Scored] = []
    newest: dict[tuple[VariantId, LocationId], int] = {}
    for one in scored:
        at = newest.get(one.place)
        if at is None or one.told.decided_at >= found[at].told.ends_at:
            newest[one.place] = len(found)
            found.append(one)
        elif one.is_followed and not found[at].is_followed:
            found[at] = one
    return found


def _supplier(told: ToldProposal) -> str:
    return told.supplier_name or told.supplier_id or NO_SUPPLIER


def _group(name: str, in_turn: Sequence[Scored], orders: Sequence[Scored]) -> ScoreGroup:
    return ScoreGroup(name=name, law=_law(in_turn) if in_turn else None, orders=_orders(orders) if orders else None)


def _law(scored: Sequence[Scored]) -> LawScore:
    met = np.array([one.score.level_met for one in scored])
    return LawScore(
        decisions=len(scored),
        places=len({one.place for one in scored}),
        within_50=_share(scored, met <= 0.5),
        within_90=_share(scored, met <= 0.9),
        told_short_before=round(float(np.mean([one.told.chance_short_before for one in scored])), 4),
        ran_short_before=_share(scored, np.array([one.score.ran_short_before for one in scored])),
        mean_told=round(sum(one.told.mean for one in scored), 1),
        came=round(sum(one.score.asked_for for one in scored), 1),
    )


def _orders(scored: Sequence[Scored]) -> OrderScore:
    scores = [one.score for one in scored]
    return OrderScore(
        proposals=len(scored),
        followed=sum(one.is_followed for one in scored),
        told_service=round(float(np.mean([one.told_covered for one in scores])), 4),
        reached_service=_share(scored, np.array([one.covered for one in scores])),
        days=sum(one.told.stretch_days for one in scored),
        days_out=round(sum(one.days_out for one in scores), 1),
        asked_for=round(sum(one.asked_for for one in scores), 1),
        short=round(sum(one.short for one in scores), 1),
        as_proposed_minor=round(sum(one.as_proposed for one in scores)),
        without_order_minor=round(sum(one.without_order for one in scores)),
        with_hindsight_minor=round(sum(one.with_hindsight for one in scores)),
    )


def _share(scored: Sequence[Scored], holds: NDArray[np.bool_]) -> ScoredShare:
    """Places are resampled whole: what is wrong about one is wrong every week (Efron & Tibshirani 1993, ch. 8)."""
    share = float(holds.mean())
    number: dict[tuple[VariantId, LocationId], int] = {}
    place = np.array([number.setdefault(one.place, len(number)) for one in scored])
    if len(number) < LEAST_PLACES:
        return ScoredShare(share=round(share, 4), low=None, high=None)
    held, all_of = np.bincount(place, weights=holds), np.bincount(place)
    drawn = np.random.default_rng(0).multinomial(len(number), np.full(len(number), 1 / len(number)), RESAMPLES)
    low, high = np.percentile((drawn @ held) / (drawn @ all_of), INTERVAL).tolist()
    return ScoredShare(share=round(share, 4), low=round(low, 4), high=round(high, 4))
