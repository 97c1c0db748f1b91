"""Who the customers are: segments, where each customer stands, and what a refit changed."""

from enum import StrEnum
from typing import NewType

import msgspec

from smartshop.data_collection.schemas.ids import CustomerId, Micros, ModelVersion

SegmentId = NewType("SegmentId", str)
"""`rfm-champions`, … for the fixed groups; `b1`, `b2`, … for behavioural segments, never given twice."""

HORIZONS_DAYS = (30, 90, 365)
"""Expected orders and value are told for these, in this order."""


class SegmentKind(StrEnum):
    RFM = "rfm"
    """A fixed group by recency, frequency and money; every customer is in exactly one."""
    BEHAVIOUR = "behaviour"
    """Learned from what customers do; a customer too little known is in none."""


class Segment(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    segment_id: SegmentId
    kind: SegmentKind
    name: str
    """Short: `Climbers`, `Champions`. Kept over refits."""
    sentence: str
    """What sets it apart, with figures."""
    since: Micros
    """When it was first found."""
    retired_at: Micros | None = None
    """No customer is in it any more, and none will be."""


class AffinityKind(StrEnum):
    CATEGORY = "category"
    BRAND = "brand"
    PRODUCT = "product"


class Affinity(msgspec.Struct, frozen=True):
    """What a customer cares for, relative to what everybody does."""

    kind: AffinityKind
    subject: str
    """Category path as text (`Garden > Tools`), brand, or product_id."""
    strength: float
    """0 to 1: how strong the customer's leaning is against the shop's average, shrunk where little is known."""


class Standing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where one customer stands. Money in minor units of the shop's currency; shares and chances 0 to 1."""

    customer_id: CustomerId
    rfm_group: SegmentId
    recency_score: int = 0
    """1 to 5, 5 = bought most recently; 0: never bought."""
    frequency_score: int = 0
    monetary_score: int = 0
    segment_id: SegmentId | None = None
    """Behavioural segment; None where too little is known, or the shop has too few customers."""
    membership: float = 0.0
    """How surely, 0 to 1."""
    in_segment_since: Micros | None = None
    orders: int = 0
    """Orders that were not wholly given back. (Value and RFM count days with an order.)"""
    spent_minor: int = 0
    """Net of discounts and refunds; may be below zero where more came back than is known to have been bought."""
    first_order_at: Micros | None = None
    last_order_at: Micros | None = None
    last_seen_at: Micros
    p_alive: float | None = None
    """Chance that the customer still buys here at all; None for those who never bought."""
    churn_risk: float | None = None
    """Chance of no order within the next 90 days; None for those who never bought."""
    expected_orders: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Within 30, 90, 365 days."""
    expected_value_minor: tuple[int, int, int] = (0, 0, 0)
    next_order_at: Micros | None = None
    """When the next order is to be expected (median); None: rather never."""
    affinities: tuple[Affinity, ...] = ()
    """Strongest first; at most 4 categories, 2 brands, 6 products."""
    features: bytes = b""
    """float32, in the order of `segmentation.features.FEATURES`; what explains the segment."""
    changed_at: Micros
    log_no: int = 0
    """Everything up to this log number is in."""


class WhyReason(msgspec.Struct, frozen=True):
    """One thing that counts for a customer being in their segment rather than in the nearest other."""

    feature: str
    """Name of the feature or topic."""
    text: str
    """In words, with the customer's figure and the shop's."""
    weight: float
    """Share of what counts, 0 to 1; the strongest first."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer is expected to do within so many days, with bounds that hold it with the chance `level`."""

    days: int
    orders: float
    orders_low: float | None = None
    orders_high: float | None = None
    value_minor: int
    value_low_minor: int | None = None
    value_high_minor: int | None = None


class StandingDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is worked out for one customer when somebody looks, and how far it can be trusted."""

    expected: tuple[Expected, ...]
    """Over HORIZONS_DAYS."""
    level: float | None = None
    """The chance with which the bounds hold the truth; None: there are none."""
    accuracy: dict[str, float] = {}
    """Errors that the models made on the shop's own past: value_mae, value_correlation, naive_mae, churn_auc, …"""


class SegmentFigures(msgspec.Struct, frozen=True):
    """One segment's customers, counted and averaged."""

    customers: int
    mean_spent_minor: float
    mean_churn_risk: float | None
    """Of those who ever bought; None: nobody did."""
    mean_expected_value_90_minor: float


class SegmentMove(msgspec.Struct, frozen=True, kw_only=True):
    """A customer entered or left: `from_segment` None is the first segment known, `to_segment` None is into none."""

    customer_id: CustomerId
    kind: SegmentKind
    from_segment: SegmentId | None
    to_segment: SegmentId | None
    cause: str
    """behaviour, model, merged, consent or erased."""
    moved_at: Micros


class SegmentFlow(msgspec.Struct, frozen=True):
    """Customers who went from one segment to another at a refit; None is "in none"."""

    from_segment: SegmentId | None
    to_segment: SegmentId | None
    customers: int


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a held-back refit would make of the customers, for an operator to judge."""

    segments: tuple[Segment, ...]
    """The behavioural ones that would live."""
    sizes: dict[SegmentId, int]
    """Of both kinds."""
    flows: tuple[SegmentFlow, ...]
    """From the segments that serve."""


class Refit(msgspec.Struct, frozen=True, kw_only=True):
    """One refit and what it changed: the segments' own history."""

    version: ModelVersion
    as_of: Micros
    """Learned from everything up to this moment."""
    refitted_at: Micros
    log_no: int = 0
    """Everything up to this log number was in; 0: that of the newest standing told."""
    customers: int
    """With a standing."""
    buyers: int
    sizes: dict[SegmentId, int]
    """Of both kinds."""
    compared: int = 0
    """Customers who had a behavioural segment before and have one now; those before, where all segments would end."""
    moved_behaviour: int = 0
    """Of them, moved because they behave differently: the model before would have moved them, too."""
    moved_model: int = 0
    """Of them, moved only because the model changed."""
    held_back: bool = False
    """More moved for the model's reasons than is allowed, or all segments would end: the model before still serves,
    until an operator accepts."""
    accepted_at: Micros | None = None
    proposed: Proposal | None = None
    """Of a refit that was held back; `sizes` and `flows` are of what served instead."""
    note: str = ""
    """For people: why held back, why there are no behavioural segments, …"""
    flows: tuple[SegmentFlow, ...] = ()
    measures: dict[str, float] = {}
    """value_mae, value_rmse, value_correlation, naive_mae, churn_auc, inertia_ratio, stability, separation, …"""
