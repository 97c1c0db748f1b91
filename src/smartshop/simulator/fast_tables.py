"""A fast history as the tables that learning reads: of customers, and of interactions."""

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.interactions import KIND_NUMBERS, Interactions
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.simulator.fast import FastHistory, FastOrders

CHANNELS = ("", "web")
DEVICES = ("", "desktop", "mobile")


def customer_id(person: int) -> CustomerId:
    """Sorts as the number does."""
    return CustomerId(f"c{person:08d}")


def person_of(activity: CustomerActivity) -> NDArray[np.int64]:
    """(n,) the person behind each customer of `customer_activity`: the row of the truth."""
    return np.array([int(customer[1:]) for customer in activity.customer_ids], np.int64)


def customer_activity(history: FastHistory) -> CustomerActivity:
    """The same table that `pipelines.reading_customers` would read from the log of such a shop."""
    orders, signs, prices = history.orders, history.signs, history.catalogue.price_minor
    first, last = _seen(history)
    known = last >= first
    dense = (np.cumsum(known) - 1).astype(np.int32)
    kept = ~_is_whole_back(orders)
    lines = kept[orders.line_order]
    order_of_line = (np.cumsum(kept) - 1)[orders.line_order[lines]].astype(np.int32)
    product, units = orders.line_product[lines], orders.line_units[lines]
    worth, back = prices[product] * units, orders.line_is_back[lines]
    starts = np.searchsorted(order_of_line, np.arange(int(kept.sum())))
    net = _summed(np.where(back, 0, worth), starts)
    return CustomerActivity(
        customer_ids=tuple(customer_id(person) for person in np.flatnonzero(known).tolist()),
        as_of=history.end_at,
        log_no=0,
        first_seen_at=first[known],
        last_seen_at=last[known],
        order_customer=dense[orders.customer[kept]],
        order_at=orders.at[kept],
        order_value_minor=net,
        # No order of a fast history tells a discount.
        order_list_minor=net.copy(),
        order_units=_summed(units, starts).astype(np.int32),
        order_units_back=_summed(np.where(back, units, 0), starts).astype(np.int32),
        order_channel=np.ones(len(starts), np.int16),
        order_device=_device(orders.is_mobile[kept]),
        line_order=order_of_line,
        line_product=product,
        line_units=units,
        line_value_minor=worth,
        sign_customer=dense[signs.customer],
        sign_at=signs.at,
        sign_kind=signs.kind,
        sign_product=signs.product,
        sign_session=signs.session,
        sign_device=_device(signs.is_mobile),
        channels=CHANNELS,
        devices=DEVICES,
    )


def interactions(history: FastHistory) -> Interactions:
    """The same table that `pipelines.interactions` would read: signs about products, and order lines."""
    orders, signs = history.orders, history.signs
    number_of = np.array([KIND_NUMBERS.get(kind, -1) for kind in SIGN_KINDS], np.int8)
    told = (signs.product >= 0) & (number_of[signs.kind] >= 0)
    kept = ~_is_whole_back(orders)
    lines = kept[orders.line_order]
    order_of_line = orders.line_order[lines]
    person = np.concatenate([signs.customer[told], orders.customer[order_of_line]])
    at = np.concatenate([signs.at[told], orders.at[order_of_line]])
    # Milliseconds are enough to sort by. Both halves are sorted already, so that a stable sort only has to merge them.
    order = np.argsort((person.astype(np.int64) << 38) + (at - history.start_at) // 1000, kind="stable")
    n_signs = int(told.sum())
    seen = np.zeros(history.people, np.bool_)
    seen[person] = True
    dense = (np.cumsum(seen) - 1).astype(np.int32)
    number = (np.cumsum(kept) - 1).astype(np.int32)
    return Interactions(
        shopper_no=dense[person[order]],
        product_no=np.concatenate([signs.product[told], orders.line_product[lines]])[order],
        kind=np.concatenate(
            [number_of[signs.kind[told]], np.full(len(order_of_line), KIND_NUMBERS[EventKind.ORDER_COMPLETED], np.int8)]
        )[order],
        occurred_at=at[order],
        quantity=np.concatenate([np.ones(n_signs, np.int32), orders.line_units[lines]])[order],
        order_no=np.concatenate([np.full(n_signs, -1, np.int32), number[order_of_line]])[order],
        n_shoppers=int(seen.sum()),
        n_products=len(history.catalogue),
        data_until=Micros(int(at.max(initial=0))),
    )


def _is_whole_back(orders: FastOrders) -> NDArray[np.bool_]:
    """(m,) orders of which every line came back: they count as never made."""
    lines = np.bincount(orders.line_order, minlength=len(orders.at))
    back = np.bincount(orders.line_order, weights=orders.line_is_back, minlength=len(orders.at))
    return (lines > 0) & (back >= lines)


def _seen(history: FastHistory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(people,) earliest and latest of anything done; earliest after latest where there is nothing."""
    first = np.full(history.people, np.iinfo(np.int64).max)
    last = np.full(history.people, np.iinfo(np.int64).min)
    for customer, at in (
        (history.orders.customer, history.orders.at),
        (history.signs.customer, history.signs.at),
    ):
        if len(customer):
            begins = np.flatnonzero(np.r_[True, np.diff(customer) != 0])
            who = customer[begins]
            first[who] = np.minimum(first[who], at[begins])
            last[who] = np.maximum(last[who], at[np.append(begins[1:], len(at)) - 1])
    return first, last


def _summed(amounts: NDArray[np.integer], starts: NDArray[np.intp]) -> NDArray[np.int64]:
    """Sums of the runs that begin at `starts`; none of them is empty."""
    if not len(starts):
        return np.zeros(0, np.int64)
    return np.add.reduceat(amounts.astype(np.int64, copy=False), starts)


def _device(is_mobile: NDArray[np.bool_]) -> NDArray[np.int16]:
    return is_mobile.astype(np.int16) + np.int16(1)
