"""Prices as a cause of demand: what was asked at the end of each day, over what was usual until then."""

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.demand import DemandTable

USUAL_HALF_LIFE_DAYS = 45.0
"""So many days ago a price says half as much of what is usual: a rise is usual again after some months."""

Table = NDArray[np.float32]


def relative_prices(table: DemandTable, horizon_days: int) -> Table:
    """(n, t + h) price last asked before each day, over the usual. The last of all stands ahead.

    The usual is an exponentially weighted mean of the logarithms of the prices before that one.
    """
    keep = 0.5 ** (1.0 / USUAL_HALF_LIFE_DAYS)
    prices = evening_prices(table)
    relative = np.ones((len(table), table.days + horizon_days), np.float32)
    usual = np.zeros(len(table))
    weight = np.zeros(len(table))
    for day in range(table.days):
        price = prices[:, day]
        told = np.isfinite(price)
        logs = np.log(np.where(told, price, 1.0))
        gap = logs - np.divide(usual, weight, out=logs.copy(), where=weight > 0)
        known_on = slice(day + 1, day + 2) if day + 1 < table.days else slice(table.days, None)
        relative[:, known_on] = np.exp(gap)[:, None]
        usual, weight = usual * keep + np.where(told, logs, 0.0), weight * keep + told
    return relative


def evening_prices(table: DemandTable) -> Table:
    """(n, t) what was asked at the end of each day: as last sold, moved by what the shop changed since; NaN before the
    first sale.

    On the day of a change the sale says less than the change: nobody knows which of the two prices it was at.
    """
    sold = np.where(table.price_minor > 0, table.price_minor, np.nan)
    moved = _steps_by_day(table)
    if moved is None:
        return _last_told(sold)
    told = np.isfinite(sold)
    was_told = np.zeros_like(told)
    was_told[:, 1:] = np.logical_or.accumulate(told, axis=1)[:, :-1]
    sold[(moved != 0) & was_told] = np.nan
    level = np.cumsum(moved, axis=1)
    return np.asarray(_last_told(np.asarray(sold * np.exp(-level), np.float32)) * np.exp(level), np.float32)


def _steps_by_day(table: DemandTable) -> Table | None:
    """(n, t) logarithms of new over old price on the days of the table; None where no price was set."""
    steps = table.steps
    day = steps.day - table.first_day
    some = np.flatnonzero((day >= 0) & (day < table.days))
    if not len(some):
        return None
    moved = np.zeros((len(table), table.days), np.float32)
    begins, ends = (np.searchsorted(table.product_no, steps.product_no, side) for side in ("left", "right"))
    for step in some:
        moved[begins[step] : ends[step], day[step]] += steps.log_step[step]
    return moved


def _last_told(values: Table) -> Table:
    """Each day's value, or the last one before it; NaN before the first."""
    days = np.arange(values.shape[1])
    last = np.maximum.accumulate(np.where(np.isfinite(values), days, -1), axis=1)
    told = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.asarray(np.where(last >= 0, told, np.nan), np.float32)
