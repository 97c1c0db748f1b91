"""Prophet (Taylor & Letham 2018), as it comes and on logarithms with known causes; one fit per series.

Its own intervals are drawn with an unseeded generator. They are left off here, and the same law is written down
instead: normal noise, and slope changes to come at the pace and size of those that were (section 3.1.4), whose spread
grows with the power 3/2 of the distance. So the same panel gives the same forecast.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION, SCHOOL_HOLIDAY, is_open
from smartshop.ai_agents.inventory.forecasting.daily_causes import with_derived_causes
from smartshop.ai_agents.inventory.forecasting.daily_counts import counts_around
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

LEAST_KNOWN = 14
"""Known days below which the mean of what is known is told: two weeks are the least that show a weekday twice."""

MOST_RISE = 2.0
"""Times the largest day seen beyond which no line is followed: a slope of a few days would run off."""

# Prophet and pandas are extras without types here.
Model = Any
Frame = Any


@dataclass(frozen=True, slots=True)
class ProphetDefault:
    """As it comes: weekly and, from two years on, yearly waves added to a bent line; no causes."""

    name: ClassVar[str] = "prophet"

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        told = [_tell(_prophet, _frame(panel, row, horizon, ()), levels) for row in range(len(panel))]
        return _gather(panel, horizon, told, len(levels))


@dataclass(frozen=True, slots=True)
class ProphetOfLogs:
    """On logarithms of demand, so that causes multiply; those named, and a country's public holidays, explain.

    Its mean is that of the logarithms, taken back: the middle of what is expected rather than its mean.
    """

    name: ClassVar[str] = "prophet_of_logs"
    causes: tuple[str, ...] = (PROMOTION, SCHOOL_HOLIDAY)
    """Regressors, where the panel has them."""
    country: str | None = None
    """ISO code of the country whose public holidays each get an effect of their own; None: no country's."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        causes = tuple(name for name in self.causes if name in panel.causes)

        def with_causes() -> Model:
            model = _prophet()
            for name in causes:
                model.add_regressor(name)
            if self.country is not None:
                model.add_country_holidays(country_name=self.country)
            return model

        told = []
        for row in range(len(panel)):
            frame = _frame(panel, row, horizon, causes)
            # Days without a sale have no logarithm, and leaving them out would tell of more than is sold.
            shift = 0.0 if frame["y"].min() > 0 else 1.0
            frame["y"] = np.log(frame["y"] + shift)
            told.append(tuple(np.exp(part) - shift for part in _tell(with_causes, frame, levels)))
        return _gather(panel, horizon, told, len(levels))


@dataclass(frozen=True, slots=True)
class ProphetWithCauses:
    """`ProphetOfLogs` with all causes of the panel and those that follow from them; opening days are not one."""

    name: ClassVar[str] = "prophet_with_causes"

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        enriched = with_derived_causes(panel, horizon)
        causes = tuple(name for name in enriched.causes if name != OPEN)
        return ProphetOfLogs(causes=causes).forecast(enriched, horizon, levels)


@dataclass(frozen=True, slots=True)
class ProphetCounts:
    """In units, waves and causes multiplying its bent line: for counts, whose logarithms the days without a sale bend.

    Means alone are its own; its quantiles are the counts' around them.
    """

    name: ClassVar[str] = "prophet_counts"

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        causes = tuple(name for name in panel.causes if name != OPEN)

        def multiplying() -> Model:
            model = _prophet(seasonality_mode="multiplicative")
            for name in causes:
                model.add_regressor(name)
            return model

        told = [_tell(multiplying, _frame(panel, row, horizon, causes), ())[0] for row in range(len(panel))]
        mean = np.array(told, np.float64).reshape(len(panel), horizon)
        most = np.nan_to_num(panel.demand).max(axis=1, initial=0.0)
        return counts_around(panel, np.clip(mean, 0.0, MOST_RISE * most[:, None]), levels)


def _prophet(**options: str) -> Model:
    # A logger that has a handler keeps its level; one without is set by cmdstanpy to tell of every fit.
    for name, level in (("cmdstanpy", logging.ERROR), ("prophet", logging.ERROR), ("prophet.plot", logging.CRITICAL)):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.setLevel(level)
    # After that: while it is imported it calls it an error that its own plots cannot be clicked on.
    # It complains of a plotting library that nothing here asks for.
    logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
    from prophet import Prophet  # an extra, and slow to import

    return Prophet(uncertainty_samples=0, **options)


def _frame(panel: Panel, row: int, horizon: int, causes: Sequence[str]) -> Frame:
    """One series as Prophet wants it: `ds`, `y` and the causes; the days to come have no `y`."""
    import pandas as pd  # comes with Prophet

    first, days = datetime.fromordinal(panel.first_day), panel.periods + horizon
    columns: dict[str, Any] = {
        "ds": [first + timedelta(days=day) for day in range(days)],
        "y": np.concatenate([panel.demand[row], np.full(horizon, np.nan)]),
        "is_ahead": np.arange(days) >= panel.periods,
    }
    for name in causes:
        whole = panel.causes[name]
        columns[name] = np.nan_to_num(whole[row if len(whole) > 1 else 0, :days])
    return pd.DataFrame(columns)


def _tell(make: Callable[[], Model], frame: Frame, levels: Sequence[float]) -> tuple[Floats, Floats]:
    """(h,) mean and (h, q) quantiles of the days ahead."""
    known, ahead = frame[frame["y"].notna() & ~frame["is_ahead"]], frame[frame["is_ahead"]]
    if len(known) < LEAST_KNOWN:
        flat = np.full(len(ahead), float(known["y"].mean()) if len(known) else -np.inf)
        return flat, np.repeat(flat[:, None], len(levels), axis=1)
    model = make()
    model.fit(known)
    mean = model.predict(ahead)["yhat"].to_numpy(np.float64)
    ahead_of_last = (ahead["ds"] - known["ds"].max()) / (known["ds"].max() - known["ds"].min())
    spread = _spread(model, ahead_of_last.to_numpy(np.float64))
    gauss = np.array([NormalDist().inv_cdf(level) for level in levels])
    return mean, mean[:, None] + spread[:, None] * gauss


def _spread(model: Model, ahead: Floats) -> Floats:
    """(h,) standard deviation of noise and of slopes yet to change; `ahead` in lengths of the history.

    Changes come as a Poisson process at the pace of the history's changepoints, their sizes after Laplace with the mean
    size λ of those: a change s before the end adds s·δ, E δ² = 2λ², and ∫₀^τ s² ds = τ³/3.
    """
    noise = float(np.mean(model.params["sigma_obs"]))
    size = float(np.mean(np.abs(model.params["delta"])))
    changes = len(model.changepoints_t) * 2.0 * size**2 * ahead**3 / 3.0
    return np.asarray(float(model.y_scale) * np.sqrt(noise**2 + changes), np.float64)


def _gather(panel: Panel, horizon: int, told: Sequence[tuple[Floats, ...]], q: int) -> Forecast:
    """(n, h) and (n, h, q) of what was told per series; nothing on closed days."""
    mean = np.array([one[0] for one in told], np.float64).reshape(len(panel), horizon)
    quantiles = np.array([one[1] for one in told], np.float64).reshape(len(panel), horizon, q)
    is_selling = is_open(panel, horizon)
    return tidy(np.where(is_selling, mean, 0.0), np.where(is_selling[..., None], quantiles, 0.0))
