"""How much of each day a product could be bought: from movements of stock to the share of the day that it was there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.demand_days import local_days, sold_by
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement

COUNTING_BEGINS = frozenset({MovementReason.RECEIPT, MovementReason.TRANSFER, MovementReason.COUNT})
"""Before one of these nothing was counted, so nothing was known to be out."""
STRETCHES_AT_ONCE = 20_000
"""Some may last for years; day by day all of them together would not fit beside the rest."""
NEVER = np.iinfo(np.int64).max
VARIANTS_AT_ONCE = 200
"""Whose movements are read in one question: a busy one has thousands a year."""


class StockHistory(Protocol):
    """What of the stock port is asked here."""

    def levels(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, dict[LocationId, int]]: ...
    def histories(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, list[StockMovement]]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A variant as part of a series: where its units are looked for, and how much of the series it is."""

    series: int
    variant_id: VariantId
    location_id: LocationId | None
    """None: anywhere."""
    weight: float
    """Its share of the series' units: one size that is out does not close the product."""


@dataclass(frozen=True, slots=True)
class Outages:
    """k stretches without stock, parallel."""

    series: NDArray[np.int64]
    begins: NDArray[np.int64]
    """µs UTC"""
    ends: NDArray[np.int64]
    weight: NDArray[np.float64]
    counted_since: NDArray[np.int64]
    """(n,) µs UTC, of every series' first count or delivery; 0 where there was none."""


@dataclass(frozen=True, slots=True)
class DayGrid:
    """The days that are looked at, and how a day's selling is spread over its hours."""

    first_day: int
    days: int
    timezone: ZoneInfo
    hours: NDArray[np.float64]
    """(25,) as `demand_days.selling_hours` tells them."""


def read_outages(stock: StockHistory, places: Sequence[Place], n_series: int, until: Micros) -> Outages:
    """When nothing was there. A variant never counted is never out."""
    levels = stock.levels(list(dict.fromkeys(place.variant_id for place in places)))
    series: list[int] = []
    stretches: list[tuple[int, int]] = []
    weights: list[float] = []
    since = np.full(n_series, NEVER)
    of_variant: dict[VariantId, list[Place]] = {}
    for place in places:
        of_variant.setdefault(place.variant_id, []).append(place)
    for variant_id, movements in movements_of(stock, sorted(of_variant.keys() & levels.keys())):
        for place in of_variant[variant_id]:
            here = of_place(movements, place.location_id)
            present = sum(level for at, level in levels[variant_id].items() if place.location_id in (None, at))
            found = empty_stretches(here, present, until)
            if here:
                since[place.series] = min(since[place.series], here[0].occurred_at)
            stretches += found
            series += [place.series] * len(found)
            weights += [place.weight] * len(found)
    begins, ends = np.array(stretches, np.int64).reshape(-1, 2).T
    return Outages(np.array(series, np.int64), begins, ends, np.array(weights), np.where(since == NEVER, 0, since))


def movements_of(
    stock: StockHistory, variant_ids: Sequence[VariantId]
) -> Iterator[tuple[VariantId, Sequence[StockMovement]]]:
    """All that each variant ever moved, newest first; some hundred variants' are held at a time."""
    for begins in range(0, len(variant_ids), VARIANTS_AT_ONCE):
        some = variant_ids[begins : begins + VARIANTS_AT_ONCE]
        told = stock.histories(some)
        for variant_id in some:
            yield variant_id, told.get(variant_id, ())


def of_place(movements: Sequence[StockMovement], location_id: LocationId | None) -> list[StockMovement]:
    """Those of one place (None: of all), oldest first, from the first that begins counting on.

    `movements`: of one variant, newest first.
    """
    here = [one for one in reversed(movements) if location_id is None or one.location_id == location_id]
    begun = next((place for place, one in enumerate(here) if one.reason in COUNTING_BEGINS), len(here))
    return here[begun:]


def empty_stretches(movements: Sequence[StockMovement], present: int, until: Micros) -> list[tuple[int, int]]:
    """From when to when (µs UTC) the level was zero, up to `until`.

    `movements`: counted ones, oldest first, with the level `present` after the last. Levels are counted back from it,
    so a sale that was told late moves nothing but its own past. Before the first nothing was known to be out.
    """
    at = np.array([one.occurred_at for one in movements], np.int64)
    units = np.array([one.quantity for one in movements], np.int64)
    later = np.cumsum(units[::-1])[::-1] - units
    ends = np.minimum(np.append(at[1:], until), until)
    some = np.flatnonzero((present - later <= 0) & (ends > at))
    return list(zip(at[some].tolist(), ends[some].tolist(), strict=True))


def share_in_stock(outages: Outages, n_series: int, grid: DayGrid) -> NDArray[np.float32]:
    """(n, t) share of each day's usual orders that would have found the product there; 1 where nothing is known."""
    share = np.ones(n_series * grid.days, np.float32)
    begins, ends = (_selling_clock(moments, grid) for moments in (outages.begins, outages.ends))
    for first in range(0, len(begins), STRETCHES_AT_ONCE):
        some = slice(first, first + STRETCHES_AT_ONCE)
        _take_off(share, outages.series[some] * grid.days, begins[some], ends[some], outages.weight[some])
    return np.maximum(share, 0.0).reshape(n_series, grid.days)


def _take_off(
    share: NDArray[np.float32],
    row: NDArray[np.int64],
    begins: NDArray[np.float64],
    ends: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> None:
    """Take stretches off the days they lie on, in place. `row`: where each stretch's series begins in `share`."""
    days = np.where(ends > begins, np.ceil(ends) - np.floor(begins), 0.0).astype(np.int64)
    stretch = np.repeat(np.arange(len(days)), days)
    step = np.arange(len(stretch)) - np.repeat(np.cumsum(days) - days, days)
    day = np.floor(begins[stretch]).astype(np.int64) + step
    part = np.minimum(ends[stretch], day + 1) - np.maximum(begins[stretch], day)
    np.subtract.at(share, row[stretch] + day, (part * weight[stretch]).astype(np.float32))


def _selling_clock(at: NDArray[np.int64], grid: DayGrid) -> NDArray[np.float64]:
    """Days since the grid's first, running as orders come: fast by day, hardly at night. Kept within the grid."""
    day, share = local_days(at, grid.timezone)
    return np.clip(day - grid.first_day + sold_by(share, grid.hours), 0.0, float(grid.days))
