"""The past of a table of activity, and some of its customers: what learning on earlier moments looks at."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity import CustomerActivity, something_kept
from smartshop.data_collection.pipelines.customer_orders import (
    Orders,
    Reversals,
    among,
    given_again,
    placed,
    settled,
)
from smartshop.data_collection.schemas.ids import Micros

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class OrdersThen:
    """m orders by (customer, time), as a moment saw them."""

    customer: NDArray[np.int32]
    at: NDArray[np.int64]
    value_minor: NDArray[np.int64]
    kept: NDArray[np.bool_]
    """(m,) of which something was kept; of orders as placed: which were worth something, or had goods at all."""


def until(activity: CustomerActivity, as_of: Micros) -> CustomerActivity:
    """The activity as it stood at `as_of`: customers seen by then, what they did by then, and of their orders all that
    had not come back by then.

    The same as a load of the log until `as_of` gives. What is learned later of the past itself stays: the visits of a
    browser linked to a customer afterwards are the customer's, what was merely claimed of one who is vouched for since
    is left out, and an event told twice is as its best telling says.
    """
    if as_of >= activity.as_of:
        return activity
    first, last = _first_and_last(activity, as_of)
    earlier = replace(
        events_until(activity, as_of),
        first_seen_at=np.minimum(activity.first_seen_at, first),
        last_seen_at=np.where(activity.last_seen_at <= as_of, activity.last_seen_at, last),
    )
    return only(earlier, (earlier.first_seen_at <= as_of) & (earlier.last_seen_at <= as_of))


def events_until(activity: CustomerActivity, as_of: Micros) -> CustomerActivity:
    """What was done until `as_of`, as it stood then; all customers keep their numbers, also those not seen yet."""
    if as_of >= activity.as_of:
        return activity
    reversals = activity.reversals
    is_foreign = activity.foreign_at <= as_of
    orders, aside = _settled_at(activity.orders, reversals, as_of)
    return replace(
        with_orders(_with_signs(activity, activity.sign_at <= as_of), orders, aside),
        as_of=as_of,
        foreign_customer=activity.foreign_customer[is_foreign],
        foreign_at=activity.foreign_at[is_foreign],
    )


def orders_until(activity: CustomerActivity, as_of: Micros) -> OrdersThen:
    """The orders of `events_until` alone, in less time and memory."""
    if as_of >= activity.as_of:
        return OrdersThen(activity.order_customer, activity.order_at, activity.order_value_minor, activity.kept)
    value, units, units_back = _worth_at(activity, as_of)
    customer, at = _placed_by(activity)
    parts, is_known = activity.reversals.parts, at <= as_of
    is_known[parts.order[parts.undoes & (parts.at <= as_of)]] = False
    return OrdersThen(
        customer=customer[is_known],
        at=at[is_known],
        value_minor=value[is_known],
        kept=something_kept(value[is_known], units[is_known], units_back[is_known]),
    )


def orders_placed(activity: CustomerActivity) -> OrdersThen:
    """All orders as they were placed, whatever came back of them later."""
    value, units, units_back = _worth_at(activity, Micros(-1))
    return OrdersThen(*_placed_by(activity), value, something_kept(value, units, units_back))


def only(activity: CustomerActivity, wanted: NDArray[np.bool_]) -> CustomerActivity:
    """The activity of the wanted customers alone; `wanted`: (n,)."""
    if wanted.all():
        return activity
    number, reversals = (np.cumsum(wanted) - 1).astype(np.int32), activity.reversals
    ordered, undone = wanted[activity.order_customer], wanted[reversals.undone.customer]
    orders, aside = activity.orders.only(ordered), reversals.of_orders(ordered, undone)
    is_foreign = wanted[activity.foreign_customer]
    kept = _with_signs(activity, wanted[activity.sign_customer])
    return replace(
        with_orders(
            kept,
            replace(orders, customer=number[orders.customer]),
            replace(aside, undone=replace(aside.undone, customer=number[aside.undone.customer])),
        ),
        customer_ids=tuple(activity.customer_ids[row] for row in np.flatnonzero(wanted).tolist()),
        first_seen_at=activity.first_seen_at[wanted],
        last_seen_at=activity.last_seen_at[wanted],
        sign_customer=number[kept.sign_customer],
        foreign_customer=number[activity.foreign_customer[is_foreign]],
        foreign_at=activity.foreign_at[is_foreign],
    )


def _settled_at(orders: Orders, reversals: Reversals, as_of: Micros) -> tuple[Orders, Reversals]:
    """The orders placed until `as_of`, less what had come back by then, which stands aside."""
    kept, undone = orders.at <= as_of, reversals.undone.at <= as_of
    earlier = reversals.of_orders(kept, undone)
    then = given_again(placed(orders.only(kept), earlier), earlier.parts, as_of)
    return settled(then, earlier.parts.only(earlier.parts.at <= as_of))


def _placed_by(activity: CustomerActivity) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(p,) each: who placed every order, and when."""
    undone, number = activity.reversals.undone, activity.reversals.undone_number
    return among(activity.order_customer, undone.customer, number), among(activity.order_at, undone.at, number)


