"""Where customers stand under a model: one way for the whole shop at a refit and for one customer a second later."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.affinities import (
    Leanings,
    Measure,
    Subjects,
    affinities_between,
    interest_in_products,
    leanings,
    measure_of,
    subjects_of,
)
from smartshop.ai_agents.segmentation.churn import risk
from smartshop.ai_agents.segmentation.clusters import NOWHERE, assign_by, log_odds
from smartshop.ai_agents.segmentation.features import Features, features_of
from smartshop.ai_agents.segmentation.mixture import membership_of
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.purchases import Purchases, purchases_of
from smartshop.ai_agents.segmentation.rfm import PROSPECTS, RFM_GROUPS, group_of, recency_days_of, score
from smartshop.ai_agents.segmentation.space import points
from smartshop.ai_agents.segmentation.topics import Topics, extend_topics
from smartshop.ai_agents.segmentation.value import ValuePrediction, predict
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import SegmentId, Standing

CUSTOMERS_AT_ONCE = 10_000
"""Records are made so many at a time: a million of them at once would not fit."""


@dataclass(frozen=True, slots=True)
class ShelfView:
    """What a model needs of a shelf; made once per shelf, not per customer."""

    n_products: int
    topics: Topics
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """n customers in the order of `activity.customer_ids`; what is of buyers only is in the order of `purchases`."""

    activity: CustomerActivity
    features: Features
    purchases: Purchases
    scores: NDArray[np.int8]
    """(buyers, 3)"""
    group: NDArray[np.int64]
    """(n,) place in RFM_GROUPS."""
    label: NDArray[np.int32]
    """(n,) place in the clusters' ids; NOWHERE."""
    surely: NDArray[np.float32]
    """(n,) membership in that segment."""
    place: NDArray[np.float32]
    """(n, p) where each customer lies; what likeness between customers is measured by."""
    value: ValuePrediction | None
    """(buyers,) each."""
    churn_risk: NDArray[np.float64]
    """(buyers,) NaN where nothing can be said."""
    subjects: tuple[Subjects, ...]
    leanings: tuple[Leanings, ...]


def view_shelf(model: SegmentationModel, shelf: Shelf) -> ShelfView:
    topics = extend_topics(model.topics, shelf)
    subjects = subjects_of(shelf, topics.topic_of_product, topics.names)
    measures = tuple(measure_of(each, model.shares.get(each.kind, {})) for each in subjects)
    return ShelfView(shelf.n_products, topics, measures)


def judge(
    model: SegmentationModel,
    activity: CustomerActivity,
    view: ShelfView,
    previous: NDArray[np.int32] | None = None,
    *,
    features: Features | None = None,
) -> Judged:
    """Everything the model says of each customer. `previous` (n,): labels so far, which are kept in doubt.

    `features` of the same activity by the model's topics, where they are known already.
    """
    features = features_of(activity, view.topics) if features is None else features
    purchases = purchases_of(activity)
    scores = score(model.rfm, recency_days_of(purchases), purchases.x + 1, purchases.spent_minor.astype(np.float64))
    group = np.full(len(activity), PROSPECTS, np.int64)
    group[purchases.buyer] = group_of(scores, purchases.T)
    label, surely = _labels(model, features, previous)
    value = None if model.value is None else predict(model.value, purchases)
    interest = interest_in_products(activity, view.n_products)
    return Judged(
        activity=activity,
        features=features,
        purchases=purchases,
        scores=scores,
        group=group,
        label=label,
        surely=surely,
        place=points(model.space, features.x),
        value=value,
        churn_risk=_churn_risk(model, activity, purchases, value),
        subjects=tuple(measure.subjects for measure in view.measures),
        leanings=tuple(leanings(interest, measure) for measure in view.measures),
    )


def standings(
    judged: Judged, segments: tuple[SegmentId, ...], since: NDArray[np.int64], *, log_no: int, now: Micros
) -> Iterator[Standing]:
    """One record per customer, by customer_id. `since` (n,): in the segment since then, µs UTC; `now` writes them."""
    for first in range(0, len(judged.activity), CUSTOMERS_AT_ONCE):
        last = min(first + CUSTOMERS_AT_ONCE, len(judged.activity))
        yield from _records(judged, segments, since, (first, last), log_no, now)


