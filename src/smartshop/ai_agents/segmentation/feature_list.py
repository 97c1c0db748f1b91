"""The features by name: their scale, their unit, and how to say that a customer has much or little of one."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Scale(StrEnum):
    """How a natural figure (days, orders a year, shares) becomes the number in `Features.x`."""

    PLAIN = "plain"
    """As it is."""
    LOG1P = "log1p"
    """ln(1 + figure): amounts and spans."""
    LOG = "log"
    """ln(figure): ratios to what is usual."""


class Unit(StrEnum):
    DAYS = "days"
    PER_YEAR = "a year"
    PER_MONTH = "a month"
    COUNT = "count"
    MONEY = "money"
    """Minor units of the shop's currency."""
    SHARE = "share"
    """0 to 1."""
    RATIO = "ratio"
    """1 is the usual."""


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    unit: Unit
    scale: Scale
    words: str
    """What it is, as a row of a table: `days since the last order`."""
    much: str
    """A phrase with `{}` for the figure of customers with more than usual, said of them: `{} orders a year`."""
    little: str
    many_name: str
    """Two or three words for a segment that stands out by much of it; empty: it gives no name."""
    few_name: str
    clusters: bool = True
    """False: it moves with the calendar alone, and would move customers who did nothing."""

    def natural(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the scale of `Features.x` to the unit."""
        match self.scale:
            case Scale.PLAIN:
                return x
            case Scale.LOG1P:
                return np.asarray(np.expm1(x), np.float64)
            case Scale.LOG:
                return np.asarray(np.exp(x), np.float64)


_D, _Y, _M, _N = Unit.DAYS, Unit.PER_YEAR, Unit.PER_MONTH, Unit.COUNT
_SHARE, _RATIO, _MONEY = Unit.SHARE, Unit.RATIO, Unit.MONEY
_L1, _L, _P = Scale.LOG1P, Scale.LOG, Scale.PLAIN

# fmt: off
FEATURES: tuple[Feature, ...] = (
    Feature("days_since_last_order", _D, _L1, "days since the last order",
            "last ordered {} ago", "ordered {} ago", "long away", "just ordered", clusters=False),
    Feature("days_since_seen", _D, _L1, "days since last seen",
            "last seen {} ago", "seen {} ago", "not seen lately", "here these days", clusters=False),
    Feature("days_known", _D, _L1, "days known",
            "known for {}", "known for only {}", "old acquaintances", "newcomers", clusters=False),
    Feature("orders_per_year", _Y, _L1, "orders a year",
            "{} orders a year", "only {} orders a year", "frequent buyers", "rare buyers"),
    Feature("days_between_orders", _D, _L1, "days between orders",
            "{} between orders", "only {} between orders", "long pauses", "quick returners"),
    Feature("regularity", _RATIO, _P, "regularity of rhythm",
            "order by a steady rhythm", "order in bursts", "steady rhythm", "irregular rhythm"),
    Feature("momentum", _RATIO, _L, "recent orders against before",
            "{} as many orders lately as before", "{} as many orders lately as before", "climbers", "slowing down",
            clusters=False),
    Feature("order_value", _MONEY, _L1, "value of an order",
            "{} an order", "only {} an order", "large orders", "small orders"),
    Feature("products_per_order", _N, _L1, "products in an order",
            "{} products an order", "only {} products an order", "full baskets", "single items"),
    Feature("units_per_line", _N, _L1, "pieces of each product",
            "{} pieces of each product", "only {} pieces of each product", "bulk buyers", "single pieces"),
    Feature("discount_share", _SHARE, _P, "share saved by discounts",
            "save {} by discounts", "save only {} by discounts", "bargain hunters", "full price"),
    Feature("return_share", _SHARE, _P, "share sent back",
            "send {} back", "send only {} back", "send much back", "keep what they buy"),
    Feature("breadth", _N, _L, "breadth of range",
            "buy across {} kinds of goods", "buy from only {} kinds of goods", "all-rounders", "specialists"),
    Feature("repeat_share", _SHARE, _P, "share bought again",
            "{} of what they buy they had bought before", "only {} of what they buy they had bought before",
            "repeat the same", "always something new"),
    Feature("price_level", _RATIO, _L, "price level",
            "choose what costs {} the usual", "choose what costs {} the usual", "premium choice", "low-price choice"),
    Feature("visits_per_month", _M, _L1, "visits a month",
            "{} visits a month", "only {} visits a month", "frequent visitors", "rare visitors"),
    Feature("visits_per_order", _N, _L1, "visits for each order",
            "{} visits for each order", "only {} visits for each order", "browsers", "quick deciders"),
    Feature("evening_share", _SHARE, _P, "share in the evening",
            "{} in the evening", "only {} in the evening", "evening shoppers", "daytime shoppers"),
    Feature("weekend_share", _SHARE, _P, "share at weekends",
            "{} at weekends", "only {} at weekends", "weekend shoppers", "weekday shoppers"),
    Feature("christmas_share", _SHARE, _P, "share before Christmas",
            "{} of orders before Christmas", "only {} of orders before Christmas", "before Christmas", "year round"),
    Feature("mobile_share", _SHARE, _P, "share on a phone or tablet",
            "{} on a phone or tablet", "only {} on a phone or tablet", "mobile shoppers", "desktop shoppers"),
    Feature("other_channel_share", _SHARE, _P, "share through other channels",
            "{} of orders through other channels", "only {} of orders through other channels",
            "other channels", "main channel"),
    Feature("search_share", _SHARE, _P, "share of visits with a search",
            "search in {} of visits", "search in only {} of visits", "searchers", "strollers"),
    Feature("basket_share", _SHARE, _P, "share of visits with a basket",
            "fill a basket in {} of visits", "fill a basket in only {} of visits", "ready to buy", "window shoppers"),
)
# fmt: on
"""In the order of the columns of `Features.x`."""

_COLUMNS = {feature.name: index for index, feature in enumerate(FEATURES)}


def column(name: str) -> int:
    """The column of a feature in `Features.x`."""
    return _COLUMNS[name]
