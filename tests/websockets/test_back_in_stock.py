"""That something is back reaches the pages of who asked for it and of who came to look in vain, and nobody else's."""

from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.waits import NEWS_LASTS
from tests.api.shop_for_tests import SECRET
from tests.websockets.conftest import Listening
from tests.websockets.shopper_line import open_line, plain_token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def restock(live: Listening, variant_id: str, level: int) -> None:
    counted = {"counts": [{"variant_id": variant_id, "level": level}]}
    answer = live.opened.client.post("/v1/stock/counts", json=counted, headers=SECRET)
    assert answer.status_code == 200, answer.text


def wait(live: Listening, item_id: str, headers: dict[str, str], **named: str) -> int:
    return live.opened.client.put(f"/v1/stock/waits/{item_id}", headers=headers, params=named).status_code


def look(live: Listening, token: str, product_id: str, times: int) -> None:
    for _ in range(times):
        event = {"kind": "product_viewed", "products": [{"product_id": product_id}]}
        answer = live.opened.client.post("/v1/events", json={"events": [event]}, headers=bearer(token))
        assert answer.status_code == 202, answer.text


def test_who_asked_is_told_once_on_the_page_and_who_did_not_is_not(live: Listening) -> None:
    token = plain_token(live.opened, anonymous_id="asks")
    with (
        open_line(live.url, token) as line,
        open_line(live.url, plain_token(live.opened, anonymous_id="passes-by")) as other,
    ):
        line.say(type="ping")
        line.hear("pong")
        assert [wait(live, "tents-14", bearer(token)) for _ in range(2)] == [201, 200]
        restock(live, "tents-14", 3)
        told = line.hear("back_in_stock")
        assert told == {
            "type": "back_in_stock", "product_id": "tents-14", "variant_id": "tents-14", "title": told["title"],
            "asked": True,
        }  # fmt: skip
        restock(live, "tents-14", 0)
        restock(live, "tents-14", 3)
        assert line.hears_nothing("back_in_stock"), "each asking is answered once"
        assert other.hears_nothing("back_in_stock", 0.1)
    with open_line(live.url, token) as again:
        assert again.hears_nothing("back_in_stock"), "and once is enough, on later pages too"
    shown = live.opened.client.get("/v1/stock/waits", headers=bearer(token)).json()["items"]
    assert [(one["item_id"], one["told_at"] is not None) for one in shown] == [("tents-14", True)]


def test_who_was_away_hears_of_it_when_they_come_back(live: Listening) -> None:
    token = plain_token(live.opened, customer_id="away")
    assert wait(live, "stoves-14", SECRET, customer_id="away") == 201
    restock(live, "stoves-14", 1)
    shop = live.opened.shop
    with open_line(live.url, token) as line:
        assert line.hear("back_in_stock")["product_id"] == "stoves-14"
        line.say(type="subscribe", topic="products", product_ids=["stoves-14"])
        line.hear("price")  # what is sent behind the news comes when they are done with
    assert shop.wait_news.unseen(["away"], Micros(shop.clock.now() - NEWS_LASTS)) == []


def test_who_came_to_look_twice_in_vain_is_told_unless_they_withhold_it(live: Listening) -> None:
    looks, withholds = (plain_token(live.opened, customer_id=name) for name in ("looks", "withholds"))
    restock(live, "spades-14", 1)
    restock(live, "spades-14", 0)
    withheld = {"personalisation": False}
    answer = live.opened.client.put("/v1/customers/withholds/consent", json=withheld, headers=SECRET)
    assert answer.status_code == 200, answer.text
    with open_line(live.url, looks) as line, open_line(live.url, withholds) as other:
        for token in (looks, withholds):
            look(live, token, "spades-14", 2)
        restock(live, "spades-14", 2)
        told = line.hear("back_in_stock")
        assert (told["product_id"], told["asked"]) == ("spades-14", False)
        assert other.hears_nothing("back_in_stock")
    slate = {"surface": "category", "filters": {"category": ["Garden > Spades"]}, "limit": 15}
    items = live.opened.client.post("/v1/recommendations", json=slate, headers=bearer(looks)).json()["items"]
    found = next(item for item in items if item["product_id"] == "spades-14")
    assert found["contributions"]["back_in_stock"] == 1.0
    assert found["reason"] == {"code": "back_in_stock", "text": "Back in stock.", "evidence": {}}
