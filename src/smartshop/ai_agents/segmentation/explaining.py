"""What is worked out for one customer when somebody looks: why they are in their segment, and how far figures reach."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.segmentation.clusters import Clusters, leanings, log_odds
from smartshop.ai_agents.segmentation.features import Features, features_of
from smartshop.ai_agents.segmentation.live import Look, ShelfViews, read_one
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.purchases import Purchases, purchases_of
from smartshop.ai_agents.segmentation.value import ValueModel, intervals
from smartshop.ai_agents.segmentation.why import Contributions, why
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import HORIZONS_DAYS, Expected, Standing, StandingDetails, WhyReason

LEVEL = 0.8
"""The chance with which an interval holds what will happen."""


@dataclass(slots=True)
class ServedSegments:
    """The model that serves in this process, replaced whole; None until there is one."""

    model: SegmentationModel | None = None

    def __call__(self) -> SegmentationModel | None:
        return self.model


class Explaining:
    """Reads the customer's own history again, so that what is told is of now and needs no copy of it."""

    def __init__(self, look: Look, model: Callable[[], SegmentationModel | None]) -> None:
        self._look, self._model, self._views = look, model, ShelfViews()

    def why(self, standing: Standing) -> tuple[WhyReason, ...]:
        """The three features or topics that count most for this segment rather than the nearest other; blocking."""
        model = self._model()
        if model is None or model.clusters is None or model.facts.usual is None:
            return ()
        if standing.segment_id not in model.clusters.ids or len(model.clusters) < 2:
            return ()
        activity = self._activity(standing.customer_id)
        if not len(activity):
            return ()
        topics = self._views.of(model, self._look.shelf()).topics
        features = features_of(activity, topics)
        segment = model.clusters.ids.index(standing.segment_id)
        by_feature, by_topic = leanings(
            model.clusters, features, segment, _nearest_other(model.clusters, features, segment)
        )
        reasons = why(
            Contributions(by_feature[0], by_topic[0]),
            features.figures[0],
            np.asarray(features.taste.toarray()[0], np.float64),
            model.facts.usual,
            topics,
            model.facts.currency,
        )
        total = float(np.maximum(by_feature[0], 0).sum() + np.maximum(by_topic[0], 0).sum()) or 1.0
        return tuple(WhyReason(one.subject, one.words, round(one.contribution / total, 4)) for one in reasons)

    def details(self, standing: Standing) -> StandingDetails:
        """Expected orders and value with intervals, and the errors made on the shop's own past; blocking."""
        model = self._model()
        plain = [
            Expected(days=days, orders=orders, value_minor=value)
            for days, orders, value in zip(
                HORIZONS_DAYS, standing.expected_orders, standing.expected_value_minor, strict=True
            )
        ]
        if model is None or model.value is None or not standing.orders:
            return StandingDetails(expected=tuple(plain), accuracy={} if model is None else model.accuracy)
        purchases = purchases_of(self._activity(standing.customer_id))
        if not len(purchases):
            return StandingDetails(expected=tuple(plain), accuracy=model.accuracy)
        bounded = tuple(_with_bounds(each, model.value, purchases) for each in plain)
        return StandingDetails(expected=bounded, level=LEVEL, accuracy=model.accuracy)

    def _activity(self, customer_id: CustomerId) -> CustomerActivity:
        shopper = self._look.customers.shopper(customer_id, None, True)
        newest = self._look.log.size().newest_human_at or 0
        return read_one(self._look, shopper, Micros(max(self._look.now(), newest)))


def _nearest_other(clusters: Clusters, features: Features, segment: int) -> int:
    found = log_odds(clusters, features)[0]
    found[segment] = -np.inf
    return int(found.argmax())


def _with_bounds(told: Expected, value: ValueModel, purchases: Purchases) -> Expected:
    bounds = intervals(
        value,
        float(purchases.x[0]),
        float(purchases.t_x[0]),
        float(purchases.T[0]),
        float(purchases.mean_value_minor[0]),
        float(told.days),
        level=LEVEL,
        mean_purchase_minor=float(purchases.mean_purchase_minor[0]),
    )
    return Expected(
        days=told.days,
        orders=told.orders,
        orders_low=float(bounds.orders[0]),
        orders_high=float(bounds.orders[1]),
        value_minor=told.value_minor,
        value_low_minor=bounds.value_minor[0],
        value_high_minor=bounds.value_minor[1],
    )
