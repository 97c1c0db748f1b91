"""Bad input gets a problem with a sentence, on every route; nothing ends in a 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartshop.backend_api.api.table import ENDPOINTS
from smartshop.backend_api.endpoint import Endpoint
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened

NASTY_TEXTS = (
    "\x00", "a\x00b", "\u202e", "é" * 200, "x" * 10_000, "..", ".", " ", "%", "'; DROP TABLE events; --", "💥" * 100,
    "\ufffe", "9" * 400, "-1", "1e400", "NaN", "null", "true", "{}",
)  # fmt: skip
NASTY_BODIES = (
    b"", b"{", b"null", b"[]", b'"text"', b"NaN", b"{}", b'{"a":1}', b"\xff\xfe", b'{"surface":"\\ud800"}',
    b'{"surface":"home","limit":' + b"9" * 400 + b"}", b'{"surface":"home","limit":1e400}',
    b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"surface":"home","query":"' + b"x" * 10_000 + b'"}',
    b'{"surface":"home","query":"\\u0000","history":["\\u0000"],"filters":{"price_minor":{"min":-9e18,"max":9e18}}}',
    b'{"surface":"home","filters":{"price_minor":{"min":-9223372036854775808,"max":9223372036854775807}}}',
    b'{"surface":"home","filters":{"category":["\\u0000"],"brand":[""],"exclude":["\\u0000"],"attributes":{"a":[]}}}',
    b'{"surface":"home","context":{"at":"yesterday","temperature_c":1e308}}',
    b'{"product_ids":["\\u0000",""]}',
    b'{"events":[{"kind":"product_viewed","anonymous_id":"\\u0000","product_id":"a"}]}',
    b'{"lines":[{"product_id":"\\u0001","quantity":1}]}',
    b'{"lines":[{"product_id":"tents-1","quantity":1e30}]}',
    b'{"products":[{"product_id":"p","title":"a\\u0000b"}]}',
    b'{"products":[{"product_id":" ","title":"t","attributes":{"a":{"b":["\\u0000"]}}}]}',
    b'{"movements":[{"variant_id":"v","quantity":-5,"reason":"sale"}]}',
    b'{"counts":[{"variant_id":"v","level":1,"occurred_at":"0001-01-01T00:00:00Z"}]}',
)  # fmt: skip

PATH_PARTS = (
    "product_id", "decision_id", "order_id", "customer_id", "key", "reservation_id", "supplier_id", "variant_id",
    "purchase_order_id",
)  # fmt: skip


def _paths(endpoint: Endpoint[Any, Any], value: str) -> str:
    path = endpoint.path
    for part in PATH_PARTS:
        path = path.replace(f"{{{part}}}", value)
    return path


def _is_problem(answer: Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert told["status"] == answer.status_code
        assert told["code"]
        assert told["detail"].endswith((".", "says how.")), told


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_nasty_bodies_are_answered_in_words(service: Opened, endpoint: Endpoint[Any, Any]) -> None:
    for body in NASTY_BODIES:
        _is_problem(service.client.request(endpoint.method, _paths(endpoint, "tents-1"), content=body, headers=SECRET))


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if "{" in one.path or one.query is not None],
    ids=lambda endpoint: f"{endpoint.method} {endpoint.path}",
)  # fmt: skip
def test_nasty_texts_in_path_and_query_are_answered_in_words(service: Opened, endpoint: Endpoint[Any, Any]) -> None:
    names = () if endpoint.query is None else tuple(endpoint.query.__struct_fields__)
    for text in NASTY_TEXTS:
        for name in (*names, "unheard_of"):
            answer = service.client.request(
                endpoint.method, _paths(endpoint, "tents-1"), params={name: text}, headers=SECRET
            )
            _is_problem(answer)
        quoted = "".join(f"%{byte:02x}" for byte in text.encode())
        _is_problem(service.client.request(endpoint.method, _paths(endpoint, quoted), headers=SECRET))


def test_a_sentence_names_the_field_the_bad_value_and_what_would_be_right(service: Opened) -> None:
    def said(**body: object) -> str:
        answer = service.client.post("/v1/recommendations", json=body, headers=SECRET)
        assert answer.status_code == 422
        detail: str = answer.json()["detail"]
        return detail

    assert said(surface="home", limit=500) == "limit is 500: expected int <= 200."
    assert said(surface="home", limit="12") == "limit is '12': expected int, got str."
    assert said(surface="home", limit=True).startswith("limit is True: expected int")
    assert said(surface="home", filters={"brand": ["a", 7]}) == "filters.brand[1] is 7: expected str, got int."
    assert said(surface="shelf").startswith("surface is 'shelf': expected one of home, ")
    assert "colour" in said(surface="home", colour="red")


def test_a_sentence_names_the_values_that_would_be_right_however_deep(service: Opened) -> None:
    def said(*rules: dict[str, Any]) -> str:
        body = {"definition": {"rule": "all", "rules": [{"rule": "not", "of": {"rule": "any", "rules": rules}}]}}
        answer = service.client.post("/v1/audiences/preview", json=body, headers=SECRET)
        assert answer.status_code == 422
        detail: str = answer.json()["detail"]
        return detail

    deep = "definition.rules[0].of.rules[0]"
    assert said({"rule": "number", "number": "spent", "min": 1}).startswith(
        f"{deep}.number is 'spent': expected one of orders, spent_minor, average_order_minor, "
    )
    assert said({"rule": "affinity", "affinity": "shop", "subjects": ["x"]}) == (
        f"{deep}.affinity is 'shop': expected one of category, brand, product."
    )
    assert said({"rule": "magic"}) == (
        f"{deep}.rule is 'magic': expected one of segment, number, affinity, place, consent, list, audience, all, "
        "any, not."
    )
    asked = service.client.get("/v1/audiences/overlap?audiences=a&audiences=b&purpose=fun", headers=SECRET)
    assert asked.json()["detail"] == "purpose is 'fun': expected one of analytics, personalisation, marketing."


def test_a_whole_number_written_with_a_point_is_an_integer(service: Opened) -> None:
    answer = service.client.post("/v1/recommendations", json={"surface": "home", "limit": 3.0}, headers=SECRET)
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == 3


def test_a_repeated_or_empty_parameter_is_told(service: Opened) -> None:
    twice = service.client.get("/v1/search?limit=1&limit=2", headers=PUBLISHABLE)
    assert (twice.status_code, "2 times" in twice.json()["detail"]) == (422, True)
    null = service.client.get("/v1/search?price_min=null", headers=PUBLISHABLE)
    assert (null.status_code, "leave the parameter out" in null.json()["detail"]) == (422, True)


def test_a_body_over_the_limit_is_refused_before_it_is_read(service: Opened) -> None:
    answer = service.client.post("/v1/recommendations", content=b" " * 1_048_577, headers=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    streamed = service.client.post("/v1/recommendations", content=parts(), headers=SECRET)
    assert streamed.status_code == 413


def test_a_wrong_method_is_told_all_the_right_ones(service: Opened) -> None:
    answer = service.client.patch("/v1/products", headers=SECRET)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST, PUT"
    assert service.client.options("/v1/orders").headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    page = service.client.post("/somewhere")
    assert (page.status_code, page.headers["Allow"]) == (405, "GET, HEAD")


def test_an_unknown_address_of_the_service_is_a_problem_and_no_redirect(service: Opened) -> None:
    for path in ("/v1/nothing", "/v1/products/", "/ws/nothing", "/health", "/v1"):
        answer = service.client.get(path, headers=SECRET, follow_redirects=False)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    ),
    place=st.sampled_from(["surface", "limit", "filters", "context", "history", "basket", "anonymous_id", "query"]),
)
def test_any_json_in_a_slate_request_is_answered(service: Opened, body: object, place: str) -> None:
    answer = service.client.post(
        "/v1/recommendations", content=json.dumps({"surface": "home", place: body}), headers=PUBLISHABLE
    )
    _is_problem(answer)
    assert answer.status_code in (200, 422, 403)
