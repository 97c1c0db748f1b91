"""Events and weather over HTTP: told in batches, read in pages, forgotten by name and days."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response

from smartshop.data_collection.schemas.demand_causes import MOST_NAMES, CauseKind
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened

DAY = date(2026, 6, 20)


def tell(service: Opened, *causes: dict[str, Any], headers: dict[str, str] = SECRET) -> Response:
    return service.client.post("/v1/demand-causes", json={"causes": list(causes)}, headers=headers)


def rain(day: int, value: float = 2.5, **told: object) -> dict[str, Any]:
    when = (DAY + timedelta(days=day)).isoformat()
    return {"name": "rain_mm", "kind": "weather", "day": when, "value": value, **told}


def listed(service: Opened, **asked: str | int) -> dict[str, Any]:
    answer = service.client.get("/v1/demand-causes", params=asked, headers=SECRET)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(autouse=True)
def nothing_known(service: Opened) -> None:
    for name in service.shop.demand_causes.names():
        assert service.client.delete(f"/v1/demand-causes/{name}", headers=SECRET).status_code == 200


def test_what_is_told_is_read_in_pages(service: Opened) -> None:
    fair = {"name": "fair", "kind": "event", "day": "2026-06-21", "location_id": "oslo"}
    assert tell(service, rain(0), rain(1, 4), fair, rain(1, 0.5)).json() == {"stored": 4, "rejected": []}
    first = listed(service, limit=2)
    assert first["items"][0] == {**fair, "value": 1.0}
    assert first["items"][1] == {**rain(0), "location_id": None}
    rest = listed(service, limit=2, cursor=first["next_cursor"])
    assert rest == {"items": [{**rain(1, 0.5), "location_id": None}], "next_cursor": None}
    some = {"name": "rain_mm", "from": "2026-06-21", "to": "2026-06-21"}
    assert [one["value"] for one in listed(service, **some)["items"]] == [0.5]
    assert listed(service, **{"from": "2026-07-01", "to": "2026-06-01"})["items"] == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"value": None}, "Weather without a value says nothing"),
        ({"day": "1999-12-31"}, "what is known is of days between 2000 and 1095 days from today"),
        ({"day": (datetime.now(UTC) + timedelta(days=1_100)).date().isoformat()}, "1095 days from today"),
        ({"kind": "event", "name": "sale", "value": 2}, "an event is on (1, or no value) or not told"),
        ({"kind": "event", "value": 1}, "'rain_mm' is known as weather and is told as event here"),
        ({"location_id": " "}, "location_id"),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_the_others_are_taken(
    service: Opened, told: dict[str, Any], says: str
) -> None:
    answer = tell(service, rain(0), {**rain(1), **told}, rain(2))
    assert answer.status_code == 200
    assert answer.json()["stored"] == 2
    assert [line["index"] for line in answer.json()["rejected"]] == [1]
    assert says in answer.json()["rejected"][0]["reason"]
    assert [one["day"] for one in listed(service)["items"]] == ["2026-06-20", "2026-06-22"]


@pytest.mark.parametrize("told", [{"name": "Rain"}, {"name": "a" * 41}, {"day": "soon"}, {"value": 1e7}, {"mood": 1}])
def test_what_is_malformed_keeps_the_whole_batch_out(service: Opened, told: dict[str, Any]) -> None:
    assert tell(service, rain(0), {**rain(1), **told}).status_code == 422
    assert tell(service).status_code == 422
    assert listed(service)["items"] == []


def test_too_many_names_are_told_with_the_bound(service: Opened) -> None:
    most = MOST_NAMES[CauseKind.WEATHER]
    answer = tell(service, *(rain(0, name=f"w{number}") for number in range(most + 1)))
    assert answer.status_code == 422
    assert f"and at most {most} are kept" in answer.json()["detail"]
    assert listed(service)["items"] == []


def test_days_are_forgotten_by_name(service: Opened) -> None:
    tell(service, *(rain(day) for day in range(5)))
    path = "/v1/demand-causes/rain_mm"
    gone = service.client.delete(path, params={"from": "2026-06-22", "to": "2026-06-23"}, headers=SECRET)
    assert gone.json() == {"deleted": 2}
    assert [one["day"] for one in listed(service)["items"]] == ["2026-06-20", "2026-06-21", "2026-06-24"]
    assert service.client.delete(path, headers=SECRET).json() == {"deleted": 3}
    assert service.client.delete(path, headers=SECRET).status_code == 404


def test_only_a_secret_key_tells_and_a_large_batch_is_taken(service: Opened) -> None:
    assert tell(service, rain(0), headers=PUBLISHABLE).status_code == 403
    many = [rain(-(number % 1_000), location_id=f"place-{number // 1_000}") for number in range(5_001)]
    assert tell(service, *many).status_code == 422
    assert tell(service, *many[:5_000]).json()["stored"] == 5_000
