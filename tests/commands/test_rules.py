"""`smartshop rules`: added from a file, listed, switched, removed; a bad file adds nothing."""

import json
from pathlib import Path

import pytest

from tests.commands.command import smartshop
from tests.importing.shop import opened_shop

SALE = {
    "name": "Sale",
    "effect": {"kind": "boost", "strength": 0.7},
    "products": {"category": ["Garden"]},
    "starts_at": "2026-06-01T00:00:00",
}
TWO_OF_A_BRAND = {"name": "Two of a brand", "effect": {"kind": "cap", "at_most": 2, "per": "brand"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with opened_shop(tmp_path / "smartshop-data"):
        return tmp_path / "rules.json"


def test_rules_come_from_a_file_and_go(tmp_path: Path, file: Path) -> None:
    file.write_text(json.dumps([SALE, TWO_OF_A_BRAND]), encoding="utf-8")
    added = smartshop(tmp_path, "rules", "add", str(file), SMARTSHOP_TIMEZONE="Europe/Berlin")
    assert added.status == 0, added.err
    sale, two = smartshop(tmp_path, "rules", "list", "--json").json
    assert added.out.splitlines() == [f"{sale['rule_id']} Sale", f"{two['rule_id']} Two of a brand"]
    assert sale["starts_at"] == "2026-05-31T22:00:00.000000Z", "midnight in the shop's own zone"
    assert (two["effect"], two["state"]) == ({"kind": "cap", "at_most": 2, "per": "brand"}, "holds")
    assert "holds" in smartshop(tmp_path, "rules", "list").out
    assert smartshop(tmp_path, "rules", "switch", two["rule_id"], "--off").status == 0
    assert smartshop(tmp_path, "rules", "list", "--json").json[1]["state"] == "off"
    assert smartshop(tmp_path, "rules", "remove", two["rule_id"]).status == 0
    assert [one["name"] for one in smartshop(tmp_path, "rules", "list", "--json").json] == ["Sale"]


def test_a_file_with_one_bad_rule_adds_none(tmp_path: Path, file: Path) -> None:
    for text, said in (
        (json.dumps([SALE, {**TWO_OF_A_BRAND, "effect": {"kind": "cap"}}]), "either at_most or share"),
        (json.dumps({**SALE, "effect": {"kind": "boost", "strength": 9}}), "effect.strength is 9"),
        ("no JSON", "no JSON"),
    ):
        file.write_text(text, encoding="utf-8")
        ended = smartshop(tmp_path, "rules", "add", str(file))
        assert (ended.status, ended.out) == (1, "")
        assert said in ended.err
    assert smartshop(tmp_path, "rules", "list", "--json").json == []


def test_a_rule_that_is_not_there_is_told_as_such(tmp_path: Path, file: Path) -> None:
    assert not file.exists()
    for command in (("remove", "r-none"), ("switch", "r-none", "--on")):
        ended = smartshop(tmp_path, "rules", *command)
        assert ended.status == 1
        assert "no rule 'r-none'" in ended.err
