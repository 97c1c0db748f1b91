"""Every command does what it says, and `--json` is nothing but JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.ports import QuarantinedRow
from smartshop.data_collection.pipelines.clock import format_rfc3339, system_now
from tests.commands.command import smartshop, smartshop_process
from tests.importing.shop import interactions_file, opened_shop, products_file


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose shop was imported and learned from, by commands alone."""
    folder = tmp_path_factory.mktemp("learned")
    interactions_file(folder / "interactions.csv")
    assert smartshop(folder, "import", "interactions", "interactions.csv").status == 0
    assert smartshop(folder, "train").status == 0
    return folder


def test_import_prints_its_report(tmp_path: Path) -> None:
    products_file(tmp_path / "products.csv")
    ended = smartshop(tmp_path, "import", "products", "products.csv")
    assert ended.status == 0
    assert "2,600" in ended.out
    assert "refused: invalid value" in ended.out
    assert "quarantine" in ended.out
    assert "2600/2600" in ended.err  # the bar


def test_import_as_json_is_only_json(tmp_path: Path) -> None:
    products_file(tmp_path / "products.csv")
    ended = smartshop_process(tmp_path, "import", "products", "products.csv", "--json")
    assert ended.json["rows"] == 2_600
    assert ended.json["reasons"] == {"invalid_value": 26}
    assert Path(tmp_path / ended.json["rejected_to"]).exists()
    assert ended.err == ""


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    products_file(tmp_path / "products.csv")
    ended = smartshop(tmp_path, "import", "products", "products.csv", "--dry-run", "--json")
    assert (ended.status, ended.json["rows"], ended.json["dry_run"]) == (0, 2_600, True)
    assert [path.name for path in tmp_path.iterdir()] == ["products.csv"]


def test_training_says_what_it_learned(learned: Path) -> None:
    ended = smartshop(learned, "train", "--json")
    assert ended.json["version"]
    assert ended.json["interactions"] > 2_000


def test_a_job_for_a_day_stops_at_its_end(learned: Path) -> None:
    ended = smartshop(learned, "job", "train-recommendation", "--day", "2010-06-30", "--json")
    whole = smartshop(learned, "job", "train-recommendation", "--json")
    assert 0 < ended.json["interactions"] < whole.json["interactions"]


def test_evaluation_compares_with_the_baselines(learned: Path) -> None:
    ended = smartshop(learned, "evaluate", "--json", "--markdown", "figures.md")
    assert ended.status == 0
    names = {model["model"] for table in ended.json["tables"] for model in table["models"]}
    assert {"popularity", "item-kNN (cosine)"} <= names
    assert "popularity" in (learned / "figures.md").read_text()


def test_doctor_finds_a_history_and_a_model(learned: Path) -> None:
    ended = smartshop(learned, "doctor", "--json")
    found = {finding["check"]: finding for finding in ended.json}
    assert ended.status == 0
    assert found["database"]["state"] == "good"
    assert "2011" in found["clock"]["says"]
    assert found["model"]["state"] == "good"
    assert "rows of files were refused" in found["imports"]["says"]


def test_doctor_says_that_prices_in_another_currency_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "dollars.csv").write_text("product_id,title,price_minor,currency\np-1,Red dress,3999,USD\n")
    (tmp_path / "pounds.csv").write_text("product_id,title,price_minor,currency\np-2,Blue dress,2999,GBP\n")
    smartshop(tmp_path, "import", "products", "dollars.csv")
    ended = smartshop(tmp_path, "doctor", "--json")
    assert ended.status == 1
    assert "SMARTSHOP_CURRENCY=USD" in {found["check"]: found for found in ended.json}["prices"]["says"]
    smartshop(tmp_path, "import", "products", "pounds.csv")
    ended = smartshop(tmp_path, "doctor", "--json")
    assert ended.status == 0
    assert "1 of 2 products have no price" in {found["check"]: found for found in ended.json}["prices"]["says"]


