"""One learner over thousands of daily series: quantiles of each day ahead from boosted trees (Ke et al. 2017).

Quantiles by quantile loss, means by the Tweedie deviance (Jørgensen 1987), in shares of a series' size and weighed by
it, so that the loss learned is that in units. Direct: how far ahead is a feature. It learns from days drawn at random
after many past origins, so that memory grows with the rows drawn, not with series times days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from smartshop.ai_agents.inventory.forecasting.boosted_days_features import (
    DailyPasts,
    Numbers,
    Table,
    check_causes,
    rows,
)
from smartshop.ai_agents.inventory.forecasting.boosted_trees import tree_parameters
from smartshop.ai_agents.inventory.forecasting.counts import whole_units
from smartshop.ai_agents.inventory.forecasting.daily_counts import WeekdayEmpirical, on_open_days
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel

if TYPE_CHECKING:
    import lightgbm

SERIES_AT_ONCE = 2_000
"""Told together: some ten megabytes of features for each day ahead."""


@dataclass(frozen=True, slots=True)
class BoostedDays:
    """LightGBM over all series of a daily panel, with all its causes."""

    name: ClassVar[str] = "boosted trees"
    trees: int = 100
    learning_rate: float = 0.06
    leaves: int = 31
    least_in_leaf: int = 100
    reg: float = 1.0
    column_share: float = 0.6
    row_share: float = 0.7
    origins: int = 26
    """Past days after which it learns, `days_between` apart: the newest year."""
    days_between: int = 13
    """No multiple of seven: every weekday is an origin in turn."""
    least_history: int = 56
    """Days known at the first of them."""
    most_rows: int = 300_000
    """Days ahead that are learned from; of more, so many are drawn."""
    tweedie_power: float = 1.3
    seed: int = 1
    threads: int = 1

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        """A panel too short to learn from is told by `WeekdayEmpirical`.

        Raises:
            ValueError: a cause is not known so far ahead.
        """
        check_causes(panel, horizon)
        pasts = DailyPasts.of(panel)
        lesson = self._lesson(pasts, horizon)
        if lesson is None:
            return WeekdayEmpirical().forecast(panel, horizon, levels)
        boosters = self._boosters(lesson, levels)
        told = np.zeros((len(panel), horizon, 1 + len(levels)))
        for first in range(0, len(panel), SERIES_AT_ONCE):
            some = np.arange(first, min(first + SERIES_AT_ONCE, len(panel)))
            past = pasts.before(panel.periods, some)
            place, ahead = np.repeat(np.arange(len(some)), horizon), np.tile(np.arange(1, horizon + 1), len(some))
            asked, _ = rows(pasts, past, place, ahead)
            for number, booster in enumerate(boosters):
                units = np.asarray(booster.predict(asked), np.float64).reshape(len(some), horizon)
                told[some, :, number] = units * past.size[:, None]
        told[~np.isfinite(panel.demand).any(axis=1)] = 0.0
        return on_open_days(panel, told[..., 0], whole_units(panel, np.maximum(told[..., 1:], 0.0)))

    def _lesson(self, pasts: DailyPasts, horizon: int) -> "_Lesson | None":
        panel, rng = pasts.panel, np.random.default_rng(self.seed)
        newest = panel.periods - max(horizon // 2, 1)
        origins = [
            one for back in range(self.origins) if (one := newest - back * self.days_between) >= self.least_history
        ]
        parts, targets, sizes, names = list[Table](), list[Floats](), list[Floats](), list[str]()
        for origin in origins:
            place, ahead = _drawn(panel, origin, horizon, self.most_rows // len(origins), rng)
            if not len(place):
                continue
            series, inverse = np.unique(place, return_inverse=True)
            past = pasts.before(origin, series)
            table, names = rows(pasts, past, inverse, ahead)
            parts.append(table)
            targets.append(panel.demand[place, origin + ahead - 1])
            sizes.append(past.size[inverse])
        if sum(map(len, targets)) < 2 * self.least_in_leaf:
            return None
        return _Lesson(np.concatenate(parts), np.concatenate(targets), np.concatenate(sizes), names)

    def _boosters(self, lesson: "_Lesson", levels: Sequence[float]) -> "list[lightgbm.Booster]":
        """Of the mean, then of each level."""
        import lightgbm  # an extra: only where there is something to learn

        shared = tree_parameters(self)
        table = lightgbm.Dataset(
            lesson.features,
            lesson.target / lesson.size,
            weight=lesson.size / lesson.size.mean(),
            feature_name=lesson.names,
            categorical_feature=[name for name in lesson.names if name.startswith("code_")],
            params=shared,
            free_raw_data=False,
        )
        mean: dict[str, object] = {"objective": "tweedie", "tweedie_variance_power": self.tweedie_power}
        asked = [mean, *({"objective": "quantile", "alpha": level} for level in levels)]
        return [lightgbm.train({**shared, **one}, table, self.trees) for one in asked]


@dataclass(frozen=True, slots=True)
class _Lesson:
    features: Table
    target: Floats
    """(m,) units"""
    size: Floats
    names: list[str]


def _drawn(panel: Panel, origin: int, horizon: int, most: int, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Series and days ahead of the known days after an origin, at most so many, drawn at random."""
    window = panel.demand[:, origin : origin + horizon]
    seen = np.isfinite(panel.demand[:, :origin]).any(axis=1, keepdims=True)
    known = np.flatnonzero((np.isfinite(window) & seen).ravel())
    if len(known) > most:
        known = np.sort(rng.choice(known, most, replace=False))
    return known // window.shape[1], known % window.shape[1] + 1
