"""`POST /v1/events` over HTTP, and every bad body that we could think of."""

import gzip
import json
from collections.abc import Iterator

import pytest
from httpx2 import Response

from smartshop.backend_api.utils.bodies import MAX_BODY_BYTES
from smartshop.data_collection.schemas.events import StoredEvent, Trust
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened, opened_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened_service(tmp_path_factory.mktemp("events")) as opened:
        yield opened


def view(event_id: str, **more: object) -> dict[str, object]:
    return {"kind": "product_viewed", "event_id": event_id, "anonymous_id": "a-1", "product_id": "p-1", **more}


def post(service: Opened, body: bytes, **headers: str) -> Response:
    return service.client.post("/v1/events", content=body, headers={**SECRET, **headers})


def stored(service: Opened, event_id: str) -> list[StoredEvent]:
    return [event for batch in service.shop.log.scan() for _, event in batch if event.event_id == event_id]


def test_events_are_accepted_counted_and_stored(service: Opened) -> None:
    answer = service.client.post("/v1/events", json={"events": [view("s-1"), view("s-1")]}, headers=SECRET)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicates": 1, "rejected": []})
    (event,) = stored(service, "s-1")
    assert (event.source, event.trust, event.shopper_key) == ("api", Trust.SERVER, "a-1")


def test_a_publishable_key_is_believed_less(service: Opened) -> None:
    answer = service.client.post("/v1/events", json={"events": [view("pub-1")]}, headers=PUBLISHABLE)
    assert answer.status_code == 202
    assert stored(service, "pub-1")[0].trust is Trust.CLIENT


def test_a_token_speaks_for_its_own_shopper_only(service: Opened) -> None:
    token = service.token(customer_id="c-1")
    events = [view("tok-1", customer_id="c-1", anonymous_id=None), view("tok-2", customer_id="c-2")]
    answer = service.client.post("/v1/events", json={"events": events}, headers=token)
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["reason"].startswith("not_yours: ")
    assert stored(service, "tok-1")[0].trust is Trust.SHOPPER


def test_without_a_key_nothing_is_taken(service: Opened) -> None:
    assert service.client.post("/v1/events", json={"events": [view("n-1")]}).status_code == 401
    assert stored(service, "n-1") == []


def test_gzip_is_welcome(service: Opened) -> None:
    packed = gzip.compress(json.dumps({"events": [view("gz-1")]}).encode())
    assert post(service, packed, **{"Content-Encoding": "gzip"}).json()["accepted"] == 1


def test_a_gzip_of_several_members_is_one_body(service: Opened) -> None:
    text = json.dumps({"events": [view("gz-2")]}).encode()
    packed = gzip.compress(text[:20]) + gzip.compress(text[20:])
    assert post(service, packed, **{"Content-Encoding": "gzip"}).json()["accepted"] == 1


def test_nan_and_infinity_cost_only_their_own_event(service: Opened) -> None:
    body = json.dumps({"events": [view("nan-1"), view("nan-2", rating=float("nan")), view("nan-3")]}).encode()
    answer = post(service, body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert answer.json()["rejected"] == [
        {"index": 1, "reason": "not_a_number: The event holds NaN or Infinity; leave the field out instead."}
    ]


def test_half_a_character_costs_only_its_own_event(service: Opened) -> None:
    body = b'{"events": [{"kind": "searched", "anonymous_id": "a", "query": "\\ud800"}, %s]}'
    answer = post(service, body % json.dumps(view("sur-1")).encode())
    assert (answer.json()["accepted"], len(answer.json()["rejected"])) == (1, 1)


@pytest.mark.parametrize(
    "event",
    [
        view("bad-1", anonymous_id="a\x00b"),
        view("bad-2", properties={"deep": {"text": "a\x00b"}}),
        view("bad-3", occurred_at="3000-01-01T00:00:00Z"),
        view("bad-4", occurred_at="1970-01-01T00:00:00Z"),
        view("bad-5", quantity=10**400),
        view("bad-6", properties={"x": "y" * 40_000}),
        view("bad-7", kind="no_such_kind"),
        view("bad-8", anonymous_id=7),
        "text",
        None,
        [],
    ],
)
def test_what_cannot_enter_is_rejected_with_a_sentence(service: Opened, event: object) -> None:
    answer = post(service, json.dumps({"events": [event]}).encode())
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    code, _, sentence = answer.json()["rejected"][0]["reason"].partition(": ")
    assert code.isidentifier()
    assert sentence.endswith(".")


def test_text_that_only_looks_like_a_null_character_is_kept(service: Opened) -> None:
    body = b'{"events": [{"kind": "custom", "name": "x", "event_id": "nul-1", "anonymous_id": "a", %s}]}'
    assert post(service, body % b'"properties": {"path": "C:\\\\u0000"}').json()["accepted"] == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"not json", {}),
        (b"[]", {}),
        (b"{}", {}),
        (b'{"events": {}}', {}),
        (b'{"events": []}', {}),
        (b'{"events": [' + b"{}," * 1_000 + b"{}]}", {}),
        (b"\xff\xfe", {}),
        (b'{"events": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", {}),
        (b"not gzip at all", {"Content-Encoding": "gzip"}),
        # Its header tells the time otherwise, and the name of this test would differ between processes.
        (gzip.compress(b'{"events": []}', mtime=0)[:-9], {"Content-Encoding": "gzip"}),
        (b"{}", {"Content-Encoding": "br"}),
    ],
)
def test_a_broken_envelope_is_a_problem(service: Opened, body: bytes, headers: dict[str, str]) -> None:
    answer = post(service, body, **headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].endswith(".")


def test_too_much_is_refused_packed_or_not(service: Opened) -> None:
    large = b" " * (MAX_BODY_BYTES + 1)
    bomb = gzip.compress(b'{"events": [' + b" " * 200_000_000, compresslevel=9)
    assert len(bomb) < MAX_BODY_BYTES
    assert post(service, large).status_code == 413
    assert post(service, gzip.compress(large), **{"Content-Encoding": "gzip"}).status_code == 413
    assert post(service, bomb, **{"Content-Encoding": "gzip"}).status_code == 413


def test_staff_keep_themselves_out_of_what_is_learned(service: Opened) -> None:
    post(service, json.dumps({"events": [view("int-1")]}).encode(), **{"Smartshop-Traffic": "internal"})
    assert stored(service, "int-1")[0].traffic == "internal"


def test_global_privacy_control_is_heard(service: Opened) -> None:
    event = view("gpc-1", anonymous_id="a-gpc")
    service.client.post("/v1/events", json={"events": [event]}, headers={**PUBLISHABLE, "Sec-GPC": "1"})
    assert service.shop.customers.consent("a-gpc", False).marketing is False
