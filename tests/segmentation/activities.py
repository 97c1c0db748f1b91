"""What made-up customers did, written by hand: orders first, everything else with sensible defaults."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.cut import with_orders
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.customer_orders import GoodsBack, Orders, settled, taken_off
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import CustomerId, Micros

START = 1_704_067_200_000_000
"""2024-01-01T00:00Z: day 0."""
SESSION_PAUSE = 1_800_000_000
"""µs; a longer pause between two signs begins a new visit."""

Customer = int | str
"""A number n is told as `c000000n`, so that numbers and ids sort alike."""
Order = tuple[Customer, float, int]
"""Customer, day since START (10.5 is noon of day 10), net value in minor units."""
Line = tuple[int, int, int, int]
"""Position in `orders` as given, product_no, units, value in minor units."""
Back = tuple[int, float, int, int, bool]
"""Index into the activity's orders, day since START, value in minor units, units, whether nothing counts any more."""
Sign = tuple[Customer, float, EventKind, int]
"""Customer, day since START, kind, product_no (-1 for none)."""


def activity_of(
    orders: Sequence[Order] = (),
    *,
    as_of_day: float | None = None,
    customers: Sequence[Customer] = (),
    lines: Sequence[Line] | None = None,
    signs: Sequence[Sign] = (),
    order_list_minor: Sequence[int] | None = None,
    order_units: Sequence[int] | None = None,
    order_units_back: Sequence[int] | None = None,
    order_channel: Sequence[int] | None = None,
    order_device: Sequence[int] | None = None,
    sign_device: Sequence[int] | None = None,
    channels: tuple[str, ...] = ("",),
    devices: tuple[str, ...] = ("",),
) -> CustomerActivity:
    """Sorted as a real load is. `customers` are there even without an order or a sign.

    Arrays given per order or sign follow the order in which those are given. Without `lines` each order has one line of
    an unknown product; without `as_of_day` the activity is as of its latest moment (what is later than a given day
    stays in, for those who test just that).
    """
    ids = sorted({customer_id(who) for who in [*customers, *(row[0] for row in orders), *(row[0] for row in signs)]})
    number = {name: index for index, name in enumerate(ids)}
    order_customer = np.array([number[customer_id(row[0])] for row in orders], np.int32)
    order_at = np.array([moment(row[1]) for row in orders], np.int64)
    value = np.array([row[2] for row in orders], np.int64)
    rank = np.lexsort((order_at, order_customer))
    sign_customer = np.array([number[customer_id(row[0])] for row in signs], np.int32)
    sign_at = np.array([moment(row[1]) for row in signs], np.int64)
    sign_rank = np.lexsort((sign_at, sign_customer))
    who = np.concatenate([order_customer, sign_customer])
    when = np.concatenate([order_at, sign_at])
    as_of = moment(as_of_day) if as_of_day is not None else int(when.max(initial=START))
    units = _column(order_units, len(orders), 1, np.int32)
    back = _column(order_units_back, len(orders), 0, np.int32)
    position, line_product, line_units, line_value = _lines(lines, units, value)
    place = np.empty(len(orders), np.int32)
    place[rank] = np.arange(len(orders))
    line_order = place[position] if len(position) else np.zeros(0, np.int32)
    line_rank = np.argsort(line_order, kind="stable")
    listed = np.array(order_list_minor, np.int64) if order_list_minor is not None else value
    return CustomerActivity(
        customer_ids=tuple(ids),
        as_of=Micros(as_of),
        log_no=len(orders) + len(signs),
        first_seen_at=_extreme(who, when, len(ids), START, np.minimum),
        last_seen_at=_extreme(who, when, len(ids), START, np.maximum),
        order_customer=order_customer[rank],
        order_at=order_at[rank],
        order_value_minor=value[rank],
        order_list_minor=np.maximum(listed, value)[rank],
        order_units=units[rank].astype(np.int32),
        order_units_back=back[rank].astype(np.int32),
        order_channel=_column(order_channel, len(orders), 0, np.int16)[rank].astype(np.int16),
        order_device=_column(order_device, len(orders), 0, np.int16)[rank].astype(np.int16),
        line_order=line_order[line_rank],
        line_product=line_product[line_rank],
        line_units=line_units[line_rank],
        line_value_minor=line_value[line_rank],
        sign_customer=sign_customer[sign_rank],
        sign_at=sign_at[sign_rank],
        sign_kind=np.array([SIGN_KINDS.index(row[2]) for row in signs], np.int8)[sign_rank],
        sign_product=np.array([row[3] for row in signs], np.int32)[sign_rank],
        sign_session=_sessions(sign_customer[sign_rank], sign_at[sign_rank]),
        sign_device=_column(sign_device, len(signs), 0, np.int16)[sign_rank].astype(np.int16),
        channels=channels,
        devices=devices,
    )