def _worth_at(
    activity: CustomerActivity, as_of: Micros
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """(p,) each of all placed: value, units and units back, before what came back later than `as_of`."""
    reversals = activity.reversals
    undone, number = reversals.undone, reversals.undone_number
    value = among(activity.order_value_minor, undone.value_minor, number)
    units = among(activity.order_units, undone.units, number)
    units_back = among(activity.order_units_back, undone.units_back, number)
    later = reversals.parts.only(reversals.parts.at > as_of)
    if not len(later):
        return value, units, units_back
    value, units_back = value.copy(), units_back.copy()
    np.add.at(value, later.order, later.value_minor)
    np.subtract.at(units_back, later.order, later.units)
    return value, units, units_back


def with_orders(activity: CustomerActivity, orders: Orders, reversals: Reversals) -> CustomerActivity:
    """The activity with other orders, of the same customers."""
    return replace(
        activity,
        order_customer=orders.customer,
        order_at=orders.at,
        order_value_minor=orders.value_minor,
        order_list_minor=orders.list_minor,
        order_units=orders.units,
        order_units_back=orders.units_back,
        order_channel=orders.channel,
        order_device=orders.device,
        line_order=orders.line_order,
        line_product=orders.line_product,
        line_units=orders.line_units,
        line_value_minor=orders.line_value_minor,
        reversals=reversals,
    )


def _with_signs(activity: CustomerActivity, signs: NDArray[np.bool_]) -> CustomerActivity:
    """Of the signs, these (s,); visits are numbered anew."""
    session = activity.sign_session[signs]
    happened = np.zeros(int(activity.sign_session.max(initial=-1)) + 1, np.bool_)
    happened[session] = True
    return replace(
        activity,
        sign_customer=activity.sign_customer[signs],
        sign_at=activity.sign_at[signs],
        sign_kind=activity.sign_kind[signs],
        sign_product=activity.sign_product[signs],
        sign_session=(np.cumsum(happened) - 1).astype(np.int32)[session],
        sign_device=activity.sign_device[signs],
    )


def _first_and_last(activity: CustomerActivity, as_of: Micros) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) each: of all orders and signs until `as_of`; `NEVER` where there are none."""
    first, last = np.full(len(activity), NEVER), np.full(len(activity), -1)
    for customer, at in (
        _placed_by(activity),
        (activity.foreign_customer, activity.foreign_at),
        (activity.sign_customer, activity.sign_at),
    ):
        known = at <= as_of
        np.minimum.at(first, customer[known], at[known])
        np.maximum.at(last, customer[known], at[known])
    return first, np.where(last < 0, NEVER, last)
