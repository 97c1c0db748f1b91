"""`/v1/purchase-orders`: drafted, approved, sent, received in parts; and what is still to come."""

import asyncio
import uuid
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.services.purchase_documents import PurchaseDocuments
from smartshop.backend_api.services.purchase_views import (
    IncomingItem,
    PurchaseOrder,
    order_documents,
    seen_incoming,
    seen_order,
    seen_orders,
)
from smartshop.backend_api.services.purchasing import (
    MAX_LINES,
    PurchaseOrderInput,
    expected_time,
    new_order,
)
from smartshop.backend_api.services.stock_changes import movement_time, tell_stock_changed
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import MAX_PAGE, Id, Limit, Quantity, TimeCursor, id_in_path, usable_id
from smartshop.data_collection.pipelines.clock import format_rfc3339, to_micros
from smartshop.data_collection.pipelines.purchase_push import send_job
from smartshop.data_collection.schemas import supply
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import PurchaseOrderId, PurchaseReceipt, PurchaseStatus
from smartshop.errors import NotFound


class PurchaseOrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: PurchaseStatus | None = None
    supplier_id: Id | None = None
    limit: Limit = 50
    cursor: TimeCursor | None = None


class SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expected_at: Moment | None = None
    """Absent: as drafted, else after the supplier's lead time."""


class ReceivedLineInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    variant_id: Id
    units: Quantity


class ReceiveRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    receipt_id: Id | None = None
    """Of the delivery note; makes sending it twice harmless. Made by the service when absent."""
    received_at: Moment | None = None
    lines: Annotated[list[ReceivedLineInput], Meta(max_length=MAX_LINES)] = []
    """Empty: everything that is still open."""
    in_stock_already: bool = False
    """The levels hold these goods: they were counted or told as movements since. Only the lead time is learned."""


class PurchaseOrderPage(msgspec.Struct, frozen=True):
    items: list[PurchaseOrder]
    next_cursor: str | None


class PurchaseOrderSent(msgspec.Struct, frozen=True):
    purchase_order: PurchaseOrder
    documents: PurchaseDocuments
    webhook_job_id: int | None
    """The job that brings it to the supplier's webhook, as /v1/jobs tells; null: there is none, so send it yourself."""


class GoodsReceived(msgspec.Struct, frozen=True, kw_only=True):
    purchase_order: PurchaseOrder
    receipt_id: str
    received_at: str
    booked: bool
    """False: this receipt was booked before."""
    surplus: list[str]
    """What came beyond what was ordered, in words."""


class IncomingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    variant_id: Annotated[list[Id], Meta(min_length=1, max_length=MAX_PAGE)]


class IncomingPage(msgspec.Struct, frozen=True):
    items: list[IncomingItem]


def list_purchase_orders(service: Service, call: Call[PurchaseOrdersQuery, None]) -> PurchaseOrderPage:
    query, after = call.query, None
    if query.cursor is not None:
        created_at, _, name = query.cursor.partition("/")
        after = (Micros(int(created_at)), PurchaseOrderId(name))
    supplier_id = None if query.supplier_id is None else SupplierId(query.supplier_id)
    # One more than asked for tells whether there is another page.
    found = service.shop.purchase_orders.page(after, query.limit + 1, query.status, supplier_id)
    page, is_last = found[: query.limit], len(found) <= query.limit
    cursor = None if is_last else f"{page[-1].created_at}/{page[-1].purchase_order_id}"
    return PurchaseOrderPage(seen_orders(service.shop, page), cursor)


def create_purchase_order(service: Service, call: Call[None, PurchaseOrderInput]) -> Answer:
    told = new_order(service.shop, call.body, service.shop.clock.now())
    kept = service.shop.purchase_orders.draft(told)
    return Answer(seen_order(service.shop, kept), 201 if kept is told else 200)


def get_purchase_order(service: Service, call: Call[None, None]) -> PurchaseOrder:
    return seen_order(service.shop, _in_path(service.shop, call.path("purchase_order_id")))


def get_documents(service: Service, call: Call[None, None]) -> PurchaseDocuments:
    return order_documents(service.shop, _in_path(service.shop, call.path("purchase_order_id")))


def approve_purchase_order(service: Service, call: Call[None, None]) -> PurchaseOrder:
    order = _step(service.shop, call.path("purchase_order_id"), PurchaseStatus.APPROVED)
    service.shop.changed_variants.tell(line.variant_id for line in order.lines)
    return seen_order(service.shop, order)


def cancel_purchase_order(service: Service, call: Call[None, None]) -> PurchaseOrder:
    order = _step(service.shop, call.path("purchase_order_id"), PurchaseStatus.CANCELLED)
    service.shop.changed_variants.tell(line.variant_id for line in order.lines)
    return seen_order(service.shop, order)


def send_purchase_order(service: Service, call: Call[None, SendRequest]) -> PurchaseOrderSent:
    """Says what goes out; sending it again says the same, and takes over another expected time."""
    shop, told = service.shop, call.body.expected_at
    expected_at = None if told is None else expected_time(to_micros(told), shop.clock.now())
    sent = _step(shop, call.path("purchase_order_id"), PurchaseStatus.SENT, expected_at)
    shop.changed_variants.tell(line.variant_id for line in sent.lines)
    return PurchaseOrderSent(seen_order(shop, sent), order_documents(shop, sent), _webhook_job(shop, sent))


