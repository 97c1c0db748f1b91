"""What came back of which order: refunds and returns taken off the orders they undo. Pure arrays.

A credit note that names no order (UCI Online Retail has only such) undoes the customer's newest earlier orders of the
same products, newest first; one that names neither order nor products, the newest earlier orders by their money.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.customer_activity_rows import NO_ORDER, UNTOLD

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bought:
    """m orders by (customer, time) and their l lines."""

    identity: Ints
    """(m,) hash of the order's id."""
    customer: Ints
    at: Ints
    goods_minor: Ints
    """(m,) after discounts."""
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

    def only(self, keep: NDArray[np.bool_]) -> "CameBack":
        """Those of `keep` (b,), with their lines."""
        kept_lines = keep[self.line_back]
        renumbered = np.cumsum(keep) - 1
        return CameBack(
            order=self.order[keep],
            customer=self.customer[keep],
            at=self.at[keep],
            is_refund=self.is_refund[keep],
            money=self.money[keep],
            line_back=renumbered[self.line_back[kept_lines]],
            line_product=self.line_product[kept_lines],
            line_units=self.line_units[kept_lines],
            line_price=self.line_price[kept_lines],
        )


@dataclass(frozen=True, slots=True)
class Undone:
    """Per order, (m,) each."""

    money: Ints
    """Minor units given back."""
    units: Ints
    """Refunded by line or returned; what is both counts once."""
    is_whole: NDArray[np.bool_]


@dataclass(slots=True)
class _Ledger:
    """Filled entry by entry."""

    money: Ints
    refunded_units: Ints
    said_whole: NDArray[np.bool_]
    refunds: list[tuple[int, int, int]]
    """(order, product, units)"""
    returns: list[tuple[int, int, int]]


def undo(bought: Bought, back: CameBack) -> Undone:
    """Take everything that came back off the orders; what fits no order is left."""
    m = len(bought.identity)
    ledger = _Ledger(np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.bool_), [], [])
    if m and len(back.order):
        named = back.order != NO_ORDER
        _undo_named(ledger, bought, back.only(named))
        _undo_unnamed(ledger, bought, back.only(~named))
    units = np.zeros(m, np.int64)
    for order, count in _larger_of(ledger.refunds, ledger.returns).items():
        units[order] = count
    ordered = np.bincount(bought.line_order, weights=bought.line_units, minlength=m).astype(np.int64)
    all_units = (ledger.refunded_units > 0) & (ledger.refunded_units >= ordered)
    all_money = (ledger.money > 0) & (ledger.money >= bought.goods_minor)
    return Undone(
        money=np.minimum(ledger.money, bought.goods_minor),
        units=np.minimum(units, ordered),
        is_whole=ledger.said_whole | all_units | all_money,
    )


def _larger_of(refunds: list[tuple[int, int, int]], returns: list[tuple[int, int, int]]) -> dict[int, int]:
    """Order → units: per product the larger of what was refunded and what was returned, added up."""
    per_product: list[dict[tuple[int, int], int]] = [{}, {}]
    for told, entries in zip(per_product, (refunds, returns), strict=True):
        for order, product, units in entries:
            told[order, product] = told.get((order, product), 0) + units
    refunded, returned = per_product
    units_of: dict[int, int] = {}
    for pair in refunded.keys() | returned.keys():
        most = max(refunded.get(pair, 0), returned.get(pair, 0))
        units_of[pair[0]] = units_of.get(pair[0], 0) + most
    return units_of


