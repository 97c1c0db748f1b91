"""(s, S): at or below the reorder point s, order up to S. Reviewed every period, with a cost for each order."""

import math
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import (
    Floats,
    not_negative,
    positive,
    probabilities,
    searchable,
)
from smartshop.ai_agents.inventory.policies.newsvendor import critical_ratio, level_costs, poisson_chances
from smartshop.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class ReorderLevels:
    """A reorder point and an order-up-to level, in units of stock on hand and on order less what is owed."""

    reorder_point: float
    order_up_to: float
    cost: float | None = None
    """Expected money per period; None where only the levels are approximated."""


def best_reorder_levels(
    chances: Floats,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    over_protection: Floats | None = None,
) -> ReorderLevels:
    """The optimal (s, S) for whole, independent demand, backordered (Zheng & Federgruen 1991).

    Args:
        chances: (n,) of a demand of 0, 1, 2 … in one period.
        holding_cost: money per unit left at a period's end.
        stockout_cost: money per unit owed at a period's end.
        fixed_cost: money per order; 0 makes s = S − 1.
        over_protection: (m,) chances of the demand over lead time and one review; `chances` where goods come at once.

    Raises:
        InvalidValue: a cost is not above 0, chances are none, there is never demand, or the search is too wide.
    """
    critical_ratio(holding_cost, stockout_cost)
    not_negative("The fixed cost of an order", fixed_cost)
    chances = probabilities("The law of demand", chances)
    protection = chances if over_protection is None else probabilities("The law of demand", over_protection)
    if chances[0] > 1 - 1e-12:
        raise InvalidValue("Demand is always 0; levels for orders need a demand that is at times above 0.")
    search = _LevelSearch(chances, protection, (holding_cost, stockout_cost, fixed_cost))
    return search.run()


def best_poisson_levels(
    holding_cost: float, stockout_cost: float, fixed_cost: float, mean: float, lead_time: int = 0
) -> ReorderLevels:
    """The optimal (s, S) for Poisson demand of so much per period, delivered after whole periods.

    Raises:
        InvalidValue: a cost is not above 0, demand is not above 0, the lead time is negative, or the search is too
            wide.
    """
    positive("Mean demand", mean)
    periods = not_negative("The lead time", lead_time) + 1
    return best_reorder_levels(
        poisson_chances(mean), holding_cost, stockout_cost, fixed_cost, poisson_chances(mean * periods)
    )


class _LevelSearch:
    """One run of the algorithm; it holds the renewal function, which every step reads."""

    def __init__(self, chances: Floats, protection: Floats, costs: tuple[float, float, float]) -> None:
        self.chances, self.protection, self.costs = chances, protection, costs
        mean = float(np.arange(len(chances)) @ chances)
        holding, stockout, fixed = costs
        # Twice the economic order with backorders is wider than s and S ever lie apart, plus the law itself.
        wide = 2 * math.sqrt(2 * fixed * mean * (holding + stockout) / (holding * stockout)) + 2 * len(chances) + 20
        self.between = _renewals(chances, searchable("The distance from s to S", wide))
        self.visits = np.concatenate(([0.0], np.cumsum(self.between)))

    def run(self) -> ReorderLevels:
        holding, stockout, _ = self.costs
        reached = np.searchsorted(np.cumsum(self.protection), stockout / (stockout + holding) - 1e-12)
        best_without_order = min(int(reached), len(self.protection) - 1)
        low, high = best_without_order - 1, best_without_order
        while self.cost(low, high) > self.at(low):
            low -= 1
        least, further = self.cost(low, high), high + 1
        while self.at(further) <= least:
            if self.cost(low, further) < least:
                high = further
                while self.cost(low, high) <= self.at(low + 1):
                    low += 1
                least = self.cost(low, high)
            further += 1
        return ReorderLevels(float(low), float(high), least)

    def at(self, level: int) -> float:
        """What a period costs at this level."""
        return float(level_costs(self.protection, self.costs[0], self.costs[1], np.array([float(level)]))[0])

    def cost(self, low: int, high: int) -> float:
        """Average cost per period of (low, high), by renewal and reward (Snyder & Shen 2019, eq. 4.69)."""
        steps = high - low
        if steps > len(self.between):
            raise InvalidValue(f"The levels lie over {len(self.between)} units apart; count in packs.")
        levels = high - np.arange(steps, dtype=np.float64)
        each = level_costs(self.protection, self.costs[0], self.costs[1], levels)
        return float((self.costs[2] + self.between[:steps] @ each) / self.visits[steps])


def _renewals(chances: Floats, steps: int) -> Floats:
    """(steps,) expected periods spent exactly j units below where an order brought the stock."""
    found = np.zeros(steps)
    found[0] = 1 / (1 - chances[0])
    backward = chances[:0:-1]
    for j in range(1, steps):
        reach = min(j, len(backward))
        found[j] = backward[len(backward) - reach :] @ found[j - reach : j] / (1 - chances[0])
    return found


def approximate_reorder_levels(
    holding_cost: float, stockout_cost: float, fixed_cost: float, mean: float, sd: float, lead_time: float = 0.0
) -> ReorderLevels:
    """The power approximation for normal demand (Ehrhardt & Mosier 1984; Snyder & Shen 2019, eq. 4.77 to 4.80).

    `mean` and `sd` are of one period, the lead time in periods. The bound that its authors put on orders of less than
    one and a half periods of demand is left out there, and here.

    Raises:
        InvalidValue: a cost, mean or spread is not above 0, or the lead time is negative.
    """
    critical_ratio(holding_cost, stockout_cost)
    positive("The fixed cost of an order", fixed_cost)
    positive("Mean demand", mean)
    periods = not_negative("The lead time", lead_time) + 1
    centre, spread = mean * periods, positive("The standard deviation of demand", sd) * math.sqrt(periods)
    units = 1.30 * mean**0.494 * (fixed_cost / holding_cost) ** 0.506 * (1 + (spread / mean) ** 2) ** 0.116
    z = math.sqrt(units * holding_cost / (spread * stockout_cost))
    low = 0.973 * centre + spread * (0.183 / z + 1.063 - 2.192 * z)
    return ReorderLevels(low, low + units)
