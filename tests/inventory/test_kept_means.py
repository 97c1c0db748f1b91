"""Means are moved toward sums only where that came nearer before."""

from dataclasses import replace

import numpy as np

from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period
from smartshop.ai_agents.inventory.kept_means import nearer_means
from smartshop.ai_agents.inventory.weekly_choice import ChosenForecasts, PastForecast

SERIES, WEEKS, AHEAD = 5, 40, 6
ORIGINS = (28, 32, 36)
DAYS = np.array([1, 3])
PANEL = Panel(np.full((SERIES, WEEKS), 10.0), Period.WEEK, 738_000)


def told(mean: float) -> Forecast:
    return Forecast(np.full((SERIES, AHEAD), mean), np.zeros((SERIES, AHEAD, 3)))


def chosen(now: float, past: tuple[float, ...], judged: float) -> ChosenForecasts:
    origins = tuple(PastForecast(origin, told(mean)) for origin, mean in zip(ORIGINS, past, strict=True))
    last = PastForecast(ORIGINS[-1], told(judged))
    return ChosenForecasts(told(now), np.zeros(SERIES, np.int32), ("one",), origins, last, None)


def past_of(days: float, others: float) -> tuple[PastForecast, ...]:
    """Told at every origin: by day, and of the other series."""
    mean = np.full((SERIES, AHEAD), others)
    mean[DAYS] = days
    return tuple(PastForecast(origin, Forecast(mean, told(0.0).quantiles)) for origin in ORIGINS)


def test_days_stay_where_they_came_nearer_before() -> None:
    own = replace(chosen(3.0, (0.0,) * 3, 3.0), past=past_of(10.5, 13.0))
    found = nearer_means(PANEL, own, chosen(7.0, (12.0, 12.0, 12.0), 7.0), DAYS)
    moved = np.full((SERIES, AHEAD), 7.0)
    moved[DAYS] = 3.0
    np.testing.assert_array_equal(found.forecast.mean, moved)
    assert found.judged is not None
    np.testing.assert_array_equal(found.judged.told.mean, moved)
    assert [float(one.told.mean[1, 0]) for one in found.past] == [10.5] * 3
    assert [float(one.told.mean[0, 0]) for one in found.past] == [12.0] * 3


def test_weeks_stay_where_they_came_nearer_and_sums_are_then_theirs() -> None:
    own = replace(chosen(3.0, (0.0,) * 3, 3.0), past=past_of(13.0, 10.5))
    found = nearer_means(PANEL, own, chosen(7.0, (12.0, 12.0, 12.0), 7.0), DAYS)
    moved = np.full((SERIES, AHEAD), 3.0)
    moved[DAYS] = 7.0
    np.testing.assert_array_equal(found.forecast.mean, moved)


def test_means_are_moved_where_that_came_nearer_before() -> None:
    agreed = chosen(7.0, (10.5, 10.0, 9.5), 7.0)
    for by_day in (DAYS, np.zeros(0, np.int64)):
        found = nearer_means(PANEL, chosen(3.0, (12.0, 12.0, 12.0), 3.0), agreed, by_day)
        np.testing.assert_array_equal(found.forecast.mean, agreed.forecast.mean)


def test_a_shop_without_trials_is_moved() -> None:
    own, agreed = (replace(chosen(mean, (0.0,) * 3, mean), past=(), judged=None) for mean in (3.0, 7.0))
    np.testing.assert_array_equal(nearer_means(PANEL, own, agreed, DAYS).forecast.mean, agreed.forecast.mean)


def test_the_last_origin_is_judged_by_those_before_it() -> None:
    # Days came nearer at the last origin alone, by more than they lost before.
    own, agreed = chosen(3.0, (11.0, 11.0, 10.0), 3.0), chosen(7.0, (10.0, 10.0, 15.0), 7.0)
    found = nearer_means(PANEL, own, agreed, DAYS)
    assert found.judged is not None
    np.testing.assert_array_equal(found.judged.told.mean, np.full((SERIES, AHEAD), 7.0))
    assert float(found.forecast.mean[1, 0]) == 3.0
