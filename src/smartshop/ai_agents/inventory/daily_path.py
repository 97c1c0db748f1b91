"""Which series are foreseen by day rather than by week: those that sell daily, where days told their weeks better.

Days know what weeks do not: which of them are promoted, and where in the year they lie. Both are tried from the same
earlier origins. A class of series goes by day where the loss of its sums over one to four weeks, and that of its single
weeks, are surely smaller (95 % interval over series) and at no origin much larger. Only what is known ahead explains
days: promotions, categories, the calendar, holidays and events, and weather as far as it was told. Prices of days to
come are not: when they were planned nobody knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.daily_choice import USUAL_DAILY, ChosenDays, DailyConfig, choose_days
from smartshop.ai_agents.inventory.demand.causes import NOTHING_TOLD, KnownCauses
from smartshop.ai_agents.inventory.demand.series import DemandSeries, demand_series
from smartshop.ai_agents.inventory.forecasting.calendar import PROMOTION, is_told
from smartshop.ai_agents.inventory.forecasting.choosing_classes import demand_classes
from smartshop.ai_agents.inventory.forecasting.counts import count_quantiles
from smartshop.ai_agents.inventory.forecasting.measures import pinball, ratio_interval
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, Period
from smartshop.ai_agents.inventory.pieces import Pieces, digest_of
from smartshop.ai_agents.inventory.sum_spread import USUAL_RELATIVE, weekly_scatter
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChosenForecasts, PastForecast, Tell, put
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.shelf import Shelf

WEEK, WEEKS_BY_DAY = 7, 4
LEAST_A_DAY, SELLING_DAYS = 1.0, 182
"""Units a day over the last half year from which days say something that weeks do not; sixteen weeks on sale, too."""
LEAST_SERIES, LEAST_OF_CLASS = 10, 30
"""Series below which nothing can be told, or a class follows all others that sell daily."""
MOST_LOSS = 0.05
"""Share by which days may lose at one of the origins: a hundred series of a shop err alike, and origins are few."""
MOST_MOVED = 4.0
"""Times that a week's quantiles are moved up or down with its mean."""
BY_DAY = "by day: "
"""Before the words of a method."""


@dataclass(frozen=True, slots=True, eq=False)
class ByDay:
    """What is told day by day of m of the series."""

    series: NDArray[np.int64]
    """(m,) rising"""
    days: Forecast
    """(m, 28) and (m, 28, q) from the first day that is forecast on."""
    tried: int
    """Series that sell daily."""

    @staticmethod
    def none(tried: int = 0) -> "ByDay":
        days = WEEK * WEEKS_BY_DAY
        return ByDay(np.zeros(0, np.int64), Forecast(np.zeros((0, days)), np.zeros((0, days, len(LEVELS)))), tried)

    def agreeing(self, weeks: Floats) -> "ByDay":
        """With days that add up to the means that are told of all series' weeks (n, h)."""
        told = _by_week(self.days.mean)
        wanted = weeks[self.series][:, :WEEKS_BY_DAY]
        moved = np.repeat(np.divide(wanted, told, out=np.ones_like(told), where=told > 0), WEEK, axis=1)
        days = Forecast(self.days.mean * moved, self.days.quantiles * moved[..., None])
        return replace(self, days=days)


def choose_by_day(
    table: DemandTable,
    shelf: Shelf,
    series: DemandSeries,
    chosen: ChosenForecasts,
    turnover: Floats,
    tell: Tell,
    *,
    known: KnownCauses = NOTHING_TOLD,
    scratch: Path | None = None,
    config: DailyConfig = USUAL_DAILY,
) -> tuple[ChosenForecasts, ByDay]:
    """What was chosen by week, with the first four weeks of those series that days tell better.

    `series`: whole weeks of the same table; `turnover`: (n,) money; `scratch`: where parts are kept until all is done,
    so that a killed run goes on.
    """
    some = _selling_daily(table)
    spacing = _spacing(chosen)
    if len(some) < LEAST_SERIES or spacing < WEEKS_BY_DAY or chosen.forecast.mean.shape[1] < WEEKS_BY_DAY:
        return chosen, ByDay.none(len(some))
    panel = _days(table, shelf, series, known).of(some)
    config = replace(config, horizon=WEEK * WEEKS_BY_DAY, origins=len(chosen.past), days_between=WEEK * spacing)
    value = turnover[some]
    pieces = Pieces() if scratch is None else Pieces.of(scratch, digest_of(panel, value, config))
    days = choose_days(panel, value, tell, config=config, pieces=pieces)
    pieces.clear()
    contest = _Contest(series.panel, some, _offset(table, series))
    winners = contest.winners(chosen.past, days.past)
    if not len(winners):
        return chosen, ByDay.none(len(some))
    told = contest.replaced(chosen, days, winners)
    own = Forecast(days.forecast.mean[winners], days.forecast.quantiles[winners])
    return told, ByDay(some[winners], own, len(some))


