"""Models that are fitted to one series, kept to series long enough for them and near what was ever seen of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel
from smartshop.ai_agents.inventory.forecasting.statistical import as_counts

LEAST_FITTED_WEEKS = 26
"""Known of a series to which a model is fitted by itself: eight growing weeks AutoCES takes ten times as high."""
MOST_TIMES_SEEN = 2.0
"""Times the highest period seen beyond which no line is followed."""


@dataclass(frozen=True, slots=True)
class OfLongSeries:
    """The model's bounded means of series known for long, as a law of counts; of the others what `young` tells."""

    name: ClassVar[str] = "of long series"
    model: Candidate
    young: Candidate

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        told = self.young.forecast(panel, horizon, levels)
        rows = np.flatnonzero(known_for_long(panel))
        if not len(rows):
            return told
        some = panel.of(rows)
        own = as_counts(some, bounded(some, self.model.forecast(some, horizon, ()).mean), levels)
        mean, quantiles = told.mean.copy(), told.quantiles.copy()
        mean[rows], quantiles[rows] = own.mean, own.quantiles
        return Forecast(mean, quantiles)


def known_for_long(panel: Panel) -> NDArray[np.bool_]:
    """(n,) of weekly series, whose demand is known in at least `LEAST_FITTED_WEEKS`."""
    return np.asarray(np.isfinite(panel.demand).sum(axis=1) >= LEAST_FITTED_WEEKS)


def bounded(panel: Panel, mean: Floats) -> Floats:
    """(n, h) at most `MOST_TIMES_SEEN` what each series' highest period was."""
    highest = np.nan_to_num(panel.demand).max(axis=1, initial=0.0)
    return np.asarray(np.minimum(mean, MOST_TIMES_SEEN * highest[:, None]), np.float64)
