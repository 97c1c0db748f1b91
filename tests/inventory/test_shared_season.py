"""Seasons shared by a category, and how far sums stray: found again on made-up series whose law is known."""

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASS_NAMES, NEWCOMER
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, Period
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason
from smartshop.ai_agents.inventory.sum_spread import SUM_LEVELS, SumSpread, learn_spread, weekly_scatter
from smartshop.ai_agents.inventory.weekly_choice import PastForecast

FIRST_MONDAY = 738_521
WEEKS, AHEAD = 130, 12


def season_of(week: Floats) -> Floats:
    return 1.0 + 0.8 * np.sin(2 * np.pi * week / 52)


def made(seed: int = 3, weeks: int = WEEKS) -> tuple[Panel, Floats]:
    """Two categories of opposite seasons, 40 products each, a few sales a week; and the true means ahead."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(0.5, 0.8, size=80)
    category = np.repeat([0, 1], 40).astype(np.int32)
    week = np.arange(weeks + AHEAD, dtype=np.float64)
    season = np.where(category[:, None] == 0, season_of(week), season_of(week + 26))
    mean = level[:, None] * season
    demand = rng.poisson(mean[:, :weeks]).astype(np.float64)
    return Panel(demand, Period.WEEK, FIRST_MONDAY, groups={"category": category}), mean[:, weeks:]


def error(told: Floats, true: Floats) -> float:
    return float(np.abs(told - true).sum() / true.sum())


def test_categories_of_opposite_seasons_are_both_told() -> None:
    panel, true = made()
    told = SharedSeason(half_life_years=4.0).forecast(panel, AHEAD, (0.1, 0.9))
    assert error(told.mean, true) < 0.15
    assert error(told.mean, true) < 0.5 * error(RecentCounts().forecast(panel, AHEAD, ()).mean, true)
    assert (told.quantiles[..., 0] <= told.quantiles[..., 1]).all()


def test_without_categories_all_share_one_season() -> None:
    panel, true = made()
    apart = Panel(panel.demand, panel.period, panel.first_day)
    assert error(SharedSeason().forecast(apart, AHEAD, ()).mean, true) > error(
        SharedSeason().forecast(panel, AHEAD, ()).mean, true
    )


def test_less_than_a_year_tells_no_season() -> None:
    panel, _ = made(weeks=40)
    told = SharedSeason().forecast(panel, AHEAD, ()).mean
    assert (told == told[:, :1]).all()


def test_unknown_weeks_are_no_weeks_without_demand() -> None:
    panel, _ = made()
    holes = panel.demand.copy()
    holes[:, 20:120:3] = np.nan
    whole = SharedSeason().fit(panel, 0).level
    some = SharedSeason().fit(Panel(holes, panel.period, panel.first_day, groups=panel.groups), 0).level
    assert some == pytest.approx(whole, rel=0.5, abs=0.2)
    assert float(some.sum()) == pytest.approx(float(whole.sum()), rel=0.05)


def test_odd_series_are_told_without_failing() -> None:
    demand = np.zeros((3, 60))
    demand[0] = np.nan
    demand[2, 5] = 80_995.0
    told = SharedSeason().forecast(Panel(demand, Period.WEEK, FIRST_MONDAY), AHEAD, (0.5,))
    assert np.isfinite(told.mean).all()
    assert told.mean[0].sum() == 0.0
    assert told.mean[1].sum() == 0.0
    assert told.mean[2].sum() > 0.0


def shaken_past(spread: float, seed: int = 5) -> tuple[Panel, list[tuple[int, Floats]]]:
    """Even demand of known means, told wrong by a factor of the given relative variance at each origin."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(1.0, 1.0, size=300)
    panel = Panel(rng.poisson(level[:, None], size=(300, WEEKS)).astype(np.float64), Period.WEEK, FIRST_MONDAY)
    past = []
    for origin in (82, 94, 106, 118):
        wrong = np.clip(1.0 + np.sqrt(spread) * rng.standard_normal(300), 0.3, 2.0)
        past.append((origin, np.repeat((level / wrong)[:, None], AHEAD, axis=1)))
    return panel, past


def test_a_missed_level_is_found_where_levels_were_missed_and_none_where_they_were_not() -> None:
    true = spread_of(*shaken_past(0.0))
    missed = spread_of(*shaken_past(0.09))
    learned = np.arange(len(CLASS_NAMES)) != NEWCOMER
    assert true.relative[learned].max() < 0.02
    assert 0.04 < float(missed.relative[learned].mean()) < 0.2


def test_a_season_that_all_share_is_no_scatter() -> None:
    panel, _ = made()
    assert float(np.median(weekly_scatter(panel))) < 1.3


def test_few_origins_move_the_levels_of_a_law_little() -> None:
    panel, past = shaken_past(0.09)
    asked = spread_of(panel, past).asked
    # Four origins against twelve that are taken to have held exactly.
    assert np.abs(asked - np.array(SUM_LEVELS)).max() <= 4 / 16


def test_nothing_tried_leaves_a_usual_miss() -> None:
    panel, _ = made(weeks=20)
    spread = spread_of(panel, [])
    assert (spread.relative > 0).all()
    assert spread.asked[0, 0] == pytest.approx(np.array(SUM_LEVELS))


def spread_of(panel: Panel, past: list[tuple[int, Floats]]) -> SumSpread:
    told = [PastForecast(origin, Forecast(mean, mean[:, :, None])) for origin, mean in past]
    return learn_spread(panel, told, np.random.default_rng(0))
