"""Daily candidates on a made-up chain of shops whose law is known, and on odd series."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.boosted_daily import BoostedDaily, BoostedDailyConfig
from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION, SCHOOL_HOLIDAY
from smartshop.ai_agents.inventory.forecasting.conformal import ConformalConfig
from smartshop.ai_agents.inventory.forecasting.daily_blend import (
    DailyBlend,
    best_weights,
    factor_for_shares,
    geometric_mean,
)
from smartshop.ai_agents.inventory.forecasting.daily_linear import DailyLinear
from smartshop.ai_agents.inventory.forecasting.daily_simple import SameWeekday, WeekdayMedian
from smartshop.ai_agents.inventory.forecasting.measures import covered, rmspe
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period, tidy
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetDefault, ProphetOfLogs, ProphetWithCauses
from tests.inventory.daily_world import World, make_world

NOISE, KNOWN, HORIZON = 0.1, 600, 28
QUICK_TREES = BoostedDailyConfig(trees=60, learning_rate=0.1, days_between_origins=28)
LIGHT: tuple[Candidate, ...] = (SameWeekday(), WeekdayMedian(), DailyLinear())
PROPHETS: tuple[Candidate, ...] = (ProphetDefault(), ProphetOfLogs(), ProphetWithCauses())


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(12, KNOWN + HORIZON, NOISE, np.random.default_rng(1))


def _boosted() -> BoostedDaily:
    pytest.importorskip("lightgbm")
    return BoostedDaily(QUICK_TREES, ConformalConfig(origins=2))


def _prophet(candidate: Candidate) -> Candidate:
    pytest.importorskip("prophet")
    return candidate


def _error(world: World, candidate: Candidate, series: int = 12) -> float:
    """RMSPE against the law without its noise."""
    told = candidate.forecast(world.panel.of(np.arange(series)).until(KNOWN), HORIZON, ())
    return rmspe(world.middle[:series, KNOWN:], told.mean)


def test_each_finds_the_law_as_near_as_it_can(world: World) -> None:
    # Two noisy days apart: √2 · 0.1; a promotion of e^0.4 that the weekday alone does not know.
    assert _error(world, SameWeekday()) > 0.2
    # Five and a half days' median has an error of about 0.1 · 1.25 / √6; the school holidays of 0.15 it does not know.
    assert 0.04 < _error(world, WeekdayMedian()) < 0.12
    assert _error(world, DailyLinear()) < 0.04
    assert _error(world, _boosted()) < 0.08


def test_prophet_finds_the_law_when_it_knows_the_causes(world: World) -> None:
    assert _error(world, _prophet(ProphetWithCauses()), 2) < 0.06
    assert _error(world, _prophet(ProphetOfLogs()), 2) < 0.06
    assert _error(world, _prophet(ProphetDefault()), 2) > 0.1


def test_a_regression_covers_nine_in_ten(world: World) -> None:
    told = DailyLinear().forecast(world.panel.until(KNOWN), HORIZON, (0.05, 0.95))
    came = world.panel.demand[:, KNOWN:]
    # 288 open days: two standard errors are 0.035.
    assert covered(came, told.quantiles[..., 0], told.quantiles[..., 1]) == pytest.approx(0.9, abs=0.05)


def test_prophets_own_law_covers_about_as_much(world: World) -> None:
    two = world.panel.of(np.arange(3))
    told = _prophet(ProphetWithCauses()).forecast(two.until(KNOWN), HORIZON, (0.05, 0.95))
    came = two.demand[:, KNOWN:]
    assert 0.75 < covered(came, told.quantiles[..., 0], told.quantiles[..., 1]) <= 1.0
    is_open = told.mean[0] > 0
    spread = np.log(told.quantiles[:, is_open, 1] / told.mean[:, is_open])
    assert (np.diff(spread, axis=1) > 0).all()


@pytest.mark.parametrize("candidate", LIGHT, ids=lambda one: one.name)
def test_light_candidates_keep_the_contract(world: World, candidate: Candidate) -> None:
    _keeps_the_contract(world.panel, candidate)


def test_trees_keep_the_contract(world: World) -> None:
    _keeps_the_contract(world.panel, _boosted())


@pytest.mark.parametrize("candidate", PROPHETS, ids=lambda one: one.name)
def test_prophets_keep_the_contract(world: World, candidate: Candidate) -> None:
    _keeps_the_contract(world.panel.of(np.arange(4)), _prophet(candidate))


def _keeps_the_contract(panel: Panel, candidate: Candidate) -> None:
    """Odd series beside good ones: shapes, order, nothing negative, nothing on closed days, the same twice."""
    demand = panel.demand.copy()
    demand[0], demand[1], demand[2, :598] = np.nan, 0.0, np.nan
    odd = replace(panel, demand=demand).until(KNOWN)
    told = candidate.forecast(odd, HORIZON, (0.1, 0.5, 0.9))
    assert told.mean.shape == (len(odd), HORIZON)
    assert told.quantiles.shape == (len(odd), HORIZON, 3)
    assert np.isfinite(told.quantiles).all()
    assert (told.quantiles >= 0).all()
    assert (np.diff(told.quantiles, axis=2) >= 0).all()
    assert not told.mean[0].any()
    assert not told.quantiles[0].any()
    assert told.mean[1].max() < 1.0
    closed = odd.causes[OPEN][:, KNOWN:] == 0
    assert not told.mean[closed].any()
    assert not told.quantiles[closed].any()
    assert candidate.forecast(odd, HORIZON, ()).quantiles.shape == (len(odd), HORIZON, 0)
    again = candidate.forecast(odd, HORIZON, (0.1, 0.5, 0.9))
    np.testing.assert_array_equal(told.quantiles, again.quantiles)


def test_a_price_is_learned_in_whatever_unit_it_is_told() -> None:
    """Elasticity −2 around a price that changes every few weeks, in euros or in cents."""
    rng = np.random.default_rng(11)
    prices = np.repeat(rng.uniform(8.0, 12.0, (8, 18)), 28, axis=1)
    middle = 2_000.0 * (prices / 10.0) ** -2.0
    demand = middle * np.exp(0.05 * rng.standard_normal(middle.shape))
    told = [
        DailyLinear()
        .forecast(Panel(demand[:, :476], Period.DAY, 737_000, {"price": (unit * prices).astype(np.float32)}), 28, ())
        .mean
        for unit in (1.0, 100.0)
    ]
    assert rmspe(middle[:, 476:], told[0]) < 0.05
    np.testing.assert_allclose(told[0], told[1], rtol=1e-3)


@pytest.mark.parametrize("candidate", PROPHETS[1:], ids=lambda one: one.name)
def test_days_without_a_sale_count_in_prophets_logarithms(candidate: Candidate) -> None:
    demand = np.where(np.arange(280) % 7 < 3, 0.0, 8.0)[None, :]
    told = _prophet(candidate).forecast(Panel(demand, Period.DAY, 738_001), 14, ()).mean[0]
    assert told.reshape(2, 7)[:, :3].max() < 0.5
    assert told.reshape(2, 7)[:, 3:] == pytest.approx(8.0, abs=0.5)


@pytest.mark.parametrize("candidate", [*LIGHT, BoostedDaily()], ids=lambda one: one.name)
def test_no_series_are_told_as_none(candidate: Candidate) -> None:
    told = candidate.forecast(Panel(np.zeros((0, 50)), Period.DAY, 738_001), 14, (0.1, 0.9))
    assert told.mean.shape == (0, 14)
    assert told.quantiles.shape == (0, 14, 2)


@pytest.mark.parametrize("days", [1, 3, 20, 60, 100])
def test_a_young_shop_without_causes_is_told_too(days: int) -> None:
    panel = Panel(np.random.default_rng(2).gamma(5.0, 20.0, (3, days)), Period.DAY, 738_000)
    for candidate in (*LIGHT, _boosted()):
        told = candidate.forecast(panel, 14, (0.1, 0.9))
        # The mean of three gammas of mean 100: a naive forecast may be three of its standard deviations of 45 off.
        assert (told.mean > 5.0).all()
        assert (told.mean < 400.0).all()


def test_a_change_after_the_origin_changes_no_forecast(world: World) -> None:
    changed = replace(world.panel, demand=np.where(np.arange(KNOWN + HORIZON) >= KNOWN, 9.0, world.panel.demand))
    for candidate in (*LIGHT, _boosted()):
        told = [candidate.forecast(one.until(KNOWN), HORIZON, (0.9,)).quantiles for one in (world.panel, changed)]
        np.testing.assert_array_equal(told[0], told[1])


def test_series_in_another_order_are_told_the_same(world: World) -> None:
    order = np.arange(12)[::-1].copy()
    told = [DailyLinear().forecast(one.until(KNOWN), HORIZON, ()).mean for one in (world.panel, world.panel.of(order))]
    np.testing.assert_allclose(told[0][order], told[1], rtol=1e-6)


def test_the_median_of_like_days_is_taken_by_hand() -> None:
    demand = np.array([[10.0, 20.0] * 7 + [0.0] * 14])
    promotion = np.concatenate([np.ones(14), np.zeros(14), np.ones(7)]).astype(np.float32)[None, :]
    panel = Panel(demand, Period.DAY, 1, {PROMOTION: promotion})
    assert WeekdayMedian().forecast(panel, 7, (0.5,)).mean[0].tolist() == [15.0] * 7
    assert WeekdayMedian(causes=()).forecast(panel, 7, (0.5,)).mean[0].tolist() == [5.0] * 7
    assert SameWeekday().forecast(panel, 7, ()).mean[0].tolist() == [0.0] * 7


@dataclass(frozen=True, slots=True)
class Off:
    """Tells the known middle, off by a factor."""

    name: ClassVar[str] = "off"
    middle: Floats
    factor: float

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        mean = self.factor * self.middle[:, panel.periods : panel.periods + horizon]
        return tidy(mean, np.repeat(mean[..., None], len(levels), axis=2))


def test_a_blend_weighs_by_earlier_errors_and_covers(world: World) -> None:
    members = {"high": Off(world.middle, 1.1), "low": Off(world.middle, 1 / 1.1), "far": Off(world.middle, 3.0)}
    blend = DailyBlend(members)
    blended = blend.blend(world.panel.until(KNOWN), HORIZON)
    assert blended.weights[2] < 0.02
    assert blended.weights[:2].sum() > 0.98
    told = blend.forecast(world.panel.until(KNOWN), HORIZON, (0.05, 0.95))
    assert rmspe(world.middle[:, KNOWN:], told.mean) < 0.08
    came = world.panel.demand[:, KNOWN:]
    assert covered(came, told.quantiles[..., 0], told.quantiles[..., 1]) == pytest.approx(0.9, abs=0.05)
    sums = blend.over_lead_time(world.panel.until(KNOWN), HORIZON, (0.05, 0.95))
    assert (sums.mean[:, -1] > sums.mean[:, 0]).all()
    assert float(np.ptp(sums.quantiles[:, -1], axis=1).mean() / sums.mean[:, -1].mean()) < 0.2


def test_a_young_blend_counts_all_members_alike(world: World) -> None:
    blend = DailyBlend({"one": WeekdayMedian(), "other": SameWeekday()})
    assert blend.blend(world.panel.until(50), HORIZON).weights.tolist() == [0.5, 0.5]
    told = blend.forecast(world.panel.until(50), HORIZON, (0.05, 0.95))
    assert (told.quantiles[..., 1] >= told.quantiles[..., 0]).all()
    with pytest.raises(ValueError, match="no members"):
        DailyBlend({})


def test_weights_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(3)
    came = np.exp(rng.normal(7.0, 1.0, 20_000))
    told = np.array([came * np.exp(spread * rng.standard_normal(came.shape)) for spread in (0.1, 0.2)])
    # Independent errors: inverse variances, 100 : 25; numbers below one are too few to matter in log(1 + units).
    assert best_weights(came, told, 0.0) == pytest.approx([0.8, 0.2], abs=0.02)
    assert best_weights(came, told, 1e6) == pytest.approx([0.5, 0.5], abs=1e-3)
    assert best_weights(came * np.nan, told, 0.0).tolist() == [0.5, 0.5]
    assert geometric_mean(np.array([[3.0], [8.0]]), np.array([0.5, 0.5])).tolist() == pytest.approx([5.0])


def test_the_best_for_shares_of_error_is_below_the_middle() -> None:
    rng = np.random.default_rng(4)
    came = np.exp(0.2 * rng.standard_normal(200_000))
    # For a lognormal law E(1/y) / E(1/y²) = exp(−1.5 σ²).
    assert factor_for_shares(came, np.ones(came.shape)) == pytest.approx(np.exp(-1.5 * 0.04), rel=0.005)
    assert factor_for_shares(np.zeros(3), np.ones(3)) == 1.0


def test_school_holidays_are_learned_by_the_regression(world: World) -> None:
    none = {name: cause for name, cause in world.panel.causes.items() if name != SCHOOL_HOLIDAY}
    blind = World(replace(world.panel, causes=none), world.middle)
    assert _error(world, DailyLinear()) < 0.7 * _error(blind, DailyLinear())
