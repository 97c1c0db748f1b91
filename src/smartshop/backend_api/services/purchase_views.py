"""Orders to suppliers as operators see them, with what the supplier may not accept; and what they still bring."""

from collections.abc import Sequence

import msgspec

from smartshop.backend_api.services.product_cards import variants_of
from smartshop.backend_api.services.purchase_documents import PurchaseDocuments, documents_of
from smartshop.backend_api.services.purchasing import warnings_of
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.ports import Catalogue
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas import supply
from smartshop.data_collection.schemas.ids import SupplierId, VariantId
from smartshop.data_collection.schemas.supply import SupplyTerms


class PurchaseOrderLine(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: str
    units: int
    unit_cost_minor: int
    received: int
    surplus: int
    """Units that came beyond those ordered."""


class PurchaseOrder(msgspec.Struct, frozen=True, kw_only=True):
    purchase_order_id: str
    supplier_id: str
    status: str
    currency: str
    lines: list[PurchaseOrderLine]
    location_id: str
    fixed_cost_minor: int
    total_minor: int
    expected_at: str | None
    created_at: str
    approved_at: str | None
    sent_at: str | None
    received_at: str | None
    """Of the newest goods."""
    cancelled_at: str | None
    reference: str | None
    warnings: list[str]
    """What the supplier may not accept."""


class IncomingItem(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: str
    location_id: str
    units: int
    purchase_order_id: str
    supplier_id: str
    sent_at: str | None
    expected_at: str | None
    """Null: nobody knows."""


def seen_order(shop: Shop, order: supply.PurchaseOrder) -> PurchaseOrder:
    """Blocking."""
    return seen_orders(shop, [order])[0]


def seen_orders(shop: Shop, orders: Sequence[supply.PurchaseOrder]) -> list[PurchaseOrder]:
    """With two questions however many there are. Blocking."""
    suppliers = {supplier.supplier_id: supplier for supplier in shop.suppliers.all()}
    terms: dict[SupplierId, list[SupplyTerms]] = {}
    for one in shop.suppliers.terms(sorted({line.variant_id for order in orders for line in order.lines})):
        terms.setdefault(one.supplier_id, []).append(one)
    return [
        _seen(order, warnings_of(order, suppliers.get(order.supplier_id), terms.get(order.supplier_id, [])))
        for order in orders
    ]


def _seen(order: supply.PurchaseOrder, warnings: list[str]) -> PurchaseOrder:
    return PurchaseOrder(
        purchase_order_id=order.purchase_order_id,
        supplier_id=order.supplier_id,
        status=order.status.value,
        currency=order.currency,
        lines=[
            PurchaseOrderLine(
                variant_id=line.variant_id,
                units=line.units,
                unit_cost_minor=line.unit_cost_minor,
                received=line.received,
                surplus=line.surplus,
            )
            for line in order.lines
        ],
        location_id=order.location_id,
        fixed_cost_minor=order.fixed_cost_minor,
        total_minor=order.total_minor,
        expected_at=rfc3339_or_none(order.expected_at),
        created_at=format_rfc3339(order.created_at),
        approved_at=rfc3339_or_none(order.approved_at),
        sent_at=rfc3339_or_none(order.sent_at),
        received_at=rfc3339_or_none(order.received_at),
        cancelled_at=rfc3339_or_none(order.cancelled_at),
        reference=order.reference,
        warnings=warnings,
    )


def seen_incoming(one: supply.IncomingUnits) -> IncomingItem:
    return IncomingItem(
        variant_id=one.variant_id,
        location_id=one.location_id,
        units=one.units,
        purchase_order_id=one.purchase_order_id,
        supplier_id=one.supplier_id,
        sent_at=rfc3339_or_none(one.sent_at),
        expected_at=rfc3339_or_none(one.expected_at),
    )


def order_documents(shop: Shop, order: supply.PurchaseOrder) -> PurchaseDocuments:
    """Blocking."""
    titles = titles_of(shop.catalogue, [line.variant_id for line in order.lines])
    return documents_of(order, shop.suppliers.get(order.supplier_id), titles, shop.name)


def titles_of(catalogue: Catalogue, variant_ids: Sequence[VariantId]) -> dict[VariantId, str]:
    """What variants are called: the product, and what tells this one from its others."""
    listed = catalogue.get(list(dict.fromkeys(catalogue.product_of(variant_ids).values())))
    titles = {}
    for entry in listed.values():
        for variant in variants_of(entry.product):
            titles[variant.variant_id] = " ".join(filter(None, (entry.product.title, variant.title)))
    return titles
