"""How much to have when it must be decided before demand is known (Arrow, Harris & Marschak 1951).

Left-over units cost `holding_cost` each, missing ones `stockout_cost`; the best level is the quantile p/(p + h) of
demand. With a lead time of L periods the level covers the demand of L + 1 periods, orders included that are on their
way (Snyder & Shen 2019, section 4.3). L may be 0.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from smartshop.ai_agents.inventory.policies.bounds import Floats, not_negative, positive, probabilities, searchable
from smartshop.ai_agents.inventory.policies.losses import Loss, discrete_loss, normal_loss, poisson_loss
from smartshop.errors import InvalidValue


class Level(NamedTuple):
    """A stock level and the cost per period that is expected of it."""

    units: float
    cost: float


def critical_ratio(holding_cost: float, stockout_cost: float) -> float:
    """p/(p + h): how likely demand should be met.

    Raises:
        InvalidValue: a cost is not above 0.
    """
    holding, stockout = positive("The holding cost", holding_cost), positive("The stock-out cost", stockout_cost)
    return stockout / (stockout + holding)


def newsvendor_normal(
    holding_cost: float, stockout_cost: float, mean: float, sd: float, lead_time: float = 0.0
) -> Level:
    """For normal demand of so much per period (eq. 4.30, 4.31).

    Raises:
        InvalidValue: a cost is not above 0; mean, spread or lead time is negative.
    """
    late = _excess_ratio(holding_cost, stockout_cost)
    centre, spread = _over(mean, sd, lead_time)
    units = centre + spread * float(stats.norm.isf(late))
    return Level(units, _cost(holding_cost, stockout_cost, normal_loss(units, centre, spread)))


def newsvendor_normal_cost(units: float, holding_cost: float, stockout_cost: float, mean: float, sd: float) -> float:
    """What another level costs per period, under normal demand (eq. 4.6).

    Raises:
        InvalidValue: a cost is not above 0, or the spread is negative.
    """
    critical_ratio(holding_cost, stockout_cost)
    return _cost(holding_cost, stockout_cost, normal_loss(units, mean, sd))


def newsvendor_poisson(holding_cost: float, stockout_cost: float, mean: float, lead_time: float = 0.0) -> Level:
    """For Poisson demand: the smallest whole level that meets the ratio (eq. 4.35).

    Raises:
        InvalidValue: a cost is not above 0; mean or lead time is negative.
    """
    late = _excess_ratio(holding_cost, stockout_cost)
    centre, _ = _over(mean, 0.0, lead_time)
    units = float(stats.poisson.isf(late, centre)) if centre else 0.0
    return Level(units, _cost(holding_cost, stockout_cost, poisson_loss(units, centre)))


def newsvendor_discrete(holding_cost: float, stockout_cost: float, values: Floats, chances: Floats) -> Level:
    """For demand that takes a few values: the smallest that meets the ratio. `values`, `chances`: (n,).

    Raises:
        InvalidValue: a cost is not above 0, or the chances are none.
    """
    ratio = critical_ratio(holding_cost, stockout_cost)
    chances, values = probabilities("The law of demand", chances), np.asarray(values, np.float64)
    if values.shape != chances.shape:
        raise InvalidValue(f"Demand has {values.size} values and {chances.size} probabilities; give one for each.")
    order = np.argsort(values)
    reached = np.cumsum(chances[order])
    # Rounding in the sum must not push the answer one value up.
    place = min(int(np.searchsorted(reached, ratio - 1e-12)), len(values) - 1)
    units = float(values[order][place])
    return Level(units, _cost(holding_cost, stockout_cost, discrete_loss(units, values, chances)))


def newsvendor_sample(holding_cost: float, stockout_cost: float, sample: Floats) -> Level:
    """From demand as it was seen: the smallest observation that meets the ratio. `sample`: (n,).

    Raises:
        InvalidValue: a cost is not above 0, or nothing was seen.
    """
    seen = np.asarray(sample, np.float64)
    if not seen.size:
        raise InvalidValue("The sample of demand is empty; a level needs at least one observation.")
    return newsvendor_discrete(holding_cost, stockout_cost, seen, np.full(seen.size, 1.0 / seen.size))


def poisson_chances(mean: float) -> Floats:
    """(n,) chances of 0, 1, 2 … units, as far as one in 10¹⁵ lies beyond.

    Raises:
        InvalidValue: the mean is negative, or so large that a search by whole units takes too long.
    """
    if not_negative("Mean demand", mean) == 0:
        return np.ones(1)
    last = searchable("Poisson demand", mean + 9 * math.sqrt(mean) + 30)
    chances = stats.poisson.pmf(np.arange(last + 1), mean)
    return np.asarray(chances / chances.sum(), np.float64)


def level_costs(chances: Floats, holding_cost: float, stockout_cost: float, levels: Floats) -> Floats:
    """(m,) expected cost per period at each whole level.

    `chances`: (n,) of a demand of 0, 1, 2 …; `levels`: (m,) whole numbers.
    """
    at_most = np.concatenate(([0.0], np.cumsum(np.cumsum(chances))))
    mean = float(np.arange(len(chances)) @ chances)
    # E[max(x − D, 0)] is the sum of the distribution function below x.
    inside = np.clip(levels, 0, len(chances)).astype(np.int64)
    left = at_most[inside] + np.maximum(levels - len(chances), 0)
    return np.asarray(holding_cost * left + stockout_cost * (left + mean - levels), np.float64)


def _excess_ratio(holding_cost: float, stockout_cost: float) -> float:
    """h/(p + h), which keeps its digits where the ratio itself is nearly 1."""
    critical_ratio(holding_cost, stockout_cost)
    return holding_cost / (stockout_cost + holding_cost)


def _over(mean: float, sd: float, lead_time: float) -> tuple[float, float]:
    periods = not_negative("The lead time", lead_time) + 1
    return not_negative("Mean demand", mean) * periods, not_negative("The spread of demand", sd) * math.sqrt(periods)


def _cost(holding: float, stockout: float, loss: Loss) -> float:
    return holding * loss.left + stockout * loss.short
