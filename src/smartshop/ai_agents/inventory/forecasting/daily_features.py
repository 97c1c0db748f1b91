"""What is known, at an origin, of each of the days after it: the columns that one model learns from over all series.

Two sorts. *Days*: the calendar and the causes, known ahead, the same whatever the origin. *Past*: what each series did
before the origin, always relative to its own level, so that shops of every size teach each other. Nothing of the past
reads demand at or after its origin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import (
    OPEN,
    PROMOTION,
    cause_ahead,
    date_columns,
    day_numbers,
    days_since,
    days_until,
    weekdays,
)
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel

Columns = dict[str, NDArray[np.float32]]

YEAR = 364
"""A year of whole weeks, so that weekdays meet."""
LEVEL_WINDOWS = (7, 14, 28, 56, 112, 224, 364)
"""Days over which recent levels are averaged."""
LEVEL_DAYS = 56
"""The level that everything is relative to: long enough for both sorts of week, short enough to follow a trend."""
CLASS_SHRINKAGE = 2.0
"""Days' worth of the mean over all series that a class of days of one series is pulled to."""
FAR, WEEK = 30, 7
REACH_BACK = YEAR + LEVEL_DAYS
"""How far the past is read: a year ago, and the level then."""
CLASS_DAYS, CLASS_LAST = 182, 6
"""The last six days of a class are looked for this far back."""
LONG_CLOSING = 7
"""Closed for so many days in a row is more than a feast: a refitting, a holiday."""
AROUND = (3, 10)
"""Days to each side over which last year's same days are averaged."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the series had done before an origin, in logarithms."""

    base: Floats
    """(n, h) level and usual effect of the day's class: what is learned is the difference to it."""
    columns: Columns
    """Name → (n, h) or (n, 1)."""


def logarithms(panel: Panel) -> Floats:
    """(n, t) log(1 + demand); NaN where it is not known."""
    return np.asarray(np.log1p(panel.demand), np.float64)


def day_columns(panel: Panel, horizon: int) -> Columns:
    """Name → (n, t + h) or (1, t + h) what the calendar and the causes say of each day."""
    days = panel.periods + horizon
    columns = {name: column[None, :] for name, column in date_columns(day_numbers(panel, horizon)).items()}
    for name in sorted(panel.causes):
        cause_ahead(panel, name, horizon)
        told = panel.causes[name][:, :days].astype(np.float32)
        if name == OPEN:
            columns.update(_closing_columns(told > 0, weekdays(day_numbers(panel, horizon))))
            continue
        columns[name] = told
        if np.isin(panel.causes[name], (0.0, 1.0)).all():
            columns.update(_switch_columns(name, told > 0))
    return columns


def _switch_columns(name: str, is_on: NDArray[np.bool_]) -> Columns:
    """How far a day is from the nearest change of a cause that is on or off, and how much is on around it."""
    return {
        f"{name}_since_on": days_since(is_on, FAR),
        f"{name}_until_on": days_until(is_on, FAR),
        f"{name}_since_off": days_since(~is_on, FAR),
        f"{name}_until_off": days_until(~is_on, FAR),
        f"{name}_around": _mean_around(is_on.astype(np.float32), WEEK),
    }


def _closing_columns(is_open: NDArray[np.bool_], weekday: NDArray[np.int64]) -> Columns:
    """Distances to closings that the weekday does not explain, to long ones, and how open the days around are."""
    is_weekday = weekday[:, None] == np.arange(7)
    usually = is_open.astype(np.float64) @ is_weekday / np.maximum(is_weekday.sum(axis=0), 1)
    is_odd = ~is_open & (usually[:, weekday] > 0.5)
    is_long = _in_run(~is_open, LONG_CLOSING)
    return {
        "odd_closing_since": days_since(is_odd, WEEK),
        "odd_closing_until": days_until(is_odd, WEEK),
        "long_closing_since": days_since(is_long, 3 * FAR),
        "long_closing_until": days_until(is_long, 3 * FAR),
        "open_around": _mean_around(is_open.astype(np.float32), 3),
        "usually_open": usually[:, weekday].astype(np.float32),
    }


