"""Whatever goes wrong, a command says one sentence with what would be right, and ends with 1 (2 for wrong usage)."""

import os
import socket
from pathlib import Path

import pytest

from tests.commands.command import Ended, smartshop, smartshop_process
from tests.importing.shop import interactions_file


def assert_one_sentence(ended: Ended, *words: str) -> None:
    said = [line for line in ended.err.splitlines() if line.startswith("smartshop: ")]
    assert "Traceback" not in ended.err + ended.out
    assert len(said) == 1, ended.err
    assert said[0].endswith(".")
    assert [word for word in words if word not in said[0]] == []
    assert ended.status == 1


@pytest.mark.parametrize(
    ("variable", "value", "example"),
    [
        ("SMARTSHOP_CURRENCY", "POUNDS", "GBP"),
        ("SMARTSHOP_TIMEZONE", "Mars/Phobos", "Europe/London"),
        ("SMARTSHOP_DATABASE_URL", "mysql://shop", "postgresql://"),
        ("SMARTSHOP_LOG_LEVEL", "loud", "INFO"),
        ("SMARTSHOP_SECRET_KEYS", "short", "16"),
        ("SMARTSHOP_CONSENT_DEFAULT", "maybe", "granted"),
    ],
)
def test_a_bad_setting_stops_with_its_name_and_an_example(
    tmp_path: Path, variable: str, value: str, example: str
) -> None:
    ended = smartshop(tmp_path, "up", **{variable: value})
    assert_one_sentence(ended, variable, example)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import", "spreadsheets", "x.csv"], ["spreadsheets", "online-retail"]),
        (["import", "products", "missing.csv"], ["missing.csv"]),
        (["import", "products", "."], ["There is no file"]),
        (["job", "dance"], ["dance", "train-recommendation"]),
        (["train", "dance"], ["dance"]),
        (["job", "prune", "--day", "tomorrow"], ["tomorrow", "2026-11-22"]),
        (["job", "prune", "--day", "1066-10-14"], ["1066-10-14"]),
        (["evaluate"], ["import or simulate"]),
        (["keys", "create", "golden"], ["golden", "publishable"]),
        (["keys", "revoke", "key-none"], ["key-none"]),
        (["simulate", "--scenario", "desert"], ["desert", "outdoor_store"]),
        (["simulate", "--url", "http://127.0.0.1:9"], ["127.0.0.1:9"]),
        (["simulate", "--url", "nonsense"], ["nonsense"]),
        (["api"], ["SMARTSHOP_DATABASE_URL", "smartshop up"]),
        (["worker"], ["SMARTSHOP_DATABASE_URL", "smartshop up"]),
        (["migrate", "--data-dir", "/proc/nowhere"], ["SMARTSHOP_DATA_DIR"]),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    assert_one_sentence(smartshop(tmp_path, *arguments), *words)


@pytest.mark.parametrize("arguments", [["dance"], ["import"], ["up", "--port", "0"], ["up", "--port", "http"]])
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    ended = smartshop(tmp_path, *arguments)
    assert ended.status == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", [["migrate"], ["doctor", "--json"], ["up"], ["train"], ["keys", "list"]])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, command: list[str]) -> None:
    folder = tmp_path / "smartshop-data"
    folder.mkdir()
    (folder / "shop.db").write_bytes(b"not a database at all" * 100)
    ended = smartshop_process(tmp_path, *command) if command == ["up"] else smartshop(tmp_path, *command)
    assert "Traceback" not in ended.err
    assert ended.status == 1
    assert "shop.db" in ended.err + ended.out
    assert (folder / "shop.db").read_bytes().startswith(b"not a database")


def test_a_torn_database_is_named(tmp_path: Path) -> None:
    interactions_file(tmp_path / "interactions.csv")
    smartshop(tmp_path, "import", "interactions", "interactions.csv")
    database = tmp_path / "smartshop-data" / "shop.db"
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xff" * (size - 8_192))
    ended = smartshop(tmp_path, "train")
    assert_one_sentence(ended, "shop.db")


def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    ended = smartshop(tmp_path, "migrate", SMARTSHOP_DATABASE_URL="postgresql://shop:hush-hush@127.0.0.1:9/shop")
    assert_one_sentence(ended, "127.0.0.1:9", "refused")
    assert "hush-hush" not in ended.err


def test_a_port_in_use_is_named_with_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = smartshop(tmp_path, "up", "--port", str(port))
    assert_one_sentence(ended, str(port), "--port")
    assert list(tmp_path.iterdir()) == []


def test_a_demonstration_never_mixes_with_a_named_database(tmp_path: Path) -> None:
    ended = smartshop(tmp_path, "up", "--demo", SMARTSHOP_DATABASE_URL="sqlite:///real.db")
    assert_one_sentence(ended, "--demo")


def test_a_demonstration_is_never_made_in_a_real_shop(tmp_path: Path) -> None:
    interactions_file(tmp_path / "interactions.csv", rows=50)
    smartshop(tmp_path, "import", "interactions", "interactions.csv")
    assert_one_sentence(smartshop(tmp_path, "job", "make-demo"), "holds a shop already")


def test_a_file_in_the_way_of_the_data_dir_is_named(tmp_path: Path) -> None:
    (tmp_path / "smartshop-data").write_text("")
    assert_one_sentence(smartshop(tmp_path, "keys", "list"), "smartshop-data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_dir_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "smartshop-data"
    folder.mkdir(mode=0o500)
    assert_one_sentence(smartshop(tmp_path, "migrate"), "smartshop-data")


def test_a_settings_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SMARTSHOP_SHOP_NAME=Caf\xe9".encode("latin-1"))
    assert_one_sentence(smartshop(tmp_path, "migrate"), ".env")
