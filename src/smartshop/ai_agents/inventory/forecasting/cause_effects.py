"""What causes do to demand: factors shared by a category, read from days that differ from the days around them.

Demand is taken as level × weekday × exp(Σ β x) with counts' scatter, the level being the mean of some weeks around, so
that neither a season nor a trend is mistaken for a cause. Effects β have the greatest likelihood under a normal law
around nothing for the whole shop, and around the shop's for each category (quasi-Poisson; Wedderburn 1974; the two
steps as in `daily_linear`). One series says little of a holiday; all of a category say it after one or two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import day_numbers, weekdays
from smartshop.ai_agents.inventory.forecasting.panel import Cause, Floats, Panel, Period

Groups = NDArray[np.int64]

WEEK = 7
MOST_EFFECT = 2.0
"""Logarithm of the most that all causes together move a period: 7.4 times."""
FAINT_UNITS = 1e-9


@dataclass(frozen=True, slots=True)
class EffectsConfig:
    around: int = 28
    """Periods on both sides that a level is the mean of."""
    most_series: int = 2_000
    """Those of most units, from which effects are read."""
    most_periods: int = 728
    """The newest."""
    shop_spread: float = 0.5
    """Standard deviation of the shop's effects: of being on, or of one spread of a reading."""
    group_spread: float = 0.2
    """And of a category's around the shop's."""
    turns: int = 5
    """Levels, weekdays and effects are each read from the others: for the shop, then for categories."""
    prior_units: float = 50.0
    """That draw a category's weekdays to those of the shop."""


DAILY_EFFECTS = EffectsConfig()
WEEKLY_EFFECTS = EffectsConfig(around=4, most_periods=156)


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """k causes, g groups of series."""

    names: tuple[str, ...]
    centre: Floats
    """(k,) value that moves nothing."""
    scale: Floats
    """(k,) > 0 step of which an effect is told."""
    of_group: Floats
    """(g, k) logarithms of factors per step. A series' own beyond its category's gained nothing."""
    group: Groups
    """(n,) which group a series is of."""

    def factors(self, causes: Mapping[str, Cause], first: int, last: int) -> Floats:
        """(n, last − first) what each period is moved by, periods being columns of the causes."""
        moved = np.zeros((len(self.group), last - first))
        for number, name in enumerate(self.names):
            steps = (causes[name][:, first:last].astype(np.float64) - self.centre[number]) / self.scale[number]
            moved += self.of_group[self.group, number][:, None] * np.nan_to_num(steps)
        return np.exp(np.clip(moved, -MOST_EFFECT, MOST_EFFECT))


def learn_effects(panel: Panel, names: Sequence[str], config: EffectsConfig, group: str = "category") -> Effects:
    """Of those of the causes that stirred while demand was known. Series of a group share effects."""
    codes = panel.groups.get(group, np.zeros(len(panel), np.int32))
    kinds, members = np.unique(codes, return_inverse=True)
    since = max(panel.periods - config.most_periods, 0)
    known = np.isfinite(panel.demand[:, since:])
    units = np.where(known, panel.demand[:, since:], 0.0).sum(axis=1)
    some = np.sort(np.argsort(-units, kind="stable")[: config.most_series])
    demand, known = np.where(known[some], panel.demand[some, since:], 0.0), known[some]
    causes = {name: panel.causes[name][:, since : panel.periods] for name in names}
    causes = {name: cause for name, cause in causes.items() if cause.size and np.ptp(cause) > 0}
    centre, scale = np.array([_steps(cause) for cause in causes.values()]).reshape(len(causes), 2).T
    steps = [
        ((cause if len(cause) == 1 else cause[some]) - np.float32(middle)) / np.float32(step)
        for cause, middle, step in zip(causes.values(), centre, scale, strict=True)
    ]
    weekday = weekdays(day_numbers(panel, 0)[since:]) if panel.period is Period.DAY else np.zeros(demand.shape[1], int)
    past = _Past(demand, known, steps, np.asarray(weekday, np.int64), config)
    shop = past.fit(np.zeros(len(some), np.int64), np.zeros((1, len(causes))), config.shop_spread)
    of_group = past.fit(members[some], np.repeat(shop, len(kinds), axis=0), config.group_spread)
    return Effects(tuple(causes), centre, scale, of_group, members)


