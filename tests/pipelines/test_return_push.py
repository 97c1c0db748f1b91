"""Who is told outside: ids alone, each customer once, in parts that a crash repeats word for word."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.connectors.webhooks import HttpWebhooks
from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.pipelines.return_push import (
    REST,
    TELL_BACK_IN_STOCK,
    ReturnNotice,
    ReturnRoom,
    Sent,
    ToldShopper,
    return_job,
    send_notices,
)
from smartshop.data_collection.pipelines.webhook_patience import NotTaken, SendConfig
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.waits import Returned, Wait
from smartshop.data_collection.schemas.webhooks import signed_headers
from smartshop.errors import NotFound
from smartshop.jobs import run_job
from smartshop.wiring import build_clock
from smartshop.work import DELIVERIES, RESUMABLE, queue_return_notices
from tests.connectors.receiver import Receiver, cut, receiving, status
from tests.importing.shop import opened_shop

SECRET = b"s" * 32
TENT, RED = ProductId("tent"), VariantId("tent-red")
BEGAN = system_now()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


def tell(stores: SqlStores, *keys: str) -> None:
    """These asked, one after the other, and it is back."""
    for number, key in enumerate(keys):
        asked = Micros(BEGAN + number)
        stores.waits.ask(Wait(shopper_key=key, item_id=TENT, product_id=TENT, asked_at=asked), asked)
    returned = Returned(product_id=TENT, variant_id=RED, people=1_000, since=BEGAN)
    assert len(stores.waits.tell(returned, system_now())) == len(keys)


def bring(stores: SqlStores, url: str, part_size: int = 1_000) -> Sent:
    async def no_pause(seconds: float) -> None:
        assert seconds > 0

    async def run() -> Sent:
        async with HttpWebhooks(SECRET, private=True, timeout_seconds=5) as webhooks:
            room = ReturnRoom(
                news=stores.waits, customers=stores.customers, webhooks=webhooks, is_erased=stores.erasure.is_erased,
                now=system_now, rng=np.random.default_rng(0), pause=no_pause, config=SendConfig(retries=2),
                part_size=part_size,
            )  # fmt: skip
            return await send_notices(room, url)

    return asyncio.run(run())


def told(receiver: Receiver) -> list[ReturnNotice]:
    return [msgspec.json.decode(one.body, type=ReturnNotice) for one in receiver.received]


def test_the_shop_is_told_who_asked_signed_and_only_once(stores: SqlStores, receiver: Receiver) -> None:
    tell(stores, "ada", "/laptop", "bob")
    assert bring(stores, receiver.url) == Sent(told=3)
    (notice,) = told(receiver)
    assert (notice.type, notice.product_id, notice.variant_id) == ("back_in_stock", TENT, RED)
    assert notice.shoppers == [
        ToldShopper(customer_id=CustomerId("ada")),
        ToldShopper(anonymous_id=AnonymousId("laptop")),
        ToldShopper(customer_id=CustomerId("bob")),
    ]
    (sent,) = receiver.received
    signed = signed_headers(SECRET, sent.headers["webhook-id"], int(sent.headers["webhook-timestamp"]), sent.body)
    assert sent.headers["webhook-signature"] == signed["webhook-signature"]
    assert bring(stores, receiver.url) == Sent()


def test_a_customer_is_named_once_whoever_they_asked_as(stores: SqlStores, receiver: Receiver) -> None:
    for browser, customer, trust in (("laptop", "ada", Trust.SHOPPER), ("phone", "eve", Trust.CLIENT)):
        link = IdentityLink(
            anonymous_id=AnonymousId(browser), customer_id=CustomerId(customer), received_at=BEGAN, trust=trust
        )
        stores.customers.link(link)
    stores.customers.merge(CustomerId("ada"), CustomerId("ada-now"), BEGAN)
    tell(stores, "ada", "/laptop", "ada-now", "/phone")
    assert bring(stores, receiver.url).told == 2
    assert told(receiver)[0].shoppers == [
        ToldShopper(customer_id=CustomerId("ada-now")),
        ToldShopper(anonymous_id=AnonymousId("phone")),
    ], "a browser that only claims to be a customer's is told as a browser"


def test_a_part_is_tried_again_under_the_same_id_and_the_rest_follows(stores: SqlStores, receiver: Receiver) -> None:
    tell(stores, *(f"c{number}" for number in range(5)))
    receiver.told(status(503), cut, status(500))
    with pytest.raises(NotTaken):
        bring(stores, receiver.url, part_size=3)
    assert bring(stores, receiver.url, part_size=3) == Sent(told=5)
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert len(ids) == 5
    assert len(set(ids[:4])) == 1
    assert ids[4] != ids[0]
    assert [len(notice.shoppers) for notice in told(receiver)[-2:]] == [3, 2]


def test_what_is_never_taken_holds_up_nobody(stores: SqlStores, receiver: Receiver) -> None:
    tell(stores, "ada", "bob")
    receiver.told(status(410))
    assert bring(stores, receiver.url, part_size=1) == Sent(told=1, refused=1)


def test_a_job_is_queued_while_there_is_something_to_send_and_rests_after_a_failure(stores: SqlStores) -> None:
    now = system_now()
    assert return_job([], None, stores.waits, now) is None
    tell(stores, "ada")
    now = system_now()
    job = return_job([], None, stores.waits, now)
    assert job is not None
    assert return_job([job], None, stores.waits, now) is None
    failed = JobRecord(name=TELL_BACK_IN_STOCK, queued_at=now, state="failed")
    assert return_job([], failed, stores.waits, Micros(now + REST - 1)) is None
    assert return_job([], failed, stores.waits, Micros(now + REST)) is not None
    assert return_job([], None, stores.waits, Micros(now + 2 * DAY)) is None, "no news any more"
    assert TELL_BACK_IN_STOCK in DELIVERIES & RESUMABLE


def test_the_job_tells_the_webhook_of_the_settings(tmp_path: Path, receiver: Receiver) -> None:
    with opened_shop(tmp_path) as shop:
        with pytest.raises(NotFound, match="SMARTSHOP_BACK_IN_STOCK_WEBHOOK"):
            run_job(TELL_BACK_IN_STOCK, shop.settings, shop.place)
        tell(shop.stores, "ada")
        queue_return_notices(shop.stores, build_clock(shop.settings, shop.stores))
        assert [job.name for job in shop.stores.jobs.alive()] == [TELL_BACK_IN_STOCK]
        told_where = {"back_in_stock_webhook": receiver.url, "webhooks_private": True}
        settings = shop.settings.model_copy(update=told_where)
        assert run_job(TELL_BACK_IN_STOCK, settings, shop.place) == {"told": 1, "refused": 0}
        assert len(receiver.received) == 1
