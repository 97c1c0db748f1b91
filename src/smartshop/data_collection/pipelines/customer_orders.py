"""Orders with their lines, and what came back of them and when: what they were worth at any moment. Pure arrays.

What a customer gave back last week was theirs a month ago. Whoever looks at a month ago must see it so.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """m orders by (customer, time) and their l lines, by order; columns as those of `CustomerActivity`."""

    customer: NDArray[np.int32]
    at: Ints
    value_minor: Ints
    list_minor: Ints
    units: NDArray[np.int32]
    units_back: NDArray[np.int32]
    channel: NDArray[np.int16]
    device: NDArray[np.int16]

    line_order: NDArray[np.int32]
    line_product: NDArray[np.int32]
    line_units: NDArray[np.int32]
    line_value_minor: Ints

    def __len__(self) -> int:
        return len(self.at)

    def only(self, wanted: Bools) -> "Orders":
        """Those of `wanted` (m,), with their lines."""
        if wanted.all():
            return self
        lines, number = wanted[self.line_order], renumbered(wanted)
        return Orders(
            customer=self.customer[wanted],
            at=self.at[wanted],
            value_minor=self.value_minor[wanted],
            list_minor=self.list_minor[wanted],
            units=self.units[wanted],
            units_back=self.units_back[wanted],
            channel=self.channel[wanted],
            device=self.device[wanted],
            line_order=number[self.line_order[lines]],
            line_product=self.line_product[lines],
            line_units=self.line_units[lines],
            line_value_minor=self.line_value_minor[lines],
        )

    def with_others(self, others: "Orders", number: Ints) -> "Orders":
        """These and others, which get the numbers `number` (len(others),) among all, rising."""
        if not len(others):
            return self
        is_other = np.zeros(len(self) + len(others), np.bool_)
        is_other[number] = True
        line_order = np.flatnonzero(~is_other).astype(np.int32)[self.line_order]
        other_lines = number.astype(np.int32)[others.line_order]
        place = np.searchsorted(line_order, other_lines)
        return Orders(
            customer=among(self.customer, others.customer, number),
            at=among(self.at, others.at, number),
            value_minor=among(self.value_minor, others.value_minor, number),
            list_minor=among(self.list_minor, others.list_minor, number),
            units=among(self.units, others.units, number),
            units_back=among(self.units_back, others.units_back, number),
            channel=among(self.channel, others.channel, number),
            device=among(self.device, others.device, number),
            line_order=np.insert(line_order, place, other_lines),
            line_product=np.insert(self.line_product, place, others.line_product),
            line_units=np.insert(self.line_units, place, others.line_units),
            line_value_minor=np.insert(self.line_value_minor, place, others.line_value_minor),
        )


@dataclass(frozen=True, slots=True, eq=False)
class GoodsBack:
    """b times that goods or money of an order came back, by (order, time)."""

    order: Ints
    """(b,) number of the order among all that were placed, rising."""
    at: Ints
    """(b,) µs UTC, never before the order."""
    value_minor: Ints
    """(b,) what the order is worth less from then on; all of an order add up to no more than its goods."""
    units: NDArray[np.int32]
    """(b,) that came back; all of an order add up to no more than it had."""
    undoes: Bools
    """(b,) from then on nothing of the order counts."""
    list_minor: Ints
    """(b,) goods of the order before its discount and before anything came back."""

    def __len__(self) -> int:
        return len(self.at)

    def only(self, wanted: Bools) -> "GoodsBack":
        """Those of `wanted` (b,)."""
        return GoodsBack(
            order=self.order[wanted],
            at=self.at[wanted],
            value_minor=self.value_minor[wanted],
            units=self.units[wanted],
            undoes=self.undoes[wanted],
            list_minor=self.list_minor[wanted],
        )

    def of_orders(self, wanted: Bools) -> "GoodsBack":
        """What came back of the wanted orders alone; `wanted`: (p,) of all placed."""
        if not len(self) or wanted.all():
            return self
        kept = self.only(wanted[self.order])
        return replace(kept, order=renumbered(wanted).astype(np.int64)[kept.order])


@dataclass(frozen=True, slots=True, eq=False)
class Reversals:
    """What orders alone no longer tell of their past: enough to see any earlier moment as it stood then.

    All orders placed, those of which nothing counts any more too, are numbered by (customer, time).
    """

    parts: GoodsBack
    undone: Orders
    """u orders wholly undone, which stand in no other table; less what came back, as all."""
    undone_number: Ints
    """(u,) their numbers among all placed, rising."""

    def of_orders(self, kept: Bools, undone: Bools) -> "Reversals":
        """Those of the wanted orders, of which `kept` (m,) still count and `undone` (u,) do not."""
        wanted = among(kept, undone, self.undone_number)
        return Reversals(
            parts=self.parts.of_orders(wanted),
            undone=self.undone.only(undone),
            undone_number=renumbered(wanted).astype(np.int64)[self.undone_number[undone]],
        )


def no_orders() -> Orders:
    """None at all."""
    small, large = np.zeros(0, np.int32), np.zeros(0, np.int64)
    names = np.zeros(0, np.int16)
    return Orders(small, large, large, large, small, small, names, names, small, small, small, large)


def nothing_back() -> GoodsBack:
    """Everything was kept."""
    large = np.zeros(0, np.int64)
    return GoodsBack(large, large, large, np.zeros(0, np.int32), np.zeros(0, np.bool_), large)


def no_reversals() -> Reversals:
    return Reversals(nothing_back(), no_orders(), np.zeros(0, np.int64))


def placed(orders: Orders, reversals: Reversals) -> Orders:
    """All that were ever placed: those that count and those wholly undone."""
    return orders.with_others(reversals.undone, reversals.undone_number)


def settled(all_placed: Orders, parts: GoodsBack) -> tuple[Orders, Reversals]:
    """Those that count, and aside what was reversed; the orders given are less what came back already."""
    is_undone = np.zeros(len(all_placed), np.bool_)
    is_undone[parts.order[parts.undoes]] = True
    if not is_undone.any():
        return all_placed, Reversals(parts, no_orders(), np.zeros(0, np.int64))
    return all_placed.only(~is_undone), Reversals(parts, all_placed.only(is_undone), np.flatnonzero(is_undone))


def among(some: NDArray[Value], others: NDArray[Value], number: Ints) -> NDArray[Value]:
    """A column of all, where the others have the numbers `number`, rising."""
    if not len(others):
        return some
    return np.insert(some, number - np.arange(len(number)), others)


def renumbered(wanted: Bools) -> NDArray[np.int32]:
    """Old number → new, where only the wanted stay."""
    return (np.cumsum(wanted) - 1).astype(np.int32)


def list_left(list_minor: Ints, value_minor: Ints, goods_minor: Ints) -> Ints:
    """What goods now worth `value_minor` of `goods_minor` cost before the order's discount: the same share of it."""
    left = np.divide(value_minor, goods_minor, out=np.ones(len(goods_minor)), where=goods_minor > 0)
    return np.maximum(np.rint(list_minor * left).astype(np.int64), value_minor)


