"""Products that have sold for a week or two are foreseen by the launches of their like, not by their own few sales."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.cold import Launches, Likeness, category_paths, forecast_cold, launches
from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.panel import Forecast
from smartshop.data_collection.pipelines.shelf import Shelf

YOUNG_WEEKS = 3
"""Known for fewer than so many weeks, counting the first."""
PATH_DEPTH = 3
FEWEST_WITNESSES = 10
"""Fewer launches lived through tell less than the series itself."""
BY_LAUNCHES = "launches of its like"


def foresee_young(
    series: DemandSeries, shelf: Shelf, forecast: Forecast, levels: tuple[float, ...]
) -> tuple[Forecast, NDArray[np.bool_]]:
    """The forecast with that of young series told by launches, where enough of them are known; (n,) which they are.

    `forecast`: (n, h) and (n, h, q) of all series, from the panel's end on.
    """
    demand = series.panel.demand
    horizon, known = forecast.mean.shape[1], np.isfinite(demand)
    first = np.where(known.any(axis=1), known.argmax(axis=1), demand.shape[1])
    age = demand.shape[1] - first
    mean, quantiles, young = forecast.mean.copy(), forecast.quantiles.copy(), np.zeros(len(series), np.bool_)
    alike = _likeness(series, shelf)
    for weeks in range(1, YOUNG_WEEKS):
        rows = np.flatnonzero(age == weeks)
        lived = launches(demand, first, weeks + horizon)
        heard = np.flatnonzero(np.isfinite(lived).all(axis=1))
        if not len(rows) or len(heard) < FEWEST_WITNESSES:
            continue
        witnesses = Launches(lived[heard], alike.of(heard))
        told = forecast_cold(alike.of(rows), demand[rows, -weeks:], witnesses, horizon, levels)
        mean[rows], quantiles[rows], young[rows] = told.mean, told.quantiles, True
    return Forecast(mean, quantiles), young


def _likeness(series: DemandSeries, shelf: Shelf) -> Likeness:
    price = shelf.price_minor[series.product_no].astype(np.float64)
    return Likeness(
        path=category_paths(shelf.categories, PATH_DEPTH)[shelf.category[series.product_no]],
        brand=series.panel.groups["brand"],
        price=np.where(price > 0, price, np.nan),
    )
