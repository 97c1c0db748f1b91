"""What each segment responds to: the shares of its demand by topic, and what it wants of each product lately.

Demand counts order lines and signs by `INTEREST_WEIGHT`, whatever the number of units. A customer counts the less per
sign the more signs there are (Σ w becomes √Σ w): a segment is its customers, not the busiest of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import ModelRefused

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]

ORDER_WEIGHT = INTEREST_WEIGHT[EventKind.ORDER_COMPLETED]
SIGN_WEIGHT = np.array([max(INTEREST_WEIGHT.get(kind, 0.0), 0.0) for kind in SIGN_KINDS])
"""Dislikes are no demand."""
TINY = 1e-9
_PARTS = ("sizes", "topic_of_product", "demand_by_topic", "lines_by_topic", "demand_by_product")


class PriorConfig(msgspec.Struct, frozen=True, kw_only=True):
    topic_half_life_days: Annotated[float, Meta(gt=0)] = 180.0
    """What a segment cares for changes with the seasons, no faster."""
    topic_prior: Annotated[float, Meta(gt=0)] = 20.0
    """Demand at the shop's own shares that every segment starts from."""
    product_prior: Annotated[float, Meta(gt=0)] = 10.0
    """Expected demand at which a product's own lift is believed by half."""


@dataclass(frozen=True, slots=True)
class SegmentPrior:
    """k segments, t topics, p products; segments in the order of the labels it was fitted with."""

    sizes: NDArray[np.int64]
    """(k,) customers."""
    topic_of_product: Numbers
    """(p,) -1: none."""
    demand_by_topic: Floats
    """(k, t) weights, faded slowly."""
    lines_by_topic: NDArray[np.int64]
    """(k + 1, t) order lines ever, as counted: what a sentence may say. The last row is of customers in no segment."""
    demand_by_product: Floats
    """(k, p) weights of lately: faded by the half-life."""

    def __len__(self) -> int:
        return len(self.sizes)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """For one .npy file each."""
        return {part: getattr(self, part) for part in _PARTS}


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> SegmentPrior:
    """What `to_arrays` gave.

    Raises:
        ModelRefused: a part is missing, or does not fit the others.
    """
    missing = [part for part in _PARTS if part not in arrays]
    if missing:
        raise ModelRefused(f"The segments' prior has no {', '.join(missing)}; train again.")
    found = SegmentPrior(
        sizes=arrays["sizes"].astype(np.int64, copy=False),
        topic_of_product=arrays["topic_of_product"].astype(np.int32, copy=False),
        demand_by_topic=arrays["demand_by_topic"].astype(np.float32, copy=False),
        lines_by_topic=arrays["lines_by_topic"].astype(np.int64, copy=False),
        demand_by_product=arrays["demand_by_product"].astype(np.float32, copy=False),
    )
    k, p, t = len(found.sizes), len(found.topic_of_product), found.demand_by_topic.shape[-1]
    shapes = (found.demand_by_topic.shape, found.lines_by_topic.shape, found.demand_by_product.shape)
    if shapes != ((k, t), (k + 1, t), (k, p)):
        raise ModelRefused(f"The parts of the segments' prior do not fit each other (shapes {shapes}); train again.")
    return found


def fit_prior(
    activity: CustomerActivity,
    labels: NDArray[np.int32],
    k: int,
    topics: Topics,
    *,
    as_of: Micros,
    half_life_days: float = 14.0,
    config: PriorConfig | None = None,
) -> SegmentPrior:
    """Count what the customers of each segment want. `labels`: (n,) segment of each customer, -1 for none.

    `half_life_days` is of the demand by product; what is later than `as_of` is left out.
    """
    config = config or PriorConfig()
    p, t = len(topics.topic_of_product), len(topics)
    parts = [_lines(activity, as_of, p), _signs(activity, as_of, p)]
    total = sum(
        (np.bincount(part.customer, part.weight, minlength=len(labels)) for part in parts), np.zeros(len(labels))
    )
    by_topic, by_product = np.zeros(k * t), np.zeros(k * p)
    for part in parts:
        part = part.take(labels[part.customer] >= 0)
        segment = labels[part.customer].astype(np.int64)
        fair = part.weight / np.sqrt(np.maximum(total[part.customer], TINY))
        by_product += np.bincount(segment * p + part.product, fair * np.exp2(-part.age / half_life_days), k * p)
        topic = topics.topic_of_product[part.product]
        slow = np.where(topic >= 0, fair * np.exp2(-part.age / config.topic_half_life_days), 0.0)
        by_topic += np.bincount(segment * t + np.maximum(topic, 0), slow, k * t)
    return SegmentPrior(
        sizes=np.bincount(labels[labels >= 0], minlength=k).astype(np.int64),
        topic_of_product=topics.topic_of_product.astype(np.int32),
        demand_by_topic=by_topic.reshape(k, t).astype(np.float32),
        lines_by_topic=_count_lines(parts[0], labels, k, topics),
        demand_by_product=by_product.reshape(k, p).astype(np.float32),
    )


