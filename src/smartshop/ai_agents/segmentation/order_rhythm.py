"""The rhythm of orders: when customers last came, how often, how evenly, and whether more often than before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.columns import Column, Leaning, count, ratio
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros

YEAR_DAYS = 365.25
RECENT_DAYS = 90
"""What `momentum` compares with the time before."""
PRIOR_ORDERS, PRIOR_YEARS = 0.5, 0.25
"""A rate begins at two orders a year, believed as much as three months of watching."""
PRIOR_GAPS = 2.0
"""Rhythm begins at that of pure chance (a coefficient of variation of 1), believed as much as two gaps."""


@dataclass(frozen=True, slots=True)
class OrderDays:
    """d distinct days with an order of positive value, by (customer, day)."""

    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    at: NDArray[np.int64]
    """(d,) µs UTC of the day's first order."""

    def days_since_first(self, n: int, as_of: Micros) -> Column:
        first = np.full(n, np.nan)
        # Written from the last to the first, so that the first one stays.
        first[self.customer[::-1]] = (as_of - self.at[::-1]) / DAY
        return first


def order_days(activity: CustomerActivity) -> OrderDays:
    paid = activity.kept
    customer, at = activity.order_customer[paid].astype(np.int64), activity.order_at[paid]
    day = at // DAY
    new = np.ones(len(day), np.bool_)
    new[1:] = (customer[1:] != customer[:-1]) | (day[1:] != day[:-1])
    return OrderDays(customer[new], day[new], at[new])


def rhythm_columns(activity: CustomerActivity, days: OrderDays, n_orders: Column) -> dict[str, Column | Leaning]:
    n, as_of = len(activity), activity.as_of
    last = np.full(n, np.nan)
    last[activity.order_customer] = (as_of - activity.order_at) / DAY
    seen = last.copy()
    if len(activity.sign_at):
        newest = np.full(n, np.nan)
        newest[activity.sign_customer] = (as_of - activity.sign_at) / DAY
        seen = np.fmin(seen, newest)
    since_first = days.days_since_first(n, as_of)
    median_gap, regularity = _gaps(days, n)
    per_year = Leaning(
        np.log1p(_rate(n_orders - 1, since_first)), ratio((n_orders - 1) * YEAR_DAYS, np.maximum(since_first, 0.0))
    )
    is_recent = (as_of - days.at) / DAY <= RECENT_DAYS
    recent = count(days.customer[is_recent], n)
    before = _rate(n_orders - recent - 1, since_first - RECENT_DAYS)
    momentum = np.log((recent + 1) / (before * RECENT_DAYS / YEAR_DAYS + 1))
    return {
        "days_since_last_order": np.log1p(last),
        "days_since_seen": np.log1p(seen),
        "days_known": np.log1p(days_known(activity)),
        "orders_per_year": per_year,
        "days_between_orders": np.log1p(median_gap),
        "regularity": regularity,
        "momentum": np.where(since_first > RECENT_DAYS, momentum, np.nan),
    }


def _rate(repeats: Column, days: Column) -> Column:
    """Orders a year after the first one; the prior is a gamma distribution with the mean of two a year."""
    return np.asarray((repeats + PRIOR_ORDERS) / (np.maximum(days, 0.0) / YEAR_DAYS + PRIOR_YEARS), np.float64)


def days_known(activity: CustomerActivity) -> Column:
    """Since the first order or sign."""
    known = np.full(len(activity), np.nan)
    known[activity.sign_customer[::-1]] = (activity.as_of - activity.sign_at[::-1]) / DAY
    first = np.full(len(activity), np.nan)
    first[activity.order_customer[::-1]] = (activity.as_of - activity.order_at[::-1]) / DAY
    return np.asarray(np.fmax(known, first), np.float64)


def _gaps(days: OrderDays, n: int) -> tuple[Column, Column]:
    """Median days between orders; regularity 1/(1 + cv²): 0.5 by pure chance, towards 1 as by the calendar."""
    same = days.customer[1:] == days.customer[:-1]
    customer, gap = days.customer[1:][same], (days.day[1:] - days.day[:-1])[same].astype(np.float64)
    order = np.lexsort((gap, customer))
    sorted_gap = gap[order]
    counts = np.bincount(customer, minlength=n)
    start, some = np.cumsum(counts) - counts, counts > 0
    median = np.full(n, np.nan)
    low, high = start[some] + (counts[some] - 1) // 2, start[some] + counts[some] // 2
    median[some] = (sorted_gap[low] + sorted_gap[high]) / 2
    mean = ratio(count(customer, n, gap), counts)
    variance = np.maximum(ratio(count(customer, n, gap * gap), counts) - mean * mean, 0.0)
    spread = (counts * variance / (mean * mean) + PRIOR_GAPS) / (counts + PRIOR_GAPS)
    return median, np.where(counts > 1, 1.0 / (1.0 + spread), np.nan)
