"""`/v1/rules` over HTTP: what is written acts on the next slate, and says so; what cannot work is refused in words."""

from collections.abc import Iterator
from typing import Any

import pytest

from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.segments import SegmentId
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened
from tests.connectors.standings_told import SEGMENTS, refit, standing

Json = dict[str, Any]
"""Any: JSON."""


@pytest.fixture(autouse=True)
def _no_rules_left(service: Opened) -> Iterator[None]:
    yield
    for rule in service.client.get("/v1/rules", headers=SECRET).json()["items"]:
        assert service.client.delete(f"/v1/rules/{rule['rule_id']}", headers=SECRET).status_code == 204


def made(service: Opened, effect: Json, products: Json | None = None, **told: object) -> Json:
    body = {"name": "A rule", "effect": effect, "products": products or {}, **told}
    answer = service.client.post("/v1/rules", json=body, headers=SECRET)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def slate(service: Opened, **asked: object) -> list[Json]:
    body = {"surface": "search", "anonymous_id": "somebody", "limit": 10, **asked}
    answer = service.client.post("/v1/recommendations", json=body, headers=PUBLISHABLE)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def ids(items: list[Json]) -> list[str]:
    return [item["product_id"] for item in items]


def test_a_pin_stands_in_the_very_next_slate_and_is_gone_with_its_rule(service: Opened) -> None:
    before = ids(slate(service))
    rule = made(service, {"kind": "pin", "position": 2}, {"product_ids": ["spades-3", "planters-2"]})
    assert (rule["state"], rule["products_meant"]) == ("holds", 2)
    after = slate(service)
    assert ids(after)[2:4] == ["spades-3", "planters-2"]
    assert [item["propensity"] for item in after[2:4]] == [1.0, 1.0]
    assert after[2]["adjustments"] == [{"rule": rule["rule_id"], "text": "Pinned to place 3 by the shop."}]
    assert service.client.delete(f"/v1/rules/{rule['rule_id']}", headers=SECRET).status_code == 204
    assert ids(slate(service))[:3] == before[:3]
    assert service.client.get(f"/v1/rules/{rule['rule_id']}", headers=SECRET).status_code == 404


def test_a_pin_never_shows_what_may_not_be_shown(service: Opened) -> None:
    made(service, {"kind": "pin", "position": 0}, {"product_ids": ["tents-14", "tents-1", "spades-2", "nothing"]})
    assert ids(slate(service, filters={"exclude": ["tents-1"]}))[0] == "spades-2", "one is sold out, one excluded"
    assert "tents-1" not in ids(slate(service, filters={"category": ["Garden"]}))
    assert ids(slate(service, basket=["spades-2"]))[0] == "tents-1"
    assert len(slate(service, limit=1)) == 1


def test_boosts_and_buries_move_but_leave_the_score(service: Opened) -> None:
    scores = {item["product_id"]: item["score"] for item in slate(service, limit=50)}
    rule = made(service, {"kind": "boost", "strength": 4}, {"category": ["Garden > Spades"], "brand": ["Hearth"]})
    raised = slate(service, limit=3)  # so few are not explored
    assert all(one.startswith("spades-") and int(one.split("-")[1]) % 2 for one in ids(raised))
    for item in raised:
        assert item["score"] == pytest.approx(sum(item["contributions"].values()), abs=1e-5)
        assert item["adjustments"][0]["rule"] == rule["rule_id"]
        assert item["adjustments"][0]["text"].startswith("Raised by 4.00 log-odds by the shop")
    assert {item["product_id"]: item["score"] for item in raised} == pytest.approx(
        {product_id: scores[product_id] for product_id in ids(raised)}, abs=0.2
    )
    made(service, {"kind": "bury", "strength": 4}, {"category": ["Garden > Spades"]})
    assert "spades-1" not in ids(slate(service, limit=3)), "one lowers it by what the other raises it"


def test_a_cap_holds_and_the_list_stays_full(service: Opened) -> None:
    made(service, {"kind": "cap", "at_most": 1}, {"category": ["Outdoor"]})
    shown = ids(slate(service, limit=20))
    assert len(set(shown)) == 20
    assert sum(one.startswith(("tents", "stoves")) for one in shown) <= 1
    only_outdoor = ids(slate(service, limit=20, filters={"category": ["Outdoor"]}))
    assert len(only_outdoor) == 20, "there is nothing else to show"


def test_rules_hold_only_where_they_were_told_to(service: Opened) -> None:
    where = {"surface": ["search"], "query_contains": ["Camp  STOVE"], "device": ["Mobile"]}
    made(service, {"kind": "pin", "position": 0}, {"product_ids": ["stoves-5"]}, where=where)
    asked: Json = {"query": "a camp stove please", "context": {"device": "mobile"}}
    assert ids(slate(service, **asked))[0] == "stoves-5"
    assert ids(slate(service, **{**asked, "query": "camp chair"}))[0] != "stoves-5"
    assert ids(slate(service, **{**asked, "context": {"device": "desktop"}}))[0] != "stoves-5"
    assert ids(slate(service, **{**asked, "surface": "category"}))[0] != "stoves-5"


def test_a_category_page_is_known_by_its_filter(service: Opened) -> None:
    where = {"category": ["Garden"]}
    made(service, {"kind": "pin", "position": 0}, {"product_ids": ["planters-9"]}, where=where)
    page: Json = {"surface": "category", "filters": {"category": ["Garden > Planters"]}}
    assert ids(slate(service, **page))[0] == "planters-9"
    assert "planters-9" not in ids(slate(service, surface="category", filters={"category": ["Outdoor"]}))


