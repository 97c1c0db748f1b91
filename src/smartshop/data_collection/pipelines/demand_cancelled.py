"""Which units were never wanted: called off on the day they were ordered. Pure.

What is refunded on the day of its order was a slip or a change of mind before anything left the shelf: it was never
demand (a wholesaler's order of 80,995 units lived for twelve minutes). What comes back on any later day reduces
nothing: the goods had to be there when they were asked for, and a forecast that leaves them out runs dry. What comes
back to be sold again is supply, and stands among the movements of stock. A return without a refund is no cancelling.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OrderedLines:
    """l lines of orders, parallel."""

    order: Ints
    customer: Ints
    """-1: nobody known."""
    product: Ints
    day: Ints
    at: Ints
    units: Ints


@dataclass(frozen=True, slots=True)
class CalledOff:
    """c lines of refunds, parallel, by time."""

    order: Ints
    """-1 where the refund names none: then it is of the customer's own orders of that day, the newest first."""
    customer: Ints
    product: Ints
    day: Ints
    at: Ints
    units: Ints


def cancelled_units(ordered: OrderedLines, called_off: CalledOff, whole: Ints) -> Ints:
    """(l,) units of each line that were called off on its day; `whole`: orders of which nothing was left that day.

    A refund that names its order counts whatever clock told its time, one that names none only behind the order.
    """
    left = ordered.units.copy()
    left[np.isin(ordered.order, whole)] = 0
    lines = _lines_by_key(ordered, called_off)
    for place in range(len(called_off.units)):
        order, product = int(called_off.order[place]), int(called_off.product[place])
        key = _key(order, int(called_off.customer[place]), product, int(called_off.day[place]))
        wanted = int(called_off.units[place])
        for line in reversed(lines.get(key, ())):
            if order < 0 and ordered.at[line] > called_off.at[place]:
                continue
            taken = min(wanted, int(left[line]))
            left[line] -= taken
            wanted -= taken
            if wanted == 0:
                break
    return ordered.units - left


def _key(order: int, customer: int, product: int, day: int) -> Hashable:
    return (order, product, day) if order >= 0 else (customer, product, day, "any order")


def _lines_by_key(ordered: OrderedLines, called_off: CalledOff) -> dict[Hashable, list[int]]:
    """Only those that a refund may be of: looking at every line one by one would take the longest of all."""
    named = called_off.order >= 0
    may_be = np.isin(ordered.order, called_off.order[named])
    may_be |= (ordered.customer >= 0) & np.isin(ordered.customer, called_off.customer[~named])
    lines: dict[Hashable, list[int]] = defaultdict(list)
    some = np.flatnonzero(may_be)
    for line in some[np.argsort(ordered.at[some], kind="stable")]:
        order, customer = int(ordered.order[line]), int(ordered.customer[line])
        product, day = int(ordered.product[line]), int(ordered.day[line])
        for key in _keys(order, customer, product, day):
            lines[key].append(int(line))
    return lines


def _keys(order: int, customer: int, product: int, day: int) -> Iterable[Hashable]:
    yield _key(order, customer, product, day)
    if customer >= 0:
        yield _key(-1, customer, product, day)


def orders_called_off(
    order_day: Ints, worth_minor: Ints, refund_order: Ints, refund_day: Ints, refund_money: Ints
) -> Ints:
    """Numbers of orders refunded whole by money on their own day.

    `order_day`, `worth_minor`: (m,); the refunds' columns: (r,) with order -1 for none named, money 0 for "all of it"
    and below 0 for what no money says.
    """
    counted = (refund_order >= 0) & (refund_money >= 0)
    order, money = refund_order[counted], refund_money[counted]
    same_day = refund_day[counted] == order_day[order]
    order, money = order[same_day], money[same_day]
    back = np.bincount(order, weights=money, minlength=len(order_day))
    is_whole = (back > 0) & (back >= worth_minor)
    is_whole[order[money == 0]] = True
    return np.flatnonzero(is_whole)
