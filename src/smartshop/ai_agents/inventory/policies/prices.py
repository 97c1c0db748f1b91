"""What a supplier asks for an order of a size: one price, or less for more."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats, finite, positive
from smartshop.errors import InvalidValue


class Discount(StrEnum):
    """To which units a lower price applies."""

    ALL_UNITS = "all_units"
    """To every unit, once the order is large enough."""
    INCREMENTAL = "incremental"
    """Only to the units beyond the breakpoint."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """A price per unit from each order size on."""

    unit_costs: tuple[float, ...]
    """(k,) money per unit, above 0."""
    from_units: tuple[float, ...] = (0.0,)
    """(k,) rising, the first is 0: the order size from which the price of the same place holds."""
    discount: Discount = Discount.ALL_UNITS

    def __post_init__(self) -> None:
        if not self.unit_costs or len(self.unit_costs) != len(self.from_units):
            raise InvalidValue(
                f"A price list has {len(self.unit_costs)} prices and {len(self.from_units)} breakpoints; "
                "give one price for each breakpoint, at least one."
            )
        for cost in self.unit_costs:
            positive("A unit cost", cost)
        for units in self.from_units:
            finite("A breakpoint", units)
        if self.from_units[0] != 0 or (np.diff(self.from_units) <= 0).any():
            raise InvalidValue(f"Breakpoints are {list(self.from_units)}; they begin with 0 and rise.")
        if (np.diff(self.unit_costs) > 0).any():
            raise InvalidValue(f"Unit costs are {list(self.unit_costs)}; a larger order is never dearer per unit.")

    @property
    def skipped(self) -> Floats:
        """(k,) money that a whole order costs more than its units at the price of its place.

        Zero for all-units discounts; for incremental ones what the dearer first units add (Snyder & Shen 2019, eq.
        3.22).
        """
        if self.discount is Discount.ALL_UNITS:
            return np.zeros(len(self.unit_costs))
        steps = -np.diff(self.unit_costs) * np.asarray(self.from_units[1:])
        return np.concatenate(([0.0], np.cumsum(steps)))

    def cost_of(self, units: Floats | float) -> Floats:
        """What orders of these sizes cost. `units`: any shape, at least 0; the answer has the same shape."""
        sizes = np.asarray(units, np.float64)
        place = np.searchsorted(self.from_units, sizes, side="right") - 1
        match self.discount:
            case Discount.ALL_UNITS:
                return np.asarray(np.asarray(self.unit_costs)[place] * sizes, np.float64)
            case Discount.INCREMENTAL:
                return np.asarray(np.asarray(self.unit_costs)[place] * sizes + self.skipped[place] * (sizes > 0))
            case unknown:
                assert_never(unknown)
