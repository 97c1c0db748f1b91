"""What sets customers apart, as numbers: one row per customer, from nothing but what that customer did.

The refit computes them for all, a live move for one; both get the same bits. What is usual in the shop comes from
`Topics`, learned once and kept. Shares of a customer known little lean to the shop's usual share.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.columns import Column, Leaning, count, ratio, share
from smartshop.ai_agents.segmentation.cut import events_until
from smartshop.ai_agents.segmentation.feature_list import FEATURES as FEATURES
from smartshop.ai_agents.segmentation.feature_list import Feature as Feature
from smartshop.ai_agents.segmentation.feature_list import column as column
from smartshop.ai_agents.segmentation.moments import (
    Sessions,
    is_before_christmas,
    is_evening,
    is_mobile,
    is_weekend,
    local_time,
    sessions_of,
)
from smartshop.ai_agents.segmentation.order_rhythm import YEAR_DAYS, OrderDays, order_days, rhythm_columns
from smartshop.ai_agents.segmentation.reference import Reference
from smartshop.ai_agents.segmentation.topics import Topics, topics_at
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind
from smartshop.data_collection.schemas.ids import Micros

MONTH_DAYS = YEAR_DAYS / 12
PRIOR_VISITS = 0.5
"""Visits a month begin at one in two, believed as much as one month of watching."""
PRIOR_LINES = 3.0
"""Price level begins at the topic's median, and buying the same again at none, believed as much as three lines."""
PRIOR_UNITS = 5.0
"""Returns begin at none, believed as much as five units."""
CUSTOMERS_AT_ONCE = 50_000
"""In some 100 MiB of temporaries, at thirty signs a customer."""


@dataclass(frozen=True, slots=True)
class Features:
    """n customers in the order of `activity.customer_ids`."""

    x: NDArray[np.float64]
    """(n, len(FEATURES)) on the scale that each feature names; NaN: does not apply (never bought, nothing told)."""
    figures: NDArray[np.float32]
    """(n, len(FEATURES)) the same for people: in natural units, and as counted, without any leaning to the usual."""
    taste: "scipy.sparse.csr_array"
    """(n, n_topics) float32 ≥ 0: what they bought (4 a line) and did (`INTEREST_WEIGHT`), by topic."""
    evidence: NDArray[np.float32]
    """(n,) signs and order lines."""
    n_orders: NDArray[np.int32]
    """(n,) days with an order of positive value."""
    years: NDArray[np.float64]
    """(n,) from the first order to `as_of`; 0 for those who never bought."""

    def __len__(self) -> int:
        return len(self.x)


def features_of(activity: CustomerActivity, topics: Topics, *, as_of: Micros | None = None) -> Features:
    """Features from what happened until `as_of` (the activity's own where none is given), as it stood then."""
    if as_of is not None:
        activity = events_until(activity, as_of)
    n = len(activity)
    columns: dict[str, Column | Leaning] = {}
    days = order_days(activity)
    n_orders = count(days.customer, n)
    columns |= rhythm_columns(activity, days, n_orders)
    columns |= _baskets(activity, topics.reference)
    topic = topics_at(activity.line_product, topics)
    columns |= _choice(activity, topic, topics.median_price_minor)
    sessions = sessions_of(activity)
    columns |= _visits(activity, sessions, days)
    columns |= _moments(activity, sessions, topics.reference)
    x, figures = _matrices(columns, n)
    return Features(
        x=x,
        figures=figures,
        taste=_taste(activity, topic, topics),
        evidence=(count(activity.sign_customer, n) + count(activity.order_customer[activity.line_order], n)).astype(
            "f4"
        ),
        n_orders=n_orders.astype(np.int32),
        years=np.nan_to_num(days.days_since_first(n, activity.as_of) / YEAR_DAYS),
    )


