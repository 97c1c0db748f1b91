"""What a stranger with the page's own key might try on another shopper: ids spelt alike, tokens, orders, aliases."""

from typing import Any

import pytest

from smartshop.backend_api.utils.auth import Caller, CallerKind
from smartshop.backend_api.utils.rate_limit import RateLimit
from smartshop.data_collection.connectors.memory.cache import MemoryCache
from smartshop.data_collection.pipelines.traffic import BURST
from smartshop.data_collection.schemas.events import Traffic
from smartshop.data_collection.schemas.ids import CustomerId, OrderId, VariantId
from smartshop.data_collection.schemas.orders import OrderStatus
from smartshop.errors import TooManyRequests
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened


def own_token(service: Opened, anonymous_id: str) -> dict[str, str]:
    """What anybody gets for a browser that never identified."""
    made = service.client.post("/v1/shopper-tokens", json={"anonymous_id": anonymous_id}, headers=PUBLISHABLE)
    assert made.status_code == 200, made.text
    return {"Authorization": f"Bearer {made.json()['token']}"}


def send(service: Opened, headers: dict[str, str], *events: dict[str, Any]) -> dict[str, Any]:
    answer = service.client.post("/v1/events", json={"events": list(events)}, headers=headers)
    assert answer.status_code == 202, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def ordered(order_id: str, **told: object) -> dict[str, Any]:
    lines = [{"product_id": "tents-3", "quantity": 1, "price_minor": 1}]
    return {"kind": "order_completed", "order_id": order_id, "products": lines, "currency": "GBP", **told}


def level_of(service: Opened, variant_id: str) -> int:
    return sum(service.shop.stock.levels([VariantId(variant_id)])[VariantId(variant_id)].values())


def test_a_browser_called_like_a_customer_uses_up_none_of_their_event_ids(service: Opened) -> None:
    twin = own_token(service, "ada")
    view = {"kind": "product_viewed", "product_id": "tents-1"}
    send(service, twin, {**view, "event_id": "order:o-ada"}, {**view, "event_id": "e-1"})
    ada = service.token(customer_id="ada")
    order = {"order_id": "o-ada", "lines": [{"product_id": "tents-3", "quantity": 1}]}
    assert service.client.post("/v1/orders", json=order, headers=ada).status_code == 201
    assert send(service, ada, {**view, "event_id": "e-1"})["accepted"] == 1


def test_a_token_of_a_new_browser_places_no_order_by_an_event(service: Opened) -> None:
    mallory = own_token(service, "mallory")
    before = level_of(service, "tents-3")
    send(service, mallory, ordered("o-1001", anonymous_id="mallory", takes_stock=True))
    claimed = service.shop.orders.get(OrderId("o-1001"))
    assert claimed is not None
    assert (claimed.status, level_of(service, "tents-3")) == (OrderStatus.CLAIMED, before)
    told = send(service, SECRET, ordered("o-1001", customer_id="bob", event_id="shop-1"))
    assert told == {"accepted": 1, "duplicates": 0, "rejected": []}
    placed = service.shop.orders.get(OrderId("o-1001"))
    assert placed is not None
    assert (placed.status, placed.customer_id) == (OrderStatus.PLACED, "bob")


def test_a_refund_by_token_or_by_a_browser_spelt_alike_is_no_refund(service: Opened) -> None:
    send(service, SECRET, ordered("o-cleo", customer_id="cleo", event_id="shop-cleo"))
    refund = {"kind": "order_refunded", "order_id": "o-cleo", "amount_minor": 1, "currency": "GBP"}
    send(service, own_token(service, "mallory-2"), {**refund, "event_id": "steal-1"})
    send(service, own_token(service, "cleo"), {**refund, "event_id": "steal-2"})
    send(service, PUBLISHABLE, {**refund, "event_id": "steal-3", "anonymous_id": "cleo"})
    assert [told.event_id for told in service.shop.orders.refunds()] == []
    send(service, SECRET, {**refund, "event_id": "true-1", "customer_id": "cleo"})
    assert [told.event_id for told in service.shop.orders.refunds()] == ["true-1"]


def test_an_order_claimed_in_a_customers_name_is_not_among_their_orders(service: Opened) -> None:
    send(service, PUBLISHABLE, ordered("o-forged", customer_id="dora", anonymous_id="mallory-3"))
    page = service.client.get("/v1/orders", params={"customer_id": "dora"}, headers=SECRET).json()
    assert page["items"] == []


