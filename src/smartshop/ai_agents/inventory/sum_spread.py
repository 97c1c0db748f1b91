"""How far demand over several weeks together strays from its forecast, learned from sums at earlier origins.

Weeks of one origin err together, so that quantiles of weeks cannot be added up. The sum over a stretch with mean M is
taken as negative binomial with the variance d·M + φ·M²: d, the series' own scatter from week to week per unit, and φ,
what levels are missed by, the same for all series of a class and learned per length of the stretch. Which level of
that law truly is 90 % is then told by where earlier sums fell in it: split conformal prediction on probabilities
(Chernozhukov, Wüthrich & Zhu 2021, distributional conformal prediction), randomised for the steps of counts.

Sums of one origin share its season and its luck, so that thousands of them are few observations. What they say of
levels is therefore drawn to the law's own, as if `PRIOR_ORIGINS` had held them exactly. Taken at its word, it made a
year of orders in made-up shops 8 to 20 % dearer than the law alone, and on a wholesaler's books the loss of the levels
from 98 % on up to a half greater; drawn in like this it gains 2 to 5 % there from 80 to 95 % (docs/benchmarks.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.choosing_classes import (
    CLASS_NAMES,
    CLASSES,
    YOUNG,
    classes_by_age,
)
from smartshop.ai_agents.inventory.forecasting.counts import at_or_below
from smartshop.ai_agents.inventory.forecasting.measures import conformal_rank
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason
from smartshop.ai_agents.inventory.weekly_choice import PastForecast

Classes = Callable[[Panel], NDArray[np.int64]]
"""(n,) numbers into `CLASS_NAMES`."""
SUM_LEVELS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
SCATTER_FROM = SharedSeason(half_life_years=4.0)
"""Around whose fit a series' scatter from week to week is measured: a season is no scatter."""
PRIOR_ORIGINS = 12
"""Origins that are taken to have held the law's levels exactly."""
LEAST_SUMS = 150
"""Sums seen that a class needs for a φ and levels of its own; smaller ones follow all series."""
RARE = CLASSES.index("rare")
PRIOR_LAUNCHES = 50
"""Launches taken to have held the law's levels exactly: what they err by is their own more than an origin's."""
PRIOR_YOUNG = 20
"""Sums that stand for what few sales tell at any age, beside those of series that were as young: what a first week,
seldom a whole one, says of later weeks errs three times as far as two weeks do."""
UNTRIED_RELATIVE = 0.25
"""φ where nothing could be tried yet: a level missed by half is usual for a young shop."""
MOST_RELATIVE = 4.0
USUAL_RELATIVE = 0.1
"""φ by which squares are weighed: a level missed by a third."""
FARTHEST_LEVEL, LEAST_STEP = 0.9999, 1e-9
WEEK = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class SumSpread:
    """By class of series, the young ones by their weeks, and length of the stretch in weeks, 1 … k."""

    relative: Floats
    """(classes, k) φ."""
    asked: Floats
    """(classes, k, q) the law's own level that truly is each of `SUM_LEVELS`."""

    def variance(self, series_class: int, mean: float, scatter: float, days: float) -> float:
        """Units² of a sum over so many days. `scatter`: d, of that series."""
        lengths = np.arange(1, self.relative.shape[1] + 1) * WEEK
        relative = float(np.interp(days, lengths, self.relative[series_class]))
        return scatter * mean + relative * mean**2

    def chances_within(self, series_class: int, mean: float, variance: float, days: float, units: Floats) -> Floats:
        """(k,) with which chance a sum over so many days is at most each of these rising units, up to 1.

        The law's own chances, read as what they truly were; straight between the levels that were measured.
        """
        place = int(np.clip(np.ceil(days / WEEK), 1, self.asked.shape[1])) - 1
        own = at_or_below(units, np.full(units.shape, mean), np.full(units.shape, variance))
        # Equal levels are told apart by less than anything rests on: interpolation wants them to rise.
        measured = self.asked[series_class, place] + np.arange(len(SUM_LEVELS)) * LEAST_STEP
        known = np.concatenate([[0.0], measured, [1.0 + LEAST_STEP]])
        return np.asarray(np.interp(own, known, [0.0, *SUM_LEVELS, 1.0]), np.float64)


