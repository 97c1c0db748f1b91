"""Textbook answers by name, as a planner asks for them at the command line."""

import json

import pytest
from typer.testing import CliRunner

from smartshop.ai_agents.inventory.policies.calculator import CALCULATIONS, calculate, inputs_of
from smartshop.cli import app
from smartshop.errors import InvalidValue, NotFound

NUMBERS: dict[str, float | list[float]] = {
    "holding_rate": 0.3,
    "unit_costs": [0.75, 0.72],
    "from_units": [0.0, 400.0],
    "demand": [90.0, 120.0, 80.0, 70.0],
    "sample": [3.0, 5.0, 9.0],
    "echelon_holding_costs": [3.0, 2.0],
    "lead_times": [1.0, 1.0],
    "lead_time": 2.0,
    "probability": 0.4,
    "stockout_cost": 40.0,
}


@pytest.mark.parametrize("name", list(CALCULATIONS))
def test_every_calculation_answers_by_the_names_it_asks_for(name: str) -> None:
    found = calculate(name, {each: NUMBERS.get(each, 4.0) for each in inputs_of(name)[0]})
    assert found
    json.dumps(found)


def test_the_books_order_is_worked_out() -> None:
    found = calculate("eoq", {"fixed_cost": 8, "holding_cost": 0.225, "demand_rate": 1300})
    assert found["units"] == pytest.approx(304.0467800264368, rel=1e-9)


def test_only_what_was_asked_for_is_told() -> None:
    basics: dict[str, float | list[float]] = {"fixed_cost": 8, "demand_rate": 1300}
    told = {
        "eoq": calculate("eoq", {**basics, "holding_cost": 0.225}),
        "backorders": calculate("eoq-backorders", {**basics, "holding_cost": 0.225, "stockout_cost": 5}),
        "discounts": calculate(
            "eoq-discounts", {**basics, "holding_rate": 0.3, "unit_costs": [0.75, 0.72], "from_units": [0, 400]}
        ),
    }
    assert {name: set(found) for name, found in told.items()} == {
        "eoq": {"units", "cost"},
        "backorders": {"units", "cost", "short_share"},
        "discounts": {"units", "cost", "price_place"},
    }


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(NotFound, match="no calculation 'eog'"):
        calculate("eog", {})
    with pytest.raises(InvalidValue, match="has no fixed_cost"):
        calculate("eoq", {"holding_cost": 1, "demand_rate": 2})
    with pytest.raises(InvalidValue, match="knows no 'colour'"):
        calculate("eoq", {"fixed_cost": 8, "holding_cost": 1, "demand_rate": 2, "colour": 3})
    with pytest.raises(InvalidValue, match="one number"):
        calculate("eoq", {"fixed_cost": [8, 9], "holding_cost": 1, "demand_rate": 2})
    with pytest.raises(InvalidValue, match="whole number"):
        calculate(
            "levels-poisson", {"holding_cost": 1, "stockout_cost": 4, "fixed_cost": 5, "mean": 6, "lead_time": 1.5}
        )


def test_the_command_lists_reads_and_answers() -> None:
    runner = CliRunner()
    assert "newsvendor-poisson" in runner.invoke(app, ["calculate", "--json"]).output
    told = runner.invoke(
        app, ["calculate", "lots", "demand=90,120,80,70", "holding-cost=2", "fixed-cost=500", "--json"]
    )
    assert json.loads(told.output)["cost"] == pytest.approx(1380)
    assert runner.invoke(app, ["calculate", "eoq", "fixed_cost"]).exit_code != 0
