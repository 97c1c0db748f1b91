"""Money as integer minor units by the currency's ISO 4217 exponent: JPY 0, GBP 2, KWD 3. Never a float inside."""

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import msgspec

from smartshop.errors import InvalidValue

EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
"""ISO 4217 currencies whose exponent is not 2 (SIX list one, as of 2024)."""

_CURRENCY = re.compile(r"[A-Z]{3}")
MAX_MINOR = 10**15
"""Larger amounts are refused: no shop sells them, and sums must stay inside int64."""


class Money(msgspec.Struct, frozen=True):
    amount_minor: int
    currency: str


def clean_currency(raw: str) -> str:
    """Return the ISO 4217 code in capitals.

    Raises:
        InvalidValue: not three letters.
    """
    code = raw.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise InvalidValue(f"The currency {raw[:20]!r} is no ISO 4217 code; use three letters such as GBP.")
    return code


def exponent(currency: str) -> int:
    return EXPONENTS.get(currency, 2)


def to_minor(amount: str | int | float | Decimal, currency: str) -> int:
    """Return a decimal amount in minor units, sub-unit remains rounded half-even.

    >>> to_minor("12.345", "GBP"), to_minor(1.5, "JPY"), to_minor("1.5", "KWD")
    (1234, 2, 1500)

    Raises:
        InvalidValue: not a finite number, or beyond ±10^15 minor units.
    """
    try:
        value = Decimal(repr(amount) if isinstance(amount, float) else str(amount)).scaleb(exponent(currency))
        minor = int(value.to_integral_value(rounding=ROUND_HALF_EVEN))
    except (InvalidOperation, ValueError, OverflowError):
        raise InvalidValue(f"The amount {str(amount)[:40]!r} is no number; send a decimal such as 12.50.") from None
    if abs(minor) > MAX_MINOR:
        raise InvalidValue(f"The amount {str(amount)[:40]!r} is beyond what a price can be.")
    return minor


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    return Decimal(amount_minor).scaleb(-exponent(currency))


def written(amount_minor: int, currency: str) -> str:
    """
    >>> written(123456, "GBP"), written(123456, "JPY")
    ('1,234.56 GBP', '123,456 JPY')
    """
    return f"{to_decimal(amount_minor, currency):,} {currency}"


def written_whole(amount_minor: int, currency: str) -> str:
    """Without the parts of a unit, and without the currency, for the cells of a table.

    >>> written_whole(123456, "GBP"), written_whole(123456, "JPY")
    ('1,235', '123,456')
    """
    return f"{to_decimal(amount_minor, currency):,.0f}"
