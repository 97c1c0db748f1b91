"""Forecasts and proposals over HTTP: what they tell, who may ask, and the draft that a proposal becomes."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Client
from msgspec.structs import replace

from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.backend_api.utils.auth import fingerprint
from smartshop.data_collection.connectors.ports import ApiKey
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, SupplierId
from tests.api.shop_for_tests import PUBLISHABLE, PUBLISHABLE_KEY, SECRET, SECRET_KEY, app_of, make_shop
from tests.connectors.test_proposals_contract import score, told
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, silent


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_supply_shop(tmp_path_factory.mktemp("supply")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(stocked: EmbeddedShop) -> Iterator[Client]:
    record = learn_demand(learning_of(stocked), until=END, tell=silent, config=LIGHT)
    for kind, plain in (("secret", SECRET_KEY), ("publishable", PUBLISHABLE_KEY)):
        stocked.stores.keys.add(
            ApiKey(key_id=kind, kind=kind, sha256=fingerprint(plain), label=kind, created_at=END, plain=plain)
        )
    shop = make_shop(stocked.stores, now=lambda: END)
    shop.forecasts.use(InventoryModel.load(stocked.stores.models.open(record)), record.version)
    with TestClient(app_of(shop), raise_server_exceptions=False) as opened:
        yield opened


def proposals(client: Client, query: str = "") -> dict[str, dict[str, object]]:
    answer = client.get(f"/v1/reorder-proposals{query}", headers=SECRET)
    assert answer.status_code == 200, answer.text
    return {one["variant_id"]: one for one in answer.json()["items"]}


def test_a_forecast_is_told_by_product(client: Client) -> None:
    told = client.get("/v1/forecasts/kettle", headers=SECRET).json()
    assert (told["product_id"], told["today"]) == ("kettle", "2026-01-05")
    (series,) = told["series"]
    assert len(series["weeks"]) == 12
    assert len(series["weeks"][0]["quantiles"]) == len(told["levels"])
    assert told["stock"][0]["on_hand"] == 12


def test_who_has_no_secret_key_is_told_nothing(client: Client) -> None:
    own = "/v1/reorder-proposals/2020-01-01-0123456789"
    for path in ("/v1/forecasts/kettle", "/v1/reorder-proposals", "/v1/reorder-proposals/score", own):
        assert client.get(path, headers=PUBLISHABLE).status_code == 403
        assert client.get(path).status_code == 401


def test_an_unknown_product_has_no_forecast(client: Client) -> None:
    answer = client.get("/v1/forecasts/unheard-of", headers=SECRET)
    assert answer.status_code == 404
    assert "unheard-of" in answer.json()["detail"]


def test_proposals_come_in_pages_and_by_supplier(client: Client) -> None:
    whole = proposals(client)
    assert {"kettle", "lamp", "rare"} <= set(whole)
    assert str(whole["kettle"]["words"]).startswith("Order ")
    assert set(proposals(client, "?supplier_id=quick")) == {"kettle"}
    first = client.get("/v1/reorder-proposals?limit=1", headers=SECRET).json()
    second = client.get(f"/v1/reorder-proposals?limit=1&cursor={first['next_cursor']}", headers=SECRET).json()
    assert first["items"][0]["variant_id"] != second["items"][0]["variant_id"]
    assert first["cash_minor"] == second["cash_minor"]


def test_a_budget_is_kept(client: Client) -> None:
    answer = client.get("/v1/reorder-proposals?budget_minor=40000", headers=SECRET).json()
    assert answer["cash_minor"] <= 40_000
    assert answer["left_out"] > 0


def test_a_proposal_becomes_a_draft_once(client: Client) -> None:
    kettle = proposals(client)["kettle"]
    path = f"/v1/reorder-proposals/{kettle['proposal_id']}/draft"
    first, again = (client.post(path, headers=SECRET) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    order = first.json()
    assert again.json() == order
    assert (order["status"], order["supplier_id"], order["warnings"]) == ("draft", "quick", [])
    assert [(line["variant_id"], line["units"]) for line in order["lines"]] == [("kettle", kettle["units"])]
    assert order["reference"] == kettle["proposal_id"]


def test_what_was_approved_is_at_once_no_more_proposed(client: Client) -> None:
    kettle = proposals(client)["kettle"]
    drafted = client.post(f"/v1/reorder-proposals/{kettle['proposal_id']}/draft", headers=SECRET).json()
    order = f"/v1/purchase-orders/{drafted['purchase_order_id']}"
    assert client.post(f"{order}/approve", headers=SECRET).status_code == 200
    assert "kettle" not in proposals(client)
    assert client.post(f"{order}/cancel", headers=SECRET).status_code == 200
    assert "kettle" in proposals(client)


def test_a_proposal_that_was_drafted_is_kept_as_followed(client: Client) -> None:
    kettle = proposals(client)["kettle"]
    own = f"/v1/reorder-proposals/{kettle['proposal_id']}"
    order = client.post(f"{own}/draft", headers=SECRET).json()
    kept = client.get(own, headers=SECRET).json()
    assert kept["followed_by"] == order["purchase_order_id"]
    assert (kept["units"], kept["on_hand"], kept["stretch_days"]) == (kettle["units"], 12, 12)
    assert kept["told_10"] < kept["mean"] < kept["told_90"]
    assert kept["score"] is None
    assert "is not over" in kept["words"]


def test_a_proposal_that_nobody_kept_is_told_so(client: Client) -> None:
    answer = client.get("/v1/reorder-proposals/2020-01-01-0123456789", headers=SECRET)
    assert answer.status_code == 404
    assert "look-over-stock" in answer.json()["detail"]


def test_scores_are_told_in_numbers_and_words(stocked: EmbeddedShop, client: Client) -> None:
    asked_for = "/v1/reorder-proposals/score"
    empty = client.get(asked_for, headers=SECRET).json()
    assert (empty["whole"]["orders"], empty["words"]) == (
        None,
        ["No proposal's time is over yet, so none is scored."],
    )
    ago = replace(told("2025-12-01-kettle"), decided_at=Micros(END - 30 * DAY), supplier_name="Quick & Sons")
    stocked.stores.proposals.keep([replace(ago, supplier_id=SupplierId("quick"))])
    stocked.stores.proposals.settle([replace(score("2025-12-01-kettle"), as_proposed=400.0, without_order=9_000.0)])
    found = client.get(asked_for, headers=SECRET).json()
    assert found["whole"]["orders"]["proposals"] == 1
    assert [one["name"] for one in found["by_supplier"]] == ["Quick & Sons"]
    assert found["words"][0] == "Of 1 proposal whose time is over, 0 were ordered."
    assert "4.00 GBP with the orders as proposed, 90.00 GBP without any" in found["words"][2]
    assert client.get(f"{asked_for}?days=20", headers=SECRET).json()["whole"]["orders"] is None
    assert client.get(f"{asked_for}?supplier_id=slow", headers=SECRET).json()["whole"]["orders"] is None
    kept = client.get("/v1/reorder-proposals/2025-12-01-kettle", headers=SECRET).json()
    assert "In 12 days 12 were asked for; 11.5 were expected" in kept["words"]


@pytest.mark.parametrize("query", ["days=0", "days=401", "days=many", "supplier=quick"])
def test_senseless_questions_about_scores_are_refused(client: Client, query: str) -> None:
    answer = client.get(f"/v1/reorder-proposals/score?{query}", headers=SECRET)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_without_a_supplier_there_is_no_draft(client: Client) -> None:
    rare = proposals(client)["rare"]
    answer = client.post(f"/v1/reorder-proposals/{rare['proposal_id']}/draft", headers=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (409, "without_supplier")


def test_yesterdays_proposal_is_gone(client: Client) -> None:
    assert client.post("/v1/reorder-proposals/2020-01-01-0123456789/draft", headers=SECRET).status_code == 404


def test_before_anything_is_learned_that_is_said(stocked: EmbeddedShop, client: Client) -> None:
    with TestClient(app_of(make_shop(stocked.stores, now=lambda: END))) as unlearned:
        answer = unlearned.get("/v1/reorder-proposals", headers=SECRET)
    assert answer.status_code == 404
    assert "train inventory" in answer.json()["detail"]
