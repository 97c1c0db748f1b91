"""How likely each amount of demand is, over a stretch of time: one form for counts, quantiles and samples alike.

A law is held as its quantile function, straight between a few points. A flat piece is an amount that comes with some
probability (every count is one), an upright piece is a gap between amounts. So a table of forecast quantiles, a list of
chances and a sample give the same exact answers about shortages and leftovers, and no law needs to be normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from smartshop.ai_agents.inventory.policies.bounds import Floats, not_negative, positive, probabilities
from smartshop.errors import InvalidValue

FINEST_COUNTS = 4_096
"""Counts that span more units are held by as many points, straight between them."""

TAIL_POINTS, TAIL_RATIO = 40, 0.75
"""Each point beyond the last quantile leaves three quarters of the chance above it."""


@dataclass(frozen=True, slots=True)
class DemandLaw:
    """The quantile function of a demand that is never negative."""

    levels: Floats
    """(m,) probabilities from 0 to 1, never falling."""
    values: Floats
    """(m,) units of demand, never falling, at least 0."""
    _areas: Floats = field(init=False, repr=False, compare=False)
    """(m,) the quantile function added up from 0 to each level; the last is the mean."""

    def __post_init__(self) -> None:
        levels, values = self.levels, self.values
        if levels.shape != values.shape or levels.ndim != 1 or len(levels) < 2 or levels[0] != 0 or levels[-1] != 1:
            raise InvalidValue("A law of demand goes from probability 0 to 1, with one amount for each of its points.")
        if not np.isfinite(values).all() or values[0] < 0 or (np.diff(values) < 0).any() or (np.diff(levels) < 0).any():
            raise InvalidValue("A law of demand holds amounts of at least 0 that rise with their probabilities.")
        pieces = np.diff(levels) * (values[1:] + values[:-1]) / 2
        object.__setattr__(self, "_areas", np.concatenate(([0.0], np.cumsum(pieces))))

    @property
    def mean(self) -> float:
        """Units"""
        return float(self._areas[-1])

    @property
    def sd(self) -> float:
        """Standard deviation, units."""
        low, high = self.values[:-1], self.values[1:]
        square = float(np.diff(self.levels) @ (low**2 + low * high + high**2)) / 3
        return float(np.sqrt(max(square - self.mean**2, 0.0)))

    def quantile(self, level: Floats | Sequence[float] | float) -> Floats:
        """The smallest amount that demand stays within with this probability. Any shape of levels, 0 to 1."""
        asked = np.asarray(level, np.float64)
        place = np.clip(np.searchsorted(self.levels, asked - 1e-12, side="left"), 1, len(self.levels) - 1)
        low, high = self.levels[place - 1], self.levels[place]
        part = np.clip((asked - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
        return np.asarray(self.values[place - 1] + part * (self.values[place] - self.values[place - 1]), np.float64)

    def chance_within(self, units: Floats | float) -> Floats:
        """P(D ≤ units), of the same shape."""
        asked = np.asarray(units, np.float64)
        place = np.searchsorted(self.values, asked, side="right")
        after, before = np.minimum(place, len(self.values) - 1), np.maximum(place - 1, 0)
        gap = self.values[after] - self.values[before]
        part = np.clip((asked - self.values[before]) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
        inside = self.levels[before] + part * (self.levels[after] - self.levels[before])
        return np.asarray(np.where(place == 0, 0.0, np.where(place == len(self.values), 1.0, inside)), np.float64)

    def left(self, units: Floats | float) -> Floats:
        """E[max(units − D, 0)], of the same shape."""
        asked = np.asarray(units, np.float64)
        level = self.chance_within(asked)
        return np.asarray(np.maximum(asked * level - self._area_until(level), 0.0), np.float64)

    def short(self, units: Floats | float) -> Floats:
        """E[max(D − units, 0)], of the same shape."""
        asked = np.asarray(units, np.float64)
        level = self.chance_within(asked)
        return np.asarray(np.maximum(self.mean - self._area_until(level) - asked * (1 - level), 0.0), np.float64)

    def over_part(self, share: float) -> "DemandLaw":
        """Roughly the law over a part of the time: the mean shrinks with it, distances from the mean with its root.

        Right for independent days but for the shape, which nears the normal more slowly over the shorter time.
        """
        if not 0 <= share <= 1:
            raise InvalidValue(f"The share of time is {share}; it lies between 0 and 1.")
        shrunk = self.mean * share + (self.values - self.mean) * np.sqrt(share)
        kept = np.maximum(shrunk, 0.0)
        cut = DemandLaw(self.levels, kept)
        # What was cut off below zero had made the mean right.
        return DemandLaw(self.levels, kept * (self.mean * share / cut.mean)) if cut.mean else cut

    def _area_until(self, level: Floats) -> Floats:
        place = np.clip(np.searchsorted(self.levels, level, side="right"), 1, len(self.levels) - 1)
        low = self.levels[place - 1]
        gap = np.where(self.levels[place] > low, self.levels[place] - low, 1.0)
        value = self.values[place - 1] + (level - low) / gap * (self.values[place] - self.values[place - 1])
        return np.asarray(self._areas[place - 1] + (level - low) * (self.values[place - 1] + value) / 2, np.float64)


def law_of_quantiles(levels: Sequence[float], quantiles: Floats, mean: float | None = None) -> DemandLaw:
    """From a forecast: quantiles at rising levels strictly between 0 and 1, negative ones taken as 0.

    Below the first level the law runs straight on towards 0. Above the last one it falls off exponentially: as steeply
    as between the last two quantiles, or, where these are equal, so that the whole has the mean told. A product of
    which all quantiles are 0 is so still bought now and then.

    Raises:
        InvalidValue: levels do not rise between 0 and 1, or quantiles are missing, infinite or falling.
    """
    at, values = np.asarray(levels, np.float64), np.maximum(np.asarray(quantiles, np.float64), 0.0)
    if at.shape != values.shape or at.ndim != 1 or len(at) < 2:
        raise InvalidValue(f"There are {at.size} levels and {values.size} quantiles; give one for each, at least two.")
    if at[0] <= 0 or at[-1] >= 1 or (np.diff(at) <= 0).any():
        raise InvalidValue(f"Levels are {at.tolist()}; they rise between 0 and 1, without both ends.")
    if not np.isfinite(values).all() or (np.diff(values) < 0).any():
        raise InvalidValue(f"Quantiles are {values.tolist()}; they are finite and never fall.")
    first = max(values[0] - at[0] * (values[1] - values[0]) / (at[1] - at[0]), 0.0)
    at, values = np.concatenate(([0.0], at)), np.concatenate(([first], values))
    scale = _tail_scale(at, values, mean)
    if scale == 0:
        return DemandLaw(np.append(at, 1.0), np.append(values, values[-1]))
    above = TAIL_RATIO ** np.arange(1, TAIL_POINTS + 1)
    tail = values[-1] - scale * np.log(above)
    # The last piece ends where its own mean is that of the exponential tail it stands for.
    ends = np.concatenate((1 - (1 - at[-1]) * above, [1.0])), np.append(tail, tail[-1] + 2 * scale)
    return DemandLaw(np.concatenate((at, ends[0])), np.concatenate((values, ends[1])))


def law_of_chances(chances: Floats, values: Floats | None = None) -> DemandLaw:
    """From probabilities of 0, 1, 2 … units, or of the given rising amounts. `chances`, `values`: (n,).

    Raises:
        InvalidValue: chances are none, or amounts are negative, falling or of another number.
    """
    each = probabilities("The law of demand", chances)
    amounts = np.arange(len(each), dtype=np.float64) if values is None else np.asarray(values, np.float64)
    if amounts.shape != each.shape:
        raise InvalidValue(f"Demand has {amounts.size} values and {each.size} probabilities; give one for each.")
    kept = each > 0
    reached = np.minimum(np.concatenate(([0.0], np.cumsum(each[kept]))), 1.0)
    reached[-1] = 1.0
    return DemandLaw(np.column_stack((reached[:-1], reached[1:])).ravel(), np.repeat(amounts[kept], 2))


def law_of_sample(sample: Floats) -> DemandLaw:
    """As seen: every observation equally likely. `sample`: (n,) units, at least 0.

    Raises:
        InvalidValue: nothing was seen, or something negative.
    """
    seen = np.sort(np.asarray(sample, np.float64))
    if not len(seen):
        raise InvalidValue("The sample of demand is empty; a law needs at least one observation.")
    return law_of_chances(np.full(len(seen), 1.0 / len(seen)), seen)


def poisson_law(mean: float) -> DemandLaw:
    """Counts whose variance is their mean.

    Raises:
        InvalidValue: the mean is negative or not finite.
    """
    if not_negative("Mean demand", mean) == 0:
        return law_of_chances(np.ones(1))
    return _law_of_counts(stats.poisson(mean))


def negative_binomial_law(mean: float, variance: float) -> DemandLaw:
    """Counts that vary more than Poisson: r = μ²/(σ² − μ), p = μ/σ²; Poisson where the variance is not above the mean.

    Raises:
        InvalidValue: the mean is negative, the variance is not above 0, or either is not finite.
    """
    not_negative("Mean demand", mean)
    if mean == 0 or positive("The variance of demand", variance) <= mean * (1 + 1e-9):
        return poisson_law(mean)
    return _law_of_counts(stats.nbinom(mean**2 / (variance - mean), mean / variance))


# The frozen laws of SciPy carry no types.
def _law_of_counts(law: stats.rv_discrete) -> DemandLaw:
    low, high = float(law.ppf(1e-13)), float(law.isf(1e-13))
    counts = np.unique(np.round(np.linspace(low, high, int(min(high - low, FINEST_COUNTS)) + 1)))
    if len(counts) == high - low + 1:
        return law_of_chances(law.pmf(counts) / law.pmf(counts).sum(), counts)
    levels = law.cdf(counts)
    levels[0], levels[-1] = 0.0, 1.0
    return DemandLaw(levels, counts)


def _tail_scale(levels: Floats, values: Floats, mean: float | None) -> float:
    """Units by which demand goes beyond its last quantile on average, when it does."""
    spread = float(values[-1] - values[-2])
    if spread > 0:
        return spread / float(np.log((1 - levels[-2]) / (1 - levels[-1])))
    if mean is None:
        return 0.0
    known = float(np.diff(levels) @ (values[1:] + values[:-1])) / 2
    return max((mean - known) / float(1 - levels[-1]) - float(values[-1]), 0.0)
