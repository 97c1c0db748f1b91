"""Regression on logarithms that all series share and each series may leave: no extra, milliseconds per series.

A ridge over all series together gives what a cause usually does; a second one per series pulls to that instead of to
nothing (the two-step empirical Bayes of Efron & Morris 1973, with fixed strengths). What the last weeks left over is
added as a level, since a straight line over a year follows a turn too late.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION, day_numbers, is_open
from smartshop.ai_agents.inventory.forecasting.conformal import ConformalConfig, quantiles_from_earlier
from smartshop.ai_agents.inventory.forecasting.daily_causes import derived_causes
from smartshop.ai_agents.inventory.forecasting.daily_features import logarithms, window_means
from smartshop.ai_agents.inventory.forecasting.daily_simple import day_classes
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

Moments = tuple[Floats, Floats]

YEAR_DAYS = 365.25
CENTRE_DAYS = 112
BLOCK = 250
"""Series at a time: their columns over two years are then about 80 MB."""
FREE = 1e-2
"""Share of the penalty that the intercept bears: a level is no habit to be shrunk."""


@dataclass(frozen=True, slots=True)
class DailyLinearConfig:
    """Chosen on 42 days each after seven origins from March to November 2014 of a hundred shops."""

    reg: float = 2.0
    """Days' worth of the shared effect that a series' own is pulled to."""
    shared_reg: float = 20.0
    """Days' worth of nothing that the shared effect is pulled to."""
    half_life_days: float = 730.0
    """After so long a day counts half."""
    waves: int = 2
    """Pairs of yearly waves; more follow the noise of a single year."""
    trend_scale: float = 0.3
    """The yearly slope's size before it is penalised: the smaller, the flatter."""
    level_days: int = 28
    level_share: float = 0.8
    """Which part of what the last days left over is expected to stay."""


@dataclass(frozen=True, slots=True)
class DailyLinear:
    """Weekday and promotion, derived causes, holidays, yearly waves and a slope; quantiles from earlier origins."""

    name: ClassVar[str] = "daily_linear"
    config: DailyLinearConfig = field(default_factory=DailyLinearConfig)
    quantiles: ConformalConfig = field(default_factory=ConformalConfig)

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        mean = self.expected(panel, horizon)
        return tidy(mean, quantiles_from_earlier(self.expected, panel, mean, levels, self.quantiles))

    def expected(self, panel: Panel, horizon: int) -> Floats:
        """(n, h) the middle of what is expected."""
        if not len(panel):
            return np.zeros((0, horizon))
        panel = _with_scaled_causes(panel, horizon)
        logs = logarithms(panel)
        known = np.isfinite(logs)
        level = _level(logs)
        rest = np.where(known, logs - level[:, None], 0.0)
        blocks = [np.arange(begin, min(begin + BLOCK, len(panel))) for begin in range(0, len(panel), BLOCK)]
        sums = [
            _moments(_design(panel.of(block), horizon, self.config), rest[block], known[block], self.config)
            for block in blocks
        ]
        shared = _shared(sums, self.config)
        told = np.zeros((len(panel), horizon))
        for block, moments in zip(blocks, sums, strict=True):
            effects = _own(moments, shared, self.config)
            fitted = np.matmul(_design(panel.of(block), horizon, self.config), effects[..., None])[..., 0]
            told[block] = level[block, None] + self._with_recent(fitted, rest[block], known[block])
        is_selling = is_open(panel, horizon) & known.any(axis=1, keepdims=True)
        return np.where(is_selling, np.maximum(np.expm1(told), 0.0), 0.0)

    def _with_recent(self, fitted: Floats, rest: Floats, known: NDArray[np.bool_]) -> Floats:
        """(b, h) what the fit tells, and what stays of what it left over lately. `fitted`: (b, t + h)."""
        t, days = rest.shape[1], self.config.level_days
        left = np.where(known, rest - fitted[:, :t], np.nan)
        recent = window_means(left, np.array([t - days]), days)
        return np.asarray(fitted[:, t:] + self.config.level_share * np.nan_to_num(recent), np.float64)


