"""A customer leaves a running shop: gone from every table and file, kept out by every door; others notice nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.schemas.audiences import Audience, AudienceId, Listed
from smartshop.data_collection.schemas.ids import CustomerId, ProductId, VariantId
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.waits import Returned, Wait
from tests.api.shop_for_tests import (
    PUBLISHABLE,
    SECRET,
    Opened,
    opened_service,
)
from tests.connectors.leaving import named_in

ADA, OLD_ADA, LAPTOP, BOB = "ada-who-leaves", "ada-in-an-older-shop", "laptop-of-the-one-who-leaves", "bob-who-stays"
LEAVING = (ADA, OLD_ADA, LAPTOP)


@pytest.fixture
def left(tmp_path: Path) -> Iterator["Left"]:
    """A running shop in which both did everything, and the stores behind it."""
    with opened_service(tmp_path) as opened:
        shop = Left(opened, tmp_path)
        shop.live()
        yield shop


class Left:
    """A shop whose customer leaves, with a token of hers from before."""

    def __init__(self, opened: Opened, folder: Path) -> None:
        self.opened, self.folder, self.client = opened, folder, opened.client
        self.token: dict[str, str] = {}

    def live(self) -> None:
        for customer in (OLD_ADA, ADA, BOB):
            told = {"traits": {"nickname": f"{customer} the great"}, "customer_id": customer}
            self.send({"kind": "identified", **told}, {"kind": "product_viewed", "customer_id": customer, **TENT})
        self.send({"kind": "product_viewed", "anonymous_id": LAPTOP, **TENT}, headers=PUBLISHABLE)
        self.token = self.opened.token(customer_id=ADA, anonymous_id=LAPTOP)
        alias = {"userId": ADA, "previousId": OLD_ADA}
        assert self.client.post("/v1/alias", json=alias, headers=SECRET).status_code == 200
        self.send({"kind": "no such kind", "customer_id": ADA}, {"kind": "no such kind", "customer_id": BOB})
        for headers, name in ((self.token, "o-ada"), (self.opened.token(customer_id=BOB), "o-bob")):
            order = {"order_id": name, "lines": [{"product_id": "tents-1", "quantity": 1}]}
            assert self.client.post("/v1/orders", json=order, headers=headers).status_code == 201
            refund = {"kind": "order_refunded", "customer_id": {"o-ada": ADA, "o-bob": BOB}[name]}
            self.send({**refund, "order_id": name, "amount_minor": 5, "currency": "GBP", "event_id": f"r-{name}"})
            self.client.put("/v1/me/consent", json={"marketing": False}, headers=headers)
            assert self.client.post("/v1/recommendations", json={"surface": "home"}, headers=headers).status_code == 200
        self.opened.shop.recommendations.writer.flush()
        now = system_now()
        listed = Listed((CustomerId(ADA), CustomerId(BOB)))
        self.opened.shop.audiences.save(
            Audience(audience_id=AudienceId("both"), name="Both", definition=listed, created_at=now, changed_at=now)
        )

    def send(self, *events: dict[str, object], headers: dict[str, str] = SECRET) -> dict[str, object]:
        answer = self.client.post("/v1/events", json={"events": events}, headers=headers)
        assert answer.status_code == 202, answer.text
        receipt: dict[str, object] = answer.json()
        return receipt

    def erase(self) -> dict[str, object]:
        answer = self.client.delete(f"/v1/customers/{ADA}", headers=SECRET)
        assert answer.status_code == 200, answer.text
        receipt: dict[str, object] = answer.json()
        return receipt

    def found(self) -> list[tuple[str, str]]:
        """Where the stores hold an id of hers, file by file and table by table."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        held = [(path.name, name) for path in files for name in LEAVING if name.encode() in path.read_bytes()]
        stores = open_shop_stores_again(self.folder)
        try:
            return [*held, *((table, name) for name in LEAVING for table in named_in(stores, name))]
        finally:
            stores.close()

    def of_bob(self) -> list[object]:
        paths = (f"/v1/customers/{BOB}", f"/v1/orders?customer_id={BOB}", f"/v1/customers/{BOB}/consent", "/v1/quality")
        answers = [self.client.get(path, headers=SECRET).json() for path in paths[:3]]
        exported = self.client.get(f"/v1/customers/{BOB}/export", headers=SECRET).json()
        return [*answers, {name: rows for name, rows in exported.items() if name != "exported_at"}]


