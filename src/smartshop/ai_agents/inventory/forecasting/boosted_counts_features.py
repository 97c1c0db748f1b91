"""What a learner over all series sees of one at one moment: its past before that moment, and when it is asked for."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period

LAGS = 6
"""How many last periods are seen one by one."""
RECENT = 12
"""Periods of which the spread, the median and the largest are seen."""
WINDOWS = {
    Period.DAY: (7, 14, 28, 56, 112, 364),
    Period.WEEK: (2, 4, 8, 13, 26, 52),
    Period.MONTH: (2, 3, 6, 12, 24, 52),
}
"""Periods over which means are seen: a few, and up to the year or more."""
SHARE_WINDOWS = (6, 12, 26)
"""Periods of which the share with a sale is seen."""
HALF_LIVES = (1.5, 4.0, 10.0)
"""Of the fading means, in periods."""
YEAR = {Period.DAY: 364, Period.WEEK: 52, Period.MONTH: 12}
"""Periods after which the same time of the year comes again; 364 days keep the weekday."""
LONGEST_SILENCE, LONGEST_LIFE = 60.0, 120.0
"""Periods beyond which a silence or a life says nothing more."""
LEVEL_SHARE = 0.7
"""Of the recent mean in a series' size; the rest is its whole mean."""
LEAST_SIZE = 0.02
"""Of the mean of all series, added to a size so that a silent series has one."""


@dataclass(frozen=True, slots=True)
class Pasts:
    """m moments of n series: what is known before each."""

    moments: NDArray[np.int64]
    """(m,) how many periods are known at each."""
    columns: dict[str, Floats]
    """Name → (n, m), in units; NaN where too little is known."""
    plain: dict[str, Floats]
    """Name → (n, m), without unit."""
    size: Floats
    """(n, m) units per period > 0 to which shares are told."""
    total: Floats
    """(t,) units of all series."""


def look_back(panel: Panel, moments: NDArray[np.int64]) -> Pasts:
    demand = panel.demand
    summed, counted = _running(np.where(np.isfinite(demand), demand, 0.0)), _running(np.isfinite(demand))
    windows = WINDOWS[panel.period]
    columns = {f"mean_{w}": _mean(summed, counted, moments, w) for w in windows}
    columns |= {f"lag_{lag}": _at(demand, moments - lag) for lag in range(1, LAGS + 1)}
    columns |= {f"fading_{life:g}": _fading_means(demand, life)[:, moments] for life in HALF_LIVES}
    columns["mean_all"] = whole = _mean(summed, counted, moments, panel.periods)
    columns |= _recent_spread(demand, moments)
    sold = _running(demand > 0)
    plain = {f"share_{w}": _mean(sold, counted, moments, w) for w in SHARE_WINDOWS}
    plain["silent"], plain["life"] = _silence_and_life(demand, moments)
    recent = columns[f"mean_{windows[3]}"]
    every = summed[:, moments].sum(axis=0) / np.maximum(counted[:, moments].sum(axis=0), 1.0)
    size = LEVEL_SHARE * np.nan_to_num(recent) + (1.0 - LEVEL_SHARE) * np.nan_to_num(whole) + LEAST_SIZE * every
    return Pasts(moments, columns, plain, np.maximum(size, 1e-9), np.asarray(np.nansum(demand, axis=0)))


def rows(panel: Panel, pasts: Pasts, ahead: int, *, shares: bool) -> tuple[NDArray[np.float32], list[str]]:
    """(m · n, f) features to foretell the period `ahead` steps on (1: the next), moments outside, and their names.

    `shares`: what is in units is told per size; else as it is.
    """
    per = pasts.size if shares else np.ones_like(pasts.size)
    table = {name: values / per for name, values in pasts.columns.items()}
    table |= pasts.plain
    table["log_size"] = np.log(pasts.size)
    table |= {name: values / (per if in_units else 1.0) for name, values, in_units in _year_ago(panel, pasts, ahead)}
    table["ahead"] = np.full_like(per, float(ahead))
    table["season"] = np.broadcast_to(_seasons(panel, pasts.moments + ahead - 1), per.shape)
    table |= {f"code_{name}": np.broadcast_to(codes[:, None], per.shape) for name, codes in panel.groups.items()}
    names = list(table)
    stacked = np.stack([table[name].T.reshape(-1) for name in names], axis=1)
    return stacked.astype(np.float32), names


def _year_ago(panel: Panel, pasts: Pasts, ahead: int) -> list[tuple[str, Floats, bool]]:
    """What came at this time of the last year, against the months before the same moment: own, and of all series."""
    year, span = YEAR[panel.period], WINDOWS[panel.period][2]
    then = pasts.moments + ahead - 1 - year
    around = _three_about(panel.demand, then, pasts.moments)
    before = _mean_before(panel.demand, pasts.moments - year, span)
    all_around = _three_about(pasts.total[None, :], then, pasts.moments)
    all_before = _mean_before(pasts.total[None, :], pasts.moments - year, span)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(before > 0, around / before, np.nan)
        every = np.where(all_before > 0, all_around / all_before, np.nan)
        recent = _mean_before(pasts.total[None, :], pasts.moments, 4)
        trend = recent / _mean_before(pasts.total[None, :], pasts.moments, RECENT)
    shape = around.shape
    return [
        ("year_ago", np.where(then < pasts.moments, _at(panel.demand, then), np.nan), True),
        ("about_year_ago", around, True),
        ("rise_year_ago", own, False),
        ("rise_of_all_year_ago", np.broadcast_to(every, shape), False),
        ("trend_of_all", np.broadcast_to(trend, shape), False),
    ]


