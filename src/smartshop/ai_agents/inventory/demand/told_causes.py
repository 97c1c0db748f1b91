"""From what the shop's keeper told of days, row by row, to causes as forecasts know them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec

import numpy as np

from smartshop.ai_agents.inventory.demand.causes import DailyReading, KnownCauses, ShopEvent
from smartshop.ai_agents.inventory.forecasting.calendar import country_holidays
from smartshop.data_collection.schemas.demand_causes import CauseKind, DemandCause
from smartshop.data_collection.schemas.ids import LocationId

Stretch = tuple[str, LocationId | None]
"""A name at a place."""
ANY_DAY = np.array([738_000], np.int64)


def known_causes(country: str | None, told: Iterable[DemandCause]) -> KnownCauses:
    """`country`: whose public holidays count, as `holiday_country` lets it pass; `told`: in any order."""
    events, weather = defaultdict[Stretch, list[int]](list), defaultdict[Stretch, dict[int, float]](dict)
    for one in told:
        match one.kind:
            case CauseKind.EVENT:
                events[one.name, one.location_id].append(one.day.toordinal())
            case CauseKind.WEATHER:
                weather[one.name, one.location_id][one.day.toordinal()] = one.value
    return KnownCauses(
        country=country,
        events=tuple(
            ShopEvent(name, first, last, location)
            for (name, location), days in events.items()
            for first, last in _stretches(sorted(days))
        ),
        readings=tuple(_reading(name, location, values) for (name, location), values in weather.items()),
    )


def holiday_country(country: str | None) -> tuple[str | None, str]:
    """The country, if its public holidays are known here, else None; and why not, as a sentence ("" where all is well).

    >>> holiday_country(None)
    (None, '')
    """
    if country is None:
        return None, ""
    if find_spec("holidays") is None:
        return None, (
            f"Public holidays of {country} are not known to forecasts: `pip install 'smartshop[forecast]'` brings the "
            "calendar of holidays."
        )
    try:
        country_holidays(country, ANY_DAY)
    except ValueError:
        return None, f"No public holidays are known of {country}; tell them as events (POST /v1/demand-causes)."
    return country, ""


def in_words(known: KnownCauses) -> str:
    """What is known beyond prices, promotions and the calendar, in a line."""
    parts = [f"holidays of {known.country}"] if known.country is not None else []
    parts += _listed("events", [one.name for one in known.events])
    parts += _listed("weather", [one.name for one in known.readings])
    return "; ".join(parts) or "nothing was told"


def _listed(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what}: {', '.join(sorted(set(names)))}"] if names else []


def _reading(name: str, location: LocationId | None, values: dict[int, float]) -> DailyReading:
    first, last = min(values), max(values)
    dense = np.full(last - first + 1, np.nan, np.float32)
    dense[np.array(list(values)) - first] = list(values.values())
    return DailyReading(name, location, first, dense)


def _stretches(days: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of days, which rise."""
    first = last = days[0]
    for day in days[1:]:
        if day > last + 1:
            yield first, last
            first = day
        last = day
    yield first, last