def test_a_browsers_id_handed_on_in_an_alias_merges_no_customer(service: Opened) -> None:
    """A shop aliases the id it finds in the cookie, which the browser chose."""
    send(service, service.token(customer_id="eve"), {"kind": "searched", "query": "a present for eve"})
    send(service, PUBLISHABLE, {"kind": "page_viewed", "anonymous_id": "eve"})
    for spelt in ("eve", "not-yet-a-customer"):
        alias = {"userId": "mallory-4", "previousId": spelt}
        assert service.client.post("/v1/alias", json=alias, headers=SECRET).status_code == 200
    merged = service.shop.customers.shopper(CustomerId("mallory-4"), None, True)
    assert merged.customer_ids == ("mallory-4",)
    me = service.client.get("/v1/me", headers=service.token(customer_id="mallory-4"))
    assert "present for eve" not in me.text


def test_an_alias_of_a_customer_is_undone_by_the_shop_alone(service: Opened) -> None:
    for name in ("old-fay", "fay"):
        send(service, SECRET, {"kind": "page_viewed", "customer_id": name})
    service.client.post("/v1/alias", json={"userId": "fay", "previousId": "old-fay"}, headers=SECRET)
    assert service.client.get("/v1/customers/fay", headers=SECRET).json()["merged_customers"] == 1
    delete, path = service.client.delete, "/v1/customers/old-fay/merge"
    assert delete(path, headers=service.token(customer_id="old-fay")).status_code == 403
    assert delete(path, headers=SECRET).status_code == 204
    assert delete(path, headers=SECRET).status_code == 404
    assert len(service.shop.customers.shopper(CustomerId("fay"), None, True).customer_ids) == 1


@pytest.mark.parametrize("sent_as", ["token", "claim"])
def test_a_flood_in_a_shoppers_name_makes_no_bot_of_them(service: Opened, sent_as: str) -> None:
    victim = f"gil-{sent_as}"
    noise = [{"kind": "page_viewed", "customer_id": victim, "anonymous_id": "flooder"} for _ in range(800)]
    send(service, PUBLISHABLE, *noise)
    view = {"kind": "product_viewed", "customer_id": victim, "anonymous_id": f"{victim}-phone", "event_id": victim}
    headers = service.token(customer_id=victim) if sent_as == "token" else PUBLISHABLE
    send(service, headers, {**view, "product_id": "tents-1"})
    stored = [event for batch in service.shop.log.scan() for _, event in batch]
    assert {event.traffic for event in stored if event.event_id == victim} == {Traffic.HUMAN}
    assert sum(event.traffic is Traffic.BOT for event in stored if event.anonymous_id == "flooder") >= 800 - BURST - 50


def test_consent_withdrawn_holds_from_the_very_next_event(service: Opened) -> None:
    own = service.token(customer_id="hal")
    view = {"kind": "product_viewed", "product_id": "tents-1", "event_id": "hal-1"}
    service.client.put("/v1/me/consent", json={"analytics": False}, headers=own)
    send(service, own, view)
    assert [event for batch in service.shop.log.scan() for _, event in batch if event.event_id == "hal-1"] == []
    assert service.client.get("/v1/quality", headers=SECRET).json()["not_kept"]["only_counted"] >= 1


def test_a_customer_known_by_claims_alone_is_shown_as_such(service: Opened) -> None:
    send(service, PUBLISHABLE, {"kind": "product_viewed", "customer_id": "ida", "product_id": "tents-1"})
    assert service.client.get("/v1/customers/ida", headers=SECRET).json()["only_claimed"] is True
    send(service, SECRET, {"kind": "product_viewed", "customer_id": "ida", "product_id": "stoves-1"})
    assert service.client.get("/v1/customers/ida", headers=SECRET).json()["only_claimed"] is False


async def test_naming_a_shopper_from_elsewhere_uses_up_none_of_their_requests() -> None:
    limit, page = RateLimit(MemoryCache(), requests_per_second=5), Caller(CallerKind.PUBLISHABLE)
    for _ in range(5):
        await limit.check(page, "198.51.100.7", "lou")
    with pytest.raises(TooManyRequests):
        await limit.check(page, "198.51.100.7", "lou")
    await limit.check(page, "192.0.2.1", "lou")
