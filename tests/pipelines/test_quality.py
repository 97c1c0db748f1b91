"""The rules that every event meets."""

import pytest

from smartshop.data_collection.pipelines.arrivals import Arrival, Rejection
from smartshop.data_collection.pipelines.clock import DAY, SECOND, format_rfc3339
from smartshop.data_collection.pipelines.quality import check
from smartshop.data_collection.pipelines.traffic import BURST, TrafficWatch
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    ShopperKey,
    VariantId,
)

NOW = Micros(1_795_000_000_000_000)
API = Arrival(source="api", trust=Trust.CLIENT, received_at=NOW)
SERVER = Arrival(source="api", trust=Trust.SERVER, received_at=NOW)
IMPORT = Arrival(source="import:test", trust=Trust.SERVER, received_at=NOW, from_import=True)
VARIANTS = {"tent": ProductId("tent"), "tent-red": ProductId("tent")}


def judge(event: Event, arrival: Arrival = API) -> StoredEvent | Rejection:
    return check(event, arrival, arrival.received_at, VARIANTS.get, TrafficWatch())


def stored(event: Event, arrival: Arrival = API) -> StoredEvent:
    checked = judge(event, arrival)
    assert isinstance(checked, StoredEvent), checked
    return checked


def refusal(event: Event, arrival: Arrival = API) -> str:
    checked = judge(event, arrival)
    assert isinstance(checked, Rejection), checked
    return checked.reason


def view(
    *,
    anonymous_id: str | None = "a-1",
    customer_id: str | None = None,
    product_id: str = "tent",
    occurred_at: str | None = None,
    event_id: str | None = "e-1",
) -> Event:
    return Event(
        kind=EventKind.PRODUCT_VIEWED,
        event_id=EventId(event_id) if event_id is not None else None,
        anonymous_id=AnonymousId(anonymous_id) if anonymous_id is not None else None,
        customer_id=CustomerId(customer_id) if customer_id is not None else None,
        product_id=ProductId(product_id),
        occurred_at=occurred_at,
    )


class TestIds:
    def test_ids_are_trimmed_and_composed(self) -> None:
        event = stored(view(anonymous_id=" caf\u0065\u0301 "))
        assert (event.shopper_key, event.anonymous_id) == ("caf\u00e9", "caf\u00e9")

    def test_the_customer_is_the_key_when_both_ids_are_sent(self) -> None:
        event = stored(view(customer_id="c-1"))
        assert (event.shopper_key, event.anonymous_id, event.customer_id) == ("c-1", "a-1", "c-1")

    def test_an_event_without_a_shopper_is_refused(self) -> None:
        assert refusal(view(anonymous_id=None)).startswith("missing_shopper: ")

    def test_a_missing_event_id_is_made_and_differs_each_time(self) -> None:
        first, second = stored(view(event_id=None)), stored(view(event_id=None))
        assert first.event_id != second.event_id

    @pytest.mark.parametrize("bad", ["", "   ", "a/b", ".", "..", "a\x00b", "a\nb", "x" * 129, "é" * 65])
    def test_what_is_no_id_is_refused(self, bad: str) -> None:
        assert refusal(view(anonymous_id=bad)).startswith("invalid_id: ")
        assert refusal(view(product_id=bad)).startswith("invalid_id: ")
        assert refusal(view(event_id=bad)).startswith("invalid_id: ")


class TestProducts:
    def test_a_single_product_becomes_a_line(self) -> None:
        assert stored(view()).products == (ProductLine(product_id=ProductId("tent")),)

    def test_a_variant_sent_as_product_is_resolved(self) -> None:
        line = stored(view(product_id="tent-red")).products[0]
        assert (line.product_id, line.variant_id) == ("tent", "tent-red")

    def test_a_variant_alone_gets_its_product(self) -> None:
        event = Event(kind=EventKind.PRODUCT_VIEWED, anonymous_id=AnonymousId("a"), variant_id=VariantId("tent-red"))
        assert stored(event).products[0].product_id == "tent"

    def test_an_unknown_product_stays_as_sent(self) -> None:
        line = stored(view(product_id="never-heard-of")).products[0]
        assert (line.product_id, line.variant_id) == ("never-heard-of", None)

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            (ProductLine(), "missing_product"),
            (ProductLine(product_id=ProductId("p"), quantity=0), "bad_quantity"),
            (ProductLine(product_id=ProductId("p"), quantity=-3), "bad_quantity"),
            (ProductLine(product_id=ProductId("p"), quantity=10**4000), "bad_quantity"),
            (ProductLine(product_id=ProductId("p"), price_minor=-1), "bad_price"),
            (ProductLine(product_id=ProductId("p"), price_minor=10**16), "bad_price"),
            (ProductLine(product_id=ProductId("p"), quantity=10**6, price_minor=10**12), "bad_price"),
            (ProductLine(product_id=ProductId("p"), position=-1), "bad_position"),
        ],
    )
    def test_numbers_out_of_range_are_refused(self, line: ProductLine, code: str) -> None:
        event = Event(
            kind=EventKind.ORDER_COMPLETED, anonymous_id=AnonymousId("a"), order_id=OrderId("o"), products=[line]
        )
        assert refusal(event).startswith(f"{code}: ")

    def test_line_ids_must_differ(self) -> None:
        lines = [ProductLine(product_id=ProductId("p"), line_id="1")] * 2
        event = Event(kind=EventKind.ORDER_COMPLETED, anonymous_id=AnonymousId("a"), products=lines)
        assert refusal(event).startswith("bad_line_id: ")


