"""Models of one series at a time, from statsforecast: each natively, and as a law of counts around its mean."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from smartshop.ai_agents.inventory.forecasting.counts import counted, recent_moments
from smartshop.ai_agents.inventory.forecasting.intermittent import DISPERSION_PERIODS
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

if TYPE_CHECKING:
    from statsforecast import models

WINDOWS = 2
"""Origins from which a model without a law of its own learns its errors: the library's own default."""
LONGEST_SEASON = 24
"""AutoETS and AutoCES know no longer seasons; longer ones are forecast without."""
INTERMITTENT_ALPHA = 0.1
"""For TSB's two averages, as for SBA in the library."""


class Model(StrEnum):
    SEASONAL_NAIVE = "SeasonalNaive"
    AUTO_ETS = "AutoETS"
    AUTO_CES = "AutoCES"
    DYNAMIC_OPTIMIZED_THETA = "DynamicOptimizedTheta"
    CROSTON_SBA = "CrostonSBA"
    TSB = "TSB"
    IMAPA = "IMAPA"
    ADIDA = "ADIDA"
    SES = "SES"

    @property
    def has_own_law(self) -> bool:
        """Whether its quantiles come from its own assumptions; the others learn them from their errors."""
        return self in (Model.SEASONAL_NAIVE, Model.AUTO_ETS, Model.AUTO_CES, Model.DYNAMIC_OPTIMIZED_THETA)


@dataclass(frozen=True, slots=True)
class Statistical:
    """A model of statsforecast with the quantiles that it gives itself, cut at zero."""

    name: ClassVar[str] = "statsforecast"
    model: Model

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        fit = _build(self.model, panel.period.season, horizon, with_errors=True)
        widths = sorted({_width(level) for level in levels} - {0})
        mean = np.zeros((len(panel), horizon))
        quantiles = np.zeros((len(panel), horizon, len(levels)))
        for number, series in enumerate(panel.demand):
            told = _told(fit, _usable(series), horizon, widths)
            mean[number] = told["mean"]
            for place, level in enumerate(levels):
                side = "mean" if _width(level) == 0 else f"{'lo' if level < 0.5 else 'hi'}-{_width(level)}"
                quantiles[number, :, place] = told.get(side, told["mean"])
        return tidy(mean, quantiles)


@dataclass(frozen=True, slots=True)
class StatisticalCounts:
    """The mean of a model of statsforecast, with the scatter of counts around it."""

    name: ClassVar[str] = "statsforecast counts"
    model: Model

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        fit = _build(self.model, panel.period.season, horizon, with_errors=False)
        mean = np.array([_told(fit, _usable(series), horizon, [])["mean"] for series in panel.demand])
        return as_counts(panel, mean.reshape(len(panel), horizon), levels)


def as_counts(panel: Panel, mean: Floats, levels: Sequence[float]) -> Forecast:
    """A mean (n, h) told by anything, with the scatter of the panel's counts around it."""
    return counted(mean, recent_moments(panel.demand, DISPERSION_PERIODS).dispersion, levels)


def _width(level: float) -> float:
    """Percent between this quantile and its mirror image: 80 for 0.1 and 0.9, 0 for the median."""
    width = round(abs(1.0 - 2.0 * level) * 100.0, 6)
    return int(width) if width == int(width) else width  # the library names its columns by the number as it is written


def _usable(series: Floats) -> Floats:
    """From the first known period on; gaps within are taken as the last known demand, which adds no sale of its own."""
    known = np.flatnonzero(np.isfinite(series))
    if not len(known):
        return np.zeros(0)
    begun = series[known[0] :]
    last = np.maximum.accumulate(np.where(np.isfinite(begun), np.arange(len(begun)), 0))
    return np.asarray(begun[last], np.float64)


def _told(fit: "Callable[[], models._TS]", series: Floats, horizon: int, widths: list[float]) -> dict[str, Floats]:
    """What the model says; the mean of the series where it cannot be fitted, as to two or three periods."""
    if not series.any():
        return {"mean": np.zeros(horizon)}
    level = {"mean": np.full(horizon, series.mean())}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found: dict[str, Any] = fit().forecast(y=series, h=horizon, level=widths or None)
    except Exception:  # the library says with bare ones that a series is too short or too odd for it
        return level
    told = {side: np.asarray(values, np.float64) for side, values in found.items() if side != "fitted"}
    return told if np.isfinite(told["mean"]).all() else level


def _build(model: Model, season: int, horizon: int, *, with_errors: bool) -> "Callable[[], models._TS]":
    """How a fresh model is made: the library keeps what it fitted in the model."""
    from statsforecast import models  # an extra: only where such a model is asked for
    from statsforecast.utils import ConformalIntervals

    learned = ConformalIntervals(h=horizon, n_windows=WINDOWS) if with_errors and not model.has_own_law else None
    short = season if season <= LONGEST_SEASON else 1
    makers: dict[Model, Callable[[], models._TS]] = {
        Model.SEASONAL_NAIVE: lambda: models.SeasonalNaive(season_length=season),
        Model.AUTO_ETS: lambda: models.AutoETS(season_length=short),
        Model.AUTO_CES: lambda: models.AutoCES(season_length=short),
        Model.DYNAMIC_OPTIMIZED_THETA: lambda: models.DynamicOptimizedTheta(season_length=short),
        Model.CROSTON_SBA: lambda: models.CrostonSBA(prediction_intervals=learned),
        Model.TSB: lambda: models.TSB(INTERMITTENT_ALPHA, INTERMITTENT_ALPHA, prediction_intervals=learned),
        Model.IMAPA: lambda: models.IMAPA(prediction_intervals=learned),
        Model.ADIDA: lambda: models.ADIDA(prediction_intervals=learned),
        Model.SES: lambda: models.SimpleExponentialSmoothingOptimized(prediction_intervals=learned),
    }
    return makers[model]
