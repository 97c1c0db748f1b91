"""Which units were never wanted: called off on the day they were ordered. Pure.

What is refunded on the day of its order was a slip or a change of mind before anything left the shelf: it was never
demand (a wholesaler's order of 80,995 units lived for twelve minutes). What comes back on any later day reduces
nothing: the goods had to be there when they were asked for, and a forecast that leaves them out runs dry. What comes
back to be sold again is supply, and stands among the movements of stock. A return without a refund is no cancelling.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Key = tuple[int, int, int, int]
"""Order, customer, product, day; -1 for the one of the first two that is not asked for."""


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


def _key(order: int, customer: int, product: int, day: int) -> Key:
    return (order, -1, product, day) if order >= 0 else (-1, customer, product, day)


def _lines_by_key(ordered: OrderedLines, called_off: CalledOff) -> dict[Key, list[int]]:
    """Only those that a refund may be of: looking at every line one by one would take the longest of all."""
    some = np.flatnonzero(_may_be(ordered, called_off))
    lines: dict[Key, list[int]] = defaultdict(list)
    for line in some[np.argsort(ordered.at[some], kind="stable")]:
        order, customer = int(ordered.order[line]), int(ordered.customer[line])
        product, day = int(ordered.product[line]), int(ordered.day[line])
        lines[_key(order, customer, product, day)].append(int(line))
        if customer >= 0:
            lines[_key(-1, customer, product, day)].append(int(line))
    return lines


def _may_be(ordered: OrderedLines, called_off: CalledOff) -> NDArray[np.bool_]:
    """(l,) lines of an order that is named, or of the same product on the same day of the same customer."""
    named = called_off.order >= 0
    products = max(int(ordered.product.max(initial=0)), int(called_off.product.max(initial=0))) + 1
    first = int(min(ordered.day.min(initial=0), called_off.day.min(initial=0)))
    days = int(max(ordered.day.max(initial=0), called_off.day.max(initial=0))) - first + 1

    def whose(customer: Ints, product: Ints, day: Ints) -> Ints:
        return (customer * products + product) * days + (day - first)

    unnamed = whose(called_off.customer[~named], called_off.product[~named], called_off.day[~named])
    same_day = (ordered.customer >= 0) & np.isin(whose(ordered.customer, ordered.product, ordered.day), unnamed)
    return np.isin(ordered.order, called_off.order[named]) | same_day


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
