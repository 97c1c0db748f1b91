"""Collects the log's events for the table of customers: growing columns, no object kept per event."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS
from smartshop.data_collection.pipelines.growing_column import growing
from smartshop.data_collection.schemas.events import (
    INTEREST_WEIGHT,
    EventKind,
    ProductLine,
    StoredEvent,
    Traffic,
    Trust,
)
from smartshop.data_collection.schemas.ids import CustomerId, ProductId, ProductNo

SIGN_NUMBERS = {kind: number for number, kind in enumerate(SIGN_KINDS)}
ACTIVITY_KINDS = (*SIGN_KINDS, EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED, EventKind.ORDER_RETURNED)
"""What is read of the log."""
UNKNOWN_PRODUCT = -1
UNTOLD = -1
"""In place of an amount or price that the event does not say."""
NO_ORDER = 0
"""In place of an order's hash, for what came back without saying of which order."""
MAX_NAMES = 30_000
"""Channels and devices told apart; what comes later counts as unknown."""

_TRUST_RANK = {Trust.CLIENT: 0, Trust.SHOPPER: 1, Trust.SERVER: 2}


class Whose(NamedTuple):
    """The customer an event belongs to."""

    customer_id: CustomerId
    is_vouched: bool
    """False: merely claimed; it counts only while nothing at all was ever vouched for this customer."""


WhoseOf = Callable[[StoredEvent], Whose | None]
"""None: no customer's whose doings may be used."""


@dataclass(slots=True)
class Told:
    """Columns that every kind of row has: whose, when, and which telling of what."""

    identity: "array[int]" = field(default_factory=growing("q"))
    """Hash of (customer, event id), or of the order's id: the same thing told through two doors."""
    trust: "array[int]" = field(default_factory=growing("b"))
    """0 client, 1 shopper, 2 server."""
    is_vouched: "array[int]" = field(default_factory=growing("b"))
    customer: "array[int]" = field(default_factory=growing("i"))
    at: "array[int]" = field(default_factory=growing("q"))


@dataclass(slots=True)
class SignRows:
    """One row per sign; an event about several products gives several."""

    told: Told = field(default_factory=Told)
    kind: "array[int]" = field(default_factory=growing("b"))
    product: "array[int]" = field(default_factory=growing("i"))
    is_first: "array[int]" = field(default_factory=growing("b"))
    """1 on the first sign of an event, 0 on the others of the same one."""
    session: "array[int]" = field(default_factory=growing("q"))
    """Hash of the session's id; 0 without one."""
    device: "array[int]" = field(default_factory=growing("h"))


@dataclass(slots=True)
class LineRows:
    """One row per line of an order, or of what came back."""

    product: "array[int]" = field(default_factory=growing("i"))
    units: "array[int]" = field(default_factory=growing("q"))
    price: "array[int]" = field(default_factory=growing("q"))
    """Minor units each; UNTOLD where not said."""


@dataclass(slots=True)
class OrderRows:
    """One row per order."""

    told: Told = field(default_factory=Told)
    tie: "array[int]" = field(default_factory=growing("q"))
    """Orders of one moment stand by this, in every process alike."""
    discount: "array[int]" = field(default_factory=growing("q"))
    is_foreign: "array[int]" = field(default_factory=growing("b"))
    channel: "array[int]" = field(default_factory=growing("h"))
    device: "array[int]" = field(default_factory=growing("h"))
    n_lines: "array[int]" = field(default_factory=growing("i"))
    lines: LineRows = field(default_factory=LineRows)


@dataclass(slots=True)
class BackRows:
    """One row per refund or return."""

    told: Told = field(default_factory=Told)
    tie: "array[int]" = field(default_factory=growing("q"))
    """What came back at one moment stands by this, in every process alike."""
    order: "array[int]" = field(default_factory=growing("q"))
    """The order's hash, or NO_ORDER."""
    is_refund: "array[int]" = field(default_factory=growing("b"))
    money: "array[int]" = field(default_factory=growing("q"))
    """Minor units given back; UNTOLD where only lines are named."""
    n_lines: "array[int]" = field(default_factory=growing("i"))
    lines: LineRows = field(default_factory=LineRows)