def _webhook_job(shop: Shop, order: supply.PurchaseOrder) -> int | None:
    """The job under way for it, else a new one; a supplier without a webhook has none."""
    supplier = shop.suppliers.get(order.supplier_id)
    if supplier is None or supplier.webhook_url is None:
        return None
    wanted = send_job(order.purchase_order_id, shop.clock.now())
    under_way = (job for job in shop.jobs.alive() if (job.name, job.arguments) == (wanted.name, wanted.arguments))
    job = next(under_way, None)
    return shop.jobs.enqueue(wanted) if job is None else job.job_id


async def receive_goods(service: Service, call: Call[None, ReceiveRequest]) -> GoodsReceived:
    shop, body, now = service.shop, call.body, service.shop.clock.now()
    lines = [
        supply.ReceivedLine(VariantId(usable_id(line.variant_id, "variant_id")), line.units) for line in body.lines
    ]
    receipt = PurchaseReceipt(
        purchase_order_id=_name(call.path("purchase_order_id")),
        receipt_id=f"g-{uuid.uuid4().hex}" if body.receipt_id is None else usable_id(body.receipt_id, "receipt_id"),
        lines=tuple(lines),
        received_at=movement_time(body.received_at, now),
        in_stock_already=body.in_stock_already,
    )
    received = await asyncio.to_thread(shop.purchase_orders.receive, receipt, now)
    shop.changed_variants.tell(line.variant_id for line in received.order.lines)
    if received.is_new and not received.receipt.in_stock_already:
        await tell_stock_changed(shop, [line.variant_id for line in received.receipt.lines])
    return GoodsReceived(
        purchase_order=await asyncio.to_thread(seen_order, shop, received.order),
        receipt_id=received.receipt.receipt_id,
        received_at=format_rfc3339(received.receipt.received_at),
        booked=received.is_new,
        surplus=[
            f"{line.surplus} more of {line.variant_id!r} came than the {line.units} that were ordered."
            for line in received.order.lines
            if line.surplus
        ],
    )


def list_incoming(service: Service, call: Call[IncomingQuery, None]) -> IncomingPage:
    names = [VariantId(name) for name in call.query.variant_id]
    return IncomingPage([seen_incoming(one) for one in service.shop.purchase_orders.incoming(names)])


def _name(sent: str) -> PurchaseOrderId:
    return PurchaseOrderId(id_in_path(sent, "purchase order"))


def _in_path(shop: Shop, sent: str) -> supply.PurchaseOrder:
    name = _name(sent)
    order = shop.purchase_orders.get(name)
    if order is None:
        raise NotFound(f"There is no purchase order {name!r}.")
    return order


def _step(shop: Shop, sent: str, to: PurchaseStatus, expected_at: Micros | None = None) -> supply.PurchaseOrder:
    return shop.purchase_orders.step(_name(sent), to, shop.clock.now(), expected_at)


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/purchase-orders",
        permission=Permission.SECRET,
        handle=list_purchase_orders,
        summary="Orders to suppliers, newest first",
        query=PurchaseOrdersQuery,
        answer=PurchaseOrderPage,
    ),
    Endpoint(
        method="POST",
        path="/v1/purchase-orders",
        permission=Permission.SECRET,
        handle=create_purchase_order,
        summary="Draft an order to a supplier, at its terms; 200 when the same was drafted before",
        body=PurchaseOrderInput,
        answer=PurchaseOrder,
        status=201,
        other_successes=(200,),
    ),
    Endpoint(
        method="GET",
        path="/v1/stock/incoming",
        permission=Permission.SECRET,
        handle=list_incoming,
        summary="What approved and sent orders still bring of these variants, and when",
        query=IncomingQuery,
        answer=IncomingPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/purchase-orders/{purchase_order_id}",
        permission=Permission.SECRET,
        handle=get_purchase_order,
        summary="One order to a supplier",
        answer=PurchaseOrder,
    ),
    Endpoint(
        method="GET",
        path="/v1/purchase-orders/{purchase_order_id}/documents",
        permission=Permission.SECRET,
        handle=get_documents,
        summary="The order as its supplier reads it: CSV and e-mail text",
        answer=PurchaseDocuments,
    ),
    Endpoint(
        method="POST",
        path="/v1/purchase-orders/{purchase_order_id}/approve",
        permission=Permission.SECRET,
        handle=approve_purchase_order,
        summary="Let a draft be sent; from now on its goods count as incoming",
        answer=PurchaseOrder,
        other_problems=(409,),
    ),
    Endpoint(
        method="POST",
        path="/v1/purchase-orders/{purchase_order_id}/send",
        permission=Permission.SECRET,
        handle=send_purchase_order,
        summary="Mark an approved order as sent, and say what goes to the supplier",
        body=SendRequest,
        answer=PurchaseOrderSent,
    ),
    Endpoint(
        method="POST",
        path="/v1/purchase-orders/{purchase_order_id}/receive",
        permission=Permission.SECRET,
        handle=receive_goods,
        summary="Book goods that came, in parts or whole, with their stock movements",
        body=ReceiveRequest,
        answer=GoodsReceived,
    ),
    Endpoint(
        method="POST",
        path="/v1/purchase-orders/{purchase_order_id}/cancel",
        permission=Permission.SECRET,
        handle=cancel_purchase_order,
        summary="Nothing more comes of it; what came stays",
        answer=PurchaseOrder,
        other_problems=(409,),
    ),
)