def taken_off(as_placed: Orders, parts: GoodsBack) -> Orders:
    """The orders as they were placed, less everything that came back."""
    if not len(parts):
        return as_placed
    goods = as_placed.value_minor
    value = _with(goods, parts.order, -parts.value_minor)
    list_minor, some = as_placed.list_minor.copy(), np.unique(parts.order)
    list_minor[some] = list_left(as_placed.list_minor[some], value[some], goods[some])
    units_back = _with(as_placed.units_back, parts.order, parts.units)
    return replace(as_placed, value_minor=value, list_minor=list_minor, units_back=units_back)


def given_again(all_placed: Orders, parts: GoodsBack, as_of: int) -> Orders:
    """What orders, less all that came back, were at `as_of`: what came back later was kept then."""
    later = parts.only(parts.at > as_of)
    if not len(later):
        return all_placed
    value = _with(all_placed.value_minor, later.order, later.value_minor)
    goods = _with(all_placed.value_minor, parts.order, parts.value_minor)
    list_minor, some = all_placed.list_minor.copy(), later.order
    list_minor[some] = list_left(later.list_minor, value[some], goods[some])
    units_back = _with(all_placed.units_back, some, -later.units)
    return replace(all_placed, value_minor=value, list_minor=list_minor, units_back=units_back)


def _with(column: NDArray[Value], place: Ints, amount: NDArray[np.integer]) -> NDArray[Value]:
    """A copy with every amount added at its place."""
    summed = column.copy()
    np.add.at(summed, place, amount)
    return summed
