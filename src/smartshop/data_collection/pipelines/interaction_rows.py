"""Collects the log's events for learning: whose, which product, when, in which order; every event once."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.growing_column import growing
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import OrderId, ProductId, ProductNo, ShopperKey

Owner = tuple[bool, ShopperKey]
"""(is a customer, key)"""
OwnerOf = Callable[[StoredEvent], Owner]
NO_ORDER = -1
UNKNOWN_PRODUCT = -1


Number = TypeVar("Number", np.int8, np.int32, np.int64)


def as_numbers(column: "array[int]", dtype: type[Number]) -> NDArray[Number]:
    """A column as an array of its own; `frombuffer` refuses an empty one."""
    return np.frombuffer(column, dtype).copy() if column else np.zeros(0, dtype)


@dataclass(slots=True)
class Refunded:
    """What came back of one order, over all its refunds."""

    money_minor: int = 0
    units: int = 0
    said_whole: bool = False
    """A refund that names neither lines nor an amount means the whole order."""


@dataclass(slots=True)
class InteractionRows:
    """Growing columns: one entry per event, and one per line in `product` and `quantity` (events' lines in a row)."""

    number_of: Mapping[ProductId, ProductNo]
    owner_of: OwnerOf
    kind_numbers: Mapping[EventKind, int]
    identity: "array[int]" = field(default_factory=growing("q"))
    """Hash of (owner, event id): the same event told through two doors, or before and after signing in."""
    claimed: "array[int]" = field(default_factory=growing("b"))
    shopper: "array[int]" = field(default_factory=growing("i"))
    kind: "array[int]" = field(default_factory=growing("b"))
    occurred_at: "array[int]" = field(default_factory=growing("q"))
    order: "array[int]" = field(default_factory=growing("i"))
    n_lines: "array[int]" = field(default_factory=growing("i"))
    product: "array[int]" = field(default_factory=growing("i"))
    quantity: "array[int]" = field(default_factory=growing("i"))
    order_goods_minor: "array[int]" = field(default_factory=growing("q"))
    """(n_orders,): value of the lines after discounts."""
    shoppers: dict[Owner, int] = field(default_factory=dict)
    orders: dict[OrderId, int] = field(default_factory=dict)
    refunded: dict[OrderId, Refunded] = field(default_factory=dict)
    log_no: int = 0

    def add(self, log_no: int, event: StoredEvent) -> None:
        """Take one event of the log in; what is not human, not about a product, or only claims an order is left."""
        self.log_no = max(self.log_no, log_no)
        if event.traffic is not Traffic.HUMAN:
            return
        if event.kind is EventKind.ORDER_REFUNDED:
            self._add_refund(event)
            return
        kind = self.kind_numbers.get(event.kind)
        if kind is None:
            return
        order_no = NO_ORDER
        if event.kind is EventKind.ORDER_COMPLETED:
            if not event.is_shops_word or event.order_id in self.orders:
                return
            order_no = self._open_order(event)
        owner = self.owner_of(event)
        self.identity.append(hash((*owner, event.event_id)))
        self.claimed.append(event.trust is Trust.CLIENT)
        self.shopper.append(self.shoppers.setdefault(owner, len(self.shoppers)))
        self.kind.append(kind)
        self.occurred_at.append(event.occurred_at)
        self.order.append(order_no)
        self._add_lines(event.products)

    def refunded_orders(self, units_ordered: NDArray[np.int64]) -> NDArray[np.int32]:
        """Numbers of the orders that came back whole. `units_ordered`: (n_orders,) units over all lines."""
        whole = [
            number
            for order_id, back in self.refunded.items()
            if (number := self.orders.get(order_id)) is not None
            and (
                back.said_whole
                or (back.units > 0 and back.units >= units_ordered[number])
                or (back.money_minor > 0 and back.money_minor >= self.order_goods_minor[number])
            )
        ]
        return np.array(whole, np.int32)

    def _open_order(self, event: StoredEvent) -> int:
        number = len(self.order_goods_minor)
        if event.order_id is not None:
            self.orders[event.order_id] = number
        goods_minor = sum(_units(line) * (line.price_minor or 0) for line in event.products)
        self.order_goods_minor.append(goods_minor - (event.discount_minor or 0))
        return number

    def _add_lines(self, lines: tuple[ProductLine, ...]) -> None:
        number_of = self.number_of
        before = len(self.product)
        for line in lines:
            number = number_of.get(line.product_id) if line.product_id is not None else None
            if number is None and line.variant_id is not None:
                number = number_of.get(ProductId(line.variant_id))
            # An unknown product stays as a line: the order's units are needed to know whether it came back whole.
            self.product.append(UNKNOWN_PRODUCT if number is None else number)
            self.quantity.append(_units(line))
        self.n_lines.append(len(self.product) - before)

    def _add_refund(self, event: StoredEvent) -> None:
        if event.order_id is None or not event.is_shops_word:
            return
        back = self.refunded.setdefault(event.order_id, Refunded())
        back.money_minor += event.amount_minor or 0
        back.units += sum(_units(line) for line in event.products)
        back.said_whole |= event.amount_minor is None and not event.products


def _units(line: ProductLine) -> int:
    return 1 if line.quantity is None else line.quantity
