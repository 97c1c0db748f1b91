"""What was refused can enter after a fix, once, at the time it came."""

from smartshop.data_collection.connectors.ports import QuarantinedRow
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.replay import replay
from smartshop.data_collection.pipelines.segment import replayed_segment
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import Micros
from tests.pipelines.door import door_of, everything_in, texts, view

RECEIVED = Micros(1_790_000_000_000_000)
LATER = Micros(RECEIVED + 30 * 86_400_000_000)


def refused(source: str, raw: bytes, trust: Trust = Trust.SERVER) -> QuarantinedRow:
    return QuarantinedRow(
        source=source, reason="old_rule: It was refused once.", raw=raw, received_at=RECEIVED, trust=trust.value
    )


def test_what_passes_now_is_stored_once_with_its_own_time(stores: SqlStores) -> None:
    stores.quarantine.add([refused("api", texts(view("e-1"))[0]), refused("api", b"[]")])
    report = replay(stores.quarantine, door_of(stores), LATER, source=None, wires={})
    assert (report.seen, report.accepted, report.duplicates, report.refused) == (2, 1, 0, {"malformed": 1})
    (event,) = everything_in(stores)
    assert (event.event_id, event.received_at, event.trust) == ("e-1", RECEIVED, Trust.SERVER)
    again = replay(stores.quarantine, door_of(stores), LATER, source=None, wires={})
    assert (again.seen, again.accepted) == (1, 0)
    assert len(stores.quarantine.page()) == 1


def test_a_tracking_message_is_read_as_on_its_own_wire(stores: SqlStores) -> None:
    message = {"type": "track", "event": "Product Viewed", "anonymousId": "a", "properties": {"product_id": "tent"}}
    stores.quarantine.add([refused("segment", texts(message)[0])])
    wires = {"segment": replayed_segment("GBP")}
    assert replay(stores.quarantine, door_of(stores), LATER, source="segment", wires=wires).accepted == 1
    assert everything_in(stores)[0].products[0].product_id == "tent"


def test_a_row_that_came_with_a_token_is_only_a_claim_now(stores: SqlStores) -> None:
    event = {**view("e-1"), "customer_id": "somebody-else"}
    stores.quarantine.add([refused("api", texts(event)[0], Trust.SHOPPER)])
    replay(stores.quarantine, door_of(stores), LATER, source=None, wires={})
    assert everything_in(stores)[0].trust is Trust.CLIENT
