"""Where customers stand, as the API tells it: one line of a list, and one customer whole."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import msgspec

from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.segments import (
    HORIZONS_DAYS,
    Affinity,
    Expected,
    SegmentId,
    Standing,
    StandingDetails,
    WhyReason,
)


class SegmentOfCustomer(msgspec.Struct, frozen=True, kw_only=True):
    segment_id: SegmentId
    name: str
    membership: float
    """How surely, 0 to 1."""
    since: str | None


class RfmOfCustomer(msgspec.Struct, frozen=True, kw_only=True):
    segment_id: SegmentId
    name: str
    recency: int
    """1 to 5, 5 is best; 0: never bought."""
    frequency: int
    monetary: int


class CustomerInList(msgspec.Struct, frozen=True, kw_only=True):
    """One customer of a segment or an audience. Money in minor units of the shop's currency."""

    customer_id: CustomerId
    segment: SegmentOfCustomer | None
    rfm: RfmOfCustomer
    orders: int
    spent_minor: int
    first_order_at: str | None
    last_order_at: str | None
    last_seen_at: str
    p_alive: float | None
    """Chance that they still buy here at all."""
    churn_risk: float | None
    """Chance of no order within 90 days."""
    expected_orders_90: float
    expected_value_90_minor: int
    next_order_at: str | None
    """When the next order is to be expected; null: rather never."""


class StandingView(CustomerInList, frozen=True, kw_only=True):
    """The shop's estimate of one customer, with how far it can be trusted."""

    why: list[WhyReason]
    """What counts most for this segment rather than the nearest other."""
    expected: list[Expected]
    """Over 30, 90 and 365 days."""
    level: float | None
    """The chance with which the bounds of `expected` hold the truth."""
    accuracy: dict[str, float]
    """Errors of the models on the shop's own past, beside plain guesses: value_mae, naive_mae, churn_auc, …"""
    affinities: list[Affinity]
    """Strongest first."""
    as_of: str


def segment_names(shop: Shop) -> dict[SegmentId, str]:
    return {segment.segment_id: segment.name for segment in shop.standings.segments()}


def in_list(standing: Standing, names: Mapping[SegmentId, str]) -> CustomerInList:
    return CustomerInList(**_line(standing, names))


def standing_of(shop: Shop, customer_id: CustomerId) -> StandingView | None:
    """None when the shop has no estimate of this customer. Blocking."""
    standing = shop.standings.get([customer_id]).get(customer_id)
    if standing is None:
        return None
    details = shop.standing_details(standing) if shop.standing_details is not None else _plain_details(shop, standing)
    why: Sequence[WhyReason] = () if shop.explain_standing is None else shop.explain_standing(standing)
    return StandingView(
        **_line(standing, segment_names(shop)),
        why=list(why),
        expected=list(details.expected),
        level=details.level,
        accuracy=finite(details.accuracy),
        affinities=list(standing.affinities),
        as_of=format_rfc3339(standing.changed_at),
    )


def finite(measures: Mapping[str, float]) -> dict[str, float]:
    """Without what could not be measured: JSON has no word for it."""
    return {name: value for name, value in measures.items() if isfinite(value)}


def _line(standing: Standing, names: Mapping[SegmentId, str]) -> dict[str, Any]:
    """The fields that both views have. Any: they are of many types."""
    return {
        "customer_id": standing.customer_id,
        "segment": _segment(standing, names),
        "rfm": RfmOfCustomer(
            segment_id=standing.rfm_group,
            name=names.get(standing.rfm_group, standing.rfm_group),
            recency=standing.recency_score,
            frequency=standing.frequency_score,
            monetary=standing.monetary_score,
        ),
        "orders": standing.orders,
        "spent_minor": standing.spent_minor,
        "first_order_at": rfc3339_or_none(standing.first_order_at),
        "last_order_at": rfc3339_or_none(standing.last_order_at),
        "last_seen_at": format_rfc3339(standing.last_seen_at),
        "p_alive": standing.p_alive,
        "churn_risk": standing.churn_risk,
        "expected_orders_90": standing.expected_orders[1],
        "expected_value_90_minor": standing.expected_value_minor[1],
        "next_order_at": rfc3339_or_none(standing.next_order_at),
    }


def _segment(standing: Standing, names: Mapping[SegmentId, str]) -> SegmentOfCustomer | None:
    if standing.segment_id is None:
        return None
    return SegmentOfCustomer(
        segment_id=standing.segment_id,
        name=names.get(standing.segment_id, standing.segment_id),
        membership=standing.membership,
        since=rfc3339_or_none(standing.in_segment_since),
    )


def _plain_details(shop: Shop, standing: Standing) -> StandingDetails:
    """Without a loaded model: the stored figures without bounds, and what the newest refit measured."""
    newest = shop.standings.refits(1)
    both = zip(HORIZONS_DAYS, standing.expected_orders, standing.expected_value_minor, strict=True)
    return StandingDetails(
        expected=tuple(Expected(days=days, orders=orders, value_minor=value) for days, orders, value in both),
        accuracy=newest[0].measures if newest else {},
    )
