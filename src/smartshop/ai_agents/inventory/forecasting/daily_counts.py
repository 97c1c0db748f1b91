"""Light forecasts of daily counts, over thousands of series at once: a level, the weekday, promotions, a law of counts.

What a day is over the level (its *factor*) is learned from few units, so that it is pulled to what all series show: by
so many units more, as the mean of a gamma law of factors is moved by Poisson counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import (
    PROMOTION,
    cause_ahead,
    day_numbers,
    is_open,
    weekdays,
)
from smartshop.ai_agents.inventory.forecasting.counts import counted
from smartshop.ai_agents.inventory.forecasting.empirical import fading, weighted_quantiles
from smartshop.ai_agents.inventory.forecasting.intermittent import croston_sba, tsb
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

WEEK, YEAR = 7, 364
HALF_LIFE_WEEKS = 12.0
"""Weeks after which a weekday's sale counts half."""
PRIOR_UNITS = 10.0
"""Units that say as much of a factor as all series do."""
LEVEL_DAYS = 84
"""Days that the plain level and the scatter are taken from: twelve weeks, as of weekly series."""
DAY_ALPHA = 0.05
"""Weight of the newest sale, or day, in SBA and TSB: about a month of days."""
FACTOR_RANGE = (0.05, 20.0)


class Level(StrEnum):
    """How the units of a usual day are told."""

    RECENT = "negative binomial"
    SBA = "Croston-SBA"
    TSB = "TSB"


@dataclass(frozen=True, slots=True)
class WeekdayEmpirical:
    """Fading empirical quantiles of the days of the same weekday, promoted or not."""

    name: ClassVar[str] = "weekday empirical"
    half_life_weeks: float = HALF_LIFE_WEEKS

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        weekday = weekdays(day_numbers(panel, horizon))
        mean = np.zeros((len(panel), horizon))
        quantiles = np.zeros((len(panel), horizon, len(levels)))
        for one in range(WEEK):
            of_day, ahead = weekday[: panel.periods] == one, weekday[panel.periods :] == one
            if not of_day.any() or not ahead.any():
                continue
            demand = panel.demand[:, of_day]
            weights = fading(demand.shape[1], self.half_life_weeks)
            known = np.isfinite(demand)
            whole = known @ weights
            units = np.where(known, demand, 0.0) @ weights
            mean[:, ahead] = np.divide(units, whole, out=np.zeros(len(panel)), where=whole > 0)[:, None]
            quantiles[:, ahead] = weighted_quantiles(demand, weights, levels)[:, None, :]
        return on_open_days(panel, mean, quantiles)


@dataclass(frozen=True, slots=True)
class WeekdayCounts:
    """A level times the day's factor, with the scatter of counts as it was around such days."""

    name: ClassVar[str] = "weekday counts"
    level: Level = Level.RECENT

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        factors = day_factors(panel, horizon)
        level = self._units(panel, factors[:, : panel.periods])
        mean = level[:, None] * factors[:, panel.periods :]
        told = counted(mean, scatter(panel, factors), levels)
        return on_open_days(panel, told.mean, told.quantiles)

    def _units(self, panel: Panel, factors: Floats) -> Floats:
        """(n,) units of a day whose factor is 1."""
        match self.level:
            case Level.RECENT:
                return recent_level(panel.demand, factors)
            case Level.SBA:
                return croston_sba(panel.demand, DAY_ALPHA)
            case Level.TSB:
                return tsb(panel.demand, DAY_ALPHA, DAY_ALPHA)


def counts_around(panel: Panel, mean: Floats, levels: Sequence[float]) -> Forecast:
    """A mean (n, h) told by anything, with the scatter of the panel's counts around their days' factors."""
    told = counted(mean, scatter(panel, day_factors(panel, 0)), levels)
    return on_open_days(panel, told.mean, told.quantiles)


