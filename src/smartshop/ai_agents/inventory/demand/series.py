"""From the table of what was sold to series of what was wanted, by day, week or month, with their causes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.causes import (
    NOTHING_TOLD,
    PRICE,
    KnownCauses,
    daily_causes,
    open_days,
    told_ahead,
)
from smartshop.ai_agents.inventory.demand.censoring import (
    USUAL_CONFIG,
    WEEKDAYS,
    WHOLE_DAY,
    CensoringConfig,
    estimate_demand,
)
from smartshop.ai_agents.inventory.demand.periods import PeriodGrid, period_grid, period_means, period_sums
from smartshop.ai_agents.inventory.forecasting.known_ahead import Ahead
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import LocationId

Bools = NDArray[np.bool_]
SERIES_AT_ONCE = 2_500
"""They borrow from each other, which takes hundreds, and a dozen tables of them are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class DemandSeries:
    """n series of p periods: a panel, and beside it what it was made from."""

    panel: Panel
    """Demand as estimated: never less than was sold, NaN where nobody knows."""
    product_no: NDArray[np.int32]
    location: NDArray[np.int32]
    locations: tuple[LocationId, ...]
    sold: Floats
    """(n, p) units as they were."""
    censored: Bools
    """(n, p) for part of the period there was none to be had."""
    in_stock: NDArray[np.float32]
    """(n, p) share of the period."""

    def __len__(self) -> int:
        return len(self.panel)

    def of(self, series: NDArray[np.integer]) -> "DemandSeries":
        """Some of them, in this order: those still on the shelf, say, without postage and fees."""
        return DemandSeries(
            panel=self.panel.of(series),
            product_no=self.product_no[series],
            location=self.location[series],
            locations=self.locations,
            sold=self.sold[series],
            censored=self.censored[series],
            in_stock=self.in_stock[series],
        )

    def seen_only(self) -> Panel:
        """The panel with every censored period unknown: for those who would rather learn from less."""
        return replace(self.panel, demand=np.where(self.censored, np.nan, self.panel.demand))


@dataclass(frozen=True, slots=True, eq=False)
class DailyDemand:
    """(n, t) each."""

    demand: Floats
    """Estimated; NaN where nobody knows, 0 on closed days."""
    listed: Bools
    """The product could be bought here by then."""
    is_open: Bools
    """(t,)"""


def daily_demand(table: DemandTable, config: CensoringConfig = USUAL_CONFIG) -> DailyDemand:
    """What was wanted each day. Only series that were ever out of stock are estimated; the rest stand as sold.

    Everything up to the table's last day is looked at. To judge a forecast made earlier, cut the table there first.
    """
    listed = np.arange(table.days) >= table.listed[:, None]
    is_open = open_days(table.orders, 0)[0] > 0
    demand = np.where(listed, table.sold.astype(np.float64), np.nan)
    some = np.flatnonzero((table.in_stock < WHOLE_DAY).any(axis=1))
    weekday = (table.first_day - 1 + np.arange(table.days)) % WEEKDAYS
    for first in range(0, len(some), SERIES_AT_ONCE):
        rows = some[first : first + SERIES_AT_ONCE]
        known = listed[rows] & is_open
        estimate = estimate_demand(table.sold[rows], table.in_stock[rows], known, weekday, config)
        demand[rows] = np.where(listed[rows] & ~is_open, 0.0, estimate.demand)
    return DailyDemand(demand, listed, is_open)


def cut(table: DemandTable, days: int) -> DemandTable:
    """As it was known after so many days: the rows of later newcomers go, prices to come stay only as promotions.

    Raises:
        ValueError: there are fewer days.
    """
    if not 0 < days <= table.days:
        raise ValueError(f"The table has {table.days} days, so it cannot be cut to {days}.")
    some = np.flatnonzero((table.sold[:, :days] > 0).any(axis=1))
    return replace(
        table,
        product_no=table.product_no[some],
        location=table.location[some],
        sold=table.sold[some, :days],
        in_stock=table.in_stock[some, :days],
        price_minor=table.price_minor[some, :days],
        share_off=table.share_off[some, :days],
        listed=table.listed[some],
        orders=table.orders[:days],
    )


def demand_series(
    table: DemandTable, shelf: Shelf, period: Period, horizon: int, causes: KnownCauses = NOTHING_TOLD
) -> DemandSeries:
    """Series by day, by whole week from Monday or by whole month, causes known `horizon` periods ahead.

    Days of one panel are NaN where the shop was closed; in weeks and months such days add nothing, and only a period
    closed throughout is unknown.

    Raises:
        ValueError: no holidays are known of the country.
    """
    grid = period_grid(table.first_day, table.days, period, horizon)
    daily = daily_demand(table)
    in_stock = period_means(table.in_stock, grid).astype(np.float32)
    horizon_days = max(grid.days - table.days, 0)
    panel = Panel(
        demand=_by_period(daily, grid),
        period=period,
        first_day=table.first_day + grid.first,
        causes={
            name: _cause_by_period(name, cause, grid)
            for name, cause in daily_causes(table, horizon_days, causes).items()
        },
        told_ahead=_told_by_period(told_ahead(table, causes), table.days, grid),
        groups={
            "category": shelf.category[table.product_no],
            "brand": np.where(shelf.brand[table.product_no] > 0, shelf.brand[table.product_no], -1).astype(np.int32),
            "location": table.location,
        },
    )
    return DemandSeries(
        panel=panel,
        product_no=table.product_no,
        location=table.location,
        locations=table.locations,
        sold=period_sums(table.sold.astype(np.float64), grid),
        censored=_censored(table, daily, grid),
        in_stock=in_stock,
    )


def turnover_minor(table: DemandTable, days: int = 365) -> Floats:
    """(n,) value of what was sold in the last so many days, at the prices that are known: what ABC is told by."""
    worth = np.nan_to_num(table.price_minor[:, -days:]) * table.sold[:, -days:]
    return np.asarray(worth.sum(axis=1, dtype=np.float64), np.float64)


def _cause_by_period(name: str, daily: NDArray[np.float32], grid: PeriodGrid) -> NDArray[np.float32]:
    """Means over the days; of prices the one before the period begins, since those within are told by its sales."""
    return daily[:, grid.starts[:-1]] if name == PRICE else period_means(daily, grid).astype(np.float32)


def _told_by_period(ahead: Mapping[str, Ahead], days: int, grid: PeriodGrid) -> dict[str, Ahead]:
    """In whole periods after the last whole one."""
    ends = grid.starts[grid.periods + 1 :]
    # A period's price is that of the evening before it begins, so that one more is known.
    return {
        name: Ahead(1 if name == PRICE else int((ends <= days + one.told).sum()), one.beyond)
        for name, one in ahead.items()
    }


def _by_period(daily: DailyDemand, grid: PeriodGrid) -> Floats:
    """(n, p) what was wanted. A period in which a product was first listed counts from then on, not scaled up."""
    demand = np.where(daily.listed, daily.demand, 0.0)
    sums = period_sums(demand, grid)
    is_told = period_means((daily.listed & daily.is_open).astype(np.float64), grid) > 0
    return np.asarray(np.where(is_told, sums, np.nan), np.float64)


def _censored(table: DemandTable, daily: DailyDemand, grid: PeriodGrid) -> Bools:
    is_out = (table.in_stock < WHOLE_DAY) & daily.listed & daily.is_open
    return np.asarray(period_means(is_out.astype(np.float32), grid) > 0, np.bool_)