def less(activity: CustomerActivity, back: Sequence[Back]) -> CustomerActivity:
    """The same customers, but for what came back of their orders."""
    rank = sorted(range(len(back)), key=lambda row: (back[row][0], back[row][1]))
    order = np.array([back[row][0] for row in rank], np.int64)
    parts = GoodsBack(
        order=order,
        at=np.array([moment(back[row][1]) for row in rank], np.int64),
        value_minor=np.array([back[row][2] for row in rank], np.int64),
        units=np.array([back[row][3] for row in rank], np.int32),
        undoes=np.array([back[row][4] for row in rank], np.bool_),
        list_minor=activity.order_list_minor[order],
    )
    return with_orders(activity, *settled(taken_off(activity.orders, parts), parts))


def told(activity: CustomerActivity) -> dict[str, list[Any]]:
    """Every column by its name, what was reversed too, with names in place of the numbers of channels and devices;
    without the number in the log."""
    reversals = activity.reversals
    columns = {
        **_columns("", activity),
        **_columns("parts_", reversals.parts),
        **_columns("undone_", reversals.undone),
        "undone_number": reversals.undone_number.tolist(),
        "customer_ids": list(activity.customer_ids),
        "as_of": [activity.as_of],
    }
    for column, names in (
        ("order_channel", activity.channels),
        ("order_device", activity.devices),
        ("undone_channel", activity.channels),
        ("undone_device", activity.devices),
        ("sign_device", activity.devices),
    ):
        columns[column] = [names[number] for number in columns[column]]
    return columns


def _columns(prefix: str, table: CustomerActivity | GoodsBack | Orders) -> dict[str, list[Any]]:
    each = {field.name: getattr(table, field.name) for field in fields(table)}
    return {prefix + name: column.tolist() for name, column in each.items() if isinstance(column, np.ndarray)}


def customer_id(who: Customer) -> CustomerId:
    return CustomerId(who if isinstance(who, str) else f"c{who:07d}")


def moment(day: float) -> int:
    """µs UTC of so many days after START."""
    return START + round(day * DAY)


def _column(
    values: Sequence[int] | None, n: int, default: int, dtype: type[np.int16] | type[np.int32]
) -> NDArray[np.int64]:
    given = np.full(n, default) if values is None else np.array(values)
    assert len(given) == n, f"a column of {len(given)} values was given for {n} rows"
    return given.astype(dtype).astype(np.int64)


def _lines(
    lines: Sequence[Line] | None, units: NDArray[np.int64], value: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    if lines is None:
        unknown = np.full(len(value), -1, np.int32)
        return np.arange(len(value)), unknown, units.astype(np.int32), value
    return (
        np.array([row[0] for row in lines], np.intp),
        np.array([row[1] for row in lines], np.int32),
        np.array([row[2] for row in lines], np.int32),
        np.array([row[3] for row in lines], np.int64),
    )


def _extreme(
    who: NDArray[np.int32], when: NDArray[np.int64], n: int, otherwise: int, extreme: np.ufunc
) -> NDArray[np.int64]:
    """(n,) earliest or latest moment of each; `otherwise` for those who did nothing."""
    start = np.iinfo(np.int64).max if extreme is np.minimum else np.iinfo(np.int64).min
    found = np.full(n, start, np.int64)
    extreme.at(found, who, when)
    found[found == start] = otherwise
    return found


def _sessions(customer: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.int32]:
    if not len(at):
        return np.zeros(0, np.int32)
    begins = (np.diff(customer) != 0) | (np.diff(at) > SESSION_PAUSE)
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int32)
