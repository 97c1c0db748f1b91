"""Models fitted to one series by itself: where they are heard, and how far."""

import numpy as np
import pytest

from smartshop.ai_agents.inventory.daily_heavy import CountsAroundMean
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.long_series import (
    LEAST_FITTED_WEEKS,
    MOST_TIMES_SEEN,
    OfLongSeries,
)
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from smartshop.ai_agents.inventory.forecasting.statistical import Model, Statistical, StatisticalCounts
from smartshop.ai_agents.inventory.weekly_choice import ChoiceConfig, choose_forecasts, heavy_candidates

pytest.importorskip("statsforecast", reason="statsforecast is an extra (`forecast`)")

LEVELS = (0.05, 0.5, 0.95)
HORIZON = 12
MONDAY = 738_156
GROWING = np.array([1.0, 1.0, 1.0, 3.0, 1.0, 2.0, 5.0, 2.0])


def weekly(*rows: Floats, weeks: int) -> Panel:
    """Each known at the end, NaN before."""
    demand = np.full((len(rows), weeks), np.nan)
    for number, row in enumerate(rows):
        demand[number, weeks - len(row) :] = row
    return Panel(demand, Period.WEEK, MONDAY)


def silent(share: float, what: str) -> None:
    assert 0.0 <= share <= 1.0
    assert what


def test_what_sold_for_eight_growing_weeks_is_not_foreseen_to_run_off() -> None:
    panel = weekly(GROWING, weeks=8)
    alone = StatisticalCounts(Model.AUTO_CES).forecast(panel, HORIZON, LEVELS).mean
    assert alone.max() > MOST_TIMES_SEEN * GROWING.max()
    young = RecentCounts().forecast(panel, HORIZON, LEVELS)
    for candidate in heavy_candidates().values():
        told = candidate.forecast(panel, HORIZON, LEVELS)
        assert told.mean.max() <= GROWING.max()
        assert told.mean.shape == young.mean.shape


def test_a_shop_of_eight_weeks_tries_no_model_fitted_to_one_series() -> None:
    others = [np.random.default_rng(number).poisson(3.0, 8).astype(np.float64) for number in range(5)]
    panel = weekly(GROWING, *others, weeks=8)
    said = list[str]()
    chosen = choose_forecasts(panel, np.arange(6.0)[::-1], ChoiceConfig(), lambda share, what: said.append(what))
    assert not [what for what in said if "highest value" in what]
    assert chosen.forecast.mean[0].max() <= GROWING.max()
    assert not [method for method in chosen.methods if any(model in method for model in heavy_candidates())]


def test_only_series_known_for_long_are_tried_one_by_one() -> None:
    rng = np.random.default_rng(3)
    long = [rng.poisson(20.0, 60).astype(np.float64) for _ in range(3)]
    panel = weekly(GROWING, *long, weeks=60)
    said = list[str]()
    choose_forecasts(panel, np.arange(4.0)[::-1], ChoiceConfig(), lambda share, what: said.append(what))
    assert [what for what in said if "on the 3 of highest value" in what]
    assert not [what for what in said if "on the 4 of highest value" in what]


def test_a_long_growing_series_is_told_at_most_twice_its_highest_week() -> None:
    grown = np.rint(1.15 ** np.arange(LEAST_FITTED_WEEKS + 4.0))
    panel, young = weekly(grown, weeks=len(grown)), RecentCounts()
    own = StatisticalCounts(Model.AUTO_ETS)
    assert own.forecast(panel, HORIZON, LEVELS).mean.max() > MOST_TIMES_SEEN * grown.max()
    told = OfLongSeries(own, young).forecast(panel, HORIZON, LEVELS)
    assert told.mean.max() == MOST_TIMES_SEEN * grown.max()
    assert told.mean.min() > grown.max()
    assert (np.diff(told.quantiles, axis=2) >= 0).all()


def test_one_week_less_is_told_by_the_simple_one() -> None:
    rows = [np.arange(1.0, weeks + 1.0) for weeks in (LEAST_FITTED_WEEKS - 1, LEAST_FITTED_WEEKS)]
    panel, young = weekly(*rows, weeks=LEAST_FITTED_WEEKS), RecentCounts()
    told = OfLongSeries(StatisticalCounts(Model.AUTO_ETS), young).forecast(panel, HORIZON, LEVELS)
    simple = young.forecast(panel, HORIZON, LEVELS)
    assert told.mean[0].tolist() == simple.mean[0].tolist()
    assert told.quantiles[0].tolist() == simple.quantiles[0].tolist()
    assert told.mean[1].mean() > simple.mean[1].mean()


def test_days_are_kept_near_what_was_seen_too() -> None:
    grown = np.rint(1.08 ** np.arange(60.0))
    panel = Panel(grown[None], Period.DAY, MONDAY)
    own = Statistical(Model.AUTO_ETS)
    assert own.forecast(panel, 28, ()).mean.max() > MOST_TIMES_SEEN * grown.max()
    assert CountsAroundMean(own).forecast(panel, 28, LEVELS).mean.max() == MOST_TIMES_SEEN * grown.max()
