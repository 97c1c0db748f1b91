"""Audiences: rules in, live counts out, consent always, lookalikes, overlaps, pushes."""

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.segmentation.alike import fill_queued
from smartshop.backend_api.api import audience_lookalikes
from smartshop.data_collection.schemas.audiences import AudiencePush, Listed, PushState
from smartshop.data_collection.schemas.customers import ConsentChange
from smartshop.data_collection.schemas.ids import ShopperKey
from smartshop.errors import NotFound
from tests.api.customers_who_stand import populate
from tests.api.shop_for_tests import SECRET, Opened, opened_service

CLIMBERS = {"rule": "segment", "segments": ["b1"]}
HOSTS = {"rule": "segment", "segments": ["b2"]}
LEAVING = {"rule": "number", "number": "churn_risk", "min": 0.5}
TENTS = {"rule": "affinity", "affinity": "category", "subjects": ["Outdoor"], "min_strength": 0.5}
Json = dict[str, Any]  # Any: a JSON document


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened_service(tmp_path_factory.mktemp("shop")) as opened:
        populate(opened.shop.customers, opened.shop.standings)
        yield opened


def create(service: Opened, name: str, definition: Json, **more: object) -> Json:
    body = {"name": name, "definition": definition, **more}
    answer = service.client.post("/v1/audiences", json=body, headers=SECRET)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def test_an_audience_is_saved_counted_changed_and_deleted(service: Opened) -> None:
    made = create(service, "Climbers who leave", {"rule": "all", "rules": [CLIMBERS, LEAVING]})
    # Climbers are even and not 4 in 5; of them 6 and 8 in 10 leave. Every tenth allows no marketing: never these.
    assert (made["customers"], made["withheld"], made["purpose"], made["alike"]) == (20, 0, "marketing", False)
    where = f"/v1/audiences/{made['audience_id']}"
    assert service.client.get(where, headers=SECRET).json() == made
    body = {"name": "All climbers", "definition": CLIMBERS, "webhook_url": "https://example.com/hook"}
    changed = service.client.put(where, json=body, headers=SECRET).json()
    assert (changed["customers"], changed["withheld"], changed["webhook_url"]) == (30, 10, "https://example.com/hook")
    assert changed["created_at"] == made["created_at"]
    assert changed in service.client.get("/v1/audiences", headers=SECRET).json()["items"]
    assert service.client.delete(where, headers=SECRET).status_code == 204
    assert service.client.get(where, headers=SECRET).status_code == 404
    assert service.client.delete(where, headers=SECRET).status_code == 404
    assert service.client.put(where, json=body, headers=SECRET).status_code == 404


def test_a_preview_counts_and_saves_nothing(service: Opened) -> None:
    before = service.client.get("/v1/audiences", headers=SECRET).json()
    for definition, purpose, expected in (
        (TENTS, "marketing", (40, 10)),
        (TENTS, "personalisation", (50, 0)),
        ({"rule": "not", "of": TENTS}, "marketing", (50, 0)),
        ({"rule": "place", "countries": ["GB"]}, "marketing", (90, 10)),
        ({"rule": "list", "customer_ids": ["c-0000", "c-0001", "nobody"]}, "marketing", (1, 1)),
    ):
        body = {"definition": definition, "purpose": purpose}
        size = service.client.post("/v1/audiences/preview", json=body, headers=SECRET).json()
        assert (size["customers"], size["withheld"]) == expected, definition
    assert service.client.get("/v1/audiences", headers=SECRET).json() == before