TENT = {"product_id": "tents-2"}


def open_shop_stores_again(folder: Path) -> SqlStores:
    from smartshop.data_collection.connectors.sql.stores import open_stores

    return open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models")


def test_nothing_is_left_in_any_table_or_file_and_others_notice_nothing(left: Left) -> None:
    assert {name for _, name in left.found()} == set(LEAVING)
    before = left.of_bob()
    revenue = sum(order.total_minor for page in left.opened.shop.orders.scan() for order in page)
    receipt = left.erase()
    assert left.found() == []
    assert left.of_bob() == before
    assert sum(order.total_minor for page in left.opened.shop.orders.scan() for order in page) == revenue
    assert set(receipt) == {"receipt_id", "erased_at", "counts"}
    assert not any(name in json.dumps(receipt) for name in LEAVING)
    assert left.erase() == receipt, "again it is the first receipt"
    audience = left.opened.shop.audiences.get(AudienceId("both"))
    assert audience is not None
    assert audience.definition == Listed((CustomerId(BOB),))


def test_a_late_event_is_refused_alone_and_leaves_nothing_behind(left: Left) -> None:
    left.erase()
    receipt = left.send(
        {"kind": "product_viewed", "customer_id": ADA, **TENT},
        {"kind": "product_viewed", "customer_id": BOB, "anonymous_id": LAPTOP, **TENT},
        {"kind": "order_refunded", "customer_id": OLD_ADA, "event_id": "r-o-ada", "amount_minor": 5, "currency": "GBP"},
        {"kind": "product_viewed", "anonymous_id": LAPTOP, **TENT},
        {"kind": "no such kind", "anonymous_id": LAPTOP},
        {"kind": "product_viewed", "customer_id": f" {ADA} ", "occurred_at": "1999-01-01T00:00:00Z", **TENT},
    )
    rejected = receipt["rejected"]
    assert isinstance(rejected, list)
    assert receipt["accepted"] == 1, "another customer on that browser is kept"
    assert [one["reason"].partition(":")[0] for one in rejected] == [
        "erased",
        "erased",
        "erased",
        "malformed",
        "before_2000",
    ]
    assert left.found() == [], "neither in the log nor in the quarantine"


def test_every_other_door_is_shut(left: Left) -> None:
    left.erase()
    client = left.client
    view = {"event": "Product Viewed", "userId": ADA, "properties": {"product_id": "tents-2"}}
    assert client.post("/v1/track", json=view, headers=SECRET).status_code == 200, "trackers drop what is not 200"
    assert client.post("/v1/alias", json={"userId": BOB, "previousId": ADA}, headers=SECRET).status_code == 200
    order = {"order_id": "o-late", "customer_id": ADA, "lines": [{"product_id": "tents-1", "quantity": 1}]}
    late = client.post("/v1/orders", json=order, headers=SECRET)
    assert (late.status_code, late.json()["code"]) == (403, "erased")
    bobs = {**order, "customer_id": BOB, "anonymous_id": LAPTOP}
    assert client.post("/v1/orders", json=bobs, headers=SECRET).status_code == 201, "nobody loses a sale"
    for named in ({"customer_id": ADA}, {"customer_id": ADA, "anonymous_id": "new"}, {"anonymous_id": LAPTOP}):
        assert client.post("/v1/shopper-tokens", json=named, headers=SECRET).status_code == 403
    assert client.post("/v1/shopper-tokens", json={"anonymous_id": LAPTOP}, headers=PUBLISHABLE).status_code == 403
    both = client.post("/v1/shopper-tokens", json={"customer_id": BOB, "anonymous_id": LAPTOP}, headers=SECRET)
    assert both.status_code == 200
    assert client.put(f"/v1/customers/{ADA}/consent", json={"marketing": True}, headers=SECRET).status_code == 403
    assert left.found() == []


def test_an_old_token_is_answered_with_a_sentence(left: Left) -> None:
    left.erase()
    for method, path in (("GET", "/v1/me"), ("DELETE", "/v1/me"), ("POST", "/v1/recommendations")):
        answer = left.client.request(method, path, json={"surface": "home"}, headers=left.token)
        assert (answer.status_code, answer.json()["code"]) == (403, "erased")
        assert answer.json()["detail"].endswith(".")


