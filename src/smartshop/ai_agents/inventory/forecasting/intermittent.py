"""Means of demand that comes now and then, over all series at once; the law of counts makes them distributions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from smartshop.ai_agents.inventory.forecasting.counts import counted, recent_moments
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel

DISPERSION_PERIODS = 12
"""The scatter around these means is that of the last so many periods, as in `counts.RecentCounts`."""


def croston_sba(demand: Floats, alpha: float) -> Floats:
    """(n,) units per period: smoothed size over smoothed interval, times 1 - α/2 (Syntetos & Boylan 2005).

    `demand`: (n, t), NaN where not known: such periods pass no time. Both averages begin with their first value.
    """
    n = len(demand)
    size, interval, waited = np.zeros(n), np.zeros(n), np.zeros(n)
    begun = np.zeros(n, np.bool_)
    for came in demand.T:
        waited += np.isfinite(came)
        sold = came > 0
        step = np.where(begun, alpha, 1.0)
        size = np.where(sold, size + step * (came - size), size)
        interval = np.where(sold, interval + step * (waited - interval), interval)
        waited = np.where(sold, 0.0, waited)
        begun |= sold
    return np.divide(size * (1.0 - alpha / 2.0), interval, out=np.zeros(n), where=interval > 0)


def tsb(demand: Floats, size_alpha: float, chance_alpha: float) -> Floats:
    """(n,) units per period: smoothed size × smoothed chance of any sale (Teunter, Syntetos & Babai 2011, eq. 2).

    The chance falls with every period without a sale, so that a dead product is forgotten. `demand` as above.
    """
    n = len(demand)
    size, chance = np.zeros(n), np.zeros(n)
    begun, known_before = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for came in demand.T:
        known, sold = np.isfinite(came), came > 0
        step = np.where(known_before, chance_alpha, 1.0)
        chance = np.where(known, chance + step * (sold - chance), chance)
        size = np.where(sold, size + np.where(begun, size_alpha, 1.0) * (came - size), size)
        begun |= sold
        known_before |= known
    return np.asarray(size * chance, np.float64)


@dataclass(frozen=True, slots=True)
class CrostonSBA:
    """Croston's method without its bias."""

    name: ClassVar[str] = "Croston-SBA"
    alpha: float = 0.1
    """Weight of the newest sale, 0.05 to 0.3."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        return _spread(panel, croston_sba(panel.demand, self.alpha), horizon, levels)


@dataclass(frozen=True, slots=True)
class TSB:
    """Size and chance of a sale, each smoothed by itself."""

    name: ClassVar[str] = "TSB"
    size_alpha: float = 0.1
    """Weight of the newest sale's size, 0.05 to 0.3."""
    chance_alpha: float = 0.1
    """Weight of the newest period in the chance of a sale, 0.02 to 0.3."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        return _spread(panel, tsb(panel.demand, self.size_alpha, self.chance_alpha), horizon, levels)


def _spread(panel: Panel, rate: Floats, horizon: int, levels: Sequence[float]) -> Forecast:
    dispersion = recent_moments(panel.demand, DISPERSION_PERIODS).dispersion
    return counted(np.repeat(rate[:, None], horizon, axis=1), dispersion, levels)
