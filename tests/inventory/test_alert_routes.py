"""Warnings as an operator meets them: looked for by the job, told over HTTP and by the command, acknowledged."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Client

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.backend_api.services.alert_news import tell_newest
from smartshop.backend_api.utils.auth import fingerprint
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.ports import ApiKey
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.messages import SupplyAlertRaised
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.jobs import run_job
from tests.api.shop_for_tests import PUBLISHABLE, PUBLISHABLE_KEY, SECRET, SECRET_KEY, app_of, make_shop
from tests.commands.command import smartshop
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, opened_supply_shop

NOW = Micros(END + DAY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def watched(folder: Path) -> Iterator[EmbeddedShop]:
    """Looked over once."""
    with opened_supply_shop(folder) as shop:
        run_job("train-inventory", shop.settings, shop.place, arguments={"most_valuable": "0"})
        found = run_job("look-over-stock", shop.settings, shop.place)
        assert (found["alerts_opened"], found["alerts_closed"]) == (3, 0), found
        yield shop


@pytest.fixture(scope="module")
def client(watched: EmbeddedShop) -> Iterator[Client]:
    for kind, plain in (("secret", SECRET_KEY), ("publishable", PUBLISHABLE_KEY)):
        watched.stores.keys.add(
            ApiKey(key_id=kind, kind=kind, sha256=fingerprint(plain), label=kind, created_at=END, plain=plain)
        )
    shop = make_shop(watched.stores, now=lambda: NOW)
    record = watched.stores.models.promoted("inventory")
    assert record is not None
    shop.forecasts.use(InventoryModel.load(watched.stores.models.open(record)), record.version)
    with TestClient(app_of(shop), raise_server_exceptions=False) as opened:
        yield opened


def told(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/v1/stock/alerts{query}", headers=SECRET)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_what_runs_out_is_told_with_figures_and_words(client: Client) -> None:
    kettle = next(one for one in told(client) if one["subject"]["variant_id"] == "kettle")
    assert (kettle["kind"], kettle["state"], kettle["figures"]["kind"]) == ("stockout_risk", "open", "stockout_risk")
    # 12 there, about 3 a day, 5 days to bridge and a week of headroom: about 36 are asked for.
    assert kettle["figures"]["free_units"] == 12
    assert 27 < kettle["figures"]["expected_units"] < 45
    assert kettle["figures"]["chance_short"] > 0.7
    assert kettle["words"].startswith("Kettle: 12 can be bought, and nothing is on its way. Over the next 12 days, ")
    assert kettle["subject"]["supplier_id"] == "quick"


def test_a_second_look_tells_nothing_new(watched: EmbeddedShop) -> None:
    found = run_job("look-over-stock", watched.settings, watched.place)
    assert (found["alerts_opened"], found["alerts_still_open"], found["alerts_closed"]) == (0, 3, 0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?kind=stockout_risk", {"kettle", "lamp", "rare"}),
        ("?supplier_id=slow", {"lamp"}),
        ("?location_id=main", {"kettle", "lamp", "rare"}),
        ("?location_id=elsewhere", set()),
        ("?kind=dead_stock", set()),
        ("?state=closed", set()),
        ("?severity=low", set()),
    ],
)
def test_alerts_are_told_by_what_is_asked_for(client: Client, query: str, expected: set[str]) -> None:
    assert {one["subject"]["variant_id"] for one in told(client, query)} == expected


def test_alerts_come_in_pages(client: Client) -> None:
    first = client.get("/v1/stock/alerts?limit=2", headers=SECRET).json()
    second = client.get(f"/v1/stock/alerts?limit=2&cursor={first['next_cursor']}", headers=SECRET).json()
    assert second["next_cursor"] is None
    assert [one["alert_id"] for one in first["items"] + second["items"]] == [one["alert_id"] for one in told(client)]


@pytest.mark.parametrize("path", ["/v1/stock/alerts", "/v1/stock/classes"])
def test_only_a_secret_key_may_look(client: Client, path: str) -> None:
    assert client.get(path, headers=PUBLISHABLE).status_code == 403
    assert client.get(path).status_code == 401


def test_an_alert_is_acknowledged_until_a_date(client: Client) -> None:
    lamp = next(one for one in told(client) if one["subject"]["variant_id"] == "lamp")
    path = f"/v1/stock/alerts/{lamp['alert_id']}/acknowledge"
    body = {"until": format_rfc3339(NOW + 2 * DAY), "note": "new lamps come in spring"}
    first, again = (client.post(path, json=body, headers=SECRET) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert first.json()["state"] == "acknowledged"
    assert {one["subject"]["variant_id"] for one in told(client)} == {"kettle", "rare"}
    (known,) = told(client, "?state=acknowledged")
    assert known["note"] == "new lamps come in spring"


@pytest.mark.parametrize(
    ("alert_id", "body", "status", "says"),
    [
        ("nothing", {}, 404, "no alert 'nothing'"),
        ("kettle", {"until": "2020-01-01T00:00:00Z"}, 409, "is over"),
        ("kettle", {"until": "tomorrow"}, 422, "until"),
        ("kettle", {"note": "x" * 501}, 422, "note"),
        ("kettle", {"who": "me"}, 422, "who"),
    ],
)
def test_what_cannot_be_acknowledged_is_a_sentence(
    client: Client, alert_id: str, body: dict[str, str], status: int, says: str
) -> None:
    ids = {one["subject"]["variant_id"]: one["alert_id"] for one in told(client)}
    answer = client.post(f"/v1/stock/alerts/{ids.get(alert_id, alert_id)}/acknowledge", json=body, headers=SECRET)
    assert answer.status_code == status, answer.text
    assert says in answer.text


def test_classes_add_up_to_the_year(client: Client) -> None:
    matrix = client.get("/v1/stock/classes", headers=SECRET).json()
    assert len(matrix["cells"]) == 9
    assert sum(cell["series"] for cell in matrix["cells"]) == 28
    assert sum(cell["turnover_share"] for cell in matrix["cells"]) == pytest.approx(1.0, abs=0.001)
    # About 1,092 kettles at 20.00 are the most of what the shop turns over.
    first = max(matrix["cells"], key=lambda cell: cell["turnover_minor"])
    assert (first["value"], first["steadiness"]) == ("A", "X")
    assert first["turnover_minor"] > 1_900_000


def test_who_listens_hears_of_a_new_alert_once(watched: EmbeddedShop) -> None:
    async def heard() -> tuple[list[object], list[object]]:
        bus = MemoryBus()
        deliveries = bus.subscribe("operator", [SupplyAlertRaised])
        number = await tell_newest(watched.stores.alerts, bus, 0)
        batch = await anext(aiter(deliveries))
        again = await tell_newest(watched.stores.alerts, bus, number)
        assert again == number
        await bus.close()
        rest = [each.message async for more in deliveries for each in more]
        return [each.message for each in batch], [*rest]

    first, rest = asyncio.run(heard())
    assert {message.subject.variant_id for message in first if isinstance(message, SupplyAlertRaised)} == {
        "kettle",
        "lamp",
        "rare",
    }
    assert rest == []


def test_the_command_tells_them_within_eighty_columns(watched: EmbeddedShop, folder: Path) -> None:
    ended = smartshop(folder / "shop", "alerts", "--data-dir", ".", COLUMNS="80")
    assert ended.status == 0, ended.err
    assert "Kettle: 12 can be bought" in ended.out
    assert "runs out" in ended.out
    assert max(len(line) for line in ended.out.splitlines()) <= 80
    facts = smartshop(folder / "shop", "alerts", "--data-dir", ".", "--kind", "stockout_risk", "--json").json
    assert "kettle" in {one["found"]["subject"]["variant_id"] for one in facts}


def test_the_command_says_where_there_is_more_and_where_only_the_question_is_empty(
    watched: EmbeddedShop, folder: Path
) -> None:
    assert "There are more; --limit" in smartshop(folder / "shop", "alerts", "--limit", "1", "--data-dir", ".").out
    assert "There are more" not in smartshop(folder / "shop", "alerts", "--limit", "10000", "--data-dir", ".").out
    ended = smartshop(folder / "shop", "alerts", "--state", "acknowledged", "--severity", "high", "--data-dir", ".")
    assert ended.out.startswith("Nothing of what was asked for"), ended.out


def test_the_command_tells_the_classes(watched: EmbeddedShop, folder: Path) -> None:
    ended = smartshop(folder / "shop", "alerts", "--classes", "--data-dir", ".", COLUMNS="80")
    assert "X steady" in ended.out
    assert "28 products" in ended.out
    assert len(smartshop(folder / "shop", "alerts", "--classes", "--json", "--data-dir", ".").json["cells"]) == 9


@pytest.mark.parametrize(
    ("option", "choices"), [("--kind", "overstock"), ("--severity", "medium"), ("--state", "acknowledged")]
)
def test_what_does_not_exist_is_named_by_the_command(
    folder: Path, watched: EmbeddedShop, option: str, choices: str
) -> None:
    ended = smartshop(folder / "shop", "alerts", option, "nonsense", "--data-dir", ".")
    assert (ended.status, "'nonsense'" in ended.err, choices in ended.err) == (1, True, True), ended.err


def test_a_shop_without_alerts_says_how_to_look(tmp_path: Path) -> None:
    ended = smartshop(tmp_path, "alerts", "--data-dir", ".", "--no-demo")
    assert (ended.status, "look-over-stock" in ended.out) == (0, True)


def test_what_came_back_closes_its_alert(watched: EmbeddedShop, client: Client) -> None:
    count = StockCount(movement_id="recount", variant_id=VariantId("kettle"), level=500, occurred_at=END)
    watched.stores.stock.count([count], END)
    found = run_job("look-over-stock", watched.settings, watched.place)
    assert found["alerts_closed"] == 1
    (closed,) = told(client, "?state=closed")
    assert closed["subject"]["variant_id"] == "kettle"
    answer = client.post(f"/v1/stock/alerts/{closed['alert_id']}/acknowledge", json={}, headers=SECRET)
    assert answer.status_code == 409
