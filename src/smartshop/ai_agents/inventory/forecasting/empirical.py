"""What was sold, as it was sold: quantiles of the past that forget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

ROUNDING = 1e-12
"""Sums of weights are compared with a level that they may reach exactly."""


def weighted_quantiles(demand: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """(n, q): the least demand seen at or below which lies at least the level of the weight; 0 where none is known.

    `demand`: (n, t), NaN where not known; `weights`: (t,) > 0.
    """
    known = np.isfinite(demand)
    order = np.argsort(np.where(known, demand, np.inf), axis=1, kind="stable")
    ordered = np.take_along_axis(np.where(known, demand, 0.0), order, axis=1)
    weight = np.take_along_axis(np.where(known, weights, 0.0), order, axis=1)
    reached = np.cumsum(weight, axis=1)
    whole = reached[:, -1]
    found = [
        np.take_along_axis(ordered, (reached >= (level - ROUNDING) * whole[:, None]).argmax(axis=1)[:, None], axis=1)
        for level in levels
    ]
    return np.concatenate(found, axis=1) if found else np.zeros((len(demand), 0))


def fading(periods: int, half_life: float) -> Floats:
    """(t,) weights up to 1 for the newest period; `half_life` in periods."""
    return np.asarray(0.5 ** (np.arange(periods)[::-1] / half_life), np.float64)


@dataclass(frozen=True, slots=True)
class FadingEmpirical:
    """Exponentially weighted empirical quantiles, the same for every period ahead."""

    name: ClassVar[str] = "fading empirical"
    half_life: float = 12.0
    """Periods after which a sale counts half."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        weights = fading(panel.periods, self.half_life)
        quantiles = weighted_quantiles(panel.demand, weights, levels)
        known = np.isfinite(panel.demand)
        total = np.where(known, panel.demand, 0.0) @ weights
        whole = known @ weights
        mean = np.divide(total, whole, out=np.zeros(len(panel)), where=whole > 0)
        return tidy(np.repeat(mean[:, None], horizon, axis=1), np.repeat(quantiles[:, None, :], horizon, axis=1))
