"""What speaks for a customer coming back, at any moment of the shop's past: the inputs of the churn model.

Everything is counted in calendar days (UTC): ten clicks of one afternoon are one visit. An order counts as it was
placed, whatever came back of it: that it was placed tells of the customer's rhythm, and no moment of the past may know
what came back later. Nothing in a customer's row depends on the other customers but for the parameters given in, so
one customer alone gets the same row.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import BgNbd, purchase_count_tail
from smartshop.ai_agents.segmentation.cut import orders_placed
from smartshop.ai_agents.segmentation.rhythm import Outlook, Rhythm, outlook
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.newest_signs import MOST_SIGNS
from smartshop.data_collection.schemas.events import EventKind

Array = NDArray[np.float64]

HALF_LIVES_DAYS = (7.0, 30.0, 90.0, 365.0)
"""Of the faded counts: a recent rate against an earlier one is a difference between two of them."""
BASKET_HALF_LIFE_DAYS = 14.0
_DAY_BITS = 20
"""A day's number since 1970 stays below 2^20 for the next 2,800 years."""
_ADDED = SIGN_KINDS.index(EventKind.PRODUCT_ADDED)
_CHECKOUT = SIGN_KINDS.index(EventKind.CHECKOUT_STARTED)
_LEAST_CHANCE = 1e-4
"""Log-odds are taken of chances no nearer to 0 or 1."""

VISIT_FEATURES = (
    "comes_since_first_seen",
    "alive_since_first_seen",
    "comes_since_opening",
    "alive_since_opening",
    "days_since_seen",
    "days_known",
    "visits",
    "late_for_a_visit",
    *(f"visits_faded_{int(days)}" for days in HALF_LIVES_DAYS),
)
ORDER_FEATURES = (
    "has_bought",
    "orders_again",
    "days_since_order",
    "orders",
    "late_for_an_order",
    "orders_per_visit",
    "baskets_left",
    "mean_value",
    *(f"orders_faded_{int(days)}" for days in HALF_LIVES_DAYS),
)


@dataclass(frozen=True, slots=True)
class Days:
    """Distinct (customer, day) pairs by customer and day, each as customer · 2^20 + day since 1970."""

    n: int
    """Customers."""
    opening: int
    """The first day anything happened in the shop."""
    visits: NDArray[np.int64]
    """With any sign or order."""
    visit_signs: NDArray[np.int32]
    """(len(visits),) signs of that day."""
    orders: NDArray[np.int64]
    order_value: Array
    """(len(orders),) minor units, before anything came back."""
    baskets_left: NDArray[np.int64]
    """With something put in the basket, or a checkout begun, and no order."""


@dataclass(frozen=True, slots=True)
class Tally:
    """(n,) each, of one kind of days until a moment; days are counted back from it. Of nothing: zeros."""

    count: Array
    since_first: Array
    since_last: Array
    faded: Array
    """(n, half-lives)."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How the shop's customers come and buy: three models of repetition, and where they begin."""

    opening: int
    """Day since 1970."""
    since_first_seen: Rhythm
    since_opening: Rhythm
    """As if everybody had been there from the shop's first day: true of an imported history."""
    orders: BgNbd
    order_share: float
    """Orders per visit."""


def days_of(activity: CustomerActivity, opening: int | None = None) -> Days:
    """Reduce activity to days. `opening`: that of the whole shop, when the activity is of a few customers."""
    placed = orders_placed(activity)
    orders, begins = _distinct(_keys(placed.customer[placed.kept], placed.at[placed.kept]))
    value = placed.value_minor[placed.kept].astype(np.float64)
    signs, first = _distinct(_keys(activity.sign_customer, activity.sign_at))
    filled = (activity.sign_kind == _ADDED) | (activity.sign_kind == _CHECKOUT)
    baskets, _ = _distinct(_keys(activity.sign_customer[filled], activity.sign_at[filled]))
    visits, _ = _distinct(np.sort(np.concatenate([orders, signs]), kind="stable"))
    if opening is None:
        opening = int((visits & _DAY_MASK).min()) if len(visits) else activity.as_of // DAY
    return Days(
        n=len(activity),
        opening=opening,
        visits=visits,
        visit_signs=_spread(np.diff(first, append=len(activity.sign_at)), signs, visits),
        orders=orders,
        order_value=np.add.reduceat(value, begins) if len(begins) else np.zeros(0),
        baskets_left=baskets[~_among(baskets, orders)],
    )


_DAY_MASK = (1 << _DAY_BITS) - 1


def newest_visits(days: Days, today: float, most: int = MOST_SIGNS) -> NDArray[np.int64]:
    """Visits before `today` with an order or with any of each customer's newest `most` signs until then.

    Where somebody stands is judged from no more (`pipelines.newest_signs`), so no more may be learned from, either.
    """
    known = (days.visits & _DAY_MASK) < today
    visits, signs = days.visits[known], days.visit_signs[known]
    customer = visits >> _DAY_BITS
    busy = np.bincount(customer, signs, minlength=days.n) > most
    if not busy.any():
        return visits
    # Few are busy, and a million customers have many visits: only theirs are counted up.
    rows = np.flatnonzero(busy[customer])
    whose, up_to = customer[rows], np.cumsum(signs[rows])
    newer = up_to[np.searchsorted(whose, whose, side="right") - 1] - up_to
    kept = np.ones(len(visits), np.bool_)
    kept[rows] = (newer < most) | _among(visits[rows], days.orders)
    return visits[kept]


