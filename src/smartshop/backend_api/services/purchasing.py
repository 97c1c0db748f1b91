"""A new order to a supplier: priced by the supplier's terms, and what is unusual about it in words."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.services.stock_changes import movement_time
from smartshop.backend_api.services.supply_input import check_currency
from smartshop.backend_api.services.variant_owners import check_variants
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.wire import Id, Minor, Quantity, usable_id
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339, to_micros
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.money import MAX_MINOR
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
    Supplier,
    SupplyTerms,
)
from smartshop.errors import Conflict

MAX_LINES = 1_000
LONGEST_WAIT_DAYS = 1_095
"""Three years: a later date is a slip of the pen."""
FIRST_YEAR = 2000


class PurchaseLineInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    variant_id: Id
    units: Quantity
    unit_cost_minor: Minor | None = None
    """Absent: as the supplier's terms say for so many."""


class PurchaseOrderInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    supplier_id: Id
    lines: Annotated[list[PurchaseLineInput], Meta(min_length=1, max_length=MAX_LINES)]
    """Each variant once."""
    purchase_order_id: Id | None = None
    """Makes sending it twice harmless; made by the service when absent."""
    location_id: Id = DEFAULT_LOCATION
    """Where the goods go."""
    expected_at: Moment | None = None
    """Absent: once it is sent, after the supplier's lead time."""
    reference: Id | None = None
    ordered_at: Moment | None = None
    """An order of the past, told afterwards: it was approved and sent then. Absent: a draft."""


class UnknownSupplier(Conflict):
    code = "unknown_supplier"


class SenselessOrder(Conflict):
    code = "senseless_purchase_order"


def new_order(shop: Shop, given: PurchaseOrderInput, now: Micros) -> PurchaseOrder:
    """The draft as it is kept. Blocking.

    Raises:
        UnknownSupplier: nobody told of it.
        UnknownVariant: the catalogue has it not.
        CurrencyMismatch: the supplier bills in another currency than the shop's.
        SenselessOrder: a variant twice, no cost known, more money than can be counted, or a date that cannot be.
    """
    supplier_id = SupplierId(usable_id(given.supplier_id, "supplier_id"))
    supplier = shop.suppliers.get(supplier_id)
    if supplier is None:
        raise UnknownSupplier(f"There is no supplier {supplier_id!r} to order from; PUT /v1/suppliers says who it is.")
    check_currency(supplier, shop.currency)
    wanted = {VariantId(usable_id(line.variant_id, "variant_id")): line for line in given.lines}
    if len(wanted) < len(given.lines):
        raise SenselessOrder("The order names a variant twice; add its units up in one line.")
    check_variants(shop.catalogue, list(wanted))
    terms = {one.variant_id: one for one in shop.suppliers.terms(list(wanted), supplier_id)}
    own_id = given.purchase_order_id
    purchase_order_id = PurchaseOrderId(
        f"po-{uuid.uuid4().hex[:16]}" if own_id is None else usable_id(own_id, "purchase_order_id")
    )
    # Told again it is the same order, whatever the supplier asks by now.
    first = None if own_id is None else shop.purchase_orders.get(purchase_order_id)
    agreed = {} if first is None else {(line.variant_id, line.units): line.unit_cost_minor for line in first.lines}
    order = PurchaseOrder(
        purchase_order_id=purchase_order_id,
        supplier_id=supplier_id,
        status=PurchaseStatus.DRAFT,
        currency=shop.currency,
        lines=tuple(
            PurchaseLine(
                variant_id=variant_id,
                units=line.units,
                unit_cost_minor=_cost(variant_id, line, agreed.get((variant_id, line.units)), terms),
            )
            for variant_id, line in wanted.items()
        ),
        created_at=now,
        location_id=LocationId(usable_id(given.location_id, "location_id")),
        fixed_cost_minor=supplier.fixed_cost_minor,
        expected_at=None if given.expected_at is None else _expected(given, now),
        reference=None if given.reference is None else usable_id(given.reference, "reference"),
    )
    if given.ordered_at is not None:
        order = _sent_then(order, supplier, ordered_time(given.ordered_at, now))
    if order.total_minor > MAX_MINOR:
        raise SenselessOrder(f"The order comes to {order.total_minor} {order.currency} minor units; split it.")
    return order


