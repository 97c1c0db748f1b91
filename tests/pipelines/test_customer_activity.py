"""From the log to the table of customers, through the real door and stores; and one customer alone gets the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.pipelines.consequences import entry_of
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.customer_activity_rows import ACTIVITY_KINDS
from smartshop.data_collection.pipelines.ingest import Arrival, Ingest
from smartshop.data_collection.pipelines.newest_signs import MOST_SIGNS, newest_signs
from smartshop.data_collection.pipelines.reading_customers import load_customer_activity, one_customer_activity
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.customers import Consent, IdentityLink
from smartshop.data_collection.schemas.events import (
    ORDER_DESK,
    Event,
    EventKind,
    ProductLine,
    StoredEvent,
    Traffic,
    Trust,
)
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    SessionId,
    ShopperKey,
    VariantId,
)
from tests.pipelines.door import door_of, stores_in

START = 1_767_225_600 * SECOND
"""2026-01-01T00:00Z."""
HOUR = 3_600 * SECOND
TENT, BAG, BARE = 0, 1, 2
PRICES = {"tent": 20_000, "bag": 1_000}


def sold(name: str) -> Product:
    variant = VariantId(name)
    offer = Offer(variant_id=variant, price_minor=PRICES[name], currency="GBP")
    return Product(product_id=ProductId(name), title=name, variants=(Variant(variant_id=variant, offers=(offer,)),))


def fill(stores: SqlStores) -> Shelf:
    bare = Product(product_id=ProductId("bare"), title="bare")
    stores.catalogue.upsert([sold("tent"), sold("bag"), bare], Micros(START))
    return ShelfKeeper(stores.catalogue, stores.stock, "GBP", lambda: Micros(START)).shelf


@dataclass
class Shop:
    stores: SqlStores
    shelf: Shelf
    door: Ingest
    numbers: Iterator[int] = field(default_factory=count)

    def tell(self, kind: EventKind, hour: float, who: str | None = "ann", **said: Any) -> None:  # noqa: ANN401  any field of the event
        """One event through the door. `trust` and `traffic` go with the arrival, all else with the event."""
        trust, traffic = said.pop("trust", Trust.SERVER), said.pop("traffic", None)
        at = Micros(START + int(hour * HOUR))
        said.setdefault("event_id", EventId(f"e-{next(self.numbers)}"))
        event = Event(kind=kind, customer_id=CustomerId(who) if who else None, occurred_at=format_rfc3339(at), **said)
        arrival = Arrival(source="test", trust=trust, received_at=at, from_import=True, traffic=traffic)
        receipt = self.door.accept_blocking([event], arrival)
        assert not receipt.rejected, receipt.rejected

    def view(self, hour: float, product: str = "tent", who: str | None = "ann", **said: Any) -> None:  # noqa: ANN401  any field of the event
        self.tell(EventKind.PRODUCT_VIEWED, hour, who, product_id=ProductId(product), **said)

    def order(self, order_id: str, hour: float, *lines: tuple[str, int, int | None], **said: Any) -> None:  # noqa: ANN401  any field of the event
        said.setdefault("currency", "GBP")
        self.tell(EventKind.ORDER_COMPLETED, hour, order_id=OrderId(order_id), products=products(*lines), **said)

    def refund(self, order_id: str | None, hour: float, *lines: tuple[str, int, int | None], **said: Any) -> None:  # noqa: ANN401  any field of the event
        self.tell(EventKind.ORDER_REFUNDED, hour, order_id=order_id, products=products(*lines), currency="GBP", **said)

    def give_back(self, order_id: str | None, hour: float, *lines: tuple[str, int, int | None]) -> None:
        self.tell(EventKind.ORDER_RETURNED, hour, order_id=order_id, products=products(*lines), currency="GBP")

    def load(self, until: float | None = None, consent_default: Consent | None = None) -> CustomerActivity:
        return load_customer_activity(
            self.stores.log,
            self.stores.customers,
            self.shelf,
            currency="GBP",
            consent_default=consent_default,
            until=None if until is None else Micros(START + int(until * HOUR)),
        )

    def one(self, customer_id: str, most_signs: int = MOST_SIGNS) -> CustomerActivity:
        shopper = self.stores.customers.shopper(CustomerId(customer_id), None, vouched=True)
        as_of = Micros(START + 999 * HOUR)
        return one_customer_activity(
            self.stores.log, shopper, self.shelf, currency="GBP", as_of=as_of, most_signs=most_signs
        )


def products(*lines: tuple[str, int, int | None]) -> list[ProductLine]:
    return [ProductLine(product_id=ProductId(name), quantity=n, price_minor=price) for name, n, price in lines]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    stores = stores_in(tmp_path)
    shelf = fill(stores)
    yield Shop(stores, shelf, door_of(stores))
    stores.close()


def hours(moments: np.ndarray) -> list[float]:
    told: list[float] = ((moments - START) / HOUR).tolist()
    return told


def test_an_empty_log_is_no_error(shop: Shop) -> None:
    loaded = shop.load()
    assert len(loaded) == len(loaded.order_at) == len(loaded.line_units) == len(loaded.sign_at) == loaded.as_of == 0
    assert len(shop.one("nobody")) == 0


def test_orders_lines_and_signs_stand_by_customer_and_time(shop: Shop) -> None:
    shop.order("o-2", 9, ("bag", 3, 900), who="bob")
    shop.order("o-3", 8, ("bag", 1, 900), ("tent", 2, 20_000), who="ann")
    shop.order("o-1", 4, ("tent", 1, 19_000), who="ann")
    shop.view(2, "bag", who="bob")
    shop.tell(EventKind.SEARCHED, 1, "ann", query="tents")
    loaded = shop.load()
    assert loaded.customer_ids == ("ann", "bob")
    assert loaded.order_customer.tolist() == [0, 0, 1]
    assert hours(loaded.order_at) == [4, 8, 9]
    assert loaded.order_value_minor.tolist() == [19_000, 40_900, 2_700]
    # The shelf asks 20,000 and 1,000 now: what was once cheaper was not sold at a discount.
    assert loaded.order_list_minor.tolist() == [19_000, 40_900, 2_700]
    assert loaded.order_units.tolist() == [1, 3, 3]
    assert loaded.line_order.tolist() == [0, 1, 1, 2]
    assert loaded.line_product.tolist() == [TENT, BAG, TENT, BAG]
    assert loaded.line_value_minor.tolist() == [19_000, 900, 40_000, 2_700]
    assert [SIGN_KINDS[kind] for kind in loaded.sign_kind] == [EventKind.SEARCHED, EventKind.PRODUCT_VIEWED]
    assert loaded.sign_product.tolist() == [-1, BAG]
    assert (hours(loaded.first_seen_at), hours(loaded.last_seen_at)) == ([1, 2], [8, 9])
    assert loaded.as_of == START + 9 * HOUR
    assert loaded.log_no == 5


def test_an_order_placed_with_the_service_is_read_from_the_log(shop: Shop) -> None:
    event = StoredEvent(
        event_id=EventId("e"),
        kind=EventKind.ORDER_COMPLETED,
        occurred_at=Micros(START),
        received_at=Micros(START),
        shopper_key=ShopperKey("ann"),
        source=ORDER_DESK,
        trust=Trust.SHOPPER,
        customer_id=CustomerId("ann"),
        order_id=OrderId("o-1"),
        products=tuple(products(("bag", 2, 1_000))),
        currency="GBP",
    )
    shop.stores.orders.place(entry_of(event, arrival_of(event), "GBP"))
    assert shop.load().order_value_minor.tolist() == [2_000]


def test_shipping_and_tax_are_no_value_and_a_discount_is_taken_off(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 2, 1_000), discount_minor=300, shipping_minor=500, tax_minor=200)
    shop.order("o-2", 2, ("bag", 1, 1_000), discount_minor=5_000)
    loaded = shop.load()
    assert loaded.order_value_minor.tolist() == [1_700, 0]
    assert loaded.order_list_minor.tolist() == [2_000, 1_000]


def test_a_price_not_told_is_the_shelfs(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 2, None), ("bare", 1, None), ("bag", 1, 0))
    loaded = shop.load()
    assert loaded.line_value_minor.tolist() == [2_000, 0, 0]
    assert loaded.order_value_minor.tolist() == [2_000]


@pytest.mark.parametrize(
    ("lines", "amount_minor", "value", "units_back"),
    [
        ([("bag", 1, 1_000)], None, 21_000, 1),
        ([("bag", 1, None)], 1_000, 21_000, 1),
        ([], 1_500, 20_500, 0),
        ([("tent", 1, 15_000)], None, 7_000, 1),
        ([], 22_000, None, 0),
        ([], 90_000, None, 0),
        ([("bag", 2, 1_000), ("tent", 1, 20_000)], None, None, 3),
    ],
)
def test_what_is_refunded_is_no_value(
    shop: Shop, lines: list[tuple[str, int, int | None]], amount_minor: int | None, value: int | None, units_back: int
) -> None:
    shop.order("o-1", 1, ("bag", 2, 1_000), ("tent", 1, 20_000))
    shop.order("o-2", 2, ("bag", 1, 1_000))
    shop.refund("o-1", 5, *lines, amount_minor=amount_minor, event_id=EventId("r"))
    loaded = shop.load()
    assert loaded.order_value_minor.tolist() == ([1_000] if value is None else [value, 1_000])
    assert loaded.order_units_back.tolist() == ([0] if value is None else [units_back, 0])
    assert loaded.line_order.tolist() == ([0] if value is None else [0, 0, 1])
    assert (loaded.order_list_minor >= loaded.order_value_minor).all()


def test_a_customer_who_gave_everything_back_is_still_known(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 2, 1_000))
    shop.refund("o-1", 5, amount_minor=2_000)
    loaded = shop.load()
    assert loaded.customer_ids == ("ann",)
    assert hours(loaded.first_seen_at) == hours(loaded.last_seen_at) == [1]
    assert len(loaded.order_at) == 0


def test_units_that_are_returned_and_refunded_came_back_once(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 5, 1_000), ("tent", 1, 20_000))
    shop.give_back("o-1", 3, ("bag", 2, None), ("tent", 1, None))
    shop.refund("o-1", 4, ("bag", 3, 1_000))
    loaded = shop.load()
    assert loaded.order_units_back.tolist() == [4]
    assert loaded.order_value_minor.tolist() == [22_000]


def test_a_refund_told_before_its_order_still_counts(shop: Shop) -> None:
    shop.refund("o-1", 2, amount_minor=400)
    shop.order("o-1", 1, ("bag", 1, 1_000))
    assert shop.load().order_value_minor.tolist() == [600]


def test_a_credit_note_without_an_order_undoes_the_newest_earlier_ones(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 4, 1_000))
    shop.order("o-2", 2, ("bag", 2, 900), ("tent", 1, 20_000))
    shop.order("o-3", 9, ("bag", 7, 1_000))
    shop.order("o-4", 1, ("bag", 7, 1_000), who="bob")
    shop.refund(None, 5, ("bag", 3, 950), amount_minor=2_850)
    shop.give_back(None, 5, ("bag", 3, 950))
    loaded = shop.load()
    # Two bags of the second order at the 900 paid, one of the first at the 950 given back.
    assert loaded.order_value_minor.tolist() == [4_000 - 950, 20_000, 7_000, 7_000]
    assert loaded.order_units_back.tolist() == [1, 2, 0, 0]


def test_money_given_back_for_nothing_named_comes_off_the_newest_earlier_orders(shop: Shop) -> None:
    shop.order("o-1", 1, ("tent", 1, 20_000))
    shop.order("o-2", 2, ("bag", 1, 1_000))
    shop.refund(None, 5, amount_minor=1_500)
    shop.refund(None, 0.5, amount_minor=700)
    loaded = shop.load()
    assert loaded.order_value_minor.tolist() == [19_500]


def test_one_giant_order_that_was_a_mistake_leaves_no_value(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 80_995, 1_000))
    shop.refund(None, 1.2, ("bag", 80_995, 1_000), amount_minor=80_995_000)
    shop.order("o-2", 3, ("bag", 1, 1_000))
    assert shop.load().order_value_minor.tolist() == [1_000]


def test_numbers_beyond_all_sense_stay_numbers(shop: Shop) -> None:
    lines = [ProductLine(product_id=ProductId("bag"), quantity=1_000_000, price_minor=10**15)] * 3
    event = StoredEvent(
        event_id=EventId("e"),
        kind=EventKind.ORDER_COMPLETED,
        occurred_at=Micros(START),
        received_at=Micros(START),
        shopper_key=ShopperKey("ann"),
        source="test",
        trust=Trust.SERVER,
        customer_id=CustomerId("ann"),
        order_id=OrderId("o-1"),
        products=(*lines, ProductLine(product_id=ProductId("bag"), quantity=-4, price_minor=-7)),
    )
    append(shop.stores, [event])
    loaded = shop.load()
    assert loaded.order_value_minor.tolist() == [10**15]
    assert loaded.line_units.tolist() == [1_000_000] * 3 + [0]
    assert loaded.line_value_minor.tolist() == [10**15] * 3 + [0]


def test_an_order_in_another_currency_is_counted_and_left_out(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 1, 1_000), currency="EUR")
    shop.order("o-2", 2, ("bag", 1, 1_000))
    loaded = shop.load()
    assert loaded.order_value_minor.tolist() == [1_000]
    assert loaded.foreign_orders == 1
    assert hours(loaded.first_seen_at) == [1]


def test_nothing_after_until_is_read(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 2, 1_000))
    shop.refund("o-1", 30, ("bag", 1, 1_000))
    shop.order("o-2", 40, ("bag", 1, 1_000))
    loaded = shop.load(until=10)
    assert loaded.order_value_minor.tolist() == [2_000]
    assert loaded.as_of == START + 10 * HOUR


def test_only_people_are_learned_from(shop: Shop) -> None:
    shop.view(1)
    for traffic in (Traffic.INTERNAL, Traffic.TEST, Traffic.BOT):
        shop.view(2, traffic=traffic)
        shop.order(traffic.value, 3, ("bag", 1, 1_000), traffic=traffic)
    loaded = shop.load()
    assert (hours(loaded.sign_at), len(loaded.order_at)) == ([1], 0)
    assert loaded.as_of == START + HOUR


def test_shoppers_without_a_name_are_no_customers(shop: Shop) -> None:
    shop.view(1, who=None, anonymous_id=AnonymousId("browser"))
    shop.order("o-1", 2, ("bag", 1, 1_000), who=None, anonymous_id=AnonymousId("browser"))
    loaded = shop.load()
    assert len(loaded) == 0
    assert loaded.as_of == START + 2 * HOUR


def test_an_event_told_through_two_doors_counts_once_as_vouched(shop: Shop) -> None:
    shop.view(1, "bag", trust=Trust.CLIENT, event_id=EventId("same"))
    shop.view(2, "tent", trust=Trust.SERVER, event_id=EventId("same"))
    loaded = shop.load()
    assert (loaded.sign_product.tolist(), hours(loaded.sign_at)) == ([TENT], [2])


def test_an_event_about_several_products_is_a_sign_of_each(shop: Shop) -> None:
    shop.tell(EventKind.PRODUCT_ADDED, 1, products=products(("tent", 1, None), ("bag", 1, None), ("bag", 2, None)))
    shop.tell(EventKind.CHECKOUT_STARTED, 2, products=products(("tent", 1, None), ("bag", 1, None)))
    assert shop.load().sign_product.tolist() == [TENT, BAG, -1]


def test_visits_are_the_sessions_told_else_end_with_a_pause(shop: Shop) -> None:
    for hour, session in ((0.0, None), (0.4, None), (1.0, None), (1.1, "s"), (1.2, None), (5.0, "s")):
        shop.view(hour, session_id=session and SessionId(session))
    shop.view(0.1, who="bob", session_id=SessionId("s"))
    assert shop.load().sign_session.tolist() == [0, 0, 1, 2, 1, 2, 3]


def test_channel_and_device_are_told_by_the_context(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 1, 1_000), context=Context(channel="web", device="mobile"))
    shop.order("o-2", 2, ("bag", 1, 1_000))
    shop.view(3, context=Context(device="desktop"))
    loaded = shop.load()
    assert [loaded.channels[number] for number in loaded.order_channel] == ["web", ""]
    assert [loaded.devices[number] for number in loaded.order_device] == ["mobile", ""]
    assert [loaded.devices[number] for number in loaded.sign_device] == ["desktop"]
    assert loaded.channels[0] == loaded.devices[0] == ""


def test_merged_customers_and_their_browsers_are_one(shop: Shop) -> None:
    shop.view(1, "bag", who=None, anonymous_id=AnonymousId("browser"))
    shop.tell(EventKind.IDENTIFIED, 2, "anne", anonymous_id=AnonymousId("browser"))
    shop.order("o-1", 3, ("bag", 1, 1_000), who="ann")
    shop.stores.customers.merge(CustomerId("anne"), CustomerId("ann"), Micros(START))
    loaded = shop.load()
    assert loaded.customer_ids == ("ann",)
    assert (loaded.sign_product.tolist(), len(loaded.order_at)) == ([BAG], 1)


def test_claims_count_only_while_nothing_was_vouched_for(shop: Shop) -> None:
    shop.view(1, trust=Trust.CLIENT, anonymous_id=AnonymousId("strange"))
    shop.view(2, "bag", who=None, anonymous_id=AnonymousId("strange"))
    shop.tell(EventKind.IDENTIFIED, 3, "ann", trust=Trust.CLIENT, anonymous_id=AnonymousId("strange"))
    assert shop.load().sign_product.tolist() == [TENT, BAG]
    shop.order("o-1", 4, ("bag", 1, 1_000))
    loaded = shop.load()
    assert (len(loaded.sign_at), len(loaded.order_at)) == (0, 1)
    shop.tell(EventKind.IDENTIFIED, 5, "ann", anonymous_id=AnonymousId("strange"))
    assert shop.load().sign_product.tolist() == [TENT, BAG]


def test_claimed_orders_and_refunds_are_no_orders(shop: Shop) -> None:
    shop.order("o-1", 1, ("bag", 1, 1_000), trust=Trust.CLIENT)
    shop.order("o-2", 2, ("bag", 1, 1_000), trust=Trust.SERVER)
    shop.refund("o-2", 3, amount_minor=1_000, trust=Trust.CLIENT)
    assert shop.load().order_value_minor.tolist() == [1_000]


def test_who_withdrew_personalisation_is_left_out(shop: Shop) -> None:
    for who in ("ann", "bob", "cy"):
        shop.view(1, who=who)
    shop.tell(EventKind.CONSENT_CHANGED, 2, "ann", consent={"personalisation": False})
    shop.tell(EventKind.CONSENT_CHANGED, 2, "bob", consent={"personalisation": False})
    shop.tell(EventKind.CONSENT_CHANGED, 3, "bob", consent={"personalisation": True})
    assert shop.load().customer_ids == ("bob", "cy")
    assert shop.load(consent_default=Consent(personalisation=False)).customer_ids == ("bob",)
    assert len(shop.one("ann")) == 0
    assert len(shop.one("bob")) == 1


def test_the_newest_word_of_merged_customers_holds_for_both(shop: Shop) -> None:
    shop.view(1, who="ann")
    shop.tell(EventKind.CONSENT_CHANGED, 2, "anne", consent={"personalisation": False})
    shop.stores.customers.merge(CustomerId("anne"), CustomerId("ann"), Micros(START))
    assert len(shop.load()) == len(shop.one("ann")) == 0


def test_of_one_customer_all_orders_and_the_newest_signs_are_read(shop: Shop) -> None:
    shop.order("o-1", 0, ("tent", 1, 900))
    for hour in range(1, 60):
        shop.view(hour)
    newest = shop.one("ann", most_signs=3)
    assert hours(newest.sign_at) == [57, 58, 59]
    assert hours(newest.order_at) == [0]
    assert hours(newest.first_seen_at) == [0]


# ------------------------------------------------------------------------------------------- one as of all
PEOPLE, BROWSERS = ("ada", "bob"), ("b1", "b2")
Made = tuple[int, str | None, str | None, Trust, int, int]
made_events = st.lists(
    st.tuples(
        st.integers(0, 24),
        st.sampled_from([*PEOPLE, None]),
        st.sampled_from([*BROWSERS, None]),
        st.sampled_from(Trust),
        st.integers(0, 12),
        st.integers(0, 9),
    ).filter(lambda made: made[1] is not None or made[2] is not None),
    min_size=5,
    max_size=40,
)
made_links = st.lists(
    st.tuples(st.sampled_from(BROWSERS), st.sampled_from(PEOPLE), st.integers(0, 9), st.sampled_from(Trust)),
    max_size=4,
)
worlds = count()


@dataclass(frozen=True)
class OpenShop:
    stores: SqlStores
    shelf: Shelf


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShop]:
    folder = tmp_path_factory.mktemp("one-as-of-all")
    stores = open_stores("", folder, folder / "models")
    yield OpenShop(stores, fill(stores))
    stores.close()


def make_event(world: str, made: Made) -> StoredEvent:
    """Everything but whose and when hangs on the number: the same event id is the same event."""
    number, customer, browser, trust, occurred, received = made
    kind = ACTIVITY_KINDS[-(number % 5) - 1] if number % 5 < 3 else ACTIVITY_KINDS[number % len(SIGN_KINDS)]
    names = ("tent", "bag", "unknown")
    lines = [(names[number % 3], 1 + number % 4, 900), (names[number % 2], 2, None if number % 3 else 950)]
    is_back = kind in (EventKind.ORDER_REFUNDED, EventKind.ORDER_RETURNED)
    return StoredEvent(
        event_id=EventId(f"{world}e{number}"),
        kind=kind,
        occurred_at=Micros(START + occurred * HOUR // 2),
        received_at=Micros(START + received * HOUR),
        shopper_key=ShopperKey(world + (customer or browser or "")),
        source="test",
        trust=trust,
        traffic=Traffic.BOT if number == 23 else Traffic.HUMAN,
        customer_id=CustomerId(world + customer) if customer else None,
        anonymous_id=AnonymousId(world + browser) if browser else None,
        session_id=SessionId(f"s{number % 4}") if number % 2 else None,
        products=tuple(products(*lines[: 1 + number % 2])),
        order_id=OrderId(f"{world}o{number - number % 5}") if not is_back or number % 2 else None,
        amount_minor=300 * (number % 5) if kind is EventKind.ORDER_REFUNDED and number % 2 else None,
        currency="EUR" if number == 20 else "GBP",
        context=Context(channel=f"c{number % 3}", device=f"d{number % 2}") if number % 3 else None,
    )


def arrival_of(event: StoredEvent) -> Arrival:
    return Arrival(source=event.source, trust=event.trust, received_at=event.received_at, from_import=True)


def append(stores: SqlStores, events: list[StoredEvent]) -> None:
    for event in events:
        stores.log.append([[entry_of(event, arrival_of(event), "GBP")]])


def told_of(activity: CustomerActivity, customer_id: str) -> dict[str, list[object]]:
    """All that the table says of one customer, names in place of numbers that other customers shift."""
    number = activity.customer_ids.index(CustomerId(customer_id))
    order, sign = activity.order_customer == number, activity.sign_customer == number
    line = order[activity.line_order]
    of: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "order": lambda column: column[order],
        "line_": lambda column: column[line],
        "sign_": lambda column: column[sign],
        "first": lambda column: column[[number]],
        "last_": lambda column: column[[number]],
    }
    told = {
        each.name: of[each.name[:5]](getattr(activity, each.name)).tolist()
        for each in fields(activity)
        if each.name[:5] in of
    }
    for column, names in (("order_channel", "channels"), ("order_device", "devices"), ("sign_device", "devices")):
        told[column] = [getattr(activity, names)[each] for each in told[column]]
    for column in ("order_customer", "line_order", "sign_customer"):
        told[column] = [each - min(told[column]) for each in told[column]]
    # Visits of which nothing is left leave gaps.
    visits = {visit: place for place, visit in enumerate(dict.fromkeys(told["sign_session"]))}
    told["sign_session"] = [visits[visit] for visit in told["sign_session"]]
    return told


@given(made_events, made_links, st.booleans(), st.integers(1, 30))
def test_a_vouched_customer_alone_is_told_as_among_all(
    open_shop: OpenShop, made: list[Made], linked: list[tuple[str, str, int, Trust]], merged: bool, most_signs: int
) -> None:
    world, customers = f"w{next(worlds)}-", open_shop.stores.customers
    for used, by, moment, trust in linked:
        at = Micros(START + moment * HOUR)
        link = IdentityLink(
            anonymous_id=AnonymousId(world + used), customer_id=CustomerId(world + by), received_at=at, trust=trust
        )
        customers.link(link)
    append(open_shop.stores, [make_event(world, each) for each in made])
    if merged:
        customers.merge(CustomerId(world + "bob"), CustomerId(world + "ada"), Micros(START))
    loaded = load_customer_activity(open_shop.stores.log, customers, open_shop.shelf, currency="GBP")
    whole = newest_signs(loaded, most_signs)
    for name in PEOPLE[: 1 if merged else 2]:
        shopper = customers.shopper(CustomerId(world + name), None, vouched=True)
        one = one_customer_activity(
            open_shop.stores.log, shopper, open_shop.shelf, currency="GBP", as_of=whole.as_of, most_signs=most_signs
        )
        if shopper.include_claims:
            continue
        assert (world + name in one.customer_ids) == (world + name in whole.customer_ids)
        if one.customer_ids:
            assert told_of(one, world + name) == told_of(whole, world + name)
