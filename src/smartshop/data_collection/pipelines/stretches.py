"""What happened to variants over stretches of time, day by day: from the books, to judge what was decided before.

Days are the shop's own. A stretch begins and ends within a day, which counts by the part of its usual orders that lies
in the stretch. What was without stock is told as it was; nothing is estimated here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.connectors.ports import Orders
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.demand_arrays import LineTable, line_table
from smartshop.data_collection.pipelines.demand_days import day_begins, last_whole_day, local_day, selling_hours
from smartshop.data_collection.pipelines.demand_rows import DemandRows
from smartshop.data_collection.pipelines.demand_stock import DayGrid, Outages, StockHistory, share_in_stock
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.stretch_stock import Moves, Place, Receipt, read_moves
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId

DAYS_BEFORE = 112
"""Read before the first stretch: what is asked for behind an empty shelf is told by the days around it."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A variant where its units count together, from a moment on for so many times 24 hours."""

    variant_id: VariantId
    locations: frozenset[LocationId]
    begins: Micros
    days: int

    @property
    def ends(self) -> Micros:
        return Micros(self.begins + self.days * DAY)

    @property
    def place(self) -> Place:
        return self.variant_id, self.locations


@dataclass(frozen=True, slots=True, eq=False)
class PlaceDays:
    """k places over t whole days."""

    first_day: int
    """Ordinal"""
    sold: Floats
    """(k, t) units, less those called off the same day."""
    in_stock: NDArray[np.float32]
    """(k, t) share of each day's usual orders that would have found some there."""
    known: NDArray[np.bool_]
    """(k, t) False before a place's first delivery (or, of what was not counted by then, its first sale in these days),
    and on days on which the whole shop sold nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """m stretches cut at midnights into at most p days, empty ones at the end."""

    days: PlaceDays
    place: Ints
    """(m,) which of the k places each stretch is of."""
    first: Ints
    """(m,) index of each stretch's first day among the t."""
    length: Floats
    """(m, p) part of each day that lies in the stretch."""
    sold: Floats
    """(m, p) units"""
    out: Floats
    """(m, p) part of each day that lies in the stretch and was without stock."""
    moved: Floats
    """(m, p) units that came or went beside sales and goods bought in: returns, write-offs, what counts found."""
    receipts: tuple[tuple[Receipt, ...], ...]
    """(m,) goods bought in."""
    left: Ints
    """(m,) units there at the end."""


def is_over(stretch: Stretch, until: Micros, timezone: ZoneInfo) -> bool:
    """Whether its last day is; also where a day of 25 hours makes it late."""
    return local_day(stretch.ends, timezone) <= last_whole_day(until, timezone)