def test_a_customer_is_known_by_their_segment_and_nobody_else(service: Opened) -> None:
    told = [standing("c-climber", segment_id=SegmentId("b1")), standing("c-gardener", segment_id=SegmentId("b2"))]
    service.shop.standings.replace_all(told, refit(), SEGMENTS)
    made(service, {"kind": "pin", "position": 0}, {"product_ids": ["tents-6"]}, where={"segment": ["b1"]})
    for customer, pinned in (("c-climber", True), ("c-gardener", False), ("c-unknown", False)):
        body = {"surface": "search", "customer_id": CustomerId(customer), "limit": 5}
        answer = service.client.post("/v1/recommendations", json=body, headers=service.token(customer_id=customer))
        assert (ids(answer.json()["items"])[0] == "tents-6") is pinned, customer
    assert ids(slate(service))[0] != "tents-6"


def test_rules_come_and_go_by_the_shops_clock(service: Opened) -> None:
    pin: Json = {"kind": "pin", "position": 0}
    for number, (starts, ends, state) in enumerate(
        ((None, "2020-01-01T00:00:00Z", "ended"), ("2999-01-01T00:00:00", None, "scheduled"))
    ):
        rule = made(service, pin, {"product_ids": [f"stoves-{number}"]}, starts_at=starts, ends_at=ends)
        assert rule["state"] == state
    assert made(service, pin, {"product_ids": ["stoves-7"]}, enabled=False)["state"] == "off"
    assert not {"stoves-0", "stoves-1", "stoves-7"} & set(ids(slate(service))[:1])


def test_a_rule_is_replaced_whole_and_only_by_who_read_it(service: Opened) -> None:
    rule = made(service, {"kind": "pin", "position": 0}, {"product_ids": ["stoves-5"]})
    path, body = (
        f"/v1/rules/{rule['rule_id']}",
        {"name": "Other", "effect": {"kind": "cap", "share": 0.5, "per": "brand"}},
    )
    changed = service.client.put(path, json={**body, "version": rule["version"]}, headers=SECRET)
    assert changed.status_code == 200, changed.text
    assert changed.json()["version"] > rule["version"]
    assert changed.json()["created_at"] == rule["created_at"]
    assert changed.json()["products"] == {}
    late = service.client.put(path, json={**body, "version": rule["version"]}, headers=SECRET)
    assert late.status_code == 409
    assert "read it again" in late.json()["detail"]
    assert service.client.put("/v1/rules/none", json=body, headers=SECRET).status_code == 404
    assert ids(slate(service))[0] != "stoves-5"


def test_rules_are_listed_by_name_in_pages(service: Opened) -> None:
    for name in ("c", "A", "b"):
        made(service, {"kind": "boost", "strength": 0.1}, {"brand": ["Hearth"]}, name=name)
    first = service.client.get("/v1/rules?limit=2", headers=SECRET).json()
    assert [rule["name"] for rule in first["items"]] == ["A", "b"]
    second = service.client.get(f"/v1/rules?limit=2&cursor={first['next_cursor']}", headers=SECRET).json()
    assert ([rule["name"] for rule in second["items"]], second["next_cursor"]) == (["c"], None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"effect": {"kind": "pin", "position": 0}}, "names its products"),
        ({"products": {}}, "which are meant"),
        ({"effect": {"kind": "cap"}, "products": {"brand": ["x"]}}, "either at_most or share"),
        ({"effect": {"kind": "cap", "at_most": 1, "share": 0.5}, "products": {"brand": ["x"]}}, "either at_most or"),
        ({"effect": {"kind": "cap", "at_most": 3}, "products": {}}, "every product"),
        ({"name": "  "}, "name is blank"),
        ({"products": {"price_minor": {"min": 5, "max": 4}}}, "from 5 to 4"),
        ({"products": {"category": [" > "]}}, "names no path"),
        ({"products": {"product_ids": [" / "]}}, "slash"),
        ({"products": {"attributes": {"colour": []}}}, "none of its values"),
        ({"where": {"query_contains": [" "]}}, "blank text"),
        ({"starts_at": "2026-11-27T00:00:00Z", "ends_at": "2026-11-27T00:00:00Z"}, "not after it starts"),
        ({"starts_at": "0001-01-01T00:00:00+23:00"}, "years 1 to 9999"),
    ],
)  # fmt: skip
def test_a_rule_that_could_do_nothing_is_refused_in_words(service: Opened, body: Json, said: str) -> None:
    usual = {"name": "A rule", "effect": {"kind": "boost", "strength": 1}, "products": {"brand": ["Hearth"]}}
    answer = service.client.post("/v1/rules", json={**usual, **body}, headers=SECRET)
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "unusable_rule"
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"effect": {"kind": "hide"}}, "pin"),
        ({"effect": {"kind": "pin", "position": 200}}, "effect.position is 200"),
        ({"effect": {"kind": "boost", "strength": 4.5}}, "effect.strength is 4.5"),
        ({"effect": {"kind": "boost", "strength": 0}}, "effect.strength is 0"),
        ({"products": {"colour": "red"}}, "unknown field colour"),
        ({"where": {"surface": ["window"]}}, "home"),
        ({"starts_at": "tomorrow"}, "starts_at is 'tomorrow'"),
    ],
)
def test_a_malformed_rule_is_refused_with_its_field_and_value(service: Opened, body: Json, said: str) -> None:
    usual = {"name": "A rule", "effect": {"kind": "boost", "strength": 1}, "products": {"brand": ["Hearth"]}}
    answer = service.client.post("/v1/rules", json={**usual, **body}, headers=SECRET)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]