def test_a_slate_for_them_is_that_of_a_stranger(left: Left) -> None:
    left.erase()
    asked = {"surface": "home", "customer_id": ADA}
    slate = left.client.post("/v1/recommendations", json=asked, headers=SECRET).json()
    assert len(slate["items"]) == 12
    decision = left.client.get(f"/v1/decisions/{slate['decision_id']}", headers=SECRET).json()
    assert decision["shopper_key"] == ""
    left.opened.shop.recommendations.writer.flush()
    assert left.found() == []


def test_they_are_unknown_to_whoever_asks(left: Left) -> None:
    left.erase()
    for path in (f"/v1/customers/{ADA}", f"/v1/customers/{OLD_ADA}", f"/v1/customers/{ADA}/export"):
        assert left.client.get(path, headers=SECRET).status_code == 404
    assert left.client.get(f"/v1/orders?customer_id={ADA}", headers=SECRET).json()["items"] == []
    assert left.client.delete("/v1/customers/never-seen", headers=SECRET).status_code == 404
    assert left.client.get("/v1/orders/o-ada", headers=SECRET).status_code == 200, "the order itself stands"


def test_one_erases_oneself_with_ones_own_token(left: Left) -> None:
    stranger = left.opened.token(anonymous_id="just-a-browser")
    assert left.client.delete("/v1/me", headers=stranger).status_code == 403
    assert left.client.delete("/v1/me", headers=SECRET).status_code == 404
    assert left.client.delete(f"/v1/customers/{ADA}", headers=left.token).status_code == 403
    mine = left.client.delete("/v1/me", headers=left.token)
    assert mine.status_code == 200
    assert left.found() == []
    assert mine.json() == left.erase(), "the shop finds the same receipt"


def test_everything_stored_is_exported_to_whom_it_belongs(left: Left) -> None:
    bobs = left.opened.token(customer_id=BOB)
    assert left.client.get(f"/v1/customers/{ADA}/export", headers=bobs).status_code == 403
    mine = left.client.get(f"/v1/customers/{ADA}/export", headers=left.token).json()
    theirs = left.client.get(f"/v1/customers/{ADA}/export", headers=SECRET).json()
    assert {**mine, "exported_at": ""} == {**theirs, "exported_at": ""}
    assert [order["order_id"] for order in mine["orders"]] == ["o-ada"]
    assert {one["customer_id"] for one in mine["customers"]} == {ADA, OLD_ADA}
    assert LAPTOP in {one.get("anonymous_id") for one in mine["events"]}
    assert [one["audience_id"] for one in mine["audiences"]] == ["both"]
    assert BOB not in json.dumps(mine)


def test_no_log_line_names_them(left: Left) -> None:
    with capture_logs() as lines:
        left.erase()
        left.send({"kind": "product_viewed", "customer_id": ADA, **TENT})
        left.client.get("/v1/me", headers=left.token)
    assert "customer_erased" in {line["event"] for line in lines}
    assert not any(name in str(line) for line in lines for name in LEAVING)


def test_what_the_process_remembers_of_their_waits_goes_at_once(tmp_path: Path) -> None:
    with opened_service(tmp_path) as opened:
        shop, now = opened.shop, opened.shop.clock.now()
        opened.client.post("/v1/events", json={"events": [{"kind": "page_viewed", "customer_id": ADA}]}, headers=SECRET)
        tent = ProductId("tents-2")
        for key in (ADA, BOB):
            shop.waits.ask(Wait(shopper_key=key, item_id=tent, product_id=tent, asked_at=now), now)
        shop.waits.tell(Returned(product_id=tent, variant_id=VariantId(tent), people=2, since=now), now)
        shop.awaited_goods.refresh()
        assert shop.awaited_goods.wanted_by([ADA], Profile()) == [tent]
        assert opened.client.delete(f"/v1/customers/{ADA}", headers=SECRET).status_code == 200
        assert shop.awaited_goods.wanted_by([ADA], Profile()) == []
        assert shop.awaited_goods.wanted_by([BOB], Profile()) == [tent]
