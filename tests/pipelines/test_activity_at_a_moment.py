"""A table cut at a moment is the table loaded at that moment: nothing that came back later is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.ai_agents.segmentation.cut import events_until, only, orders_placed, orders_until, until
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.customer_activity_arrays import arrange_activity
from smartshop.data_collection.pipelines.customer_activity_rows import ActivityRows, Whose
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import (
    CustomerId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    SessionId,
    ShopperKey,
)
from tests.pipelines.door import stores_in
from tests.segmentation.activities import told

START = 1_767_225_600 * SECOND
"""2026-01-01T00:00Z."""
HOUR = 3_600 * SECOND
HOURS = 30
NAMES = ("tent", "bag", "unknown")
ORDERED, REFUNDED, RETURNED = EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED, EventKind.ORDER_RETURNED


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    stores = stores_in(tmp_path_factory.mktemp("moments"))
    products = [Product(product_id=ProductId(name), title=name) for name in NAMES[:2]]
    stores.catalogue.upsert(products, Micros(START))
    made = ShelfKeeper(stores.catalogue, stores.stock, "GBP", lambda: Micros(START)).shelf
    stores.close()
    return made


@dataclass(frozen=True)
class Log:
    """Events in the order in which they were told."""

    events: tuple[StoredEvent, ...]
    shelf: Shelf

    def load(self, hour: float) -> CustomerActivity:
        """What a load of the log until `hour` gives."""
        moment = at(hour)
        rows = ActivityRows(number_of=self.shelf.number_of, whose=whose, currency="GBP")
        for number, event in enumerate(self.events):
            if event.occurred_at <= moment:
                rows.add(number, event)
        return arrange_activity(rows, self.shelf, moment)


def whose(event: StoredEvent) -> Whose:
    assert event.customer_id is not None
    return Whose(event.customer_id, is_vouched=True)


def at(hour: float) -> Micros:
    return Micros(START + int(hour * HOUR))


def event(
    number: int,
    kind: EventKind,
    hour: float,
    who: str,
    *lines: tuple[str, int, int | None],
    **said: Any,  # noqa: ANN401  any field of the event
) -> StoredEvent:
    products = tuple(ProductLine(product_id=ProductId(name), quantity=n, price_minor=price) for name, n, price in lines)
    said.setdefault("currency", "GBP")
    return StoredEvent(
        event_id=EventId(f"e{number}"),
        kind=kind,
        occurred_at=at(hour),
        received_at=at(hour),
        shopper_key=ShopperKey(who),
        source="test",
        trust=Trust.SERVER,
        customer_id=CustomerId(who),
        products=products,
        **said,
    )


lines_made = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 4), st.sampled_from([None, 0, 333, 900, 1_000])), max_size=3
)
"""An order's, or a credit note's; without any, a refund is of the whole order or of money."""
tellings = st.tuples(
    st.sampled_from([ORDERED, ORDERED, REFUNDED, REFUNDED, RETURNED, EventKind.PRODUCT_VIEWED]),
    st.integers(0, HOURS),
    st.sampled_from(["ann", "bob"]),
    lines_made,
    st.sampled_from([None, 0, 1, 2, 3]),
    st.sampled_from([None, None, 1, 400, 2_000]),
)
logs = st.lists(tellings, min_size=4, max_size=24)


def log_of(made: Sequence[Any], shelf: Shelf) -> Log:
    """Orders have their own names; what came back names one of the first four orders, or none."""
    names = [OrderId(f"o{number}") for number, each in enumerate(made) if each[0] is ORDERED][:4]
    events = []
    for number, (kind, hour, who, lines, of, money) in enumerate(made):
        said: dict[str, Any] = {}
        if kind is ORDERED:
            said = {
                "order_id": OrderId(f"o{number}"),
                "discount_minor": money,
                "context": Context(channel=f"c{hour % 3}"),
            }
            said["currency"] = "EUR" if hour % 11 == 10 else "GBP"
        elif kind in (REFUNDED, RETURNED):
            said["order_id"] = names[of] if of is not None and of < len(names) else None
            said["amount_minor"] = money
        else:
            said["session_id"] = SessionId(f"s{hour % 3}") if hour % 2 else None
        events.append(event(number, kind, hour, who, *lines, **said))
    return Log(tuple(events), shelf)


@given(logs, st.integers(0, HOURS), st.integers(0, HOURS))
@settings(max_examples=120)
def test_the_past_of_a_load_is_the_load_of_the_past(shelf: Shelf, made: list[Any], one: int, other: int) -> None:
    log, (earlier, later) = log_of(made, shelf), sorted((one, other))
    whole = log.load(HOURS)
    expected = told(log.load(earlier))

    assert told(until(whole, at(earlier))) == expected
    # And of a past again.
    assert told(until(until(whole, at(later)), at(earlier))) == expected


@given(logs, st.integers(0, HOURS))
@settings(max_examples=40)
def test_one_customers_past_is_theirs_among_all(shelf: Shelf, made: list[Any], hour: int) -> None:
    log = log_of(made, shelf)
    orders = {each.order_id for each in log.events if each.customer_id == "ann" and each.kind is ORDERED}
    mine = Log(
        tuple(each for each in log.events if each.customer_id == "ann" or each.order_id in orders - {None}), shelf
    )
    whole = log.load(HOURS)
    alone = only(whole, np.array([name == "ann" for name in whole.customer_ids], np.bool_))

    assert told(alone) == told(mine.load(HOURS))
    assert told(until(alone, at(hour))) == told(mine.load(hour))


@given(logs, st.integers(0, HOURS))
@settings(max_examples=40)
def test_the_orders_alone_stand_as_they_do_in_the_whole_past(shelf: Shelf, made: list[Any], hour: int) -> None:
    whole = log_of(made, shelf).load(HOURS)
    past, alone = events_until(whole, at(hour)), orders_until(whole, at(hour))

    assert len(past) == len(whole)
    assert alone.customer.tolist() == past.order_customer.tolist()
    assert alone.at.tolist() == past.order_at.tolist()
    assert alone.value_minor.tolist() == past.order_value_minor.tolist()
    assert alone.kept.tolist() == past.kept.tolist()


@given(logs)
@settings(max_examples=40)
def test_an_order_is_placed_as_if_nothing_ever_came_back(shelf: Shelf, made: list[Any]) -> None:
    log = log_of(made, shelf)
    placed = orders_placed(log.load(HOURS))
    never = Log(tuple(each for each in log.events if each.kind not in (REFUNDED, RETURNED)), shelf).load(HOURS)

    assert placed.at.tolist() == never.order_at.tolist()
    assert placed.value_minor.tolist() == never.order_value_minor.tolist()
    assert placed.kept.tolist() == never.kept.tolist()


def test_a_refund_is_not_known_before_it_is_given(shelf: Shelf) -> None:
    log = Log(
        (
            event(
                0, ORDERED, 1, "ann", ("tent", 2, 1_000), ("bag", 1, 500), order_id=OrderId("o-1"), discount_minor=500
            ),
            event(1, ORDERED, 2, "ann", ("bag", 1, 500), order_id=OrderId("o-2")),
            event(2, REFUNDED, 5, "ann", ("tent", 1, 1_000), order_id=OrderId("o-1")),
            event(3, REFUNDED, 8, "ann", order_id=OrderId("o-2")),
        ),
        shelf,
    )
    whole = log.load(9)
    assert (whole.order_value_minor.tolist(), whole.order_list_minor.tolist()) == ([1_000], [1_250])

    for hour, values, list_values, units_back in (
        (7, [1_000, 500], [1_250, 500], [1, 0]),
        (4, [2_000, 500], [2_500, 500], [0, 0]),
        (1, [2_000], [2_500], [0]),
    ):
        past = until(whole, at(hour))
        assert past.order_value_minor.tolist() == values
        assert past.order_list_minor.tolist() == list_values
        assert past.order_units_back.tolist() == units_back


def test_a_credit_note_sees_only_what_came_back_before_it(shelf: Shelf) -> None:
    log = Log(
        (
            event(0, ORDERED, 1, "ann", ("tent", 1, 1_000), order_id=OrderId("o-1")),
            event(1, ORDERED, 2, "ann", ("bag", 1, 1_000), order_id=OrderId("o-2")),
            event(2, REFUNDED, 5, "ann", amount_minor=600),
            event(3, REFUNDED, 8, "ann", order_id=OrderId("o-2"), amount_minor=300),
        ),
        shelf,
    )
    assert log.load(6).order_value_minor.tolist() == [1_000, 400]
    # The later refund of the second order changes nothing of where the earlier note went.
    assert log.load(9).order_value_minor.tolist() == [1_000, 100]


def test_what_came_back_at_one_moment_stands_by_the_events_names(shelf: Shelf) -> None:
    events = [
        event(number, ORDERED, 1, "ann", ("bag", 1, 700 + number), order_id=OrderId(f"o{number}"))
        for number in range(3)
    ]
    notes = [event(10 + number, REFUNDED, 5, "ann", ("bag", 1, price)) for number, price in enumerate((650, 690, 10))]
    one, other = Log((*events, *notes), shelf), Log((*events, *reversed(notes)), shelf)

    assert told(one.load(9)) == told(other.load(9))
