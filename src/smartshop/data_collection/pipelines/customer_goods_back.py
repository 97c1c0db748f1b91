"""What came back of which order, and when: refunds and returns held against the orders they undo. Pure.

A credit note that names no order (UCI Online Retail has only such) undoes the customer's newest earlier orders of the
same products, newest first; one that names neither order nor products, the newest earlier orders by their money. Each
sees only what came back before it: what the table tells of a moment does not depend on what came later.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity_rows import NO_ORDER, UNTOLD
from smartshop.data_collection.pipelines.customer_orders import GoodsBack

Ints = NDArray[np.int64]
MAX_UNITS = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Bought:
    """m orders by (customer, time) and their l lines."""

    identity: Ints
    """(m,) hash of the order's id."""
    customer: Ints
    at: Ints
    goods_minor: Ints
    """(m,) after discounts."""
    list_minor: Ints
    """(m,) before."""
    line_order: Ints
    """(l,) index into the orders, rising."""
    line_product: Ints
    line_units: Ints
    line_price: Ints


@dataclass(frozen=True, slots=True)
class CameBack:
    """b refunds and returns and their lines, by time."""

    order: Ints
    """(b,) hash of the order's id, or NO_ORDER."""
    customer: Ints
    at: Ints
    is_refund: NDArray[np.bool_]
    money: Ints
    """(b,) minor units, UNTOLD where only lines are named."""
    line_back: Ints
    """Index into the refunds and returns, rising."""
    line_product: Ints
    line_units: Ints
    line_price: Ints


@dataclass(slots=True)
class _Of:
    """What came back of one order so far."""

    money: int = 0
    refunded: dict[int, int] = field(default_factory=dict)
    """Product → units."""
    returned: dict[int, int] = field(default_factory=dict)
    units: int = 0
    """Per product the larger of what was refunded and what was returned, added up: what is both counts once."""
    is_said_whole: bool = False
    told_value: int = 0
    told_units: int = 0
    is_undone: bool = False

    def take(self, is_refund: bool, product: int, units: int) -> None:
        these, others = (self.refunded, self.returned) if is_refund else (self.returned, self.refunded)
        before, other = these.get(product, 0), others.get(product, 0)
        these[product] = before + units
        self.units += max(before + units, other) - max(before, other)


@dataclass(frozen=True, slots=True)
class _Entry:
    """From `at` on, an order is worth less, has fewer units, or counts no more."""

    order: int
    at: int
    value_minor: int
    units: int
    undoes: bool


def undo(bought: Bought, back: CameBack) -> GoodsBack:
    """Everything that came back, by the orders it came off; what fits no order is left out."""
    entries: list[_Entry] = []
    if len(bought.identity) and len(back.order):
        ledger = _Ledger(bought, back)
        for event in range(len(back.order)):
            entries += ledger.enter(event)
    entries.sort(key=lambda entry: (entry.order, entry.at))
    order = np.array([entry.order for entry in entries], np.int64)
    return GoodsBack(
        order=order,
        at=np.array([entry.at for entry in entries], np.int64),
        value_minor=np.array([entry.value_minor for entry in entries], np.int64),
        units=np.array([entry.units for entry in entries], np.int32),
        undoes=np.array([entry.undoes for entry in entries], np.bool_),
        list_minor=bought.list_minor[order],
    )