def _labels(
    model: SegmentationModel, features: Features, previous: NDArray[np.int32] | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    if model.clusters is None:
        return np.full(len(features), NOWHERE, np.int32), np.zeros(len(features), np.float32)
    found = log_odds(model.clusters, features)
    label = assign_by(model.clusters.config, found, features.evidence, previous)
    return label, membership_of(found)[np.arange(len(label)), label].astype(np.float32)


def _churn_risk(
    model: SegmentationModel, activity: CustomerActivity, purchases: Purchases, value: ValuePrediction | None
) -> NDArray[np.float64]:
    if model.trusts_churn:
        assert model.churn is not None
        return risk(model.churn, activity)[purchases.buyer].astype(np.float64)
    return np.full(len(purchases), np.nan) if value is None else value.churn_90


def _records(
    judged: Judged,
    segments: tuple[SegmentId, ...],
    since: NDArray[np.int64],
    bounds: tuple[int, int],
    log_no: int,
    now: Micros,
) -> Iterator[Standing]:
    first, last = bounds
    activity, bought = judged.activity, _bought(judged, first, last)
    affinities = affinities_between(judged.subjects, judged.leanings, first, last)
    labels, surely = judged.label[first:last].tolist(), judged.surely[first:last].astype(np.float64).round(4).tolist()
    groups, seen = judged.group[first:last].tolist(), activity.last_seen_at[first:last].tolist()
    entered, places = since[first:last].tolist(), judged.place[first:last]
    for number, customer_id in enumerate(activity.customer_ids[first:last]):
        label = labels[number]
        yield Standing(
            customer_id=customer_id,
            rfm_group=RFM_GROUPS[groups[number]].segment_id,
            segment_id=None if label == NOWHERE else segments[label],
            membership=0.0 if label == NOWHERE else surely[number],
            in_segment_since=None if label == NOWHERE else entered[number],
            last_seen_at=seen[number],
            affinities=tuple(affinities[number]),
            features=places[number].tobytes(),
            changed_at=now,
            log_no=log_no,
            **bought.get(first + number, {}),
        )


def _bought(judged: Judged, first: int, last: int) -> dict[int, dict[str, Any]]:
    """Customer number → the fields that only a buyer has. Any: as the fields of a Standing are."""
    purchases, as_of = judged.purchases, judged.activity.as_of
    part = slice(*np.searchsorted(purchases.buyer, [first, last]).tolist())
    numbers = purchases.buyer[part].tolist()
    first_at, last_at, orders = _orders_of(judged.activity, purchases.buyer[part])
    columns: dict[str, list[Any]] = {
        "orders": orders.tolist(),
        "spent_minor": purchases.spent_minor[part].tolist(),
        "first_order_at": first_at.tolist(),
        "last_order_at": last_at.tolist(),
        "churn_risk": [_known(chance) for chance in judged.churn_risk[part].round(5).tolist()],
    }
    for place, name in enumerate(("recency_score", "frequency_score", "monetary_score")):
        columns[name] = judged.scores[part, place].tolist()
    if judged.value is not None:
        wait = judged.value.next_order_days[part].tolist()
        columns |= {
            "p_alive": judged.value.p_alive[part].round(5).tolist(),
            "expected_orders": [tuple(row) for row in judged.value.expected_orders[part].round(4).tolist()],
            "expected_value_minor": [
                tuple(row) for row in judged.value.expected_value_minor[part].round().astype(np.int64).tolist()
            ],
            "next_order_at": [None if days != days else int(as_of + days * DAY) for days in wait],
        }
    return {number: {name: column[row] for name, column in columns.items()} for row, number in enumerate(numbers)}


def _orders_of(
    activity: CustomerActivity, buyer: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(buyers,) each: µs UTC of the first and the last order that is kept, and how many there are."""
    kept = np.flatnonzero(activity.kept)
    customer = activity.order_customer[kept]
    first, behind = np.searchsorted(customer, buyer, side="left"), np.searchsorted(customer, buyer, side="right")
    return activity.order_at[kept[first]], activity.order_at[kept[behind - 1]], (behind - first).astype(np.int64)


def _known(chance: float) -> float | None:
    return None if chance != chance else chance