def test_members_come_in_pages_and_whoever_withdraws_is_gone_at_once(service: Opened) -> None:
    made = create(service, "Hosts", HOSTS)
    where = f"/v1/audiences/{made['audience_id']}/customers"
    first = service.client.get(f"{where}?limit=30", headers=SECRET).json()
    assert first["size"] == {"customers": 40, "withheld": 0}
    rest = service.client.get(f"{where}?limit=30&cursor={first['next_cursor']}", headers=SECRET).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"], rest["size"]) == (30, 10, None, None)
    change = ConsentChange(
        shopper_key=ShopperKey("c-0001"),
        is_customer=True,
        changes={"marketing": False},
        received_at=service.shop.clock.now(),
    )
    service.shop.customers.set_consent(change)
    answer = service.client.get(f"{where}?format=csv", headers=SECRET)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (len(rows), answer.headers["smartshop-withheld"]) == (39, "1")
    assert "c-0001" not in [row["customer_id"] for row in rows]
    service.shop.customers.set_consent(msgspec.structs.replace(change, changes={"marketing": True}))


def test_a_segment_that_is_not_there_is_neither_saved_nor_counted(service: Opened) -> None:
    unknown = {"rule": "segment", "segments": ["b99"]}
    refused = service.client.post("/v1/audiences", json={"name": "x", "definition": unknown}, headers=SECRET)
    assert (refused.status_code, "b99" in refused.json()["detail"]) == (409, True)
    counted = service.client.post("/v1/audiences/preview", json={"definition": unknown}, headers=SECRET)
    assert (counted.status_code, counted.json()) == (409, refused.json())
    alike = {"name": "x", "seed": unknown, "size": 5}
    found = service.client.post("/v1/audiences/lookalikes", json=alike, headers=SECRET)
    assert (found.status_code, found.json()) == (409, refused.json())


@pytest.mark.parametrize(
    "definition",
    [
        {"rule": "audience", "audience_id": "a-none"},
        {"rule": "number", "number": "orders"},
        {"rule": "number", "number": "orders", "min": 5, "max": 1},
    ],
)
def test_rules_that_cannot_be_asked_are_a_conflict(service: Opened, definition: Json) -> None:
    for path, body in (
        ("/v1/audiences", {"name": "x", "definition": definition}),
        ("/v1/audiences/preview", {"definition": definition}),
    ):
        refused = service.client.post(path, json=body, headers=SECRET)
        assert (refused.status_code, refused.json()["code"]) == (409, "unusable_rule"), refused.text


@pytest.mark.parametrize(
    "definition", [{}, {"rule": "magic"}, {"rule": "segment"}, {"rule": "segment", "segments": []}, 5, None]
)
def test_what_is_no_rule_is_malformed(service: Opened, definition: object) -> None:
    refused = service.client.post("/v1/audiences", json={"name": "x", "definition": definition}, headers=SECRET)
    assert refused.status_code == 422


@pytest.mark.parametrize("rule", ["all", "any"])
def test_nothing_to_meet_is_no_rule(service: Opened, rule: str) -> None:
    inner = {"rule": "not", "of": {"rule": rule, "rules": []}}
    for path, body in (("/v1/audiences", {"name": "x"}), ("/v1/audiences/preview", {})):
        refused = service.client.post(path, json={**body, "definition": inner}, headers=SECRET)
        assert (refused.status_code, refused.json()["detail"]) == (
            422, "definition.of.rules is []: expected array of length >= 1.",
        )  # fmt: skip


def test_long_lists_are_told_of_one_audience_and_not_of_all(service: Opened) -> None:
    many = {"rule": "list", "customer_ids": [f"c-{n:04d}" for n in range(201)]}
    few = {"rule": "list", "customer_ids": ["c-0001"]}
    deep = create(service, "Deep", {"rule": "all", "rules": [CLIMBERS, {"rule": "not", "of": many}]})
    short = create(service, "Short", few)
    asked = {"name": "Alike", "seed": few, "size": 3}
    alike = service.client.post("/v1/audiences/lookalikes", json=asked, headers=SECRET).json()["audience"]
    items = service.client.get("/v1/audiences?limit=200", headers=SECRET).json()["items"]
    told = {one["audience_id"]: one for one in items}
    assert told[short["audience_id"]] == short
    for made in (deep, alike):
        assert told[made["audience_id"]] == {**made, "definition": None}
        whole = service.client.get(f"/v1/audiences/{made['audience_id']}", headers=SECRET).json()
        assert whole == made