def _seasons(panel: Panel, periods: NDArray[np.int64]) -> Floats:
    """(m,) the weekday, the week of the year or the month that a period is."""
    match panel.period:
        case Period.DAY:
            return np.asarray((panel.first_day + periods) % 7, np.float64)
        case Period.WEEK:
            days = [date.fromordinal(panel.first_day + 7 * int(number)) for number in periods]
            return np.array([min((day.timetuple().tm_yday - 1) // 7, 51) for day in days], np.float64)
        case Period.MONTH:
            return np.asarray((date.fromordinal(panel.first_day).month - 1 + periods) % 12, np.float64)


def _running(values: NDArray[np.generic]) -> Floats:
    """(n, t + 1) sums of the first 0, 1, … periods."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1, dtype=np.float64)], axis=1)


def _mean(summed: Floats, counted: Floats, moments: NDArray[np.int64], window: int) -> Floats:
    first = np.maximum(moments - window, 0)
    number = counted[:, moments] - counted[:, first]
    told = summed[:, moments] - summed[:, first]
    return np.asarray(np.divide(told, number, out=np.full(told.shape, np.nan), where=number > 0), np.float64)


def _mean_before(demand: Floats, moments: NDArray[np.int64], window: int) -> Floats:
    """(n, m) over the periods before each moment; NaN where a moment lies before the first."""
    known = np.isfinite(demand)
    held = np.clip(moments, 0, demand.shape[1])
    found = _mean(_running(np.where(known, demand, 0.0)), _running(known), held, window)
    return np.where(moments > 0, found, np.nan)


def _three_about(demand: Floats, periods: NDArray[np.int64], moments: NDArray[np.int64]) -> Floats:
    """(n, m) mean of the period and its neighbours; NaN before the first period and for what comes after the moment."""
    found = _mean_before(demand, periods + 2, 3)
    return np.where((periods >= 0) & (periods + 2 <= moments), found, np.nan)


def _at(demand: Floats, periods: NDArray[np.int64]) -> Floats:
    inside = (periods >= 0) & (periods < demand.shape[1])
    return np.where(inside, demand[:, np.where(inside, periods, 0)], np.nan)


def _fading_means(demand: Floats, half_life: float) -> Floats:
    """(n, t + 1) exponentially weighted means before each moment."""
    fade = 0.5 ** (1.0 / half_life)
    told, weight = np.zeros(len(demand)), np.zeros(len(demand))
    found = np.full((len(demand), demand.shape[1] + 1), np.nan)
    for number, came in enumerate(demand.T, start=1):
        known = np.isfinite(came)
        told = told * fade + np.where(known, came, 0.0)
        weight = weight * fade + known
        np.divide(told, weight, out=found[:, number], where=weight > 0)
    return found


def _recent_spread(demand: Floats, moments: NDArray[np.int64]) -> dict[str, Floats]:
    """Spread, largest and middle of the last periods known at each moment."""
    spread, largest, middle, upper = (np.full((len(demand), len(moments)), np.nan) for _ in range(4))
    for place, moment in enumerate(moments.tolist()):
        recent = demand[:, max(moment - RECENT, 0) : moment]
        any_known = np.isfinite(recent).any(axis=1)
        if not any_known.any():
            continue
        seen = recent[any_known]
        spread[any_known, place] = np.nanstd(seen, axis=1)
        middle[any_known, place], upper[any_known, place], largest[any_known, place] = _ranked(seen)
    return {"spread": spread, "largest": largest, "middle": middle, "upper": upper}


def _ranked(seen: Floats) -> tuple[Floats, Floats, Floats]:
    """Median, 80 % and largest of rows with something known; sorting puts NaN last."""
    ordered = np.sort(seen, axis=1)
    last = np.isfinite(seen).sum(axis=1) - 1
    at = [np.rint(last * share).astype(np.int64) for share in (0.5, 0.8, 1.0)]
    middle, upper, largest = (np.take_along_axis(ordered, one[:, None], axis=1)[:, 0] for one in at)
    return middle, upper, largest


def _silence_and_life(demand: Floats, moments: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Periods since the last sale, and since the first."""
    numbers = np.arange(1, demand.shape[1] + 1)
    sold = demand > 0
    last = np.concatenate(
        [np.zeros((len(demand), 1)), np.maximum.accumulate(np.where(sold, numbers, 0), axis=1)], axis=1
    )
    life = _running(np.logical_or.accumulate(sold, axis=1))
    return np.minimum(moments - last[:, moments], LONGEST_SILENCE), np.minimum(life[:, moments], LONGEST_LIFE)
