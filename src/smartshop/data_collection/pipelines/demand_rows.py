"""Orders and refunds as growing columns: what was wanted, of what, where and when, and what was called off.

The books are read, not the log: an erased customer's events are gone, and what they bought was demand all the same.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from smartshop.data_collection.pipelines.growing_column import growing
from smartshop.data_collection.schemas.ids import CustomerId, LocationId, OrderId, ProductId, ProductNo, VariantId
from smartshop.data_collection.schemas.orders import Order, OrderLine, Refund
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION

UNKNOWN, UNTOLD = -1, -1


@dataclass(slots=True)
class Lines:
    """One entry per line of an order or refund."""

    of: "array[int]" = field(default_factory=growing("i"))
    """Number of the order or refund."""
    product: "array[int]" = field(default_factory=growing("i"))
    variant: "array[int]" = field(default_factory=growing("i"))
    units: "array[int]" = field(default_factory=growing("q"))
    price: "array[int]" = field(default_factory=growing("q"))
    """Minor units of the shop's currency; UNTOLD where the line has none in it."""


@dataclass(slots=True)
class DemandRows:
    """Everything told so far. An order told again is told once; lines of no or fewer units are counted and left out."""

    number_of: Mapping[ProductId, ProductNo]
    currency: str
    orders: dict[OrderId, int] = field(default_factory=dict)
    customers: dict[CustomerId, int] = field(default_factory=dict)
    variants: dict[VariantId, int] = field(default_factory=dict)
    locations: dict[LocationId, int] = field(default_factory=lambda: {DEFAULT_LOCATION: 0})
    at: "array[int]" = field(default_factory=growing("q"))
    customer: "array[int]" = field(default_factory=growing("i"))
    location: "array[int]" = field(default_factory=growing("i"))
    goods_minor: "array[int]" = field(default_factory=growing("q"))
    discount_minor: "array[int]" = field(default_factory=growing("q"))
    lines: Lines = field(default_factory=Lines)
    refund_at: "array[int]" = field(default_factory=growing("q"))
    refund_order: "array[int]" = field(default_factory=growing("i"))
    refund_customer: "array[int]" = field(default_factory=growing("i"))
    refund_money: "array[int]" = field(default_factory=growing("q"))
    """Minor units of a refund without lines, 0 for the whole order; UNTOLD: by lines, or in another currency."""
    refund_lines: Lines = field(default_factory=Lines)
    currencies: list[str] = field(default_factory=list)
    """Of each order."""
    unlocated: bool = False
    """Some order names no location: such goods are taken from wherever there are some."""
    lines_left_out: int = 0
    """Of products that nobody knows, or with fewer than one unit."""

    def add_order(self, order: Order) -> None:
        if order.order_id in self.orders:
            return
        number = self.orders[order.order_id] = len(self.orders)
        is_own = order.currency == self.currency
        self.currencies.append(order.currency)
        self.at.append(order.ordered_at)
        self.customer.append(self._customer(order.customer_id))
        self.unlocated |= order.location_id is None
        self.location.append(self.locations.setdefault(order.location_id or DEFAULT_LOCATION, len(self.locations)))
        self.goods_minor.append(sum([max(line.quantity, 0) * (line.unit_price_minor or 0) for line in order.lines]))
        self.discount_minor.append(max(order.discount_minor, 0))
        self._add_lines(self.lines, number, order.lines, is_own)

    def add_refund(self, refund: Refund) -> None:
        """Of an order not told before: nothing it could call off."""
        order = UNKNOWN if refund.order_id is None else self.orders.get(refund.order_id, UNKNOWN)
        customer = UNKNOWN if refund.customer_id is None else self.customers.get(refund.customer_id, UNKNOWN)
        if order == UNKNOWN and (refund.order_id is not None or customer == UNKNOWN):
            return
        number = len(self.refund_at)
        is_whole = not refund.lines and refund.amount_minor <= 0
        by_money = not refund.lines and order != UNKNOWN and refund.currency == self.currencies[order]
        self.refund_at.append(refund.refunded_at)
        self.refund_order.append(order)
        self.refund_customer.append(customer)
        self.refund_money.append(0 if is_whole else refund.amount_minor if by_money else UNTOLD)
        self._add_lines(self.refund_lines, number, refund.lines, False)

    def forget_orders(self) -> None:
        """Their names and lines, once nothing more is told: they are most of what a long history weighs."""
        self.orders, self.customers, self.currencies = {}, {}, []
        self.lines, self.refund_lines = Lines(), Lines()

    def _customer(self, customer_id: CustomerId | None) -> int:
        return UNKNOWN if customer_id is None else self.customers.setdefault(customer_id, len(self.customers))

    def _add_lines(self, lines: Lines, number: int, told: Sequence[OrderLine], is_own: bool) -> None:
        """Column by column: a wholesaler's order has a thousand lines, and there may be millions."""
        number_of, variants = self.number_of, self.variants
        products = [number_of.get(line.product_id, number_of.get(ProductId(line.variant_id), UNKNOWN)) for line in told]
        if UNKNOWN in products or any(line.quantity < 1 for line in told):
            good = [(no, line) for no, line in zip(products, told, strict=True) if no != UNKNOWN and line.quantity > 0]
            self.lines_left_out += len(told) - len(good)
            products, told = [no for no, _ in good], [line for _, line in good]
        lines.of.extend([number] * len(told))
        lines.product.extend(products)
        lines.variant.extend([variants.setdefault(line.variant_id, len(variants)) for line in told])
        lines.units.extend([line.quantity for line in told])
        prices = [line.unit_price_minor for line in told]
        lines.price.extend([price if is_own and price is not None else UNTOLD for price in prices])
