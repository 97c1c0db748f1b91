"""From the books' lines to sums by series and day. Pure arrays."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.demand_cancelled import (
    CalledOff,
    OrderedLines,
    cancelled_units,
    orders_called_off,
)
from smartshop.data_collection.pipelines.demand_days import local_days
from smartshop.data_collection.pipelines.demand_rows import DemandRows
from smartshop.data_collection.pipelines.interaction_rows import as_numbers

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LineTable:
    """l lines of units that were wanted, and the m orders they are of."""

    product: NDArray[np.int32]
    variant: NDArray[np.int32]
    location: NDArray[np.int32]
    day: NDArray[np.int32]
    """Ordinal"""
    at: Ints
    """µs UTC"""
    units: Ints
    """Above zero, less what was called off the same day."""
    price: NDArray[np.float64]
    """Minor units per unit, after the line's and the order's discount; NaN where it is not known."""
    share_off: NDArray[np.float64]
    """What part of the line's value the order's discount took off."""
    order_day: NDArray[np.int32]
    """(m,)"""
    order_share: NDArray[np.float64]
    """(m,) of the day that had gone."""
    units_called_off: int

    def only(self, wanted: NDArray[np.bool_]) -> "LineTable":
        """Some of the lines (l,); the orders stay."""
        return replace(
            self,
            product=self.product[wanted],
            variant=self.variant[wanted],
            location=self.location[wanted],
            day=self.day[wanted],
            at=self.at[wanted],
            units=self.units[wanted],
            price=self.price[wanted],
            share_off=self.share_off[wanted],
        )


def line_table(rows: DemandRows, timezone: ZoneInfo) -> LineTable:
    """What was wanted, of which product, where, on which of the shop's days."""
    at = as_numbers(rows.at, np.int64)
    order_day, order_share = local_days(at, timezone)
    order = as_numbers(rows.lines.of, np.int32)
    product = as_numbers(rows.lines.product, np.int32)
    units = as_numbers(rows.lines.units, np.int64)
    ordered = OrderedLines(
        order=order.astype(np.int64),
        customer=as_numbers(rows.customer, np.int32)[order].astype(np.int64),
        product=product.astype(np.int64),
        day=order_day[order].astype(np.int64),
        at=at[order],
        units=units,
    )
    cancelled = _cancelled(rows, ordered, order_day, timezone)
    share_off = _shares_off(rows)[order]
    price = as_numbers(rows.lines.price, np.int64)
    whole = LineTable(
        product=product,
        variant=as_numbers(rows.lines.variant, np.int32),
        location=as_numbers(rows.location, np.int32)[order],
        day=order_day[order],
        at=at[order],
        units=units - cancelled,
        price=np.where(price >= 0, price * (1.0 - share_off), np.nan),
        share_off=share_off,
        order_day=order_day,
        order_share=order_share,
        units_called_off=int(cancelled.sum()),
    )
    return whole.only(whole.units > 0)


def _cancelled(rows: DemandRows, ordered: OrderedLines, order_day: NDArray[np.int32], timezone: ZoneInfo) -> Ints:
    refund_at = as_numbers(rows.refund_at, np.int64)
    if not len(refund_at):
        return np.zeros(len(ordered.units), np.int64)
    day, _ = local_days(refund_at, timezone)
    order = as_numbers(rows.refund_order, np.int32).astype(np.int64)
    of = as_numbers(rows.refund_lines.of, np.int32)
    of_time = of[by_time := np.argsort(refund_at[of], kind="stable")]
    called_off = CalledOff(
        order=order[of_time],
        customer=as_numbers(rows.refund_customer, np.int32)[of_time].astype(np.int64),
        product=as_numbers(rows.refund_lines.product, np.int32)[by_time].astype(np.int64),
        day=day[of_time].astype(np.int64),
        at=refund_at[of_time],
        units=as_numbers(rows.refund_lines.units, np.int64)[by_time],
    )
    worth = as_numbers(rows.goods_minor, np.int64) - as_numbers(rows.discount_minor, np.int64)
    money = as_numbers(rows.refund_money, np.int64)
    whole = orders_called_off(order_day.astype(np.int64), worth, order, day.astype(np.int64), money)
    return cancelled_units(ordered, called_off, whole)


def _shares_off(rows: DemandRows) -> NDArray[np.float64]:
    """(m,) of an order's goods that its discount took off."""
    goods, discount = as_numbers(rows.goods_minor, np.int64), as_numbers(rows.discount_minor, np.int64)
    return np.clip(np.divide(discount, goods, out=np.zeros(len(goods)), where=goods > 0), 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class DaySums:
    """n series by (product, location), t days."""

    product_no: NDArray[np.int32]
    location: NDArray[np.int32]
    sold: NDArray[np.float32]
    """(n, t) units"""
    price_minor: NDArray[np.float32]
    """(n, t) mean per unit; NaN where none was sold at a known price."""
    share_off: NDArray[np.float32]
    """(n, t) mean over units of what orders' discounts took off."""
    series: Ints
    """(l,) of each line."""


def sums_by_day(lines: LineTable, first_day: int, days: int, n_locations: int) -> DaySums:
    """Lines of these days as sums; whoever sold nothing has no row."""
    key = lines.product.astype(np.int64) * n_locations + lines.location
    keys, series = np.unique(key, return_inverse=True)
    cell = series * days + (lines.day - first_day)

    def summed(weights: NDArray[np.floating] | Ints) -> NDArray[np.float64]:
        return np.asarray(np.bincount(cell, weights=weights, minlength=len(keys) * days), np.float64)

    def mean_of(values: NDArray[np.float64], of_nothing: float) -> NDArray[np.float32]:
        is_told = np.isfinite(values)
        units = summed(lines.units * is_told)
        total = summed(np.where(is_told, values, 0.0) * lines.units)
        np.divide(total, units, out=total, where=units > 0)
        total[units <= 0] = of_nothing
        return total.astype(np.float32)

    shape = (len(keys), days)
    return DaySums(
        product_no=(keys // n_locations).astype(np.int32),
        location=(keys % n_locations).astype(np.int32),
        sold=summed(lines.units).astype(np.float32).reshape(shape),
        price_minor=mean_of(lines.price, np.nan).reshape(shape),
        share_off=mean_of(lines.share_off, 0.0).reshape(shape),
        series=series,
    )