@dataclass(frozen=True, slots=True, eq=False)
class _Contest:
    """Weeks against days, of some of the series."""

    panel: Panel
    """All series by week."""
    some: NDArray[np.int64]
    offset: int
    """Days before the first week."""

    def winners(self, weekly: tuple[PastForecast, ...], daily: tuple[PastForecast, ...]) -> NDArray[np.int64]:
        """Numbers into `some`."""
        by_week = {one.origin: one.told for one in weekly}
        by_day = {self._week(one.origin): one.told for one in daily}
        shared = sorted(set(by_week) & set(by_day))
        if not shared:
            return np.zeros(0, np.int64)
        theirs, ours = list[Floats](), list[Floats]()
        for origin in shared:
            week = Forecast(by_week[origin].mean[self.some], by_week[origin].quantiles[self.some])
            theirs.append(self._losses(origin, week))
            ours.append(self._losses(origin, with_days(week, np.arange(len(self.some)), by_day[origin])))
        return self._surely_better(np.stack(ours, axis=1), np.stack(theirs, axis=1))

    def replaced(self, chosen: ChosenForecasts, days: ChosenDays, winners: NDArray[np.int64]) -> ChosenForecasts:
        by_origin = {self._week(one.origin): one.told for one in days.past}
        method = chosen.method.copy()
        method[self.some[winners]] = days.method[winners] + len(chosen.methods)
        return replace(
            chosen,
            forecast=self._put(chosen.forecast, winners, days.forecast),
            past=tuple(self._past(one, winners, by_origin) for one in chosen.past),
            judged=self._judged(chosen, days),
            method=method,
            methods=(*chosen.methods, *(BY_DAY + words for words in days.methods)),
        )

    def _judged(self, chosen: ChosenForecasts, days: ChosenDays) -> PastForecast | None:
        """The last origin, by what had won before it."""
        judged = chosen.judged
        if judged is None or days.judged is None or self._week(days.judged.origin) != judged.origin:
            return judged
        before = tuple(one for one in chosen.past if one.origin < judged.origin)
        winners = self.winners(before, tuple(one for one in days.past if self._week(one.origin) < judged.origin))
        return self._past(judged, winners, {judged.origin: days.judged.told})

    def _past(self, one: PastForecast, winners: NDArray[np.int64], by_origin: Mapping[int, Forecast]) -> PastForecast:
        told = by_origin.get(one.origin)
        return one if told is None else PastForecast(one.origin, self._put(one.told, winners, told))

    def _put(self, week: Forecast, winners: NDArray[np.int64], days: Forecast) -> Forecast:
        rows = self.some[winners]
        own = Forecast(week.mean[rows], week.quantiles[rows])
        return put(week, rows, with_days(own, winners, days))

    def _losses(self, origin: int, told: Forecast) -> Floats:
        """(m, 8) mean pinball of sums over one to four weeks, then of these weeks; NaN where nobody knows.

        Sums by a law of counts of the same scatter for both, so that means are compared and no widths.
        """
        came = self.panel.demand[self.some, origin : origin + WEEKS_BY_DAY]
        sums, means = came.cumsum(axis=1), told.mean[:, :WEEKS_BY_DAY].cumsum(axis=1)
        scatter = weekly_scatter(self.panel.until(origin).of(self.some))[:, None]
        law = count_quantiles(means, scatter * means + USUAL_RELATIVE * means**2, LEVELS)
        of_sums = pinball(sums, law, LEVELS).mean(axis=2)
        of_weeks = pinball(came, told.quantiles[:, :WEEKS_BY_DAY], LEVELS).mean(axis=2)
        return np.concatenate([of_sums, of_weeks], axis=1)

    def _surely_better(self, ours: Floats, theirs: Floats) -> NDArray[np.int64]:
        """Of losses (m, origins, 8), class by class of the weekly series."""
        of_all = _wins(ours, theirs)
        classes = demand_classes(self.panel)[self.some]
        found = np.zeros(len(ours), np.bool_)
        for number in np.unique(classes):
            members = classes == number
            found[members] = _wins(ours[members], theirs[members]) if members.sum() >= LEAST_OF_CLASS else of_all
        return np.flatnonzero(found)

    def _week(self, day: int) -> int:
        return (day - self.offset) // WEEK