def _in_run(is_on: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Which days lie in a run of at least so many; what lies beyond the ends counts as off."""
    is_off = np.pad(~is_on, ((0, 0), (1, 1)), constant_values=True)
    limit = is_off.shape[1]
    length = days_since(is_off, limit) + days_until(is_off, limit) - 1
    return is_on & (length[:, 1:-1] >= least)


def _mean_around(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """(n, t) mean over the days from `reach` before to `reach` after, fewer at the ends."""
    return window_means(values.astype(np.float64), np.arange(values.shape[1]) - reach, 2 * reach + 1).astype(np.float32)


def window_means(values: Floats, begins: NDArray[np.int64], length: int) -> Floats:
    """(n, m) means of what is known in windows that begin at these columns; NaN where a window knows nothing."""
    known = np.isfinite(values)
    sums = np.concatenate([np.zeros((len(values), 1)), np.where(known, values, 0.0).cumsum(axis=1)], axis=1)
    counts = np.concatenate([np.zeros((len(values), 1)), known.cumsum(axis=1)], axis=1)
    low, high = (np.clip(edge, 0, values.shape[1]) for edge in (begins, begins + length))
    with np.errstate(invalid="ignore"):
        return np.asarray((sums[:, high] - sums[:, low]) / (counts[:, high] - counts[:, low]), np.float64)


def past_columns(panel: Panel, logs: Floats, classes: NDArray[np.int64], origin: int, horizon: int) -> Past:
    """What the first `origin` days say of the `horizon` days after them.

    `logs`: (n, t) as `logarithms` makes them; `classes`: (n, ≥ origin + horizon) weekday and causes of each day.
    """
    begin = max(0, origin - REACH_BACK)
    logs, classes, known = logs[:, begin:origin], classes[:, begin : origin + horizon], origin - begin
    effects = _class_effects(logs[:, -YEAR:], classes[:, :known][:, -YEAR:], int(classes.max()) + 1)
    usual = np.take_along_axis(effects, classes, axis=1)
    rest = logs - usual[:, :known]
    level = _level(rest)
    relative = rest - level[:, None]
    ahead = usual[:, known:]
    columns: Columns = {
        "horizon": np.broadcast_to(np.arange(1, horizon + 1, dtype=np.float32), ahead.shape),
        "class_effect": ahead.astype(np.float32),
        "class_recent": _recent_of_class(
            relative[:, -CLASS_DAYS:], classes[:, :known][:, -CLASS_DAYS:], classes[:, known:]
        ),
        "size": level[:, None].astype(np.float32),
        "spread": _spread(relative[:, -LEVEL_WINDOWS[4] :]),
    }
    for days in LEVEL_WINDOWS:
        columns[f"level_{days}"] = window_means(relative, np.array([known - days]), days).astype(np.float32)
    columns.update(_year_ago(relative, known, horizon))
    columns.update(_own_effects(panel, relative[:, -YEAR:], origin))
    return Past(level[:, None] + ahead, columns)


def _level(rest: Floats) -> Floats:
    """(n,) mean of the last known days; of all where those know nothing, 0 where all know nothing."""
    recent = window_means(rest, np.array([rest.shape[1] - LEVEL_DAYS]), LEVEL_DAYS)[:, 0]
    whole = window_means(rest, np.array([0]), rest.shape[1])[:, 0]
    return np.nan_to_num(np.where(np.isfinite(recent), recent, whole))


def _class_effects(logs: Floats, classes: NDArray[np.int64], n_classes: int) -> Floats:
    """(n, c) mean of a class of days less the series' own mean, pulled to that of all series where days are few."""
    known = np.isfinite(logs)
    centre = window_means(logs, np.array([0]), logs.shape[1])
    rows = np.broadcast_to(np.arange(len(logs))[:, None], logs.shape)[known]
    place = rows * n_classes + classes[known]
    sums = np.bincount(place, (logs - centre)[known], len(logs) * n_classes).reshape(len(logs), n_classes)
    counts = np.bincount(place, minlength=len(logs) * n_classes).reshape(len(logs), n_classes)
    of_all = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    return np.asarray((sums + CLASS_SHRINKAGE * of_all) / (counts + CLASS_SHRINKAGE), np.float64)


def _recent_of_class(relative: Floats, classes: NDArray[np.int64], ahead: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, h) median of the last six days of the same class, relative; NaN where there were none."""
    found = np.full(ahead.shape, np.nan, np.float32)
    for one in np.unique(ahead):
        is_some = (classes == one).any(axis=0)
        if not is_some.any():
            continue
        of_class = np.where(classes[:, is_some] == one, relative[:, is_some], np.nan)
        found = np.where(ahead == one, _median_of_last(of_class, CLASS_LAST)[:, None], found)
    return found


def _median_of_last(values: Floats, last: int) -> NDArray[np.float32]:
    """(n,) median of the last known values of each row; NaN where there are none."""
    known = np.isfinite(values)
    from_end = known[:, ::-1].cumsum(axis=1)[:, ::-1]
    kept = np.where(known & (from_end <= last), values, np.inf)
    counts = np.isfinite(kept).sum(axis=1)
    ordered = np.sort(kept, axis=1)
    rows = np.arange(len(values))
    low, high = ordered[rows, np.maximum(counts - 1, 0) // 2], ordered[rows, counts // 2]
    return np.where(counts > 0, (low + high) / 2.0, np.nan).astype(np.float32)


def _spread(relative: Floats) -> NDArray[np.float32]:
    """(n, 1) standard deviation around the usual."""
    known = np.isfinite(relative)
    counts = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, relative, 0.0).sum(axis=1) / counts
    square = np.where(known, relative**2, 0.0).sum(axis=1) / counts
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0))[:, None], np.float32)


def _year_ago(relative: Floats, origin: int, horizon: int) -> Columns:
    """The same days a year before, relative to the level then: the day, the days around it, and those of all series."""
    ahead = np.arange(origin, origin + horizon) - YEAR
    then = window_means(relative, np.array([origin - YEAR - LEVEL_DAYS]), LEVEL_DAYS)
    columns = {"year_ago": (window_means(relative, ahead, 1) - then).astype(np.float32)}
    everyone = _mean_of_known(relative)
    for reach in AROUND:
        columns[f"year_ago_{reach}"] = (window_means(relative, ahead - reach, 2 * reach + 1) - then).astype(np.float32)
    base = window_means(everyone, np.array([origin - YEAR - LEVEL_DAYS]), LEVEL_DAYS)
    of_all = window_means(everyone, ahead - 1, 3) - base
    columns["year_ago_all"] = np.broadcast_to(of_all, (len(relative), horizon)).astype(np.float32)
    return columns


def _mean_of_known(values: Floats) -> Floats:
    """(1, t) mean over the series; NaN where none is known."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))[None, :], np.float64)


def _own_effects(panel: Panel, relative: Floats, origin: int) -> Columns:
    """Name → (n, 1) how a series answered, over its last year, to each cause that is on or off."""
    columns: Columns = {}
    days = relative.shape[1]
    for name in sorted(panel.causes):
        told = panel.causes[name][:, origin - days : origin]
        if name in (OPEN, PROMOTION) or not np.isin(panel.causes[name], (0.0, 1.0)).all():
            continue
        on, off = (window_means(np.where(told == side, relative, np.nan), np.array([0]), days) for side in (1, 0))
        columns[f"{name}_effect"] = (on - off).astype(np.float32)
    return columns
