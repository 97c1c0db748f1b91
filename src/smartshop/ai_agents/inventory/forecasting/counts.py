"""Demand as a law of counts: negative binomial where it scatters more than chance alone would, else Poisson."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import nbinom, poisson

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

LEAST_OVERDISPERSION = 1e-6
"""Share by which the variance must exceed the mean; below it the two laws agree to more digits than are counted."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What n series sold per period."""

    mean: Floats
    """(n,) units; 0 where nothing is known."""
    variance: Floats
    """(n,) units², with the divisor k - 1; the mean itself (Poisson) where fewer than two periods are known."""

    @property
    def dispersion(self) -> Floats:
        """(n,) variance per mean, at least 1: what a law of counts keeps when another mean is put in."""
        ratio = np.divide(self.variance, self.mean, out=np.ones_like(self.mean), where=self.mean > 0)
        return np.maximum(ratio, 1.0)


def recent_moments(demand: Floats, periods: int) -> Moments:
    """Over the last `periods`; a series not known at all in them is taken whole.

    `demand`: (n, t), NaN where not known.
    """
    recent = demand[:, -periods:]
    lost = ~np.isfinite(recent).any(axis=1)
    found = _moments(recent)
    if not lost.any():
        return found
    whole = _moments(demand)
    return Moments(np.where(lost, whole.mean, found.mean), np.where(lost, whole.variance, found.variance))


def _moments(demand: Floats) -> Moments:
    known = np.isfinite(demand)
    count = known.sum(axis=1)
    filled = np.where(known, demand, 0.0)
    mean = filled.sum(axis=1) / np.maximum(count, 1)
    squared = np.where(known, demand - mean[:, None], 0.0) ** 2
    return Moments(mean, np.where(count > 1, squared.sum(axis=1) / np.maximum(count - 1, 1), mean))


def count_quantiles(mean: Floats, variance: Floats, levels: Sequence[float]) -> Floats:
    """(…, q) whole units: the least count whose probability to be reached or stayed below is at least the level.

    `mean`, `variance`: (…). Negative binomial with r = μ² / (σ² - μ), p = μ / σ² where σ² > μ (Anscombe 1949).
    """
    level = np.asarray(levels, np.float64)
    mu, sigma2 = np.broadcast_arrays(
        np.asarray(mean, np.float64)[..., None], np.asarray(variance, np.float64)[..., None]
    )
    scattered = (sigma2 > mu * (1.0 + LEAST_OVERDISPERSION)) & (mu > 0)
    found = np.zeros(np.broadcast_shapes(mu.shape, level.shape))
    wide, narrow = scattered[..., 0], (~scattered & (mu > 0))[..., 0]
    m, v = mu[wide], sigma2[wide]
    found[wide] = nbinom.ppf(level, m**2 / (v - m), m / v)
    found[narrow] = poisson.ppf(level, mu[narrow])
    return found


def at_or_below(units: Floats, mean: Floats, variance: Floats) -> Floats:
    """(…) probability of at most so many units under the law that `count_quantiles` inverts; all of one shape."""
    scattered = (variance > mean * (1.0 + LEAST_OVERDISPERSION)) & (mean > 0)
    m, v = np.where(scattered, mean, 1.0), np.where(scattered, variance, 2.0)
    wide = nbinom.cdf(units, m**2 / (v - m), m / v)
    return np.asarray(np.where(scattered, wide, poisson.cdf(units, np.maximum(mean, 0.0))), np.float64)


def counted(mean: Floats, dispersion: Floats, levels: Sequence[float]) -> Forecast:
    """A forecast of means made one of counts. `mean`: (n, h); `dispersion`: (n,) variance per mean, at least 1."""
    mean = np.maximum(np.nan_to_num(mean, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    if mean.shape[1] > 1 and (mean == mean[:, :1]).all():  # a level forecast: one law serves all periods
        first = count_quantiles(mean[:, 0], mean[:, 0] * dispersion, levels)
        return tidy(mean, np.repeat(first[:, None, :], mean.shape[1], axis=1))
    return tidy(mean, count_quantiles(mean, mean * dispersion[:, None], levels))


def whole_units(panel: Panel, quantiles: Floats) -> Floats:
    """Rounded where the panel only knows whole numbers: a quantile of counts is a count."""
    known = panel.demand[np.isfinite(panel.demand)]
    return np.rint(quantiles) if (known == np.rint(known)).all() else quantiles


@dataclass(frozen=True, slots=True)
class RecentCounts:
    """The law of counts with the moments of the last periods, the same for every period ahead."""

    name: ClassVar[str] = "negative binomial"
    periods: int = 12
    """How many of the last periods are counted."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        moments = recent_moments(panel.demand, self.periods)
        return counted(np.repeat(moments.mean[:, None], horizon, axis=1), moments.dispersion, levels)