def with_days(week: Forecast, rows: NDArray[np.int64], days: Forecast) -> Forecast:
    """Weeks (m, h) whose first ones sell what their days do; their quantiles are moved with the mean.

    `rows`: (m,) which of the days' series.
    """
    mean, quantiles = week.mean.copy(), week.quantiles.copy()
    told = _by_week(days.mean[rows])
    reach = min(told.shape[1], mean.shape[1])
    before = mean[:, :reach]
    moved = np.divide(told[:, :reach], before, out=np.ones_like(before), where=before > 0)
    quantiles[:, :reach] *= np.clip(moved, 1.0 / MOST_MOVED, MOST_MOVED)[..., None]
    mean[:, :reach] = told[:, :reach]
    return Forecast(mean, quantiles)


def _wins(ours: Floats, theirs: Floats) -> bool:
    """Of losses (m, origins, 8): sums and weeks each."""
    rng, parts = np.random.default_rng(0), (slice(None, WEEKS_BY_DAY), slice(WEEKS_BY_DAY, None))
    return all(_surely_less(ours[..., part], theirs[..., part], rng) for part in parts)


def _surely_less(ours: Floats, theirs: Floats, rng: np.random.Generator) -> bool:
    flat = [one.reshape(len(one), -1) for one in (ours, theirs)]
    known = np.isfinite(flat[0]).any(axis=1)
    if known.sum() < LEAST_SERIES or not np.nansum(flat[1][known]):
        return False
    by_origin = [np.nansum(one, axis=(0, 2)) for one in (ours, theirs)]
    if (by_origin[0] > (1.0 + MOST_LOSS) * by_origin[1]).any():
        return False
    return ratio_interval(flat[0][known], flat[1][known], rng).low > 0


def _selling_daily(table: DemandTable) -> NDArray[np.int64]:
    recent = table.sold[:, -SELLING_DAYS:]
    sells = recent.sum(axis=1, dtype=np.float64) >= LEAST_A_DAY * SELLING_DAYS
    return np.flatnonzero(sells & (table.listed <= table.days - USUAL_DAILY.least_days))


def _spacing(chosen: ChosenForecasts) -> int:
    """Weeks between the origins of the trials; 0 where there are too few."""
    origins = [one.origin for one in chosen.past]
    return origins[-1] - origins[-2] if len(origins) > 1 else 0


def _offset(table: DemandTable, series: DemandSeries) -> int:
    return series.panel.first_day - table.first_day


def _days(table: DemandTable, shelf: Shelf, series: DemandSeries, known: KnownCauses) -> Panel:
    """All series by day, up to the last whole week's end, with the causes that explain days.

    Of the days after that week's end what they were is known, as of those after any week that is over.
    """
    ends = _offset(table, series) + WEEK * series.panel.periods
    panel = demand_series(table, shelf, Period.DAY, WEEK * WEEKS_BY_DAY, known).panel
    since = panel.periods - ends
    return replace(
        panel,
        demand=panel.demand[:, :ends],
        causes={name: cause for name, cause in panel.causes.items() if name == PROMOTION or is_told(name)},
        told_ahead={name: replace(one, told=one.told + since) for name, one in panel.told_ahead.items()},
    )


def _by_week(days: Floats) -> Floats:
    """(n, 4) sums of (n, 28)."""
    return np.asarray(days.reshape(len(days), days.shape[1] // WEEK, WEEK).sum(axis=2), np.float64)
