"""What money goes back with units that are called off, beside what was refunded of their order before. Pure.

The order's discount is spread over its lines by their value, and a line's money over its units, each as differences of
sums rounded down: all parts of an order together are what its goods cost, whatever parts it is called off in. Freight
and tax are no line's; a shop that gives them back tells so by an amount.
"""

from collections.abc import Mapping, Sequence

from smartshop.data_collection.schemas.ids import LineId
from smartshop.data_collection.schemas.orders import Order, OrderLine, Refund, units_by_line, units_called_off


def refundable_minor(order: Order, lines: Sequence[OrderLine], before: Sequence[Refund]) -> int:
    """Minor units for these units of its lines: never more than was paid for them and not given back `before`.

    `before`: every other refund of the order that counts; in another currency it is of other money.
    """
    paid = _paid_by_line(order)
    units, gone = units_by_line(order), units_called_off(order, before)
    own = [refund for refund in before if refund.currency == order.currency]
    told = _told_by_line(order, paid, [refund for refund in own if not refund.is_called_off])
    amount = 0
    for line in lines:
        of_line, ordered, had = paid[line.line_id], units[line.line_id], gone.get(line.line_id, 0)
        now = gone[line.line_id] = min(had + line.quantity, ordered)
        already = of_line * had // ordered
        wanted = of_line * now // ordered - already
        amount += max(0, min(wanted, of_line - already - told.get(line.line_id, 0)))
    left = sum(paid.values()) - sum(_amount(order, paid, refund) for refund in own)
    return max(0, min(amount, left))


def _paid_by_line(order: Order) -> dict[LineId, int]:
    """Minor units, the order's discount taken off."""
    worth = [max(line.quantity, 0) * (line.unit_price_minor or 0) for line in order.lines]
    goods = sum(worth)
    cost = max(goods - max(order.discount_minor, 0), 0)
    paid: dict[LineId, int] = {}
    so_far = 0
    for line, of_line in zip(order.lines, worth, strict=True):
        share = cost * (so_far + of_line) // goods - cost * so_far // goods if goods else 0
        paid[line.line_id] = paid.get(line.line_id, 0) + share
        so_far += of_line
    return paid


def _amount(order: Order, paid: Mapping[LineId, int], refund: Refund) -> int:
    if refund.is_called_off or refund.amount_minor > 0:
        return max(refund.amount_minor, 0)
    if not refund.lines:
        return sum(paid.values())
    # Lines without a price: what was paid for them.
    return sum(of_line for _, of_line in _worth(order, paid, refund))


def _told_by_line(order: Order, paid: Mapping[LineId, int], refunds: Sequence[Refund]) -> dict[LineId, int]:
    """What refunds that name lines gave back of each, by the lines' shares of the refund."""
    told: dict[LineId, int] = {}
    for refund in refunds:
        worth = _worth(order, paid, refund)
        whole = sum(of_line for _, of_line in worth)
        for line_id, of_line in worth if whole else ():
            told[line_id] = told.get(line_id, 0) + _amount(order, paid, refund) * of_line // whole
    return told


def _worth(order: Order, paid: Mapping[LineId, int], refund: Refund) -> list[tuple[LineId, int]]:
    """The order's lines that a refund names, and what was paid for so many units of each."""
    found, ordered = [], units_by_line(order)
    for told in refund.lines:
        line_id = _line_of(order, told)
        if line_id is not None and ordered[line_id] > 0 and told.quantity > 0:
            found.append((line_id, paid[line_id] * min(told.quantity, ordered[line_id]) // ordered[line_id]))
    return found


def _line_of(order: Order, told: OrderLine) -> LineId | None:
    """A refund told by itself may number its lines anew; its goods are the same."""
    same = [line.line_id for line in order.lines if line.variant_id == told.variant_id]
    return told.line_id if told.line_id in same else next(iter(same), None)
