"""The only door into the log, over real stores."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.ports import LogEntry, Outcome
from smartshop.data_collection.connectors.sql.log import SqlEventLog
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines import group_commit
from smartshop.data_collection.pipelines.clock import DAY, SECOND, system_now
from smartshop.data_collection.pipelines.ingest import Arrival
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, EventId, Micros, OrderId, ProductId
from smartshop.data_collection.schemas.messages import EventsAccepted, Message
from smartshop.data_collection.schemas.orders import OrderStatus
from smartshop.errors import Unavailable
from tests.pipelines.door import arrival, door_of, event_ids, everything_in, opened, stores_in, texts, view


class TestDurability:
    async def test_what_was_answered_is_there_after_a_restart(self, tmp_path: Path) -> None:
        stores = stores_in(tmp_path)
        async with opened(door_of(stores)) as ingest:
            receipt = await ingest.accept(texts(view("e-1"), view("e-2")), arrival())
        stores.close()
        assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (2, 0, [])
        again = stores_in(tmp_path)
        assert event_ids(everything_in(again)) == ["e-1", "e-2"]
        again.close()

    async def test_stopping_writes_what_waits(self, stores: SqlStores) -> None:
        ingest = door_of(stores)
        await ingest.start()
        waiting = [asyncio.create_task(ingest.accept(texts(view(f"e-{n}")), arrival())) for n in range(50)]
        await asyncio.sleep(0)
        await ingest.stop()
        receipts = await asyncio.gather(*waiting)
        assert sum(receipt.accepted for receipt in receipts) == 50
        assert stores.log.size().events == 50

    async def test_a_closed_door_asks_to_come_again(self, stores: SqlStores) -> None:
        with pytest.raises(Unavailable):
            await door_of(stores).accept(texts(view("e-1")), arrival())

    async def test_an_overfull_backlog_asks_to_come_again(
        self, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(group_commit, "BACKLOG_EVENTS", 2)
        async with opened(door_of(stores)) as ingest:
            with pytest.raises(Unavailable) as refused:
                await ingest.accept(texts(view("1"), view("2"), view("3")), arrival())
            assert refused.value.retry_after_seconds >= 1
            assert (await ingest.accept(texts(view("1")), arrival())).accepted == 1

    async def test_an_engine_that_fails_stores_nothing_and_is_asked_again(self, stores: SqlStores) -> None:
        async with opened(door_of(stores, log=LogThatFailsOnce(stores.log))) as ingest:
            with pytest.raises(Unavailable):
                await ingest.accept(texts(view("e-1")), arrival())
            assert stores.log.size().events == 0
            assert (await ingest.accept(texts(view("e-1")), arrival())).accepted == 1

    async def test_a_consent_that_could_not_be_written_does_not_hold(self, stores: SqlStores) -> None:
        async with opened(door_of(stores, log=LogThatFailsOnce(stores.log))) as ingest:
            with pytest.raises(Unavailable):
                await ingest.accept(texts(consent("e-1", "a-1", analytics=False)), arrival())
            await asyncio.sleep(1.5)
            await ingest.accept(texts(view("e-2", "a-1")), arrival())
        assert event_ids(everything_in(stores)) == ["e-2"]


class TestDuplicates:
    async def test_a_duplicate_event_is_counted_once(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            first = await ingest.accept(texts(view("e-1"), view("e-1")), arrival())
            second = await ingest.accept(texts(view("e-1")), arrival())
        assert (first.accepted, first.duplicates) == (1, 1)
        assert (second.accepted, second.duplicates) == (0, 1)

    async def test_concurrent_senders_of_the_same_events_store_each_once(self, stores: SqlStores) -> None:
        batch = texts(*[view(f"e-{n}") for n in range(20)])
        async with opened(door_of(stores)) as ingest:
            receipts = await asyncio.gather(*[ingest.accept(batch, arrival()) for _ in range(10)])
        assert sum(receipt.accepted for receipt in receipts) == 20
        assert sum(receipt.duplicates for receipt in receipts) == 180

    async def test_the_same_id_of_another_shopper_is_another_event(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            receipt = await ingest.accept(texts(view("e-1", "a-1"), view("e-1", "a-2")), arrival())
        assert receipt.accepted == 2

    async def test_other_content_under_a_known_id_is_a_duplicate_and_seen(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(view("e-1")), arrival())
            receipt = await ingest.accept(texts(view("e-1", product_id="stove")), arrival())
            assert ingest.totals["other_content"] == 1
        assert receipt.duplicates == 1
        assert everything_in(stores)[0].products[0].product_id == "tent"


class TestQuarantine:
    async def test_good_events_of_a_partly_bad_batch_are_kept(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            batch = [*texts(view("e-1"), {"kind": "nonsense"}), b'{"kind": "searched", "query": NaN}', b"[]"]
            receipt = await ingest.accept(batch, arrival())
        assert receipt.accepted == 1
        assert [rejected.index for rejected in receipt.rejected] == [1, 2, 3]
        rows = stores.quarantine.page()
        assert [row.raw for row in rows] == batch[1:]
        assert [row.reason.split(":")[0] for row in rows] == ["malformed", "not_a_number", "malformed"]

    async def test_an_order_told_differently_is_quarantined(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(order("e-1", "o-1", quantity=1)), arrival())
            receipt = await ingest.accept(texts(order("e-2", "o-1", quantity=2)), arrival())
        assert receipt.rejected[0].reason.startswith("order_conflict: ")
        assert stores.quarantine.counts() == {"order_conflict": 1}


class TestConsent:
    async def test_without_analytics_an_event_is_only_counted(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(consent("e-1", "a-1", analytics=False)), arrival(Trust.CLIENT))
            receipt = await ingest.accept(texts(view("e-2", "a-1"), view("e-3", "a-2")), arrival())
        assert receipt.accepted == 2
        assert event_ids(everything_in(stores)) == ["e-3"]

    async def test_it_holds_within_one_batch_and_until_it_is_given_again(self, stores: SqlStores) -> None:
        batch = [view("1"), consent("2", "a-1", analytics=False), view("3"), consent("4", "a-1", analytics=True)]
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(*batch, view("5")), arrival())
        assert {"1", "5"} <= set(event_ids(everything_in(stores)))
        assert "3" not in event_ids(everything_in(stores))

    async def test_an_order_is_kept_though_nothing_is_learned_from_it(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(consent("e-1", "a-1", analytics=False)), arrival())
            await ingest.accept(texts(order("e-2", "o-1")), arrival())
        assert stores.orders.get(OrderId("o-1")) is not None
        assert "e-2" not in event_ids(everything_in(stores))

    async def test_a_publishable_key_changes_only_the_browsers_consent(self, stores: SqlStores) -> None:
        event = {**consent("e-1", "a-1", analytics=False), "customer_id": "c-1"}
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(event), arrival(Trust.CLIENT))
        assert stores.customers.consent("c-1", True) == Consent()
        assert stores.customers.consent("a-1", False).analytics is False

    async def test_the_shop_may_change_the_customers(self, stores: SqlStores) -> None:
        event = {**consent("e-1", "a-1", marketing=False), "customer_id": "c-1"}
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(event), arrival(Trust.SERVER))
        assert stores.customers.consent("c-1", True).marketing is False

    async def test_global_privacy_control_withdraws_marketing(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(view("e-1", "a-1")), arrival(Trust.CLIENT, privacy=True))
        assert stores.customers.consent("a-1", False) == Consent(marketing=False)
        assert len(everything_in(stores)) == 1

    async def test_a_restart_remembers(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(consent("e-1", "a-1", analytics=False)), arrival())
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(view("e-2", "a-1")), arrival())
        assert "e-2" not in event_ids(everything_in(stores))


class TestWhatFollows:
    async def test_an_identify_links_browser_and_customer_with_its_trust(self, stores: SqlStores) -> None:
        event = {"kind": "identified", "event_id": "e-1", "anonymous_id": "a-1", "customer_id": "c-1"}
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(event), arrival(Trust.CLIENT))
        (link,) = stores.customers.links()
        assert (link.anonymous_id, link.customer_id, link.trust) == ("a-1", "c-1", Trust.CLIENT)

    async def test_traits_are_kept_when_vouched_for_and_an_address_only_hashed(self, stores: SqlStores) -> None:
        traits = {"email": " Ann@Example.org", "address": {"country": "GB", "city": "Leeds"}, "plan": "gold"}
        event = {"kind": "identified", "event_id": "e-1", "customer_id": "c-1", "traits": traits}
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts({**event, "customer_id": "c-2"}), arrival(Trust.CLIENT))
            await ingest.accept(texts(event), arrival(Trust.SERVER))
        assert stores.customers.get(CustomerId("c-2")) is None
        known = stores.customers.get(CustomerId("c-1"))
        assert known is not None
        assert (known.country, known.city, known.traits["plan"]) == ("GB", "Leeds", "gold")
        assert "email" not in known.traits
        assert known.email_sha256 == sha256(b"ann@example.org").hexdigest()

    async def test_an_order_by_publishable_key_is_only_claimed(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(order("e-1", "o-1")), arrival(Trust.CLIENT))
            await ingest.accept(texts(order("e-2", "o-2")), arrival(Trust.SERVER))
        claimed, placed = stores.orders.get(OrderId("o-1")), stores.orders.get(OrderId("o-2"))
        assert claimed is not None
        assert placed is not None
        assert (claimed.status, placed.status) == (OrderStatus.CLAIMED, OrderStatus.PLACED)


class TestAfterTheCommit:
    async def test_the_profile_reflects_an_event_at_once(self, stores: SqlStores) -> None:
        async with opened(door_of(stores)) as ingest:
            await ingest.accept(texts(view("e-1", "a-1")), arrival(Trust.CLIENT))
            shopper = stores.customers.shopper(None, AnonymousId("a-1"), vouched=False)
            profile = await ingest.profiles.read(shopper)
        assert [interest.product_id for interest in profile.interest] == ["tent"]

    async def test_it_is_published_and_its_outbox_row_goes(self, stores: SqlStores) -> None:
        bus = MemoryBus()
        async with opened(door_of(stores, bus=bus)) as ingest:
            heard = asyncio.create_task(first_message(bus))
            await asyncio.sleep(0)
            await ingest.accept(texts(view("e-1")), arrival())
            message = await asyncio.wait_for(heard, 5)
        assert isinstance(message, EventsAccepted)
        assert event_ids(message.events) == ["e-1"]
        assert stores.log.pending(Micros(system_now() + DAY)) == []

    async def test_nothing_depends_on_the_bus_and_the_sweeper_makes_up_for_it(self, stores: SqlStores) -> None:
        async with opened(door_of(stores, bus=BusThatIsDown())) as ingest:
            assert (await ingest.accept(texts(view("e-1")), arrival())).accepted == 1
        assert len(stores.log.pending(Micros(system_now() + DAY))) == 1
        bus = MemoryBus()
        async with opened(door_of(stores, bus=bus, now=a_minute_ahead)):
            message = await asyncio.wait_for(first_message(bus), 10)
        assert isinstance(message, EventsAccepted)
        assert event_ids(message.events) == ["e-1"]
        assert stores.log.pending(Micros(system_now() + DAY)) == []


class TestHistory:
    def test_the_same_rules_hold_in_the_callers_own_thread(self, stores: SqlStores) -> None:
        ingest = door_of(stores)
        history = Arrival(source="import:test", trust=Trust.SERVER, received_at=system_now(), from_import=True)
        events = [bought("e-1", "2010-12-01T08:26:00Z"), bought("e-2", "1990-01-01T00:00:00Z")]
        receipt = ingest.accept_blocking([*events, bought("e-1", "2010-12-01T08:26:00Z")], history)
        assert (receipt.accepted, receipt.duplicates) == (1, 1)
        assert receipt.rejected[0].reason.startswith("before_2000: ")
        assert b'"e-2"' in stores.quarantine.page()[0].raw

    def test_history_is_not_announced(self, stores: SqlStores) -> None:
        history = Arrival(source="import:test", trust=Trust.SERVER, received_at=system_now(), from_import=True)
        door_of(stores).accept_blocking([bought("e-1", "2010-12-01T08:26:00Z")], history)
        assert stores.log.pending(Micros(system_now() + DAY)) == []

    async def test_it_may_run_beside_a_serving_door(self, stores: SqlStores) -> None:
        history = Arrival(source="import:test", trust=Trust.SERVER, received_at=system_now(), from_import=True)
        events = [bought(f"h-{n}", "2010-12-01T08:26:00Z") for n in range(500)]
        async with opened(door_of(stores)) as ingest:
            imported = asyncio.create_task(asyncio.to_thread(ingest.accept_blocking, events, history))
            live = await asyncio.gather(*[ingest.accept(texts(view(f"e-{n}")), arrival()) for n in range(50)])
            receipt = await imported
        assert receipt.accepted == 500
        assert sum(answer.accepted for answer in live) == 50


class LogThatFailsOnce(SqlEventLog):
    """An engine whose first write fails, as on a full disk."""

    def __init__(self, log: SqlEventLog) -> None:
        super().__init__(log._database, log._erased)
        self._failed = False

    def append(self, batches: Sequence[Sequence[LogEntry]]) -> tuple[list[list[Outcome]], list[int]]:
        if not self._failed:
            self._failed = True
            raise OSError("no space left on device")
        return super().append(batches)


class BusThatIsDown(MemoryBus):
    async def publish(self, messages: Sequence[Message]) -> None:
        raise ConnectionError("the bus is down")


async def first_message(bus: MemoryBus) -> Message:
    async for deliveries in bus.subscribe("test", [EventsAccepted]):
        return deliveries[0].message
    raise AssertionError("the bus closed before it said anything")


def a_minute_ahead() -> Micros:
    return Micros(system_now() + 60 * SECOND)


def order(event_id: str, order_id: str, quantity: int = 1) -> dict[str, object]:
    products = [{"product_id": "tent", "quantity": quantity, "price_minor": 9_900}]
    return {
        "kind": "order_completed",
        "event_id": event_id,
        "order_id": order_id,
        "anonymous_id": "a-1",
        "products": products,
    }


def consent(event_id: str, anonymous_id: str, **purposes: bool) -> dict[str, object]:
    return {"kind": "consent_changed", "event_id": event_id, "anonymous_id": anonymous_id, "consent": purposes}


def bought(event_id: str, occurred_at: str) -> Event:
    return Event(
        kind=EventKind.ORDER_COMPLETED,
        event_id=EventId(event_id),
        order_id=OrderId(f"o-{event_id}"),
        customer_id=CustomerId("c-1"),
        occurred_at=occurred_at,
        products=[ProductLine(product_id=ProductId("tent"), quantity=2, price_minor=500)],
    )
