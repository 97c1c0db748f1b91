"""What was asked for in the last days beside what was to be expected: the law that surprises are told by. Pure.

The forecast is made from whole weeks before these days (a fading level times the season that a category shares), as if
it had been asked then; its spread is the series' own scatter around that, and a little for what moves a level from one
quarter to the next (what the scatter holds already is not counted twice). Days without stock take
their share off what was expected, so an empty shelf is no fall and a half empty one no excuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import nbinom

from smartshop.ai_agents.inventory.demand.series import DailyDemand
from smartshop.ai_agents.inventory.forecasting.counts import at_or_below
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason
from smartshop.data_collection.pipelines.demand import DemandTable

WEEK = 7
LEAST_EXPECTED, LEAST_OVERDISPERSION = 1e-9, 1e-3
WEEKDAYS_FROM = 56
"""Days from which the shop's own week is learned."""
LEVEL = SharedSeason(half_life_years=0.5)
"""A level half forgotten in half a year: a shop that grew all year is hardly surprised by its own growth."""


@dataclass(frozen=True, slots=True)
class RecentConfig:
    least_weeks: int = 8
    """Known before these days; a younger product has nothing to be surprised by."""
    least_in_stock: float = 0.2
    """Share of these days that it must have been there."""
    level_miss: float = 0.05
    """Variance per squared mean: levels are missed by about a fifth, beyond what scatters from week to week."""
    prior_units: float = 0.5
    """Added to what was sold before: the first sale of what never sold is no wonder, and a level that rests on few
    sales is unsure."""


@dataclass(frozen=True, slots=True, eq=False)
class RecentDemand:
    """n series over the last `days` whole days."""

    days: int
    units: Floats
    """(n,) sold."""
    expected: Floats
    """(n,) in the time that it was there."""
    variance: Floats
    """(n,) of that law, a negative binomial."""
    tested: NDArray[np.bool_]
    """(n,) old enough, and there for long enough, to be judged."""

    def chance_of_more(self, units: Floats) -> Floats:
        """(n,) that so many or more are asked for; NaN where nothing can be said."""
        upto = at_or_below(np.ceil(units) - 1.0, self.expected, self.variance)
        return np.asarray(np.where(self.tested, np.where(units > 0, 1.0 - upto, 1.0), np.nan), np.float64)

    def log_likelier(self, units: Floats, rises: Sequence[float]) -> Floats:
        """(n,) logarithm of how much likelier so many units are if so many times as much is asked for than if not.

        ln(mean over c of f(x; cμ, cσ²) / f(x; μ, σ²)), each rise c as likely as the others. NaN where nothing can be
        said.
        """
        whole, usual = np.rint(units), np.maximum(self.expected, LEAST_EXPECTED)
        risen = [_log_law(whole, times * usual, times * self.variance) for times in rises]
        apart = logsumexp(risen, axis=0) - np.log(len(rises)) - _log_law(whole, usual, self.variance)
        return np.asarray(np.where(self.tested, apart, np.nan), np.float64)

    def chance_of_less(self, units: Floats) -> Floats:
        """(n,) that so many or fewer are asked for; NaN where nothing can be said."""
        upto = at_or_below(np.floor(units), self.expected, self.variance)
        return np.asarray(np.where(self.tested, upto, np.nan), np.float64)


def recent_demand(
    table: DemandTable, daily: DailyDemand, category: NDArray[np.int32], days: int, config: RecentConfig
) -> RecentDemand:
    """Of the table's last `days` days, at most four weeks.

    `category`: (n,) codes whose season is shared. A table that is too short says nothing of anybody.
    """
    n, before = len(table), table.days - days
    weeks = before // WEEK
    units = table.sold[:, before:].sum(axis=1, dtype=np.float64) if before > 0 else np.zeros(n)
    if not n or weeks < config.least_weeks:
        return RecentDemand(days, units, np.zeros(n), np.ones(n), np.zeros(n, np.bool_))
    panel = _weeks_before(table, daily, category, before, weeks)
    fit = LEVEL.fit(panel, -(-days // WEEK))
    ahead = fit.level[:, None] * fit.season[:, weeks:]
    weekly = ahead[:, np.arange(days) // WEEK]
    share = _weekday_shares(table)[(table.first_day - 1 + before + np.arange(days)) % WEEK]
    is_open = daily.is_open[before:].astype(np.float64)
    there = np.where(
        table.sold[:, before:] > 0, np.maximum(table.in_stock[:, before:], 0.5), table.in_stock[:, before:]
    )
    known = np.isfinite(panel.demand).sum(axis=1)
    weekly = weekly + (config.prior_units / np.maximum(known, 1))[:, None]
    expected = (weekly * share * is_open * there).sum(axis=1)
    unsure = fit.scatter / (fit.units_seen + config.prior_units)
    whole = (share * is_open).sum()
    was_there = (share * is_open * there).sum(axis=1) / whole if whole > 0 else np.zeros(n)
    return RecentDemand(
        days=days,
        units=units,
        expected=expected,
        variance=fit.scatter * expected + (config.level_miss + unsure) * expected**2 + 1e-9,
        tested=(known >= config.least_weeks) & (was_there >= config.least_in_stock),
    )


def _log_law(units: Floats, mean: Floats, variance: Floats) -> Floats:
    """(n,) of the negative binomial with these moments, at its least overdispersion where it has less."""
    wide = np.maximum(variance, mean * (1.0 + LEAST_OVERDISPERSION))
    return np.asarray(nbinom.logpmf(units, mean**2 / (wide - mean), mean / wide), np.float64)


def _weeks_before(
    table: DemandTable, daily: DailyDemand, category: NDArray[np.int32], before: int, weeks: int
) -> Panel:
    """Weeks counted back from the first recent day; a week of which half is unknown is unknown."""
    begin = before - weeks * WEEK
    of_days = daily.demand[:, begin:before].reshape(len(table), weeks, WEEK)
    known = np.isfinite(of_days)
    share = known.mean(axis=2)
    sums = np.where(known, of_days, 0.0).sum(axis=2)
    demand = np.divide(sums, share, out=np.full_like(sums, np.nan), where=share >= 0.5)
    return Panel(demand, Period.WEEK, table.first_day + begin, groups={"category": category})


def _weekday_shares(table: DemandTable) -> Floats:
    """(7,) of a week's orders that come on each weekday, Monday first; one order more for each."""
    orders = table.orders[-WEEKDAYS_FROM:].astype(np.float64)
    weekday = (table.first_day - 1 + np.arange(table.days)[-WEEKDAYS_FROM:]) % WEEK
    counted = np.bincount(weekday, weights=orders, minlength=WEEK) + 1.0
    return np.asarray(counted / counted.sum(), np.float64)