class TestClocks:
    def test_without_a_time_it_happened_when_it_was_received(self) -> None:
        event = stored(view())
        assert (event.occurred_at, event.clock_corrected) == (NOW, False)

    def test_a_clock_a_little_ahead_is_believed(self) -> None:
        event = stored(view(occurred_at=format_rfc3339(NOW + 599 * SECOND)))
        assert (event.occurred_at, event.clock_corrected) == (NOW + 599 * SECOND, False)

    def test_a_clock_well_ahead_is_put_right_and_said_so(self) -> None:
        event = stored(view(occurred_at=format_rfc3339(NOW + 601 * SECOND)))
        assert (event.occurred_at, event.clock_corrected) == (NOW, True)

    def test_more_than_a_day_ahead_is_refused(self) -> None:
        assert refusal(view(occurred_at=format_rfc3339(NOW + DAY + SECOND))).startswith("in_the_future: ")

    def test_sixty_days_ago_is_taken_and_older_is_not(self) -> None:
        assert stored(view(occurred_at=format_rfc3339(NOW - 60 * DAY))).occurred_at == NOW - 60 * DAY
        assert refusal(view(occurred_at=format_rfc3339(NOW - 60 * DAY - SECOND))).startswith("too_old: ")

    def test_history_may_be_older_but_not_before_2000(self) -> None:
        assert stored(view(occurred_at="2009-12-01T08:26:00Z"), IMPORT).occurred_at == 1_259_655_960_000_000
        assert refusal(view(occurred_at="1999-12-31T23:59:59Z"), IMPORT).startswith("before_2000: ")

    def test_no_time_at_all_is_refused(self) -> None:
        assert refusal(view(occurred_at="last tuesday")).startswith("invalid_value: ")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (EventKind.PRODUCT_VIEWED, "missing_product"),
        (EventKind.ORDER_COMPLETED, "missing_product"),
        (EventKind.RECOMMENDATION_SHOWN, "missing_product"),
        (EventKind.SEARCHED, "missing_query"),
        (EventKind.DWELLED, "missing_dwell_ms"),
        (EventKind.CUSTOM, "missing_name"),
        (EventKind.IDENTIFIED, "missing_customer_id"),
        (EventKind.CONSENT_CHANGED, "missing_consent"),
        (EventKind.ORDER_REFUNDED, "missing_amount"),
    ],
)
def test_each_kind_needs_its_own(kind: EventKind, code: str) -> None:
    assert refusal(Event(kind=kind, anonymous_id=AnonymousId("a"))).startswith(f"{code}: ")


@pytest.mark.parametrize("kind", [EventKind.PAGE_VIEWED, EventKind.CHECKOUT_STARTED, EventKind.PRODUCT_LIST_VIEWED])
def test_some_kinds_need_nothing_but_a_shopper(kind: EventKind) -> None:
    assert stored(Event(kind=kind, anonymous_id=AnonymousId("a"))).kind is kind


def test_an_unknown_purpose_names_the_known_ones() -> None:
    event = Event(kind=EventKind.CONSENT_CHANGED, anonymous_id=AnonymousId("a"), consent={"profiling": False})
    assert "analytics, marketing, personalisation" in refusal(event)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Event(kind=EventKind.RATED, anonymous_id=AnonymousId("a"), rating=5.5), "bad_rating"),
        (Event(kind=EventKind.DWELLED, anonymous_id=AnonymousId("a"), dwell_ms=-1), "bad_dwell_ms"),
        (Event(kind=EventKind.DWELLED, anonymous_id=AnonymousId("a"), dwell_ms=10**9), "bad_dwell_ms"),
        (Event(kind=EventKind.SEARCHED, anonymous_id=AnonymousId("a"), query="x" * 10_000), "long_query"),
        (Event(kind=EventKind.SEARCHED, anonymous_id=AnonymousId("a"), query="a\x00b"), "null_character"),
        (Event(kind=EventKind.PAGE_VIEWED, anonymous_id=AnonymousId("a"), currency="pounds"), "invalid_value"),
        (Event(kind=EventKind.PAGE_VIEWED, anonymous_id=AnonymousId("a"), tax_minor=-1), "bad_tax_minor"),
    ],
)
def test_ranges_hold_for_every_kind(event: Event, code: str) -> None:
    assert refusal(event).startswith(f"{code}: ")


