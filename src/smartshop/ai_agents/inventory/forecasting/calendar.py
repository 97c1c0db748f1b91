"""What the calendar and the known causes say of a day: weekdays, distances to what moves sales, days that sell nothing.

Everything here is known ahead: a day's distance to the next promotion may look into the future, its demand may not.
"""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Panel

OPEN, PROMOTION, HOLIDAY, SCHOOL_HOLIDAY = "open", "promotion", "holiday", "school_holiday"
"""Names of causes that daily candidates know by name; every other cause is taken by its value."""
EVENT_PREFIX, WEATHER_PREFIX = "event_", "weather_"

Days = NDArray[np.int64]
Table = NDArray[np.float32]


def is_told(name: str) -> bool:
    """Whether a cause is one that a shop's keeper told: holidays of the country, events, weather."""
    return name == HOLIDAY or name.startswith((EVENT_PREFIX, WEATHER_PREFIX))


def day_numbers(panel: Panel, horizon: int) -> Days:
    """(t + h,) ordinals of a daily panel's days and of those after it."""
    return panel.first_day + np.arange(panel.periods + horizon)


def weekdays(days: Days) -> Days:
    """0 for Monday … 6 for Sunday; ordinal 1 was a Monday."""
    return (days - 1) % 7


def is_open(panel: Panel, horizon: int) -> NDArray[np.bool_]:
    """(n, h) whether anything can be sold on the days after the panel; all of them where no cause tells.

    Raises:
        ValueError: the cause is not known so far ahead.
    """
    told = panel.causes.get(OPEN)
    if told is None:
        return np.ones((len(panel), horizon), bool)
    return np.broadcast_to(cause_ahead(panel, OPEN, horizon) > 0, (len(panel), horizon))


def cause_ahead(panel: Panel, name: str, horizon: int) -> Table:
    """(n, h) or (1, h) values of a cause after the panel's last day.

    Raises:
        ValueError: it is not known so far ahead.
    """
    whole = panel.causes[name]
    ends = panel.periods + horizon
    if whole.shape[1] < ends:
        raise ValueError(
            f"The cause {name!r} is known for {whole.shape[1]} days; a forecast of {horizon} after {panel.periods} "
            f"needs {ends}."
        )
    return whole[:, panel.periods : ends]


def days_since(happens: NDArray[np.bool_], limit: int) -> Table:
    """(n, t) days since it last happened, 0 on such a day, at most `limit`, which is also told before the first.

    >>> days_since(np.array([[False, True, False, False]]), 9)
    array([[9., 0., 1., 2.]], dtype=float32)
    """
    steps = np.arange(happens.shape[1])
    last = np.maximum.accumulate(np.where(happens, steps, -limit - 1), axis=1)
    return np.minimum(steps - last, limit).astype(np.float32)


def days_until(happens: NDArray[np.bool_], limit: int) -> Table:
    """(n, t) days until it happens next, 0 on such a day, at most `limit`."""
    return days_since(happens[:, ::-1], limit)[:, ::-1]


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus 1991, chapter 8).

    >>> easter(2015)
    datetime.date(2015, 4, 5)
    """
    golden = year % 19
    century, of_century = divmod(year, 100)
    leaps, rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    full_moon = (19 * golden + century - leaps - moon + 15) % 30
    weekday = (32 + 2 * rest + 2 * (of_century // 4) - full_moon - of_century % 4) % 7
    shift = (golden + 11 * full_moon + 22 * weekday) // 451
    month, day = divmod(full_moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def distance(days: Days, feasts: Days, limit: int) -> NDArray[np.float32]:
    """(t,) days past the nearest feast, negative before it, within ±limit."""
    gaps = days[:, None] - feasts
    nearest = gaps[np.arange(len(days)), np.abs(gaps).argmin(axis=1)]
    return np.asarray(np.clip(nearest, -limit, limit), np.float32)


def date_columns(days: Days) -> dict[str, NDArray[np.float32]]:
    """Name → (t,) what a date alone says: places in week, month and year, and the way to Christmas and Easter."""
    dates = [date.fromordinal(int(day)) for day in days]
    years = range(dates[0].year - 1, dates[-1].year + 2)
    month_ends = np.array([(_next_month(one) - timedelta(days=1)).day for one in dates])
    of_month = np.array([one.day for one in dates])
    return {
        "weekday": weekdays(days).astype(np.float32),
        "day_of_month": of_month.astype(np.float32),
        "days_to_month_end": (month_ends - of_month).astype(np.float32),
        "day_of_year": np.array([one.timetuple().tm_yday for one in dates], np.float32),
        "week_of_year": np.array([one.isocalendar().week for one in dates], np.float32),
        "month": np.array([one.month for one in dates], np.float32),
        "past_christmas": distance(days, np.array([date(year, 12, 25).toordinal() for year in years]), 40),
        "past_easter": distance(days, np.array([easter(year).toordinal() for year in years]), 60),
    }


def country_holidays(country: str, days: Days) -> Table:
    """(1, t) 1 on a country's public holidays, as `holidays` knows them (an extra).

    Raises:
        ValueError: the country is not known there.
    """
    import holidays  # an extra: the base package forecasts without it

    years = range(date.fromordinal(int(days[0])).year, date.fromordinal(int(days[-1])).year + 1)
    try:
        feasts = holidays.country_holidays(country, years=years)
    except NotImplementedError as error:
        raise ValueError(f"No public holidays are known of {country!r}; give an ISO code such as 'DE'.") from error
    return np.array([[date.fromordinal(int(day)) in feasts for day in days]], np.float32)


def _next_month(one: date) -> date:
    return date(one.year + one.month // 12, one.month % 12 + 1, 1)
