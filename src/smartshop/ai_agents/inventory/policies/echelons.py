"""Base-stock levels along one supply line: plant → warehouse → store, each replenishing the next (Clark & Scarf 1960).

Stages are numbered from the customer: 1 sells, N is furthest upstream. Echelon stock of a stage is what lies at it and
anywhere below it, less what is owed to customers. Snyder & Shen (2019), section 6.2.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from smartshop.ai_agents.inventory.policies.bounds import Floats, not_negative, positive, searchable
from smartshop.ai_agents.inventory.policies.newsvendor import newsvendor_normal
from smartshop.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class SupplyLine:
    """N stages in a row under normal demand."""

    echelon_holding_costs: tuple[float, ...]
    """(N,) money per unit and period that holding costs at a stage beyond what it costs at the one above it."""
    lead_times: tuple[float, ...]
    """(N,) periods until a shipment to the stage arrives, above 0."""
    stockout_cost: float
    """Money per unit and period that a customer waits."""
    mean: float
    """Demand per period."""
    sd: float

    def __post_init__(self) -> None:
        if not self.lead_times or len(self.lead_times) != len(self.echelon_holding_costs):
            raise InvalidValue(
                f"There are {len(self.lead_times)} lead times and {len(self.echelon_holding_costs)} holding costs; "
                "give one of each for every stage."
            )
        for cost in self.echelon_holding_costs:
            positive("An echelon holding cost", cost)
        for periods in self.lead_times:
            positive("A lead time", periods)
        positive("The stock-out cost", self.stockout_cost)
        not_negative("Mean demand", self.mean)
        positive("The standard deviation of demand", self.sd)


@dataclass(frozen=True, slots=True)
class Grid:
    """How finely levels and demand are cut."""

    level_steps: int = 1_000
    """Steps from the lowest to the highest level looked at."""
    demand_steps: int = 100
    """Steps of lead-time demand between −reach and +reach; what lies beyond is put on both ends."""
    reach: float = 4.0
    """Standard deviations."""


@dataclass(frozen=True, slots=True)
class BaseStock:
    """Echelon base-stock levels, the first at the customer's end."""

    levels: tuple[float, ...]
    cost: float | None = None
    """Expected money per period; None for the heuristic."""


def best_base_stock(line: SupplyLine, grid: Grid | None = None) -> BaseStock:
    """Optimal levels by the recursion of Chen & Zheng (1994), from the customer up (Snyder & Shen 2019, algorithm 6.1).

    g₀(x) = (p + Σh)·max(−x, 0); ĝⱼ(x) = hⱼx + g̲ⱼ₋₁(x); gⱼ(y) = E[ĝⱼ(y − Dⱼ)]; Sⱼ its minimum; g̲ⱼ(x) = gⱼ(min(Sⱼ, x)).
    On the default grid levels are within half a step (about 0.002 of the span) and the cost within one in a thousand.

    Raises:
        InvalidValue: the grid is too fine to be searched.
    """
    grid = grid or Grid()
    searchable("The grid", grid.level_steps * grid.demand_steps / 100)
    whole = float(sum(line.lead_times))
    centre, width = line.mean * whole, grid.reach * line.sd * np.sqrt(whole)
    # From all demand of the line short, with nothing there, to the most that is ever useful.
    levels = np.linspace(-2 * width, centre + width, grid.level_steps + 1)
    penalty = line.stockout_cost + sum(line.echelon_holding_costs)
    below, found, least = penalty * np.maximum(-levels, 0.0), [], 0.0
    for holding, lead_time in zip(line.echelon_holding_costs, line.lead_times, strict=True):
        costs = _expected(levels, holding * levels + below, _cut_demand(line, lead_time, grid))
        best = int(np.argmin(costs))
        found.append(float(levels[best]))
        least = float(costs[best])
        below = np.where(levels < levels[best], costs, least)
    return BaseStock(tuple(found), least)


def approximate_base_stock(line: SupplyLine) -> BaseStock:
    """The newsvendor heuristic: the mean of an upper and a lower bound at each stage (Shang & Song 2003, eq. 6)."""
    levels = []
    for stage in range(1, len(line.lead_times) + 1):
        periods = sum(line.lead_times[:stage])
        over = (line.mean * periods, line.sd * np.sqrt(periods))
        missing = line.stockout_cost + sum(line.echelon_holding_costs[stage:])
        own, all_below = line.echelon_holding_costs[stage - 1], sum(line.echelon_holding_costs[:stage])
        bounds = [newsvendor_normal(holding, missing, *over).units for holding in (own, all_below)]
        levels.append(sum(bounds) / 2)
    return BaseStock(tuple(levels))


def _cut_demand(line: SupplyLine, lead_time: float, grid: Grid) -> tuple[Floats, Floats]:
    """(d,) demands over the lead time and (d,) their chances; demand below zero is taken as zero."""
    law = stats.norm(line.mean * lead_time, line.sd * np.sqrt(lead_time))
    low = max(float(law.ppf(stats.norm.sf(grid.reach))), 0.0)
    high = max(float(law.isf(stats.norm.sf(grid.reach))), low)
    values = np.linspace(low, high, grid.demand_steps + 1)
    edges = law.cdf((values[1:] + values[:-1]) / 2)
    return values, np.diff(edges, prepend=0.0, append=1.0)


def _expected(levels: Floats, costs: Floats, demand: tuple[Floats, Floats]) -> Floats:
    """(x,) expected cost after demand, at the nearest level; below the lowest the cost goes on as a straight line."""
    step, slope = levels[1] - levels[0], (costs[1] - costs[0]) / (levels[1] - levels[0])
    found = np.zeros(len(levels))
    for value, chance in zip(*demand, strict=True):
        place = np.rint((levels - value - levels[0]) / step).astype(np.int64)
        beyond = np.minimum(place, 0) * step * slope
        found += chance * (costs[np.maximum(place, 0)] + beyond)
    return found
