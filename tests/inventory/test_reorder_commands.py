"""The job that learns demand, `smartshop forecast` and `smartshop reorder`, as an operator runs them."""

from pathlib import Path

import pytest

from smartshop.jobs import run_job
from tests.commands.command import smartshop
from tests.inventory.supply_shop import opened_supply_shop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("operator")
    with opened_supply_shop(made) as shop:
        learned = run_job("train-inventory", shop.settings, shop.place, arguments={"most_valuable": "0"})
    assert learned["weeks"] == 51  # the shop's clock stands at the last order, so its week is not over
    return made / "shop"


def test_what_to_order_is_told_in_words_and_as_json(folder: Path) -> None:
    told = smartshop(folder, "reorder", "--data-dir", ".")
    assert told.status == 0, told.err
    assert "Quick & Sons" in told.out
    facts = smartshop(folder, "reorder", "--data-dir", ".", "--budget", "400", "--json").json
    assert facts["cash_minor"] <= 40_000
    assert facts["budget_minor"] == 40_000
    assert {"kettle", "lamp", "rare"} >= {one["variant_id"] for one in facts["items"]}


def test_what_was_proposed_is_kept_and_its_score_told(folder: Path) -> None:
    before = smartshop(folder, "reorder", "--data-dir", ".", "--score")
    assert (before.status, before.out.strip()) == (0, "No proposal's time is over yet, so none is scored."), before.err
    looked = smartshop(folder, "job", "look-over-stock", "--data-dir", ".", "--no-demo", "--json").json
    assert (looked["proposals"], looked["scored"]) == (3, 0)
    facts = smartshop(folder, "reorder", "--data-dir", ".", "--score", "--json").json
    assert (facts["proposals"], facts["waiting"]) == (3, 3 + looked["not_now_kept"])


def test_a_forecast_is_told_and_drawn(folder: Path) -> None:
    told = smartshop(folder, "forecast", "kettle", "--data-dir", ".", "--plot", "kettle.svg")
    assert told.status == 0, told.err
    assert "Kettle at main" in told.out
    assert (folder / "kettle.svg").stat().st_size > 10_000
    facts = smartshop(folder, "forecast", "kettle", "--data-dir", ".", "--json").json
    assert len(facts["series"][0]["weeks"]) == 12


def test_a_narrow_terminal_shows_every_figure_of_a_forecast_whole(folder: Path) -> None:
    told = smartshop(folder, "forecast", "kettle", "--data-dir", ".", COLUMNS="80")
    (stock,) = smartshop(folder, "forecast", "kettle", "--data-dir", ".", "--json").json["stock"]
    assert stock["out_on"] in told.out.partition("Stock, if nothing is ordered")[2]
    assert ("asked for" in told.out, "…" in told.out) == (True, False), told.out


def test_a_calculation_is_listed_under_the_name_to_be_typed(folder: Path) -> None:
    assert "…" not in smartshop(folder, "calculate", COLUMNS="80").out.replace("… ", "")


def test_a_budget_without_end_is_refused_in_a_sentence(folder: Path) -> None:
    ended = smartshop(folder, "reorder", "--budget", "inf", "--data-dir", ".")
    assert (ended.status, "--budget" in ended.err, "Traceback" in ended.err) == (2, True, False), ended.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("forecast", "nothing"), "There is no product 'nothing'"),
        (("forecast", "kettle", "--plot", "kettle.txt"), "no known suffix"),
        (("reorder", "--draft", "nobody"), "There is no supplier 'nobody'"),
        (("reorder", "--draft", "quick", "--to", "moon"), "Nothing is to be ordered from 'quick' for 'moon'"),
        (("reorder", "--to", "main"), "--draft"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(folder: Path, arguments: tuple[str, ...], why: str) -> None:
    ended = smartshop(folder, *arguments, "--data-dir", ".")
    assert (ended.status, why in ended.err) == (1, True), ended.err


def test_before_anything_is_learned_the_command_to_run_is_named(tmp_path: Path) -> None:
    ended = smartshop(tmp_path, "reorder", "--data-dir", ".", "--no-demo")
    assert (ended.status, "smartshop train inventory" in ended.err) == (1, True), ended.err


def test_all_that_goes_to_a_supplier_is_drafted_once(folder: Path) -> None:
    before = smartshop(folder, "reorder", "--data-dir", ".")
    assert "Slow Boat, to main: 1 product for" in " ".join(before.out.split()), before.out
    assert "and 20.00 GBP for the order itself" in " ".join(before.out.split())
    made = smartshop(folder, "reorder", "--draft", "slow", "--data-dir", ".")
    assert (made.status, "together" in made.out, "Drafted as po-" in made.out) == (0, True, True), made.err
    again = smartshop(folder, "reorder", "--draft", "slow", "--to", "main", "--data-dir", ".", "--json").json
    assert (again["is_new"], again["supplier_id"], again["status"]) == (False, "slow", "draft")
    assert again["purchase_order_id"] in made.out
    facts = smartshop(folder, "reorder", "--data-dir", ".", "--json").json
    (lamp,) = [one for one in facts["items"] if one["variant_id"] == "lamp"]
    assert facts["drafted"] == {lamp["proposal_id"]: again["purchase_order_id"]}
    assert again["lines"] == [
        {"variant_id": "lamp", "units": lamp["units"], "unit_cost_minor": lamp["unit_cost_minor"]}
    ]
    after = smartshop(folder, "reorder", "--data-dir", ".")
    assert f"Drafted as {again['purchase_order_id']}." in " ".join(after.out.split())
