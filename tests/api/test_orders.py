"""Orders by a shopper for themselves and by the shop for anyone: prices, stock, repeats."""

import threading
from collections import Counter

from httpx2 import Response

from tests.api.shop_for_tests import SECRET, Opened


def _order(service: Opened, headers: dict[str, str], **body: object) -> Response:
    return service.client.post("/v1/orders", json=body, headers=headers)


def test_a_shopper_pays_the_shops_price_and_stock_is_taken(service: Opened) -> None:
    own = service.token(customer_id="buyer-1", anonymous_id="browser-1")
    placed = _order(service, own, order_id="o-1", lines=[{"product_id": "tents-1", "quantity": 2}])
    assert placed.status_code == 201
    assert placed.json()["lines"] == [
        {"line_id": "0", "product_id": "tents-1", "variant_id": "tents-1", "quantity": 2, "unit_price_minor": 1100}
    ]
    assert placed.json()["total_minor"] == 2200
    product = service.client.get("/v1/products/tents-1", headers=SECRET).json()
    assert product["variants"][0]["available"] == 8
    assert service.client.get("/v1/me", headers=own).json()["purchases"][0]["product_id"] == "tents-1"


def test_the_same_order_again_is_answered_and_takes_nothing(service: Opened) -> None:
    own = service.token(customer_id="buyer-2")
    first = _order(service, own, order_id="o-2", lines=[{"product_id": "tents-2", "quantity": 1}])
    again = _order(service, own, order_id="o-2", lines=[{"product_id": "tents-2", "quantity": 1}])
    other = _order(service, own, order_id="o-2", lines=[{"product_id": "tents-2", "quantity": 3}])
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["code"] == "order_conflict"
    assert service.client.get("/v1/orders", headers=own).json()["items"] == [first.json()]


def test_an_idempotency_key_makes_a_repeat_harmless_and_stands_for_one_order(service: Opened) -> None:
    own = service.token(customer_id="buyer-3") | {"Idempotency-Key": "key-1"}
    first = _order(service, own, lines=[{"product_id": "tents-3", "quantity": 1}])
    again = _order(service, own, lines=[{"product_id": "tents-3", "quantity": 1}])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["order_id"] == again.json()["order_id"]
    reused = _order(service, own, order_id="o-3", lines=[{"product_id": "tents-3", "quantity": 1}])
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")
    theirs = service.token(customer_id="buyer-4") | {"Idempotency-Key": "key-1"}
    assert _order(service, theirs, lines=[{"product_id": "tents-3", "quantity": 1}]).status_code == 201


def test_what_cannot_be_sold_is_told_with_what_could(service: Opened) -> None:
    own = service.token(customer_id="buyer-5")
    short = _order(service, own, order_id="o-5", lines=[{"product_id": "tents-5", "quantity": 11}])
    assert short.status_code == 409
    assert {key: short.json()[key] for key in ("code", "variant_id", "available")} == {
        "code": "out_of_stock", "variant_id": "tents-5", "available": 10,
    }  # fmt: skip
    unknown = _order(service, own, lines=[{"product_id": "nothing", "quantity": 1}])
    assert (unknown.status_code, unknown.json()["code"]) == (409, "unknown_product")
    stranger = _order(service, own, lines=[{"product_id": "tents-5", "variant_id": "tents-6", "quantity": 1}])
    assert (stranger.status_code, stranger.json()["code"]) == (409, "unknown_product")


def test_a_shopper_sets_no_price_and_buys_for_nobody_else(service: Opened) -> None:
    own = service.token(customer_id="buyer-6")
    cheap = _order(service, own, lines=[{"product_id": "tents-6", "quantity": 1, "unit_price_minor": 1}])
    assert (cheap.status_code, cheap.json()["code"]) == (409, "price_changed")
    lines = [{"product_id": "tents-6", "quantity": 1}]
    assert _order(service, own, lines=lines, discount_minor=1599).status_code == 403
    assert _order(service, own, lines=lines, customer_id="somebody-else").status_code == 403


def test_the_shop_itself_orders_for_anyone_at_its_own_price(service: Opened) -> None:
    lines = [{"product_id": "tents-7", "quantity": 2, "unit_price_minor": 900}]
    placed = _order(service, SECRET, order_id="o-7", customer_id="buyer-7", lines=lines, shipping_minor=350)
    assert (placed.status_code, placed.json()["total_minor"]) == (201, 2150)
    nobody = _order(service, SECRET, lines=lines)
    assert (nobody.status_code, nobody.json()["code"]) == (409, "no_shopper_named")


