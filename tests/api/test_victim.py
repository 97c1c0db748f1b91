"""A publishable key cannot read or poison another shopper, whatever it sends and wherever it names them."""

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from smartshop.backend_api.api.table import ENDPOINTS
from smartshop.backend_api.endpoint import Endpoint
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.schemas.events import EventKind
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened, app_of, make_shop, open_shop_stores

VICTIM, BROWSER, ORDER, EVENT = "victim-customer", "victim-browser", "victim-order", "victim-event"
HOME = "Reykjavik-by-the-sea"
NAMES = st.sampled_from([VICTIM, f" {VICTIM} ", ORDER, EVENT])
"""What an attacker may know: ids of customer, order and event. Not the browser's: that is a secret of its own."""
PRODUCTS = st.sampled_from(["tents-0", "stoves-3", "spades-2", "planters-7"])

EVENTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(list(EventKind)).map(lambda kind: kind.value),
        "anonymous_id": st.sampled_from(["attacker", VICTIM]),
    },
    optional={
        "customer_id": NAMES,
        "event_id": st.sampled_from([EVENT, f"order:{ORDER}", "fresh-1", "fresh-2"]),
        "product_id": PRODUCTS,
        "products": st.lists(
            st.fixed_dictionaries({"product_id": PRODUCTS, "quantity": st.integers(1, 3)}), max_size=2
        ),
        "order_id": st.sampled_from([ORDER, "another-order"]),
        "amount_minor": st.integers(0, 9_999),
        "currency": st.just("GBP"),
        "takes_stock": st.booleans(),
        "restock": st.booleans(),
        "consent": st.just({"personalisation": False, "analytics": False, "marketing": False}),
        "traits": st.just({"email": "other@example.org", "city": "Elsewhere"}),
        "query": st.just("spade"),
        "rating": st.just(5.0),
        "dwell_ms": st.just(90_000),
    },
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "customer_id": NAMES,
        "anonymous_id": st.sampled_from(["attacker", VICTIM]),
        "surface": st.just("home"),
        "order_id": st.just(ORDER),
        "product_ids": st.just(["tents-0", "tents-3"]),
        "lines": st.just([{"product_id": "tents-0", "quantity": 1}]),
        "events": st.lists(EVENTS, min_size=1, max_size=4),
        "userId": NAMES,
        "anonymousId": st.just(VICTIM),
        "previousId": NAMES,
        "event": st.just("Product Viewed"),
        "properties": st.just({"product_id": "stoves-3"}),
        "personalisation": st.just(False),
    },
)
ATTACKERS = st.sampled_from(["the page's key", "attacker", VICTIM])
"""A stranger comes with the page's key, or with the token that it gives for any new browser, however spelt."""


def _headers_of(opened: Opened, attacker: str) -> dict[str, str]:
    if attacker == "the page's key":
        return PUBLISHABLE
    answer = opened.client.post("/v1/shopper-tokens", json={"anonymous_id": attacker}, headers=SECRET)
    return {"Authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A shop whose clock stands still, so that a slate is the same until what is known changes."""
    stores = open_shop_stores(tmp_path_factory.mktemp("victim"))
    now = system_now()
    shop = make_shop(stores, now=lambda: now)
    assert shop.clock.timezone == ZoneInfo("UTC")
    with TestClient(app_of(shop), raise_server_exceptions=False) as client:
        opened = Opened(shop, client)
        _live(opened)
        yield opened
    stores.close()


def _live(opened: Opened) -> None:
    """The victim's own vouched history: views, a dismissal, traits, an order."""
    own = opened.token(customer_id=VICTIM, anonymous_id=BROWSER)
    opened.client.post("/v1/shopper-tokens", json={"customer_id": VICTIM, "anonymous_id": BROWSER}, headers=SECRET)
    events = [
        {"kind": "product_viewed", "event_id": f"{EVENT}-{n}", "customer_id": VICTIM, "anonymous_id": BROWSER,
         "product_id": f"tents-{n}"}
        for n in range(5)
    ]  # fmt: skip
    identified = {"kind": "identified", "customer_id": VICTIM, "anonymous_id": BROWSER, "traits": {"city": HOME}}
    answer = opened.client.post("/v1/events", json={"events": [*events, identified]}, headers=own)
    assert answer.json()["accepted"] == 6, answer.text
    order = {"order_id": ORDER, "lines": [{"product_id": "tents-3", "quantity": 1}]}
    assert opened.client.post("/v1/orders", json=order, headers=own).status_code == 201


def _seen(opened: Opened) -> dict[str, Any]:  # Any: JSON answers
    """All that the shop shows of and to the victim."""
    get = opened.client.get
    products = [product_id for product_id in opened.shop.shelves.shelf.product_ids if not product_id.endswith("-14")]
    ranked = opened.client.post(
        "/v1/rank", json={"product_ids": products, "customer_id": VICTIM, "anonymous_id": BROWSER}, headers=SECRET
    ).json()
    return {
        "view": get(f"/v1/customers/{VICTIM}", headers=SECRET).json(),
        "consent": get(f"/v1/customers/{VICTIM}/consent", headers=SECRET).json(),
        "orders": get("/v1/orders", params={"customer_id": VICTIM}, headers=SECRET).json(),
        "order": get(f"/v1/orders/{ORDER}", headers=SECRET).json(),
        "ranked": ranked["items"],
        "stock": opened.client.get("/v1/stock", params={"limit": 200}, headers=SECRET).json()["items"],
    }


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(endpoint=st.sampled_from(ENDPOINTS), name=NAMES, body=BODIES, attacker=ATTACKERS)
def test_no_call_of_a_stranger_changes_or_shows_another_shopper(
    service: Opened, endpoint: Endpoint[Any, Any], name: str, body: dict[str, Any], attacker: str
) -> None:
    # With a token a stranger may buy, which takes stock: from then on it is an order like any other.
    assume(attacker == "the page's key" or (endpoint.method, endpoint.path) != ("POST", "/v1/orders"))
    before = _seen(service)
    path = endpoint.path
    for part in ("product_id", "decision_id", "order_id", "customer_id", "key"):
        path = path.replace(f"{{{part}}}", name)
    answer = service.client.request(
        endpoint.method,
        path,
        params={"customer_id": name} if "customer_id" in str(getattr(endpoint.query, "__struct_fields__", "")) else {},
        content=json.dumps(body),
        headers=_headers_of(service, attacker),
    )
    assert answer.status_code < 500, answer.text
    assert HOME not in answer.text
    assert _seen(service) == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=1, max_size=6), attacker=ATTACKERS)
