"""Several forecasts made one: quantiles and means averaged with weights."""

from collections.abc import Sequence

import numpy as np

from smartshop.ai_agents.inventory.forecasting.counts import whole_units
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy


def average(forecasts: Sequence[Forecast], weights: Floats) -> Forecast:
    """Quantile by quantile (Vincent 1912): keeps each level's meaning where averaged laws would grow too wide.

    `weights`: (k,) for all series, or (n, k) series by series; each row adds up to 1.
    """
    by_series = np.broadcast_to(weights, (len(forecasts[0].mean), len(forecasts)))
    mean, quantiles = np.zeros_like(forecasts[0].mean), np.zeros_like(forecasts[0].quantiles)
    for number, forecast in enumerate(forecasts):
        share = by_series[:, number]
        mean += share[:, None] * forecast.mean
        quantiles += share[:, None, None] * forecast.quantiles
    return tidy(mean, quantiles)


def rounded(panel: Panel, forecast: Forecast) -> Forecast:
    """With quantiles in whole units where demand only comes so."""
    return Forecast(forecast.mean, whole_units(panel, forecast.quantiles))
