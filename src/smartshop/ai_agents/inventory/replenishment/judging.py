"""Decisions whose stretch is over beside what happened over it: their scores. Pure but for what was read before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from smartshop.ai_agents.inventory.demand.censoring import WEEKDAYS, estimate_demand
from smartshop.ai_agents.inventory.replenishment.scoring import (
    Days,
    Floats,
    Terms,
    best_orders,
    chance_within,
    level_met,
    live_through,
    money,
    on_their_way,
)
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.demand_days import local_day
from smartshop.data_collection.pipelines.stretch_stock import Receipt
from smartshop.data_collection.pipelines.stretches import Happened, Stretch
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore, ToldLaw, ToldProposal
from smartshop.data_collection.schemas.supply import PurchaseOrderId

SETTLED_AFTER = 7 * DAY
"""After it was due first a decision is scored a second time, for good: orders told late and refunds are in by then,
and the days behind an empty shelf have days on both sides to be told by."""
ONE_MISSED = 0.5
"""Estimated units from which on it is likelier than not that somebody asked in vain."""
NOT_IN_TIME = 1_000_000
"""A day that no stretch reaches."""
NOTHING_TOLD = ToldLaw((0.0,), (1.0,))
"""Of a decision whose law is gone; those that are due have theirs."""
GONE = "It was taken from the catalogue before its time was over."
OUT_TOO_LONG = "It was out of stock for so long that nobody knows what would have been asked for."


@dataclass(frozen=True, slots=True)
class Judging:
    """When it is judged, by which clock, and what draws are made from."""

    now: Micros
    """In the shop's own time."""
    timezone: ZoneInfo
    seed: int = 0


def stretch_of(told: ToldProposal) -> Stretch:
    return Stretch(told.variant_id, frozenset(told.locations), told.decided_at, told.stretch_days)


def judge(
    kept: Sequence[KeptProposal], happened: Happened, cancelled: Collection[PurchaseOrderId], judging: Judging
) -> list[ProposalScore]:
    """A score for each decision. `happened`: of their stretches, in the same order.

    `cancelled`: purchase orders that were; what was followed by one is judged as if nothing had followed.
    """
    unseen = unseen_units(happened)
    unknown = np.isnan(unseen.sum(axis=1)).tolist()
    followed = [None if one.followed_by in cancelled else one.followed_by for one in kept]
    days = _days(kept, followed, happened, np.nan_to_num(unseen))
    terms = _terms(kept, followed, happened, judging)
    best = best_orders(days, terms)
    proposed = np.array([one.told.units for one in kept], np.float64)
    sizes = (proposed, np.zeros(len(kept)), best.astype(np.float64))
    as_proposed, without_order, with_hindsight = (money(days, terms, ordered).tolist() for ordered in sizes)
    before = live_through(days, proposed, terms.arrives).short_before >= ONE_MISSED
    runs = map(_Run, as_proposed, without_order, with_hindsight, best.tolist(), before.tolist())
    return [
        left_out(one, OUT_TOO_LONG, judging.now)
        if unknown[row]
        else _score(one, happened, row, unseen[row], judging, run)
        for row, (one, run) in enumerate(zip(kept, runs, strict=True))
    ]


def left_out(kept: KeptProposal, why: str, now: Micros) -> ProposalScore:
    """What cannot be judged; a score that it had before stands, for good."""
    told, before = kept.told, kept.score
    if before is not None and before.left_out is None:
        return msgspec.structs.replace(before, scored_at=now, look_again_at=None)
    return ProposalScore(proposal_id=told.proposal_id, scored_at=now, look_again_at=look_again(told, now), left_out=why)


def look_again(told: ToldProposal, now: Micros) -> Micros | None:
    settled = Micros(told.due_at + SETTLED_AFTER)
    return settled if now < settled else None


