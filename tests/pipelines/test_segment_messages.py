"""Segment's messages as our events."""

import json

import pytest

from smartshop.data_collection.pipelines.arrivals import Rejection
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.pipelines.segment import translate, with_defaults
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId

NOW = Micros(1_795_000_000_000_000)


def event_of(shop_currency: str = "GBP", **message: object) -> Event:
    translated = translate(json.dumps({"anonymousId": "a-1", **message}).encode(), NOW, shop_currency)
    assert isinstance(translated, Event), translated
    return translated


def track(name: str, shop_currency: str = "GBP", **properties: object) -> Event:
    return event_of(shop_currency, type="track", event=name, properties=properties)


def consent_text(categories: bytes) -> bytes:
    inside = b'{"consent": {"categoryPreferences": ' + categories + b"}}"
    return (
        b'{"type": "track", "event": "Segment Consent Preference Updated", "userId": "u", "context": ' + inside + b"}"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Products Searched", EventKind.SEARCHED),
        ("Product List Viewed", EventKind.PRODUCT_LIST_VIEWED),
        ("Promotion Viewed", EventKind.PROMOTION_VIEWED),
        ("Promotion Clicked", EventKind.PROMOTION_CLICKED),
        ("Product Clicked", EventKind.PRODUCT_CLICKED),
        ("Product Viewed", EventKind.PRODUCT_VIEWED),
        ("Viewed Product", EventKind.PRODUCT_VIEWED),
        ("Product Added", EventKind.PRODUCT_ADDED),
        ("Product Removed", EventKind.PRODUCT_REMOVED),
        ("Checkout Started", EventKind.CHECKOUT_STARTED),
        ("Order Completed", EventKind.ORDER_COMPLETED),
        ("Completed Order", EventKind.ORDER_COMPLETED),
        ("Order Refunded", EventKind.ORDER_REFUNDED),
        ("Product Added to Wishlist", EventKind.WISHLISTED),
        ("Product Reviewed", EventKind.RATED),
        ("recommendation_clicked", EventKind.RECOMMENDATION_CLICKED),
        ("Cart Viewed", EventKind.CUSTOM),
        ("Newsletter Opened", EventKind.CUSTOM),
        ("identified", EventKind.CUSTOM),
    ],
)
def test_the_e_commerce_names_are_our_kinds_and_others_stay_the_shops(name: str, kind: EventKind) -> None:
    event = track(name, product_id="p-1")
    assert event.kind is kind
    assert event.name == (name if kind is EventKind.CUSTOM else None)


def test_an_order_has_its_lines_in_minor_units() -> None:
    products = [{"product_id": "p-1", "price": 19.99, "quantity": 2}, {"sku": "v-2", "price": "5", "quantity": "1"}]
    event = track(
        "Order Completed", order_id=17, currency="usd", shipping=3.5, tax="1.2", products=products, coupon="SUMMER"
    )
    assert (event.order_id, event.currency, event.shipping_minor, event.tax_minor) == ("17", "USD", 350, 120)
    assert event.products == [
        ProductLine(product_id=ProductId("p-1"), quantity=2, price_minor=1999),
        ProductLine(variant_id=VariantId("v-2"), quantity=1, price_minor=500),
    ]
    assert event.properties == {"coupon": "SUMMER"}


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 1500), ("GBP", 150_000), ("KWD", 1_500_000)])
def test_a_price_has_its_currencys_own_decimals_and_a_missing_currency_is_the_shops(currency: str, minor: int) -> None:
    assert track("Product Viewed", product_id="p", price=1500, currency=currency).products[0].price_minor == minor
    assert track("Product Viewed", currency, product_id="p", price=1500).products[0].price_minor == minor


def test_a_clock_that_is_wrong_is_put_right_by_sent_at() -> None:
    hour = 3600 * SECOND
    event = event_of(type="page", timestamp=format_rfc3339(NOW + hour - 90 * SECOND), sentAt=format_rfc3339(NOW + hour))
    assert event.occurred_at == format_rfc3339(NOW - 90 * SECOND)


def test_a_second_of_travel_is_no_wrong_clock() -> None:
    event = event_of(type="page", timestamp=format_rfc3339(NOW - 5 * SECOND), sentAt=format_rfc3339(NOW - SECOND))
    assert event.occurred_at == format_rfc3339(NOW - 5 * SECOND)


def test_a_time_without_offset_is_utc_as_segment_has_it() -> None:
    assert event_of(type="page", timestamp="2026-11-22T15:30:00.5").occurred_at == "2026-11-22T15:30:00.500000Z"


