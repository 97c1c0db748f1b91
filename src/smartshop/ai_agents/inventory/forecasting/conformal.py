"""Quantiles for any forecast, from how wrong it was at earlier origins: split conformal prediction (Vovk et al. 2005).

An error is the difference of log(1 + units), so that quantiles are never negative and large series do not rule small
ones. It is divided by what is usual for its series and its distance (Lei et al. 2018, section 5.2: locally weighted),
then all are ranked together. Errors of one origin hang together: the promise is one over many origins, not of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from smartshop.ai_agents.inventory.forecasting.calendar import OPEN
from smartshop.ai_agents.inventory.forecasting.measures import conformal_rank
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, tidy

Expected = Callable[[Panel, int], Floats]
"""What was known and how far to tell → (n, h) point forecasts."""


LEAST_FREEDOM, OUTER = 2, 0.95
"""Student's law of one degree has no spread to speak of; where both laws are compared."""
LEAST_SIZE = 0.01
"""Of the usual error: a series that was told without any is not taken to stay so."""


@dataclass(frozen=True, slots=True)
class ConformalConfig:
    origins: int = 6
    """Earlier origins that a forecast is tried from, a horizon apart: none of their days are counted twice."""
    settled_history: int = 365
    """Periods known from which on errors are like those to come: a year, or a model is yet to see every season."""
    least_history: int = 56
    """Periods that must be known where no origin is settled yet; errors from so early are rather too wide."""
    shrinkage: float = 10.0
    """Errors' worth of the usual size over all series that a series' own is pulled to."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How wide to draw, and where between: quantile = (1 + forecast) · exp(size · score) − 1."""

    sizes: Floats
    """(n, h) usual size of an error of log(1 + units)."""
    scores: Floats
    """(q,) what the sizes are multiplied by, per level."""

    def around(self, mean: Floats) -> Floats:
        """(n, h, q) quantiles ≥ 0; where nothing is expected, since a shop is closed, nothing either."""
        told = (1.0 + mean[..., None]) * np.exp(self.sizes[..., None] * self.scores) - 1.0
        return np.asarray(np.where(mean[..., None] > 0, np.maximum(told, 0.0), 0.0), np.float64)


def log_errors(came: Floats, told: Floats) -> Floats:
    """log(1 + came) − log(1 + told), NaN where it is not known what came."""
    return np.asarray(np.log1p(came) - np.log1p(told), np.float64)


