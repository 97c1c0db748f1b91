"""All that is proposed of a supplier becomes one draft order, once however often and by how many it is asked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from fastapi.testclient import TestClient
from httpx2 import Client

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.deciding import decide
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal
from smartshop.ai_agents.inventory.replenishment.proposals import proposals_of
from smartshop.ai_agents.inventory.replenishment.reading import stocked_places
from smartshop.ai_agents.inventory.stock_now import stock_now
from smartshop.backend_api.services.joint_drafts import DraftDesk, Drafted, SeveralPlaces, draft_together
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import fingerprint
from smartshop.data_collection.connectors.ports import ApiKey
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import SECOND, ShopClock
from smartshop.data_collection.schemas.ids import LocationId, Micros, ModelVersion
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.data_collection.schemas.supply import PurchaseStatus
from smartshop.opening import opened_stores
from tests.api.shop_for_tests import PUBLISHABLE, PUBLISHABLE_KEY, SECRET, SECRET_KEY, app_of, make_shop
from tests.importing.shop import EmbeddedShop
from tests.inventory.joint_shop import FIXED_COST, SHORT, learned, opened_joint_shop, quick
from tests.inventory.supply_shop import END, QUICK

DRAFT = "/v1/reorder-proposals/draft"
CLIENTS = 6
Answered = tuple[int, dict[str, Any]]  # Any: JSON


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_joint_shop(tmp_path_factory.mktemp("joint")) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(stocked: EmbeddedShop) -> InventoryModel:
    return learned(stocked)


@dataclass(slots=True)
class Ticking:
    """Every look is a moment later, so that orders made one after another are told apart by their time."""

    at: Micros = END

    def __call__(self) -> Micros:
        self.at = Micros(self.at + 1)
        return self.at


CLOCK = Ticking()


@pytest.fixture(scope="module")
def served(stocked: EmbeddedShop, model: InventoryModel) -> Iterator[tuple[Shop, Client]]:
    for kind, plain in (("secret", SECRET_KEY), ("publishable", PUBLISHABLE_KEY)):
        stocked.stores.keys.add(
            ApiKey(key_id=kind, kind=kind, sha256=fingerprint(plain), label=kind, created_at=END, plain=plain)
        )
    shop = make_shop(stocked.stores, now=CLOCK)
    shop.forecasts.use(model, ModelVersion("m-1"))
    with TestClient(app_of(shop), raise_server_exceptions=False) as opened:
        yield shop, opened


@pytest.fixture
def shop(served: tuple[Shop, Client]) -> Shop:
    return served[0]


@pytest.fixture
def client(served: tuple[Shop, Client]) -> Client:
    """Every test finds the orders of earlier ones called off, the supplier as it was, and no list that is kept."""
    shop, client = served
    for order in shop.purchase_orders.page(None, 100):
        shop.purchase_orders.step(order.purchase_order_id, PurchaseStatus.CANCELLED, END)
    shop.suppliers.save(quick())
    CLOCK.at = Micros(CLOCK.at + 60 * SECOND)
    return client


def listed(client: Client, query: str = "?supplier_id=quick") -> dict[str, Any]:
    answer = client.get(f"/v1/reorder-proposals{query}", headers=SECRET)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def drafted(client: Client, **asked: object) -> Answered:
    answer = client.post(DRAFT, headers=SECRET, json={"supplier_id": "quick"} | asked)
    return answer.status_code, answer.json()


def count(client: Client, variant_id: str, level: int) -> None:
    told = {"counts": [{"variant_id": variant_id, "level": level}]}
    answer = client.post("/v1/stock/counts", headers=SECRET, json=told)
    assert answer.json()["applied"] == 1, answer.text


def test_the_order_that_proposals_make_together_is_told_before_it_is_made(client: Client) -> None:
    found = listed(client)
    (order,) = found["orders"]
    assert (order["supplier_id"], order["location_id"], order["lines"]) == ("quick", "main", 1 + len(SHORT))
    assert order["units"] == sum(one["units"] for one in found["items"])
    assert order["goods_minor"] == sum(one["units"] * one["unit_cost_minor"] for one in found["items"])
    assert order["total_minor"] == order["goods_minor"] + FIXED_COST
    assert (order["missing_minor"], order["notes"]) == (0, [])
    assert {one["supplier_id"] for one in listed(client, "")["orders"]} == {"quick", "slow"}


def test_all_of_a_supplier_becomes_one_draft_order_once(client: Client) -> None:
    proposed = {one["variant_id"]: one for one in listed(client)["items"]}
    (status, order), (again, same) = drafted(client), drafted(client)
    assert (status, again, same) == (201, 200, order)
    assert {line["variant_id"]: (line["units"], line["unit_cost_minor"]) for line in order["lines"]} == {
        name: (one["units"], one["unit_cost_minor"]) for name, one in proposed.items()
    }
    assert (order["status"], order["location_id"], order["reference"]) == ("draft", "main", "reorder-2026-01-05")
    assert order["fixed_cost_minor"] == FIXED_COST
    assert {one["followed_by"] for one in listed(client)["items"]} == {order["purchase_order_id"]}
    for one in proposed.values():
        kept = client.get(f"/v1/reorder-proposals/{one['proposal_id']}", headers=SECRET).json()
        assert (kept["units"], kept["followed_by"]) == (one["units"], order["purchase_order_id"])


def test_what_was_drafted_by_itself_is_left_out(client: Client) -> None:
    kettle = next(one for one in listed(client)["items"] if one["variant_id"] == "kettle")
    own = f"/v1/reorder-proposals/{kettle['proposal_id']}/draft"
    alone = client.post(own, headers=SECRET).json()
    _, rest = drafted(client)
    assert {line["variant_id"] for line in rest["lines"]} == set(SHORT)
    assert client.post(own, headers=SECRET).json() == alone
    assert drafted(client) == (200, rest)
    # An order of one line that came later is not what was asked for.
    client.post(f"/v1/purchase-orders/{alone['purchase_order_id']}/cancel", headers=SECRET)
    later = client.post(own, headers=SECRET).json()
    assert later["purchase_order_id"] != alone["purchase_order_id"]
    assert drafted(client) == (200, rest)


def test_a_proposal_that_went_with_others_is_not_drafted_by_itself(client: Client) -> None:
    _, order = drafted(client)
    one = listed(client)["items"][0]
    answer = client.post(f"/v1/reorder-proposals/{one['proposal_id']}/draft", headers=SECRET)
    assert (answer.status_code, answer.json()) == (200, order)


def test_after_an_order_was_called_off_the_next_is_another(client: Client) -> None:
    _, first = drafted(client)
    client.post(f"/v1/purchase-orders/{first['purchase_order_id']}/cancel", headers=SECRET)
    status, second = drafted(client)
    assert status == 201
    assert second["purchase_order_id"] != first["purchase_order_id"]
    assert second["lines"] == first["lines"]


def test_terms_told_a_moment_ago_are_those_of_the_draft(client: Client) -> None:
    listed(client)
    terms = {"variant_id": SHORT[0], "unit_cost_minor": 260, "pack_size": 12}
    told = client.post("/v1/suppliers/quick/terms", headers=SECRET, json={"terms": [terms]})
    assert told.status_code == 200, told.text
    proposed = {one["variant_id"]: one for one in listed(client)["items"]}[SHORT[0]]
    _, order = drafted(client)
    line = next(line for line in order["lines"] if line["variant_id"] == SHORT[0])
    assert (line["unit_cost_minor"], line["units"] % 12, order["warnings"]) == (260, 0, [])
    assert line["units"] == proposed["units"]
    back = terms | {"unit_cost_minor": 250, "pack_size": 1}
    client.post("/v1/suppliers/quick/terms", headers=SECRET, json={"terms": [back]})


def test_what_was_counted_a_moment_ago_is_no_more_proposed(client: Client) -> None:
    listed(client)
    count(client, SHORT[0], 5_000)
    assert SHORT[0] not in {one["variant_id"] for one in listed(client)["items"]}
    count(client, SHORT[0], 2)
    assert SHORT[0] in {one["variant_id"] for one in listed(client)["items"]}


def test_what_is_drafted_again_after_a_calling_off_is_kept_as_it_is_ordered(client: Client) -> None:
    _, first = drafted(client)
    client.post(f"/v1/purchase-orders/{first['purchase_order_id']}/cancel", headers=SECRET)
    count(client, SHORT[0], 40)
    count(client, SHORT[1], 0)
    (own,) = [one for one in listed(client)["items"] if one["variant_id"] == SHORT[1]]
    _, second = drafted(client)
    lines = {line["variant_id"]: line["units"] for line in second["lines"]}
    assert SHORT[0] not in lines
    assert lines[SHORT[1]] != {line["variant_id"]: line["units"] for line in first["lines"]}[SHORT[1]]
    kept = client.get(f"/v1/reorder-proposals/{own['proposal_id']}", headers=SECRET).json()
    assert (kept["units"], kept["on_hand"]) == (lines[SHORT[1]], 0)
    assert kept["followed_by"] == second["purchase_order_id"]
    for name in SHORT[:2]:
        count(client, name, 2)


def test_a_decision_is_kept_as_of_the_model_that_made_it(shop: Shop, client: Client) -> None:
    """Another is promoted by now, which this process has not read yet."""
    promoted = shop.models.promoted("inventory")
    assert promoted is not None
    drafted(client)
    kept = shop.proposals.get(listed(client)["items"][0]["proposal_id"])
    assert kept is not None
    assert kept.told.model_version == "m-1" != promoted.version


def test_what_was_approved_is_on_its_way_and_nothing_is_left_to_order(client: Client) -> None:
    _, order = drafted(client)
    client.post(f"/v1/purchase-orders/{order['purchase_order_id']}/approve", headers=SECRET)
    assert listed(client)["items"] == []
    status, problem = drafted(client)
    assert (status, problem["code"]) == (409, "nothing_to_order")
    assert "'quick'" in problem["detail"]


def test_a_budget_orders_what_the_list_with_it_tells(client: Client) -> None:
    whole = listed(client)["orders"][0]["total_minor"]
    budget = whole * 2 // 3
    asked = listed(client, f"?supplier_id=quick&budget_minor={budget}")
    told = {one["variant_id"]: one["units"] for one in asked["items"]}
    status, order = drafted(client, budget_minor=budget)
    assert (status, {line["variant_id"]: line["units"] for line in order["lines"]}) == (201, told)
    assert 0 < order["total_minor"] <= budget
    assert drafted(client, budget_minor=budget) == (200, order)


def test_a_budget_pays_for_the_fixed_costs_of_all_orders_too(client: Client) -> None:
    whole = sum(one["total_minor"] for one in listed(client, "")["orders"])
    for part in (2, 5, 8):
        budget = whole * part // 10
        found = listed(client, f"?budget_minor={budget}")
        beside = sum(one["goods_minor"] for one in found["items"] if one["supplier_id"] is None)
        assert sum(one["total_minor"] for one in found["orders"]) + beside <= budget


def test_what_a_supplier_takes_no_order_for_is_told_and_drafted_all_the_same(shop: Shop, client: Client) -> None:
    shop.suppliers.save(quick(min_order_minor=10_000_000))
    (order,) = listed(client)["orders"]
    status, made = drafted(client)
    assert order["missing_minor"] == 10_000_000 - order["goods_minor"]
    assert "takes no order below 100,000.00 GBP" in order["notes"][0]
    assert status == 201
    assert any("takes orders from 10000000 on" in warning for warning in made["warnings"])


def test_a_supplier_in_other_money_is_refused(shop: Shop, client: Client) -> None:
    shop.suppliers.save(quick(currency="JPY"))
    status, problem = drafted(client)
    assert (status, problem["code"]) == (409, "currency_mismatch")


def test_nobody_and_nowhere_are_told(client: Client) -> None:
    status, problem = drafted(client, supplier_id="nobody")
    assert (status, "'nobody'" in problem["detail"]) == (404, True)
    status, problem = drafted(client, location_id="moon")
    assert (status, "'moon'" in problem["detail"]) == (409, True)
    assert client.post(DRAFT, headers=PUBLISHABLE, json={"supplier_id": "quick"}).status_code == 403


@pytest.mark.parametrize(
    "asked", [{}, {"supplier_id": 3}, {"supplier_id": "quick", "budget_minor": -1}, {"to": "main"}]
)
def test_what_makes_no_sense_is_refused(client: Client, asked: dict[str, object]) -> None:
    answer = client.post(DRAFT, headers=SECRET, json=asked)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_many_clients_at_once_make_one_order(client: Client) -> None:
    begin = Barrier(CLIENTS, timeout=20)

    def ask(_: int) -> Answered:
        begin.wait()
        return drafted(client)

    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(ask, range(CLIENTS)))
    assert sorted(status for status, _ in answers) == [200] * (CLIENTS - 1) + [201]
    assert len({order["purchase_order_id"] for _, order in answers}) == 1


def desk_of(stores: SqlStores, model: InventoryModel) -> tuple[DraftDesk, tuple[Proposal, ...]]:
    """What a process that has these stores open decides by itself."""
    at = stock_now(model, stores, ShopClock(ZoneInfo("UTC"), lambda: END), CostConfig())
    supply = at.supply()
    decided = decide(model, supply, stocked_places(at.stores, supply, model, END), at.present)
    desk = DraftDesk(at, ModelVersion("m-1"), stores.proposals, decided)
    return desk, proposals_of(model, decided, at.present).items


@pytest.fixture(params=["sqlite", "postgres"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedShop]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("new_postgres_database")()
    with opened_joint_shop(tmp_path, url) as opened:
        yield opened


def test_of_processes_that_draft_at_once_one_does(elsewhere: EmbeddedShop, model: InventoryModel) -> None:
    begin = Barrier(CLIENTS, timeout=20)

    def draft(stores: SqlStores) -> Drafted:
        desk, proposals = desk_of(stores, model)
        begin.wait()
        return draft_together(desk, proposals, QUICK)

    with ExitStack() as opened, ThreadPoolExecutor(CLIENTS) as processes:
        # Each has connections of its own, as another process would.
        own = [opened.enter_context(opened_stores(elsewhere.settings, elsewhere.place)) for _ in range(CLIENTS)]
        answers = list(processes.map(draft, own))
    (made,) = elsewhere.stores.purchase_orders.page(None, 10)
    assert sorted(answer.is_new for answer in answers) == [False] * (CLIENTS - 1) + [True]
    assert {answer.order.purchase_order_id for answer in answers} == {made.purchase_order_id}
    assert {line.variant_id for line in made.lines} == {"kettle", *SHORT}


def test_goods_for_several_places_need_a_place_named(
    client: Client, stocked: EmbeddedShop, model: InventoryModel
) -> None:
    desk, proposals = desk_of(stocked.stores, model)
    north = LocationId("north")
    apart = [
        msgspec.structs.replace(one, location_id=north) if one.variant_id in SHORT[:2] else one for one in proposals
    ]
    with pytest.raises(SeveralPlaces, match="goes to 'main', 'north'"):
        draft_together(desk, apart, QUICK)
    there, here = draft_together(desk, apart, QUICK, north), draft_together(desk, apart, QUICK, DEFAULT_LOCATION)
    assert (there.order.location_id, {line.variant_id for line in there.order.lines}) == (north, set(SHORT[:2]))
    assert {line.variant_id for line in here.order.lines} == {"kettle", *SHORT[2:]}
    # Where all of it went is asked for by its place, though everything was drafted.
    with pytest.raises(SeveralPlaces):
        draft_together(desk, apart, QUICK)
    assert draft_together(desk, apart, QUICK, north) == Drafted(there.order, is_new=False)
