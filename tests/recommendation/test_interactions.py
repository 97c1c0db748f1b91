"""From the log to arrays: whose, what, when, and each event once. Through the real stores."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.interactions import KINDS, Interactions, load_interactions
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Product, Variant
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    LineId,
    Micros,
    OrderId,
    ProductId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.orders import Order, OrderLine
from tests.recommendation.worlds import SECOND, START


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_stores("", tmp_path, tmp_path / "models")
    opened.catalogue.upsert(
        [
            Product(product_id=ProductId("tent"), title="Tent"),
            Product(
                product_id=ProductId("bag"),
                title="Bag",
                variants=(Variant(variant_id=VariantId("bag-red")), Variant(variant_id=VariantId("bag-blue"))),
            ),
            Product(product_id=ProductId("stove"), title="Stove"),
        ],
        Micros(START),
    )
    yield opened
    opened.close()


def happened(
    event_id: str,
    product: str | None,
    *,
    kind: EventKind = EventKind.PRODUCT_VIEWED,
    at: int = 0,
    customer: str | None = None,
    anonymous: str | None = "browser",
    trust: Trust = Trust.SERVER,
    traffic: Traffic = Traffic.HUMAN,
    order_id: str | None = None,
    lines: tuple[ProductLine, ...] | None = None,
    amount_minor: int | None = None,
) -> StoredEvent:
    if lines is None:
        lines = (ProductLine(product_id=ProductId(product)),) if product else ()
    return StoredEvent(
        event_id=EventId(event_id),
        kind=kind,
        occurred_at=Micros(START + at * SECOND),
        received_at=Micros(START + at * SECOND),
        shopper_key=ShopperKey(customer or anonymous or ""),
        source="test",
        trust=trust,
        traffic=traffic,
        customer_id=CustomerId(customer) if customer else None,
        anonymous_id=AnonymousId(anonymous) if anonymous and not customer else None,
        products=lines,
        order_id=OrderId(order_id) if order_id else None,
        amount_minor=amount_minor,
        currency="GBP",
    )


def ordered(order_id: str, *products: str, trust: Trust = Trust.SERVER, event_id: str | None = None) -> LogEntry:
    lines = tuple(ProductLine(product_id=ProductId(each), quantity=2, price_minor=500) for each in products)
    event = happened(
        event_id or f"e-{order_id}",
        None,
        kind=EventKind.ORDER_COMPLETED,
        customer="ann",
        order_id=order_id,
        lines=lines,
        trust=trust,
    )
    order = Order(
        order_id=OrderId(order_id),
        lines=tuple(
            OrderLine(
                line_id=LineId(str(index)),
                product_id=ProductId(each),
                variant_id=VariantId(each),
                quantity=2,
                unit_price_minor=500,
            )
            for index, each in enumerate(products)
        ),
        currency="GBP",
        ordered_at=event.occurred_at,
        received_at=event.received_at,
        trust=trust,
        customer_id=CustomerId("ann"),
    )
    return LogEntry(event=event, order=order)


def append(stores: SqlStores, *entries: StoredEvent | LogEntry) -> None:
    wrapped = [entry if isinstance(entry, LogEntry) else LogEntry(event=entry) for entry in entries]
    outcomes, _ = stores.log.append([wrapped])
    assert all(outcome.stored for outcome in outcomes[0])


def load(stores: SqlStores, until: int | None = None) -> Interactions:
    keeper = ShelfKeeper(stores.catalogue, stores.stock, "GBP", lambda: Micros(START))
    return load_interactions(stores.log, stores.customers, keeper.shelf, Micros(until) if until else None)


def seen(loaded: Interactions) -> list[tuple[int, int]]:
    return list(zip(loaded.shopper_no.tolist(), loaded.product_no.tolist(), strict=True))


TENT, BAG, STOVE = 0, 1, 2


def test_an_empty_log_is_no_error(stores: SqlStores) -> None:
    loaded = load(stores)
    assert len(loaded) == loaded.n_shoppers == loaded.data_until == 0
    assert loaded.n_products == 3


def test_rows_are_sorted_by_shopper_and_time(stores: SqlStores) -> None:
    append(
        stores,
        happened("1", "bag", at=9, anonymous="b"),
        happened("2", "tent", at=5, anonymous="a"),
        happened("3", "stove", at=2, anonymous="b"),
        happened("4", "bag", at=7, anonymous="a"),
    )
    loaded = load(stores)
    assert seen(loaded) == [(0, STOVE), (0, BAG), (1, TENT), (1, BAG)]
    assert loaded.data_until == START + 9 * SECOND
    assert loaded.n_shoppers == 2


def test_only_people_are_learned_from(stores: SqlStores) -> None:
    others = [happened(each.value, "tent", traffic=each) for each in Traffic if each is not Traffic.HUMAN]
    append(stores, happened("1", "bag"), *others)
    assert seen(load(stores)) == [(0, BAG)]


def test_variants_count_for_their_product_and_unknown_products_are_skipped(stores: SqlStores) -> None:
    by_variant = (ProductLine(variant_id=VariantId("bag-red")),)
    append(
        stores,
        happened("1", None, lines=by_variant, at=1),
        happened("2", "bag-blue", at=2),
        happened("3", "nobody-knows-it", at=3),
    )
    assert seen(load(stores)) == [(0, BAG), (0, BAG)]


def test_several_lines_of_one_product_are_one_interaction(stores: SqlStores) -> None:
    lines = tuple(ProductLine(variant_id=VariantId(each), quantity=3) for each in ("bag-red", "bag-blue"))
    append(stores, happened("1", None, kind=EventKind.ORDER_COMPLETED, lines=lines))
    loaded = load(stores)
    assert seen(loaded) == [(0, BAG)]
    assert loaded.quantity.tolist() == [6]


def test_a_browser_and_its_customer_are_one_shopper(stores: SqlStores) -> None:
    append(
        stores,
        happened("1", "tent", at=1),
        happened("2", "bag", at=3, customer="ann"),
        happened("3", "stove", at=2, anonymous="stranger"),
    )
    assert load(stores).n_shoppers == 3
    stores.customers.link(
        IdentityLink(
            anonymous_id=AnonymousId("browser"),
            customer_id=CustomerId("ann"),
            received_at=Micros(START + 2 * SECOND),
            trust=Trust.SERVER,
        )
    )
    loaded = load(stores)
    assert loaded.n_shoppers == 2
    assert seen(loaded) == [(0, TENT), (0, BAG), (1, STOVE)]


def test_merged_customers_are_one_shopper(stores: SqlStores) -> None:
    append(stores, happened("1", "tent", customer="ann"), happened("2", "bag", customer="anne", at=1))
    stores.customers.merge(CustomerId("anne"), CustomerId("ann"), Micros(START))
    assert seen(load(stores)) == [(0, TENT), (0, BAG)]


def test_the_same_event_claimed_and_vouched_for_counts_once(stores: SqlStores) -> None:
    append(stores, happened("1", "tent", customer="ann", trust=Trust.CLIENT))
    append(stores, happened("1", "tent", customer="ann", at=4, trust=Trust.SERVER))
    loaded = load(stores)
    assert seen(loaded) == [(0, TENT)]
    assert loaded.occurred_at.tolist() == [START + 4 * SECOND]


def test_claimed_orders_are_left_out(stores: SqlStores) -> None:
    append(stores, ordered("o-1", "tent", trust=Trust.CLIENT), ordered("o-2", "bag", "stove"))
    loaded = load(stores)
    assert seen(loaded) == [(0, BAG), (0, STOVE)]
    assert loaded.order_no.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("amount_minor", "units", "is_gone"),
    [(None, 0, True), (2_000, 0, True), (1_500, 0, False), (None, 4, True), (None, 3, False)],
)
def test_a_wholly_refunded_order_drops_out(
    stores: SqlStores, amount_minor: int | None, units: int, is_gone: bool
) -> None:
    """The order is worth 2 · 500 + 2 · 500, four units."""
    lines = (ProductLine(product_id=ProductId("tent"), quantity=units),) if units else ()
    refund = happened(
        "r", None, kind=EventKind.ORDER_REFUNDED, order_id="o-1", lines=lines, amount_minor=amount_minor, customer="ann"
    )
    append(stores, ordered("o-1", "tent", "bag"), ordered("o-2", "stove"), refund)
    loaded = load(stores)
    assert seen(loaded) == ([(0, STOVE)] if is_gone else [(0, TENT), (0, BAG), (0, STOVE)])
    assert loaded.order_no.max() == (0 if is_gone else 1)


def test_nothing_after_until_is_read(stores: SqlStores) -> None:
    append(stores, happened("1", "tent", at=1), happened("2", "bag", at=20))
    assert seen(load(stores, until=START + 10 * SECOND)) == [(0, TENT)]


def test_kinds_are_kept(stores: SqlStores) -> None:
    append(stores, *(happened(kind.value, "tent", kind=kind, at=at) for at, kind in enumerate(KINDS)))
    loaded = load(stores)
    assert [KINDS[number] for number in loaded.kind] == list(KINDS)
    assert (np.diff(loaded.occurred_at) > 0).all()
    assert loaded.log_no > 0