def test_rules_nested_too_deeply_are_refused_with_a_sentence(service: Opened) -> None:
    for depth in (10, 2_000):
        nested: Json = CLIMBERS
        text = b'{"rule":"not","of":' * depth + msgspec.json.encode(nested) + b"}" * depth
        body = b'{"name":"x","definition":' + text + b"}"
        refused = service.client.post("/v1/audiences", content=body, headers=SECRET)
        assert refused.status_code in (409, 422), depth
        assert refused.json()["detail"].endswith(".")


def test_an_audience_that_another_names_stays_and_circles_are_refused(service: Opened) -> None:
    inner = create(service, "Inner", CLIMBERS)
    outer = create(service, "Outer", {"rule": "audience", "audience_id": inner["audience_id"]})
    assert (outer["customers"], outer["withheld"]) == (inner["customers"], inner["withheld"])
    kept = service.client.delete(f"/v1/audiences/{inner['audience_id']}", headers=SECRET)
    assert kept.status_code == 409
    circle = {"name": "Inner", "definition": {"rule": "audience", "audience_id": outer["audience_id"]}}
    refused = service.client.put(f"/v1/audiences/{inner['audience_id']}", json=circle, headers=SECRET)
    assert (refused.status_code, refused.json()["code"]) == (409, "unusable_rule")


def test_an_overlap_is_counted_pair_by_pair(service: Opened) -> None:
    first, second = create(service, "A", CLIMBERS), create(service, "B", LEAVING)
    ids = [first["audience_id"], second["audience_id"]]
    found = service.client.get("/v1/audiences/overlap", params={"audiences": ids}, headers=SECRET).json()
    assert [(one["audience_id"], one["withheld"]) for one in found["audiences"]] == [(ids[0], 10), (ids[1], 0)]
    assert found["both"] == [[30, 20], [20, 50]]
    every = service.client.get(
        "/v1/audiences/overlap", params={"audiences": ids, "purpose": "personalisation"}, headers=SECRET
    ).json()
    assert every["both"] == [[40, 20], [20, 50]]
    for params, status in (({"audiences": [ids[0], "a-none"]}, 404), ({"audiences": [ids[0]]}, 422), ({}, 422)):
        assert service.client.get("/v1/audiences/overlap", params=params, headers=SECRET).status_code == status


def test_lookalikes_of_a_list_are_found_and_saved(service: Opened) -> None:
    seed = {"rule": "list", "customer_ids": ["c-0002", "c-0006", "c-0012", "c-0016"]}
    answer = service.client.post(
        "/v1/audiences/lookalikes", json={"name": "Like them", "seed": seed, "size": 20}, headers=SECRET
    )
    assert (answer.status_code, answer.json()["job_id"]) == (201, None)
    made = answer.json()["audience"]
    found = made["definition"]["customer_ids"]
    assert (made["alike"], made["customers"]) == (True, 20), "of those who allow it"
    assert len(found) == made["customers"] + made["withheld"]
    assert made["withheld"] > 0
    assert all(int(customer_id[2:]) % 2 == 0 for customer_id in found), "climbers are like climbers"
    assert not set(found) & set(seed["customer_ids"])
    members = service.client.get(f"/v1/audiences/{made['audience_id']}/customers", headers=SECRET).json()["items"]
    listed = {one["customer_id"] for one in members}
    assert listed == {one for one in found if int(one[2:]) % 10}, "every tenth allows no marketing"
    assert found[-1] in listed, "nobody is looked for beyond the twentieth"


def test_lookalikes_for_another_purpose_take_who_allows_that(service: Opened) -> None:
    seed = {"rule": "list", "customer_ids": ["c-0002", "c-0006", "c-0012", "c-0016"]}
    body = {"name": "For us", "seed": seed, "size": 20, "purpose": "personalisation"}
    made = service.client.post("/v1/audiences/lookalikes", json=body, headers=SECRET).json()["audience"]
    assert (made["customers"], made["withheld"], len(made["definition"]["customer_ids"])) == (20, 0, 20)