def _level(logs: Floats) -> Floats:
    """(n,) mean of the last known days, of all where those are unknown, 0 where all are."""
    recent, whole = (
        window_means(logs, np.array([logs.shape[1] - days]), days)[:, 0] for days in (CENTRE_DAYS, logs.shape[1])
    )
    return np.nan_to_num(np.where(np.isfinite(recent), recent, whole))


def _age_weights(t: int, config: DailyLinearConfig) -> Floats:
    """(t,) how much a day counts, 1 for the last."""
    return np.asarray(0.5 ** (np.arange(t)[::-1] / config.half_life_days), np.float64)


def _design(panel: Panel, horizon: int, config: DailyLinearConfig) -> Floats:
    """(n, t + h, k) day classes, causes, waves, slope and, last, an intercept."""
    days = panel.periods + horizon
    classes = day_classes(panel, horizon, (PROMOTION,))
    own = [cause[:, :days] for name, cause in panel.causes.items() if name not in (OPEN, PROMOTION)]
    columns = [np.asarray(cause, np.float64) for cause in (*derived_causes(panel, horizon).values(), *own)]
    n_classes = 14 if PROMOTION in panel.causes else 7
    columns += [(classes == one).astype(np.float64) for one in range(n_classes)]
    turn = 2.0 * np.pi * day_numbers(panel, horizon)[None, :] / YEAR_DAYS
    for wave in range(1, config.waves + 1):
        columns += [np.sin(wave * turn), np.cos(wave * turn)]
    past_origin = np.arange(days, dtype=np.float64)[None, :] - panel.periods
    columns.append(config.trend_scale * past_origin / YEAR_DAYS)
    columns.append(np.ones((1, days)))
    return np.stack([np.broadcast_to(np.nan_to_num(column), (len(panel), days)) for column in columns], axis=-1)


def _with_scaled_causes(panel: Panel, horizon: int) -> Panel:
    """Causes that are more than on or off in steps of their spread around their mean, over all series.

    So that the penalty asks the same of a price as of a holiday.
    """
    return replace(
        panel, causes={name: _scaled(cause, panel.periods + horizon) for name, cause in panel.causes.items()}
    )


def _scaled(cause: NDArray[np.float32], days: int) -> NDArray[np.float32]:
    known = np.isfinite(cause[:, :days])
    if np.isin(cause, (0.0, 1.0)).all() or not known.any():
        return cause
    told = cause[:, :days][known]
    spread = float(told.std())
    return np.asarray((cause - told.mean()) / (spread if spread > 0 else 1.0), np.float32)


def _moments(columns: Floats, rest: Floats, known: NDArray[np.bool_], config: DailyLinearConfig) -> Moments:
    """Squares (b, k, k) of the columns and their products (b, k) with what is to be explained, older days less."""
    t = rest.shape[1]
    weighted = columns[:, :t] * (known * _age_weights(t, config))[..., None]
    squares = np.matmul(weighted.transpose(0, 2, 1), columns[:, :t])
    return squares, np.matmul(weighted.transpose(0, 2, 1), rest[..., None])[..., 0]


def _penalty(k: int) -> Floats:
    """(k,) of each effect; hardly any for the intercept, the last."""
    return np.append(np.ones(k - 1), FREE)


def _shared(sums: Sequence[Moments], config: DailyLinearConfig) -> Floats:
    """(k,) effects over all series."""
    squares = sum(squares.sum(axis=0) for squares, _ in sums)
    products = sum(products.sum(axis=0) for _, products in sums)
    penalty = config.shared_reg * np.diag(_penalty(len(squares)))
    return np.asarray(np.linalg.solve(squares + penalty, products), np.float64)


def _own(moments: Moments, shared: Floats, config: DailyLinearConfig) -> Floats:
    """(b, k) effects of each series: the shared ones, and what its own days say beyond them."""
    squares, products = moments
    penalty = config.reg * np.diag(_penalty(len(shared)))
    beyond = np.linalg.solve(squares + penalty, (products - squares @ shared)[..., None])[..., 0]
    return np.asarray(shared + beyond, np.float64)
