"""Segments in a running service: what a shop's engineer sees from outside, by its own HTTP client."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engines.service import running_service
from tests.segmentation.shop_of_two import LEAVES, customer, opened_shop_of_two, product_id

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("serving")
    with opened_shop_of_two(folder) as two:
        two.refit()
    with running_service(folder) as running:
        headers = {"Authorization": f"Bearer {running.secret_key}"}
        with httpx.Client(base_url=running.url, headers=headers, timeout=30) as client:
            yield client


def standing_of(service: httpx.Client, customer_id: str) -> dict[str, Any]:
    answer = service.get(f"/v1/customers/{customer_id}")
    found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return found.get("standing") or {}


def ordered(customer_id: str, leaf: str, number: int) -> dict[str, Any]:
    line = {"product_id": product_id(leaf, 1), "quantity": 2, "price_minor": 2_500}
    order_id = f"{customer_id}-served-{number}"
    return {
        "kind": "order_completed", "event_id": order_id, "order_id": order_id, "customer_id": customer_id,
        "currency": "GBP", "products": [line],
    }  # fmt: skip


def test_an_order_told_over_http_moves_the_customer_without_a_refit(service: httpx.Client) -> None:
    events = [ordered("served-1", leaf, number) for number, leaf in enumerate(LEAVES["cook"] * 2)]
    assert service.post("/v1/events", json={"events": events}).json()["accepted"] == 4
    deadline = time.monotonic() + PATIENCE_SECONDS
    while standing_of(service, "served-1").get("orders") != 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    standing = standing_of(service, "served-1")
    assert (standing["orders"], standing["spent_minor"]) == (4, 4 * 2 * 2_500)
    assert standing["rfm"]["segment_id"] == "rfm-new"
    assert any(one["subject"].startswith("Kitchen") for one in standing["affinities"])


def test_a_customer_is_told_with_reasons_and_intervals(service: httpx.Client) -> None:
    found = [standing_of(service, customer("gardener", number)) for number in range(12)]
    standing = next(one for one in found if one.get("segment") and one["orders"] > 2)
    assert 1 <= len(standing["why"]) <= 3
    assert all(reason["text"] for reason in standing["why"])
    for expected in standing["expected"]:
        assert expected["orders_low"] <= expected["orders"] + 1
        assert expected["orders_low"] <= expected["orders_high"]
        assert expected["value_low_minor"] <= expected["value_high_minor"]
    assert "value_mae" in standing["accuracy"]
    assert 0 <= standing["p_alive"] <= 1


def test_what_a_segment_wants_is_a_list_for_the_shop_alone(service: httpx.Client) -> None:
    segments = service.get("/v1/segments").json()["items"]
    largest = max((one for one in segments if one["kind"] == "behaviour"), key=lambda one: one["customers"])
    items = service.get("/v1/trending", params={"segment": largest["segment_id"], "limit": 6}).json()["items"]
    assert len(items) == 6
    assert any(largest["name"] in (item["reason"] or {}).get("text", "") for item in items)
    assert service.get("/v1/trending", params={"segment": "rfm-new"}).status_code == 422
    assert service.get("/v1/trending", params={"segment": "b999"}).status_code == 404


def test_segments_argue_in_slates_for_shoppers_known_little(service: httpx.Client) -> None:
    history = [product_id(LEAVES["gardener"][0], 0)]
    body = {"surface": "home", "anonymous_id": "a-new", "history": history, "limit": 8}
    slate = service.post("/v1/recommendations", json=body).json()
    assert len(slate["items"]) == 8
    pulls = {item["product_id"]: item["contributions"]["segmentation"] for item in slate["items"]}
    assert max(pulls.values()) > 0
    stateless = service.post("/v1/recommendations", json={"surface": "home", "anonymous_id": "a-other", "limit": 8})
    assert all(item["contributions"]["segmentation"] == 0 for item in stateless.json()["items"])


def test_an_audience_of_a_segment_is_counted_and_exported(service: httpx.Client) -> None:
    segments = service.get("/v1/segments").json()["items"]
    named = max((one for one in segments if one["kind"] == "rfm"), key=lambda one: one["customers"])
    rule = {"rule": "segment", "segments": [named["segment_id"]]}
    made = service.post("/v1/audiences", json={"name": "Largest group", "definition": rule})
    assert made.status_code in (200, 201), made.text
    audience = made.json()
    assert audience["customers"] == named["customers"]
    text = service.get(f"/v1/audiences/{audience['audience_id']}/customers", params={"format": "csv"}).text
    assert len(text.splitlines()) == named["customers"] + 1
