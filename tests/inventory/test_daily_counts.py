"""Light daily forecasts and the learner over all series, on a world whose law is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.boosted_days import BoostedDays
from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION
from smartshop.ai_agents.inventory.forecasting.daily_counts import (
    Level,
    WeekdayCounts,
    WeekdayEmpirical,
    counts_around,
    day_factors,
)
from smartshop.ai_agents.inventory.forecasting.measures import pinball, share_below
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Panel, Period
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetCounts
from tests.inventory.daily_counts_world import AHEAD, FIRST_DAY, LIFT, WEEK_SHAPE, CountsWorld, make_counts_world

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DAYS = 280
LEARNER = BoostedDays(trees=60, learning_rate=0.1, most_rows=20_000, least_in_leaf=40)
CANDIDATES: dict[str, Candidate] = {
    "weekday empirical": WeekdayEmpirical(),
    **{level.value: WeekdayCounts(level) for level in Level},
    "boosted trees": LEARNER,
}


@pytest.fixture(scope="module")
def world() -> CountsWorld:
    return make_counts_world(60, DAYS, np.random.default_rng(4))


@pytest.mark.parametrize("name", CANDIDATES)
def test_odd_series_are_forecast_in_order_and_never_below_nothing(name: str) -> None:
    demand = np.zeros((4, 70))
    demand[1] = np.nan
    demand[2, :40] = np.nan
    demand[2, 41] = 3.0
    demand[3, ::2] = 500.0
    panel = Panel(demand, Period.DAY, FIRST_DAY, {OPEN: np.ones((1, 98), np.float32)})
    panel.causes[OPEN][0, 75] = 0.0
    told = CANDIDATES[name].forecast(panel, AHEAD, LEVELS)
    assert told.mean.shape == (4, AHEAD)
    assert told.quantiles.shape == (4, AHEAD, len(LEVELS))
    assert (told.mean >= 0).all()
    assert (np.diff(told.quantiles, axis=2) >= 0).all()
    assert not told.mean[1].any()
    assert not told.mean[:, 5].any(), "a closed day sells nothing"
    assert told.mean[3].mean() == pytest.approx(250.0, rel=0.5)


def test_the_weeks_shape_and_the_lift_of_an_offer_are_found(world: CountsWorld) -> None:
    factors = day_factors(world.panel, AHEAD)
    busy = world.panel.demand.mean(axis=1) > 3
    promoted = np.broadcast_to(world.panel.causes[PROMOTION] > 0, factors.shape)
    plain = np.where(promoted, np.nan, factors)[busy, :7]
    shape = np.nanmean(plain, axis=0)
    assert shape / shape.mean() == pytest.approx(WEEK_SHAPE / WEEK_SHAPE.mean(), rel=0.1)
    week = np.broadcast_to(np.arange(factors.shape[1]) % 7 == 0, factors.shape)
    lift = factors[week & promoted].mean() / factors[week & ~promoted].mean()
    assert lift == pytest.approx(LIFT, rel=0.15)


def test_the_learner_knows_what_is_offered_tomorrow_and_holds_its_levels(world: CountsWorld) -> None:
    came, truth = world.demand[:, DAYS:], world.mean[:, DAYS:]
    told = {name: one.forecast(world.panel, AHEAD, LEVELS) for name, one in CANDIDATES.items()}
    loss = {name: float(pinball(came, one.quantiles, LEVELS).mean()) for name, one in told.items()}
    assert loss["boosted trees"] < 0.9 * loss["weekday empirical"]
    assert loss["negative binomial"] < loss["weekday empirical"]
    assert np.abs(told["boosted trees"].mean - truth).mean() < 0.2 * truth.mean()
    drawn = np.random.default_rng(0).random(came.shape)
    for place, level in enumerate(LEVELS):
        below = share_below(came, told["boosted trees"].quantiles[..., place], drawn)
        # Some thousand days, of which those of one series hang together: a few hundredths are chance.
        assert below == pytest.approx(level, abs=0.07), f"at {level}"


def test_the_learner_is_told_the_same_twice_and_reads_no_day_to_come(world: CountsWorld) -> None:
    first, again = (LEARNER.forecast(world.panel.until(200), AHEAD, LEVELS[:2]) for _ in range(2))
    assert np.array_equal(first.quantiles, again.quantiles)
    later = world.panel.demand.copy()
    later[:, 200:] = 99.0
    changed = LEARNER.forecast(replace(world.panel, demand=later).until(200), AHEAD, LEVELS[:2])
    assert np.array_equal(first.quantiles, changed.quantiles)


def test_a_cause_unknown_ahead_is_refused(world: CountsWorld) -> None:
    short = replace(world.panel, causes={PROMOTION: world.panel.causes[PROMOTION][:, :DAYS]})
    for one in (LEARNER, WeekdayCounts()):
        with pytest.raises(ValueError, match="'promotion' is known for 280 days"):
            one.forecast(short, AHEAD, LEVELS)


def test_counts_lie_around_a_mean_as_they_did(world: CountsWorld) -> None:
    levels: Sequence[float] = (0.1, 0.9)
    told = counts_around(world.panel, world.mean[:, DAYS:], levels)
    came = world.demand[:, DAYS:]
    within = (told.quantiles[..., 0] <= came) & (came <= told.quantiles[..., 1])
    assert 0.8 <= within.mean() <= 0.95, "whole units hold a little more than four fifths"


def test_prophet_in_units_knows_the_offer_and_runs_off_nowhere(world: CountsWorld) -> None:
    pytest.importorskip("prophet")
    busy = np.argsort(-world.panel.demand.mean(axis=1))[:2]
    told = ProphetCounts().forecast(world.panel.of(busy), AHEAD, (0.05, 0.95))
    truth, came = world.mean[busy, DAYS:], world.demand[busy, DAYS:]
    assert np.abs(told.mean - truth).mean() < 0.25 * truth.mean()
    assert ((told.quantiles[..., 0] <= came) & (came <= told.quantiles[..., 1])).mean() >= 0.8
    rising = np.zeros((1, 40))
    rising[0, -14:] = np.arange(14.0)
    steep = ProphetCounts().forecast(Panel(rising, Period.DAY, FIRST_DAY), 84, ())
    assert steep.mean.max() <= 2.0 * rising.max()
    assert steep.mean.min() >= 0.0
