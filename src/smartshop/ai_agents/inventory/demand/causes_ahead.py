"""Which causes a forecast by day knows, and of which of the days ahead."""

from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from smartshop.ai_agents.inventory.demand.causes import (
    KnownCauses,
    Ordinals,
    events_by_day,
    told_ahead,
)
from smartshop.ai_agents.inventory.demand.known_days import EVENT, HOLIDAYS, PROMOTIONS, WEATHER, KnownAhead
from smartshop.ai_agents.inventory.forecasting.calendar import EVENT_PREFIX, WEATHER_PREFIX, country_holidays
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.schemas.ids import LocationId


def causes_ahead(table: DemandTable, known: KnownCauses, begins: int, days: int) -> tuple[KnownAhead, ...]:
    """Over so many days from the ordinal `begins` on."""
    ordinals = begins + np.arange(days, dtype=np.int64)
    return (
        *_promotions(table, int(ordinals[-1])),
        *_holidays(known.country, ordinals),
        *_events(table, known, ordinals),
        *_weather(table, known),
    )


def _promotions(table: DemandTable, last: int) -> Iterator[KnownAhead]:
    if len(table.promotions.product_no):
        yield KnownAhead(name=PROMOTIONS, kind=PROMOTIONS, told_until=last)


def _holidays(country: str | None, ordinals: Ordinals) -> Iterator[KnownAhead]:
    if country is not None and find_spec("holidays") is not None:
        feasts = ordinals[country_holidays(country, ordinals)[0] > 0].tolist()
        yield KnownAhead(name=HOLIDAYS, kind=HOLIDAYS, days=tuple(feasts))


def _events(table: DemandTable, known: KnownCauses, ordinals: Ordinals) -> Iterator[KnownAhead]:
    for cause, on in events_by_day(table, ordinals, known.events).items():
        name = cause.removeprefix(EVENT_PREFIX)
        if len(on) == 1:
            yield KnownAhead(name=name, kind=EVENT, days=tuple(ordinals[on[0] > 0].tolist()))
            continue
        alike = defaultdict[tuple[int, ...], list[LocationId]](list)
        places, first_series = np.unique(table.location, return_index=True)
        for place, series in zip(places.tolist(), first_series.tolist(), strict=True):
            alike[tuple(ordinals[on[series] > 0].tolist())].append(table.locations[place])
        for days, locations in alike.items():
            yield KnownAhead(name=name, kind=EVENT, days=days, locations=tuple(locations))


def _weather(table: DemandTable, known: KnownCauses) -> Iterator[KnownAhead]:
    last = table.first_day + table.days - 1
    for cause, ahead in told_ahead(table, known).items():
        if cause.startswith(WEATHER_PREFIX):
            yield KnownAhead(name=cause.removeprefix(WEATHER_PREFIX), kind=WEATHER, told_until=last + ahead.told)
