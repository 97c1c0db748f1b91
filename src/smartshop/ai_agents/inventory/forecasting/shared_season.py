"""Counts whose time of the year is shared: a level of its own for each series, a season for each group of them.

One series of a few sales a week says nothing of its season; all of a category say it well, after little more than a
year. Demand is level × season. Both are read from the other in turns, as ratios of sums, the estimate of greatest
likelihood for Poisson counts (iterative proportional fitting; Deming & Stephan 1940); a group's season is drawn to that
of all series, and this one to none, by so many units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.boosted_counts_features import YEAR
from smartshop.ai_agents.inventory.forecasting.counts import counted
from smartshop.ai_agents.inventory.forecasting.empirical import fading
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel

TURNS = 4
"""Levels and seasons settle to a thousandth within them."""
PRIOR_SERIES_PERIODS = 2.0
"""So many periods at the level of the series' group are added to a series' own."""
PRIOR_SPREAD_PERIODS = 8.0
"""So many periods with the scatter of all series are added to a series' own."""


@dataclass(frozen=True, slots=True, eq=False)
class SeasonalFit:
    """n series over t periods known and h to come."""

    level: Floats
    """(n,) units per period at season 1."""
    season: Floats
    """(n, t + h)"""
    scatter: Floats
    """(n,) variance per unit of mean from period to period, at least 1."""
    units_seen: Floats
    """(n,) units that the level rests on, fading ones counted less."""


@dataclass(frozen=True, slots=True)
class SharedSeason:
    """A fading level times the group's season."""

    name: ClassVar[str] = "shared season"
    group: str = "category"
    """Of the panel's groups; where it has none, all series share one season."""
    half_life_years: float = 1.0
    """After which a sale counts half in a level."""
    reach_years: float = 0.04
    """Standard deviation of the bell over which a season is smoothed: two weeks."""
    prior_units: float = 30.0
    """So many units at each time of the year draw a group's season to that of all, and this one to none."""
    least_years: float = 1.0
    """Less past than that says no season from a level that moved."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        fit = self.fit(panel, horizon)
        return counted(fit.level[:, None] * fit.season[:, panel.periods :], fit.scatter, levels)

    def fit(self, panel: Panel, horizon: int) -> "SeasonalFit":
        """Levels, seasons and scatter, and how much they rest on."""
        year, known = YEAR[panel.period], np.isfinite(panel.demand)
        demand = np.where(known, panel.demand, 0.0)
        weights = fading(panel.periods, self.half_life_years * year)
        place = np.arange(panel.periods + horizon) % year
        season = np.ones((len(panel), panel.periods + horizon))
        level = _levels(demand, known * season[:, : panel.periods], weights)
        if panel.periods >= self.least_years * year:
            members = self._members(panel)
            for _ in range(TURNS):
                season = self._seasons(demand, known * level[:, None], place, members)
                level = _levels(demand, known * season[:, : panel.periods], weights)
        scatter = _scatter(demand, level[:, None] * season[:, : panel.periods], known)
        squares = demand @ weights**2
        seen = np.divide((demand @ weights) ** 2, squares, out=np.zeros(len(demand)), where=squares > 0)
        return SeasonalFit(level, season, scatter, np.asarray(seen, np.float64))

    def _members(self, panel: Panel) -> Floats:
        """(g, n) 1 where a series is of a group."""
        codes = panel.groups.get(self.group, np.zeros(len(panel), np.int32))
        return np.asarray(codes == np.unique(codes)[:, None], np.float64)

    def _seasons(self, demand: Floats, expected: Floats, place: NDArray[np.int64], members: Floats) -> Floats:
        """(n, t + h) each series' season. `expected`: (n, t) by levels alone; `place`: (t + h,) time of the year."""
        known, year = place[: demand.shape[1]], int(place.max()) + 1
        of_year = np.eye(year)[known]
        near = _bell(year, self.reach_years * year)
        came, awaited = demand @ of_year @ near, expected @ of_year @ near
        all_came, all_awaited = came.sum(axis=0), awaited.sum(axis=0)
        whole = (all_came + self.prior_units) / (all_awaited + self.prior_units)
        seasons = (members @ came + self.prior_units * whole) / (members @ awaited + self.prior_units)
        seasons /= seasons.mean(axis=1, keepdims=True)
        return np.asarray(seasons[members.argmax(axis=0)][:, place], np.float64)


def _bell(year: int, reach: float) -> Floats:
    """(year, year) weights by distance, the year's end next to its beginning; 1 at none."""
    apart = np.abs(np.arange(year)[:, None] - np.arange(year))
    apart = np.minimum(apart, year - apart)
    return np.asarray(np.exp(-0.5 * (apart / reach) ** 2), np.float64)


def _levels(demand: Floats, exposure: Floats, weights: Floats) -> Floats:
    """(n,) units per period at season 1, drawn a little to the mean of all; 0 where nothing is known."""
    units, periods = demand @ weights, exposure @ weights
    typical = float(units.sum() / periods.sum()) if periods.sum() > 0 else 0.0
    # A series that sells less than usual is drawn to its own whole mean, not up to the usual one.
    own = np.divide(demand.sum(axis=1), exposure.sum(axis=1), out=np.zeros(len(demand)), where=exposure.sum(axis=1) > 0)
    centre = np.minimum(own, typical)
    drawn = (units + PRIOR_SERIES_PERIODS * centre) / (periods + PRIOR_SERIES_PERIODS)
    return np.asarray(np.where(exposure.sum(axis=1) > 0, drawn, 0.0), np.float64)


def _scatter(demand: Floats, fitted: Floats, known: NDArray[np.bool_]) -> Floats:
    """(n,) variance per unit of mean around what was fitted, drawn to that of all series; at least 1."""
    squares = np.where(known, (demand - fitted) ** 2, 0.0).sum(axis=1)
    mean = np.where(known, fitted, 0.0).sum(axis=1)
    usual = float(squares.sum() / mean.sum()) if mean.sum() > 0 else 1.0
    prior = PRIOR_SPREAD_PERIODS * np.divide(mean, known.sum(axis=1), out=np.zeros(len(mean)), where=known.any(axis=1))
    return np.asarray(np.maximum((squares + usual * prior) / np.maximum(mean + prior, 1e-9), 1.0), np.float64)
