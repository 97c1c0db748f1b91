"""Means are moved toward sums that are foreseen by themselves only where that came nearer at earlier origins.

Sums know a season that single products hide, but less of what moves a product than the product's own forecast: its
weather, its fair on a Saturday, told by day or by week. Means that are kept as told agree as well, from below: what
products add up to is then the sum.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.daily_path import WEEKS_BY_DAY
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel
from smartshop.ai_agents.inventory.weekly_choice import ChosenForecasts, PastForecast

Mask = NDArray[np.bool_]


def nearer_means(
    panel: Panel, told: ChosenForecasts, agreed: ChosenForecasts, by_day: NDArray[np.int64]
) -> ChosenForecasts:
    """What was agreed, with means as told where these erred less; the last origin is judged by those before it.

    `panel`: (n, t) by week; `by_day`: (m,) the series that are foreseen by day. Asked apart are the weeks that days
    tell, the later ones of the same series, and all weeks of the others.
    """
    parts = _parts(agreed.forecast.mean.shape, by_day)
    judged = agreed.judged
    if judged is not None and told.judged is not None:
        before = sum(one.origin < judged.origin for one in told.past)
        keep = _kept(panel, told.past[:before], agreed.past[:before], parts)
        judged = _with_means(told.judged, judged, keep)
    keep = _kept(panel, told.past, agreed.past, parts)
    now = Forecast(np.where(keep, told.forecast.mean, agreed.forecast.mean), agreed.forecast.quantiles)
    past = tuple(_with_means(*pair, keep) for pair in zip(told.past, agreed.past, strict=True))
    return replace(agreed, forecast=now, past=past, judged=judged)


def _parts(shape: tuple[int, ...], by_day: NDArray[np.int64]) -> list[Mask]:
    """(n, h) each; together everything, without overlap."""
    days, first = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    days[by_day] = True
    first[:, :WEEKS_BY_DAY] = True
    return [days & first, days & ~first, ~days]


def _kept(panel: Panel, told: Sequence[PastForecast], agreed: Sequence[PastForecast], parts: Sequence[Mask]) -> Mask:
    """(n, h) where means as told came nearer, over all origins."""
    keep = np.zeros_like(parts[0])
    for part in parts:
        errors = [sum(_error(panel, one, part) for one in each) for each in (told, agreed)]
        keep |= part & (errors[0] < errors[1])
    return keep


def _error(panel: Panel, past: PastForecast, part: Mask) -> float:
    """Of sums from the first of these weeks on."""
    came = panel.demand[:, past.origin : past.origin + past.told.mean.shape[1]]
    reach = came.shape[1]
    missed: Floats = np.where(part[:, :reach], np.nan_to_num(past.told.mean[:, :reach] - came), 0.0)
    return float(np.abs(missed.cumsum(axis=1))[part[:, :reach]].sum())


def _with_means(told: PastForecast, agreed: PastForecast, keep: Mask) -> PastForecast:
    mean = np.where(keep[:, : agreed.told.mean.shape[1]], told.told.mean, agreed.told.mean)
    return PastForecast(agreed.origin, Forecast(mean, agreed.told.quantiles))
