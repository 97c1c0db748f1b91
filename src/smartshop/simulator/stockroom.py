"""The shop's shelf during the made history: counted at the start, sold from, bought in again; never below zero."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockCount, StockMovement
from smartshop.simulator.chance import stream
from smartshop.simulator.scenario import Supplier
from smartshop.simulator.steps import Line
from smartshop.simulator.world import World

SAFETY_DAYS = 10.0
"""The shop orders when what is there and on its way lasts less than the lead time and this."""
GUESS_SPREAD = 0.35
"""Standard deviation of the log of the shop's guess of demand: it is wrong about some products."""
LEARNING = 0.04
"""How much of each day's sales goes into the guess (exponential smoothing)."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    variant: int
    quantity: int
    ordered_day: int
    arrives_day: int
    number: int
    """Of the purchase, in the order made."""


@dataclass(slots=True)
class Stockroom:
    """Levels per variant, and what is on its way."""

    world: World
    first_day_at: int
    level: NDArray[np.int64]
    """(V,) units."""
    guess: NDArray[np.float64]
    """(V,) units a day that the shop believes it sells."""
    rng: np.random.Generator
    sold_today: NDArray[np.int64]
    """(V,) units."""
    on_its_way: list[OnItsWay] = field(default_factory=list)
    purchases: int = 0
    arrived_today: tuple[OnItsWay, ...] = ()
    ordered_today: tuple[OnItsWay, ...] = ()
    returned: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Day → (variant, quantity) that come back on it; they are sold again from the day after."""

    def open_day(self, day: int) -> list[StockMovement]:
        """Put away what arrives, order what runs short; return the arrivals."""
        if day > 0:
            self.guess += LEARNING * (self.sold_today - self.guess)
            self.sold_today[:] = 0
        for variant, quantity in self.returned.pop(day - 1, []):
            self.level[variant] += quantity
        arriving = [each for each in self.on_its_way if each.arrives_day <= day]
        self.on_its_way = [each for each in self.on_its_way if each.arrives_day > day]
        for each in arriving:
            self.level[each.variant] += each.quantity
        self.arrived_today = tuple(arriving)
        self.ordered_today = tuple(self._reorder(day))
        self.on_its_way.extend(self.ordered_today)
        return [self._receipt(each, day) for each in arriving]

    def _receipt(self, each: OnItsWay, day: int) -> StockMovement:
        variant_id = self.world.range.variant_ids[each.variant]
        return StockMovement(
            movement_id=f"receipt-{self.world.tag}-{each.number}-{variant_id}",
            variant_id=variant_id,
            quantity=each.quantity,
            reason=MovementReason.RECEIPT,
            occurred_at=Micros(self.first_day_at + day * DAY),
        )

    def _reorder(self, day: int) -> Iterator[OnItsWay]:
        suppliers = self.world.scenario.suppliers
        coming = np.zeros_like(self.level)
        for each in self.on_its_way:
            coming[each.variant] += each.quantity
        lead = np.array([supplier.lead_time_days for supplier in suppliers])[self.world.supplier_of_variant]
        short = self.level + coming < self.guess * (lead + SAFETY_DAYS)
        for variant in np.flatnonzero(short):
            supplier = suppliers[int(self.world.supplier_of_variant[variant])]
            quantity = max(1, int(np.ceil(self.guess[variant] * self.world.scenario.stock.cover_days)))
            arrives_day = day + self._lead_days(supplier)
            self.purchases += 1
            yield OnItsWay(int(variant), quantity, day, arrives_day, self.purchases)

    def _lead_days(self, supplier: Supplier) -> int:
        return max(1, round(float(self.rng.normal(supplier.lead_time_days, supplier.lead_time_spread_days))))

    def in_stock(self) -> NDArray[np.bool_]:
        """(n,) any variant of the product is there."""
        starts = self.world.range.assortment.first_variant[:-1]
        there: NDArray[np.bool_] = np.add.reduceat(self.level, starts) > 0
        return there

    def sell(self, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        """Take what is there; a line is sold in full, in part, or left out."""
        sold = []
        for line in lines:
            quantity = min(line.quantity, int(self.level[line.variant]))
            if quantity > 0:
                self.level[line.variant] -= quantity
                self.sold_today[line.variant] += quantity
                sold.append(Line(line.product, line.variant, quantity))
        return tuple(sold)


def open_stockroom(world: World, seed: int, first_day_at: int) -> Stockroom:
    """The shelf as `world.opening_counts` say it."""
    rng = stream(seed, world.scenario.name, "stock")
    return Stockroom(
        world=world,
        first_day_at=first_day_at,
        level=world.opening_level.copy(),
        guess=world.expected_daily_units * np.exp(rng.normal(0.0, GUESS_SPREAD, size=len(world.opening_level))),
        rng=rng,
        sold_today=np.zeros_like(world.opening_level),
    )


def opening_counts(
    level: NDArray[np.int64], variant_ids: tuple[VariantId, ...], tag: str, counted_at: Micros
) -> tuple[StockCount, ...]:
    return tuple(
        StockCount(
            movement_id=f"count-{tag}-{variant_id}", variant_id=variant_id, level=int(units), occurred_at=counted_at
        )
        for variant_id, units in zip(variant_ids, level, strict=True)
    )
