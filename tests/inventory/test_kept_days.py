"""Weeks that days tell are moved toward sums only where that came nearer before."""

import numpy as np

from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period
from smartshop.ai_agents.inventory.kept_days import days_kept
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


def test_days_stay_where_they_came_nearer_before() -> None:
    found = days_kept(PANEL, chosen(3.0, (10.5, 10.0, 9.5), 3.0), chosen(7.0, (12.0, 12.0, 12.0), 7.0), DAYS)
    moved = np.full((SERIES, AHEAD), 7.0)
    moved[DAYS, :4] = 3.0
    np.testing.assert_array_equal(found.forecast.mean, moved)
    assert found.judged is not None
    np.testing.assert_array_equal(found.judged.told.mean, moved)
    assert [float(one.told.mean[1, 0]) for one in found.past] == [10.5, 10.0, 9.5]
    assert [float(one.told.mean[0, 0]) for one in found.past] == [12.0] * 3


def test_days_are_moved_where_that_came_nearer_before() -> None:
    agreed = chosen(7.0, (10.5, 10.0, 9.5), 7.0)
    found = days_kept(PANEL, chosen(3.0, (12.0, 12.0, 12.0), 3.0), agreed, DAYS)
    np.testing.assert_array_equal(found.forecast.mean, agreed.forecast.mean)
    assert days_kept(PANEL, chosen(3.0, (10.0,) * 3, 3.0), agreed, np.zeros(0, np.int64)) is agreed


def test_the_last_origin_is_judged_by_those_before_it() -> None:
    # Days came nearer at the last origin alone, by more than they lost before.
    own, agreed = chosen(3.0, (11.0, 11.0, 10.0), 3.0), chosen(7.0, (10.0, 10.0, 15.0), 7.0)
    found = days_kept(PANEL, own, agreed, DAYS)
    assert found.judged is not None
    np.testing.assert_array_equal(found.judged.told.mean, np.full((SERIES, AHEAD), 7.0))
    assert float(found.forecast.mean[1, 0]) == 3.0
