"""The features by name: their scale, their unit, and how a merchant would speak of much or little of one."""

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
    RATE = "rate"
    """Per year or month, as the feature's words say."""
    COUNT = "count"
    MONEY = "money"
    """Minor units of the shop's currency."""
    SHARE = "share"
    """0 to 1."""
    RATIO = "ratio"
    """1 is as before."""
    LEVEL = "level"
    """1 is the usual; told in percent."""
    DEGREE = "degree"
    """0 to 1, without a figure that would tell people anything."""


@dataclass(frozen=True, slots=True)
class Side:
    """How to speak of customers who have more (or less) of a feature than others. Empty: it is not spoken of."""

    phrase: str
    """With `{}` for their figure: `{} orders a year`."""
    adjective: str = ""
    """Before `buyers` in a segment's name: `frequent`. Names last, so only habits have one, and with a figure."""
    adverb: str = ""
    """After `buy`, also where it was said already what: `often`. Whatever has an adjective has an adverb."""


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    unit: Unit
    scale: Scale
    words: str
    """What it is, as a row of a table: `days since the last order`."""
    much: Side
    little: Side
    clusters: bool = True
    """False: it changes as time goes by, and would move customers who did nothing."""

    def natural(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the scale of `Features.x` to the unit."""
        match self.scale:
            case Scale.PLAIN:
                return x
            case Scale.LOG1P:
                return np.asarray(np.expm1(x), np.float64)
            case Scale.LOG:
                return np.asarray(np.exp(x), np.float64)


FEATURES: tuple[Feature, ...] = (
    Feature(
        "days_since_last_order", Unit.DAYS, Scale.LOG1P, "time since the last order",
        Side("last order {} ago"), Side("last order {} ago"),
        clusters=False,
    ),
    Feature(
        "days_since_seen", Unit.DAYS, Scale.LOG1P, "time since last seen",
        Side("last seen {} ago"), Side("last seen {} ago"),
        clusters=False,
    ),
    Feature(
        "days_known", Unit.DAYS, Scale.LOG1P, "time known",
        Side("known for {}"), Side("known for {}"),
        clusters=False,
    ),
    Feature(
        "orders_per_year", Unit.RATE, Scale.LOG1P, "orders a year",
        Side("{} orders a year", "frequent", "often"), Side("{} orders a year", "occasional", "now and then"),
    ),
    Feature(
        "days_between_orders", Unit.DAYS, Scale.LOG1P, "time between orders",
        Side("{} between orders", "", "with long pauses"), Side("{} between orders", "", "soon again"),
    ),
    Feature(
        "regularity", Unit.DEGREE, Scale.PLAIN, "regularity of orders",
        Side("a steadier rhythm", "", "by a steady rhythm"),
        Side("a freer rhythm", "", "at irregular times"),
    ),
    Feature(
        "momentum", Unit.RATIO, Scale.LOG, "orders lately against before",
        Side("{} as many orders lately as before", "", "more and more"),
        Side("{} as many orders lately as before", "", "less than before"),
        clusters=False,
    ),
    Feature(
        "order_value", Unit.MONEY, Scale.LOG1P, "value of an order",
        Side("{} an order", "high-value", "in large orders"), Side("{} an order", "small-order", "in small orders"),
    ),
    Feature(
        "products_per_order", Unit.COUNT, Scale.LOG1P, "products in an order",
        Side("{} products an order", "full-basket", "with full baskets"),
        Side("{} products an order", "small-basket", "with small baskets"),
    ),
    Feature(
        "units_per_line", Unit.COUNT, Scale.LOG1P, "pieces of each product",
        Side("{} pieces of each product", "bulk", "in bulk"),
        Side("{} pieces of each product", "small-quantity", "in small quantities"),
    ),
    Feature(
        "discount_share", Unit.SHARE, Scale.PLAIN, "saved by discounts",
        Side("{} saved by discounts", "bargain", "at a discount"),
        Side("{} saved by discounts", "full-price", "at full price"),
    ),
    Feature(
        "return_share", Unit.SHARE, Scale.PLAIN, "sent back",
        Side("{} sent back", "try-at-home", "to try at home"), Side("{} sent back", "", "to keep"),
    ),
    Feature(
        "breadth", Unit.COUNT, Scale.LOG, "kinds of goods",
        Side("from {} kinds of goods", "whole-range", "across the range"),
        Side("from {} kinds of goods", "specialised", "from a narrow range"),
    ),
    Feature(
        "repeat_share", Unit.SHARE, Scale.PLAIN, "bought again",
        Side("{} bought again", "restocking", "again and again"),
        Side("{} bought again", "variety-loving", "trying new things each time"),
    ),
    Feature(
        "price_level", Unit.LEVEL, Scale.LOG, "price level",
        Side("{} of their kind's median price", "premium", "at the dearer end"),
        Side("{} of their kind's median price", "price-conscious", "at the cheaper end"),
    ),
    Feature(
        "visits_per_month", Unit.RATE, Scale.LOG1P, "visits a month",
        Side("{} visits a month", "often visiting", "over many visits"),
        Side("{} visits a month", "seldom visiting", "over few visits"),
    ),
    Feature(
        "visits_per_order", Unit.COUNT, Scale.LOG1P, "visits for each order",
        Side("{} visits for each order", "comparing", "after looking around"),
        Side("{} visits for each order", "quick-deciding", "without looking around"),
    ),
    Feature(
        "evening_share", Unit.SHARE, Scale.PLAIN, "in the evening",
        Side("{} in the evening", "evening", "in the evening"), Side("{} in the evening", "daytime", "by day"),
    ),
    Feature(
        "weekend_share", Unit.SHARE, Scale.PLAIN, "at weekends",
        Side("{} at weekends", "weekend", "at weekends"), Side("{} at weekends", "weekday", "on weekdays"),
    ),
    Feature(
        "christmas_share", Unit.SHARE, Scale.PLAIN, "orders before Christmas",
        Side("{} of orders before Christmas", "Christmas", "before Christmas"),
        Side("{} of orders before Christmas", "off-season", "outside the Christmas season"),
    ),
    Feature(
        "mobile_share", Unit.SHARE, Scale.PLAIN, "on a phone or tablet",
        Side("{} on a phone or tablet", "mobile", "on the phone"),
        Side("{} on a phone or tablet", "desktop", "at the desk"),
    ),
    Feature(
        "other_channel_share", Unit.SHARE, Scale.PLAIN, "orders outside the main channel",
        Side("{} of orders outside the main channel", "many-channel", "through other channels"),
        Side("{} of orders outside the main channel"),
    ),
    Feature(
        "search_share", Unit.SHARE, Scale.PLAIN, "visits with a search",
        Side("a search in {} of visits", "searching", "by searching"),
        Side("a search in {} of visits", "strolling", "by strolling"),
    ),
    Feature(
        "basket_share", Unit.SHARE, Scale.PLAIN, "visits with a filled basket",
        Side("a basket in {} of visits", "decided", "often filling a basket"),
        Side("a basket in {} of visits", "window-shopping", "seldom filling a basket"),
    ),
)  # fmt: skip
"""In the order of the columns of `Features.x`."""

_COLUMNS = {feature.name: index for index, feature in enumerate(FEATURES)}


def column(name: str) -> int:
    """The column of a feature in `Features.x`."""
    return _COLUMNS[name]