class _Ledger:
    """Written event by event, in the order of time."""

    def __init__(self, bought: Bought, back: CameBack) -> None:
        self._bought, self._back = bought, back
        self._of: dict[int, _Of] = {}
        self._named = _named_orders(bought, back)
        self._line_of_event = np.searchsorted(back.line_back, np.arange(len(back.order) + 1))
        self._earlier = _EarlierLines(bought, back)
        self._line_of_order = np.searchsorted(bought.line_order, np.arange(len(bought.identity) + 1))
        # Units of a line not given back yet without naming the order: refunds, then returns.
        self._left: tuple[dict[int, int], dict[int, int]] = {}, {}

    def enter(self, event: int) -> list[_Entry]:
        """What the event changes."""
        order, has_lines = int(self._named[event]), self._line_of_event[event] < self._line_of_event[event + 1]
        if order >= 0:
            touched = self._enter_named(event, order)
        elif int(self._back.order[event]) != NO_ORDER:
            touched = []
        elif has_lines:
            touched = self._enter_products(event)
        else:
            touched = self._enter_money(event)
        at = int(self._back.at[event])
        return [entry for each in dict.fromkeys(touched) if (entry := self._entry(each, at)) is not None]

    def _entry(self, order: int, at: int) -> _Entry | None:
        bought, so_far = self._bought, self._of[order]
        goods, ordered = int(bought.goods_minor[order]), self._units_of(order)
        value, units = min(so_far.money, goods), min(so_far.units, ordered, MAX_UNITS)
        refunded = sum(so_far.refunded.values())
        is_undone = (
            so_far.is_said_whole
            or (refunded > 0 and refunded >= ordered)
            or (so_far.money > 0 and so_far.money >= goods)
        )
        less, fewer = value - so_far.told_value, units - so_far.told_units
        undoes = is_undone and not so_far.is_undone
        so_far.told_value, so_far.told_units, so_far.is_undone = value, units, is_undone
        # A refund may be told of a moment before its order's.
        return _Entry(order, max(at, int(bought.at[order])), less, fewer, undoes) if less or fewer or undoes else None

    def _enter_named(self, event: int, order: int) -> list[int]:
        """What says of which order it is."""
        back, so_far = self._back, self._of.setdefault(order, _Of())
        is_refund, money = bool(back.is_refund[event]), int(back.money[event])
        first, end = self._line_of_event[event : event + 2].tolist()
        if money != UNTOLD:
            so_far.money += max(money, 0)
        elif is_refund and first == end:
            so_far.is_said_whole = True
        for line in range(first, end):
            product, units = int(back.line_product[line]), int(back.line_units[line])
            so_far.take(is_refund, product, units)
            if is_refund and money == UNTOLD:
                price = int(back.line_price[line])
                so_far.money += units * max(self._paid(order, product) if price == UNTOLD else price, 0)
        return [order]

    def _enter_products(self, event: int) -> list[int]:
        """What says only what it is: newest earlier orders first, no unit twice."""
        bought, back, touched = self._bought, self._back, list[int]()
        is_refund = bool(back.is_refund[event])
        left = self._left[0 if is_refund else 1]
        for index in range(*self._line_of_event[event : event + 2].tolist()):
            wanted, price = int(back.line_units[index]), int(back.line_price[index])
            for line in self._earlier.newest_first(index):
                if wanted == 0:
                    break
                taken = min(wanted, left.get(line, int(bought.line_units[line])))
                if taken == 0:
                    continue
                left[line] = left.get(line, int(bought.line_units[line])) - taken
                wanted -= taken
                order = int(bought.line_order[line])
                so_far = self._of.setdefault(order, _Of())
                so_far.take(is_refund, int(bought.line_product[line]), taken)
                touched.append(order)
                if is_refund:
                    paid = int(bought.line_price[line])
                    # Never more than was paid for it: prices on credit notes are sometimes others.
                    so_far.money += taken * (paid if price == UNTOLD else max(min(price, paid), 0))
        return touched

    def _enter_money(self, event: int) -> list[int]:
        """What says only how much: newest earlier orders first, none more than it was worth."""
        bought, back, touched = self._bought, self._back, list[int]()
        money = int(back.money[event]) if back.is_refund[event] else 0
        first, after = np.searchsorted(bought.customer, back.customer[event] + np.arange(2)).tolist()
        end = first + int(np.searchsorted(bought.at[first:after], back.at[event], side="right"))
        for order in range(end - 1, first - 1, -1):
            if money <= 0:
                break
            so_far = self._of.setdefault(order, _Of())
            taken = min(money, max(0, int(bought.goods_minor[order]) - so_far.money))
            so_far.money += taken
            money -= taken
            touched.append(order)
        return touched

    def _units_of(self, order: int) -> int:
        first, end = self._line_of_order[order : order + 2].tolist()
        return int(self._bought.line_units[first:end].sum())

    def _paid(self, order: int, product: int) -> int:
        """Price each of the order's last line of the product; 0 where it has none."""
        first, end = self._line_of_order[order : order + 2].tolist()
        lines = np.flatnonzero(self._bought.line_product[first:end] == product)
        return int(self._bought.line_price[first + lines[-1]]) if len(lines) else 0


def _named_orders(bought: Bought, back: CameBack) -> Ints:
    """(b,) index of the order that each names; -1 where it names none, or one that is not there."""
    rising = np.argsort(bought.identity)
    place = np.searchsorted(bought.identity, back.order, sorter=rising)
    found = rising[np.minimum(place, len(rising) - 1)]
    return np.where((bought.identity[found] == back.order) & (back.order != NO_ORDER), found, -1)


class _EarlierLines:
    """For each line given back without an order: lines of the same customer and product ordered at or before."""

    def __init__(self, bought: Bought, back: CameBack) -> None:
        self._first, self._end = np.zeros((2, len(back.line_product)), np.int64)
        asked = np.flatnonzero(back.order[back.line_back] == NO_ORDER)
        if not len(asked):
            return
        customer = np.concatenate([bought.customer[bought.line_order], back.customer[back.line_back[asked]]])
        product = np.concatenate([bought.line_product, back.line_product[asked]])
        at = np.concatenate([bought.at[bought.line_order], back.at[back.line_back[asked]]])
        is_asked = np.arange(len(at)) >= len(bought.line_product)
        together = np.lexsort((is_asked, at, product, customer))
        asked_sorted = is_asked[together]
        self._lines: Ints = together[~asked_sorted]
        new_group = np.r_[True, (np.diff(customer[together]) != 0) | (np.diff(product[together]) != 0)]
        before: Ints = np.cumsum(~asked_sorted) - ~asked_sorted
        group_start: Ints = before[np.flatnonzero(new_group)][np.cumsum(new_group) - 1]
        asked_number = asked[together[asked_sorted] - len(bought.line_product)]
        self._first[asked_number], self._end[asked_number] = group_start[asked_sorted], before[asked_sorted]

    def newest_first(self, index: int) -> list[int]:
        """Bought lines for the line `index` that came back."""
        lines: list[int] = self._lines[self._first[index] : self._end[index]][::-1].tolist()
        return lines