def _matrices(columns: dict[str, Column | Leaning], n: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    x, figures = np.empty((n, len(FEATURES))), np.empty((n, len(FEATURES)), np.float32)
    for place, feature in enumerate(FEATURES):
        values = columns[feature.name]
        x[:, place] = values.x if isinstance(values, Leaning) else values
        figures[:, place] = values.figure if isinstance(values, Leaning) else feature.natural(values)
    return x, figures


def _baskets(activity: CustomerActivity, usual: Reference) -> dict[str, Column | Leaning]:
    n, customer = len(activity), activity.order_customer
    orders = count(customer, n)
    value, list_value = activity.order_value_minor, activity.order_list_minor
    of_line, known = customer[activity.line_order], activity.line_units > 0
    # Where goods came back, the value fell for another reason than a discount.
    kept = (activity.order_units_back == 0) & (list_value > 0) & (value >= 0)
    discount = np.where(kept, 1.0 - np.minimum(value / np.where(kept, list_value, 1), 1.0), 0.0)
    pieces = count(of_line[known], n, activity.line_units[known])
    units, back = count(customer, n, activity.order_units), count(customer, n, activity.order_units_back)
    return {
        "order_value": np.log1p(np.maximum(ratio(count(customer, n, value), orders), 0.0)),
        "products_per_order": np.log1p(ratio(count(of_line, n), orders)),
        "units_per_line": np.log1p(ratio(pieces, count(of_line[known], n))),
        "discount_share": ratio(count(customer, n, discount), count(customer[kept], n) * usual.tells_discounts),
        "return_share": Leaning(
            np.where(orders > 0, np.minimum(back / (units + PRIOR_UNITS), 1.0), np.nan),
            np.minimum(ratio(back, units), 1.0),
        ),
    }


def _choice(activity: CustomerActivity, topic: NDArray[np.int32], usual_price: Column) -> dict[str, Column | Leaning]:
    n = len(activity)
    customer = activity.order_customer[activity.line_order].astype(np.int64)
    named = activity.line_product >= 0
    lines = count(customer[named], n)
    products = np.unique(customer[named] << 32 | activity.line_product[named]) >> 32
    again = lines - count(products, n)
    about = topic >= 0
    pairs, counts = np.unique(customer[about] << 32 | topic[about], return_counts=True)
    in_topics = count(customer[about], n)
    part = counts / in_topics[pairs >> 32]
    surprise = count(pairs >> 32, n, -part * np.log(part))
    usual = usual_price[topic[about]] if len(usual_price) else np.empty(0)
    units, value = activity.line_units[about], activity.line_value_minor[about]
    priced = (units > 0) & (value > 0) & (usual > 0)
    level = np.log(value[priced] / units[priced] / usual[priced])
    n_priced = count(customer[about][priced], n)
    sums = count(customer[about][priced], n, level)
    return {
        "breadth": np.where(in_topics > 0, surprise, np.nan),
        "repeat_share": Leaning(np.where(lines > 0, again / (lines + PRIOR_LINES), np.nan), ratio(again, lines)),
        "price_level": Leaning(
            np.where(n_priced > 0, sums / (n_priced + PRIOR_LINES), np.nan), np.exp(ratio(sums, n_priced))
        ),
    }


def _visits(activity: CustomerActivity, sessions: Sessions, days: OrderDays) -> dict[str, Column | Leaning]:
    """NaN for customers of whom no visit is known: orders alone do not tell how somebody browses.

    Visits are known from the first sign on, which may be long after the first order: orders were imported, or older
    signs left out (`newest_signs`). So months and orders are counted from there.
    """
    n = len(activity)
    visits = count(sessions.customer, n)
    came = visits > 0
    since = np.full(n, activity.as_of, np.int64)
    since[activity.sign_customer[::-1]] = activity.sign_at[::-1]
    months = (activity.as_of - since) / DAY / MONTH_DAYS
    n_orders = count(days.customer[days.day >= since[days.customer] // DAY], n)
    return {
        "visits_per_month": Leaning(
            np.where(came, np.log1p((visits + PRIOR_VISITS) / (months + 1.0)), np.nan),
            np.where(came, visits / np.maximum(months, 1.0), np.nan),
        ),
        "visits_per_order": Leaning(
            np.where(came, np.log1p((visits + 1.0) / (n_orders + 1.0)), np.nan),
            np.where(came, ratio(visits, n_orders), np.nan),
        ),
    }


def _moments(activity: CustomerActivity, sessions: Sessions, usual: Reference) -> dict[str, Column | Leaning]:
    n, zone, ordered_by = len(activity), ZoneInfo(usual.timezone), activity.order_customer
    ordered = local_time(activity.order_at, zone)
    customer = np.concatenate((sessions.customer, ordered_by.astype(np.int64)))
    local = np.concatenate((local_time(sessions.at, zone), ordered))
    device = np.concatenate((sessions.device, activity.order_device))
    told_device, told_channel = device > 0, activity.order_channel > 0
    main = activity.channels.index(usual.main_channel) if usual.main_channel in activity.channels else -1
    mobile = is_mobile(activity.devices)[device[told_device]]
    other = activity.order_channel[told_channel] != main
    seen_a_year = activity.as_of - usual.history_from >= 365 * DAY
    christmas = share(ordered_by, is_before_christmas(ordered), n, usual.christmas_share)
    return {
        "evening_share": share(customer, is_evening(local), n, usual.evening_share),
        "weekend_share": share(customer, is_weekend(local), n, usual.weekend_share),
        "christmas_share": christmas if seen_a_year else Leaning(np.full(n, np.nan), np.full(n, np.nan)),
        "mobile_share": share(customer[told_device], mobile, n, usual.mobile_share),
        "other_channel_share": share(ordered_by[told_channel], other, n, usual.other_channel_share),
        "search_share": share(sessions.customer, sessions.has_search, n, usual.search_share),
        "basket_share": share(sessions.customer, sessions.has_basket, n, usual.basket_share),
    }


def _taste(activity: CustomerActivity, topic: NDArray[np.int32], topics: Topics) -> "scipy.sparse.csr_array":
    """(n, topics) in blocks of customers: a whole shop's signs at once would take gigabytes of temporaries."""
    firsts = range(0, max(1, len(activity)), CUSTOMERS_AT_ONCE)
    return scipy.sparse.vstack([_taste_from(activity, topic, topics, first) for first in firsts], format="csr")


def _taste_from(
    activity: CustomerActivity, topic: NDArray[np.int32], topics: Topics, first: int
) -> "scipy.sparse.csr_array":
    """The rows of CUSTOMERS_AT_ONCE customers from `first` on."""
    behind = min(first + CUSTOMERS_AT_ONCE, len(activity))
    orders = slice(*np.searchsorted(activity.order_customer, [first, behind]))
    lines = slice(*np.searchsorted(activity.line_order, [orders.start, orders.stop]))
    signs = slice(*np.searchsorted(activity.sign_customer, [first, behind]))
    ordered, signed = activity.order_customer[activity.line_order[lines]], activity.sign_customer[signs]
    customer = np.concatenate((ordered, signed)).astype(np.int64) - first
    about = np.concatenate((topic[lines], topics_at(activity.sign_product[signs], topics)))
    weight_of_kind = np.array([INTEREST_WEIGHT.get(kind, 0.0) for kind in SIGN_KINDS])
    bought = np.full(len(ordered), INTEREST_WEIGHT[EventKind.ORDER_COMPLETED])
    weight = np.concatenate((bought, weight_of_kind[activity.sign_kind[signs]]))
    kept = (about >= 0) & (weight != 0)
    pairs, place = np.unique(customer[kept] << 32 | about[kept], return_inverse=True)
    # What was put away again or dismissed may leave less than nothing: dislike is no taste.
    total = np.bincount(place, weights=weight[kept], minlength=len(pairs))
    liked = total > 0
    pairs = pairs[liked]
    per_customer = np.bincount(pairs >> 32, minlength=behind - first)
    indptr = np.concatenate(([0], np.cumsum(per_customer))).astype(np.int64)
    parts = (total[liked].astype(np.float32), pairs & (2**32 - 1), indptr)
    return scipy.sparse.csr_array(parts, shape=(behind - first, len(topics)))
