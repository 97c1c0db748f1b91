"""What was known of each customer at earlier moments, and what they did afterwards: the table churn is learned from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import BgNbdConfig, fit_bg_nbd
from smartshop.ai_agents.segmentation.churn_features import (
    Days,
    Pace,
    chance_of_order,
    newest_visits,
    occurs,
    order_features,
    tally,
    visit_features,
    visit_outlooks,
)
from smartshop.ai_agents.segmentation.rhythm import fit_rhythm

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

CUT_OFFS_PER_HORIZON = 3
LEAST_DAYS = 7
"""Of past before a cut-off."""
HORIZONS_TO_HALF = 4
"""A shop changes, and a year has seasons: cut-offs so many horizons further back count half."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of each customer at a moment."""

    known: Bools
    """(n,) seen by then."""
    bought: Bools
    visits: Array
    """(n, len(VISIT_FEATURES))"""
    orders: Array
    """(n, len(ORDER_FEATURES))"""
    bg_nbd: Array
    """(n,) its chance of an order; of no meaning for those who never bought."""


def seen_at(days: Days, pace: Pace, today: int, horizon: int) -> Seen:
    visits, orders = tally(newest_visits(days, today), days.n, today), tally(days.orders, days.n, today)
    has_bought = orders.count > 0
    return Seen(
        known=visits.count > 0,
        bought=has_bought,
        visits=visit_features(visits, visit_outlooks(visits, pace, today, horizon)),
        orders=order_features(days, visits, orders, pace, today, horizon),
        bg_nbd=chance_of_order(orders, pace.orders, horizon),
    )


@dataclass(frozen=True, slots=True)
class Past:
    """Customers at cut-offs: what was known, and what followed; m rows."""

    customer: NDArray[np.intp]
    visits: Array
    orders: Array
    came: Bools
    ordered: Bools
    weight: Array
    newest: int
    """Rows of the newest cut-off."""


def past_of(days: Days, pace: Pace, today: int, horizon: int, cut_offs: int) -> Past:
    """The newest cut-off is one horizon ago; the others lie a third of a horizon apart before it."""
    step = max(1, horizon // CUT_OFFS_PER_HORIZON)
    cuts = [today - horizon - step * number for number in range(cut_offs)]
    cuts = [cut for cut in cuts if cut - days.opening >= LEAST_DAYS]
    parts = []
    for cut in cuts:
        seen = seen_at(days, pace, cut, horizon)
        rows = np.flatnonzero(seen.known)
        came = occurs(days.visits, days.n, cut, horizon)[rows]
        ordered = occurs(days.orders, days.n, cut, horizon)[rows]
        weight = np.full(len(rows), 0.5 ** ((cuts[0] - cut) / (HORIZONS_TO_HALF * horizon)))
        parts.append((rows, seen.visits[rows], seen.orders[rows], came, ordered, weight))
    customer, visits, orders, came, ordered, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Past(customer, visits, orders, came, ordered, weight, newest=len(parts[0][0]))


def pace_of(days: Days, today: int, most: int, rng: np.random.Generator) -> Pace | None:
    """The rhythms of visits (of `most` customers, drawn) and of orders until today; None where nobody bought."""
    visits, orders = tally(days.visits, days.n, today), tally(days.orders, days.n, today)
    known, buyers = np.flatnonzero(visits.count > 0), np.flatnonzero(orders.count > 0)
    if not len(known) or not len(buyers):
        return None
    if len(known) > most:
        known = np.sort(rng.choice(known, size=most, replace=False))
    x, first, last = visits.count[known], visits.since_first[known], visits.since_last[known]
    window = np.full(len(known), float(today - days.opening))
    paid = orders.since_first[buyers]
    return Pace(
        opening=days.opening,
        since_first_seen=fit_rhythm(x - 1, first - last, first),
        since_opening=fit_rhythm(x, np.maximum(window - last, 0.0), window, float(window[0])),
        orders=fit_bg_nbd(
            orders.count[buyers] - 1, paid - orders.since_last[buyers], paid, config=BgNbdConfig(), rng=rng
        ),
        order_share=float(orders.count.sum() / visits.count.sum()),
    )
