"""Slates over HTTP: who is asked for, what is ignored and named, and what a click changes."""

from typing import Any

from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened


def _slate(service: Opened, headers: dict[str, str], **request: object) -> dict[str, Any]:
    answer = service.client.post("/v1/recommendations", json={"surface": "home", **request}, headers=headers)
    assert answer.status_code == 200, answer.text
    slate: dict[str, Any] = answer.json()
    return slate


def test_a_slate_is_full_argued_for_and_adds_up(service: Opened) -> None:
    slate = _slate(service, PUBLISHABLE, anonymous_id="s-1", limit=12)
    assert [item["position"] for item in slate["items"]] == list(range(12))
    assert len({item["product_id"] for item in slate["items"]}) == 12
    for item in slate["items"]:
        assert abs(sum(item["contributions"].values()) - item["score"]) < 1e-5
        assert 0 < item["propensity"] <= 1
        assert not item["product_id"].endswith("-14"), "sold out"
    assert "recommendation: no model yet" in slate["degraded"]


def test_the_short_form_asks_the_same(service: Opened) -> None:
    query: dict[str, str | int] = {"surface": "category", "limit": 5, "category": "Garden > Spades"}
    answer = service.client.get("/v1/recommendations", params=query, headers=PUBLISHABLE)
    assert answer.status_code == 200
    assert all(item["product_id"].startswith("spades") for item in answer.json()["items"])


def test_what_cannot_be_used_is_ignored_and_named(service: Opened) -> None:
    slate = _slate(
        service, SECRET, anonymous_id="x/y", history=["nobody"], basket=["tents-1"], product_id="no-such",
        context={"at": "yesterday"},
    )  # fmt: skip
    told = " ".join(slate["degraded"])
    for word in ("anonymous_id", "nobody", "no-such", "yesterday"):
        assert word in told
    assert "tents-1" not in {item["product_id"] for item in slate["items"]}


def test_only_the_shop_sets_the_time_and_names_a_customer(service: Opened) -> None:
    post = service.client.post
    timed = {"surface": "home", "context": {"at": "2026-01-01T00:00:00Z"}}
    assert post("/v1/recommendations", json=timed, headers=PUBLISHABLE).status_code == 403
    assert post("/v1/recommendations", json=timed, headers=SECRET).status_code == 200
    named = {"surface": "home", "customer_id": "c-1"}
    assert post("/v1/recommendations", json=named, headers=PUBLISHABLE).status_code == 403
    assert post("/v1/recommendations", json=named, headers=service.token(customer_id="c-2")).status_code == 403
    assert post("/v1/recommendations", json=named, headers=service.token(customer_id="c-1")).status_code == 200


def test_the_next_slate_reflects_an_acknowledged_click(service: Opened) -> None:
    own = service.token(anonymous_id="clicker")
    before = _slate(service, own, limit=20)
    clicks = [{"kind": "product_viewed", "anonymous_id": "clicker", "product_id": f"planters-{n}"} for n in range(4)]
    assert service.client.post("/v1/events", json={"events": clicks}, headers=own).json()["accepted"] == 4
    after = _slate(service, own, limit=20)

    def planters(slate: dict[str, Any]) -> float:
        places = [item["position"] for item in slate["items"] if item["product_id"].startswith("planters")]
        return sum(places) / len(places) if places else 99.0

    assert planters(after) < planters(before)
    assert any("personalization" in item["contributions"] for item in after["items"])


def test_a_decision_can_be_read_whole_by_its_shopper(service: Opened) -> None:
    own = service.token(customer_id="asker")
    slate = _slate(service, own, limit=6)
    argued = service.client.get(f"/v1/decisions/{slate['decision_id']}", headers=own).json()
    shown = [item for item in argued["items"] if item["position"] is not None]
    assert [item["product_id"] for item in shown] == [item["product_id"] for item in slate["items"]]
    for logged, item in zip(shown, slate["items"], strict=True):
        assert abs(logged["score"] - item["score"]) < 1e-4
        assert logged["propensity"] == item["propensity"]
    assert len(argued["items"]) > len(shown), "runners-up are kept"
    assert argued["policy"] == slate["policy"]
    stranger = service.client.get(f"/v1/decisions/{slate['decision_id']}", headers=service.token(customer_id="other"))
    assert stranger.status_code == 404
    service.shop.recommendations.writer.flush()
    assert service.client.get(f"/v1/decisions/{slate['decision_id']}", headers=SECRET).json() == argued


def test_ranking_returns_the_same_ids(service: Opened) -> None:
    ids = ["tents-3", "nobody", "stoves-1", "tents-14", "tents-3"]
    answer = service.client.post("/v1/rank", json={"product_ids": ids, "anonymous_id": "r"}, headers=PUBLISHABLE)
    assert sorted(item["product_id"] for item in answer.json()["items"]) == sorted(set(ids))


def test_lists_around_a_product(service: Opened) -> None:
    for path in ("/v1/products/tents-1/similar", "/v1/products/tents-1/bought-together", "/v1/trending"):
        answer = service.client.get(path, params={"limit": 4}, headers=PUBLISHABLE)
        assert answer.status_code == 200
        assert "tents-1" not in [item["product_id"] for item in answer.json()["items"]] or path == "/v1/trending"
    assert service.client.get("/v1/products/nobody/similar", headers=PUBLISHABLE).status_code == 404


def test_ids_in_a_request_are_read_as_ids_in_events_are(service: Opened) -> None:
    body = {"surface": "product", "product_id": " tents-1 ", "basket": ["tents-2 "], "limit": 50}
    slate = service.client.post("/v1/recommendations", json=body, headers=PUBLISHABLE).json()
    assert not any("unknown" in note for note in slate["degraded"])
    assert {"tents-1", "tents-2"}.isdisjoint({item["product_id"] for item in slate["items"]})


def test_a_ranking_can_be_asked_as_of_a_moment_by_the_shop(service: Opened) -> None:
    own = service.token(customer_id="kim")
    viewed = {"kind": "product_viewed", "product_id": "planters-1"}
    service.client.post("/v1/events", json={"events": [viewed]}, headers=own)
    rank = {"product_ids": ["spades-1", "tents-1", "planters-1"], "customer_id": "kim"}
    now = service.client.post("/v1/rank", json=rank, headers=SECRET).json()["items"]
    past = {**rank, "context": {"at": "2020-01-01T00:00:00Z"}}
    then = service.client.post("/v1/rank", json=past, headers=SECRET).json()["items"]
    assert now[0]["product_id"] == "planters-1"
    assert len({item["score"] for item in then}) == 1
    assert service.client.post("/v1/rank", json=past, headers=own).status_code == 403
