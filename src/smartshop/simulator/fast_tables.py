"""A fast history as the tables that learning reads: of customers, and of interactions."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.customer_orders import GoodsBack, Orders, settled, taken_off
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
    kept, reversals = settled(*_less_what_came_back(orders, prices, history.end_at))
    return CustomerActivity(
        customer_ids=tuple(customer_id(person) for person in np.flatnonzero(known).tolist()),
        as_of=history.end_at,
        log_no=0,
        first_seen_at=first[known],
        last_seen_at=last[known],
        order_customer=dense[kept.customer],
        order_at=kept.at,
        order_value_minor=kept.value_minor,
        order_list_minor=kept.list_minor,
        order_units=kept.units,
        order_units_back=kept.units_back,
        order_channel=kept.channel,
        order_device=kept.device,
        line_order=kept.line_order,
        line_product=kept.line_product,
        line_units=kept.line_units,
        line_value_minor=kept.line_value_minor,
        sign_customer=dense[signs.customer],
        sign_at=signs.at,
        sign_kind=signs.kind,
        sign_product=signs.product,
        sign_session=signs.session,
        sign_device=_device(signs.is_mobile),
        channels=CHANNELS,
        devices=DEVICES,
        reversals=replace(reversals, undone=replace(reversals.undone, customer=dense[reversals.undone.customer])),
    )


def _less_what_came_back(orders: FastOrders, prices: NDArray[np.int64], end_at: Micros) -> tuple[Orders, GoodsBack]:
    """All orders placed, by person, less what came back, and what that was."""
    starts = np.searchsorted(orders.line_order, np.arange(len(orders.at)))
    worth = prices[orders.line_product] * orders.line_units
    goods, units = _summed(worth, starts), _summed(orders.line_units, starts).astype(np.int32)
    as_placed = Orders(
        customer=orders.customer,
        at=orders.at,
        value_minor=goods,
        # No order of a fast history tells a discount.
        list_minor=goods,
        units=units,
        units_back=np.zeros(len(starts), np.int32),
        channel=np.ones(len(starts), np.int16),
        device=_device(orders.is_mobile),
        line_order=orders.line_order,
        line_product=orders.line_product,
        line_units=orders.line_units,
        line_value_minor=worth,
    )
    back = _parts_back(orders, as_placed, end_at)
    return taken_off(as_placed, back), back


def _parts_back(orders: FastOrders, as_placed: Orders, end_at: Micros) -> GoodsBack:
    """Once per order of which anything came back."""
    lines = np.flatnonzero(orders.line_is_back)
    order, first, count = np.unique(orders.line_order[lines], return_index=True, return_counts=True)
    at = orders.at[order] + (orders.days_to_back[order].astype(np.float64) * DAY).astype(np.int64)
    return GoodsBack(
        order=order.astype(np.int64),
        at=np.minimum(at, end_at),
        value_minor=_summed(as_placed.line_value_minor[lines], first),
        units=_summed(as_placed.line_units[lines], first).astype(np.int32),
        undoes=count >= np.bincount(orders.line_order, minlength=len(orders.at))[order],
        list_minor=as_placed.list_minor[order],
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
