"""RFC 3339 texts to int64 µs UTC, fast: every event passes here."""

import re
from datetime import datetime

from smartshop.data_collection.pipelines.clock import to_micros
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_rfc3339(text: str, what: str = "time") -> Micros:
    """Return the moment; digits beyond microseconds are cut, a leap second counts as the second before it.

    >>> parse_rfc3339("1970-01-01T00:00:01.5Z"), parse_rfc3339("1970-01-01T01:00:00+01:00")
    (1500000, 0)

    Raises:
        InvalidValue: not RFC 3339, or without an offset.
    """
    if _RFC3339.fullmatch(text) is None:
        raise InvalidValue(f"The {what} {text[:40]!r} is not RFC 3339; send for example 2026-11-22T15:30:00Z.")
    try:
        return to_micros(_read(text))
    except ValueError:
        raise InvalidValue(f"The {what} {text[:40]!r} is no moment that exists; look at its day and hour.") from None


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # A small z and a leap second are RFC 3339 too, though Python's parser knows neither.
        capital = text.upper()
        if capital[17:19] == "60":
            capital = f"{capital[:17]}59{capital[19:]}"
        return datetime.fromisoformat(capital)