def tally(keys: NDArray[np.int64], n: int, today: float) -> Tally:
    """Of the days before `today` (days since 1970, may have a fraction)."""
    day = keys & _DAY_MASK
    known = day < today
    customer, age = (keys >> _DAY_BITS)[known], today - day[known]
    count = np.bincount(customer, minlength=n).astype(np.float64)
    has = count > 0
    last = np.cumsum(count).astype(np.int64) - 1
    first = last - count.astype(np.int64) + 1
    since_first, since_last = np.zeros(n), np.zeros(n)
    since_first[has], since_last[has] = age[first[has]], age[last[has]]
    faded = [np.bincount(customer, np.exp2(-age / half_life), minlength=n) for half_life in HALF_LIVES_DAYS]
    return Tally(count=count, since_first=since_first, since_last=since_last, faded=np.stack(faded, axis=1))


def occurs(keys: NDArray[np.int64], n: int, first_day: int, days: int) -> NDArray[np.bool_]:
    """(n,) whether any of the customer's days is one of the `days` from `first_day` on."""
    day = keys & _DAY_MASK
    inside = (day >= first_day) & (day < first_day + days)
    return np.bincount(keys[inside] >> _DAY_BITS, minlength=n) > 0


def visit_outlooks(visits: Tally, pace: Pace, today: float, horizon: float) -> tuple[Outlook, Outlook]:
    """Since first seen, and since the shop's opening."""
    window = np.full(len(visits.count), today - pace.opening)
    return (
        outlook(
            pace.since_first_seen,
            np.maximum(visits.count - 1, 0.0),
            visits.since_first - visits.since_last,
            visits.since_first,
            horizon,
        ),
        outlook(
            pace.since_opening,
            visits.count,
            np.where(visits.count > 0, np.maximum(window - visits.since_last, 0.0), 0.0),
            window,
            horizon,
        ),
    )


def visit_features(visits: Tally, outlooks: tuple[Outlook, Outlook]) -> Array:
    """(n, len(VISIT_FEATURES)), never NaN."""
    first, opening = outlooks
    columns = [
        log_odds_of(first.comes),
        log_odds_of(first.alive),
        log_odds_of(opening.comes),
        log_odds_of(opening.alive),
        np.log1p(visits.since_last),
        np.log1p(visits.since_first),
        np.log1p(visits.count),
        np.log1p(_missed(visits, HALF_LIVES_DAYS[0])),
    ]
    return np.column_stack([*columns, np.log1p(visits.faded)])


def order_features(days: Days, visits: Tally, orders: Tally, pace: Pace, today: float, horizon: float) -> Array:
    """(n, len(ORDER_FEATURES)), never NaN; for those who never bought, zeros say so."""
    has_bought = orders.count > 0
    value = np.bincount(
        days.orders >> _DAY_BITS, np.where((days.orders & _DAY_MASK) < today, days.order_value, 0.0), minlength=days.n
    )
    left = (days.baskets_left & _DAY_MASK) < today
    age = today - (days.baskets_left[left] & _DAY_MASK)
    faded_baskets = np.bincount(
        days.baskets_left[left] >> _DAY_BITS, np.exp2(-age / BASKET_HALF_LIFE_DAYS), minlength=days.n
    )
    columns = [
        has_bought.astype(np.float64),
        np.where(has_bought, log_odds_of(chance_of_order(orders, pace.orders, horizon)), 0.0),
        np.where(has_bought, np.log1p(orders.since_last), 0.0),
        np.log1p(orders.count),
        np.where(has_bought, np.log1p(_missed(orders, HALF_LIVES_DAYS[1])), 0.0),
        np.log((orders.count + pace.order_share) / (visits.count + 1.0) + _LEAST_CHANCE),
        np.log1p(faded_baskets),
        np.where(has_bought, np.log1p(value / np.maximum(orders.count, 1)), 0.0),
    ]
    return np.column_stack([*columns, np.log1p(orders.faded)])


def chance_of_order(orders: Tally, params: BgNbd, horizon: float) -> Array:
    """(n,) BG/NBD's chance of an order within the horizon; of no meaning for those who never bought."""
    x = np.maximum(orders.count - 1, 0.0)
    since = orders.since_first
    return purchase_count_tail(params, x, since - orders.since_last, since, horizon, np.ones(len(x)))


def _missed(days: Tally, prior_days: float) -> Array:
    """(n,) days of the kind that one who keeps the pace would have had since the last."""
    return days.since_last * (days.count + 1) / (days.since_first + prior_days)


def log_odds_of(chance: Array) -> Array:
    kept = np.clip(chance, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return np.log(kept) - np.log1p(-kept)


def _keys(customer: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.int64]:
    return (customer.astype(np.int64) << _DAY_BITS) + at // DAY


def _distinct(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Of rising keys: each once, and where it begins."""
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[begins], begins


def _spread(counts: NDArray[np.int64], keys: NDArray[np.int64], over: NDArray[np.int64]) -> NDArray[np.int32]:
    """(len(over),) the counts at their keys, all of which are among the rising `over`; 0 elsewhere."""
    spread = np.zeros(len(over), np.int32)
    spread[np.searchsorted(over, keys)] = counts
    return spread


def _among(keys: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the keys are among the rising others."""
    if not len(others):
        return np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(others, keys), len(others) - 1)
    return np.asarray(others[at] == keys)
