"""What the segmentation's figures are worth, on the shop's own past: value, churn, and how steady segments are.

Every figure is made by cutting the past, learning on what lies before the cut and looking at what came after it.
Monthly refits are played again one after the other, each continuing the one before, as the running shop does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.churn_trial import ChurnTrial, try_churn
from smartshop.ai_agents.segmentation.clusters import NOWHERE
from smartshop.ai_agents.segmentation.cut import until
from smartshop.ai_agents.segmentation.features import Features, features_of
from smartshop.ai_agents.segmentation.identity import ClusterRefit, refit_clusters
from smartshop.ai_agents.segmentation.refit import Progress
from smartshop.ai_agents.segmentation.space import HABIT_COLUMNS
from smartshop.ai_agents.segmentation.topics import make_topics
from smartshop.ai_agents.segmentation.value import ValueConfig, fit_value
from smartshop.ai_agents.segmentation.value_holdout import HoldoutError
from smartshop.data_collection.pipelines.clock import DAY, to_datetime, to_micros
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.newest_signs import newest_signs
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import CustomerId, Micros

MONTHS = 8
LEAST_PAST_DAYS = 90
"""Before the first of the monthly refits."""
CHURN_DAYS = (90, 30)
"""The first of these that the past holds thrice is looked at."""


class MonthlyRefit(msgspec.Struct, frozen=True, kw_only=True):
    """One refit of those played again."""

    month: str
    """The last day that it knew."""
    customers: int
    segments: int
    compared: int
    """With a segment before and now."""
    moved_behaviour: int
    moved_model: int
    idle: int
    """Of the compared, those who did nothing at all since the refit before."""
    idle_moved: int
    inertia_ratio: float
    """Inertia of the segments as kept, over that of a fit from scratch."""
    held_back: bool


class SegmentationReport(msgspec.Struct, frozen=True, kw_only=True):
    as_of: str
    customers: int
    value: HoldoutError | None
    churn: ChurnTrial | None
    churn_as_of: str
    months: tuple[MonthlyRefit, ...]


def evaluate(
    activity: CustomerActivity, shelf: Shelf, rng: np.random.Generator, progress: Progress, *, timezone: str
) -> SegmentationReport:
    """Every figure that the shop's past is long enough for."""
    progress(0.05, "orders and value, held out")
    value = fit_value(activity, config=ValueConfig(), rng=rng)
    progress(0.25, "churn, looked at afterwards")
    cut, churn = _churn(activity, rng)
    months = tuple(_monthly(activity, shelf, rng, timezone, progress))
    return SegmentationReport(
        as_of=_day(activity.as_of),
        customers=len(activity),
        value=None if value is None else value.holdout,
        churn=churn,
        churn_as_of="" if churn is None else _day(Micros(cut - 1)),
        months=months,
    )


def _churn(activity: CustomerActivity, rng: np.random.Generator) -> tuple[Micros, ChurnTrial | None]:
    if not len(activity):
        return activity.as_of, None
    past_days = int(activity.as_of - activity.first_seen_at.min()) // DAY
    days = next((days for days in CHURN_DAYS if past_days >= 3 * days), CHURN_DAYS[-1])
    cut = Micros((activity.as_of // DAY - days) * DAY)
    return cut, try_churn(activity, cut, days, rng=rng)


def _monthly(
    activity: CustomerActivity, shelf: Shelf, rng: np.random.Generator, timezone: str, progress: Progress
) -> Iterator[MonthlyRefit]:
    cuts = _month_ends(activity)
    if len(cuts) < 2:
        return
    # The axes of taste are learned once, from what the first refit could know.
    topics = make_topics(until(activity, cuts[0]), shelf, rng, timezone=timezone)
    before: tuple[CustomerActivity, ClusterRefit] | None = None
    for number, cut in enumerate(cuts):
        progress(0.3 + 0.7 * number / len(cuts), f"refit of {_day(cut)}")
        past = until(activity, cut)
        features = features_of(newest_signs(past), topics)
        previous = _previous(past.customer_ids, before)
        present = None if before is None else before[1].clusters
        found = refit_clusters(features, present, previous, rng=rng, columns=HABIT_COLUMNS)
        if before is not None and found.clusters is not None:
            yield _told(past, features, found, previous, (before[0].as_of, before[1]))
        before = (past, found)


def _month_ends(activity: CustomerActivity) -> list[Micros]:
    """Last moments (UTC) of the last MONTHS + 1 whole months that have enough past before them."""
    if not len(activity):
        return []
    first = int(activity.first_seen_at.min()) + LEAST_PAST_DAYS * DAY
    month, ends = to_datetime(activity.as_of).replace(day=1, hour=0, minute=0, second=0, microsecond=0), list[Micros]()
    while len(ends) <= MONTHS and (end := Micros(to_micros(month) - 1)) >= first:
        ends.append(end)
        before = to_datetime(end)
        month = datetime(before.year, before.month, 1, tzinfo=UTC)
    return ends[::-1]


def _previous(
    customer_ids: tuple[CustomerId, ...], before: tuple[CustomerActivity, ClusterRefit] | None
) -> NDArray[np.int32]:
    labels = np.full(len(customer_ids), NOWHERE, np.int32)
    if before is None:
        return labels
    label_of = dict(zip(before[0].customer_ids, before[1].labels.tolist(), strict=True))
    return np.array([label_of.get(customer_id, NOWHERE) for customer_id in customer_ids], np.int32)


def _told(
    past: CustomerActivity,
    features: Features,
    found: ClusterRefit,
    previous: NDArray[np.int32],
    before: tuple[Micros, ClusterRefit],
) -> MonthlyRefit:
    assert found.clusters is not None
    then, earlier = before
    ids_before = np.array([*(earlier.clusters.ids if earlier.clusters else ()), ""])[previous]
    ids_now = np.array([*found.clusters.ids, ""])[found.labels]
    compared = (previous >= 0) & (found.labels >= 0)
    idle = compared & (past.last_seen_at <= then)
    report = found.report
    return MonthlyRefit(
        month=_day(past.as_of),
        customers=len(features),
        segments=len(found.clusters),
        compared=int(compared.sum()),
        moved_behaviour=report.moved_behaviour,
        moved_model=report.moved_model,
        idle=int(idle.sum()),
        idle_moved=int((idle & (ids_before != ids_now)).sum()),
        inertia_ratio=report.kept_inertia / report.fresh_inertia if report.fresh_inertia else 1.0,
        held_back=report.held_back,
    )


def _day(moment: Micros) -> str:
    return to_datetime(moment).strftime("%Y-%m-%d")