def unseen_units(happened: Happened) -> Floats:
    """(m, p) units that were asked for behind an empty shelf, estimated; NaN where nobody knows."""
    days = happened.days
    weekday = (days.first_day - 1 + np.arange(days.sold.shape[1])) % WEEKDAYS
    found = estimate_demand(days.sold, days.in_stock, days.known, weekday)
    out = 1.0 - days.in_stock
    missed = np.where(days.known, np.maximum(found.demand - days.sold, 0.0), 0.0)
    rate = np.divide(missed, out, out=np.zeros_like(missed), where=out > 0)
    columns = happened.first[:, None] + np.arange(happened.out.shape[1])
    inside = columns < days.sold.shape[1]
    of_day = rate[happened.place[:, None], np.where(inside, columns, 0)]
    return np.asarray(np.where(happened.out > 0, happened.out * of_day, 0.0), np.float64)


@dataclass(frozen=True, slots=True)
class _Run:
    as_proposed: float
    without_order: float
    with_hindsight: float
    best_units: int
    ran_short_before: bool


def _score(
    kept: KeptProposal, happened: Happened, row: int, unseen: Floats, judging: Judging, run: _Run
) -> ProposalScore:
    told, sold, short = kept.told, int(happened.sold[row].sum()), float(unseen.sum())
    # The same draws each time it is scored: a second look changes a score only by what became known.
    rng = np.random.default_rng([judging.seed, crc32(told.proposal_id.encode())])
    drawn = sold + int(rng.poisson(short))
    law = told.law or NOTHING_TOLD
    within = told.on_hand + told.incoming - told.reserved + told.units
    return ProposalScore(
        proposal_id=told.proposal_id,
        scored_at=judging.now,
        look_again_at=look_again(told, judging.now),
        sold=sold,
        asked_for=round(sold + short, 2),
        short=round(short, 2),
        level_met=round(level_met(law, drawn, float(rng.random())), 4),
        told_covered=round(chance_within(law, within), 4),
        covered=drawn <= within,
        days_out=round(float(happened.out[row].sum()), 2),
        left=int(happened.left[row]),
        received=sum(receipt.units for receipt in happened.receipts[row]),
        as_proposed=round(run.as_proposed, 2),
        without_order=round(run.without_order, 2),
        with_hindsight=round(run.with_hindsight, 2),
        best_units=run.best_units,
        ran_short_before=run.ran_short_before,
    )


def _days(
    kept: Sequence[KeptProposal], followed: Sequence[PurchaseOrderId | None], happened: Happened, unseen: Floats
) -> Days:
    reach = happened.sold.shape[1]
    arrived = [
        on_their_way(
            tuple((came.day, came.units) for came in receipts if order is None or came.reference != order),
            one.told.incoming,
            reach,
        )
        for one, order, receipts in zip(kept, followed, happened.receipts, strict=True)
    ]
    return Days(
        on_hand=np.array([one.told.on_hand for one in kept], np.float64),
        asked_for=happened.sold + unseen,
        arrived=np.stack(arrived),
        moved=happened.moved,
        length=happened.length,
    )


def _terms(
    kept: Sequence[KeptProposal],
    followed: Sequence[PurchaseOrderId | None],
    happened: Happened,
    judging: Judging,
) -> Terms:
    told = [one.told for one in kept]
    arrives = [
        _arrives(one.told, order, receipts, judging.timezone)
        for one, order, receipts in zip(kept, followed, happened.receipts, strict=True)
    ]
    return Terms(
        arrives=np.array(arrives, np.int64),
        pack=np.array([max(one.pack_size, 1) for one in told], np.int64),
        least=np.array([one.least_units for one in told], np.int64),
        holding=np.array([one.costs.holding_per_unit_day for one in told]),
        missed=np.array([one.costs.missed_per_unit for one in told]),
        order=np.array([one.costs.order * _part_lived(one) for one in told]),
    )


def _arrives(told: ToldProposal, order: PurchaseOrderId | None, receipts: Sequence[Receipt], timezone: ZoneInfo) -> int:
    """Day of the stretch on which the order's goods came, or would have come as its supplier was known."""
    if order is not None:
        return next((came.day for came in receipts if came.reference == order), NOT_IN_TIME)
    expected = Micros(told.decided_at + round(told.lead_days * DAY))
    return local_day(expected, timezone) - local_day(told.decided_at, timezone)


def _part_lived(told: ToldProposal) -> float:
    """Of the time that a usual order lasts, what the stretch is."""
    lasts = told.costs.order_lasts_days
    return min(1.0, told.stretch_days / lasts) if lasts > 0 else 1.0
