"""What slates showed and what came of it, through the real stores."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.pipelines.slate_outcomes import Outcome, ShownSlate, load_shown_slates
from smartshop.data_collection.schemas.catalogue import Product, Variant
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    ProductNo,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.slates import Decision, Policy, Surface
from tests.pipelines.door import stores_in

START = 1_790_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
NAMES = tuple("abcdefgh")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = stores_in(tmp_path)
    variants = (Variant(variant_id=VariantId("a-red")),)
    products = [
        Product(product_id=ProductId(name), title=name, variants=variants if name == "a" else ()) for name in NAMES
    ]
    opened.catalogue.upsert(products, Micros(START))
    yield opened
    opened.close()


def shelf_of(stores: SqlStores) -> Shelf:
    return ShelfKeeper(stores.catalogue, stores.stock, "GBP", lambda: Micros(START)).shelf


def decide(
    stores: SqlStores,
    decision_id: str,
    shown: str,
    *,
    at: int = 0,
    shopper: str = "browser",
    customer: bool = False,
    surface: Surface = Surface.CATEGORY,
    runners_up: str = "",
) -> None:
    """A slate of these products, a letter each, decided `at` seconds after the start."""
    number_of = shelf_of(stores).number_of
    numbers = [ProductNo(number_of[ProductId(name)]) for name in shown + runners_up]
    stores.decisions.write(
        [
            Decision(
                decision_id=DecisionId(decision_id),
                decided_at=Micros(START + at * SECOND),
                surface=surface,
                shopper_key=ShopperKey(shopper),
                is_customer=customer,
                policy=Policy("base", 1.0, {"inventory": 0.5}),
                model_versions={},
                product_no=numbers,
                shown=len(shown),
                propensity=[1.0] * (len(shown) - 1) + [0.25],
                advisors=["inventory", "recommendation"],
                log_odds=[np.full(len(numbers), each, "<f4").tobytes() for each in (1.0, 2.0)],
            )
        ]
    )


def tell(
    stores: SqlStores,
    kind: EventKind,
    products: str,
    *,
    at: int,
    shopper: str = "browser",
    customer: str | None = None,
    decision_id: str | None = None,
    trust: Trust = Trust.SERVER,
    traffic: Traffic = Traffic.HUMAN,
    variant: str | None = None,
) -> None:
    lines = [ProductLine(product_id=ProductId(name), position=place) for place, name in enumerate(products)]
    if variant is not None:
        lines = [ProductLine(variant_id=VariantId(variant))]
    event = StoredEvent(
        event_id=EventId(f"{kind}-{at}-{products}-{shopper}"),
        kind=kind,
        occurred_at=Micros(START + at * SECOND),
        received_at=Micros(START + at * SECOND),
        shopper_key=ShopperKey(customer or shopper),
        source="test",
        trust=trust,
        traffic=traffic,
        customer_id=CustomerId(customer) if customer else None,
        anonymous_id=None if customer else AnonymousId(shopper),
        products=tuple(lines),
        order_id=OrderId(f"o-{at}") if kind is EventKind.ORDER_COMPLETED else None,
        currency="GBP",
        decision_id=DecisionId(decision_id) if decision_id else None,
        context=Context(device="mobile"),
    )
    link = None
    if kind is EventKind.IDENTIFIED:
        link = IdentityLink(
            anonymous_id=AnonymousId(shopper),
            customer_id=CustomerId("ann"),
            received_at=event.received_at,
            trust=trust,
        )
    stores.log.append([[LogEntry(event=event, link=link)]])


def seen(stores: SqlStores, decision_id: str, products: str, *, at: int, shopper: str = "browser") -> None:
    tell(stores, EventKind.RECOMMENDATION_SHOWN, products, at=at, shopper=shopper, decision_id=decision_id)


def load(stores: SqlStores, *, since: int = 0, until: int = 100 * DAY) -> tuple[ShownSlate, ...]:
    return load_shown_slates(
        stores.log,
        stores.customers,
        stores.decisions,
        shelf_of(stores),
        since=Micros(START + since),
        until=Micros(START + until),
    )


def names(stores: SqlStores, numbers: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int32]]) -> str:
    return "".join(shelf_of(stores).product_ids[number] for number in numbers)


def test_only_what_came_into_view_is_learned_from(stores: SqlStores) -> None:
    decide(stores, "d-1", "abcd", runners_up="ef")
    decide(stores, "d-2", "abcd", at=5)
    seen(stores, "d-1", "ab", at=1)
    (slate,) = load(stores)
    assert names(stores, slate.product_no) == "ab"
    assert names(stores, slate.entries) == "abcdef"
    assert slate.propensity.tolist() == [1.0, 1.0]
    assert slate.argued.tolist() == [2.5, 2.5]
    assert slate.device == "mobile"
    assert not slate.outcome.any()


def test_what_names_its_slate_counts_there_whenever_it_comes(stores: SqlStores) -> None:
    decide(stores, "d-1", "abc")
    decide(stores, "d-2", "abc", at=5)
    seen(stores, "d-2", "abc", at=6)
    tell(stores, EventKind.RECOMMENDATION_CLICKED, "b", at=3 * 86_400, decision_id="d-1")
    first, second = load(stores)
    # The click shows that the place was looked at, though nothing was reported as visible.
    assert first.outcome.tolist() == [Outcome.NOTHING, Outcome.CLICKED]
    assert first.named.tolist() == [False, True]
    assert not second.outcome.any()


def test_what_names_no_slate_counts_for_the_newest_that_showed_it_within_a_day(stores: SqlStores) -> None:
    decide(stores, "d-1", "abcd")
    decide(stores, "d-2", "abcd", at=60)
    seen(stores, "d-1", "abc", at=1)
    seen(stores, "d-2", "ab", at=61)
    tell(stores, EventKind.PRODUCT_ADDED, "a", at=100)
    tell(stores, EventKind.PRODUCT_CLICKED, "c", at=101)
    tell(stores, EventKind.ORDER_COMPLETED, "a", at=102)
    tell(stores, EventKind.PRODUCT_CLICKED, "d", at=103)
    tell(stores, EventKind.PRODUCT_CLICKED, "b", at=2 * 86_400)
    first, second = load(stores)
    assert first.outcome.tolist() == [Outcome.NOTHING, Outcome.NOTHING, Outcome.CLICKED]
    assert second.outcome.tolist() == [Outcome.ORDERED, Outcome.NOTHING]
    assert not second.named.any()


def test_only_people_and_vouched_orders_count(stores: SqlStores) -> None:
    decide(stores, "d-1", "ab")
    seen(stores, "d-1", "ab", at=1)
    tell(stores, EventKind.ORDER_COMPLETED, "a", at=2, trust=Trust.CLIENT)
    tell(stores, EventKind.RECOMMENDATION_CLICKED, "b", at=3, decision_id="d-1", traffic=Traffic.BOT)
    tell(stores, EventKind.RECOMMENDATION_CLICKED, "b", at=4, decision_id="d-9")
    tell(stores, EventKind.PRODUCT_CLICKED, "b", at=5, shopper="somebody else")
    (slate,) = load(stores)
    assert slate.outcome.tolist() == [Outcome.NOTHING, Outcome.CLICKED]  # the one that named a slate nobody knows
    assert not slate.named.any()


def test_the_history_ends_before_the_decision(stores: SqlStores) -> None:
    tell(stores, EventKind.PRODUCT_VIEWED, "h", at=0)
    tell(stores, EventKind.ITEM_DISMISSED, "g", at=1)
    tell(stores, EventKind.ORDER_COMPLETED, "f", at=2)
    tell(stores, EventKind.PRODUCT_VIEWED, "", at=3, variant="a-red")
    decide(stores, "d-1", "ab", at=10)
    seen(stores, "d-1", "ab", at=11)
    tell(stores, EventKind.PRODUCT_VIEWED, "e", at=10)
    tell(stores, EventKind.PRODUCT_VIEWED, "d", at=12)
    (slate,) = load(stores)
    assert names(stores, slate.history) == "hfa"
    assert slate.history_bought.tolist() == [False, True, False]
    assert (slate.history_at < slate.decided_at).all()


@pytest.mark.parametrize(
    ("surface", "shown", "basket"), [(Surface.BASKET, "ab", "h"), (Surface.HOME, "ab", ""), (Surface.BASKET, "ah", "")]
)
def test_the_basket_is_what_was_put_in_and_stayed(stores: SqlStores, surface: Surface, shown: str, basket: str) -> None:
    """A slate that shows what lies in the basket was not asked for with it."""
    for at, (kind, product) in enumerate(
        [
            (EventKind.PRODUCT_ADDED, "f"),
            (EventKind.PRODUCT_ADDED, "g"),
            (EventKind.PRODUCT_ADDED, "h"),
            (EventKind.PRODUCT_REMOVED, "g"),
            (EventKind.ORDER_COMPLETED, "f"),
        ]
    ):
        tell(stores, kind, product, at=at)
    decide(stores, "d-1", shown, at=10, surface=surface)
    seen(stores, "d-1", shown, at=11)
    (slate,) = load(stores)
    assert names(stores, slate.basket) == basket


def test_a_browser_that_signs_in_is_one_shopper_with_its_customer(stores: SqlStores) -> None:
    decide(stores, "d-1", "ab")
    seen(stores, "d-1", "ab", at=1)
    tell(stores, EventKind.IDENTIFIED, "", at=2)
    tell(stores, EventKind.PRODUCT_ADDED, "a", at=3, customer="ann")
    decide(stores, "d-2", "cd", at=10, shopper="ann", customer=True)
    seen(stores, "d-2", "cd", at=11, shopper="browser")
    first, second = load(stores)
    assert first.shopper == second.shopper
    assert first.outcome.tolist() == [Outcome.ADDED, Outcome.NOTHING]
    assert names(stores, second.history) == "a"


def test_only_the_asked_stretch_is_read(stores: SqlStores) -> None:
    for number in range(3):
        decide(stores, f"d-{number}", "ab", at=number * 100)
        seen(stores, f"d-{number}", "ab", at=number * 100 + 1)
    assert [slate.decided_at for slate in load(stores, since=100 * SECOND, until=200 * SECOND)] == [
        START + 100 * SECOND
    ]
    assert load(stores, since=DAY) == ()
