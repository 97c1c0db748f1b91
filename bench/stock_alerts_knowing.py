"""What one who knows the law would warn of: the scenario's own demand and its suppliers, tried out night by night."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.stock_alerts_watch import Watched
from smartshop.simulator.supply import Floats, SupplyWorld, lead_chances
from smartshop.simulator.supply_run import Books

TRIES = 300
"""Futures tried of each product and night: a chance of a half is known to three hundredths."""


@dataclass(frozen=True, slots=True)
class KnowsTheLaw:
    """Knows the law of every product and day and of its supplier, and no more of what will happen than that."""

    world: SupplyWorld
    rng: np.random.Generator
    leads: tuple[Floats, ...] = field(init=False)
    """Of each supplier, chances of 0, 1, 2 … days."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "leads", tuple(lead_chances(one) for one in self.world.scenario.suppliers))

    def chances(self, watched: Watched, books: Books, headrooms: tuple[int, ...]) -> Floats:
        """(h, n) that a place runs out before goods ordered within each headroom could come, nothing more ordered."""
        world, day = self.world, books.day
        reach = max(len(one) for one in self.leads) + max(headrooms)
        days = slice(day, min(day + reach, world.days))
        lines = self.rng.poisson(world.lines[:, None, days], size=(len(world), TRIES, days.stop - day))
        asked = lines + self.rng.poisson(lines * (world.units - 1.0)[:, None, None])
        level = books.on_hand[:, None, None] + np.cumsum(self._arriving(watched, books, asked.shape) - asked, axis=2)
        is_short = level < 0
        first = np.where(is_short.any(axis=2), is_short.argmax(axis=2), world.days)
        lead = np.stack([self._drawn(self.leads[which]) for which in world.supplier.tolist()])
        return np.stack([(first < lead + headroom).mean(axis=1) for headroom in headrooms])

    def _arriving(self, watched: Watched, books: Books, shape: tuple[int, ...]) -> Floats:
        """(n, tries, days) goods that come on each morning, as long as orders so old still take."""
        found = np.zeros(shape)
        for product, units, ordered, comes in watched.on_way:
            if comes < books.day:
                continue
            lead, age = self.leads[int(self.world.supplier[product])].copy(), books.day - ordered
            lead[:age] = 0.0
            after = self._drawn(lead / lead.sum()) - age if lead.sum() > 0 else np.zeros(TRIES, np.int64)
            inside = after < shape[2]
            np.add.at(found[product], (np.flatnonzero(inside), after[inside]), units)
        return found

    def _drawn(self, chances: Floats) -> NDArray[np.int64]:
        """(tries,) whole days."""
        return np.asarray(self.rng.choice(len(chances), size=TRIES, p=chances), np.int64)
