"""Scenario files: what is shipped works, what is wrong is named."""

from pathlib import Path

import msgspec
import pytest

from smartshop.errors import SourceError
from smartshop.simulator.leaves import Kind
from smartshop.simulator.scenario import SHIPPED, check_names, load_scenario

SCENARIOS = Path(__file__).parents[2] / "src" / "smartshop" / "simulator" / "scenarios"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_loads_by_name_and_by_file(name: str) -> None:
    assert load_scenario(name) == load_scenario(SCENARIOS / f"{name}.toml")


def test_the_shipped_scenarios_share_no_leaf_and_no_brand() -> None:
    one, other = (load_scenario(name) for name in SHIPPED)
    assert not {leaf.category for leaf in one.leaves} & {leaf.category for leaf in other.leaves}
    assert not {brand.name for brand in one.brands} & {brand.name for brand in other.brands}


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('season = "summer"', 'season = "sumer"', "sumer"),
        ('supplier = "alpine"', 'supplier = "alpin"', "alpin"),
        ('"Camping > Mats, beds and pillows"]', '"Camping > Hammocks"]', "Hammocks"),
        ('"Hiking > Socks", "Clothing"]', '"Hiking > Sox", "Clothing"]', "Hiking > Sox"),
        ("price_sensitivity = 1.6", "price_sensitivity = -1", "price_sensitivity"),
        ("shoppers = 3000", 'shoppers = "many"', "shoppers"),
        ("shoppers = 3000", "shopers = 3000", "shopers"),
        ("[rates]", "[rates", "cannot be used"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, before: str, after: str, named: str) -> None:
    text = (SCENARIOS / "outdoor_store.toml").read_text()
    assert before in text
    (tmp_path / "wrong.toml").write_text(text.replace(before, after))
    with pytest.raises(SourceError, match=named):
        load_scenario(tmp_path / "wrong.toml")


def test_a_kind_that_nothing_is_said_of_is_named() -> None:
    scenario = load_scenario("outdoor_store")
    tents = scenario.leaves[0]
    silent = msgspec.structs.replace(tents, kinds=(*tents.kinds, Kind(noun="bell tent")))
    with pytest.raises(SourceError, match="bell tent"):
        check_names(msgspec.structs.replace(scenario, leaves=(silent, *scenario.leaves[1:])))


def test_a_leaf_that_no_brand_makes_is_named() -> None:
    scenario = load_scenario("outdoor_store")
    some = tuple(brand for brand in scenario.brands if "*" not in brand.departments and brand.name != "Grat")
    with pytest.raises(SourceError, match="Climbing > "):
        check_names(
            msgspec.structs.replace(
                scenario,
                brands=some,
                shopper_types=tuple(msgspec.structs.replace(each, brands={}) for each in scenario.shopper_types),
            )
        )


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SourceError, match="outdoor_store"):
        load_scenario("corner_shop")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.toml"):
        load_scenario(tmp_path / "none.toml")
