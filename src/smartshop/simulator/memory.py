"""What a shopper remembers between visits: what they own, what goes with it, what they looked at last."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.simulator.assortment import Assortment
from smartshop.simulator.scenario import Tastes
from smartshop.simulator.steps import Line

RIPE_SHARE = 0.3
"""From this share of its cycle on, something bought before is wanted again."""


@dataclass(slots=True)
class Memory:
    """Of one shopper. Rows of the assortment, times in µs UTC."""

    bought_at: dict[int, int] = field(default_factory=dict)
    """Product → the last time it was bought."""
    goes_with_until: dict[int, int] = field(default_factory=dict)
    """Leaf → until when it is wanted because of something bought."""
    last_leaf: int = -1
    """Of the last product looked at."""
    variant_of: dict[int, int] = field(default_factory=dict)
    """Product → the variant bought; the same again next time."""

    def remember(self, lines: Sequence[Line], at: int, assortment: Assortment, tastes: Tastes) -> bool:
        """Take a purchase in; True when something is now missing that goes with it."""
        opens_need = False
        for line in lines:
            self.bought_at[line.product] = at
            self.variant_of[line.product] = line.variant
            for leaf in np.flatnonzero(assortment.complements[assortment.leaf[line.product]]):
                self.goes_with_until[int(leaf)] = at + int(tastes.complement_days * DAY)
                opens_need = True
        for line in lines:
            self.goes_with_until.pop(int(assortment.leaf[line.product]), None)
        return opens_need

    def adjust(self, worth: NDArray[np.float64], at: int, assortment: Assortment, tastes: Tastes) -> None:
        """Change `worth` (n,) in place by what is owned, used up, and goes with it."""
        for product, bought_at in self.bought_at.items():
            cycle = assortment.repeat_days[product] * DAY
            ripeness = (at - bought_at) / (RIPE_SHARE * cycle) if cycle > 0 else 0.0
            worth[product] += tastes.repeat_pull if ripeness >= 1 else tastes.owned_push * (1 - ripeness)
        for leaf, until in self.goes_with_until.items():
            if at < until:
                worth[assortment.leaf == leaf] += tastes.complement_pull
