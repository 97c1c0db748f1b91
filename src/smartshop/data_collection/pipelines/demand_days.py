"""Moments as days of the shop: an order belongs to the day that the shop's own wall shows, also where clocks change."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import to_datetime, to_micros
from smartshop.data_collection.schemas.ids import Micros

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DAY_NANOSECONDS = 86_400 * 1_000_000_000
HOURS = 24


def local_days(at: NDArray[np.int64], timezone: ZoneInfo) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(m,) ordinals of the days on the shop's wall, and the share of 24 hours that its clock had gone by then.

    `at`: (m,) µs UTC. A day of 23 or 25 hours is one day; the hour told twice has the same share twice.
    """
    moments = pl.Series(at, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(timezone.key)
    days = moments.dt.date().cast(pl.Int32).to_numpy() + np.int32(_EPOCH_ORDINAL)
    shares = moments.dt.time().cast(pl.Int64).to_numpy() / _DAY_NANOSECONDS
    return np.asarray(days, np.int32), np.asarray(shares, np.float64)


def local_day(at: Micros, timezone: ZoneInfo) -> int:
    """Ordinal of one moment's day."""
    return to_datetime(at).astimezone(timezone).date().toordinal()


def day_begins(day: int, timezone: ZoneInfo) -> Micros:
    """The first moment of a day, µs UTC."""
    return to_micros(datetime.combine(date.fromordinal(day), time.min, timezone).astimezone(UTC))


def last_whole_day(until: Micros, timezone: ZoneInfo) -> int:
    """The newest day that is over at `until`; a day half gone would look like one that sold badly."""
    return local_day(Micros(until + 1), timezone) - 1


def selling_hours(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(25,) share of a usual day's orders that came by each full hour, from 0 to 1.

    An empty shelf costs little at night. One order an hour is added, so that no hour counts as none.
    """
    orders = np.histogram(shares, bins=HOURS, range=(0.0, 1.0))[0] + 1.0
    return np.concatenate([[0.0], np.cumsum(orders) / orders.sum()])


def sold_by(shares: NDArray[np.float64], hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) share of a usual day's orders that has come when so much of the day has gone."""
    return np.interp(shares, np.linspace(0.0, 1.0, HOURS + 1), hours)
