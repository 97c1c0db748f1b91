"""Cells of an import file as typed values; a bad one names its column, its value and what would be right."""

import json
from datetime import UTC, datetime
from typing import Any

from smartshop.data_collection.pipelines.clock import format_rfc3339, to_datetime, to_micros
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.money import MAX_MINOR
from smartshop.errors import InvalidValue


def whole_number(values: dict[str, str], column: str) -> int | None:
    text = values.get(column)
    if text is None:
        return None
    number = _whole(text)
    if number is None or abs(number) > MAX_MINOR:
        example = "1250 for 12.50" if column.endswith("_minor") else "3"
        raise InvalidValue(f"The {column} {text[:40]!r} is no whole number up to 10^15; write for example {example}.")
    return number


def _whole(text: str) -> int | None:
    """3, or 3.0 as tables write it beside empty cells; None for anything else."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


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
            micros = Micros(round(float(text) * 1_000_000))
            to_datetime(micros)  # refuses what is beyond the calendar
            return micros
        found = datetime.fromisoformat(text)
        return to_micros(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise InvalidValue(
            f"The {column} {text[:40]!r} is no time; write 2026-11-22T15:30:00Z or epoch seconds."
        ) from None


def wire_time(micros: Micros) -> str:
    try:
        return format_rfc3339(micros)
    except OverflowError:
        raise InvalidValue(f"The time {micros / 1e6:.0f} s after 1970 is beyond the calendar.") from None
