"""What every Orders promises, also when orders come as events."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec
import pytest

from smartshop.data_collection.connectors.ports import LogEntry, Outcome
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import CustomerId, LocationId, OrderId, VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted
from smartshop.data_collection.schemas.orders import Order, OrderLine, OrderStatus, Refund
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.errors import Conflict, Forbidden, InvalidValue, OrderConflict, OutOfStock
from tests.connectors.told import NOON, append, at, event, in_threads, order, order_entry

TENT = VariantId("tent-green")
STORED = Outcome(stored=True)
DUPLICATE = Outcome(stored=False)


def count(stores: SqlStores, level: int, location: str = "main") -> None:
    told = StockCount(
        movement_id=f"count-{location}",
        variant_id=TENT,
        level=level,
        occurred_at=NOON,
        location_id=LocationId(location),
    )
    stores.stock.count([told], NOON)


def level(stores: SqlStores) -> int:
    return sum(stores.stock.levels([TENT])[TENT].values())


class TestPlace:
    def test_an_order_comes_with_its_event_and_takes_stock(self, stores: SqlStores) -> None:
        count(stores, 5)
        placed = stores.orders.place(order_entry("e1", order("o1", units=2)))
        assert placed == order("o1", units=2)
        assert stores.orders.get(OrderId("o1")) == placed
        assert level(stores) == 3
        (batch,) = stores.log.pending(at(10**9))
        assert isinstance(batch.messages[0], EventsAccepted)

    def test_the_same_order_again_is_the_first_one_and_takes_nothing(self, stores: SqlStores) -> None:
        count(stores, 5)
        first = stores.orders.place(order_entry("e1", order("o1")))
        again = order_entry("e2", order("o1", ordered_at=at(60), received_at=at(61)))
        assert stores.orders.place(again) == first
        assert stores.orders.place(order_entry("e1", order("o1"))) == first
        assert level(stores) == 4
        assert stores.log.size().events == 1

    def test_other_content_under_the_same_id_is_a_conflict(self, stores: SqlStores) -> None:
        stores.orders.place(order_entry("e1", order("o1", units=1)))
        with pytest.raises(OrderConflict, match="o1"):
            stores.orders.place(order_entry("e2", order("o1", units=2)))
        with pytest.raises(OrderConflict, match="o1"):
            stores.orders.place(order_entry("e1", order("o1", units=2)))

    def test_an_event_id_used_before_cannot_place_another_order(self, stores: SqlStores) -> None:
        stores.orders.place(order_entry("e1", order("o1")))
        with pytest.raises(Conflict, match="e1"):
            stores.orders.place(order_entry("e1", order("o2")))

    def test_an_order_short_of_stock_stores_nothing(self, stores: SqlStores) -> None:
        count(stores, 1)
        with pytest.raises(OutOfStock) as short:
            stores.orders.place(order_entry("e1", order("o1", units=2)))
        assert (short.value.variant_id, short.value.asked, short.value.available) == (TENT, 2, 1)
        assert stores.orders.get(OrderId("o1")) is None
        assert level(stores) == 1
        assert stores.log.size().events == 0
        assert stores.orders.place(order_entry("e1", order("o1", units=1))).lines[0].quantity == 1

    def test_lines_of_one_variant_share_its_stock(self, stores: SqlStores) -> None:
        count(stores, 3)
        line = order("o1", units=2).lines[0]
        with pytest.raises(OutOfStock):
            stores.orders.place(order_entry("e1", order("o1", lines=(line, line))))
        assert level(stores) == 3

    def test_an_uncounted_variant_is_unlimited(self, stores: SqlStores) -> None:
        assert stores.orders.place(order_entry("e1", order("o1", units=1_000))).order_id == "o1"

    def test_stock_is_taken_at_the_orders_location_or_wherever_there_is_some(self, stores: SqlStores) -> None:
        count(stores, 2, "main")
        count(stores, 3, "harbour")
        with pytest.raises(OutOfStock):
            stores.orders.place(order_entry("e1", order("o1", units=4, location_id=LocationId("harbour"))))
        stores.orders.place(order_entry("e1", order("o1", units=4)))
        assert stores.stock.levels([TENT])[TENT] == {"main": 0, "harbour": 1}

    def test_a_claim_and_an_event_without_an_order_cannot_be_placed(self, stores: SqlStores) -> None:
        with pytest.raises(Forbidden):
            stores.orders.place(order_entry("e1", order("o1", trust=Trust.CLIENT)))
        with pytest.raises(InvalidValue):
            stores.orders.place(LogEntry(event=event("e1")))

    def test_a_hundred_buyers_of_the_last_ten_buy_exactly_ten(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        count(stores, 10)
        another = open_again()

        def buy(number: int) -> bool:
            entry = order_entry(f"e{number}", order(f"o{number}", customer_id=CustomerId(f"c{number}")))
            try:
                (stores, another)[number % 2].orders.place(entry)
            except OutOfStock:
                return False
            return True

        sold = in_threads([partial(buy, number) for number in range(100)])
        another.close()
        assert sold.count(True) == 10
        assert level(stores) == 0
        assert sum(len(batch) for batch in stores.orders.scan()) == 10

    def test_the_same_order_from_many_threads_is_one_order(self, stores: SqlStores) -> None:
        count(stores, 10)
        entries = [order_entry(f"e{number}", order("o1")) for number in range(8)]
        placed = in_threads([partial(stores.orders.place, entry) for entry in entries])
        assert placed == [order("o1")] * 8
        assert level(stores) == 9


class TestOrdersAsEvents:
    def test_an_event_takes_stock_only_when_it_says_so(self, stores: SqlStores) -> None:
        count(stores, 5)
        append(stores, order_entry("e1", order("o1")))
        assert level(stores) == 5
        append(stores, order_entry("e2", order("o2"), takes_stock=True))
        assert level(stores) == 4

    def test_short_of_stock_is_a_conflict_in_words_and_may_be_replayed(self, stores: SqlStores) -> None:
        count(stores, 1)
        entry = order_entry("e1", order("o1", units=2), takes_stock=True)
        (outcome,) = append(stores, entry)
        assert outcome.conflict == "out_of_stock: Only 1 of tent-green can be sold now; 2 were asked for."
        assert stores.orders.get(OrderId("o1")) is None
        stores.stock.count([StockCount(movement_id="again", variant_id=TENT, level=9, occurred_at=NOON)], NOON)
        assert append(stores, entry) == [STORED]

    def test_only_the_refused_entry_of_a_batch_is_left_out(self, stores: SqlStores) -> None:
        append(stores, order_entry("e1", order("o1")))
        outcomes = append(
            stores, event("a"), order_entry("e2", order("o1", units=9)), order_entry("e3", order("o1")), event("b")
        )
        assert [outcome.stored for outcome in outcomes] == [True, False, False, True]
        assert outcomes[1].conflict is not None
        assert outcomes[1].conflict.startswith("order_conflict: Order o1 ")
        assert outcomes[2] == DUPLICATE

    def test_the_first_of_two_orders_in_one_batch_wins(self, stores: SqlStores) -> None:
        outcomes = append(stores, order_entry("e1", order("o1")), order_entry("e2", order("o1", units=2)))
        assert [outcome.conflict is None for outcome in outcomes] == [True, False]

    def test_a_claim_is_no_sale_until_the_shop_confirms_it(self, stores: SqlStores) -> None:
        count(stores, 5)
        claim = order("o1", units=3, trust=Trust.CLIENT)
        assert append(stores, order_entry("e1", claim, takes_stock=True)) == [STORED]
        assert level(stores) == 5
        assert list(stores.orders.scan()) == []
        claimed = stores.orders.get(OrderId("o1"))
        assert claimed is not None
        assert claimed.status is OrderStatus.CLAIMED
        placed = stores.orders.place(order_entry("e2", order("o1", units=1)))
        assert placed.status is OrderStatus.PLACED
        assert level(stores) == 4
        assert [found for batch in stores.orders.scan() for found in batch] == [order("o1", units=1)]

    def test_a_late_claim_changes_nothing(self, stores: SqlStores) -> None:
        stores.orders.place(order_entry("e1", order("o1")))
        same, other = order("o1", trust=Trust.CLIENT), order("o1", units=7, trust=Trust.CLIENT)
        outcomes = append(stores, order_entry("e2", same), order_entry("e3", other))
        assert outcomes[0] == DUPLICATE
        assert outcomes[1].conflict is not None
        assert stores.orders.get(OrderId("o1")) == order("o1")


class TestReading:
    def test_orders_come_by_time_and_up_to_a_moment(self, stores: SqlStores) -> None:
        for n in (3, 1, 2, 1):
            told = order(f"o{n}", ordered_at=at(n))
            append(stores, order_entry(f"e{n}", told))
        assert _ids(stores.orders.scan(batch_size=2)) == ["o1", "o2", "o3"]
        assert _ids(stores.orders.scan(until=at(2))) == ["o1", "o2"]

    def test_orders_are_read_from_a_moment_on_with_those_of_that_moment(self, stores: SqlStores) -> None:
        for n in (1, 2, 3, 4):
            append(stores, order_entry(f"e{n}", order(f"o{n}", ordered_at=at(n))))
        assert _ids(stores.orders.scan(since=at(2), batch_size=1)) == ["o2", "o3", "o4"]
        assert _ids(stores.orders.scan(at(3), since=at(2))) == ["o2", "o3"]
        assert _ids(stores.orders.scan(since=at(5))) == []

    def test_a_customers_orders_come_newest_first(self, stores: SqlStores) -> None:
        for n in (1, 2, 3):
            append(stores, order_entry(f"e{n}", order(f"o{n}", ordered_at=at(n))))
        append(stores, order_entry("e9", order("o9", customer_id=CustomerId("bob"))))
        assert [found.order_id for found in stores.orders.of_customer(CustomerId("ada"), limit=2)] == ["o3", "o2"]
        assert stores.orders.get(OrderId("nothing")) is None

    def test_a_claimed_refund_counts_once_the_order_is_that_shoppers(self, stores: SqlStores) -> None:
        for customer in ("ada", "mallory"):
            told = event(f"r-{customer}", kind=EventKind.ORDER_REFUNDED, customer_id=customer, trust=Trust.CLIENT)
            refund = Refund(
                event_id=told.event_id,
                order_id=OrderId("o1"),
                amount_minor=100,
                currency="GBP",
                refunded_at=NOON,
                trust=Trust.CLIENT,
                customer_id=CustomerId(customer),
            )
            append(stores, LogEntry(event=told, refund=refund))
        assert list(stores.orders.refunds()) == []
        stores.orders.place(order_entry("e1", order("o1")))
        assert [refund.event_id for refund in stores.orders.refunds()] == ["r-ada"]
        assert list(stores.orders.refunds(until=at(-1))) == []

    def test_lines_may_share_a_line_id_and_have_no_price(self, stores: SqlStores) -> None:
        count(stores, 9)
        line = OrderLine(
            line_id=order("o").lines[0].line_id, product_id=order("o").lines[0].product_id, variant_id=TENT, quantity=1
        )
        told = order("o1", lines=(line, line, msgspec.structs.replace(line, unit_price_minor=5)))
        assert stores.orders.place(order_entry("e1", told)) == told
        assert level(stores) == 6


def _ids(batches: Iterable[Sequence[Order]]) -> list[str]:
    return [found.order_id for batch in batches for found in batch]