def test_a_publishable_key_moves_no_stock() -> None:
    event = Event(
        kind=EventKind.ORDER_RETURNED,
        anonymous_id=AnonymousId("a"),
        product_id=ProductId("tent"),
        restock=True,
        takes_stock=True,
    )
    assert (stored(event).restock, stored(event).takes_stock) == (False, False)
    assert (stored(event, SERVER).restock, stored(event, SERVER).takes_stock) == (True, True)


class TestShopperTokens:
    CUSTOMER = Arrival(
        source="api",
        trust=Trust.SHOPPER,
        received_at=NOW,
        vouched_shopper=ShopperKey("c-1"),
        vouched_is_customer=True,
        vouched_anonymous_id=AnonymousId("a-1"),
    )
    BROWSER = Arrival(source="api", trust=Trust.SHOPPER, received_at=NOW, vouched_shopper=ShopperKey("a-1"))

    def test_the_token_names_the_shopper_when_the_event_does_not(self) -> None:
        event = stored(view(anonymous_id=None), self.CUSTOMER)
        assert (event.shopper_key, event.customer_id, event.trust) == ("c-1", "c-1", Trust.SHOPPER)
        assert stored(view(anonymous_id=None), self.BROWSER).anonymous_id == "a-1"

    def test_another_shoppers_event_is_refused(self) -> None:
        assert refusal(view(customer_id="c-2"), self.CUSTOMER).startswith("not_yours: ")
        assert refusal(view(anonymous_id="a-2"), self.CUSTOMER).startswith("not_yours: ")
        assert refusal(view(anonymous_id="a-2"), self.BROWSER).startswith("not_yours: ")

    def test_the_customers_own_browser_may_speak_for_itself(self) -> None:
        event = stored(view(anonymous_id="a-1"), self.CUSTOMER)
        assert (event.shopper_key, event.customer_id) == ("a-1", None)

    def test_a_browsers_token_makes_a_customer_only_a_claim(self) -> None:
        assert stored(view(customer_id="c-9"), self.BROWSER).trust is Trust.CLIENT


class TestTraffic:
    def test_a_crawler_is_no_human(self) -> None:
        arrival = Arrival(source="api", trust=Trust.CLIENT, received_at=NOW, user_agent="Googlebot/2.1")
        assert stored(view(), arrival).traffic is Traffic.BOT

    def test_the_shops_own_server_is_not_judged_by_its_library(self) -> None:
        arrival = Arrival(source="api", trust=Trust.SERVER, received_at=NOW, user_agent="python-requests/2.32")
        assert stored(view(), arrival).traffic is Traffic.HUMAN

    def test_staff_and_tests_keep_themselves_out(self) -> None:
        declared = Arrival(source="api", trust=Trust.CLIENT, received_at=NOW, traffic=Traffic.TEST)
        assert stored(view(), declared).traffic is Traffic.TEST
        event = Event(kind=EventKind.PAGE_VIEWED, anonymous_id=AnonymousId("a"), context=Context(channel="internal"))
        assert stored(event).traffic is Traffic.INTERNAL

    def test_a_pace_no_human_keeps_is_a_bots_and_an_offline_queue_is_not(self) -> None:
        watch, shopper = TrafficWatch(), (Trust.CLIENT, False, "a")
        queue = [watch.traffic_of(shopper, None, API, NOW) for _ in range(BURST)]
        assert set(queue) == {Traffic.HUMAN}
        later = [watch.traffic_of(shopper, None, API, Micros(NOW + n * SECOND // 100)) for n in range(500)]
        assert later[-1] is Traffic.BOT
        assert watch.traffic_of((Trust.CLIENT, False, "b"), None, API, NOW) is Traffic.HUMAN

    def test_who_slows_down_is_human_again(self) -> None:
        watch, shopper = TrafficWatch(), (Trust.CLIENT, False, "a")
        paces = [watch.traffic_of(shopper, None, API, NOW) for _ in range(BURST * 2)]
        assert paces[-1] is Traffic.BOT
        assert watch.traffic_of(shopper, None, API, Micros(NOW + 300 * SECOND)) is Traffic.HUMAN

    def test_history_is_never_too_fast(self) -> None:
        watch = TrafficWatch()
        paces = {watch.traffic_of((Trust.CLIENT, False, "a"), None, IMPORT, NOW) for _ in range(5_000)}
        assert paces == {Traffic.HUMAN}
