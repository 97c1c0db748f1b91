"""Prices in batches over HTTP: taken one by one, refused with a sentence, shown at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response

from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened


def tell(service: Opened, *prices: dict[str, Any], headers: dict[str, str] = SECRET) -> Response:
    return service.client.post("/v1/products/prices", json={"prices": list(prices)}, headers=headers)


def price(service: Opened, product_id: str) -> int:
    shown = service.client.get(f"/v1/products/{product_id}", headers=SECRET).json()
    found: int = shown["variants"][0]["price_minor"]
    return found


def test_prices_are_shown_at_once_and_twice_is_once(service: Opened) -> None:
    before = price(service, "planters-1")
    batch = [{"variant_id": f"planters-{n}", "price_minor": before + 7} for n in (1, 2)]
    assert tell(service, *batch).json() == {"changed": 2, "unchanged": 0, "rejected": [], "warnings": []}
    assert price(service, "planters-1") == before + 7
    assert tell(service, *batch).json() == {"changed": 0, "unchanged": 2, "rejected": [], "warnings": []}


def test_a_planned_price_is_not_shown_yet(service: Opened) -> None:
    before, tomorrow = price(service, "planters-3"), datetime.now(UTC) + timedelta(days=1)
    told = {"variant_id": "planters-3", "price_minor": before + 900, "valid_from": tomorrow.isoformat()}
    assert tell(service, told).json()["changed"] == 1
    assert price(service, "planters-3") == before


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"price_minor": 0}, "is not above zero"),
        ({"currency": "JPY"}, "amounts are never converted"),
        ({"variant_id": "nothing"}, "has no variant 'nothing'"),
        ({"variant_id": " "}, "variant_id"),
        ({"list_price_minor": 4}, "is below the price 5"),
        ({"valid_from": "1970-01-01T00:00:00Z"}, "prices begin between 2000"),
        ({"valid_from": "2999-01-01T00:00:00Z"}, "prices begin between 2000"),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_the_others_are_taken(
    service: Opened, told: dict[str, Any], says: str
) -> None:
    good = price(service, "planters-2") + 1
    answer = tell(
        service,
        {"variant_id": "planters-1", "price_minor": 5, **told},
        {"variant_id": "planters-2", "price_minor": good},
    )
    assert answer.status_code == 200
    assert answer.json()["changed"] == 1
    assert [line["index"] for line in answer.json()["rejected"]] == [0]
    assert says in answer.json()["rejected"][0]["reason"]
    assert price(service, "planters-2") == good


def test_a_price_in_another_unit_is_taken_and_warned_of(service: Opened) -> None:
    before = price(service, "planters-1")
    told = tell(service, {"variant_id": "planters-1", "price_minor": before * 100}).json()
    assert (told["changed"], [line["index"] for line in told["warnings"]]) == (1, [0])
    assert "100 times more; is it in minor units?" in told["warnings"][0]["reason"]
    assert price(service, "planters-1") == before * 100


def test_only_a_secret_key_sets_prices_and_a_batch_has_an_end(service: Opened) -> None:
    one = {"variant_id": "planters-1", "price_minor": 5}
    assert tell(service, one, headers=PUBLISHABLE).status_code == 403
    assert tell(service, *([one] * 1_001)).status_code == 422
    assert tell(service).status_code == 422
    assert tell(service, {"variant_id": "planters-1", "price_minor": -5}).status_code == 422


def test_what_a_product_cost_since_when_is_told(service: Opened) -> None:
    def told(size: int) -> list[int]:
        found: list[int] = []
        cursor = "0"
        while cursor is not None:
            query = {"limit": str(size), "cursor": cursor}
            page = service.client.get("/v1/products/planters-4/prices", params=query, headers=SECRET).json()
            found += [point["price_minor"] for point in page["items"]]
            cursor = page["next_cursor"]
        return found

    before, soon = price(service, "planters-4"), (datetime.now(UTC) + timedelta(days=3)).isoformat()
    assert tell(service, {"variant_id": "planters-4", "price_minor": before + 5}).json()["changed"] == 1
    assert tell(service, {"variant_id": "planters-4", "price_minor": 9, "valid_from": soon}).json()["changed"] == 1
    assert told(200)[0] == before
    assert told(200)[-1] == 9
    assert before + 5 in told(200)
    assert told(1) == told(200)
    assert service.client.get("/v1/products/planters-4/prices", headers=PUBLISHABLE).status_code == 403
    assert service.client.get("/v1/products/nothing/prices", headers=SECRET).status_code == 404
