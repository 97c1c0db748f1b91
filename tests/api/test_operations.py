"""Stock, jobs, quality, health, metrics, limits, keys, pages: what engineers of the shop rely on."""

import time
from pathlib import Path

import pytest

from smartshop.backend_api.utils.auth import KEYS_FRESH_FOR, Gate, fingerprint
from smartshop.backend_api.utils.shopper_tokens import TokenSigner, shop_secret
from smartshop.data_collection.connectors.ports import ApiKey, DeadLetter, ModelRecord
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.data_collection.schemas.messages import EventsAccepted
from smartshop.errors import Unauthenticated
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened, open_shop_stores, opened_service


def test_stock_moves_whole_batches_once(service: Opened) -> None:
    batch = {
        "movements": [
            {"movement_id": "m-1", "variant_id": "spades-1", "quantity": 5, "reason": "receipt"},
            {"movement_id": "m-2", "variant_id": "spades-2", "quantity": -3, "reason": "write_off"},
        ]
    }
    post = service.client.post
    for applied, duplicates in ((2, 0), (0, 2)):
        told = post("/v1/stock/movements", json=batch, headers=SECRET).json()
        assert told == {"applied": applied, "duplicates": duplicates, "unknown_variants": []}
    short = {"movements": [{"variant_id": "spades-2", "quantity": -99, "reason": "sale"},
                           {"variant_id": "spades-1", "quantity": 1, "reason": "receipt"}]}  # fmt: skip
    refused = post("/v1/stock/movements", json=short, headers=SECRET)
    assert (refused.status_code, refused.json()["available"]) == (409, 7)
    page = service.client.get("/v1/stock", params={"variant_ids": "spades-1,spades-2"}, headers=SECRET).json()
    assert [(item["variant_id"], item["level"]) for item in page["items"]] == [("spades-1", 15), ("spades-2", 7)]
    counted = {"counts": [{"movement_id": "c-1", "variant_id": "spades-1", "level": 0}]}
    assert post("/v1/stock/counts", json=counted, headers=SECRET).json()["applied"] == 1
    assert service.client.get("/v1/products/spades-1", headers=SECRET).json()["in_stock"] is False


def test_a_job_waiting_already_is_not_queued_twice(service: Opened) -> None:
    first = service.client.post("/v1/jobs", json={"name": "train-recommendation"}, headers=SECRET)
    again = service.client.post("/v1/jobs", json={"name": "train-recommendation"}, headers=SECRET)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert [job["state"] for job in service.client.get("/v1/jobs", headers=SECRET).json()["items"]] == ["queued"]
    one = service.client.get(f"/v1/jobs/{first.json()['job_id']}", headers=SECRET)
    assert (one.status_code, one.json()) == (200, first.json())
    for name in ("0", "99", "9" * 40, "first", "²"):
        unknown = service.client.get(f"/v1/jobs/{name}", headers=SECRET)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_learning_is_queued_for_either_agent_and_what_else_there_is_stays_the_worker_s(tmp_path: Path) -> None:
    with opened_service(tmp_path) as service:
        for name in ("train-recommendation", "train-segmentation"):
            queued = service.client.post("/v1/jobs", json={"name": name}, headers=SECRET)
            assert (queued.status_code, queued.json()["name"]) == (202, name)
        refused = service.client.post("/v1/jobs", json={"name": "prune"}, headers=SECRET)
        assert (refused.status_code, refused.json()["detail"]) == (
            422, "name is 'prune': expected one of train-recommendation, train-segmentation.",
        )  # fmt: skip