def read_stretches(
    orders: Orders, stock: StockHistory, shelf: Shelf, stretches: Sequence[Stretch], until: Micros, timezone: ZoneInfo
) -> Happened:
    """What the books say at `until` of stretches that are over by then; at least one."""
    first_day = min(local_day(one.begins, timezone) for one in stretches) - DAYS_BEFORE
    span = day_begins(first_day, timezone), until
    rows, lines = _read_lines(orders, shelf, span, timezone)
    days = last_whole_day(until, timezone) - first_day + 1
    grid = DayGrid(first_day, days, timezone, selling_hours(lines.order_share))
    places = list(dict.fromkeys(one.place for one in stretches))
    number = {place: index for index, place in enumerate(places)}
    moves, sales = read_moves(stock, places, until, timezone), _sales_of(lines, rows, places)
    of = [number[one.place] for one in stretches]
    begun = [local_day(one.begins, timezone) for one in stretches]
    reach = max(local_day(one.ends, timezone) - day + 1 for one, day in zip(stretches, begun, strict=True))
    each = list(zip(stretches, begun, of, strict=True))
    first = np.array(begun, np.int64) - first_day
    cut = first[:, None] + np.arange(reach)
    inside = _parts([((one.begins, one.ends),) for one in stretches], grid)
    out = _parts([_clipped(moves[place].empty, one) for one, _, place in each], grid)
    sold = np.stack([_sold(sales[place], one, day, reach) for one, day, place in each])
    changed = np.stack([moves[place].changes(one.begins, one.ends, day, reach) for one, day, place in each])
    return Happened(
        days=_place_days(sales, moves, lines, grid),
        place=np.array(of, np.int64),
        first=first,
        length=_columns(inside, cut),
        sold=sold,
        out=_columns(out, cut),
        # Sales stand among the changes of the level as well; told by a till alone, they are no orders but units gone.
        moved=changed + sold,
        receipts=tuple(moves[place].receipts(one.begins, one.ends, day) for one, day, place in each),
        left=np.array([moves[place].level_at(one.ends) for one, _, place in each], np.int64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sales:
    """(l,) lines of one place."""

    day: NDArray[np.int32]
    at: Ints
    units: Ints


def _read_lines(
    orders: Orders, shelf: Shelf, span: tuple[Micros, Micros], timezone: ZoneInfo
) -> tuple[DemandRows, LineTable]:
    """Of these days alone: a shop has years of orders, and is looked over every few hours."""
    since, until = span
    rows = DemandRows(number_of=shelf.number_of, currency="")
    for batch in orders.scan(until=until, since=since):
        for order in batch:
            rows.add_order(order)
    for refund in orders.refunds(until=until, since=since):
        rows.add_refund(refund)
    return rows, line_table(rows, timezone)


def _sales_of(lines: LineTable, rows: DemandRows, places: Sequence[Place]) -> list[_Sales]:
    by_variant = np.argsort(lines.variant, kind="stable")
    begins = np.searchsorted(lines.variant[by_variant], np.arange(len(rows.variants) + 1))
    return [_sales_at(lines, by_variant, begins, rows, place) for place in places]


def _sales_at(lines: LineTable, by_variant: Ints, begins: Ints, rows: DemandRows, place: Place) -> _Sales:
    variant, locations = place
    number = rows.variants.get(variant)
    some = by_variant[:0] if number is None else by_variant[begins[number] : begins[number + 1]]
    here = [rows.locations[location] for location in locations if location in rows.locations]
    some = some[np.isin(lines.location[some], here)]
    return _Sales(lines.day[some], lines.at[some], lines.units[some])


def _sold(sales: _Sales, stretch: Stretch, first_day: int, reach: int) -> Floats:
    """(reach,) units on each day of a stretch."""
    some = (sales.at > stretch.begins) & (sales.at <= stretch.ends)
    found = np.bincount(sales.day[some] - first_day, weights=sales.units[some], minlength=reach)
    return found[:reach].astype(np.float64)


def _place_days(sales: Sequence[_Sales], moves: Sequence[Moves], lines: LineTable, grid: DayGrid) -> PlaceDays:
    sold = np.zeros((len(sales), grid.days))
    known = np.zeros((len(sales), grid.days), np.bool_)
    orders = lines.order_day[(lines.order_day >= grid.first_day) & (lines.order_day < grid.first_day + grid.days)]
    is_open = np.bincount(orders - grid.first_day, minlength=grid.days) > 0
    for row, (sale, move) in enumerate(zip(sales, moves, strict=True)):
        some = (sale.day >= grid.first_day) & (sale.day < grid.first_day + grid.days)
        np.add.at(sold[row], sale.day[some] - grid.first_day, sale.units[some])
        begun = [int(sale.day.min())] if len(sale.day) else []
        begun += [] if move.since is None else [local_day(Micros(move.since), grid.timezone)]
        known[row, max(0, min(begun, default=grid.first_day + grid.days) - grid.first_day) :] = True
    out = _parts([move.empty for move in moves], grid)
    return PlaceDays(grid.first_day, sold, np.asarray(1.0 - out, np.float32), known & is_open)


def _clipped(empty: Sequence[tuple[int, int]], stretch: Stretch) -> tuple[tuple[int, int], ...]:
    """What of these times lies in the stretch."""
    cut = ((max(begins, stretch.begins), min(ends, stretch.ends)) for begins, ends in empty)
    return tuple((begins, ends) for begins, ends in cut if begins < ends)


def _parts(times: Sequence[Sequence[tuple[int, int]]], grid: DayGrid) -> Floats:
    """(rows, t) part of each day's usual orders that comes within each row's times (µs UTC)."""
    row = np.repeat(np.arange(len(times)), [len(some) for some in times])
    begins, ends = np.array([pair for some in times for pair in some], np.int64).reshape(-1, 2).T
    outages = Outages(row, begins, ends, np.ones(len(row)), np.zeros(len(times), np.int64))
    return np.round(1.0 - share_in_stock(outages, len(times), grid).astype(np.float64), 6)


def _columns(table: Floats, cut: Ints) -> Floats:
    """(m, p) a row's days from its first one on; 0 beyond the last."""
    inside = cut < table.shape[1]
    return np.where(inside, np.take_along_axis(table, np.where(inside, cut, 0), axis=1), 0.0)
