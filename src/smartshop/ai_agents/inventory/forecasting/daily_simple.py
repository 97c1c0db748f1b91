"""Daily forecasts that need no fit: what days of the same kind brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import PROMOTION, cause_ahead, day_numbers, is_open, weekdays
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

Classes = NDArray[np.int64]

LAST = 6
"""Like days looked back at: with a promotion every other week, six reach back about a quarter of a year."""


@dataclass(frozen=True, slots=True)
class WeekdayMedian:
    """Median of the last six known days of the same weekday that were promoted alike; of the weekday where none was."""

    name: ClassVar[str] = "weekday_median"
    last: int = LAST
    causes: tuple[str, ...] = (PROMOTION,)
    """On-off causes by which days are told apart beside the weekday, where the panel has them."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        fine, coarse = (day_classes(panel, horizon, causes) for causes in (self.causes, ()))
        told = [_like_days(panel, classes, self.last, (0.5, *levels)) for classes in (fine, coarse)]
        return _without_gaps(panel, horizon, np.where(np.isfinite(told[0]), *told))


@dataclass(frozen=True, slots=True)
class SameWeekday:
    """The last known day of the same weekday: the seasonal naive forecast of daily series.

    Quantiles spread as the weekday's days differed from those before them, over the last year.
    """

    name: ClassVar[str] = "same_weekday"

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        classes = day_classes(panel, horizon, ())
        last = _like_days(panel, classes, 1, (0.5,))
        steps = np.zeros((len(panel), horizon, 1 + len(levels)))
        for row in range(len(panel)):
            for one in np.unique(classes[row, panel.periods :]) if len(levels) else ():
                sold = _known(panel.demand[row], classes[row], int(one))[-53:]
                if len(sold) > 1:
                    is_like = classes[row, panel.periods :] == one
                    steps[row, is_like, 1:] = np.quantile(np.diff(sold), levels)
        return _without_gaps(panel, horizon, last + steps)


def day_classes(panel: Panel, horizon: int, causes: Sequence[str]) -> Classes:
    """(n, t + h) number of each day's class: its weekday and which of the on-off causes are on.

    Raises:
        ValueError: a cause is not known so far ahead.
    """
    days = panel.periods + horizon
    classes = np.broadcast_to(weekdays(day_numbers(panel, horizon)), (len(panel), days)).copy()
    width = 7
    for name in causes:
        if name in panel.causes:
            cause_ahead(panel, name, horizon)
            classes += np.where(panel.causes[name][:, :days] > 0, width, 0)
            width *= 2
    return classes


def _like_days(panel: Panel, classes: Classes, last: int, levels: Sequence[float]) -> Floats:
    """(n, h, q) quantiles of the last known days of the same class; NaN where there were none."""
    ahead = classes[:, panel.periods :]
    found = np.full((*ahead.shape, len(levels)), np.nan)
    for row in range(len(panel)):
        for one in np.unique(ahead[row]):
            sold = _known(panel.demand[row], classes[row], int(one))[-last:]
            if len(sold):
                found[row, ahead[row] == one] = np.quantile(sold, levels)
    return found


def _known(demand: Floats, classes: Classes, one: int) -> Floats:
    """(m,) the known days of a class, oldest first."""
    of_class = demand[classes[: len(demand)] == one]
    return np.asarray(of_class[np.isfinite(of_class)], np.float64)


def _without_gaps(panel: Panel, horizon: int, told: Floats) -> Forecast:
    """`told`: (n, h, 1 + q) median, then quantiles; the series' own mean for its gaps, nothing on closed days."""
    known = np.isfinite(panel.demand)
    mean = np.where(known, panel.demand, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    told = np.where(np.isfinite(told), told, mean[:, None, None])
    told = np.where(is_open(panel, horizon)[..., None], told, 0.0)
    return tidy(told[..., 0], told[..., 1:])