def test_doctor_ends_with_1_where_a_model_was_altered(tmp_path: Path) -> None:
    interactions_file(tmp_path / "interactions.csv", rows=400)
    smartshop(tmp_path, "import", "interactions", "interactions.csv")
    smartshop(tmp_path, "train")
    array = next((tmp_path / "smartshop-data" / "models").rglob("*.npy"))
    array.write_bytes(b"x" + array.read_bytes()[1:])
    ended = smartshop(tmp_path, "doctor")
    assert ended.status == 1
    assert "smartshop train" in ended.out


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    secret = smartshop(tmp_path, "keys", "create", "secret", "--label", "shop's own").out.strip()
    public = smartshop(tmp_path, "keys", "create", "publishable").out.strip()
    assert secret.startswith("sk_")
    assert public.startswith("pk_")
    listed = smartshop(tmp_path, "keys", "list", "--json")
    assert [(key["kind"], key["label"]) for key in listed.json] == [("secret", "shop's own"), ("publishable", "")]
    assert secret not in listed.out
    key_id = listed.json[0]["key_id"]
    assert smartshop(tmp_path, "keys", "revoke", key_id).status == 0
    assert smartshop(tmp_path, "keys", "list", "--json").json[0]["revoked_at"]
    again = smartshop(tmp_path, "keys", "revoke", key_id)
    assert (again.status, again.out) == (1, "")
    assert key_id in again.err


def test_what_was_refused_is_listed_and_replayed(tmp_path: Path) -> None:
    event = {"event_id": "e-1", "kind": "product_viewed", "anonymous_id": "a-1", "product_id": "p-1"}
    event["occurred_at"] = format_rfc3339(system_now())
    row = QuarantinedRow(
        source="api", reason="unknown_kind: An older release did not know it.", raw=json.dumps(event).encode(),
        received_at=system_now(), trust="server",
    )  # fmt: skip
    with opened_shop(tmp_path / "smartshop-data") as shop:
        shop.stores.quarantine.add([row])
    listed = smartshop(tmp_path, "quarantine", "list", "--json")
    assert [(found["source"], found["reason"]) for found in listed.json] == [("api", row.reason)]
    replayed = smartshop(tmp_path, "quarantine", "replay", "--json")
    assert (replayed.json["seen"], replayed.json["accepted"]) == (1, 1)
    assert smartshop(tmp_path, "quarantine", "list").out == "No refused events.\n"
    with opened_shop(tmp_path / "smartshop-data") as shop:
        assert shop.stores.log.size().events == 1


def test_migrating_twice_is_harmless(tmp_path: Path) -> None:
    for _ in range(2):
        ended = smartshop(tmp_path, "migrate")
        assert (ended.status, ended.err) == (0, "")
        assert "up to date" in ended.out


def test_migrating_works_on_postgresql(tmp_path: Path, new_postgres_database: Callable[[], str]) -> None:
    url = new_postgres_database()
    for _ in range(2):
        ended = smartshop(tmp_path, "migrate", SMARTSHOP_DATABASE_URL=url)
        assert (ended.status, ended.err) == (0, "")


def test_importing_and_learning_work_on_postgresql(tmp_path: Path, new_postgres_database: Callable[[], str]) -> None:
    url = new_postgres_database()
    interactions_file(tmp_path / "interactions.csv", rows=600)
    first = smartshop(tmp_path, "import", "interactions", "interactions.csv", "--json", SMARTSHOP_DATABASE_URL=url)
    second = smartshop(tmp_path, "import", "interactions", "interactions.csv", "--json", SMARTSHOP_DATABASE_URL=url)
    assert first.json["events"] == second.json["duplicates"] > 0
    assert smartshop(tmp_path, "train", "--json", SMARTSHOP_DATABASE_URL=url).json["promoted"]


def test_the_api_document_is_printed(tmp_path: Path) -> None:
    ended = smartshop(tmp_path, "openapi")
    assert "/v1/events" in ended.json["paths"]
    assert list(tmp_path.iterdir()) == []


def test_settings_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SMARTSHOP_DATA_DIR=elsewhere\nSMARTSHOP_MODELS_DIR=\n")
    assert smartshop(tmp_path, "keys", "create", "secret").status == 0
    assert (tmp_path / "elsewhere").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "elsewhere"]
