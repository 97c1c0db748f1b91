"""A purchase order brought to a real receiver that is slow to take it, refuses it, or is told twice."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.connectors.webhooks import HttpWebhooks
from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.pipelines.purchase_push import (
    SEND_PURCHASE_ORDER,
    SendRoom,
    SentLine,
    SentOrder,
    send_to_webhook,
)
from smartshop.data_collection.pipelines.webhook_patience import NotTaken, SendConfig
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
    Supplier,
)
from smartshop.data_collection.schemas.webhooks import AddressRefused, signed_headers
from smartshop.errors import NotFound
from smartshop.jobs import run_job
from smartshop.work import DELIVERIES, RESUMABLE
from tests.connectors.receiver import Receiver, cut, receiving, status
from tests.importing.shop import opened_shop

SECRET = b"s" * 32
ORDER = PurchaseOrderId("po-1")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


def supplied(stores: SqlStores, url: str | None) -> None:
    stores.suppliers.save(
        Supplier(
            supplier_id=SupplierId("north"), name="North", currency="GBP", changed_at=system_now(), lead_time_days=5,
            webhook_url=url,
        )
    )  # fmt: skip


def sent(stores: SqlStores, url: str | None) -> PurchaseOrder:
    supplied(stores, url)
    line = PurchaseLine(variant_id=VariantId("tent"), units=6, unit_cost_minor=400)
    stores.purchase_orders.draft(
        PurchaseOrder(
            purchase_order_id=ORDER, supplier_id=SupplierId("north"), status=PurchaseStatus.DRAFT, currency="GBP",
            lines=(line,), created_at=system_now(), fixed_cost_minor=500,
        )
    )  # fmt: skip
    stores.purchase_orders.step(ORDER, PurchaseStatus.APPROVED, system_now())
    return stores.purchase_orders.step(ORDER, PurchaseStatus.SENT, system_now())


def bring(
    stores: SqlStores, paused: list[float], at_pause: Callable[[], object] = lambda: None, *, private: bool = True
) -> int:
    async def pause(seconds: float) -> None:
        paused.append(seconds)
        at_pause()

    async def run() -> int:
        async with HttpWebhooks(SECRET, private=private, timeout_seconds=5) as webhooks:
            room = SendRoom(
                purchase_orders=stores.purchase_orders,
                suppliers=stores.suppliers,
                webhooks=webhooks,
                now=system_now,
                rng=np.random.default_rng(0),
                pause=pause,
                config=SendConfig(retries=3),
            )
            return await send_to_webhook(room, ORDER)

    return asyncio.run(run())


def test_the_supplier_gets_the_order_signed(stores: SqlStores, receiver: Receiver) -> None:
    order = sent(stores, receiver.url)
    assert bring(stores, []) == 1
    (told,) = receiver.received
    body = msgspec.json.decode(told.body, type=SentOrder)
    assert body.lines == [SentLine(variant_id="tent", units=6, unit_cost_minor=400)]
    assert (body.type, body.total_minor, body.deliver_to) == ("purchase_order.sent", 2_900, "main")
    assert order.sent_at is not None
    assert order.expected_at == Micros(order.sent_at + 5 * DAY)
    seconds = int(told.headers["webhook-timestamp"])
    signed = signed_headers(SECRET, told.headers["webhook-id"], seconds, told.body)
    assert told.headers["webhook-signature"] == signed["webhook-signature"]


def test_it_is_tried_again_under_the_same_id_until_it_is_taken(stores: SqlStores, receiver: Receiver) -> None:
    sent(stores, receiver.url)
    receiver.told(status(503), cut, status(429, retry_after="7"))
    paused: list[float] = []
    assert bring(stores, paused) == 4
    assert bring(stores, []) == 1, "sent once more"
    assert len({told.headers["webhook-id"] for told in receiver.received}) == 1
    assert len(paused) == 3
    assert paused[0] < 1 <= paused[1] < 2, "longer each time"
    assert paused[2] == 7, "as long as the receiver asked for"


def test_what_is_never_taken_fails_with_the_reason(stores: SqlStores, receiver: Receiver) -> None:
    sent(stores, receiver.url)
    receiver.told(status(400))
    with pytest.raises(NotTaken, match="'north' answered the order 'po-1' with 400"):
        bring(stores, [])
    receiver.told(*[status(500)] * 4)
    with pytest.raises(NotTaken, match="tried 4 times"):
        bring(stores, [])
    assert len(receiver.received) == 5


def test_what_was_cancelled_in_a_pause_does_not_go_out_again(stores: SqlStores, receiver: Receiver) -> None:
    sent(stores, receiver.url)
    receiver.told(status(503))

    def cancel() -> None:
        stores.purchase_orders.step(ORDER, PurchaseStatus.CANCELLED, system_now())

    with pytest.raises(NotTaken, match="is cancelled"):
        bring(stores, [], cancel)
    assert len(receiver.received) == 1


def test_nothing_goes_to_nowhere_or_where_it_must_not(stores: SqlStores, receiver: Receiver) -> None:
    with pytest.raises(NotFound, match="po-1"):
        bring(stores, [])
    sent(stores, None)
    with pytest.raises(NotFound, match="no webhook"):
        bring(stores, [])
    supplied(stores, receiver.url)
    with pytest.raises(AddressRefused):
        bring(stores, [], private=False)
    assert receiver.received == []


def test_the_job_brings_it_in_the_lane_of_deliveries(tmp_path: Path, receiver: Receiver) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        sent(shop.stores, receiver.url)
        allowing = shop.settings.model_copy(update={"webhooks_private": True})
        told = run_job(SEND_PURCHASE_ORDER, allowing, shop.place, arguments={"purchase_order_id": ORDER})
    assert told == {"purchase_order_id": ORDER, "attempts": 1}
    assert len(receiver.received) == 1
    assert SEND_PURCHASE_ORDER in DELIVERIES & RESUMABLE
