"""What every EventLog promises."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from smartshop.data_collection.connectors.ports import LogEntry, Outcome
from smartshop.data_collection.connectors.sql.codes import KIND_CODES
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.customers import ConsentChange, Customer
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import CustomerId, LocationId, OrderId, ProductId, ShopperKey, VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted, StockChanged
from smartshop.data_collection.schemas.orders import Refund, Return
from smartshop.data_collection.schemas.stock import StockCount
from tests.connectors.told import NOON, append, at, event, in_threads, link, order, order_entry

STORED = Outcome(stored=True)
DUPLICATE = Outcome(stored=False)
EVER = at(10**9)


def all_events(stores: SqlStores) -> list[StoredEvent]:
    return [stored for batch in stores.log.scan() for _, stored in batch]


class TestDuplicates:
    def test_an_event_told_twice_is_stored_once(self, stores: SqlStores) -> None:
        assert append(stores, event("e1")) == [STORED]
        later = event("e1", received_at=at(60))
        assert append(stores, later) == [DUPLICATE]
        assert append(stores, event("e2"), event("e2")) == [STORED, DUPLICATE]
        assert [each.event_id for each in all_events(stores)] == ["e1", "e2"]
        assert stores.log.size().events == 2

    def test_other_content_under_the_same_id_is_a_duplicate_that_shows(self, stores: SqlStores) -> None:
        append(stores, event("e1"))
        assert append(stores, event("e1", query="boots")) == [Outcome(stored=False, other_content=True)]
        assert stores.log.tallies() == {"only_counted": 0, "duplicate": 0, "other_content": 1}
        assert all_events(stores)[0].query is None

    def test_a_time_taken_from_the_server_is_no_other_content(self, stores: SqlStores) -> None:
        append(stores, event("e1", occurred_at=at(5), received_at=at(5)))
        assert append(stores, event("e1", occurred_at=at(9), received_at=at(9))) == [DUPLICATE]
        append(stores, event("e2", occurred_at=at(5), received_at=at(6), clock_corrected=True))
        assert append(stores, event("e2", occurred_at=at(7), received_at=at(8), clock_corrected=True)) == [DUPLICATE]

    def test_a_claim_never_makes_a_vouched_event_look_seen(self, stores: SqlStores) -> None:
        claimed = event("e1", customer_id="ada", trust=Trust.CLIENT)
        vouched = event("e1", customer_id="ada", trust=Trust.SERVER)
        assert append(stores, claimed) == [STORED]
        assert append(stores, vouched) == [STORED]
        assert append(stores, vouched) == [DUPLICATE]

    def test_shoppers_may_use_the_same_event_id(self, stores: SqlStores) -> None:
        assert append(stores, event("e1", anonymous_id="a"), event("e1", anonymous_id="b")) == [STORED, STORED]

    def test_of_concurrent_writers_exactly_one_stores(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        another = open_again()
        names = [f"e{number}" for number in range(40)]

        def tell(target: SqlStores, backwards: bool) -> list[Outcome]:
            entries = [event(name) for name in (reversed(names) if backwards else names)]
            return append(target, *entries)

        work = [partial(tell, (stores, another)[n % 2], n % 3 == 0) for n in range(6)]
        outcomes = [outcome for told in in_threads(work) for outcome in told]
        another.close()
        assert outcomes.count(STORED) == len(names)
        assert outcomes.count(DUPLICATE) == 5 * len(names)
        assert sorted(each.event_id for each in all_events(stores)) == sorted(names)
        assert stores.log.size().events == len(names)

    def test_a_forgotten_key_counts_as_new(self, stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("smartshop.data_collection.connectors.sql.log.PRUNED_AT_ONCE", 2)
        append(stores, *(event(f"e{number}") for number in range(5)))
        assert stores.log.prune(NOON) == 0
        assert stores.log.prune(EVER) == 5
        assert append(stores, event("e1")) == [STORED]


class TestOutbox:
    def test_a_batch_waits_until_it_is_marked_published(self, stores: SqlStores) -> None:
        first, second = [LogEntry(event=event("e1"))], [LogEntry(event=event("e2")), LogEntry(event=event("e1"))]
        outcomes, batch_ids = stores.log.append([first, second, [LogEntry(event=event("e1"))], []])
        assert outcomes == [[STORED], [STORED, DUPLICATE], [DUPLICATE], []]
        assert batch_ids[0] > 0
        assert batch_ids[1] > batch_ids[0]
        assert batch_ids[2:] == [0, 0]
        assert stores.log.pending(older_than=NOON) == []
        pending = stores.log.pending(older_than=EVER)
        assert [batch.batch_id for batch in pending] == batch_ids[:2]
        assert pending[1].messages == (EventsAccepted(events=(event("e2"),)),)
        stores.log.mark_published(batch_ids)
        stores.log.mark_published(batch_ids)
        assert stores.log.pending(older_than=EVER) == []

    def test_a_published_batch_id_is_never_given_again(self, stores: SqlStores) -> None:
        _, (first,) = stores.log.append([[LogEntry(event=event("e1"))]])
        stores.log.mark_published([first])
        _, (second,) = stores.log.append([[LogEntry(event=event("e2"))]])
        stores.log.mark_published([first])
        assert [batch.batch_id for batch in stores.log.pending(EVER)] == [second]

    def test_moved_stock_is_announced(self, stores: SqlStores) -> None:
        stores.stock.count([_count(5)], NOON)
        append(stores, order_entry("e1", order("o1"), takes_stock=True))
        (batch,) = stores.log.pending(EVER)
        assert batch.messages[1:] == (StockChanged(variant_ids=(VariantId("tent-green"),)),)

    def test_moved_stock_is_announced_also_when_the_event_is_only_counted(self, stores: SqlStores) -> None:
        stores.stock.count([_count(5)], NOON)
        entry = msgspec.structs.replace(order_entry("e1", order("o1"), takes_stock=True), count_only=True)
        assert append(stores, entry) == [STORED]
        (batch,) = stores.log.pending(EVER)
        assert batch.messages == (StockChanged(variant_ids=(VariantId("tent-green"),)),)


class TestWhatFollows:
    def test_everything_that_follows_is_there_with_the_event(self, stores: SqlStores) -> None:
        entry = LogEntry(
            event=event("e1", kind=EventKind.IDENTIFIED, anonymous_id="browser", customer_id="ada", trust=Trust.SERVER),
            link=link("browser", "ada", 1),
            consent=ConsentChange(
                shopper_key=ShopperKey("ada"), is_customer=True, changes={"marketing": False}, received_at=at(1)
            ),
            customer=Customer(customer_id=CustomerId("ada"), country="GB", traits={"size": "M"}),
        )
        assert append(stores, entry, entry) == [STORED, DUPLICATE]
        assert stores.customers.links() == [link("browser", "ada", 1)]
        assert stores.customers.consent("ada", is_customer=True).marketing is False
        known = stores.customers.get(CustomerId("ada"))
        assert known is not None
        assert known.traits == {"size": "M"}

    def test_only_counted_leaves_no_content(self, stores: SqlStores) -> None:
        entry = LogEntry(event=event("e1"), count_only=True)
        assert append(stores, entry) == [STORED]
        assert append(stores, entry) == [DUPLICATE]
        assert all_events(stores) == []
        assert stores.log.size().events == 0
        assert stores.log.tallies()["only_counted"] == 1

    def test_a_refund_is_told_once(self, stores: SqlStores) -> None:
        told = event("r1", kind=EventKind.ORDER_REFUNDED, customer_id="ada", trust=Trust.SERVER)
        refund = Refund(
            event_id="r1",
            order_id=OrderId("o1"),
            amount_minor=500,
            currency="GBP",
            refunded_at=NOON,
            trust=Trust.SERVER,
        )
        append(stores, LogEntry(event=told, refund=refund), LogEntry(event=told, refund=refund))
        assert list(stores.orders.refunds()) == [refund]

    def test_a_restocked_return_is_back_on_the_shelf_once(self, stores: SqlStores) -> None:
        stores.stock.count([_count(5)], NOON)
        for trust in (Trust.SERVER, Trust.SHOPPER, Trust.CLIENT):
            told = event("r1", kind=EventKind.ORDER_RETURNED, customer_id="ada", trust=trust, restock=True)
            line = order("o1", units=2).lines[0]
            goods = Return(event_id="r1", order_id=None, lines=(line,), returned_at=NOON, trust=trust, restock=True)
            assert append(stores, LogEntry(event=told, goods_return=goods)) == [STORED]
        assert stores.stock.levels([VariantId("tent-green")]) == {"tent-green": {"main": 7}}


class TestReading:
    def test_the_size_knows_the_newest_human_and_the_oldest_event(self, stores: SqlStores) -> None:
        assert stores.log.size().newest_human_at is None
        append(stores, event("e1", occurred_at=at(5)), event("e2", occurred_at=at(9), traffic=Traffic.BOT))
        append(stores, event("e3", occurred_at=at(2)))
        append(stores, event("e4", occurred_at=at(3), traffic=Traffic.TEST))
        size = stores.log.size()
        assert (size.events, size.newest_human_at, size.oldest_at) == (4, at(5), at(2))

    def test_a_scan_goes_in_log_order_and_resumes(self, stores: SqlStores) -> None:
        append(stores, *(event(f"e{n}", occurred_at=at(10 - n)) for n in range(10)))
        batches = list(stores.log.scan(batch_size=4))
        assert [len(batch) for batch in batches] == [4, 4, 2]
        numbered = [pair for batch in batches for pair in batch]
        assert [stored.event_id for _, stored in numbered] == [f"e{n}" for n in range(10)]
        rest = [pair for batch in stores.log.scan(after=numbered[6][0]) for pair in batch]
        assert rest == numbered[7:]

    def test_a_scan_keeps_to_its_moment_and_kinds(self, stores: SqlStores) -> None:
        append(
            stores,
            event("e1", occurred_at=at(1), kind=EventKind.SEARCHED),
            event("e2", occurred_at=at(2), kind=EventKind.PRODUCT_ADDED),
            event("e3", occurred_at=at(3), kind=EventKind.SEARCHED),
        )
        found = [
            stored.event_id for batch in stores.log.scan(until=at(2), kinds=[EventKind.SEARCHED]) for _, stored in batch
        ]
        assert found == ["e1"]

    def test_an_event_comes_back_as_it_was_told(self, stores: SqlStores) -> None:
        told = event(
            "é-日本",
            products=(ProductLine(product_id=ProductId("p"), quantity=2, price_minor=-5, position=0),),
            properties={"nested": {"received_at": 1, "emoji": "🛒"}},
            traits={"a": None},
            rating=4.5,
            location_id=LocationId("shop, 2"),
        )
        append(stores, told)
        assert all_events(stores) == [told]

    @pytest.mark.parametrize("kind", list(EventKind))
    def test_every_kind_has_a_number(self, kind: EventKind) -> None:
        assert 0 < KIND_CODES[kind] < 63


def _count(level: int) -> StockCount:
    return StockCount(movement_id="count", variant_id=VariantId("tent-green"), level=level, occurred_at=NOON)