def test_an_order_is_shown_to_its_own_shopper_only(service: Opened) -> None:
    own, other = service.token(customer_id="buyer-8"), service.token(customer_id="buyer-9")
    twin = service.token(anonymous_id="buyer-8")
    _order(service, own, order_id="o-8", lines=[{"product_id": "tents-8", "quantity": 1}])
    assert service.client.get("/v1/orders/o-8", headers=own).status_code == 200
    for stranger in (other, twin):
        assert service.client.get("/v1/orders/o-8", headers=stranger).status_code == 404
        assert service.client.get("/v1/orders", headers=stranger).json()["items"] == []
        assert _order(
            service, stranger, order_id="o-8", lines=[{"product_id": "tents-8", "quantity": 1}]
        ).status_code == 409  # fmt: skip


def test_without_consent_to_analytics_the_order_stands_and_the_shopper_is_only_counted(service: Opened) -> None:
    own = service.token(customer_id="discreet")
    service.client.put("/v1/me/consent", json={"analytics": False}, headers=own)
    service.shop.ingest.consent.refresh()
    placed = _order(service, own, order_id="o-discreet", lines=[{"product_id": "stoves-4", "quantity": 1}])
    assert placed.status_code == 201
    me = service.client.get("/v1/me", headers=own).json()
    assert (me["orders"], me["purchases"]) == (1, [])


def test_thirty_buyers_of_the_last_ten_units_get_exactly_ten(service: Opened) -> None:
    tokens = [service.token(customer_id=f"racer-{n}") for n in range(30)]
    statuses: list[int] = []

    def buy(n: int) -> None:
        answer = _order(service, tokens[n], order_id=f"race-{n}", lines=[{"product_id": "stoves-1", "quantity": 1}])
        statuses.append(answer.status_code)

    buyers = [threading.Thread(target=buy, args=(n,)) for n in range(30)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    assert Counter(statuses) == {201: 10, 409: 20}
    assert service.client.get("/v1/products/stoves-1", headers=SECRET).json()["in_stock"] is False


def test_an_order_sent_again_stands_whatever_its_product_became(service: Opened) -> None:
    own = service.token(customer_id="again-after-a-change")
    product = {"product_id": "kettle", "title": "Kettle", "price_minor": 900}
    service.client.post("/v1/products", json={"products": [product]}, headers=SECRET)
    order = {"order_id": "o-kettle", "lines": [{"product_id": "kettle", "quantity": 1, "unit_price_minor": 900}]}
    first = service.client.post("/v1/orders", json=order, headers=own)
    dearer = {"products": [{**product, "price_minor": 1_000}]}
    service.client.post("/v1/products", json=dearer, headers=SECRET)
    again = service.client.post("/v1/orders", json=order, headers=own)
    service.client.delete("/v1/products/kettle", headers=SECRET)
    later = service.client.post("/v1/orders", json=order, headers=own)
    assert [answer.status_code for answer in (first, again, later)] == [201, 200, 200]
    assert first.json() == again.json() == later.json()
    order["lines"] = [{"product_id": "kettle", "quantity": 2}]
    assert service.client.post("/v1/orders", json=order, headers=own).status_code == 409
    other = service.token(customer_id="another-again")
    assert service.client.post("/v1/orders", json=order, headers=other).status_code == 409


def test_an_order_was_placed_when_it_can_have_been_and_costs_nothing_at_least(service: Opened) -> None:
    bought = {"customer_id": "buyer-9", "lines": [{"product_id": "tents-5", "quantity": 1}]}
    for moment, code in (("2135-01-01T00:00:00Z", "in_the_future"), ("1990-01-01T00:00:00Z", "before_2000")):
        refused = _order(service, SECRET, **bought, ordered_at=moment)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    given = _order(service, SECRET, **bought, discount_minor=1_000_000_000)
    assert (given.status_code, given.json()["code"]) == (409, "discount_too_large")
    assert "1000000000 minor units is more than the order's 1500" in given.json()["detail"]
    free = _order(service, SECRET, **bought, discount_minor=1_500)
    assert (free.status_code, free.json()["total_minor"]) == (201, 0)
