"""What came to and went from a place's shelf, as arrays that stretches of time are cut from."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.demand_days import local_days
from smartshop.data_collection.pipelines.demand_stock import (
    StockHistory,
    empty_stretches,
    movements_of,
    of_place,
)
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason

Place = tuple[VariantId, frozenset[LocationId]]
"""A variant and the locations whose units count together."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Goods that came within a stretch."""

    day: int
    """Of the stretch, 0 for its first."""
    units: int
    reference: str | None
    """The purchase order, where it was told."""


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Of one place, oldest first, from the first count or delivery on."""

    at: NDArray[np.int64]
    """(j,) µs UTC"""
    day: NDArray[np.int32]
    """(j,) ordinals of the shop's days"""
    units: NDArray[np.int64]
    """(j,) signed"""
    is_receipt: NDArray[np.bool_]
    """(j,)"""
    reference: tuple[str | None, ...]
    level: int
    """After the last."""
    empty: tuple[tuple[int, int], ...]
    """From when to when (µs UTC) nothing was there."""

    @property
    def since(self) -> int | None:
        """µs UTC, of the first; None: nothing was ever counted."""
        return int(self.at[0]) if len(self.at) else None

    def level_at(self, moment: int) -> int:
        """Counted back from the present, so that what was told late moves nothing but its own past."""
        return self.level - int(self.units[self.at > moment].sum())

    def changes(self, begins: int, ends: int, first_day: int, days: int) -> NDArray[np.float64]:
        """(days,) net units on each day from the first one on within these times, but for goods bought in."""
        some = (self.at > begins) & (self.at <= ends) & ~self.is_receipt
        found = np.bincount(self.day[some] - first_day, weights=self.units[some], minlength=days)
        return found[:days].astype(np.float64)

    def receipts(self, begins: int, ends: int, first_day: int) -> tuple[Receipt, ...]:
        """Goods bought in within these times, in their order."""
        some = np.flatnonzero((self.at > begins) & (self.at <= ends) & self.is_receipt & (self.units > 0))
        return tuple(
            Receipt(int(self.day[place]) - first_day, int(self.units[place]), self.reference[place])
            for place in some.tolist()
        )


def read_moves(stock: StockHistory, places: Sequence[Place], until: Micros, timezone: ZoneInfo) -> list[Moves]:
    """In the order of the places. A variant that is not counted any more has a level of 0."""
    of_variant: dict[VariantId, list[Place]] = {}
    for place in dict.fromkeys(places):
        of_variant.setdefault(place[0], []).append(place)
    levels = stock.levels(list(of_variant))
    found: dict[Place, Moves] = {}
    for variant, movements in movements_of(stock, list(of_variant)):
        for place in of_variant[variant]:
            here = of_place([one for one in movements if one.location_id in place[1]], None)
            level = sum(units for location, units in levels.get(variant, {}).items() if location in place[1])
            at = np.array([one.occurred_at for one in here], np.int64)
            found[place] = Moves(
                at=at,
                day=local_days(at, timezone)[0],
                units=np.array([one.quantity for one in here], np.int64),
                is_receipt=np.array([one.reason is MovementReason.RECEIPT for one in here], np.bool_),
                reference=tuple(one.reference for one in here),
                level=level,
                empty=tuple(empty_stretches(here, level, until)) if here else (),
            )
    return [found[place] for place in places]
