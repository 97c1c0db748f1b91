"""Segment's wire over HTTP: its routes, its clients' recorded requests, and its Python client itself."""

import base64
import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client

from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId
from tests.api.live_server import listening
from tests.api.shop_for_tests import (
    PUBLISHABLE_KEY,
    SECRET_KEY,
    Opened,
    app_of,
    make_shop,
    open_shop_stores,
    opened_service,
)

OURS = {"Authorization": "Basic " + base64.b64encode(f"{PUBLISHABLE_KEY}:".encode()).decode()}
SECRETLY = {"Authorization": "Basic " + base64.b64encode(f"{SECRET_KEY}:".encode()).decode()}
ROUTES = {"track": "t", "identify": "i", "page": "p", "screen": "s", "group": "g", "alias": "a"}
CAPTURES = (
    "segment-python",
    "segment-python-400",
    "segment-python-gzip-503",
    "segment-node",
    "segment-node-500",
    "segment-browser",
    "segment-browser-batch",
    "segment-browser-batch-503",
    "segment-browser-xorigin",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened_service(tmp_path_factory.mktemp("segment")) as opened:
        yield opened


def stored(service: Opened) -> dict[str, StoredEvent]:
    return {event.event_id: event for batch in service.shop.log.scan() for _, event in batch}


@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("length", ["long", "short"])
def test_every_route_takes_its_message(service: Opened, kind: str, length: str) -> None:
    message_id = f"route-{kind}-{length}"
    message = {"messageId": message_id, "userId": "c-1", "anonymousId": "a-1", "event": "Tried", "previousId": "a-0"}
    path = f"/v1/{kind if length == 'long' else ROUTES[kind]}"
    answer = service.client.post(path, content=json.dumps(message), headers={**OURS, "Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert stored(service)[message_id].source == "segment"


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b"])
def test_a_batch_is_taken_plain_or_packed(service: Opened, path: str) -> None:
    for packed in (False, True):
        message_id = uuid.uuid4().hex
        body = json.dumps({"batch": [{"type": "page", "messageId": message_id, "userId": "c-1"}]}).encode()
        headers = {**OURS, "Content-Encoding": "gzip"} if packed else OURS
        answer = service.client.post(path, content=gzip.compress(body) if packed else body, headers=headers)
        assert answer.status_code == 200
        assert message_id in stored(service)


def test_single_bad_messages_are_quarantined_and_the_answer_is_200(service: Opened) -> None:
    batch = [
        {"type": "track", "event": "Product Viewed", "userId": "c-1", "messageId": "mixed-1", "properties": {}},
        {"type": "track", "event": "Paid", "userId": "c-1", "messageId": "mixed-2", "properties": {"n": float("nan")}},
        {"type": "page", "userId": "c-1", "messageId": "mixed-3"},
    ]  # fmt: skip
    sent = json.dumps({"batch": batch, "sentAt": "2026-11-22T06:29:30.917571+00:00"})
    before = len(service.shop.quarantine.page(source="segment"))
    answer = service.client.post("/v1/batch", content=sent, headers=OURS)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    refused = service.shop.quarantine.page(source="segment")[before:]
    assert {row.reason.split(":")[0] for row in refused} == {"missing_product", "not_a_number"}
    assert all(b"sentAt" in row.raw for row in refused)
    assert "mixed-3" in stored(service)


def test_without_a_known_key_it_is_a_401(service: Opened) -> None:
    body = {"batch": [{"type": "page", "userId": "c", "messageId": "no-key"}]}
    stranger = {"Authorization": "Basic " + base64.b64encode(b"who-knows:").decode()}
    assert service.client.post("/v1/batch", json=body).status_code == 401
    assert service.client.post("/v1/batch", json=body, headers=stranger).status_code == 401
    assert service.client.get("/v1/projects/who-knows/settings").status_code == 401
    assert "no-key" not in stored(service)


def test_older_clients_send_the_write_key_in_the_body(service: Opened) -> None:
    batch = {"batch": [{"type": "page", "userId": "c", "messageId": "body-key-1"}], "writeKey": PUBLISHABLE_KEY}
    message = {"userId": "c", "messageId": "body-key-2", "writeKey": PUBLISHABLE_KEY}
    assert service.client.post("/v1/batch", json=batch).status_code == 200
    assert service.client.post("/v1/p", json=message).status_code == 200
    assert {"body-key-1", "body-key-2"} <= set(stored(service))


def test_the_browser_is_told_where_to_send(service: Opened) -> None:
    answer = service.client.get(f"/v1/projects/{PUBLISHABLE_KEY}/settings").json()
    assert answer["integrations"]["Segment.io"]["apiKey"] == PUBLISHABLE_KEY
    assert answer["integrations"]["Segment.io"]["apiHost"].endswith("/v1")


def test_only_a_secret_key_merges_customers(service: Opened) -> None:
    older = {"userId": "old-name", "event": "Product Viewed", "properties": {"product_id": "tents-1"}}
    service.client.post("/v1/track", json=older, headers=SECRETLY)
    message = {"userId": "new-name", "previousId": "old-name", "messageId": "alias-1"}
    service.client.post("/v1/alias", json=message, headers=OURS)
    separate = service.shop.customers.shopper(CustomerId("new-name"), None, vouched=True)
    assert separate.customer_ids == ("new-name",)
    service.client.post("/v1/alias", json={**message, "messageId": "alias-2"}, headers=SECRETLY)
    merged = service.shop.customers.shopper(CustomerId("new-name"), None, vouched=True)
    assert set(merged.customer_ids) == {"new-name", "old-name"}
    answer = service.client.post(
        "/v1/alias", json={"userId": "old-name", "previousId": "new-name", "messageId": "alias-3"}, headers=SECRETLY
    )
    assert answer.status_code == 200


def test_an_identify_with_the_write_key_links_as_a_claim(service: Opened) -> None:
    service.client.post("/v1/i", json={"userId": "c-77", "anonymousId": "a-77"}, headers=OURS)
    (link,) = [link for link in service.shop.customers.links() if link.anonymous_id == AnonymousId("a-77")]
    assert (link.customer_id, link.trust) == ("c-77", Trust.CLIENT)


def test_a_consent_preference_counts_for_the_browser_and_vouched_for_the_customer(service: Opened) -> None:
    told = {"Advertising": False, "Functional": True, "DataSharing": False}
    message = {"event": "Segment Consent Preference Updated", "userId": "c-consents", "anonymousId": "a-consents"}
    message |= {"context": {"consent": {"categoryPreferences": told}}}  # type: ignore[dict-item]  # plain JSON
    customers = service.shop.customers
    assert service.client.post("/v1/track", json=message, headers=OURS).json() == {"success": True}
    assert not customers.shopper(None, AnonymousId("a-consents"), vouched=True).consent.marketing
    assert customers.shopper(CustomerId("c-consents"), None, vouched=True).consent.marketing, "anybody could claim it"
    assert service.client.post("/v1/track", json=message, headers=SECRETLY).json() == {"success": True}
    said = customers.shopper(CustomerId("c-consents"), None, vouched=True).consent
    assert (said.marketing, said.personalisation, said.analytics) == (False, True, True)
    message["context"] = {"consent": {"categoryPreferences": {"DataSharing": False}}}  # type: ignore[assignment]
    before = len(service.shop.quarantine.page(source="segment"))
    assert service.client.post("/v1/track", json=message, headers=SECRETLY).json() == {"success": True}
    (refused,) = service.shop.quarantine.page(source="segment")[before:]
    assert "None of the consent categories ('DataSharing') is known" in refused.reason


@pytest.mark.parametrize("name", CAPTURES)
def test_what_real_clients_send_is_taken(service: Opened, shared_vectors: Path, name: str) -> None:
    """Requests recorded from the clients, with our key in place of theirs."""
    captured = json.loads((shared_vectors / "client_captures" / f"{name}.json").read_text())
    posted = [request for request in captured if request["method"] == "POST"]
    assert posted
    sent_ids = set()
    for request in posted:
        content_type = {key.lower(): value for key, value in request["headers"]}.get("content-type", "")
        body = json.dumps(request["body"]).encode()
        headers = {**OURS, "Content-Type": content_type}
        if request["gzip"]:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        answer = service.client.post(request["path"], content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        sent_ids |= {message["messageId"] for message in _messages(request["body"])}
    kept, refused = stored(service), service.shop.quarantine.page(limit=10_000)
    lost = {sent for sent in sent_ids if sent not in kept and not any(sent.encode() in row.raw for row in refused)}
    assert lost == set()


def test_the_python_client_works_unchanged(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    shop = make_shop(stores)
    failures: list[Any] = []  # Any: what the client hands to its own callback
    with listening(app_of(shop)) as url:
        for packed in (False, True):
            client = Client(PUBLISHABLE_KEY, host=url, gzip=packed, on_error=lambda *what: failures.append(what))
            client.identify("c-1", {"email": "ann@example.org"}, anonymous_id="a-1")
            for number in range(120):
                client.track("c-1", "Product Viewed", {"product_id": f"p-{number}", "price": 9.5}, anonymous_id="a-1")
            client.track("c-1", "Order Completed", {"order_id": f"o-{packed}", "products": [{"product_id": "p-1"}]})
            client.track("c-1", "Odd", {"ratio": float("nan")})
            client.page("c-1", "Home", "Front")
            client.alias("a-1", "c-1")
            client.shutdown()
    kinds = [event.kind for batch in shop.log.scan() for _, event in batch]
    quarantined = shop.quarantine.counts()
    order = stores.orders.get("o-False")  # type: ignore[arg-type]  # plain text is what the wire had
    stores.close()
    assert failures == []
    assert (kinds.count(EventKind.PRODUCT_VIEWED), kinds.count(EventKind.IDENTIFIED)) == (240, 2)
    assert (kinds.count(EventKind.PAGE_VIEWED), kinds.count(EventKind.CUSTOM)) == (2, 2)
    assert quarantined == {"not_a_number": 2}
    assert order is not None


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:  # Any: recorded JSON
    messages: list[dict[str, Any]] = body.get("batch", [body])
    return messages