def test_when_too_few_allow_it_lookalikes_are_all_who_do(service: Opened) -> None:
    seed = {"rule": "list", "customer_ids": ["c-0002", "c-0006"]}
    body = {"name": "As many as there are", "seed": seed, "size": 10_000}
    made = service.client.post("/v1/audiences/lookalikes", json=body, headers=SECRET).json()["audience"]
    assert (made["customers"], made["withheld"]) == (88, 10)


def test_lookalikes_of_a_segment_may_be_a_share(service: Opened) -> None:
    body = {"name": "Like climbers", "seed": CLIMBERS, "share": 0.1}
    made = service.client.post("/v1/audiences/lookalikes", json=body, headers=SECRET).json()["audience"]
    found = made["definition"]["customer_ids"]
    assert found
    assert all(int(customer_id[2:]) % 10 == 4 for customer_id in found), "climbers too little known to be in b1"


@pytest.mark.parametrize("asked", [{}, {"size": 20, "share": 0.1}, {"size": None}])
def test_lookalikes_are_asked_for_by_number_or_by_share(service: Opened, asked: Json) -> None:
    before = len(service.shop.audiences.all())
    body = {"name": "x", "seed": CLIMBERS, **asked}
    refused = service.client.post("/v1/audiences/lookalikes", json=body, headers=SECRET)
    assert (refused.status_code, "give one of them" in refused.json()["detail"]) == (409, True)
    assert len(service.shop.audiences.all()) == before


def test_in_a_large_shop_a_job_finds_them(service: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_lookalikes, "FOUND_AT_ONCE", 10)
    body = {"name": "Later", "seed": HOSTS, "size": 7}
    answer = service.client.post("/v1/audiences/lookalikes", json=body, headers=SECRET)
    made = answer.json()["audience"]
    assert (answer.status_code, made["customers"], made["alike"]) == (202, 0, True)
    (job,) = [job for job in service.shop.jobs.recent() if job.job_id == answer.json()["job_id"]]
    shop, now = service.shop, service.shop.clock.now()
    assert job.name == "find-alike"
    for _ in range(2):  # a job that died once is run again
        filled = fill_queued(
            shop.audiences, shop.standings, job.arguments, now=now, shop_now=now, rng=np.random.default_rng(1)
        )
        assert isinstance(filled.definition, Listed)
        assert len(filled.definition.customer_ids) == 7
    assert service.client.get(f"/v1/audiences/{made['audience_id']}", headers=SECRET).json()["customers"] == 7
    with pytest.raises(NotFound):
        fill_queued(
            shop.audiences,
            shop.standings,
            {**job.arguments, "audience_id": "a-none"},
            now=now,
            shop_now=now,
            rng=np.random.default_rng(1),
        )


def test_lookalikes_of_nobody_are_a_conflict_and_nothing_is_saved(service: Opened) -> None:
    before = len(service.shop.audiences.all())
    seed = {"rule": "list", "customer_ids": ["nobody"]}
    refused = service.client.post(
        "/v1/audiences/lookalikes", json={"name": "x", "seed": seed, "size": 5}, headers=SECRET
    )
    assert (refused.status_code, len(service.shop.audiences.all())) == (409, before)


