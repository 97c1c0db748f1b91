"""From collected events to the table of customers; what came back is taken off the orders it undoes. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.customer_activity_columns import (
    Ints,
    People,
    counted,
    counted_signs,
    first_and_last,
    people_of,
    ranked,
    sessions,
    view,
    whose_and_when,
)
from smartshop.data_collection.pipelines.customer_activity_rows import (
    UNKNOWN_PRODUCT,
    UNTOLD,
    ActivityRows,
    BackRows,
    OrderRows,
)
from smartshop.data_collection.pipelines.customer_goods_back import Bought, CameBack, undo
from smartshop.data_collection.pipelines.customer_orders import Orders, Reversals, settled, taken_off
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.money import MAX_MINOR

MAX_UNITS = np.iinfo(np.int32).max
Numbers = NDArray[np.int32]
Names = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of chosen orders, one after the other; (l,) each."""

    order: Ints
    """Index into the chosen orders, rising."""
    product: Ints
    units: Ints
    price: Ints
    """Minor units each; as the shelf has it where the order does not say."""
    value: Ints

    def per_order(self, amounts: Ints, n_orders: int) -> Ints:
        """(n_orders,) sums of `amounts` (l,), exact where floats would not be."""
        up_to = np.concatenate([[0], np.cumsum(amounts)])
        borders = np.searchsorted(self.order, np.arange(n_orders + 1))
        sums: Ints = up_to[borders[1:]] - up_to[borders[:-1]]
        return sums


def arrange_activity(rows: ActivityRows, shelf: Shelf, as_of: Micros | None = None) -> CustomerActivity:
    """The table as of `as_of` (None: the newest human event); `rows` must hold nothing that occurred later."""
    people = people_of(rows)
    sign = counted_signs(rows.signs, people)
    sign_customer, sign_at = whose_and_when(rows.signs.told, sign, people)
    told = counted(rows.orders.told, people)
    order_customer, order_at = whose_and_when(rows.orders.told, told, people)
    first_seen, last_seen = first_and_last(
        np.concatenate([sign_customer, order_customer]), np.concatenate([sign_at, order_at]), len(people.names)
    )
    known = first_seen <= last_seen
    dense = (np.cumsum(known) - 1).astype(np.int32)
    is_foreign = view(rows.orders.is_foreign)[told] != 0
    channel_rank, channels = ranked(rows.channels)
    device_rank, devices = ranked(rows.devices)
    orders, reversals = _orders(rows, told[~is_foreign], people, shelf, (dense, channel_rank, device_rank))
    foreign = np.flatnonzero(is_foreign)[np.lexsort((order_at[is_foreign], order_customer[is_foreign]))]
    return CustomerActivity(
        customer_ids=tuple(name for name, is_known in zip(people.names, known.tolist(), strict=True) if is_known),
        as_of=Micros(rows.newest_at) if as_of is None else as_of,
        log_no=rows.log_no,
        first_seen_at=first_seen[known],
        last_seen_at=last_seen[known],
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
        sign_customer=dense[sign_customer],
        sign_at=sign_at,
        sign_kind=view(rows.signs.kind)[sign].astype(np.int8),
        sign_product=view(rows.signs.product)[sign].astype(np.int32),
        sign_session=sessions(sign_customer, sign_at, view(rows.signs.session)[sign].astype(np.int64)),
        sign_device=device_rank[view(rows.signs.device)[sign]],
        channels=channels,
        devices=devices,
        foreign_customer=dense[order_customer[foreign]],
        foreign_at=order_at[foreign],
        reversals=reversals,
    )


