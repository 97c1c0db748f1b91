"""`/v1/suppliers`: who supplies the shop, and what they ask for which variant."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.audience_views import check_webhook
from smartshop.backend_api.services.supply_input import SupplierInput, TermsInput, supplier_of, terms_of
from smartshop.backend_api.services.variant_owners import check_variants
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Id, Limit, id_in_path, next_cursor, offset_of
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas import supply
from smartshop.data_collection.schemas.ids import SupplierId, VariantId
from smartshop.errors import NotFound

MAX_BATCH = 1_000


class SuppliersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class TermsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 100
    cursor: Id | None = None


class Supplier(msgspec.Struct, frozen=True, kw_only=True):
    supplier_id: str
    name: str
    email: str | None
    currency: str
    lead_time_days: float | None
    """Null: not known."""
    review_days: int
    fixed_cost_minor: int
    min_order_minor: int
    webhook_url: str | None
    changed_at: str


class SupplierPage(msgspec.Struct, frozen=True):
    items: list[Supplier]
    next_cursor: str | None


class QuantityBreak(msgspec.Struct, frozen=True):
    from_units: int
    unit_cost_minor: int


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: str
    unit_cost_minor: int
    pack_size: int
    min_units: int
    breaks: list[QuantityBreak]
    preferred: bool


class TermsPage(msgspec.Struct, frozen=True):
    items: list[Terms]
    next_cursor: str | None


class TermsBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    terms: Annotated[list[TermsInput], Meta(min_length=1, max_length=MAX_BATCH)]


class TermsStored(msgspec.Struct, frozen=True):
    stored: int


def list_suppliers(service: Service, call: Call[SuppliersQuery, None]) -> SupplierPage:
    suppliers, offset, limit = service.shop.suppliers.all(), offset_of(call.query.cursor), call.query.limit
    page = [_seen(supplier) for supplier in suppliers[offset : offset + limit]]
    return SupplierPage(page, next_cursor(offset, limit, len(suppliers)))


def get_supplier(service: Service, call: Call[None, None]) -> Supplier:
    return _seen(_supplier_in_path(service, call.path("supplier_id")))


def put_supplier(service: Service, call: Call[None, SupplierInput]) -> Answer:
    shop = service.shop
    supplier_id = SupplierId(id_in_path(call.path("supplier_id"), "supplier"))
    check_webhook(shop, call.body.webhook_url)
    told = supplier_of(supplier_id, call.body, shop.currency, shop.clock.now())
    is_new = shop.suppliers.save(told)
    shop.supply_news.tell()
    return Answer(_seen(told), 201 if is_new else 200)


def delete_supplier(service: Service, call: Call[None, None]) -> Response:
    supplier_id = SupplierId(id_in_path(call.path("supplier_id"), "supplier"))
    if not service.shop.suppliers.delete(supplier_id):
        raise NotFound(f"There is no supplier {supplier_id!r}.")
    service.shop.supply_news.tell()
    return Response(status_code=204)


def list_terms(service: Service, call: Call[TermsQuery, None]) -> TermsPage:
    supplier, limit = _supplier_in_path(service, call.path("supplier_id")), call.query.limit
    after = None if call.query.cursor is None else VariantId(call.query.cursor)
    # One more than asked for tells whether there is another page.
    found = service.shop.suppliers.terms(supplier_id=supplier.supplier_id, after=after, limit=limit + 1)
    page = [_seen_terms(terms) for terms in found[:limit]]
    return TermsPage(page, page[-1].variant_id if len(found) > limit else None)


def post_terms(service: Service, call: Call[None, TermsBatch]) -> TermsStored:
    supplier = _supplier_in_path(service, call.path("supplier_id"))
    told = [terms_of(supplier.supplier_id, given) for given in call.body.terms]
    check_variants(service.shop.catalogue, [terms.variant_id for terms in told])
    service.shop.suppliers.set_terms(told)
    service.shop.supply_news.tell()
    service.shop.changed_variants.tell(terms.variant_id for terms in told)
    return TermsStored(len({terms.variant_id for terms in told}))


def delete_terms(service: Service, call: Call[None, None]) -> Response:
    supplier = _supplier_in_path(service, call.path("supplier_id"))
    variant_id = VariantId(id_in_path(call.path("variant_id"), "variant"))
    if not service.shop.suppliers.drop_terms(supplier.supplier_id, variant_id):
        raise NotFound(f"The supplier {supplier.supplier_id!r} has no terms for {variant_id!r}.")
    service.shop.supply_news.tell()
    service.shop.changed_variants.tell([variant_id])
    return Response(status_code=204)


def _supplier_in_path(service: Service, sent: str) -> supply.Supplier:
    supplier_id = SupplierId(id_in_path(sent, "supplier"))
    found = service.shop.suppliers.get(supplier_id)
    if found is None:
        raise NotFound(f"There is no supplier {supplier_id!r}.")
    return found


def _seen(supplier: supply.Supplier) -> Supplier:
    return Supplier(
        supplier_id=supplier.supplier_id,
        name=supplier.name,
        email=supplier.email,
        currency=supplier.currency,
        lead_time_days=supplier.lead_time_days,
        review_days=supplier.review_days,
        fixed_cost_minor=supplier.fixed_cost_minor,
        min_order_minor=supplier.min_order_minor,
        webhook_url=supplier.webhook_url,
        changed_at=format_rfc3339(supplier.changed_at),
    )


def _seen_terms(terms: supply.SupplyTerms) -> Terms:
    return Terms(
        variant_id=terms.variant_id,
        unit_cost_minor=terms.unit_cost_minor,
        pack_size=terms.pack_size,
        min_units=terms.min_units,
        breaks=[QuantityBreak(step.from_units, step.unit_cost_minor) for step in terms.breaks],
        preferred=terms.preferred,
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/suppliers",
        permission=Permission.SECRET,
        handle=list_suppliers,
        summary="The shop's suppliers",
        query=SuppliersQuery,
        answer=SupplierPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/suppliers/{supplier_id}",
        permission=Permission.SECRET,
        handle=get_supplier,
        summary="One supplier",
        answer=Supplier,
    ),
    Endpoint(
        method="PUT",
        path="/v1/suppliers/{supplier_id}",
        permission=Permission.SECRET,
        handle=put_supplier,
        summary="Tell a supplier, or replace it whole; 201 when it is new",
        body=SupplierInput,
        answer=Supplier,
        other_successes=(201,),
    ),
    Endpoint(
        method="DELETE",
        path="/v1/suppliers/{supplier_id}",
        permission=Permission.SECRET,
        handle=delete_supplier,
        summary="Forget a supplier and its terms; not while an order of it is open",
        status=204,
        other_problems=(409,),
    ),
    Endpoint(
        method="GET",
        path="/v1/suppliers/{supplier_id}/terms",
        permission=Permission.SECRET,
        handle=list_terms,
        summary="What a supplier asks for which variant",
        query=TermsQuery,
        answer=TermsPage,
    ),
    Endpoint(
        method="POST",
        path="/v1/suppliers/{supplier_id}/terms",
        permission=Permission.SECRET,
        handle=post_terms,
        summary="Add or replace terms of variants; all of the batch or none",
        body=TermsBatch,
        answer=TermsStored,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/suppliers/{supplier_id}/terms/{variant_id}",
        permission=Permission.SECRET,
        handle=delete_terms,
        summary="The supplier no longer sells this variant",
        status=204,
    ),
)
