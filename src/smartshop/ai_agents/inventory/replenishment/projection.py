"""How stock is expected to fall and rise, day by day, with what is on its way. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.replenishment.awaited import Asked

PROJECTED_DAYS = 182
HARDLY_ANY = 1e-6
"""Units: what rounding may leave of none."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Goods on their way."""

    days: float
    """From now; 0 or less is due today."""
    units: int


def expected_sales(model: InventoryModel, asked: Asked, days: int = PROJECTED_DAYS) -> Floats:
    """(days,) units on each day from now on."""
    until = [model.mean_between(asked.series, asked.begins, asked.begins + day) for day in range(days + 1)]
    return np.diff(np.asarray(until, np.float64)) * asked.share


def projected_stock(free_units: float, sales: Floats, arrivals: Sequence[Arrival]) -> Floats:
    """(days + 1,) units expected on the shelf now and after each day; what is missed while it is empty is lost.

    `sales`: (days,) expected. Goods arrive in the morning of their day.
    """
    coming = np.zeros(len(sales) + 1)
    for arrival in arrivals:
        coming[int(np.clip(np.ceil(arrival.days), 0, len(sales)))] += arrival.units if arrival.days <= len(sales) else 0
    levels = np.zeros(len(sales) + 1)
    levels[0] = max(free_units, 0.0) + coming[0]
    for day, sold in enumerate(sales, start=1):
        levels[day] = max(levels[day - 1] + coming[day] - sold, 0.0)
    return levels


def first_empty_day(levels: Floats, sales: Floats) -> int | None:
    """Days from now, to the nearest, until as much is expected to be asked for as was there; None where it lasts.

    What nobody asks for never runs out.
    """
    if not sales.any():
        return None
    half_a_day = 0.5 * np.append(sales, sales[-1])
    empty = np.flatnonzero((levels < half_a_day) | (levels < HARDLY_ANY))
    return int(empty[0]) if len(empty) else None
