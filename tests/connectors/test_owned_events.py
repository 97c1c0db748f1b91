"""What learning asks of single shoppers, on both engines: every telling, with its log number."""

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.customers import Customer
from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, OrderId
from tests.connectors.told import at, event, link, order

ANN, BOB = CustomerId("ann"), CustomerId("bob")
BROWSER, OTHER = AnonymousId("b1"), AnonymousId("b2")
VIEWS = (EventKind.PRODUCT_VIEWED,)


def append(stores: SqlStores, *events: StoredEvent) -> None:
    stores.log.append([[LogEntry(event=each) for each in events]])


def test_every_telling_of_a_customer_and_a_browsers_own_are_read_with_their_numbers(stores: SqlStores) -> None:
    append(
        stores,
        event("vouched", customer_id=ANN, trust=Trust.SERVER),
        event("claimed", customer_id=ANN, trust=Trust.CLIENT),
        event("on-browser", anonymous_id=BROWSER),
        event("named", customer_id=BOB, anonymous_id=BROWSER, trust=Trust.SERVER),
        event("searched", kind=EventKind.SEARCHED, customer_id=ANN, trust=Trust.SERVER),
    )
    found = stores.owned_events.events_of([ANN], [BROWSER, OTHER], VIEWS, 10)
    assert [told.event_id for _, told in found] == ["vouched", "claimed", "on-browser"]
    numbers = [number for number, _ in found]
    assert numbers == sorted(numbers)
    assert dict(found).items() <= dict(next(stores.log.scan())).items()
    assert stores.owned_events.events_of([], [], VIEWS, 10) == []


def test_of_each_shopper_the_newest_are_read(stores: SqlStores) -> None:
    append(
        stores,
        *(event(f"a{number}", customer_id=ANN, trust=Trust.SERVER, occurred_at=at(number)) for number in (3, 1, 2)),
        *(event(f"b{number}", anonymous_id=BROWSER, occurred_at=at(number)) for number in range(30)),
    )
    found = {told.event_id for _, told in stores.owned_events.events_of([ANN], [BROWSER], VIEWS, 2)}
    assert found == {"a3", "a2", "b29", "b28"}


def test_links_are_found_from_either_end_and_by_their_time(stores: SqlStores) -> None:
    first, second = link(BROWSER, ANN, 1), link(BROWSER, BOB, 5)
    third = link(OTHER, BOB, 9)
    for each in (first, second, third):
        stores.customers.link(each)
    assert set(stores.owned_events.links_around([ANN], [])) == {first, second}
    assert set(stores.owned_events.links_around([BOB], [])) == {first, second, third}
    assert stores.owned_events.links_around([], [OTHER]) == [third]
    assert stores.owned_events.links_around([], []) == []
    assert set(stores.owned_events.links_since(at(1))) == {second, third}


def test_merges_orders_and_times_of_arrival_are_told(stores: SqlStores) -> None:
    stores.customers.upsert([Customer(customer_id=each) for each in (ANN, BOB)], at(0))
    stores.customers.merge(ANN, BOB, at(3))
    assert stores.owned_events.merges() == {ANN: (BOB, at(3))}
    ordered = event("e-1", kind=EventKind.ORDER_COMPLETED, customer_id=ANN, trust=Trust.SERVER, order_id=OrderId("o-1"))
    stores.log.append([[LogEntry(event=ordered, order=order("o-1", customer_id=ANN))]])
    assert stores.owned_events.buyers_of([OrderId("o-1"), OrderId("unknown")]) == [(ANN, None)]
    last = stores.log.size().last_no
    assert stores.owned_events.received_at(last + 5) == ordered.received_at
    assert stores.owned_events.received_at(last - 1) is None