def _sent_then(order: PurchaseOrder, supplier: Supplier, at: Micros) -> PurchaseOrder:
    """As it stood when it had just been sent."""
    expected = order.expected_at
    if expected is None and supplier.lead_time_days is not None:
        expected = Micros(at + round(supplier.lead_time_days * DAY))
    return msgspec.structs.replace(
        order,
        status=PurchaseStatus.SENT,
        created_at=at,
        approved_at=at,
        sent_at=at,
        expected_at=expected,
    )


def ordered_time(told: datetime, now: Micros) -> Micros:
    """When an order of the past was sent.

    Raises:
        NotYetHappened: more than a day ahead.
        SenselessOrder: before there were such shops.
    """
    if told.year < FIRST_YEAR:
        raise SenselessOrder(
            f"Nothing was ordered at {format_rfc3339(to_micros(told))}; orders of the past begin in {FIRST_YEAR}."
        )
    return movement_time(told, now)


def _expected(given: PurchaseOrderInput, now: Micros) -> Micros:
    """Of an order of the past a time after it, which may be over by now."""
    assert given.expected_at is not None, "asked only where it is told"
    moment = to_micros(given.expected_at)
    if given.ordered_at is None or moment >= now:
        return expected_time(moment, now)
    ordered_at = ordered_time(given.ordered_at, now)
    if not ordered_at <= moment <= ordered_at + LONGEST_WAIT_DAYS * DAY:
        raise SenselessOrder(
            f"The goods were expected at {format_rfc3339(moment)}, and ordered at {format_rfc3339(ordered_at)}; they"
            f" are expected after that, within {LONGEST_WAIT_DAYS} days."
        )
    return moment


def expected_time(moment: Micros, now: Micros) -> Micros:
    """When goods are expected; today's date counts all day long.

    Raises:
        SenselessOrder: it is over, or years ahead.
    """
    if moment < now - DAY or moment > now + LONGEST_WAIT_DAYS * DAY:
        raise SenselessOrder(
            f"The goods cannot be expected at {format_rfc3339(moment)}: it is {format_rfc3339(now)} now, and nothing is"
            f" waited for longer than {LONGEST_WAIT_DAYS} days."
        )
    return moment


def warnings_of(order: PurchaseOrder, supplier: Supplier | None, terms: Sequence[SupplyTerms]) -> list[str]:
    """What the supplier may not accept, in words; none of it keeps an order from being sent. Pure.

    `terms`: the supplier's own, of the order's variants.
    """
    known = {one.variant_id: one for one in terms}
    found = [warning for line in order.lines for warning in _line_warnings(line, known.get(line.variant_id))]
    if supplier is None:
        return [f"The supplier {order.supplier_id!r} was deleted since.", *found]
    if order.goods_minor < supplier.min_order_minor:
        found.append(
            f"The goods come to {order.goods_minor} minor units; {supplier.name} takes orders from"
            f" {supplier.min_order_minor} on."
        )
    return found


def _line_warnings(line: PurchaseLine, terms: SupplyTerms | None) -> list[str]:
    if terms is None:
        return [f"The supplier has no terms for {line.variant_id!r}."]
    found = []
    if line.units < terms.min_units:
        found.append(f"{line.units} of {line.variant_id!r} are fewer than the {terms.min_units} sold at once.")
    if line.units % terms.pack_size:
        packs = -(-line.units // terms.pack_size)
        found.append(
            f"{line.units} of {line.variant_id!r} are no whole packs of {terms.pack_size};"
            f" {packs * terms.pack_size} would be."
        )
    return found


def _cost(
    variant_id: VariantId, given: PurchaseLineInput, agreed: int | None, terms: Mapping[VariantId, SupplyTerms]
) -> int:
    cost = agreed if given.unit_cost_minor is None else given.unit_cost_minor
    if cost is not None:
        return cost
    if variant_id not in terms:
        raise SenselessOrder(f"The supplier has no terms for {variant_id!r}; send its unit_cost_minor.")
    return terms[variant_id].unit_cost_of(given.units)