def _orders(
    rows: ActivityRows, told: Ints, people: People, shelf: Shelf, ranks: tuple[Numbers, Names, Names]
) -> tuple[Orders, Reversals]:
    """Sorted, less what came back; the wholly refunded aside. `ranks`: of people, channels and devices."""
    customer, at = whose_and_when(rows.orders.told, told, people)
    row = told[np.lexsort((view(rows.orders.tie)[told], at, customer))]
    customer, at = whose_and_when(rows.orders.told, row, people)
    lines = _lines(rows.orders, row, shelf)
    full = lines.per_order(lines.value, len(row))
    goods = np.clip(full - view(rows.orders.discount)[row], 0, MAX_MINOR)
    bought = Bought(
        identity=view(rows.orders.told.identity)[row].astype(np.int64),
        customer=customer.astype(np.int64),
        at=at,
        goods_minor=goods,
        list_minor=np.maximum(np.clip(full, 0, MAX_MINOR), goods),
        line_order=lines.order,
        line_product=lines.product,
        line_units=lines.units,
        line_price=lines.price,
    )
    dense, channel_rank, device_rank = ranks
    as_placed = Orders(
        customer=dense[customer],
        at=at,
        value_minor=goods,
        list_minor=bought.list_minor,
        units=_small(lines.per_order(lines.units, len(row))),
        units_back=np.zeros(len(row), np.int32),
        channel=channel_rank[view(rows.orders.channel)[row]],
        device=device_rank[view(rows.orders.device)[row]],
        line_order=_small(lines.order),
        line_product=_small(lines.product),
        line_units=_small(lines.units),
        line_value_minor=lines.value,
    )
    parts = undo(bought, _came_back(rows.back, people))
    return settled(taken_off(as_placed, parts), parts)


def _lines(rows: OrderRows, row: Ints, shelf: Shelf) -> _Lines:
    """The lines of the orders `row`, in that order."""
    n_lines = view(rows.n_lines).astype(np.int64)
    order, line = _spread(np.cumsum(n_lines) - n_lines, n_lines, row)
    product = view(rows.lines.product)[line].astype(np.int64)
    units = np.clip(view(rows.lines.units)[line], 0, MAX_UNITS).astype(np.int64)
    told_price = view(rows.lines.price)[line]
    shelf_price = np.zeros(len(line), np.int64)
    on_shelf = product != UNKNOWN_PRODUCT
    shelf_price[on_shelf] = np.clip(shelf.price_minor[product[on_shelf]], 0, MAX_MINOR)
    price = np.where(told_price == UNTOLD, shelf_price, np.clip(told_price, 0, MAX_MINOR)).astype(np.int64)
    return _Lines(
        order=order,
        product=product,
        units=units,
        price=price,
        value=_worth(units, price),
    )


def _came_back(rows: BackRows, people: People) -> CameBack:
    """Refunds and returns that count, by time."""
    row = counted(rows.told, people)
    row = row[np.lexsort((view(rows.tie)[row], view(rows.told.at)[row]))]
    customer, at = whose_and_when(rows.told, row, people)
    n_lines = view(rows.n_lines).astype(np.int64)
    of, line = _spread(np.cumsum(n_lines) - n_lines, n_lines, row)
    return CameBack(
        order=view(rows.order)[row].astype(np.int64),
        customer=customer.astype(np.int64),
        at=at,
        is_refund=view(rows.is_refund)[row] != 0,
        money=view(rows.money)[row].astype(np.int64),
        line_back=of,
        line_product=view(rows.lines.product)[line].astype(np.int64),
        line_units=np.clip(view(rows.lines.units)[line], 0, MAX_UNITS).astype(np.int64),
        line_price=view(rows.lines.price)[line].astype(np.int64),
    )


def _spread(first: Ints, count: Ints, row: Ints) -> tuple[Ints, Ints]:
    """For rows with lines first[r] … first[r] + count[r] − 1: (place in `row`, line) of every line."""
    counts = count[row]
    place = np.repeat(np.arange(len(row)), counts)
    line = np.arange(len(place)) + np.repeat(first[row] - (np.cumsum(counts) - counts), counts)
    return place, line


def _worth(units: Ints, price: Ints) -> Ints:
    """units × price, at most MAX_MINOR: no product of two absurd numbers leaves int64."""
    too_much = units > MAX_MINOR // np.maximum(price, 1)
    return np.where(too_much, MAX_MINOR, np.where(too_much, 0, units) * price)


def _small(numbers: Ints) -> NDArray[np.int32]:
    return np.minimum(numbers, MAX_UNITS).astype(np.int32)