def _undo_named(ledger: _Ledger, bought: Bought, back: CameBack) -> None:
    """What says of which order it is."""
    rising = np.argsort(bought.identity)
    place = np.searchsorted(bought.identity, back.order, sorter=rising)
    found = rising[np.minimum(place, len(rising) - 1)]
    order = np.where(bought.identity[found] == back.order, found, -1)
    n_lines = np.bincount(back.line_back, minlength=len(order))
    told_money = (order >= 0) & (back.money != UNTOLD)
    np.add.at(ledger.money, order[told_money], back.money[told_money])
    ledger.said_whole[order[(order >= 0) & back.is_refund & ~told_money & (n_lines == 0)]] = True
    paid: dict[tuple[int, int], int] = {}
    touched = np.isin(bought.line_order, order)
    for line in np.flatnonzero(touched).tolist():
        paid[int(bought.line_order[line]), int(bought.line_product[line])] = int(bought.line_price[line])
    for line, of in enumerate(back.line_back.tolist()):
        number, product, units = int(order[of]), int(back.line_product[line]), int(back.line_units[line])
        if number < 0:
            continue
        if not back.is_refund[of]:
            ledger.returns.append((number, product, units))
            continue
        ledger.refunds.append((number, product, units))
        ledger.refunded_units[number] += units
        if back.money[of] == UNTOLD:
            price = int(back.line_price[line])
            ledger.money[number] += units * (paid.get((number, product), 0) if price == UNTOLD else price)


def _undo_unnamed(ledger: _Ledger, bought: Bought, back: CameBack) -> None:
    """What says only who gave it back: newest earlier orders first, no unit twice."""
    first, end, lines = _earlier_lines(bought, back)
    refundable, returnable = bought.line_units.tolist(), bought.line_units.tolist()
    for index, of in enumerate(back.line_back.tolist()):
        is_refund = bool(back.is_refund[of])
        left, wanted = refundable if is_refund else returnable, int(back.line_units[index])
        for line in lines[first[index] : end[index]][::-1].tolist():
            if wanted == 0:
                break
            taken = min(wanted, left[line])
            if taken == 0:
                continue
            left[line] -= taken
            wanted -= taken
            order, product = int(bought.line_order[line]), int(bought.line_product[line])
            (ledger.refunds if is_refund else ledger.returns).append((order, product, taken))
            if is_refund:
                price, paid = int(back.line_price[index]), int(bought.line_price[line])
                ledger.refunded_units[order] += taken
                # Never more than was paid for it: prices on credit notes are sometimes others.
                ledger.money[order] += taken * (paid if price == UNTOLD else min(price, paid))
    has_lines = np.bincount(back.line_back, minlength=len(back.order)) > 0
    for index in np.flatnonzero(back.is_refund & ~has_lines & (back.money > 0)).tolist():
        _undo_money(ledger, bought, int(back.customer[index]), int(back.at[index]), int(back.money[index]))


def _earlier_lines(bought: Bought, back: CameBack) -> tuple[Ints, Ints, Ints]:
    """For each line that came back, the stretch [first, end) of `lines`: those of the same customer and product
    ordered at or before, by time."""
    asked_customer, asked_at = back.customer[back.line_back], back.at[back.line_back]
    customer = np.concatenate([bought.customer[bought.line_order], asked_customer])
    product = np.concatenate([bought.line_product, back.line_product])
    at = np.concatenate([bought.at[bought.line_order], asked_at])
    is_asked = np.arange(len(at)) >= len(bought.line_product)
    together = np.lexsort((is_asked, at, product, customer))
    asked_sorted = is_asked[together]
    lines = together[~asked_sorted]
    new_group = np.r_[True, np.diff(customer[together]).astype(bool) | np.diff(product[together]).astype(bool)]
    before: Ints = np.cumsum(~asked_sorted) - ~asked_sorted
    group_start: Ints = before[np.flatnonzero(new_group)][np.cumsum(new_group) - 1]
    first = np.zeros(len(back.line_product), np.int64)
    end = np.zeros(len(back.line_product), np.int64)
    asked_number = together[asked_sorted] - len(bought.line_product)
    first[asked_number], end[asked_number] = group_start[asked_sorted], before[asked_sorted]
    return first, end, lines


def _undo_money(ledger: _Ledger, bought: Bought, customer: int, at: int, money: int) -> None:
    first, after = np.searchsorted(bought.customer, [customer, customer + 1]).tolist()
    end = first + int(np.searchsorted(bought.at[first:after], at, side="right"))
    for order in range(end - 1, first - 1, -1):
        taken = min(money, max(0, int(bought.goods_minor[order]) - int(ledger.money[order])))
        ledger.money[order] += taken
        money -= taken
        if money == 0:
            return
