"""What is known of days beyond what the books tell: events of the shop, and weather, past and to come."""

from datetime import date
from enum import StrEnum

import msgspec

from smartshop.data_collection.schemas.ids import LocationId
from smartshop.errors import InvalidValue

NAME_PATTERN = r"^[a-z0-9]+([_-][a-z0-9]+)*$"
MAX_NAME_LETTERS = 40


class CauseKind(StrEnum):
    EVENT = "event"
    """Something is on that day, or not: a fair, a campaign, a bridge that is closed."""
    WEATHER = "weather"
    """A number of the day: °C, mm of rain, hours of sun."""


MOST_NAMES = {CauseKind.EVENT: 200, CauseKind.WEATHER: 12}
"""Names of a kind that a shop may have. Weather is a number a day for every series that is learned from: a dozen of
them for 10,000 series of two years are 350 MB."""


class DemandCause(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing known of one day, at one place or everywhere."""

    name: str
    """A slug; all of its days are of one kind."""
    kind: CauseKind
    day: date
    """In the shop's own zone."""
    value: float
    """Of weather the number, in the unit that the shop always uses for it; of an event 1."""
    location_id: LocationId | None = None
    """None: everywhere, but for places that are told something of their own under this name."""


class CauseFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which causes are asked for; None is any."""

    name: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    """Itself included."""


class NamedCause(msgspec.Struct, frozen=True, kw_only=True):
    """What is told under one name, as a whole."""

    name: str
    kind: CauseKind
    days: int
    """Rows: days, once for each place."""
    first_day: date
    last_day: date


class TooManyNames(InvalidValue):
    code = "too_many_names"

    def __init__(self, kind: CauseKind, names: int) -> None:
        super().__init__(
            f"The shop would have {names} names of kind {kind.value}, and at most {MOST_NAMES[kind]} are kept; use one "
            "name for what comes again, or delete one that is of no more use."
        )


def other_kind(cause: DemandCause, known: CauseKind) -> str:
    """Why this cannot be told under its name."""
    return (
        f"{cause.name!r} is known as {known.value} and is told as {cause.kind.value} here; use another name, or delete "
        "the days told so far."
    )
