"""Real shops: a regression with known causes beats the median of like days, and its intervals hold."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bench.demand_daily import HORIZON, load_rossmann
from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION
from smartshop.ai_agents.inventory.forecasting.conformal import Conformal
from smartshop.ai_agents.inventory.forecasting.daily_linear import DailyLinear
from smartshop.ai_agents.inventory.forecasting.daily_simple import WeekdayMedian
from smartshop.ai_agents.inventory.forecasting.measures import covered, rmspe
from smartshop.ai_agents.inventory.forecasting.panel import Panel

EARLIER = date(2014, 10, 10)
"""Before the origins that figures are told of."""


@pytest.fixture(scope="module")
def shops(shared_data: Path) -> Panel:
    return load_rossmann(shared_data / "rossmann")


def test_the_shops_are_those_of_the_protocol(shops: Panel) -> None:
    assert shops.demand.shape == (100, 900)
    assert shops.causes[PROMOTION].shape == (1, 900)
    # Monday, 2015-03-02: a promotion began that day in every shop's rows.
    monday = date(2015, 3, 2).toordinal() - shops.first_day
    assert shops.causes[PROMOTION][0, monday - 3 : monday + 5].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert np.array_equal(shops.causes[OPEN] > 0, np.isfinite(shops.demand))


def test_known_causes_are_worth_a_tenth_of_the_error_and_intervals_hold(shops: Panel) -> None:
    known = shops.of(np.arange(40)).until(EARLIER.toordinal() - shops.first_day + 1)
    came = shops.demand[:40, known.periods : known.periods + HORIZON]
    told = DailyLinear().forecast(known, HORIZON, (0.05, 0.95))
    simple = WeekdayMedian().forecast(known, HORIZON, ())
    # 0.112 against 0.157 over all hundred shops.
    assert rmspe(came, told.mean) < 0.9 * rmspe(came, simple.mean)
    assert 0.82 < covered(came, told.quantiles[..., 0], told.quantiles[..., 1]) < 0.97


def test_the_sum_over_two_weeks_is_covered(shops: Panel) -> None:
    known = shops.of(np.arange(40)).until(EARLIER.toordinal() - shops.first_day + 1)
    came = np.nan_to_num(shops.demand[:40, known.periods : known.periods + 14]).sum(axis=1)
    told = Conformal(DailyLinear()).over_lead_time(known, 14, (0.05, 0.95))
    assert 0.75 < covered(came, told.quantiles[:, -1, 0], told.quantiles[:, -1, 1]) <= 1.0
    assert np.ptp(told.quantiles[:, -1], axis=1).mean() < 0.25 * came.mean()
