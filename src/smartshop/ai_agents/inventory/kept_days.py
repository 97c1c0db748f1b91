"""Weeks that days tell stay as days told them, where making them agree with sums lost more at earlier origins.

Sums are foreseen by week, from less than days know: the weather, a fair on a Saturday. Moved toward such sums, means
lost most of what days had gained, in made-up shops of sixty products whose weather and fairs were told.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.daily_path import WEEKS_BY_DAY
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel
from smartshop.ai_agents.inventory.weekly_choice import ChosenForecasts, PastForecast

Rows = NDArray[np.int64]


def days_kept(panel: Panel, told: ChosenForecasts, agreed: ChosenForecasts, rows: Rows) -> ChosenForecasts:
    """What was agreed, with the first weeks as told of these series where that erred less; the last origin is judged by
    what the origins before it said.

    `panel`: (n, t) by week; `rows`: (m,) the series that are foreseen by day.
    """
    if not len(rows):
        return agreed
    judged = agreed.judged
    if judged is not None and told.judged is not None:
        before = sum(one.origin < judged.origin for one in told.past)
        if _erred_less(panel, told.past[:before], agreed.past[:before], rows):
            judged = _kept(told.judged, judged, rows)
    if not _erred_less(panel, told.past, agreed.past, rows):
        return replace(agreed, judged=judged)
    return replace(
        agreed,
        forecast=_with_first_weeks(told.forecast, agreed.forecast, rows),
        past=tuple(_kept(*pair, rows) for pair in zip(told.past, agreed.past, strict=True)),
        judged=judged,
    )


def _erred_less(panel: Panel, told: Sequence[PastForecast], agreed: Sequence[PastForecast], rows: Rows) -> bool:
    """Whether sums over one to four weeks came nearer as told, over all origins."""
    errors = [sum(_error(panel, one, rows) for one in each) for each in (told, agreed)]
    return errors[0] < errors[1]


def _error(panel: Panel, past: PastForecast, rows: Rows) -> float:
    came = panel.demand[rows, past.origin : past.origin + WEEKS_BY_DAY]
    missed: Floats = past.told.mean[rows, : came.shape[1]] - came
    return float(np.nansum(np.abs(missed.cumsum(axis=1))))


def _kept(told: PastForecast, agreed: PastForecast, rows: Rows) -> PastForecast:
    return PastForecast(agreed.origin, _with_first_weeks(told.told, agreed.told, rows))


def _with_first_weeks(told: Forecast, agreed: Forecast, rows: Rows) -> Forecast:
    mean = agreed.mean.copy()
    mean[rows, :WEEKS_BY_DAY] = told.mean[rows, :WEEKS_BY_DAY]
    return Forecast(mean, agreed.quantiles)
