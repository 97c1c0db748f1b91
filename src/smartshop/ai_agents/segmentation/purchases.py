"""How often, since when and for how much each customer bought: all that the value model and the RFM groups look at.

A purchase is a calendar day (UTC) on which a customer kept something of their orders: two orders of one afternoon are
one visit to the shop, as in Fader, Hardie & Lee (2005), and what came back is no purchase. Orders of no known price
count as purchases of no known value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.cut import orders_until
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros


@dataclass(frozen=True, slots=True)
class Purchases:
    """n customers who bought at least once, by their place in the activity. 0 ≤ t_x ≤ T; times in days."""

    x: NDArray[np.float64]
    """(n,) repeat purchases: purchase days less the first."""
    t_x: NDArray[np.float64]
    """(n,) from the first purchase to the last; 0 where x is 0."""
    T: NDArray[np.float64]
    """(n,) from the first purchase to now."""
    mean_value_minor: NDArray[np.float64]
    """(n,) mean net value of a repeat purchase, > 0; NaN where x is 0 or no price is known. The first purchase is left
    out, as Fader & Hardie (2013) do: it is often of another size."""
    mean_purchase_minor: NDArray[np.float64]
    """(n,) mean net value of a purchase day, the first one, too; > 0, NaN where no price is known."""
    spent_minor: NDArray[np.int64]
    """(n,) net of everything, also of what came back on days that are no purchase; may be below zero."""
    buyer: NDArray[np.int32]
    """(n,) index into the activity's `customer_ids`, rising."""

    def __len__(self) -> int:
        return len(self.x)


def purchases_of(activity: CustomerActivity, as_of: Micros | None = None) -> Purchases:
    """What was bought until `as_of`, by default and at most the activity's own, and had not come back by then."""
    now = activity.as_of if as_of is None else min(as_of, activity.as_of)
    then = orders_until(activity, now)
    known = then.at <= now
    customer, value = then.customer[known], then.value_minor[known]
    spent = np.zeros(len(activity), np.int64)
    np.add.at(spent, customer, value)
    visitor, day, worth = _purchase_days(customer, then.at[known] // DAY, value, then.kept[known])
    buyer, first, count = np.unique(visitor, return_index=True, return_counts=True)
    last = first + count - 1
    repeats = count - 1
    total = np.add.reduceat(worth, first).astype(np.float64) if len(first) else np.zeros(0)
    with np.errstate(invalid="ignore"):
        mean_value = np.where(repeats > 0, (total - worth[first]) / repeats, np.nan)
        mean_purchase = total / count
    return Purchases(
        x=repeats.astype(np.float64),
        t_x=(day[last] - day[first]).astype(np.float64),
        T=(now // DAY - day[first]).astype(np.float64),
        mean_value_minor=np.where(mean_value > 0, mean_value, np.nan),
        mean_purchase_minor=np.where(mean_purchase > 0, mean_purchase, np.nan),
        spent_minor=spent[buyer],
        buyer=buyer.astype(np.int32),
    )


def purchases_between(activity: CustomerActivity, after: Micros, until: Micros) -> NDArray[np.int64]:
    """(len(activity),) purchase days of each customer later than the day of `after`, up to and with `until`, as they
    stood then."""
    then = orders_until(activity, until)
    known = (then.at // DAY > after // DAY) & (then.at <= until)
    customer, day, value = then.customer[known], then.at[known] // DAY, then.value_minor[known]
    visitor, _, _ = _purchase_days(customer, day, value, then.kept[known])
    return np.bincount(visitor, minlength=len(activity)).astype(np.int64)


def _purchase_days(
    customer: NDArray[np.int32], day: NDArray[np.int64], value: NDArray[np.int64], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Customer, day and value of each purchase, by customer and day."""
    rank = np.lexsort((day, customer))
    customer, day, value, kept = customer[rank], day[rank], value[rank], kept[rank]
    if not len(rank):
        return customer, day, value
    begins = np.flatnonzero(np.r_[True, (np.diff(customer) != 0) | (np.diff(day) != 0)])
    worth = np.add.reduceat(value, begins)
    bought = (worth > 0) | ((worth == 0) & np.logical_or.reduceat(kept, begins))
    begins, worth = begins[bought], worth[bought]
    return customer[begins], day[begins], worth