def weekly_scatter(panel: Panel) -> Floats:
    """(n,) d: variance per unit of mean from week to week, at least 1."""
    return SCATTER_FROM.fit(panel, 0).scatter


def learn_spread(
    panel: Panel, past: Sequence[PastForecast], rng: np.random.Generator, classes: Classes = classes_by_age
) -> SumSpread:
    """From what was told at earlier origins and what came; sums with an unknown week say nothing.

    Newcomers, on whom no candidate is tried, have a row that nothing was learned for.
    `classes`: `demand_classes` holds the young to be rare.
    """
    sums = [_Sums.of(panel, one, classes) for one in past]
    weeks = min((one.came.shape[1] for one in sums), default=1)
    relative = np.full((len(CLASS_NAMES), weeks), UNTRIED_RELATIVE)
    asked = np.tile(np.asarray(SUM_LEVELS), (len(CLASS_NAMES), weeks, 1))
    heard = len(sums) / (len(sums) + PRIOR_ORIGINS)
    for week in range(weeks):
        seen = [one.over(week) for one in sums]
        columns = [np.concatenate(parts) for parts in zip(*seen, strict=True)]
        if not columns or not len(columns[0]):
            continue
        summed = _Summed(*columns)
        for number in range(len(CLASSES)):
            some = summed.of_enough(summed.kind == number)
            relative[number, week] = some.relative()
            asked[number, week] += heard * (some.levels(relative[number, week], rng) - asked[number, week])
        few = summed.of_enough(np.isin(summed.kind, (RARE, *YOUNG)))
        for number in YOUNG:
            own, relative[number, week] = summed.of(summed.kind == number), few.relative()
            if len(own):
                known = len(own) / (len(own) + PRIOR_YOUNG)
                relative[number, week] += known * (own.relative() - relative[number, week])
                levels = own.levels(relative[number, week], rng)
                asked[number, week] += len(own) / (len(own) + PRIOR_LAUNCHES) * (levels - asked[number, week])
    return SumSpread(relative, asked)


@dataclass(frozen=True, slots=True)
class _Summed:
    """m sums over stretches of one length."""

    came: Floats
    mean: Floats
    scatter: Floats
    kind: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.came)

    def of(self, some: NDArray[np.bool_]) -> "_Summed":
        return _Summed(self.came[some], self.mean[some], self.scatter[some], self.kind[some])

    def of_enough(self, some: NDArray[np.bool_]) -> "_Summed":
        """These, or all where they are few."""
        return self.of(some) if some.sum() >= LEAST_SUMS else self

    def relative(self) -> float:
        return _relative(self.came, self.mean, self.scatter)

    def levels(self, relative: float, rng: np.random.Generator) -> Floats:
        """(q,) of the law with this φ, that hold."""
        variance = self.scatter * self.mean + relative * self.mean**2
        return _levels_that_hold(where_it_fell(self.came, self.mean, variance, rng))


