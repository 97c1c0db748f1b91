"""A kept forecast is the candidate's own, and only for the panel that it was made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.demand_counts_kept import Kept
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period

LEVELS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Counted:
    name: ClassVar[str] = "counted"
    periods: int
    asked: list[int] = field(default_factory=list, repr=False)

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        self.asked.append(horizon)
        return RecentCounts(self.periods).forecast(panel, horizon, levels)


def test_a_forecast_is_made_once_and_found_again(tmp_path: Path) -> None:
    panel = Panel(np.random.default_rng(0).poisson(3.0, (5, 30)).astype(np.float64), Period.WEEK, 733_748)
    candidate = Counted(12)
    kept = Kept(candidate, tmp_path / "kept")
    assert kept.seconds(panel, 4, LEVELS) == 0.0
    first, second = kept.forecast(panel, 4, LEVELS), kept.forecast(panel, 4, LEVELS)
    own = RecentCounts(12).forecast(panel, 4, LEVELS)
    for told in (first, second):
        np.testing.assert_array_equal(told.mean, own.mean)
        np.testing.assert_array_equal(told.quantiles, own.quantiles)
    assert candidate.asked == [4]
    assert kept.seconds(panel, 4, LEVELS) > 0.0


def test_another_past_horizon_or_setting_is_asked_anew(tmp_path: Path) -> None:
    panel = Panel(np.random.default_rng(0).poisson(3.0, (5, 30)).astype(np.float64), Period.WEEK, 733_748)
    codes = {"category": np.arange(5, dtype=np.int32)}
    candidate, other = Counted(12), Counted(6)
    kept = Kept(candidate, tmp_path)
    kept.forecast(panel, 4, LEVELS)
    kept.forecast(panel.until(29), 4, LEVELS)
    kept.forecast(panel, 5, LEVELS)
    kept.forecast(Panel(panel.demand, panel.period, panel.first_day, groups=codes), 4, LEVELS)
    assert len(candidate.asked) == 4
    Kept(other, tmp_path).forecast(panel, 4, LEVELS)
    assert len(other.asked) == 1
