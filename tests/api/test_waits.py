"""Waiting for what is sold out, over HTTP: whose it is, what can be waited for, and that it follows the customer."""

import pytest

from smartshop.data_collection.schemas.ids import CustomerId
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened

WAITS = "/v1/stock/waits"


def items(service: Opened, headers: dict[str, str], **named: str) -> list[str]:
    answer = service.client.get(WAITS, headers=headers, params=named)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_a_shopper_waits_and_gives_up(service: Opened) -> None:
    ada = service.token(customer_id="ada-waits")
    first = service.client.put(f"{WAITS}/tents-14", headers=ada)
    assert (first.status_code, first.json()["variant_id"], first.json()["told_at"]) == (201, None, None)
    again = service.client.put(f"{WAITS}/tents-14", headers=ada)
    assert (again.status_code, again.json()) == (200, first.json())
    assert items(service, ada) == ["tents-14"]
    assert items(service, SECRET, customer_id="ada-waits") == ["tents-14"]
    assert items(service, service.token(customer_id="somebody-else")) == []
    assert service.client.delete(f"{WAITS}/tents-14", headers=ada).status_code == 204
    assert service.client.delete(f"{WAITS}/tents-14", headers=ada).status_code == 404


def test_what_a_browser_waits_for_follows_the_customer_who_logs_in_and_who_is_merged(service: Opened) -> None:
    browser = service.token(anonymous_id="phone-waits")
    service.client.put(f"{WAITS}/stoves-14", headers=browser)
    service.client.put(f"{WAITS}/spades-14", headers=SECRET, params={"customer_id": "old-account"})
    customer = service.token(customer_id="new-account", anonymous_id="phone-waits")
    shop = service.shop
    shop.customers.merge(CustomerId("old-account"), CustomerId("new-account"), shop.clock.now())
    assert sorted(items(service, customer)) == ["spades-14", "stoves-14"]
    assert service.client.delete(f"{WAITS}/stoves-14", headers=customer).status_code == 204
    assert items(service, customer) == ["spades-14"]


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("tents-14", SECRET, 409, "no_shopper_named"),
        ("tents-14?customer_id=%20", SECRET, 409, "invalid_id"),
        ("no-such-thing?customer_id=ada", SECRET, 409, "unknown_variant"),
        ("tents-14", PUBLISHABLE, 403, "forbidden"),
        ("tents-14", {}, 401, "unauthenticated"),
    ],
)
def test_what_cannot_be(service: Opened, path: str, headers: dict[str, str], status: int, code: str) -> None:
    answer = service.client.put(f"{WAITS}/{path}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_token_waits_for_its_own_shopper_only(service: Opened) -> None:
    ada = service.token(customer_id="ada-waits")
    answer = service.client.put(f"{WAITS}/tents-14", headers=ada, params={"customer_id": "bob-waits"})
    assert answer.status_code == 403


def test_who_is_erased_waits_for_nothing_any_more(service: Opened) -> None:
    token = service.token(customer_id="leaves")
    assert service.client.put(f"{WAITS}/tents-14", headers=token).status_code == 201
    exported = service.client.get("/v1/customers/leaves/export", headers=token).json()
    assert [wait["item_id"] for wait in exported["stock_waits"]] == ["tents-14"]
    receipt = service.client.delete("/v1/customers/leaves", headers=SECRET).json()
    assert receipt["counts"]["stock_waits"] == 1
    answer = service.client.put(f"{WAITS}/tents-14", headers=SECRET, params={"customer_id": "leaves"})
    assert (answer.status_code, answer.json()["code"]) == (403, "erased")