def spread_of_sums(
    came: Floats, told: Floats, scatter: float, heard: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """((k,) φ, (k, q) levels) of one kind of series by itself, from sums over the first 1 … k weeks.

    `came`, `told`: (m, k); `scatter`: d of all of them; `heard`: how much what was seen counts beside the law, 0 to 1.
    """
    weeks = came.shape[1]
    relative, asked = np.full(weeks, UNTRIED_RELATIVE), np.tile(np.asarray(SUM_LEVELS), (weeks, 1))
    for week in range(weeks):
        some = told[:, week] > 0
        if not some.any():
            continue
        units, mean = np.rint(came[some, week]), told[some, week]
        relative[week] = _relative(units, mean, np.full(len(mean), scatter))
        fell = where_it_fell(units, mean, scatter * mean + relative[week] * mean**2, rng)
        asked[week] += heard * (_levels_that_hold(fell) - asked[week])
    return relative, asked


def where_it_fell(came: Floats, mean: Floats, variance: Floats, rng: np.random.Generator) -> Floats:
    """(m,) level of the law at which each sum lies, drawn within the step of its count (Brockwell 2007)."""
    upto, below = at_or_below(came, mean, variance), at_or_below(came - 1.0, mean, variance)
    return np.asarray(below + rng.random(len(came)) * (upto - below), np.float64)


@dataclass(frozen=True, slots=True)
class _Sums:
    """(n, k) sums over the first 1 … k weeks, NaN from the first unknown week on."""

    came: Floats
    told: Floats
    scatter: Floats
    kind: NDArray[np.int64]

    @staticmethod
    def of(panel: Panel, past: PastForecast, classes: Classes = classes_by_age) -> "_Sums":
        known = panel.until(past.origin)
        came = panel.demand[:, past.origin : past.origin + past.told.mean.shape[1]]
        told = past.told.mean[:, : came.shape[1]]
        return _Sums(came.cumsum(axis=1), told.cumsum(axis=1), weekly_scatter(known), classes(known))

    def over(self, week: int) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """Of those known, and of which anything was expected: what nobody expects has no law to fall in."""
        some = np.isfinite(self.came[:, week]) & (self.told[:, week] > 0)
        return np.rint(self.came[some, week]), self.told[some, week], self.scatter[some], self.kind[some]


def _relative(came: Floats, mean: Floats, scatter: Floats) -> float:
    """φ by weighted least squares of (S − M)² − d·M on M².

    Each square is weighed by what squares of its size vary by, 2·V² + V of a count with variance V.
    """
    usual = scatter * mean + USUAL_RELATIVE * mean**2
    weight = 1.0 / (2.0 * usual**2 + usual)
    # One order of a wholesaler would decide alone: no miss counts as more than five times its usual spread.
    squares = np.minimum((came - mean) ** 2, 25.0 * usual)
    found = float((weight * mean**2 * (squares - scatter * mean)).sum() / (weight * mean**4).sum())
    return float(np.clip(found, 0.0, MOST_RELATIVE))


def _levels_that_hold(fell: Floats) -> Floats:
    """(q,) conformal ranks of both sides, rising."""
    ordered, n = np.sort(fell), len(fell)
    found = []
    for level in SUM_LEVELS:
        if level >= 0.5:
            rank = conformal_rank(n, level)
            found.append(ordered[rank - 1] if rank <= n else max(level, float(ordered[-1])))
        else:
            rank = n + 1 - conformal_rank(n, 1.0 - level)
            found.append(ordered[rank - 1] if rank >= 1 else min(level, float(ordered[0])))
    return np.clip(np.maximum.accumulate(np.array(found)), 1.0 - FARTHEST_LEVEL, FARTHEST_LEVEL)


def sums_within(panel: Panel, past: PastForecast, spread: SumSpread, level: int) -> float:
    """Share of sums over all lengths that stayed within their quantile of this place in `SUM_LEVELS`.

    Ties count by the chance with which they lie below, as where a draw falls within the step of its count.
    """
    sums, rng = _Sums.of(panel, past), np.random.default_rng(0)
    held = []
    for week in range(min(sums.came.shape[1], spread.relative.shape[1])):
        came, mean, scatter, kind = sums.over(week)
        variance = scatter * mean + spread.relative[kind, week] * mean**2
        held.append(where_it_fell(came, mean, variance, rng) <= spread.asked[kind, week, level])
    together = np.concatenate(held) if held else np.zeros(0)
    return float(together.mean()) if len(together) else float("nan")
