"""What would have been wanted while there was none: demand behind an empty shelf, estimated and never counted as zero.

A day's demand is Poisson with a rate of its own, drawn from a gamma of mean μ and variance φ·μ²: over days a negative
binomial. A shelf that was full for the share a of the day saw S ≥ 0 units of it. Then the rate's posterior mean is
μ·(1 + φS) / (1 + φaμ), and of the day's demand

    E[D | S, a] = S + (1 − a)·μ·(1 + φS) / (1 + φaμ)

(gamma-Poisson conjugacy; Gelman et al. 2013, section 2.6, in parameters of mean and dispersion). It is never less than
was sold, and when the stock ran out says nothing more than how long it lasted, since a stopping rule carries no
information on the rate. μ is a level that moves slowly, times the weekday; both are learned from units per *time in
stock*, the estimate of greatest likelihood under censoring.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats

Bools = NDArray[np.bool_]
WEEKDAYS = 7
WHOLE_DAY = 0.98
"""From this share on a day counts as seen whole: half an hour's outage hides nothing that could be estimated."""


@dataclass(frozen=True, slots=True)
class CensoringConfig:
    half_life_days: float = 14.0
    """So many days away a day says half as much of the level."""
    level_prior_days: float = 3.0
    """So many days of the series' own mean are added to each level."""
    weekday_prior_units: float = 10.0
    """So many units spread over the week as the whole shop's are added to a series' own."""
    mean_prior_units: float = 0.2
    """So many units at the median series' rate are added to a series' mean: one unit sold five minutes after it came
    in is no demand of three hundred a day."""
    longest_unseen_days: int = 28
    """Further from any day in stock than this nobody knows what would have been wanted."""
    largest_dispersion: float = 10.0


USUAL_CONFIG = CensoringConfig()


@dataclass(frozen=True, slots=True, eq=False)
class DemandEstimate:
    """n series, t days."""

    demand: Floats
    """(n, t) units: as sold where the day was seen whole, the expectation where it was not, NaN where unknown."""
    expected: Floats
    """(n, t) μ: what the days around say."""
    dispersion: Floats
    """(n,) φ: 0 where days vary no more than by chance."""


def estimate_demand(
    sold: NDArray[np.floating],
    in_stock: NDArray[np.floating],
    known: Bools,
    weekday: NDArray[np.integer],
    config: CensoringConfig = USUAL_CONFIG,
) -> DemandEstimate:
    """Estimate every day's demand.

    Args:
        sold: (n, t) units ≥ 0.
        in_stock: (n, t) share of the day's selling that the shelf was full for, 0 to 1.
        known: (n, t) False before a product was listed and on closed days: NaN is answered there.
        weekday: (t,) 0 to 6.
        config: how strongly things are smoothed.
    """
    # What was sold without stock shows that it could be bought: the count was wrong, not the sale.
    exposure = np.where((sold > 0) & (in_stock <= 0.0), 1.0, in_stock) * known
    seen = np.where(exposure > 0, sold, 0.0)
    mean = _means(seen, exposure, config)
    by_weekday = _weekday_factors(seen, exposure, mean, weekday, config)
    expected = _levels(seen, exposure * by_weekday, mean, config) * by_weekday
    dispersion = _dispersions(seen, expected, exposure >= WHOLE_DAY, config)
    spread = dispersion[:, None]
    unseen = (1.0 - exposure) * expected * (1.0 + spread * seen) / (1.0 + spread * exposure * expected)
    demand = np.where(exposure >= WHOLE_DAY, seen, seen + unseen)
    told = known & (_days_to_nearest(exposure > 0.0) <= config.longest_unseen_days)
    return DemandEstimate(np.where(told, demand, np.nan), expected, dispersion)


def _means(seen: Floats, exposure: Floats, config: CensoringConfig) -> Floats:
    """(n,) units per whole day in stock, drawn a little to the median series."""
    units, days = seen.sum(axis=1), exposure.sum(axis=1)
    rates = units[days > 0] / days[days > 0]
    typical = float(np.median(rates[rates > 0])) if (rates > 0).any() else 1.0
    return np.asarray((units + config.mean_prior_units) / (days + config.mean_prior_units / typical), np.float64)


def _weekday_factors(
    seen: Floats, exposure: Floats, mean: Floats, weekday: NDArray[np.integer], config: CensoringConfig
) -> Floats:
    """(n, t) what a day's weekday multiplies, about 1 on average; the shop's own week where a series says little."""
    of_weekday = np.eye(WEEKDAYS)[weekday]
    units, days = seen @ of_weekday, (exposure * mean[:, None]) @ of_weekday
    shop = np.divide(units.sum(axis=0), days.sum(axis=0), out=np.ones(WEEKDAYS), where=days.sum(axis=0) > 0)
    prior = config.weekday_prior_units / WEEKDAYS
    factors = (units + prior * shop) / (days + prior)
    return np.asarray(factors[:, weekday], np.float64)


def _levels(seen: Floats, exposure: Floats, mean: Floats, config: CensoringConfig) -> Floats:
    """(n, t) units per whole day around each day, nearer days counting more; both sides, since the past is to be told.

    `exposure` already counts a strong weekday as more than one day.
    """
    keep = 0.5 ** (1.0 / config.half_life_days)
    prior = config.level_prior_days
    return np.asarray(
        (_around(seen, keep) + prior * mean[:, None]) / (_around(exposure, keep) + prior),
        np.float64,
    )


def _around(values: Floats, keep: float) -> Floats:
    """(n, t) sums over all days, each weighted by keep^distance."""
    total = np.zeros_like(values, dtype=np.float64)
    for days in (range(values.shape[1]), range(values.shape[1] - 1, -1, -1)):
        running = np.zeros(len(values))
        for day in days:
            running = running * keep + values[:, day]
            total[:, day] += running
    return np.asarray(total - values, np.float64)


def _dispersions(seen: Floats, expected: Floats, whole: Bools, config: CensoringConfig) -> Floats:
    """(n,) φ by moments over days seen whole: Σ((S − μ)² − μ) ÷ Σμ², each drawn a little to the median series'."""
    excess = np.where(whole, (seen - expected) ** 2 - expected, 0.0).sum(axis=1)
    squares = np.where(whole, expected**2, 0.0).sum(axis=1)
    some = squares > 0
    if not some.any():
        return np.zeros(len(seen))
    typical = float(np.clip(np.median(excess[some] / squares[some]), 0.0, config.largest_dispersion))
    prior = float(np.median(squares[some])) * 0.1
    drawn = (excess + typical * prior) / (squares + prior)
    return np.asarray(np.clip(drawn, 0.0, config.largest_dispersion), np.float64)


def _days_to_nearest(happens: Bools) -> NDArray[np.int64]:
    """(n, t) days to the nearest day on which it happens, before or after; more than t where it never does."""
    days = np.arange(happens.shape[1])
    never = 2 * happens.shape[1] + 1
    before = np.maximum.accumulate(np.where(happens, days, -never), axis=1)
    after = np.minimum.accumulate(np.where(happens, days, 2 * never)[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.minimum(days - before, after - days), np.int64)
