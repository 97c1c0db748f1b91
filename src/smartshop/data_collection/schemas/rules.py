"""The merchant's rules: what a shop pins, boosts, buries or caps in its slates, where and when."""

from enum import StrEnum
from typing import Annotated, NewType

import msgspec
from msgspec import Meta

from smartshop.data_collection.schemas.ids import ID_PATTERN, Micros, ProductId
from smartshop.data_collection.schemas.slates import MAX_LIMIT, Surface

RuleId = NewType("RuleId", str)

MAX_RULES = 500
"""Of one shop, switched off ones too."""
MAX_STRENGTH = 4.0
"""Log-odds, of one rule and of all that move one product together: e⁴ is 55 to 1."""
MAX_MINOR = 10**15
MAX_DAYS = 3_650
MAX_UNITS = 1_000_000_000

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Texts = Annotated[list[Text], Meta(max_length=200)]
Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Units = Annotated[int, Meta(ge=0, le=MAX_UNITS)]
Margin = Annotated[float, Meta(ge=-10.0, le=1.0)]
Strength = Annotated[float, Meta(gt=0.0, le=MAX_STRENGTH, description="Log-odds: 0.7 doubles the odds.")]
AttributeValue = Annotated[str, Meta(max_length=200)] | int | float | bool
SegmentName = Annotated[
    str, Meta(pattern=ID_PATTERN, description="A segment's id: 1 to 128 bytes without slashes and control characters.")
]


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    pass


class PriceBetween(_Part, frozen=True):
    """Minor units of the shop's currency, both ends included; a product without a price is in no range."""

    min: Minor | None = None
    max: Minor | None = None


class StockBetween(_Part, frozen=True):
    """Units that can be sold, both ends included. One never counted is unlimited: it has any `min` and no `max`."""

    min: Units | None = None
    max: Units | None = None


class MarginBetween(_Part, frozen=True):
    """Of the cheapest present offer: 1 − cost ÷ price, as a share, both ends included. Not known is in no range."""

    min: Margin | None = None
    max: Margin | None = None


class RuleProducts(_Part, frozen=True):
    """Which products: all that is told must hold; of several values of one thing, one is enough. None told: all."""

    product_ids: Annotated[list[ProductId], Meta(max_length=1_000)] = []
    category: Texts = []
    """Paths; what lies below counts."""
    brand: Texts = []
    price_minor: PriceBetween = PriceBetween()
    attributes: Annotated[dict[Text, AttributeValue | list[AttributeValue]], Meta(max_length=20)] = {}
    """Attribute → the value, or a list of values, of which a product must have one."""
    stock: StockBetween = StockBetween()
    margin: MarginBetween = MarginBetween()
    new_days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] | None = None
    """Published so many days ago at most."""


class RuleWhere(_Part, frozen=True):
    """In which slates: as with products, all that is told must hold, and one of several values is enough."""

    surface: Annotated[list[Surface], Meta(max_length=len(Surface))] = []
    category: Texts = []
    """The slate was asked for with a category filter in one of these paths or below."""
    query_contains: Texts = []
    """In the search text; capitals and runs of blanks do not matter."""
    segment: Annotated[list[SegmentName], Meta(max_length=200)] = []
    """The customer stands in one of these segments, RFM groups included."""
    channel: Texts = []
    device: Texts = []


class _Effect(_Part, frozen=True, tag_field="kind"):
    pass


class Pin(_Effect, frozen=True, tag="pin"):
    """The products of `product_ids`, in their order, take the places from `position` on."""

    position: Annotated[int, Meta(ge=0, lt=MAX_LIMIT, description="From 0.")]


class Boost(_Effect, frozen=True, tag="boost"):
    strength: Strength


class Bury(_Effect, frozen=True, tag="bury"):
    strength: Strength


class CapPer(StrEnum):
    BRAND = "brand"
    CATEGORY = "category"
    """The leaf."""


class Cap(_Effect, frozen=True, tag="cap"):
    """At most so many of the products; exactly one of `at_most` and `share` is told."""

    at_most: Annotated[int, Meta(ge=0, le=MAX_LIMIT)] | None = None
    share: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    """Of the places, rounded down."""
    per: CapPer | None = None
    """Count each brand or leaf category by itself; without it, all of the products together."""


Effect = Pin | Boost | Bury | Cap


class MerchantRule(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    rule_id: RuleId
    name: str
    effect: Effect
    products: RuleProducts = RuleProducts()
    where: RuleWhere = RuleWhere()
    starts_at: Micros | None = None
    ends_at: Micros | None = None
    """The first moment at which it no longer holds."""
    priority: int = 0
    """Of two pins for one place the higher gets it, the other the next free one."""
    enabled: bool = True
    version: int = 0
    """Given by the store at every write, and never twice."""
    created_at: Micros
    changed_at: Micros