def day_factors(panel: Panel, horizon: int) -> Floats:
    """(n, t + h) what each day usually is over the series' level: its weekday, and its promotion where it has one.

    Learned from the last year that is known.

    Raises:
        ValueError: promotions are not known so far ahead.
    """
    recent = slice(max(panel.periods - YEAR, 0), panel.periods)
    demand = panel.demand[:, recent]
    weekday = weekdays(day_numbers(panel, horizon))
    level = _mean(demand)
    of_day = np.stack(
        [_factor(demand, np.repeat(level[:, None], demand.shape[1], 1), weekday[recent] == one) for one in range(WEEK)],
        axis=1,
    )
    # A level is what the usual week has on average, so that seven factors make seven days.
    of_day /= of_day.mean(axis=1, keepdims=True)
    factors = of_day[:, weekday]
    if PROMOTION not in panel.causes:
        return factors
    cause_ahead(panel, PROMOTION, horizon)
    promoted = np.broadcast_to(panel.causes[PROMOTION][:, : factors.shape[1]] > 0, factors.shape)
    if not promoted[:, recent].any():
        return factors
    plain = _level_of(demand, factors[:, recent], ~promoted[:, recent])
    lift = _factor(demand, plain[:, None] * factors[:, recent], promoted[:, recent])
    return np.asarray(np.where(promoted, factors * lift[:, None], factors), np.float64)


def recent_level(demand: Floats, factors: Floats) -> Floats:
    """(n,) units per factor over the last days; over all of them where those are not known."""
    recent = _level_of(demand[:, -LEVEL_DAYS:], factors[:, -LEVEL_DAYS:], np.True_)
    lost = ~np.isfinite(demand[:, -LEVEL_DAYS:]).any(axis=1)
    return np.where(lost, _level_of(demand, factors, np.True_), recent)


def scatter(panel: Panel, factors: Floats) -> Floats:
    """(n,) variance per unit of mean of the last days around what their factors told, at least 1.

    Pearson's: squares over what was expected, summed before they are divided, so that no day expected to be empty
    decides. `factors`: (n, ≥ t).
    """
    some = slice(max(panel.periods - LEVEL_DAYS, 0), panel.periods)
    demand = panel.demand[:, some]
    told = recent_level(panel.demand, factors[:, : panel.periods])[:, None] * factors[:, some]
    known = np.isfinite(demand)
    squares = np.where(known, (demand - told) ** 2, 0.0).sum(axis=1)
    expected = np.where(known, told, 0.0).sum(axis=1)
    days = known.sum(axis=1)
    free = np.maximum(days - 1, 1) / np.maximum(days, 1)
    found = np.divide(squares, expected * free, out=np.ones(len(panel)), where=(expected > 0) & (days > 1))
    return np.asarray(np.maximum(found, 1.0), np.float64)


def on_open_days(panel: Panel, mean: Floats, quantiles: Floats) -> Forecast:
    """Tidy, and nothing on closed days."""
    is_selling = is_open(panel, mean.shape[1])
    return tidy(np.where(is_selling, mean, 0.0), np.where(is_selling[..., None], quantiles, 0.0))


def _mean(demand: Floats) -> Floats:
    known = np.isfinite(demand)
    return np.asarray(np.where(known, demand, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.float64)


def _level_of(demand: Floats, factors: Floats, some: NDArray[np.bool_] | np.bool_) -> Floats:
    """(n,) units over factors of the known days among some; 0 where there are none."""
    known = np.isfinite(demand) & some
    units, whole = (np.where(known, one, 0.0).sum(axis=1) for one in (demand, factors))
    return np.asarray(np.divide(units, whole, out=np.zeros(len(demand)), where=whole > 0), np.float64)


def _factor(demand: Floats, expected: Floats, some: NDArray[np.bool_]) -> Floats:
    """(n,) units that came over those expected on some days, pulled to the same of all series."""
    known = np.isfinite(demand) & some
    units, told = (np.where(known, one, 0.0).sum(axis=1) for one in (demand, expected))
    of_all = float(np.clip(units.sum() / told.sum(), *FACTOR_RANGE)) if told.sum() > 0 else 1.0
    return np.asarray(np.clip((units + PRIOR_UNITS * of_all) / (told + PRIOR_UNITS), *FACTOR_RANGE), np.float64)
