"""Quantiles from earlier errors keep their promise, day by day and over a lead time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.calendar import OPEN
from smartshop.ai_agents.inventory.forecasting.conformal import (
    Conformal,
    ConformalConfig,
    Trials,
    calibrate,
    earlier_origins,
    few_origins_factor,
    seasonal_trial,
)
from smartshop.ai_agents.inventory.forecasting.daily_simple import SameWeekday, WeekdayMedian
from smartshop.ai_agents.inventory.forecasting.measures import covered
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, Period, tidy

SETTINGS = ConformalConfig(origins=6, settled_history=84, least_history=28)


@dataclass(frozen=True, slots=True)
class TrueMiddle:
    """A forecast that knows the law: what is left is noise alone."""

    name: ClassVar[str] = "true_middle"
    middle: Floats

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        mean = np.repeat(self.middle[:, None], horizon, axis=1)
        return tidy(mean, np.repeat(mean[..., None], len(levels), axis=2))


def _noisy(spread: Floats, days: int, rng: np.random.Generator) -> tuple[Panel, TrueMiddle]:
    middle = rng.uniform(50.0, 5_000.0, len(spread))
    logs = np.log(middle)[:, None] + spread[:, None] * rng.standard_normal((len(spread), days))
    return Panel(np.exp(logs), Period.DAY, 700_000), TrueMiddle(middle)


def test_the_published_rank_is_used(shared_vectors: Path) -> None:
    split = json.loads((shared_vectors / "metric_vectors.json").read_text())["split_conformal"]
    errors = np.array(split["abs_residuals"])[None, None, :]
    reach = np.full(errors.shape[2], errors.shape[2])
    found = calibrate(errors, [1.0 - split["alpha"]], reach, 30.0)
    assert float(found.sizes[0, 0] * found.scores[0]) == pytest.approx(split["halfwidth"])


def test_intervals_cover_as_promised_and_are_wide_where_a_series_is_wild() -> None:
    rng = np.random.default_rng(3)
    spread = np.where(np.arange(120) < 60, 0.1, 0.4)
    panel, candidate = _noisy(spread, 224, rng)
    told = Conformal(candidate, SETTINGS).forecast(panel.until(196), 28, (0.05, 0.5, 0.95))
    came, low, high = panel.demand[:, 196:], told.quantiles[..., 0], told.quantiles[..., 2]
    # 3,360 days: three standard errors of a share of 0.9 are 0.016, and as much for the 112 errors of each series.
    assert covered(came, low, high) == pytest.approx(0.9, abs=0.03)
    for half in (slice(0, 60), slice(60, 120)):
        assert covered(came[half], low[half], high[half]) == pytest.approx(0.9, abs=0.04)
    widths = np.log(high / low).mean(axis=1)
    assert widths[60:].mean() / widths[:60].mean() == pytest.approx(4.0, rel=0.15)


def test_the_sum_over_a_lead_time_is_narrower_than_its_days_and_covered() -> None:
    panel, candidate = _noisy(np.full(80, 0.3), 224, np.random.default_rng(4))
    told = Conformal(candidate, SETTINGS).over_lead_time(panel.until(196), 28, (0.05, 0.95))
    sums = panel.demand[:, 196:].cumsum(axis=1)
    for days in (1, 7, 28):
        low, high = told.quantiles[:, days - 1, 0], told.quantiles[:, days - 1, 1]
        # 80 sums: two standard errors are 0.067.
        assert covered(sums[:, days - 1], low, high) == pytest.approx(0.9, abs=0.08)
    share = (told.quantiles[..., 1] - told.quantiles[..., 0]) / told.mean
    # Independent noise: the spread of a sum over k days falls with the root of k.
    assert float((share[:, 0] / share[:, 24]).mean()) == pytest.approx(5.0, rel=0.25)


def test_errors_that_hang_together_make_sums_wide() -> None:
    rng = np.random.default_rng(8)
    told = np.full((6, 50, 14), 100.0)
    shifts = np.exp(0.2 * rng.standard_normal((6, 50, 1)))
    together = Trials(told, told * shifts, np.zeros(told.shape, bool))
    apart = Trials(told, told * np.exp(0.2 * rng.standard_normal(told.shape)), np.zeros(told.shape, bool))
    widths = [
        float(np.ptp(trials.around_sums(told[0], (0.05, 0.95), 30.0).quantiles[:, -1], axis=-1).mean())
        for trials in (together, apart)
    ]
    assert widths[0] > 3 * widths[1]


def test_what_few_origins_have_in_common_widens_sums() -> None:
    rng = np.random.default_rng(10)
    apart = rng.standard_normal((6, 400, 5))
    assert few_origins_factor(apart) == pytest.approx(np.ones(5), abs=0.01)
    common = np.repeat(rng.standard_normal((6, 1, 5)), 400, axis=1)
    # All in common, six origins: Student's 2.015 over the normal 1.645, and seven sixths of the variance.
    assert few_origins_factor(common) == pytest.approx(np.full(5, 2.015 / 1.645 * np.sqrt(7 / 6)), rel=0.01)
    assert (few_origins_factor(common[:2]) > few_origins_factor(common)).all()
    assert few_origins_factor(apart * np.nan).tolist() == [1.0] * 5


def test_a_closed_day_is_no_error_and_adds_nothing_to_a_sum() -> None:
    is_closed = np.zeros((1, 1, 4), bool)
    is_closed[0, 0, 1] = True
    trials = Trials(np.array([[[10.0, 0.0, 10.0, 10.0]]]), np.array([[[10.0, np.nan, 10.0, np.nan]]]), is_closed)
    assert np.isnan(trials.day_errors()[0, 0]).tolist() == [False, True, False, True]
    assert trials.sum_errors()[0, 0, :3].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(trials.sum_errors()[0, 0, 3])


def test_nothing_after_the_panel_is_looked_at_and_origins_lie_a_horizon_apart() -> None:
    panel = Panel(np.ones((1, 200)), Period.DAY, 1)
    assert earlier_origins(panel, 28, SETTINGS) == [88, 116, 144, 172]
    assert earlier_origins(panel.until(80), 28, SETTINGS) == [52]
    assert earlier_origins(panel.until(30), 28, SETTINGS) == []


@pytest.mark.parametrize("days", [1, 7, 9, 40])
def test_a_young_series_gets_wide_intervals_instead_of_none(days: int) -> None:
    rng = np.random.default_rng(9)
    panel = Panel(rng.gamma(4.0, 25.0, (20, days)), Period.DAY, 1)
    told = Conformal(SameWeekday()).forecast(panel, 14, (0.05, 0.95))
    assert (told.quantiles[..., 0] <= told.quantiles[..., 1]).all()
    if days > 8:
        assert (told.quantiles[..., 0] < told.mean).all()
        assert (told.quantiles[..., 1] > told.mean).all()


def test_odd_series_are_told_without_failing() -> None:
    demand = np.full((3, 120), np.nan)
    demand[1] = 0.0
    demand[2, 100] = 7.0
    opens = np.ones((1, 148), np.float32)
    opens[0, 125] = 0.0
    panel = Panel(demand, Period.DAY, 1, {OPEN: opens})
    told = Conformal(WeekdayMedian(), SETTINGS).forecast(panel, 28, (0.1, 0.9))
    assert np.isfinite(told.quantiles).all()
    assert not told.quantiles[:2].any()
    assert not told.quantiles[:, 5].any()
    assert np.isnan(seasonal_trial(panel.of(np.array([0])), 28).day_errors()).all()
