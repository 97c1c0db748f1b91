"""Demand behind an empty shelf, on made-up truth: known laws, planted outages, and a stock that runs dry by itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.censoring import WHOLE_DAY, CensoringConfig, estimate_demand
from smartshop.ai_agents.inventory.forecasting.panel import Floats

DAYS = 364
WEEKDAY = np.arange(DAYS) % 7
WEEK = np.array([1.2, 1.0, 0.9, 0.9, 1.2, 1.5, 0.3])


@dataclass(frozen=True)
class World:
    """n products over a year, of which everything is known."""

    wanted: Floats
    """(n, t) units"""
    sold: Floats
    in_stock: Floats
    rate: Floats

    def bias(self, demand: Floats) -> float:
        """Of the mean of all days that are told of, against what was wanted on them."""
        told = np.isfinite(demand)
        assert told.mean() > 0.98
        return float(demand[told].sum() / self.wanted[told].sum() - 1.0)

    def estimate(self) -> Floats:
        known = np.ones(self.sold.shape, bool)
        return estimate_demand(self.sold, self.in_stock, known, WEEKDAY).demand


def wanted(n: int, dispersion: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rates from a unit a month to some twenty a day, with a week and a year, and what was drawn from them."""
    base = rng.gamma(1.0, 4.0, (n, 1)) + 0.03
    year = 1.0 + 0.4 * np.sin(2 * np.pi * (np.arange(DAYS) / DAYS + rng.uniform(0, 1, (n, 1))))
    rate = base * WEEK[WEEKDAY] * year
    daily = rate * rng.gamma(1.0 / dispersion, dispersion, rate.shape) if dispersion else rate
    return rate, rng.poisson(daily).astype(np.float64)


def planted(dispersion: float, rng: np.random.Generator) -> World:
    """Eight fortnights a year without stock, wherever they fall."""
    rate, units = wanted(200, dispersion, rng)
    in_stock = np.ones(units.shape)
    for row in in_stock:
        for begin in rng.integers(0, DAYS, 8):
            row[begin : begin + 14] = 0.0
    return World(units, units * in_stock, in_stock, rate)


def runs_dry(dispersion: float, rng: np.random.Generator) -> World:
    """Every tenth day the shelf is filled with too little for ten days; the moment the last unit goes is seen."""
    rate, units = wanted(200, dispersion, rng)
    sold, in_stock = units.copy(), np.ones(units.shape)
    fill = np.ceil(rate.mean(axis=1) * 10 * 0.75)
    level = np.zeros(len(rate))
    for day in range(DAYS):
        if day % 10 == 0:
            level = np.maximum(level, fill)
        asked = units[:, day]
        # Of so many moments in a day, uniformly spread, the level-th (an order statistic).
        last = rng.beta(np.maximum(level, 1), np.maximum(asked - level + 1, 1))
        in_stock[:, day] = np.where(level == 0, 0.0, np.where(asked >= level, last, 1.0))
        sold[:, day] = np.minimum(asked, level)
        level = level - sold[:, day]
    return World(units, sold, in_stock, rate)


Maker = Callable[[float, np.random.Generator], World]


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
@pytest.mark.parametrize("make", [planted, runs_dry])
def test_the_mean_is_right_where_counting_nothing_is_a_quarter_low(make: Maker, dispersion: float) -> None:
    world = make(dispersion, np.random.default_rng(0))
    assert -0.40 < world.bias(world.sold) < -0.20
    assert abs(world.bias(world.estimate())) < 0.03
    slow = world.rate.mean(axis=1) < 1.0
    of_slow = World(world.wanted[slow], world.sold[slow], world.in_stock[slow], world.rate[slow])
    assert abs(of_slow.bias(world.estimate()[slow])) < 0.05


def test_never_less_than_was_sold_and_exactly_that_on_whole_days() -> None:
    world = runs_dry(0.5, np.random.default_rng(1))
    demand = world.estimate()
    told = np.isfinite(demand)
    assert (demand[told] >= world.sold[told]).all()
    whole = world.in_stock >= WHOLE_DAY
    assert (demand[whole] == world.sold[whole]).all()