def topic_shares(prior: SegmentPrior, config: PriorConfig) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k, t) shares of each segment's demand, and (t,) of the whole shop's; every share > 0, rows sum to 1."""
    demand = prior.demand_by_topic.astype(np.float64)
    shop = demand.sum(axis=0) + 1.0
    shop /= shop.sum()
    shares = demand + config.topic_prior * shop
    return shares / shares.sum(axis=1, keepdims=True), shop


def log_lifts(
    prior: SegmentPrior, config: PriorConfig, topic_of_product: Numbers | None = None
) -> tuple[NDArray[np.float64], Floats]:
    """Log of demand share in the segment over demand share in the shop: (k, t) by topic, (p, k) by product.

    A product's is its topic's, and what its own recent demand says beyond that. `topic_of_product`: (p,) as it is now,
    with products that came after the fit; they have their topic's.
    """
    shares, shop = topic_shares(prior, config)
    by_topic = np.log(shares / shop)
    topic = prior.topic_of_product if topic_of_product is None else topic_of_product
    lifts = np.zeros((len(topic), len(prior)), np.float32)
    has_topic = topic >= 0
    lifts[has_topic] = by_topic.T[topic[has_topic]]
    known = min(len(topic), len(prior.topic_of_product))
    shop_demand = prior.demand_by_product.sum(axis=0, dtype=np.float64)[:known]
    for segment in range(len(prior)):
        demand = prior.demand_by_product[segment, :known].astype(np.float64)
        expected = shop_demand * np.exp(lifts[:known, segment])
        expected *= demand.sum() / max(float(expected.sum()), TINY)
        lifts[:known, segment] += np.log((demand + config.product_prior) / (expected + config.product_prior))
    return by_topic, lifts


def wanted_shares(
    prior: SegmentPrior, segment: int, config: PriorConfig, n_products: int | None = None
) -> NDArray[np.float64]:
    """(p,) share of each product in what the segment wants lately; they sum to 1 where anything is wanted.

    A small segment's own demand d is eked out with what is to be expected of it, the shop's demand bent by what the
    segment cares for: share = (d + prior · expected share) / (Σ d + prior). `n_products`: of the first so many only.
    """
    demand = prior.demand_by_product[segment, :n_products].astype(np.float64)
    by_topic, shop = topic_shares(prior, config)
    topic = prior.topic_of_product[:n_products]
    lift = np.where(topic >= 0, (by_topic[segment] / shop)[topic], 1.0)
    expected = lift * prior.demand_by_product[:, :n_products].sum(axis=0, dtype=np.float64)
    expected *= config.topic_prior / max(float(expected.sum()), TINY)
    return np.asarray((demand + expected) / (demand.sum() + config.topic_prior), np.float64)


def trending_in(
    prior: SegmentPrior, segment: int, eligible: NDArray[np.bool_], n: int, config: PriorConfig | None = None
) -> tuple[Numbers, Floats]:
    """Up to `n` eligible products wanted most in the segment lately, most first, with their shares of its demand."""
    share = wanted_shares(prior, segment, config or PriorConfig(), len(eligible))
    wanted = np.flatnonzero(eligible[: len(share)] & (share > 0))
    best = wanted[np.argsort(-share[wanted], kind="stable")[:n]]
    return best.astype(np.int32), share[best].astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Demand:
    """m order lines, or signs; parallel arrays."""

    customer: NDArray[np.int32]
    product: Numbers
    weight: NDArray[np.float64]
    age: NDArray[np.float64]
    """Days."""

    def take(self, rows: NDArray[np.bool_]) -> "_Demand":
        return _Demand(self.customer[rows], self.product[rows], self.weight[rows], self.age[rows])


def _lines(activity: CustomerActivity, as_of: Micros, n_products: int) -> _Demand:
    at = activity.order_at[activity.line_order]
    known = (activity.line_product >= 0) & (activity.line_product < n_products) & (at <= as_of)
    return _Demand(
        customer=activity.order_customer[activity.line_order[known]],
        product=activity.line_product[known],
        weight=np.full(int(known.sum()), ORDER_WEIGHT),
        age=(as_of - at[known]) / DAY,
    )


def _signs(activity: CustomerActivity, as_of: Micros, n_products: int) -> _Demand:
    known = (activity.sign_product >= 0) & (activity.sign_product < n_products) & (activity.sign_at <= as_of)
    known &= SIGN_WEIGHT[activity.sign_kind] > 0
    return _Demand(
        customer=activity.sign_customer[known],
        product=activity.sign_product[known],
        weight=SIGN_WEIGHT[activity.sign_kind[known]],
        age=(as_of - activity.sign_at[known]) / DAY,
    )


def _count_lines(lines: _Demand, labels: NDArray[np.int32], k: int, topics: Topics) -> NDArray[np.int64]:
    """(k + 1, t)"""
    topic, t = topics.topic_of_product[lines.product], len(topics)
    segment = np.where(labels >= 0, labels, k)[lines.customer].astype(np.int64)
    cell = (segment * t + topic)[topic >= 0]
    return np.bincount(cell, minlength=(k + 1) * t).reshape(k + 1, t).astype(np.int64)
