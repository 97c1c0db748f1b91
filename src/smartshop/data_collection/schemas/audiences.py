"""Audiences: customers picked by rules over anything known of them, saved and counted live."""

from enum import StrEnum
from typing import Annotated, NewType

import msgspec
from msgspec import Meta

from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import AffinityKind

AudienceId = NewType("AudienceId", str)

MAX_DEPTH = 6
"""Of nested all/any/none."""
MAX_CONDITIONS = 100
MAX_LISTED = 10_000
"""Customers of a list that looks are wanted for, or that is an audience itself."""

Few = Annotated[tuple[str, ...], Meta(min_length=1, max_length=200)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Number(StrEnum):
    """What is compared with bounds. Money in minor units; days back from the shop's present."""

    ORDERS = "orders"
    SPENT_MINOR = "spent_minor"
    AVERAGE_ORDER_MINOR = "average_order_minor"
    CHURN_RISK = "churn_risk"
    P_ALIVE = "p_alive"
    EXPECTED_ORDERS_90 = "expected_orders_90"
    EXPECTED_VALUE_30_MINOR = "expected_value_30_minor"
    EXPECTED_VALUE_90_MINOR = "expected_value_90_minor"
    EXPECTED_VALUE_365_MINOR = "expected_value_365_minor"
    DAYS_SINCE_ORDER = "days_since_order"
    DAYS_SINCE_SEEN = "days_since_seen"
    DAYS_SINCE_FIRST_ORDER = "days_since_first_order"
    DAYS_UNTIL_NEXT_ORDER = "days_until_next_order"
    RECENCY_SCORE = "recency_score"
    FREQUENCY_SCORE = "frequency_score"
    MONETARY_SCORE = "monetary_score"


class _Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="rule"):
    pass


class InSegment(_Rule, frozen=True, tag="segment"):
    """In one of these segments, of either kind."""

    segments: Few


class Between(_Rule, frozen=True, tag="number"):
    """At least `min` and at most `max`; one of them may be left out. A customer without the number never matches."""

    number: Number
    min: float | None = None
    max: float | None = None


class CaresFor(_Rule, frozen=True, tag="affinity"):
    """Leans to one of these categories (a path holds what is below it), brands or products, at least so strongly."""

    affinity: AffinityKind
    subjects: Few
    min_strength: Share = 0.0


class LivesIn(_Rule, frozen=True, tag="place"):
    """In one of these countries (ISO codes) and, where given, cities."""

    countries: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()


class Consents(_Rule, frozen=True, tag="consent"):
    purpose: Purpose
    granted: bool = True


class Listed(_Rule, frozen=True, tag="list"):
    """One of these customers."""

    customer_ids: Annotated[tuple[CustomerId, ...], Meta(max_length=MAX_LISTED)]


class InAudience(_Rule, frozen=True, tag="audience"):
    """In another audience, as it is now; circles are refused."""

    audience_id: AudienceId


class AllOf(_Rule, frozen=True, tag="all"):
    """None to meet would be everybody, so what is told holds at least one."""

    rules: Annotated[tuple["Rule", ...], Meta(min_length=1, max_length=MAX_CONDITIONS)]


class AnyOf(_Rule, frozen=True, tag="any"):
    rules: Annotated[tuple["Rule", ...], Meta(min_length=1, max_length=MAX_CONDITIONS)]


class Not(_Rule, frozen=True, tag="not"):
    of: "Rule"


Rule = InSegment | Between | CaresFor | LivesIn | Consents | Listed | InAudience | AllOf | AnyOf | Not
"""`{"rule": "all", "rules": [{"rule": "segment", "segments": ["b3"]}, {"rule": "number", "number": "orders", …}]}`"""


class Audience(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    audience_id: AudienceId
    name: str
    definition: Rule
    purpose: Purpose = Purpose.MARKETING
    """What it is for: whoever does not allow it is counted as withheld and never listed, exported or pushed."""
    alike: bool = False
    """Made as lookalikes: `definition` lists those found when it was made."""
    webhook_url: str | None = None
    created_at: Micros
    changed_at: Micros


class AudienceSize(msgspec.Struct, frozen=True):
    customers: int
    """Who match and allow the purpose."""
    withheld: int
    """Who match, but do not allow it."""


class PushState(StrEnum):
    QUEUED = "queued"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"


class AudiencePush(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery of an audience's members to its webhook, in pages."""

    push_id: str
    audience_id: AudienceId
    state: PushState
    delivered: int = 0
    """Customers in pages that were answered with 2xx."""
    attempts: int = 0
    """HTTP requests made so far."""
    next_page: int = 0
    """The first page not yet delivered; a repeated push goes on there."""
    delivered_to: CustomerId | None = None
    """The last customer of the pages delivered: the next page begins behind them, whoever joined or left meanwhile."""
    error: str = ""
    deliverer: str = ""
    """Whoever took it last, and alone may report on it; whoever had it before stops."""
    asked_at: Micros
    finished_at: Micros | None = None