def test_a_push_is_queued_once_and_its_state_is_told(service: Opened) -> None:
    made = create(service, "Pushed", CLIMBERS, webhook_url="https://example.com/hook")
    where = f"/v1/audiences/{made['audience_id']}"
    asked = service.client.post(f"{where}/push", headers=SECRET)
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    again = service.client.post(f"{where}/push", headers=SECRET).json()
    assert again == asked.json(), "one is under way"
    jobs = [job for job in service.shop.jobs.recent() if job.name == "push-audience"]
    arguments = {"audience_id": made["audience_id"], "push_id": asked.json()["push_id"]}
    assert [job.arguments for job in jobs] == [arguments]
    (push,) = service.shop.audiences.pushes()
    service.shop.audiences.report_push(msgspec.structs.replace(push, state=PushState.FAILED, error="It was 500."))
    told = service.client.get(f"{where}/pushes", headers=SECRET).json()["items"]
    assert [(one["state"], one["error"]) for one in told] == [("failed", "It was 500.")]
    fresh = service.client.post(f"{where}/push", headers=SECRET).json()
    assert fresh["push_id"] != push.push_id


def test_a_push_whose_job_is_lost_is_queued_again(service: Opened) -> None:
    made = create(service, "Lost", CLIMBERS, webhook_url="https://example.com/hook")
    left = AudiencePush(
        push_id="p-left", audience_id=made["audience_id"], state=PushState.DELIVERING, next_page=3,
        asked_at=service.shop.clock.now(),
    )  # fmt: skip
    service.shop.audiences.start_push(left)
    again = service.client.post(f"/v1/audiences/{made['audience_id']}/push", headers=SECRET).json()
    assert (again["push_id"], again["next_page"]) == ("p-left", 3)
    assert "p-left" in [job.arguments.get("push_id") for job in service.shop.jobs.recent()]


def test_without_a_webhook_there_is_no_push(service: Opened) -> None:
    made = create(service, "Silent", CLIMBERS)
    refused = service.client.post(f"/v1/audiences/{made['audience_id']}/push", headers=SECRET)
    assert (refused.status_code, "webhook_url" in refused.json()["detail"]) == (409, True)
    assert service.client.post("/v1/audiences/a-none/push", headers=SECRET).status_code == 404


@pytest.mark.parametrize("url", ["http://example.com/hook", "ftp://example.com", "https://u:p@example.com", "x"])
def test_an_address_that_is_never_called_is_not_saved(service: Opened, url: str) -> None:
    body = {"name": "x", "definition": CLIMBERS, "webhook_url": url}
    refused = service.client.post("/v1/audiences", json=body, headers=SECRET)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_address")


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "http://localhost:9/x", "https://10.1.2.3/x", "https://[::1]/x", "https://[fd00::1]/x"],
)
def test_a_private_address_is_saved_only_where_it_may_be_called(service: Opened, tmp_path: Path, url: str) -> None:
    body = {"name": "x", "definition": CLIMBERS, "webhook_url": url}
    alike = {"name": "x", "seed": CLIMBERS, "size": 1, "webhook_url": url}
    where = f"/v1/audiences/{create(service, 'Public', CLIMBERS)['audience_id']}"
    for method, path, told in (
        ("POST", "/v1/audiences", body), ("PUT", where, body), ("POST", "/v1/audiences/lookalikes", alike)
    ):  # fmt: skip
        refused = service.client.request(method, path, json=told, headers=SECRET)
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook_address"), method
        assert "called only with SMARTSHOP_WEBHOOKS_PRIVATE=true." in refused.json()["detail"]
    with opened_service(tmp_path, webhooks_private=True) as trying:
        populate(trying.shop.customers, trying.shop.standings)
        assert create(trying, "Private", CLIMBERS, webhook_url=url)["webhook_url"] == url
        far = trying.client.post(
            "/v1/audiences", json={**body, "webhook_url": "https://169.254.169.254/"}, headers=SECRET
        )
        assert (far.status_code, "never called" in far.json()["detail"]) == (409, True)


def test_the_webhook_secret_stays_the_same(service: Opened) -> None:
    told = service.client.get("/v1/audiences/webhook-secret", headers=SECRET).json()["secret"]
    assert told == service.client.get("/v1/audiences/webhook-secret", headers=SECRET).json()["secret"]
    key = base64.b64decode(told.removeprefix("whsec_"))
    assert key == service.shop.keys.secret("webhooks", b"another")
    assert len(key) == 32
