"""One LightGBM over all daily series: how far a day is from what is usual for its weekday and promotion, in logarithms.

Direct: each day ahead is told from what was known at the origin, never from other forecasts (Ben Taieb & Hyndman 2014).
Many past origins teach it, each with those of the days after it that have come. Relative to its own level, a large
series teaches a small one (Ke et al. 2017 for the trees; Makridakis et al. 2022 for one model over many series).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.boosted_trees import tree_parameters
from smartshop.ai_agents.inventory.forecasting.calendar import PROMOTION, is_open
from smartshop.ai_agents.inventory.forecasting.conformal import ConformalConfig, quantiles_from_earlier
from smartshop.ai_agents.inventory.forecasting.daily_features import (
    Columns,
    Past,
    day_columns,
    logarithms,
    past_columns,
)
from smartshop.ai_agents.inventory.forecasting.daily_simple import Classes, day_classes
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BoostedDailyConfig:
    """Chosen on 42 days each after seven origins from March to November 2014 of a hundred shops."""

    trees: int = 300
    learning_rate: float = 0.04
    leaves: int = 31
    least_in_leaf: int = 40
    column_share: float = 0.3
    """Of the columns, for each tree: many say nearly the same."""
    row_share: float = 0.7
    reg: float = 1.0
    """L2, on leaves."""
    days_between_origins: int = 14
    least_history: int = 91
    """Days known at the earliest origin that teaches: so early that a first year's feasts are learned."""
    most_rows: int = 1_000_000
    """Rows that are learned from; of more, as many are drawn. Some 300 MB."""
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True)
class BoostedDaily:
    """Its point forecasts are the middle of what is expected; quantiles come from its errors at earlier origins."""

    name: ClassVar[str] = "boosted_daily"
    config: BoostedDailyConfig = field(default_factory=BoostedDailyConfig)
    quantiles: ConformalConfig = field(default_factory=ConformalConfig)

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        mean = self.expected(panel, horizon)
        return tidy(mean, quantiles_from_earlier(self.expected, panel, mean, levels, self.quantiles))

    def expected(self, panel: Panel, horizon: int) -> Floats:
        """(n, h) the middle of what is expected."""
        if not len(panel):
            return np.zeros((0, horizon))
        known = _Known(panel, logarithms(panel), day_classes(panel, horizon, (PROMOTION,)), day_columns(panel, horizon))
        past = known.past(panel.periods, horizon)
        rows, differences = _lesson(known, horizon, self.config)
        told = past.base
        if len(differences):
            asked = known.rows(past, panel.periods, horizon)
            told = told + _learned(rows, differences, len(panel.groups), self.config, asked).reshape(told.shape)
        is_selling = is_open(panel, horizon) & np.isfinite(panel.demand).any(axis=1, keepdims=True)
        return np.where(is_selling, np.maximum(np.expm1(told), 0.0), 0.0)


@dataclass(frozen=True, slots=True)
class _Known:
    """A panel and what is made of it once for all origins."""

    panel: Panel
    logs: Floats
    classes: Classes
    days: Columns

    def past(self, origin: int, ahead: int) -> Past:
        return past_columns(self.panel, self.logs, self.classes, origin, ahead)

    def rows(self, past: Past, origin: int, ahead: int) -> Rows:
        """(n · ahead, c) series by series; columns of days, of the past and, last, of groups."""
        blocks = [
            *(column[:, origin : origin + ahead] for column in self.days.values()),
            *past.columns.values(),
            *(codes[:, None] for codes in self.panel.groups.values()),
        ]
        table = np.empty((len(self.panel) * ahead, len(blocks)), np.float32)
        for place, block in enumerate(blocks):
            table[:, place] = np.broadcast_to(block, (len(self.panel), ahead)).ravel()
        return table


def _lesson(known: _Known, horizon: int, config: BoostedDailyConfig) -> tuple[Rows, Floats]:
    """(m, c) rows of known days after past origins, and (m,) how far each was from what was usual, in logarithms."""
    periods = known.panel.periods
    # The last origin still has half a horizon of days to teach.
    newest = periods - max(horizon // 2, 1)
    origins = range(newest, min(config.least_history, newest - 1), -config.days_between_origins)
    rng, most = np.random.default_rng(config.seed), config.most_rows // max(len(origins), 1)
    rows, differences = [], []
    for origin in origins if newest > 0 else ():
        ahead = min(horizon, periods - origin)
        past = known.past(origin, ahead)
        difference = (known.logs[:, origin : origin + ahead] - past.base).ravel()
        taken = np.flatnonzero(np.isfinite(difference))
        if len(taken) > most:
            taken = np.sort(rng.choice(taken, most, replace=False))
        rows.append(known.rows(past, origin, ahead)[taken])
        differences.append(difference[taken])
    if not rows:
        return np.zeros((0, 0), np.float32), np.zeros(0)
    return np.concatenate(rows), np.concatenate(differences)


def _learned(rows: Rows, differences: Floats, groups: int, config: BoostedDailyConfig, asked: Rows) -> Floats:
    """(a,) differences told for the rows asked, by trees grown on the others; the last columns are groups."""
    import lightgbm  # an extra: the base package forecasts without it

    parameters = {"objective": "regression", **tree_parameters(config)}
    columns = rows.shape[1]
    lesson = lightgbm.Dataset(rows, differences, categorical_feature=list(range(columns - groups, columns)))
    return np.asarray(lightgbm.train(parameters, lesson, config.trees).predict(asked), np.float64)
