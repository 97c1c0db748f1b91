"""Called-off orders and returns: every unit an order took comes back at most once, where it was taken from."""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import pytest
from sqlalchemy import event as sqlalchemy_event

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.goods_back import MOVEMENTS_NAMED, ORDERS_AT_ONCE
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.order_refunds import refundable_minor
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import CustomerId, LineId, LocationId, OrderId, VariantId
from smartshop.data_collection.schemas.orders import (
    CalledOff,
    Order,
    Refund,
    Return,
    called_off_event,
    units_called_off,
)
from smartshop.data_collection.schemas.stock import MovementReason, StockCount
from tests.connectors.test_reservations_contract import MAIN, NOW, TENT, basket, buy, later, level
from tests.connectors.told import NOON, append, at, event, in_threads, order, order_entry

HARBOUR = LocationId("harbour")


def count(stores: SqlStores, units: int, place: LocationId = MAIN) -> None:
    stores.stock.count(
        [StockCount(movement_id=f"count-{place}", variant_id=TENT, level=units, occurred_at=NOON, location_id=place)],
        NOON,
    )


def levels(stores: SqlStores) -> dict[LocationId, int]:
    return stores.stock.levels([TENT])[TENT]


def called_off(name: str, told: Order, *, restock: bool = True, sender: str = "ada") -> LogEntry:
    named = called_off_event(told.order_id, name)
    said = event(named, kind=EventKind.ORDER_REFUNDED, customer_id=sender, trust=Trust.SERVER, occurred_at=at(9))
    goods = CalledOff(order_id=told.order_id, lines=told.lines, called_off_at=at(9), restock=restock)
    return LogEntry(event=said, called_off=goods)


def returned(
    name: str,
    told: Order,
    *,
    restock: bool = True,
    trust: Trust = Trust.SERVER,
    place: str | None = None,
    sender: str = "ada",
) -> LogEntry:
    said = event(
        name, kind=EventKind.ORDER_RETURNED, customer_id=sender, trust=trust, restock=restock, location_id=place
    )
    goods = Return(
        event_id=name, order_id=told.order_id, lines=told.lines, returned_at=at(9), trust=trust, restock=restock
    )
    return LogEntry(event=said, goods_return=goods)


def test_units_go_back_where_they_were_taken_from(stores: SqlStores) -> None:
    count(stores, 2)
    count(stores, 5, HARBOUR)
    stores.orders.place(order_entry("e1", order("o1", units=4)))
    assert levels(stores) == {MAIN: 0, HARBOUR: 3}
    append(stores, called_off("c1", order("o1", units=3)))
    assert levels(stores) == {MAIN: 1, HARBOUR: 5}
    append(stores, called_off("c2", order("o1", units=3)))
    assert levels(stores) == {MAIN: 2, HARBOUR: 5}, "one was left to come back"


def test_said_again_it_moves_nothing_again(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=2)))
    for name in ("c1", "c1", "c2"):
        append(stores, called_off(name, order("o1", units=2)))
        assert levels(stores) == {MAIN: 5}
    assert stores.log.prune(later(86_400)) > 0, "the keys of events are forgotten after a while"
    append(stores, called_off("c1", order("o1", units=2)))
    assert levels(stores) == {MAIN: 5}


def test_an_order_that_used_up_a_basket_gives_its_units_back_to_everybody(stores: SqlStores) -> None:
    count(stores, 2)
    stores.reservations.reserve(basket("r1", 2, shopper_key="ada"), NOW)
    assert buy(stores, "o1", 2)
    append(stores, called_off("c1", order("o1", units=2)))
    assert level(stores) == 2
    assert stores.reservations.kept(NOW) == {}
    assert buy(stores, "o2", 2, customer_id=CustomerId("bob"))


