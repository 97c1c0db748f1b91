"""When to order for a known demand that changes from period to period, at least cost (Wagner & Whitin 1958)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats, not_negative, searchable
from smartshop.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class LotPlan:
    """Orders for t periods, counted from 0."""

    orders: Floats
    """(t,) units to receive at the beginning of each period."""
    cost: float
    """Money for ordering, holding and, where unit costs were given, buying."""
    cost_to_go: Floats
    """(t + 1,) least cost of the periods from each one on, if it begins without stock; the last is 0."""
    next_order: tuple[int, ...]
    """(t,) if an order is placed in this period, the period of the next; t for none."""


def plan_lots(
    demand: Sequence[float] | Floats,
    holding_cost: float | Sequence[float],
    fixed_cost: float | Sequence[float],
    unit_cost: float | Sequence[float] = 0.0,
) -> LotPlan:
    """The cheapest plan without shortages: θ(i) = min over j > i of K_i + Σ_{i≤k<j} h-costs of d_k + θ(j).

    Snyder & Shen (2019), eq. 3.39. Costs may differ by period; stock is charged at each period's end. Of equal plans
    the one that orders again soonest.

    Raises:
        InvalidValue: a number is negative or not finite, or a cost is given for another number of periods.
    """
    units = np.array([not_negative("Demand", float(value)) for value in demand], np.float64)
    periods = searchable("The plan", len(units))
    if not periods:
        raise InvalidValue("Demand has no period; a plan needs at least one.")
    holding, fixed, unit = (
        _per_period(name, cost, periods)
        for name, cost in (("holding cost", holding_cost), ("fixed cost", fixed_cost), ("unit cost", unit_cost))
    )
    # What one unit costs from period 0 until the beginning of each period: held_until[k] − held_until[i] from i to k.
    held_until = np.concatenate(([0.0], np.cumsum(holding)))[:periods]
    to_go, following = np.zeros(periods + 1), np.full(periods, periods)
    for first in range(periods - 1, -1, -1):
        each = units[first:] * (held_until[first:] - held_until[first] + unit[first])
        # Nothing to deliver needs no order.
        totals = np.cumsum(each) + fixed[first] * (np.cumsum(units[first:]) > 0) + to_go[first + 1 :]
        best = int(np.argmin(totals))
        to_go[first], following[first] = totals[best], first + 1 + best
    return LotPlan(_orders(units, following), float(to_go[0]), to_go, tuple(int(place) for place in following))


def _orders(units: Floats, following: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    orders, period = np.zeros(len(units)), 0
    while period < len(units):
        orders[period] = units[period : following[period]].sum()
        period = int(following[period])
    return orders


def _per_period(name: str, cost: float | Sequence[float], periods: int) -> Floats:
    given = np.atleast_1d(np.asarray(cost, np.float64))
    if len(given) not in (1, periods):
        raise InvalidValue(f"The {name} has {len(given)} values for {periods} periods; give one, or one for each.")
    for value in given:
        not_negative(f"The {name}", float(value))
    return np.broadcast_to(given, (periods,)).astype(np.float64)