@dataclass(frozen=True, slots=True)
class Trials:
    """What was told at m earlier origins, and what came; each from what was known then."""

    told: Floats
    """(m, n, h) point forecasts"""
    came: Floats
    """(m, n, h) units, NaN where not known"""
    is_closed: NDArray[np.bool_]
    """(m, n, h) days on which nothing could be sold: no error of a day, and nothing in a sum"""

    def day_errors(self) -> Floats:
        """(m, n, h)"""
        return np.where(self.is_closed, np.nan, log_errors(self.came, self.told))

    def sum_errors(self) -> Floats:
        """(m, n, h) of the first 1 … h periods together, unknown from the first unknown one on."""
        came, told = (np.where(self.is_closed, 0.0, units).cumsum(axis=2) for units in (self.came, self.told))
        return log_errors(came, told)

    def around_days(self, mean: Floats, levels: Sequence[float], shrinkage: float) -> Floats:
        """(n, h, q) quantiles of single periods around their forecasts (n, h)."""
        horizon = mean.shape[1]
        reach = np.full(horizon, horizon // 4)
        return calibrate(self.day_errors(), levels, reach, shrinkage).around(mean)

    def around_sums(self, mean: Floats, levels: Sequence[float], shrinkage: float) -> Forecast:
        """(n, h) sums of the first 1 … h periods' forecasts, and (n, h, q) quantiles of what those will sell together.

        Periods of one origin err together, so that quantiles of periods cannot be added up.
        """
        sums = mean.cumsum(axis=1)
        # The sum over a few days changes its spread quickly with their number, the sum over many hardly.
        reach = np.arange(1, mean.shape[1] + 1) // 4
        errors = self.sum_errors()
        calibration = calibrate(errors, levels, reach, shrinkage)
        wider = calibration.sizes * few_origins_factor(errors / calibration.sizes)
        return tidy(sums, Calibration(wider, calibration.scores).around(sums))


def calibrate(errors: Floats, levels: Sequence[float], reach: NDArray[np.int64], shrinkage: float) -> Calibration:
    """From the errors (m, n, h) of m earlier origins.

    `reach`: (h,) to how many steps on each side an error's size is taken to be alike.
    Without a known error there is no width: all quantiles are the forecast.
    """
    known = np.isfinite(errors)
    if not known.any():
        return Calibration(np.zeros(errors.shape[1:]), np.zeros(len(levels)))
    size = np.where(known, np.abs(errors), 0.0)
    usual = size.sum() / known.sum() or 1.0
    counts = known.sum(axis=(0, 2))
    own = np.maximum(size.sum(axis=(0, 2)) / np.maximum(counts, 1), LEAST_SIZE * usual)
    # Between a calm series and a wild one sizes differ by factors: they are pulled together as factors, too.
    of_series = usual * (own / usual) ** (counts / (counts + shrinkage))
    relative = (size / of_series[:, None]).sum(axis=(0, 1))
    of_step = _smoothed(relative, known.sum(axis=(0, 1)).astype(np.float64), reach)
    sizes = of_series[:, None] * of_step
    scores = np.sort((errors / sizes)[known])
    return Calibration(sizes, np.array([_score(scores, level) for level in levels]))


def few_origins_factor(scaled: Floats) -> Floats:
    """(h,) how much wider to draw because some of the error is common to all series of an origin, and origins are few.

    `scaled`: (m, n, h) errors in their usual sizes. Of the part ρ that is common only m were seen: for a new one
    Student's law of m − 1 degrees and 1 + 1/m of the variance hold instead of the normal; √(1 − ρ + ρ·f²) for both.
    Single days err mostly for themselves, so that only sums are drawn wider.
    """
    known = np.isfinite(scaled)
    origins = int(known.any(axis=(1, 2)).sum())
    if not origins:
        return np.ones(scaled.shape[2])
    counts = known.sum(axis=1)
    common = np.where(known, scaled, 0.0).sum(axis=1) / np.maximum(counts, 1)
    # What is common to all origins, too, is no chance, and the scores hold it already.
    always = common.mean(axis=0) if origins > 1 else np.zeros(scaled.shape[2])
    square = (np.where(known, scaled - always, 0.0) ** 2).sum(axis=(0, 1)) / np.maximum(counts.sum(axis=0), 1)
    # A mean over n series of errors of their own has 1/n of their square: that much is not common.
    between = ((common - always) ** 2).sum(axis=0) / max(origins - 1, 1)
    excess = np.maximum(between - square / np.maximum(counts.mean(axis=0), 1.0), 0.0)
    share = np.minimum(np.divide(excess, square, out=np.zeros_like(square), where=square > 0), 1.0)
    student = stdtrit(max(origins - 1, LEAST_FREEDOM), OUTER) / stdtrit(np.inf, OUTER)
    return np.asarray(np.sqrt(1.0 + share * ((1.0 + 1.0 / origins) * student**2 - 1.0)), np.float64)


def _smoothed(sums: Floats, counts: Floats, reach: NDArray[np.int64]) -> Floats:
    """(h,) mean around each step; 1 where nothing is known around, or nothing was wrong."""
    steps = np.arange(len(sums))
    is_near = np.abs(steps[:, None] - steps) <= reach[:, None]
    near = is_near @ counts
    around = is_near @ sums
    return np.asarray(np.where(around > 0, around / np.maximum(near, 1.0), 1.0), np.float64)


def _score(scores: Floats, level: float) -> float:
    """The conformal score of a level; the outermost one seen where too few were seen for the level."""
    n = len(scores)
    rank = min(conformal_rank(n, max(level, 1.0 - level)), n)
    return float(scores[rank - 1] if level >= 0.5 else scores[n - rank])


def earlier_origins(panel: Panel, horizon: int, config: ConformalConfig) -> list[int]:
    """Periods known at each earlier origin, oldest first; after the last one a whole horizon has come since."""
    origins = [panel.periods - horizon * back for back in range(config.origins, 0, -1)]
    settled = [origin for origin in origins if origin >= config.settled_history]
    return settled or [origin for origin in origins if origin >= config.least_history]


def try_earlier(expected: Expected, panel: Panel, horizon: int, config: ConformalConfig) -> Trials:
    """A forecast tried at the earlier origins.

    Where too little is known for one: the last days told by those a season before, which is wider than any fit.
    """
    origins = earlier_origins(panel, horizon, config)
    told = [expected(panel.until(origin), horizon) for origin in origins]
    return trials_of(panel, horizon, origins, told) if told else seasonal_trial(panel, horizon)


def trials_of(panel: Panel, horizon: int, origins: Sequence[int], told: Sequence[Floats]) -> Trials:
    """What was told, (n, h) at each origin, beside what came."""
    windows = [slice(origin, origin + horizon) for origin in origins]
    came = np.array([panel.demand[:, window] for window in windows])
    return Trials(np.array(told, np.float64), came, np.array([_is_closed(panel, window) for window in windows]))


def seasonal_trial(panel: Panel, horizon: int) -> Trials:
    """The last days, told by those a season before."""
    season = min(panel.period.season, panel.periods)
    days = min(horizon, panel.periods - season)
    came = np.full((1, len(panel), horizon), np.nan)
    told, is_closed = came.copy(), np.zeros(came.shape, bool)
    if days > 0:
        window = slice(panel.periods - days, panel.periods)
        came[0, :, :days] = panel.demand[:, window]
        told[0, :, :days] = panel.demand[:, panel.periods - days - season : panel.periods - season]
        is_closed[0, :, :days] = _is_closed(panel, window)
    return Trials(told, came, is_closed)


def _is_closed(panel: Panel, window: slice) -> NDArray[np.bool_]:
    days = panel.demand[:, window]
    return np.isnan(days) & (panel.causes[OPEN][:, window] <= 0) if OPEN in panel.causes else np.zeros(days.shape, bool)


def quantiles_from_earlier(
    expected: Expected, panel: Panel, mean: Floats, levels: Sequence[float], config: ConformalConfig
) -> Floats:
    """(n, h, q) quantiles of single periods around their forecasts (n, h); untried where no levels are asked for."""
    if not len(levels):
        return np.zeros((*mean.shape, 0))
    return try_earlier(expected, panel, mean.shape[1], config).around_days(mean, levels, config.shrinkage)


@dataclass(frozen=True, slots=True)
class Conformal:
    """Any candidate, with quantiles from its own earlier errors."""

    name: ClassVar[str] = "conformal"
    candidate: Candidate
    config: ConformalConfig = field(default_factory=ConformalConfig)

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        mean = self.expected(panel, horizon)
        return tidy(mean, quantiles_from_earlier(self.expected, panel, mean, levels, self.config))

    def over_lead_time(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        """What the first 1 … h periods will sell together: (n, h) and (n, h, q)."""
        trials = try_earlier(self.expected, panel, horizon, self.config)
        return trials.around_sums(self.expected(panel, horizon), levels, self.config.shrinkage)

    def expected(self, panel: Panel, horizon: int) -> Floats:
        """(n, h) the candidate's point forecast."""
        return self.candidate.forecast(panel, horizon, ()).mean