def test_where_days_differ_a_good_morning_tells_of_a_good_afternoon() -> None:
    """With dispersion 2 and a mean of 10, 30 sold by noon: 30 + ½·10·(1 + 60)/(1 + 10) more."""
    rng = np.random.default_rng(2)
    sold = rng.poisson(10.0 * rng.gamma(0.5, 2.0, (60, DAYS))).astype(np.float64)
    in_stock = np.ones(sold.shape)
    sold[:, 100], in_stock[:, 100] = 30.0, 0.5
    estimate = estimate_demand(sold, in_stock, np.ones(sold.shape, bool), WEEKDAY)
    assert np.median(estimate.dispersion) == pytest.approx(2.0, rel=0.15), "the level is fitted to the same days"
    assert np.median(estimate.demand[:, 100]) == pytest.approx(30.0 + 0.5 * 10.0 * 61.0 / 11.0, rel=0.1)


def test_a_weekday_out_of_stock_is_like_its_own_kind() -> None:
    sold = np.tile(np.where(WEEKDAY == 5, 50.0, 5.0), (30, 1))
    in_stock = np.ones(sold.shape)
    sold[:, 180:194], in_stock[:, 180:194] = 0.0, 0.0
    demand = estimate_demand(sold, in_stock, np.ones(sold.shape, bool), WEEKDAY).demand
    saturday, others = (demand[:, 180:194][:, (WEEKDAY[180:194] == 5) == is_it] for is_it in (True, False))
    assert saturday == pytest.approx(50.0, rel=0.05)
    assert others == pytest.approx(5.0, rel=0.05)


def test_out_on_every_good_day_is_no_fall_of_the_level() -> None:
    sold = np.tile(np.where(WEEKDAY == 5, 50.0, 5.0), (30, 1))
    in_stock = np.ones(sold.shape)
    good = np.flatnonzero((WEEKDAY == 5) & (np.arange(DAYS) > 100) & (np.arange(DAYS) < 240))
    sold[0, good], in_stock[0, good] = 0.0, 0.0
    demand = estimate_demand(sold, in_stock, np.ones(sold.shape, bool), WEEKDAY).demand
    assert demand[0, good] == pytest.approx(50.0, rel=0.1)


def test_nothing_is_invented() -> None:
    rng = np.random.default_rng(3)
    usual = rng.poisson(0.2, (20, DAYS)).astype(np.float64)
    minutes, never, long_gone = np.zeros(DAYS), np.zeros(DAYS), np.full(DAYS, 3.0)
    minutes[50], long_gone[120:] = 1.0, 0.0
    in_stock = np.ones((23, DAYS))
    in_stock[20] = 0.0
    in_stock[20, 50] = 0.004
    in_stock[21, ::2] = 0.0
    in_stock[22, 120:] = 0.0
    sold = np.vstack([usual, minutes, never, long_gone])
    demand = estimate_demand(sold, in_stock, np.ones(sold.shape, bool), WEEKDAY).demand
    known = np.isfinite(demand)
    assert demand[20, 51] < 1.5, "one unit that went within minutes is no hundreds a day"
    assert known[20].sum() == 57, "and further than four weeks from it nobody knows"
    assert demand[21].max() < 0.01, "nobody wanted it while it was there"
    assert known[22].sum() == 120 + CensoringConfig().longest_unseen_days
    assert demand[22, 120:148].mean() == pytest.approx(3.0, rel=0.05)


def test_a_sale_from_an_empty_shelf_shows_that_it_was_not_empty() -> None:
    sold = np.full((5, DAYS), 4.0)
    in_stock = np.ones(sold.shape)
    in_stock[0] = 0.0
    demand = estimate_demand(sold, in_stock, np.ones(sold.shape, bool), WEEKDAY).demand
    assert demand[0] == pytest.approx(4.0, abs=1e-9)


def test_days_before_the_launch_and_closed_ones_stay_unknown() -> None:
    sold, in_stock = np.ones((2, DAYS)), np.ones((2, DAYS))
    known = np.ones(sold.shape, bool)
    known[:, :10], sold[:, :10] = False, 0.0
    demand = estimate_demand(sold, in_stock, known, WEEKDAY).demand
    assert np.isnan(demand[:, :10]).all()
    assert (demand[:, 10:] == 1.0).all()