def test_what_came_back_broken_is_not_sold_again_by_calling_the_order_off(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    append(stores, returned("r1", order("o1", units=2), restock=False))
    assert levels(stores) == {MAIN: 2}
    append(stores, called_off("c1", order("o1", units=3)))
    assert levels(stores) == {MAIN: 3}
    told = {(one.reason, one.quantity) for one in stores.orders.movements(OrderId("o1"))}
    assert told == {
        (MovementReason.SALE, -3),
        (MovementReason.RETURN, 2),
        (MovementReason.WRITE_OFF, -2),
        (MovementReason.RETURN, 1),
    }


def test_called_off_and_written_off_leaves_the_level_and_uses_the_units_up(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    append(stores, called_off("c1", order("o1", units=1), restock=False))
    assert levels(stores) == {MAIN: 2}
    append(stores, returned("r1", order("o1", units=3)))
    assert levels(stores) == {MAIN: 4}


def test_goods_sent_back_to_another_place_are_there_and_count_for_the_order(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    append(stores, returned("r1", order("o1", units=2), place=HARBOUR))
    append(stores, called_off("c1", order("o1", units=3)))
    assert levels(stores) == {MAIN: 3, HARBOUR: 2}


def test_an_order_that_took_nothing_gives_nothing_back_when_called_off(stores: SqlStores) -> None:
    """Told without stock, or before the variant was counted; goods that come back through the door are there."""
    stores.orders.place(order_entry("e1", order("o1", units=2)))
    count(stores, 5)
    append(stores, order_entry("e2", order("o2", units=2)))
    for name in ("o1", "o2"):
        append(stores, called_off(f"c-{name}", order(name, units=2)))
    assert levels(stores) == {MAIN: 5}
    append(stores, returned("r1", order("o1", units=2)))
    assert levels(stores) == {MAIN: 7}


def test_only_the_shop_itself_puts_goods_on_the_shelf(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=2)))
    for trust in (Trust.CLIENT, Trust.SHOPPER):
        append(stores, returned("r1", order("o1", units=2), trust=trust))
    assert levels(stores) == {MAIN: 3}


def test_an_order_and_its_calling_off_in_one_batch_cancel_out(stores: SqlStores) -> None:
    count(stores, 5)
    append(stores, order_entry("e1", order("o1", units=2), takes_stock=True), called_off("c1", order("o1", units=2)))
    assert levels(stores) == {MAIN: 5}


def test_an_orders_name_is_no_other_orders_beginning(stores: SqlStores) -> None:
    count(stores, 9)
    for name in ("o1", "o10", "o1-b"):
        stores.orders.place(order_entry(f"e-{name}", order(name, units=2)))
    append(stores, called_off("c1", order("o1", units=6)))
    assert levels(stores) == {MAIN: 5}
    assert stores.orders.movements(OrderId("o")) == []


def test_orders_tell_what_of_their_lines_was_called_off(stores: SqlStores) -> None:
    names = ("o1", "o10", "o2")
    for name in names:
        stores.orders.place(order_entry(f"e-{name}", order(name, units=3)))
    for cancellation, units in (("", 3), ("part", 1)):
        name = called_off_event(OrderId("o10"), cancellation)
        refund = Refund(
            event_id=name, order_id=OrderId("o10"), amount_minor=1, currency="GBP", refunded_at=at(9),
            trust=Trust.SERVER, lines=order("o10", units=units).lines, customer_id=CustomerId("ada"),
        )  # fmt: skip
        append(stores, msgspec.structs.replace(called_off(cancellation, order("o10", units=units)), refund=refund))
    told = [one for name in names if (one := stores.orders.get(OrderId(name))) is not None]
    assert stores.orders.called_off(told) == {"o10": {"0": 3}}


@pytest.mark.parametrize("restock", [True, False])
def test_goods_that_came_back_before_their_order_was_told_come_back_once(stores: SqlStores, restock: bool) -> None:
    count(stores, 5)
    append(stores, returned("r1", order("o1", units=2), restock=restock))
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    lying = levels(stores)[MAIN]
    assert lying == (4 if restock else 2)
    append(stores, called_off("c1", order("o1", units=3)))
    assert levels(stores) == {MAIN: lying + 1}, "of three one had not come back"
    append(stores, returned("r2", order("o1", units=3)))
    assert levels(stores) == {MAIN: lying + 1}


def test_two_senders_of_one_event_id_each_bring_their_unit_back(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    for sender in ("ada", "bob", "ada"):
        append(stores, returned("r1", order("o1", units=1), sender=sender))
    assert levels(stores) == {MAIN: 4}


def test_a_return_told_again_after_its_key_was_forgotten_moves_nothing(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    append(stores, returned("r1", order("o1", units=1)))
    assert stores.log.prune(later(86_400)) > 0
    append(stores, returned("r1", order("o1", units=1)))
    assert levels(stores) == {MAIN: 3}


def test_the_movements_of_a_return_lose_the_name_of_who_is_erased(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=3)))
    append(stores, returned("r1", order("o1", units=1)), returned("r2", order("o1", units=1), restock=False))
    before = stores.orders.movements(OrderId("o1"))
    assert sum("/ada/" in one.movement_id for one in before) == 3
    stores.erasure.erase(CustomerId("ada"), later(60))
    after = stores.orders.movements(OrderId("o1"))
    assert not any("ada" in one.movement_id for one in after)
    assert sorted((one.reason, one.quantity) for one in after) == sorted((one.reason, one.quantity) for one in before)
    append(stores, called_off("c1", order("o1", units=3), sender="desk"))
    assert levels(stores) == {MAIN: 4}, "of three two had come back"


def test_what_was_only_claimed_to_have_come_back_never_counts_not_even_of_who_is_erased(stores: SqlStores) -> None:
    count(stores, 5)
    stores.orders.place(order_entry("e1", order("o1", units=2)))
    append(stores, returned("r1", order("o1", units=2), trust=Trust.CLIENT))
    stores.erasure.erase(CustomerId("ada"), later(60))
    append(stores, called_off("c1", order("o1", units=2), sender="desk"))
    assert levels(stores) == {MAIN: 5}


def test_what_many_orders_took_is_read_a_hundred_at_a_time(stores: SqlStores) -> None:
    count(stores, 500)
    names = [f"o{number}" for number in range(ORDERS_AT_ONCE + 20)]
    for name in names:
        append(stores, order_entry(f"e-{name}", order(name, units=2), takes_stock=True))
    asked: list[str] = []
    if not stores.shop_database.is_postgres:
        note = lambda connection, *_: connection.set_trace_callback(asked.append)  # noqa: E731
        sqlalchemy_event.listen(stores.shop_database.writers, "checkout", note)
    append(stores, *(returned(f"r-{name}", order(name, units=1)) for name in names))
    assert levels(stores) == {MAIN: 500 - len(names)}
    reads = [statement for statement in asked if statement.startswith("SELECT movement_id, variant_id")]
    assert len(reads) == (0 if stores.shop_database.is_postgres else 2)
    for name in names[-2:]:
        append(stores, called_off(f"c-{name}", order(name, units=2)))
    assert levels(stores) == {MAIN: 502 - len(names)}, "one unit of each was left to come back"


def test_what_an_order_took_is_found_by_name_and_refunds_by_time(stores: SqlStores) -> None:
    """In SQLite; PostgreSQL plans by what is in its tables, and these are empty."""
    if stores.shop_database.is_postgres:
        return
    told: list[tuple[str, tuple[object, ...]]] = []
    note = lambda _1, _2, statement, values, *_: told.append((statement, values))  # noqa: E731
    sqlalchemy_event.listen(stores.shop_database.readers, "before_cursor_execute", note)
    list(stores.orders.refunds(since=NOON))
    (statement, values), *_ = told
    with stores.shop_database.read() as connection:
        page = ask(connection, f"EXPLAIN QUERY PLAN {statement}", *values)
        taken = ask(connection, f"EXPLAIN QUERY PLAN {MOVEMENTS_NAMED} UNION ALL {MOVEMENTS_NAMED}", *"abcd")
    plans = [step[3] for step in (*page, *taken)]
    assert any("refunds_by_time" in step for step in plans), plans
    assert not any(step.startswith(("SCAN", "USE TEMP")) for step in plans), plans


def test_of_many_who_call_an_order_off_by_parts_each_sees_what_those_before_refunded(
    stores: SqlStores, open_again: Callable[[], SqlStores]
) -> None:
    count(stores, 10)
    stores.orders.place(order_entry("e1", order("o1", units=7)))
    another = open_again()

    def part(number: int, told: Order, before: Sequence[Refund]) -> LogEntry | None:
        left = 7 - units_called_off(told, before).get(LineId("0"), 0)
        if left == 0:
            return None
        entry = called_off(f"c{number}", order("o1", units=min(left, 2)))
        assert entry.called_off is not None
        refund = Refund(
            event_id=entry.event.event_id, order_id=OrderId("o1"), currency="GBP", refunded_at=at(9),
            amount_minor=refundable_minor(told, entry.called_off.lines, before), trust=Trust.SERVER,
            lines=entry.called_off.lines,
        )  # fmt: skip
        return msgspec.structs.replace(entry, refund=refund)

    def do(number: int) -> None:
        (stores, another)[number % 2].orders.call_off(OrderId("o1"), partial(part, number))

    in_threads([partial(do, number) for number in range(12)])
    another.close()
    refunds = list(stores.orders.refunds())
    assert sum(one.amount_minor for one in refunds) == 7 * 9_900
    assert sorted(one.lines[0].quantity for one in refunds) == [1, 2, 2, 2]
    assert levels(stores) == {MAIN: 10}


def test_of_many_who_call_one_order_off_at_once_each_unit_comes_back_once(
    stores: SqlStores, open_again: Callable[[], SqlStores]
) -> None:
    count(stores, 40)
    for number in range(4):
        stores.orders.place(order_entry(f"e{number}", order(f"o{number}", units=10)))
    assert levels(stores) == {MAIN: 0}
    another = open_again()

    def do(number: int) -> int:
        """Of each order nine parts of three units, by returns and by calling it off; beside them somebody buys."""
        told, at_desk = order(f"o{number % 4}", units=3), (stores, another)[number % 2]
        if number % 12 >= 9:
            return 2 * buy(at_desk, f"new-{number}", 2, customer_id=CustomerId("bob"))
        append(at_desk, returned(f"r{number}", told) if number % 3 == 2 else called_off(f"c{number}", told))
        return 0

    bought = sum(in_threads([partial(do, number) for number in range(48)]))
    another.close()
    assert levels(stores) == {MAIN: 40 - bought}
    assert sum(one.quantity for one in stores.stock.movements(VariantId(TENT), 500)) == 40 - bought