def test_models_tell_which_of_each_agent_serves(tmp_path: Path) -> None:
    with opened_service(tmp_path) as service:
        now, models = service.shop.clock.now(), service.shop.models
        for age, version in enumerate(("v1", "v2", "v3")):
            record = ModelRecord(
                agent="recommendation",
                version=ModelVersion(version),
                trained_at=Micros(now - age),
                data_until=now,
                log_no=age,
                sha256="",
                metrics={"recall": 0.5},
            )
            folder = models.new_folder("recommendation", record.version)
            (folder / "counts.json").write_text("{}")
            models.publish(record, folder)
        models.promote("recommendation", ModelVersion("v2"), now)
        told = service.client.get("/v1/models", headers=SECRET)
        assert told.status_code == 200, told.text
        assert {one["version"]: one["promoted"] for one in told.json()["items"]} == {
            "v1": False,
            "v2": True,
            "v3": False,
        }
        assert next(one for one in told.json()["items"] if one["promoted"])["promoted_at"] is not None


def test_quality_counts_what_came_in_and_what_was_refused(service: Opened) -> None:
    good = {"kind": "product_viewed", "event_id": "q-1", "anonymous_id": "q", "product_id": "tents-1"}
    old = {**good, "event_id": "q-2", "occurred_at": "2001-01-01T00:00:00Z"}
    service.client.post("/v1/events", json={"events": [good, good, old]}, headers=PUBLISHABLE)
    quality = service.client.get("/v1/quality", headers=SECRET).json()
    assert quality["since_start"]["accepted"] >= 1
    assert quality["since_start"]["duplicates"] == 1
    assert quality["quarantined"] == {"too_old": 1}


def test_the_service_says_that_it_lives_is_ready_and_how_it_does(service: Opened) -> None:
    assert service.client.get("/health/live").json() == {"alive": True}
    ready = service.client.get("/health/ready").json()
    assert (ready["ready"], ready["missing"]) == (True, [])
    assert any("No model" in note for note in ready["notes"])
    service.client.post("/v1/recommendations", json={"surface": "home"}, headers=SECRET)
    metrics = service.client.get("/metrics").text
    for line in (
        'smartshop_requests_total{method="POST",route="/v1/recommendations",status="200"}',
        'smartshop_request_seconds_bucket{le="0.0025",route="/v1/recommendations"}',
        "smartshop_slates_degraded_total 1.0",
        'smartshop_bus_backlog{group="personalization"}',
        "smartshop_decisions_dropped_total 0.0",
    ):
        assert line in metrics, line


def test_a_shop_of_old_times_says_that_its_clock_stands_still(tmp_path: Path) -> None:
    with opened_service(tmp_path) as service:
        object.__setattr__(service.shop.clock, "newest_human_at", lambda: Micros(1_300_000_000_000_000))
        ready = service.client.get("/health/ready").json()
        assert ready["clock"].startswith("2011-03-13")
        assert any("stands still" in note for note in ready["notes"])
        assert service.client.get("/v1/storefront").json()["clock"].startswith("2011-03-13")


def test_a_shopper_over_the_limit_waits_and_a_secret_key_does_not(tmp_path: Path) -> None:
    with opened_service(tmp_path, requests_per_second=5) as service:
        own = service.token(anonymous_id="hasty")
        statuses = [service.client.get("/v1/categories", headers=own).status_code for _ in range(30)]
        assert statuses.count(200) >= 5
        refused = service.client.get("/v1/categories", headers=own)
        if refused.status_code == 429:
            assert refused.headers["Retry-After"] == "1"
        assert 429 in statuses
        assert {service.client.get("/v1/categories", headers=SECRET).status_code for _ in range(30)} == {200}
        assert service.client.get("/health/live").status_code == 200


def test_under_a_publishable_key_each_shopper_named_has_a_limit_of_their_own(tmp_path: Path) -> None:
    with opened_service(tmp_path, requests_per_second=5) as service:

        def slate_for(anonymous_id: str) -> int:
            asked = {"surface": "home", "anonymous_id": anonymous_id}
            return service.client.post("/v1/recommendations", json=asked, headers=PUBLISHABLE).status_code

        def event_of(anonymous_id: str) -> int:
            event = {"kind": "page_viewed", "anonymous_id": anonymous_id}
            return service.client.post("/v1/events", json={"events": [event]}, headers=PUBLISHABLE).status_code

        assert {slate_for(f"a-{number}") for number in range(40)} == {200}
        assert {event_of(f"b-{number}") for number in range(40)} == {202}
        assert 429 in [slate_for("hasty") for _ in range(60)]
        assert 429 in [event_of("hastier") for _ in range(60)]


