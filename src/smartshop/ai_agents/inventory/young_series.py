"""Products that have sold for a week or two are foreseen by the launches of their like, not by their own few sales."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.cold import Launches, Likeness, category_paths, forecast_cold, launches
from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.choosing_classes import YOUNG, weeks_known
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChosenForecasts, PastForecast
from smartshop.data_collection.pipelines.shelf import Shelf

YOUNG_WEEKS = len(YOUNG) + 1
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
    return told_by_launches(series.panel.demand, _likeness(series, shelf), forecast, levels)


def young_as_told_then(series: DemandSeries, shelf: Shelf, chosen: ChosenForecasts) -> ChosenForecasts:
    """With what launches known at each earlier origin told of those young then: their spread is learned from it."""

    def past(one: PastForecast) -> PastForecast:
        known = replace(series, panel=series.panel.until(one.origin))
        return PastForecast(one.origin, foresee_young(known, shelf, one.told, LEVELS)[0])

    judged = None if chosen.judged is None else past(chosen.judged)
    return replace(chosen, past=tuple(past(one) for one in chosen.past), judged=judged)


def told_by_launches(
    demand: Floats, alike: Likeness, forecast: Forecast, levels: tuple[float, ...]
) -> tuple[Forecast, NDArray[np.bool_]]:
    """The same of (n, t) demand and what its series are like."""
    horizon = forecast.mean.shape[1]
    age = weeks_known(demand)
    first = demand.shape[1] - age
    mean, quantiles, young = forecast.mean.copy(), forecast.quantiles.copy(), np.zeros(len(demand), np.bool_)
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