def test_events_that_name_another_shopper_leave_them_as_they_were(
    service: Opened, events: list[dict[str, Any]], attacker: str
) -> None:
    before = _seen(service)
    for path, key in (("/v1/events", "events"), ("/v1/batch", "batch")):
        answer = service.client.post(path, json={key: events}, headers=_headers_of(service, attacker))
        assert answer.status_code in (200, 202), answer.text
    assert _seen(service) == before


def test_the_same_words_vouched_for_do_change_a_shopper(service: Opened) -> None:
    """What the two tests above would notice."""
    own = service.token(customer_id="control-customer")
    rank = {"product_ids": ["spades-1", "tents-1", "planters-1"], "customer_id": "control-customer"}
    before = service.client.post("/v1/rank", json=rank, headers=SECRET).json()["items"]
    event = {"kind": "product_viewed", "customer_id": "control-customer", "product_id": "planters-1"}
    service.client.post("/v1/events", json={"events": [event]}, headers=PUBLISHABLE | own)
    after = service.client.post("/v1/rank", json=rank, headers=SECRET).json()["items"]
    assert [item["score"] for item in before] != [item["score"] for item in after]
    assert after[0]["product_id"] == "planters-1"


def test_an_anonymous_id_with_a_customers_letters_shows_nothing_of_the_customer(service: Opened) -> None:
    own = service.token(customer_id="same-letters")
    views = [{"kind": "product_viewed", "customer_id": "same-letters", "product_id": f"tents-{n}"} for n in range(4)]
    service.client.post("/v1/events", json={"events": views}, headers=own)

    def ranked(anonymous_id: str) -> list[dict[str, Any]]:
        body = {"product_ids": ["spades-1", "tents-1", "tents-2", "planters-3"], "anonymous_id": anonymous_id}
        items: list[dict[str, Any]] = service.client.post("/v1/rank", json=body, headers=PUBLISHABLE).json()["items"]
        return items

    assert ranked("same-letters") == ranked("stranger")
    made = service.client.post("/v1/shopper-tokens", json={"anonymous_id": "same-letters"}, headers=PUBLISHABLE)
    twin = {"Authorization": f"Bearer {made.json()['token']}"}
    assert service.client.get("/v1/me", headers=twin).json()["interest"] == []
    assert service.client.get("/v1/customers/same-letters", headers=twin).status_code == 403
    asked = service.client.post("/v1/recommendations", json={"surface": "home"}, headers=own).json()["decision_id"]
    assert service.client.get(f"/v1/decisions/{asked}", headers=own).status_code == 200
    assert service.client.get(f"/v1/decisions/{asked}", headers=twin).status_code == 404


def test_a_token_for_an_identified_browser_is_not_given_to_a_publishable_key(service: Opened) -> None:
    refused = service.client.post("/v1/shopper-tokens", json={"anonymous_id": BROWSER}, headers=PUBLISHABLE)
    assert refused.status_code == 403
    assert BROWSER in refused.json()["detail"]