def _steps(cause: Cause) -> tuple[float, float]:
    """Centre and scale: of what is on or off none, else mean and spread."""
    if np.isin(cause, (0.0, 1.0)).all():
        return 0.0, 1.0
    return float(np.nanmean(cause)), float(np.nanstd(cause))


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """m series over t periods."""

    demand: Floats
    """0 where it is not known"""
    known: NDArray[np.bool_]
    steps: Sequence[Cause]
    """k of (m, t) or (1, t); in single precision, for those of places are many"""
    weekday: Groups
    """(t,)"""
    config: EffectsConfig

    def fit(self, group: Groups, prior: Floats, spread: float) -> Floats:
        """(g, k) effects. `group`: (m,); `prior`: (g, k) where they are drawn to, as if they scattered so around it."""
        if not self.steps:
            return prior
        effects = prior.copy()
        factor = np.ones_like(self.demand)
        apart = [_apart(step, self.config.around) for step in self.steps]
        for _ in range(self.config.turns):
            moving = self._moving(effects, group)
            expected = self._expected(factor * moving)
            factor = self._weekdays(expected / factor, group)
            expected = self._expected(factor * moving)
            effects = effects + self._step(expected, apart, group, effects - prior, spread)
        return effects

    def _moving(self, effects: Floats, group: Groups) -> Floats:
        """(m, t) what the causes make of each period."""
        moved = np.zeros_like(self.demand)
        for number, step in enumerate(self.steps):
            moved += effects[group, number][:, None] * np.nan_to_num(step)
        return np.exp(np.clip(moved, -MOST_EFFECT, MOST_EFFECT))

    def _expected(self, factor: Floats) -> Floats:
        """(m, t) units: the factor times the level around; 0 where demand is not known."""
        units, awaited = (_around_sums(one, self.config.around) for one in (self.demand, self.known * factor))
        level = np.divide(units, awaited, out=np.zeros_like(units), where=awaited > FAINT_UNITS)
        return np.asarray(self.known * factor * level, np.float64)

    def _weekdays(self, expected: Floats, group: Groups) -> Floats:
        """(m, t) what a day's weekday is over the usual. `expected`: without it."""
        is_day = self.weekday[:, None] == np.arange(int(self.weekday.max()) + 1)
        came, awaited = (_by_group(one @ is_day, group) for one in (self.demand, expected))
        whole = (came.sum(axis=0) + FAINT_UNITS) / (awaited.sum(axis=0) + FAINT_UNITS)
        prior = self.config.prior_units
        found = (came + prior * whole) / (awaited + prior)
        return np.asarray((found / found.mean(axis=1, keepdims=True))[group][:, self.weekday], np.float64)

    def _step(self, expected: Floats, apart: Sequence[Cause], group: Groups, beyond: Floats, spread: float) -> Floats:
        """(g, k) of Newton's method; `apart`: causes less their mean around, `beyond`: effects less what draws them."""
        g, k = beyond.shape
        squares, products = np.zeros((g, k, k)), np.zeros((g, k))
        rest = self.demand - expected
        scatter = _scatter(rest, expected, group, g)
        for one in range(k):
            products[:, one] = np.bincount(group, (rest * apart[one]).sum(axis=1), g)
            weighed = expected * apart[one]
            for other in range(one, k):
                found = np.bincount(group, (weighed * apart[other]).sum(axis=1), g)
                squares[:, one, other] = squares[:, other, one] = found
        squares /= scatter[:, None, None]
        products /= scatter[:, None]
        penalty = np.eye(k) / spread**2
        wanted = products - beyond / spread**2
        return np.asarray(np.linalg.solve(squares + penalty, wanted[..., None])[..., 0], np.float64)


def _scatter(rest: Floats, expected: Floats, group: Groups, g: int) -> Floats:
    """(g,) variance per unit of mean of a group's whole periods, at least 1: a good day is good for all of it."""
    squares, sums = np.ones(g), np.ones(g)
    some = slice(0, int(group.max()) + 1)
    squares[some], sums[some] = (_by_group(rest, group) ** 2).sum(axis=1), _by_group(expected, group).sum(axis=1)
    found = np.divide(squares, sums, out=np.ones(g), where=sums > 0)
    return np.asarray(np.maximum(found, 1.0), np.float64)


def _by_group(values: Floats, group: Groups) -> Floats:
    """(g, t) sums of (m, t)."""
    order = np.argsort(group, kind="stable")
    kinds, begins = np.unique(group[order], return_index=True)
    found = np.zeros((int(group.max()) + 1, values.shape[1]))
    found[kinds] = np.add.reduceat(values[order], begins, axis=0)
    return found


def _around_sums(values: Floats, reach: int) -> Floats:
    """(m, t) sums over the periods up to `reach` before and after."""
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    periods = np.arange(values.shape[1])
    high, low = np.minimum(periods + reach + 1, values.shape[1]), np.maximum(periods - reach, 0)
    return np.asarray(running[:, high] - running[:, low], np.float64)


def _apart(step: Cause, reach: int) -> Cause:
    """(m, t) what a cause is beyond its mean around."""
    around = _around_sums(step.astype(np.float64), reach) / _around_sums(np.ones((1, step.shape[1])), reach)
    return np.asarray(step - around, np.float32)