@dataclass(slots=True)
class ActivityRows:
    """Everything told of customers so far."""

    number_of: Mapping[ProductId, ProductNo]
    whose: WhoseOf
    currency: str
    """The shop's; an order in another one is counted and kept out."""
    vouched: set[CustomerId] = field(default_factory=set)
    """Customers of whom anything was vouched for."""
    customers: dict[CustomerId, int] = field(default_factory=dict)
    signs: SignRows = field(default_factory=SignRows)
    orders: OrderRows = field(default_factory=OrderRows)
    back: BackRows = field(default_factory=BackRows)
    channels: dict[str, int] = field(default_factory=lambda: {"": 0})
    devices: dict[str, int] = field(default_factory=lambda: {"": 0})
    newest_at: int = 0
    """µs UTC, of human events, of whomever."""
    log_no: int = 0

    def add(self, log_no: int, event: StoredEvent) -> None:
        """Take one event of the log in; what is not human or no customer's only moves the time."""
        self.log_no = max(self.log_no, log_no)
        is_human = event.traffic is Traffic.HUMAN
        if is_human and event.occurred_at > self.newest_at:
            self.newest_at = event.occurred_at
        whose = self.whose(event)
        if whose is None:
            return
        if whose.is_vouched and event.trust is not Trust.CLIENT:
            self.vouched.add(whose.customer_id)
        if not is_human:
            return
        match event.kind:
            case EventKind.ORDER_COMPLETED:
                if event.is_shops_word:
                    self._add_order(whose, event)
            case EventKind.ORDER_REFUNDED | EventKind.ORDER_RETURNED:
                if event.is_shops_word:
                    self._add_back(whose, event)
            case _:
                self._add_sign(whose, event)

    def _add_sign(self, whose: Whose, event: StoredEvent) -> None:
        kind = SIGN_NUMBERS.get(event.kind)
        if kind is None:
            return
        rows = self.signs
        identity = hash((whose.customer_id, event.event_id))
        session = 0 if event.session_id is None else hash((whose.customer_id, event.session_id)) or 1
        device = _number(self.devices, event.context.device) if event.context is not None else 0
        for place, product in enumerate(self._products_of(event)):
            self._tell(rows.told, identity, whose, event)
            rows.is_first.append(place == 0)
            rows.kind.append(kind)
            rows.product.append(product)
            rows.session.append(session)
            rows.device.append(device)

    def _products_of(self, event: StoredEvent) -> list[int]:
        """One sign per product where liking is told by it; else one sign, of the only product if there is one."""
        products = [self._number_of(line) for line in event.products]
        if len(products) == 1:
            return products
        if products and event.kind in INTEREST_WEIGHT:
            return sorted(set(products))
        return [UNKNOWN_PRODUCT]

    def _add_order(self, whose: Whose, event: StoredEvent) -> None:
        rows, context = self.orders, event.context
        name = event.order_id if event.order_id is not None else (whose.customer_id, event.event_id)
        self._tell(rows.told, hash(name) or 1, whose, event)
        rows.tie.append(crc32((event.order_id or event.event_id).encode()))
        rows.discount.append(event.discount_minor or 0)
        rows.is_foreign.append(event.currency is not None and event.currency != self.currency)
        rows.channel.append(_number(self.channels, context.channel) if context is not None else 0)
        rows.device.append(_number(self.devices, context.device) if context is not None else 0)
        rows.n_lines.append(len(event.products))
        self._add_lines(rows.lines, event.products)

    def _add_back(self, whose: Whose, event: StoredEvent) -> None:
        rows = self.back
        if event.currency is not None and event.currency != self.currency:
            return
        is_refund = event.kind is EventKind.ORDER_REFUNDED
        self._tell(rows.told, hash((whose.customer_id, event.event_id)), whose, event)
        rows.tie.append(crc32(event.event_id.encode()))
        rows.order.append(NO_ORDER if event.order_id is None else hash(event.order_id) or 1)
        rows.is_refund.append(is_refund)
        rows.money.append(UNTOLD if event.amount_minor is None or not is_refund else event.amount_minor)
        rows.n_lines.append(len(event.products))
        self._add_lines(rows.lines, event.products)

    def _tell(self, told: Told, identity: int, whose: Whose, event: StoredEvent) -> None:
        told.identity.append(identity)
        told.trust.append(_TRUST_RANK[event.trust])
        told.is_vouched.append(whose.is_vouched)
        told.customer.append(self.customers.setdefault(whose.customer_id, len(self.customers)))
        told.at.append(event.occurred_at)

    def _add_lines(self, rows: LineRows, lines: tuple[ProductLine, ...]) -> None:
        number_of = self._number_of
        rows.product.extend([number_of(line) for line in lines])
        rows.units.extend([1 if line.quantity is None else line.quantity for line in lines])
        rows.price.extend([UNTOLD if line.price_minor is None else line.price_minor for line in lines])

    def _number_of(self, line: ProductLine) -> int:
        number = self.number_of.get(line.product_id) if line.product_id is not None else None
        if number is None and line.variant_id is not None:
            number = self.number_of.get(ProductId(line.variant_id))
        return UNKNOWN_PRODUCT if number is None else number


def _number(names: dict[str, int], name: str | None) -> int:
    if name is None:
        return 0
    known = names.get(name)
    if known is not None:
        return known
    if len(names) >= MAX_NAMES:
        return 0
    return names.setdefault(name, len(names))
