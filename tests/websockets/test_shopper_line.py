"""The line of an open page: snapshots, new versions after clicks, stock and prices, and what ends it."""

import json
import time

import pytest
from websockets.exceptions import ConnectionClosed

from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.ids import ProductId, VariantId
from tests.api.shop_for_tests import PUBLISHABLE_KEY, SECRET, SECRET_KEY
from tests.websockets.conftest import Listening
from tests.websockets.shopper_line import ShopperLine, open_line, plain_token


def _click(live: Listening, token: str, product_id: str, **named: str) -> None:
    event = {"kind": "product_viewed", "product_id": product_id, **named}
    answer = live.opened.client.post(
        "/v1/events", json={"events": [event]}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json()["accepted"] == 1, answer.text


def _closed_with(line: ShopperLine) -> tuple[int, str]:
    """Read what still comes, then the close."""
    with pytest.raises(ConnectionClosed) as closed:
        _read_to_the_end(line)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def _read_to_the_end(line: ShopperLine) -> None:
    while True:
        line.socket.recv(timeout=5)


def test_a_page_gets_a_snapshot_and_a_new_version_after_each_click(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="page-1")
    with open_line(live.url, token) as line:
        line.say(type="subscribe", topic="slate", surface="home", limit=12)
        first = line.hear("slate")
        assert (first["version"], first["surface"], len(first["items"])) == (1, "home", 12)
        _click(live, token, "planters-3", anonymous_id="page-1")
        second = line.hear("slate")
        assert second["version"] == 2
        assert second["decision_id"] != first["decision_id"]
        assert any(item["product_id"].startswith("planters") for item in second["items"])


def test_a_token_in_the_query_opens_the_line_too(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="page-2")
    with open_line(f"{live.url}", None) as waiting:
        waiting.say(type="hello", token=token)
        waiting.say(type="ping")
        assert waiting.hear("pong") == {"type": "pong"}


def test_several_places_of_a_page_are_refreshed_together(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="page-3")
    with open_line(live.url, token) as line:
        line.say(type="subscribe", topic="slate", surface="home", limit=6)
        line.say(type="subscribe", topic="slate", surface="product", product_id="tents-1", limit=6)
        line.say(type="subscribe", topic="slate", surface="basket", basket=["tents-1"], limit=6)
        opened = {line.hear("slate")["surface"] for _ in range(3)}
        assert opened == {"home", "product", "basket"}
        line.say(type="unsubscribe", topic="slate", surface="basket")
        line.say(type="ping")
        line.hear("pong")
        for n in range(4):
            _click(live, token, f"spades-{n}", anonymous_id="page-3")
        refreshed = {line.hear("slate")["surface"] for _ in range(2)}
        assert "basket" not in refreshed


def test_a_customer_s_page_moves_with_a_click_on_their_other_browser(live: Listening) -> None:
    live.opened.token(customer_id="two-browsers", anonymous_id="phone")
    token = plain_token(live.opened, customer_id="two-browsers", anonymous_id="desk")
    with open_line(live.url, token) as line:
        line.say(type="subscribe", topic="slate", surface="home", limit=12)
        line.hear("slate")
        _click(live, PUBLISHABLE_KEY, "planters-4", anonymous_id="phone")
        assert line.hear("slate")["version"] == 2


def test_a_page_follows_a_change_of_consent(live: Listening) -> None:
    token = plain_token(live.opened, customer_id="withdrawing")
    own = {"Authorization": f"Bearer {token}"}
    _click(live, token, "planters-3")
    with open_line(live.url, token) as line:
        line.say(type="subscribe", topic="slate", surface="home", limit=12)
        personal = line.hear("slate")
        live.opened.client.put("/v1/me/consent", json={"personalisation": False}, headers=own)
        plain = line.hear("slate")
    assert plain["version"] == 2
    assert [item["product_id"] for item in plain["items"]] != [item["product_id"] for item in personal["items"]]


def test_another_shopper_s_click_moves_nothing(live: Listening) -> None:
    with open_line(live.url, plain_token(live.opened, anonymous_id="quiet")) as line:
        line.say(type="subscribe", topic="slate", surface="home")
        line.hear("slate")
        _click(live, PUBLISHABLE_KEY, "tents-4", anonymous_id="loud")
        assert line.hears_nothing("slate")


def test_stock_and_prices_of_the_page_s_products_follow_the_shop(live: Listening) -> None:
    with open_line(live.url, plain_token(live.opened, anonymous_id="watcher")) as line:
        line.say(type="subscribe", topic="products", product_ids=["stoves-2", "stoves-3", "nobody"])
        stocks = {frame["product_id"]: frame["available"] for frame in (line.hear("stock"), line.hear("stock"))}
        assert stocks == {"stoves-2": 10, "stoves-3": 10}
        movement = {"variant_id": "stoves-2", "quantity": -4, "reason": "write_off"}
        live.opened.client.post("/v1/stock/movements", json={"movements": [movement]}, headers=SECRET)
        assert line.hear("stock") == {
            "type": "stock", "product_id": "stoves-2", "variant_id": "stoves-2", "available": 6,
        }  # fmt: skip
        cheaper = {"product_id": "stoves-3", "title": "Ember stove 3", "price_minor": 777}
        live.opened.client.put("/v1/products", json={"products": [cheaper]}, headers=SECRET)
        assert line.hear("price")["price_minor"] == 777
        order = {"lines": [{"product_id": "stoves-2", "quantity": 1}], "anonymous_id": "buyer"}
        live.opened.client.post("/v1/orders", json=order, headers=SECRET)
        assert line.hear("stock")["available"] == 5


def test_what_another_process_changed_reaches_the_page(live: Listening) -> None:
    shop = live.opened.shop
    with open_line(live.url, plain_token(live.opened, anonymous_id="patient")) as line:
        line.say(type="subscribe", topic="products", product_ids=["stoves-5"])
        line.hear("price")
        offer = Offer(variant_id=VariantId("stoves-5"), price_minor=555, currency="GBP")
        variant = Variant(variant_id=VariantId("stoves-5"), offers=(offer,))
        product = Product(product_id=ProductId("stoves-5"), title="Ember stove 5", variants=(variant,))
        shop.catalogue.upsert([product], shop.clock.now())
        shop.shelves.refresh()
        assert line.hear("price")["price_minor"] == 555


def test_a_slate_that_shows_what_was_just_sold_out_is_made_anew(live: Listening) -> None:
    with open_line(live.url, plain_token(live.opened, anonymous_id="late")) as line:
        line.say(type="subscribe", topic="slate", surface="home", limit=8)
        shown = line.hear("slate")["items"][0]["product_id"]
        counted = {"counts": [{"variant_id": shown, "level": 0}]}
        live.opened.client.post("/v1/stock/counts", json=counted, headers=SECRET)
        assert shown not in {item["product_id"] for item in line.hear("slate")["items"]}


def test_a_slow_page_gets_the_newest_state_and_no_backlog(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="slow")
    with open_line(live.url, token) as line:
        line.say(type="subscribe", topic="products", product_ids=["tents-9"])
        line.hear("price")
        for level in range(60):
            counted = {"counts": [{"variant_id": "tents-9", "level": level + 100}]}
            live.opened.client.post("/v1/stock/counts", json=counted, headers=SECRET)
        heard = [line.hear("stock")["available"]]
        while heard[-1] != 159:
            heard.append(line.hear("stock")["available"])
        assert heard == sorted(heard), "never an older state after a newer one"


@pytest.mark.parametrize(
    ("token", "code"), [("", 4401), ("no-such-key", 4401), ("a.b.c", 4401), (PUBLISHABLE_KEY, 4403)]
)
def test_a_line_without_a_good_token_is_closed_with_a_sentence(live: Listening, token: str, code: int) -> None:
    with open_line(live.url, token) as line:
        closed, reason = _closed_with(line)
    assert closed == code
    assert reason.endswith((".", "token")) or len(reason.encode()) >= 110


def test_a_first_frame_that_is_no_hello_ends_the_line(live: Listening) -> None:
    with open_line(live.url, None) as line:
        line.say(type="subscribe", topic="slate", surface="home")
        assert _closed_with(line)[0] == 4401


def test_a_secret_key_watches_products_and_has_no_slate(live: Listening) -> None:
    with open_line(live.url, SECRET_KEY) as line:
        line.say(type="subscribe", topic="slate", surface="home")
        assert "no shopper" in line.hear("error")["detail"]
        line.say(type="subscribe", topic="products", product_ids=["tents-1"])
        assert line.hear("stock")["product_id"] == "tents-1"


def test_a_frame_that_cannot_be_read_is_told_and_the_line_stays(live: Listening) -> None:
    with open_line(live.url, plain_token(live.opened, anonymous_id="clumsy")) as line:
        for text in ("{", "[]", json.dumps({"type": "dance"}), json.dumps({"type": "subscribe", "topic": "slate"}),
                     json.dumps({"type": "subscribe", "topic": "slate", "surface": "home", "limit": 900})):  # fmt: skip
            line.socket.send(text)
            assert line.hear("error")["detail"].endswith(".")
        line.say(type="subscribe", topic="slate", surface="home", anonymous_id="somebody-else")
        assert line.hear("slate")["version"] == 1


def test_a_large_frame_too_many_frames_and_too_many_lines_end_it(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="greedy")
    with open_line(live.url, token) as line:
        line.socket.send("x" * 20_000)
        assert _closed_with(line)[0] == 1009
    with open_line(live.url, token) as line:
        time.sleep(1.05 - time.monotonic() % 1)  # the frames below fall into one second
        for _ in range(100):
            try:
                line.say(type="ping")
            except ConnectionClosed:
                break
        assert _closed_with(line)[0] == 1008


def test_a_token_of_another_shopper_does_not_take_the_line_over(live: Listening) -> None:
    with open_line(live.url, plain_token(live.opened, anonymous_id="first")) as line:
        line.say(type="hello", token=plain_token(live.opened, anonymous_id="first"))
        line.say(type="ping")
        line.hear("pong")
        line.say(type="hello", token=plain_token(live.opened, anonymous_id="second"))
        assert _closed_with(line)[0] == 4403


def test_lines_that_ended_are_forgotten(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="comes-and-goes")
    for _ in range(12):
        with open_line(live.url, token) as line:
            line.say(type="ping")
            line.hear("pong")
    deadline = time.monotonic() + 5
    while "smartshop_open_sockets 0.0" not in live.opened.client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