async def test_a_key_made_or_revoked_elsewhere_counts_within_a_second(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    now = [Micros(1_000_000_000)]
    tokens = TokenSigner(shop_secret(stores.keys), lambda: now[0])
    gate = Gate(stores.keys, tokens, lambda: now[0], stores.erasure.is_erased)
    assert (await gate.caller(SECRET["Authorization"])).is_secret
    late = ApiKey(key_id="late", kind="secret", sha256=fingerprint("sk_late"), label="", created_at=now[0])
    stores.keys.add(late)
    with pytest.raises(Unauthenticated):
        await gate.caller("Bearer sk_late")
    now[0] = Micros(now[0] + KEYS_FRESH_FOR + 1)
    assert (await gate.caller("Bearer sk_late")).key_id == "late"
    assert (await gate.caller("Basic c2tfbGF0ZTo=")).key_id == "late"
    stores.keys.revoke("late", now[0])
    now[0] = Micros(now[0] + KEYS_FRESH_FOR + 1)
    with pytest.raises(Unauthenticated, match="revoked"):
        await gate.caller("Bearer sk_late")
    stores.close()


def test_pages_are_served_with_the_page_for_addresses_of_its_own(tmp_path: Path) -> None:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>Shop</title>")
    (built / "assets" / "app-1a2b.js").write_text("console.log(1)")
    (tmp_path / "secret.txt").write_text("not yours")
    with opened_service(tmp_path, storefront=built) as service:
        get = service.client.get
        for address in ("/", "/product/tents-1", "/category/Garden"):
            page = get(address)
            assert (page.status_code, "Shop" in page.text) == (200, True)
            assert page.headers["cache-control"] == "no-cache"
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        script = get("/assets/app-1a2b.js")
        assert "immutable" in script.headers["cache-control"]
        assert (script.headers["content-encoding"], script.text) == ("gzip", "console.log(1)")
        plain = get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
        assert ("content-encoding" in plain.headers, plain.text) == (False, "console.log(1)")
        assert get("/assets/gone.js").status_code == 404
        for outside in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/%00"):
            assert "not yours" not in get(outside).text


def test_a_browser_of_another_origin_may_call(service: Opened) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    allowed = service.client.options("/v1/events", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "*"
    answer = service.client.get("/v1/categories", headers={**PUBLISHABLE, "Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_content_told_twice_with_a_difference_is_counted_since_the_beginning(service: Opened) -> None:
    view = {"kind": "product_viewed", "anonymous_id": "jan", "event_id": "jan-1"}
    for product_id in ("tents-1", "tents-2"):
        batch = {"events": [{**view, "product_id": product_id}]}
        service.client.post("/v1/events", json=batch, headers=PUBLISHABLE)
    quality = service.client.get("/v1/quality", headers=SECRET).json()
    assert quality["not_kept"]["other_content"] == quality["since_start"]["other_content"] == 1


def test_dead_letters_are_seen_and_handled_again(service: Opened) -> None:
    for agent in ("personalization", "gone"):
        letter = DeadLetter(agent=agent, message=EventsAccepted(()), error="ValueError: ?", failed_at=Micros(1))
        service.shop.dead_letters.add(letter)
    path = "/v1/agents/dead-letters"
    assert service.client.get(path, headers=PUBLISHABLE).status_code == 403
    seen = service.client.get(path, headers=SECRET).json()["items"]
    assert [(one["agent"], one["message"]) for one in seen] == [
        ("personalization", "EventsAccepted"),
        ("gone", "EventsAccepted"),
    ]
    assert service.client.post(f"{path}/replay", headers=SECRET).status_code == 202
    left = seen
    deadline = time.monotonic() + 10
    while len(left) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
        left = service.client.get(path, headers=SECRET).json()["items"]
    assert [one["agent"] for one in left] == ["gone"]
