"""Cells of an import file as typed values; a bad one names its column, its value and what would be right."""

import json
from datetime import UTC, datetime
from typing import Any

from smartshop.data_collection.pipelines.clock import format_rfc3339, to_micros
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue


def whole_number(values: dict[str, str], column: str) -> int | None:
    text = values.get(column)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise InvalidValue(f"The {column} {text[:40]!r} is no whole number; write for example 3.") from None


def json_object(values: dict[str, str], column: str) -> dict[str, Any]:
    """Any: the shop's own JSON."""
    text = values.get(column)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidValue(f'The {column} {text[:40]!r} is no JSON object; write for example {{"colour": "red"}}.')
    return found


def moment(values: dict[str, str], column: str) -> Micros | None:
    """RFC 3339, or epoch seconds; a time without a zone is UTC."""
    text = values.get(column)
    if text is None:
        return None
    try:
        if text.lstrip("-").replace(".", "", 1).isdigit():
            return Micros(round(float(text) * 1_000_000))
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidValue(
            f"The {column} {text[:40]!r} is no time; write 2026-11-22T15:30:00Z or epoch seconds."
        ) from None
    return to_micros(found if found.tzinfo else found.replace(tzinfo=UTC))


def wire_time(micros: Micros) -> str:
    try:
        return format_rfc3339(micros)
    except OverflowError:
        raise InvalidValue(f"The time {micros / 1e6:.0f} s after 1970 is beyond the calendar.") from None
