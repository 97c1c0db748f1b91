"""What a forecast knew of the days ahead, as it is kept with the model and told to people."""

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from smartshop.data_collection.schemas.ids import LocationId

PROMOTIONS, HOLIDAYS = "promotions", "public holidays"
EVENT, WEATHER = "event", "weather"


class KnownAhead(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One cause over the days that are forecast."""

    name: str
    kind: str
    """promotions, public holidays, event or weather"""
    days: tuple[int, ...] = ()
    """Ordinals of the holidays, or of the days on which the event is on."""
    told_until: int | None = None
    """Ordinal of the last day told; the weather of later ones is as usual at that time of the year."""
    locations: tuple[LocationId, ...] = ()
    """Where; empty is everywhere."""


class CauseSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What one place's forecast by day knew of the days ahead."""

    name: str
    kind: str
    """promotions, public holidays, event or weather"""
    days: list[str]
    """Of holidays and events: those ahead."""
    told_until: str | None
    """Of the others: the last day told. The weather of later days is taken as usual at that time of the year."""


def seen_at(known: Iterable[KnownAhead], location: LocationId) -> list[CauseSeen]:
    """What was known of a place."""
    return [
        CauseSeen(
            name=one.name,
            kind=one.kind,
            days=[date.fromordinal(day).isoformat() for day in one.days],
            told_until=None if one.told_until is None else date.fromordinal(one.told_until).isoformat(),
        )
        for one in known
        if not one.locations or location in one.locations
    ]


def in_a_line(known: Iterable[CauseSeen]) -> str:
    """
    >>> in_a_line([CauseSeen(name="fair", kind=EVENT, days=["2026-06-20"], told_until=None)])
    'fair on 2026-06-20'
    """
    return "; ".join(_told(one) for one in known)


def on_day(known: Iterable[CauseSeen], day: str) -> Iterator[str]:
    """Names of the events and holidays of a day."""
    return (one.name for one in known if day in one.days)


def _told(one: CauseSeen) -> str:
    if one.told_until is not None:
        return f"{one.name} until {one.told_until}" + (", then as usual" if one.kind == WEATHER else "")
    return f"{one.name} on {', '.join(one.days)}" if one.days else f"{one.name}: none ahead"
