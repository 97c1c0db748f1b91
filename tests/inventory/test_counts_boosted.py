"""The learner over all series, on made-up worlds whose law is known."""

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.boosted_counts import BoostedCounts, Told
from smartshop.ai_agents.inventory.forecasting.boosted_counts_features import look_back, rows
from smartshop.ai_agents.inventory.forecasting.empirical import FadingEmpirical
from smartshop.ai_agents.inventory.forecasting.measures import pinball
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from tests.inventory.test_counts import LEVELS, odd_panel

SMALL = BoostedCounts(trees=40, learning_rate=0.15, least_in_leaf=20, leaves=15)


def yearly_world(series: int = 150, months: int = 54) -> Floats:
    """Twice as much in winter as in summer, for all alike."""
    rng = np.random.default_rng(7)
    season = 1.0 + 0.8 * np.cos(2 * np.pi * np.arange(months) / 12)
    return rng.poisson(rng.gamma(3.0, 4.0, (series, 1)) * season).astype(np.float64)


def test_features_know_only_the_past() -> None:
    demand = yearly_world(20)
    panel, moments = Panel(demand, Period.MONTH, 729_390), np.array([30, 40])
    changed = demand.copy()
    changed[:, 40:] = 999.0
    pasts = [look_back(Panel(one, Period.MONTH, 729_390), moments) for one in (demand, changed)]
    for column in pasts[0].columns:
        assert np.array_equal(pasts[0].columns[column], pasts[1].columns[column], equal_nan=True), column
    for ahead in (1, 6, 12, 15):
        table, names = rows(panel, pasts[0], ahead, shares=True)
        assert table.shape == (2 * 20, len(names))
        assert np.array_equal(table, rows(panel, pasts[1], ahead, shares=True)[0], equal_nan=True)


def test_features_by_hand() -> None:
    demand = np.array([[4.0, 0.0, np.nan, 2.0, 0.0, 0.0]])
    pasts = look_back(Panel(demand, Period.MONTH, 729_390), np.array([2, 6]))
    assert pasts.columns["lag_1"].tolist() == [[0.0, 0.0]]
    assert pasts.columns["mean_3"].tolist() == [[2.0, pytest.approx(2.0 / 3.0)]]
    assert pasts.plain["silent"].tolist() == [[1.0, 2.0]]
    assert pasts.plain["life"].tolist() == [[2.0, 6.0]]
    assert pasts.plain["share_6"].tolist() == [[0.5, pytest.approx(2.0 / 5.0)]]


@pytest.mark.parametrize("told", list(Told))
def test_a_season_shared_by_all_is_learned(told: Told) -> None:
    pytest.importorskip("lightgbm")
    demand = yearly_world()
    panel, came = Panel(demand[:, :48], Period.MONTH, 729_390), demand[:, 48:]
    learner = BoostedCounts(told=told, trees=60, learning_rate=0.15, least_in_leaf=20, leaves=15, most_moments=36)
    ours = learner.forecast(panel, 6, LEVELS)
    theirs = FadingEmpirical().forecast(panel, 6, LEVELS)
    # A forecast blind to the season pays for the swing of 80 %; a third is what a poor learner would gain.
    assert pinball(came, ours.quantiles, LEVELS).mean() < 0.67 * pinball(came, theirs.quantiles, LEVELS).mean()
    assert np.mean((came - ours.mean) ** 2) < 0.5 * np.mean((came - theirs.mean) ** 2)
    assert (ours.quantiles == np.rint(ours.quantiles)).all()


def test_the_same_panel_gives_the_same_forecast() -> None:
    pytest.importorskip("lightgbm")
    panel = Panel(yearly_world(60, 30), Period.MONTH, 729_390, groups={"category": np.arange(60, dtype=np.int32) % 3})
    first, again = (SMALL.forecast(panel, 2, (0.5,)) for _ in range(2))
    assert (first.quantiles == again.quantiles).all()
    assert (first.mean == again.mean).all()


@pytest.mark.parametrize("period", list(Period))
def test_odd_series_and_all_periods_are_forecast(period: Period) -> None:
    pytest.importorskip("lightgbm")
    odd = odd_panel().demand
    panel = Panel(np.vstack([odd[:5], yearly_world(40, 30)]), period, 729_390)
    told = SMALL.forecast(panel, 3, LEVELS)
    assert np.isfinite(told.quantiles).all()
    assert (np.diff(told.quantiles, axis=2) >= 0).all()
    assert not told.quantiles[0].any()
    assert not told.mean[0].any()


def test_too_short_a_past_is_told_as_it_was() -> None:
    panel = Panel(np.array([[1.0, 0.0, 2.0]]), Period.WEEK, 733_748)
    ours, theirs = (one.forecast(panel, 2, LEVELS) for one in (BoostedCounts(), FadingEmpirical()))
    assert (ours.quantiles == theirs.quantiles).all()


def test_more_rows_than_are_wanted_are_drawn_from() -> None:
    pytest.importorskip("lightgbm")
    panel = Panel(yearly_world(100, 40), Period.MONTH, 729_390)
    few, all_rows = (
        BoostedCounts(trees=20, least_in_leaf=20, most_rows=most).forecast(panel, 3, (0.5,)) for most in (2_000, 10**6)
    )
    assert not np.array_equal(few.mean, all_rows.mean)
    # A quarter of the rows finds the same levels, within a quarter.
    assert few.mean.mean() == pytest.approx(all_rows.mean.mean(), rel=0.25)