def test_the_common_fields_are_kept() -> None:
    context = {
        "userAgent": "Mozilla/5.0",
        "locale": "en-GB",
        "page": {"url": "https://shop.example/tents"},
        "location": {"country": "GB", "city": "Leeds"},
        "library": {"name": "analytics.js"},
        "sessionId": 1795329557764,
    }
    event = event_of(type="page", messageId="m-1", userId=42, name="Tents", context=context)
    assert (event.event_id, event.customer_id, event.session_id) == ("m-1", "42", "1795329557764")
    assert event.context is not None
    assert (event.context.channel, event.context.city, event.context.page_url) == (
        "web",
        "Leeds",
        "https://shop.example/tents",
    )
    assert event.properties == {"name": "Tents"}


def test_each_call_has_its_kind() -> None:
    assert event_of(type="identify", userId="c-1", traits={"plan": "gold"}).traits == {"plan": "gold"}
    assert event_of(type="screen", name="Home").name == "screen"
    assert event_of(type="group", userId="c", groupId="g-1").properties == {"group_id": "g-1", "traits": {}}
    assert event_of(type="alias", userId="c", previousId="a-9").properties == {"previous_id": "a-9"}


@pytest.mark.parametrize("name", ["Segment Consent Preference Updated", "Segment Consent Preference"])
@pytest.mark.parametrize("place", ["context", "properties"])
def test_consent_categories_are_our_purposes(name: str, place: str) -> None:
    """The example of Segment's own page: DataSharing is a category that we have no purpose for."""
    told = {"Advertising": True, "Analytics": False, "Functional": True, "DataSharing": False}
    message = {"type": "track", "event": name, "anonymousId": "a", place: {"consent": {"categoryPreferences": told}}}
    event = translate(json.dumps(message).encode(), NOW, "GBP")
    assert isinstance(event, Event)
    assert event.kind is EventKind.CONSENT_CHANGED
    assert event.consent == {"marketing": True, "analytics": False, "personalisation": True}
    assert event.properties == {"categories_without_purpose": {"DataSharing": False}}


@pytest.mark.parametrize(
    ("told", "consent"),
    [
        ({"C0001": True, "C0002": True, "C0003": False, "C0004": False}, (True, False, False)),
        ({"C0004": True, "C0005": False}, (None, None, False)),
        ({"targeting": False, "Social_Media": True, "strictly-necessary": True}, (None, None, False)),
        ({"Personalization": True}, (None, True, None)),
    ],
)
def test_all_categories_of_a_purpose_must_be_granted(told: dict[str, bool], consent: tuple[bool | None, ...]) -> None:
    context = {"consent": {"categoryPreferences": told}}
    event = event_of(type="track", event="Segment Consent Preference Updated", context=context)
    named = zip(("analytics", "personalisation", "marketing"), consent, strict=True)
    assert event.consent == {purpose: granted for purpose, granted in named if granted is not None}
    assert event.properties is None


def test_our_own_words_of_consent_stay_as_they_were() -> None:
    assert track("Consent Changed", consent={"marketing": False}).consent == {"marketing": False}
    assert track("consent_changed", marketing=False).consent == {"marketing": False}


def test_what_other_events_say_of_consent_changes_nothing() -> None:
    context = {"consent": {"categoryPreferences": {"Advertising": False}}}
    assert event_of(type="page", context=context).consent is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"type": "track", "event": "X", "userId": "u", "properties": {"price": NaN}}', "not_a_number"),
        (b'{"type": "telepathy", "userId": "u"}', "unknown_type"),
        (b'{"type": "track", "userId": "u"}', "missing_name"),
        (b'{"type": "track", "event": "Order Completed", "properties": {"products": [1]}}', "bad_product"),
        (b'{"type": "track", "event": "Product Viewed", "properties": {"sku": "p", "price": "free"}}', "invalid_value"),
        (b'{"type": "track", "event": "Product Added", "properties": {"sku": "p", "quantity": 1.5}}', "bad_quantity"),
        (consent_text(b'{"DataSharing": false}'), "unknown_purpose"),
        (consent_text(b'{"C0001": true}'), "unknown_purpose"),
        (consent_text(b'{"Analytics": "no"}'), "bad_consent"),
        (b'{"type": "page", "timestamp": "tomorrow"}', "invalid_value"),
        (b'{"type": "page", "name": "a\\u0000b"}', "null_character"),
        (b"[]", "malformed"),
        (b'"track"', "malformed"),
        (b"{", "malformed"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_sentence(text: bytes, code: str) -> None:
    translated = translate(text, NOW, "GBP")
    assert isinstance(translated, Rejection)
    assert translated.reason.startswith(f"{code}: ")


def test_what_the_batch_says_fills_in_and_never_overrides() -> None:
    assert json.loads(with_defaults(b'{"userId": "u"}', kind="page", sent_at="T")) == {
        "type": "page",
        "sentAt": "T",
        "userId": "u",
    }
    assert json.loads(with_defaults(b'{"type": "track"}', kind="page", sent_at=None)) == {"type": "track"}
    assert with_defaults(b"{}", kind="page", sent_at="T") == b"{}"
    assert with_defaults(b"[1]", kind="page", sent_at="T") == b"[1]"
