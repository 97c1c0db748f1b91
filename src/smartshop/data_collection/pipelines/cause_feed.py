"""What may be told of a day: one rule for files and for the route."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from smartshop.data_collection.connectors.ports import DemandCauses
from smartshop.data_collection.pipelines.price_feed import FIRST_YEAR, LONGEST_AHEAD_DAYS
from smartshop.data_collection.schemas.demand_causes import (
    MAX_NAME_LETTERS,
    NAME_PATTERN,
    CauseKind,
    DemandCause,
    TooManyNames,
)
from smartshop.errors import InvalidValue

MAX_VALUE = 1e6
"""Larger numbers are none of weather, in any unit: the highest pressure of air is 110,000 Pa."""

_NAME = re.compile(NAME_PATTERN)


def check_cause(cause: DemandCause, today: date) -> None:
    """
    Raises:
        InvalidValue: a name that is no slug, a day out of reach, a number that is none.
    """
    if len(cause.name) > MAX_NAME_LETTERS or not _NAME.fullmatch(cause.name):
        raise InvalidValue(
            f"The name {cause.name[:60]!r} is no slug; use up to {MAX_NAME_LETTERS} small letters and digits with - or"
            " _ between them, such as summer-fair."
        )
    if cause.day.year < FIRST_YEAR or cause.day > today + timedelta(days=LONGEST_AHEAD_DAYS):
        raise InvalidValue(
            f"The day {cause.day} cannot be; what is known is of days between {FIRST_YEAR} and {LONGEST_AHEAD_DAYS}"
            " days from today."
        )
    if not math.isfinite(cause.value) or abs(cause.value) > MAX_VALUE:
        raise InvalidValue(f"The value {cause.value} is no number of weather; send one within ±{MAX_VALUE:,.0f}.")
    if cause.kind is CauseKind.EVENT and cause.value != 1.0:
        raise InvalidValue(
            f"The event {cause.name!r} has the value {cause.value:g}; an event is on (1, or no value) or not told."
        )


def told_value(kind: CauseKind, value: float | None) -> float:
    """The number that was sent, which only an event may go without.

    Raises:
        InvalidValue: weather without a number.
    """
    if value is not None:
        return value
    if kind is CauseKind.WEATHER:
        raise InvalidValue("Weather without a value says nothing; send its number, such as 17.5.")
    return 1.0


def tell_what_fits(causes: Sequence[DemandCause], store: DemandCauses) -> list[str | None]:
    """Tell all at once; where there are too many names, name by name, so that only what is too much is refused.

    None for each that is kept, else why not, with its code.
    """
    try:
        return _told(causes, store)
    except TooManyNames:
        places = defaultdict[str, list[int]](list)
    for place, cause in enumerate(causes):
        places[cause.name].append(place)
    refusals: list[str | None] = [None] * len(causes)
    for of_name in places.values():
        try:
            said = _told([causes[place] for place in of_name], store)
        except TooManyNames as error:
            said = [f"{error.code}: {error}"] * len(of_name)
        for place, reason in zip(of_name, said, strict=True):
            refusals[place] = reason
    return refusals


def _told(causes: Sequence[DemandCause], store: DemandCauses) -> list[str | None]:
    refusals = store.tell(causes) if causes else []
    return [None if reason is None else f"other_kind: {reason}" for reason in refusals]
