"""A slate asked for, a slate given, and the decision behind it as the log keeps it."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    Micros,
    ProductId,
    ProductNo,
    ShopperKey,
)

MAX_LIMIT = 200
MAX_HISTORY = 1_000


class Surface(StrEnum):
    HOME = "home"
    PRODUCT = "product"
    BASKET = "basket"
    SEARCH = "search"
    CATEGORY = "category"
    EMAIL = "email"
    ORDER = "order"


class Bought(StrEnum):
    ALLOW = "allow"
    EXCLUDE = "exclude"
    ONLY = "only"


class Seen(StrEnum):
    ALLOW = "allow"
    EXCLUDE = "exclude"


class PriceRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minor units of the shop's currency, both ends included."""

    min: int | None = None
    max: int | None = None


class SlateFilters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: list[str] = []
    """Category paths; a product in any of them, or below, passes."""
    brand: list[str] = []
    price_minor: PriceRange = PriceRange()
    in_stock: bool = True
    bought: Bought | None = None
    """None: the surface's default (`home`, `email` and `order` leave out what was bought in the last 30 days)."""
    seen: Seen | None = None
    exclude: list[ProductId] = []
    attributes: dict[str, Any] = {}
    """Attribute name → the value, or a list of values, that a product must have. Any: the shop's own JSON."""


class SlateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    surface: Surface
    customer_id: CustomerId | None = None
    anonymous_id: AnonymousId | None = None
    product_id: ProductId | None = None
    basket: list[ProductId] = []
    history: list[ProductId] = []
    """Oldest first; the newest 1,000 are used."""
    stateless: bool = False
    query: str | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = 12
    filters: SlateFilters = SlateFilters()
    context: "SlateContext" = msgspec.field(default_factory=lambda: SlateContext())
    explain: bool = True


class SlateContext(Context, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    at: str | None = None
    """RFC 3339; sets the request's time (secret key only)."""


class Reason(msgspec.Struct, frozen=True):
    """Why an item is shown, in plain words, and the evidence a shopper or merchant could check."""

    code: str
    text: str
    evidence: dict[str, Any] = {}
    """Any: counts, product ids and dates that back the sentence."""


class Adjustment(msgspec.Struct, frozen=True):
    """What a rule, diversity or exploration did to this item after scoring."""

    rule: str
    text: str


class SlateItem(msgspec.Struct, frozen=True):
    product_id: ProductId
    position: int
    """From 0."""
    score: float
    propensity: float
    reason: Reason | None
    contributions: dict[str, float]
    """Advisor → weight × log-odds; they sum to `score` within 1e-5."""
    adjustments: list[Adjustment] = []


class Policy(msgspec.Struct, frozen=True):
    """The advice weights this decision was made with, and the chance they were drawn with."""

    name: str
    probability: float
    weights: dict[str, float]


class Slate(msgspec.Struct, frozen=True, kw_only=True):
    decision_id: DecisionId
    surface: Surface
    policy: Policy
    degraded: list[str] | None
    took_ms: float
    items: list[SlateItem]


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The whole argument of one slate, ≤ 4 KB packed, kept 30 days. Arrays are parallel, shown items first.

    `shown` of the n entries were in the slate, the rest are runners-up (up to 20). `log_odds[a][i]` is what advisor
    `advisors[a]` said of entry i, unweighted, as packed little-endian float32.
    """

    decision_id: DecisionId
    decided_at: Micros
    surface: Surface
    shopper_key: ShopperKey
    is_customer: bool = False
    """Whose key it is: a customer and a browser may have the same letters, and neither may read the other's."""
    policy: Policy
    model_versions: dict[str, str]
    product_no: list[ProductNo]
    shown: int
    propensity: list[float]
    """Of the shown entries; a runner-up has none."""
    advisors: list[str]
    log_odds: list[bytes]
    reasons: list[Reason | None] = []
    adjustments: dict[int, list[Adjustment]] = {}
    """Entry → what happened to it after scoring."""
    anchor_product_id: ProductId | None = None
    query: str | None = None
    degraded: list[str] = []
    took_micros: int = 0
    candidates: bytes | None = None
    """For 1 % of decisions: up to 200 candidates' product_no as packed int32, then their scores as packed float32."""
