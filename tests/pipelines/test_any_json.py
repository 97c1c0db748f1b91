"""Whatever JSON is sent as events: a clear answer, nothing lost, nothing stored wrong."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.arrivals import Receipt
from smartshop.data_collection.pipelines.segment import translate
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import Micros, clean_id
from tests.pipelines.door import arrival, door_of, everything_in, opened, stores_in

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(["a-1", "c-1", " p ", "", "é\u0301", "x/y", "\x00", "2026-11-22T15:30:00Z", "GBP"])
FIELDS = st.sampled_from(
    "event_id occurred_at anonymous_id customer_id session_id product_id variant_id quantity price_minor products "
    "order_id currency market discount_minor amount_minor takes_stock query rating dwell_ms surface position "
    "decision_id consent traits name properties context".split()
)
NEARLY_EVENTS = st.builds(
    lambda kind, fields: {"kind": kind, "anonymous_id": "a-1", **fields},
    st.sampled_from([kind.value for kind in EventKind]),
    st.dictionaries(FIELDS, WORDS | ANY_JSON, max_size=8),
)


@pytest.fixture(scope="module")
def shared_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStores]:
    stores = stores_in(tmp_path_factory.mktemp("any"))
    yield stores
    stores.close()


@given(st.lists(ANY_JSON | NEARLY_EVENTS, min_size=1, max_size=8), st.sampled_from(Trust))
def test_any_json_gets_a_clear_answer_and_nothing_is_lost(
    shared_stores: SqlStores, events: list[object], trust: Trust
) -> None:
    quarantined, kept = len(quarantine_of(shared_stores)), shared_stores.log.size().events

    async def send() -> Receipt:
        async with opened(door_of(shared_stores)) as ingest:
            return await ingest.accept([json.dumps(event).encode() for event in events], arrival(trust))

    receipt = asyncio.run(send())
    assert receipt.accepted + receipt.duplicates + len(receipt.rejected) == len(events)
    assert all(": " in rejected.reason for rejected in receipt.rejected)
    assert len(quarantine_of(shared_stores)) - quarantined == len(receipt.rejected)
    assert shared_stores.log.size().events - kept <= receipt.accepted
    for event in everything_in(shared_stores)[-receipt.accepted or 10**9 :]:
        assert event.shopper_key == clean_id(event.shopper_key) == (event.customer_id or event.anonymous_id)
        assert event.occurred_at <= event.received_at + 600 * 1_000_000
        assert all(line.product_id is not None for line in event.products)


@given(ANY_JSON | st.dictionaries(st.sampled_from(["type", "event", "properties", "userId", "context"]), ANY_JSON))
def test_any_json_as_a_tracking_message_is_an_event_or_a_sentence(message: object) -> None:
    translated = translate(json.dumps(message).encode(), Micros(1_795_000_000_000_000), "GBP")
    assert translated is not None


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=1, max_size=8), st.integers(0, 10**9))
def test_duplicates_are_counted_once_in_any_interleaving(
    shared_stores: SqlStores, batches: list[list[int]], shopper: int
) -> None:
    """Each batch is one sender; all send at once."""
    before = Counter(event.event_id for event in everything_in(shared_stores) if event.shopper_key == f"d-{shopper}")

    async def send() -> list[Receipt]:
        async with opened(door_of(shared_stores)) as ingest:
            return await asyncio.gather(*[ingest.accept([one(n) for n in batch], arrival()) for batch in batches])

    def one(number: int) -> bytes:
        return json.dumps({"kind": "page_viewed", "event_id": f"e-{number}", "anonymous_id": f"d-{shopper}"}).encode()

    receipts = asyncio.run(send())
    distinct = {f"e-{number}" for batch in batches for number in batch}
    assert sum(receipt.accepted for receipt in receipts) == len(distinct - set(before))
    assert sum(receipt.accepted + receipt.duplicates for receipt in receipts) == sum(map(len, batches))
    after = Counter(event.event_id for event in everything_in(shared_stores) if event.shopper_key == f"d-{shopper}")
    assert set(after) == distinct | set(before)
    assert set(after.values()) == {1}


def quarantine_of(stores: SqlStores) -> list[int]:
    return [row.row_id for row in stores.quarantine.page(limit=1_000_000)]
