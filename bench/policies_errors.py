"""How far demand over several periods together strays from its forecast: by chance, an unsure level, and surprise.

    Var[S] = d·M + (d/u + φ_k)·M²

M is the sum's mean, d the series' own scatter per unit, u the units that its level rests on: a level estimated from u
units of scatter d has the relative variance d/u, so that a product sold three times is known to be unsure and one sold
a thousand times is not. φ_k, what is missed beyond that over k periods (seasons, trends, events), is learned from
earlier origins: the squares beyond the first two are regressed on M², each weighed by the inverse of its own variance,
v + 2v². A series that hardly sells says next to nothing of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.forecasting.boosted_counts_features import YEAR
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel
from smartshop.ai_agents.inventory.forecasting.shared_season import SeasonalFit, SharedSeason

UNTRIED_SURPRISE = 0.05
"""φ where nothing could be tried, and in the weights before it is known: levels missed by a fifth."""
MOST_SURPRISE = 2.0
SETTLED_YEARS = 1.25
"""Known at an origin from which on its errors are like those to come: earlier a year's season is not yet told."""
FARTHEST = 25.0
"""No square counts as more than so many variances: one wholesaler's order would decide alone."""


@dataclass(frozen=True, slots=True, eq=False)
class SumErrors:
    """n series."""

    scatter: Floats
    """(n,) d"""
    units_seen: Floats
    """(n,) u"""
    surprise: Floats
    """(k,) φ over the first 1 … k periods; beyond them as over all k."""

    def variance(self, series: int, mean: float, periods: float) -> float:
        """Units² of a sum with this mean, over so many periods from now on."""
        over = float(np.interp(periods, np.arange(1, len(self.surprise) + 1), self.surprise))
        scatter = float(self.scatter[series])
        return scatter * mean + (scatter / max(float(self.units_seen[series]), 1.0) + over) * mean**2


def learn_sum_errors(panel: Panel, past: Sequence[tuple[int, Floats]], fitted: SharedSeason, horizon: int) -> SumErrors:
    """From what was told at earlier origins, and what came.

    Args:
        panel: everything known now.
        past: (periods known at an origin, (n, ≥ horizon) means told from there).
        fitted: whose scatter and units seen are taken.
        horizon: k
    """
    now = fitted.fit(panel, 0)
    settled = SETTLED_YEARS * YEAR[panel.period]
    above, below = np.zeros(horizon), np.zeros(horizon)
    for origin, told in [one for one in past if one[0] >= settled] or past:
        came = panel.demand[:, origin : origin + horizon].cumsum(axis=1)
        parts = _parts(came, told[:, : came.shape[1]].cumsum(axis=1), fitted.fit(panel.until(origin), 0))
        above[: came.shape[1]] += parts[0]
        below[: came.shape[1]] += parts[1]
    reach = np.abs(np.arange(horizon)[:, None] - np.arange(horizon)) <= max(horizon // 4, 1)
    above, below = reach @ above, reach @ below
    found = np.divide(above, below, out=np.full(horizon, UNTRIED_SURPRISE), where=below > 0)
    return SumErrors(now.scatter, now.units_seen, np.clip(found, 0.0, MOST_SURPRISE))


def _parts(came: Floats, mean: Floats, fit: SeasonalFit) -> tuple[Floats, Floats]:
    """(k,) each: the two sums of a weighed regression of what chance and an unsure level leave on M²."""
    counted = np.isfinite(came) & (mean > 0)
    scatter = fit.scatter[:, None]
    explained = scatter * mean + scatter / np.maximum(fit.units_seen, 1.0)[:, None] * mean**2
    usual = explained + UNTRIED_SURPRISE * mean**2
    weight = np.where(counted, 1.0 / np.where(counted, usual + 2.0 * usual**2, 1.0), 0.0)
    squares = np.minimum(np.where(counted, (came - mean) ** 2, 0.0), FARTHEST * usual)
    square = np.where(counted, mean**2, 0.0)
    return (weight * square * (squares - explained)).sum(axis=0), (weight * square**2).sum(axis=0)
