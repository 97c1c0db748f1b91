"""The past of a table of activity, and some of its customers: what learning on earlier moments looks at."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros

NEVER = np.iinfo(np.int64).max


def until(activity: CustomerActivity, as_of: Micros) -> CustomerActivity:
    """The activity as it stood at `as_of`: customers seen by then, nothing that occurred later.

    What was learned later of the past stays: an order's value is still less what was refunded of it afterwards, and
    the visits of a browser linked to a customer afterwards are the customer's.
    """
    if as_of >= activity.as_of:
        return activity
    earlier = keep(activity, activity.order_at <= as_of, activity.sign_at <= as_of)
    first, last = _first_and_last(earlier)
    earlier = replace(
        earlier,
        as_of=as_of,
        first_seen_at=np.minimum(activity.first_seen_at, first),
        last_seen_at=np.where(activity.last_seen_at <= as_of, activity.last_seen_at, last),
    )
    return only(earlier, (earlier.first_seen_at <= as_of) & (earlier.last_seen_at <= as_of))


def only(activity: CustomerActivity, wanted: NDArray[np.bool_]) -> CustomerActivity:
    """The activity of the wanted customers alone; `wanted`: (n,)."""
    if wanted.all():
        return activity
    kept = keep(activity, wanted[activity.order_customer], wanted[activity.sign_customer])
    number = (np.cumsum(wanted) - 1).astype(np.int32)
    return replace(
        kept,
        customer_ids=tuple(activity.customer_ids[row] for row in np.flatnonzero(wanted).tolist()),
        first_seen_at=activity.first_seen_at[wanted],
        last_seen_at=activity.last_seen_at[wanted],
        order_customer=number[kept.order_customer],
        sign_customer=number[kept.sign_customer],
    )


def keep(activity: CustomerActivity, orders: NDArray[np.bool_], signs: NDArray[np.bool_]) -> CustomerActivity:
    """These orders with their lines, and these signs; customers keep their numbers."""
    lines = orders[activity.line_order]
    order_number = (np.cumsum(orders) - 1).astype(np.int32)
    return replace(
        activity,
        order_customer=activity.order_customer[orders],
        order_at=activity.order_at[orders],
        order_value_minor=activity.order_value_minor[orders],
        order_list_minor=activity.order_list_minor[orders],
        order_units=activity.order_units[orders],
        order_units_back=activity.order_units_back[orders],
        order_channel=activity.order_channel[orders],
        order_device=activity.order_device[orders],
        line_order=order_number[activity.line_order[lines]],
        line_product=activity.line_product[lines],
        line_units=activity.line_units[lines],
        line_value_minor=activity.line_value_minor[lines],
        sign_customer=activity.sign_customer[signs],
        sign_at=activity.sign_at[signs],
        sign_kind=activity.sign_kind[signs],
        sign_product=activity.sign_product[signs],
        sign_session=activity.sign_session[signs],
        sign_device=activity.sign_device[signs],
    )


def _first_and_last(activity: CustomerActivity) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) each: of the orders and signs there are; `NEVER` where there are none."""
    first, last = np.full(len(activity), NEVER), np.full(len(activity), -1)
    for customer, at in ((activity.order_customer, activity.order_at), (activity.sign_customer, activity.sign_at)):
        np.minimum.at(first, customer, at)
        np.maximum.at(last, customer, at)
    return first, np.where(last < 0, NEVER, last)
