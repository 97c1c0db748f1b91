"""How figures are written for people: money in the shop's currency, shares, spans, rates, as one says them."""

import math
from decimal import Decimal

from smartshop.ai_agents.segmentation.feature_list import Feature, Unit
from smartshop.data_collection.schemas.money import exponent, to_decimal

SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩"}
"""Currencies whose sign is known wherever they are; others are written by their code."""
_WHOLE_FROM = 100
"""Amounts from here on are told without cents."""
_MANY_DAYS, _MANY_MONTHS = 120, 24
"""Longer spans are told in months, and in years."""
_MONTH_DAYS = 365.25 / 12


def say_money(amount_minor: float, currency: str) -> str:
    """`£312`, `£12.50`, `312 CHF`, `¥1,200`.

    >>> say_money(31_200.4, "GBP"), say_money(1_250, "EUR"), say_money(1_200, "JPY"), say_money(-500, "CHF")
    ('£312', '€12.50', '¥1,200', '−5.00 CHF')
    """
    value = abs(to_decimal(round(amount_minor), currency))
    digits = 0 if value >= _WHOLE_FROM else exponent(currency)
    text = f"{round(value, digits) if digits else Decimal(round(value)):,.{digits}f}"
    minus = "−" if round(amount_minor) < 0 else ""
    sign = SIGNS.get(currency)
    return f"{minus}{text} {currency}" if sign is None else f"{minus}{sign}{text}"


def say_share(share: float) -> str:
    """`62 %`; a share that is there and rounds to nothing is `under 1 %`."""
    percent = round(100 * share)
    return "under 1 %" if percent == 0 and share > 0 else f"{percent} %"


def say_number(number: float) -> str:
    """One decimal below ten, none above: `4.1`, `24`, `1,200`."""
    return f"{number:.1f}".removesuffix(".0") if abs(number) < 9.95 else f"{round(number):,}"


def say_days(days: float, beside: float = math.inf) -> str:
    """`1 day`, `45 days`, `7 months`, `3 years`; in days, months or years as the lesser of it and the one `beside` it.

    >>> say_days(213), say_days(213, beside=106)
    ('7 months', '213 days')
    """
    lesser, months = min(days, beside), days / _MONTH_DAYS
    if lesser < _MANY_DAYS:
        return _plural(round(days), "day")
    if lesser / _MONTH_DAYS < _MANY_MONTHS:
        return _plural(round(months), "month")
    return _plural(round(months / 12), "year")


def say_both(feature: Feature, figure: float, other: float, currency: str) -> tuple[str, str]:
    """Two figures that a reader compares, in the same unit."""
    if feature.unit is Unit.DAYS and math.isfinite(figure) and math.isfinite(other):
        return say_days(figure, beside=other), say_days(other, beside=figure)
    return say(feature, figure, currency), say(feature, other, currency)


def say(feature: Feature, figure: float, currency: str) -> str:
    """A figure in the feature's natural unit; empty for what has none that tells people anything."""
    if not math.isfinite(figure):
        return ""
    match feature.unit:
        case Unit.DAYS:
            return say_days(figure)
        case Unit.MONEY:
            return say_money(figure, currency)
        case Unit.SHARE:
            return say_share(figure)
        case Unit.LEVEL:
            return say_share(figure)
        case Unit.RATIO:
            return f"{say_number(figure)} times"
        case Unit.DEGREE:
            return ""
        case Unit.COUNT | Unit.RATE:
            return say_number(figure)


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number:,} {word}s"
