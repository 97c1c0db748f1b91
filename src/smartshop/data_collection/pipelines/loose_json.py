"""Reading JSON whose senders keep to no types: a field is what it should be, or it counts as missing."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
"""Any: each field is looked at before it is used."""

MAX_TEXT_CHARACTERS = 2_048


def text_of(source: Json, *names: str) -> str | None:
    """The first of these fields that holds text; numbers count as text, since clients send ids so."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str) and value.strip():
            return value[:MAX_TEXT_CHARACTERS]
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
            return str(value)
    return None


def object_of(source: Json, name: str) -> Json:
    value = source.get(name)
    return value if isinstance(value, dict) else {}


def whole_number_of(source: Json, name: str) -> int | None:
    value = number_of(source, name)
    return int(value) if value is not None and value == int(value) else None


def number_of(source: Json, name: str) -> float | None:
    """Finite, also when sent as text."""
    value = source.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e18 else None
