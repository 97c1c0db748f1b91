"""Whom to look at again after which events."""

from smartshop.ai_agents.segmentation.due import BROWSING_PER_ROUND, REMEMBERED, RUN, Due
from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import CustomerId, EventId, Micros, ShopperKey


def told(kind: EventKind, customer: str | None, *, traffic: Traffic = Traffic.HUMAN) -> StoredEvent:
    return StoredEvent(
        event_id=EventId("e"),
        kind=kind,
        occurred_at=Micros(1),
        received_at=Micros(1),
        shopper_key=ShopperKey(customer or "a-1"),
        source="api",
        trust=Trust.SERVER,
        traffic=traffic,
        customer_id=None if customer is None else CustomerId(customer),
    )


def test_an_order_makes_due_at_once_and_only_once() -> None:
    order = told(EventKind.ORDER_COMPLETED, "c-1")
    assert Due().after([order, order, told(EventKind.ORDER_REFUNDED, "c-2")]) == {"c-1": 1, "c-2": 1}


def test_browsing_makes_due_after_a_run_and_the_next_run_starts_over() -> None:
    due, view = Due(), told(EventKind.PRODUCT_VIEWED, "c-1")
    assert due.after([view] * (RUN - 1)) == {}
    assert due.after([view]) == {"c-1": 1}
    assert due.after([view] * (RUN - 1)) == {}


def test_strangers_and_bots_are_never_due() -> None:
    bot = told(EventKind.ORDER_COMPLETED, "c-1", traffic=Traffic.BOT)
    assert Due().after([bot, told(EventKind.ORDER_COMPLETED, None)]) == {}


def test_a_flood_of_browsing_is_worked_off_in_rounds_behind_orders() -> None:
    due = Due()
    flood = [told(EventKind.PRODUCT_VIEWED, f"c-{number}") for number in range(BROWSING_PER_ROUND + 5)] * RUN
    first = due.after([*flood, told(EventKind.ORDER_COMPLETED, "buyer")])
    assert next(iter(first)) == "buyer"
    assert len(first) == BROWSING_PER_ROUND + 1
    assert list(due.after([])) == [f"c-{BROWSING_PER_ROUND + number}" for number in range(5)]


def test_what_is_remembered_is_bounded() -> None:
    due = Due()
    due.after(told(EventKind.PRODUCT_VIEWED, f"c-{number}") for number in range(REMEMBERED + 10))
    assert len(due.runs) == REMEMBERED
