"""The fold of events into a profile: in any order, twice or late, the same."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import DecisionId, EventId, Micros, ProductId, ShopperKey
from smartshop.data_collection.schemas.profiles import (
    EXPOSURES_LIMIT,
    INTEREST_LIMIT,
    PURCHASES_LIMIT,
    Exposure,
    Interest,
    Profile,
    Purchase,
)
from tests.connectors.told import at, event

KINDS = [
    EventKind.PRODUCT_VIEWED,
    EventKind.SEARCHED,
    EventKind.ORDER_COMPLETED,
    EventKind.RECOMMENDATION_SHOWN,
    EventKind.PAGE_VIEWED,
]
lines = st.lists(
    st.builds(
        ProductLine,
        product_id=st.one_of(st.none(), st.integers(0, 4).map(lambda n: ProductId(f"p{n}"))),
        quantity=st.one_of(st.none(), st.integers(0, 5)),
        position=st.one_of(st.none(), st.integers(0, 3)),
    ),
    max_size=4,
).map(tuple)
events_told = st.lists(
    st.builds(
        StoredEvent,
        event_id=st.integers(0, 8).map(lambda n: EventId(f"e{n}")),
        kind=st.sampled_from(KINDS),
        occurred_at=st.integers(0, 5).map(Micros),
        received_at=st.just(Micros(9)),
        shopper_key=st.just(ShopperKey("browser")),
        source=st.just("api"),
        trust=st.sampled_from(Trust),
        products=lines,
        query=st.sampled_from([None, "boots", "tent"]),
        decision_id=st.sampled_from([None, DecisionId("d1")]),
        dwell_ms=st.one_of(st.none(), st.integers(0, 9)),
    ),
    max_size=12,
)


@given(events_told, st.integers(0, 2**32), st.integers(0, 12))
def test_any_order_any_repetition_any_split_gives_the_same(events: list[StoredEvent], seed: int, cut: int) -> None:
    whole = fold(events)
    shuffled = [*events, *events[:cut]]
    Random(seed).shuffle(shuffled)
    assert fold(shuffled) == whole
    assert fold(shuffled[cut:], onto=fold(shuffled[:cut])) == whole
    assert fold(events, onto=whole) == whole


@settings(max_examples=5)  # each folds 2,100 events
@given(st.integers(0, 2**32))
def test_the_bounds_keep_the_newest_whatever_the_order(seed: int) -> None:
    number = 700
    events = [
        event(f"e{n:03}", kind=kind, occurred_at=at(n), products=(ProductLine(product_id=ProductId(f"p{n}")),))
        for n in range(number)
        for kind in (EventKind.PRODUCT_VIEWED, EventKind.ORDER_COMPLETED, EventKind.RECOMMENDATION_SHOWN)
    ]
    Random(seed).shuffle(events)
    profile = Profile()
    for first in range(0, len(events), 500):
        profile = fold(events[first : first + 500], onto=profile)
    assert [sign.event_id for sign in profile.purchases] == [
        f"e{n:03}" for n in range(number - PURCHASES_LIMIT, number)
    ]
    assert [shown.event_id for shown in profile.exposures] == [
        f"e{n:03}" for n in range(number - EXPOSURES_LIMIT, number)
    ]
    assert len(profile.interest) == INTEREST_LIMIT
    assert profile.interest[-1].occurred_at == at(number - 1)


def test_what_an_event_says() -> None:
    tent, mug = ProductId("tent"), ProductId("mug")
    told = [
        event("e1", kind=EventKind.SEARCHED, occurred_at=at(1), products=(), query="boots"),
        event("e2", kind=EventKind.DWELLED, occurred_at=at(2), dwell_ms=900),
        event(
            "e3",
            kind=EventKind.ORDER_COMPLETED,
            occurred_at=at(3),
            products=(
                ProductLine(product_id=mug, quantity=2),
                ProductLine(product_id=mug),
                ProductLine(product_id=tent),
            ),
        ),
        event(
            "e4",
            kind=EventKind.RECOMMENDATION_SHOWN,
            occurred_at=at(4),
            decision_id="d1",
            products=(ProductLine(product_id=mug, position=0),),
        ),
        event("e5", kind=EventKind.PAGE_VIEWED, occurred_at=at(5)),
    ]
    assert fold(told) == Profile(
        interest=(
            Interest(at(1), EventId("e1"), EventKind.SEARCHED, None, query="boots"),
            Interest(at(2), EventId("e2"), EventKind.DWELLED, tent, dwell_ms=900),
            Interest(at(3), EventId("e3"), EventKind.ORDER_COMPLETED, mug),
            Interest(at(3), EventId("e3"), EventKind.ORDER_COMPLETED, tent),
        ),
        purchases=(Purchase(at(3), EventId("e3"), mug, 3), Purchase(at(3), EventId("e3"), tent, 1)),
        exposures=(Exposure(at(4), EventId("e4"), mug, DecisionId("d1"), 0),),
    )


def test_buying_again_moves_the_purchase_to_the_newest() -> None:
    told = [
        event("e1", kind=EventKind.ORDER_COMPLETED, occurred_at=at(1)),
        event("e2", kind=EventKind.ORDER_COMPLETED, occurred_at=at(2)),
    ]
    assert [purchase.event_id for purchase in fold(told).purchases] == ["e2"]
