"""How a trial of the models is asked for on the command line."""

from pathlib import Path

import pytest

from smartshop.ai_agents.recommendation.evaluate import MAX_SHOPPERS
from smartshop.ai_agents.recommendation.held_out import ALL_SHOPPERS, SHARE, Protocol
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.errors import InvalidValue
from smartshop.evaluating import trial_of
from smartshop.settings import Settings
from tests.commands.command import smartshop
from tests.importing.shop import interactions_file


def test_without_options_the_shops_own_times_decide() -> None:
    trial = trial_of(None, None, None, 0, Settings())
    assert (trial.protocol, trial.cut, trial.share, trial.max_shoppers) == (None, None, SHARE, MAX_SHOPPERS)


def test_a_cut_is_the_beginning_of_a_day_in_the_shops_zone_or_a_share() -> None:
    trial = trial_of("next_basket", "2011-06-01", 0, 3, Settings(timezone="Europe/London"))
    assert trial.cut is not None
    assert format_rfc3339(trial.cut) == "2011-05-31T23:00:00.000000Z"
    assert (trial.protocol, trial.max_shoppers, trial.seed) == (Protocol.NEXT_BASKET, ALL_SHOPPERS, 3)
    assert trial_of("by_time", "0.25", None, 0, Settings()).share == 0.25


@pytest.mark.parametrize("cut", ["soon", "1.5", "0", "1", "2011-13-01", "0001-01-01", "1.2.3", ""])
def test_a_cut_that_cannot_be_read_is_refused_with_one_that_can(cut: str) -> None:
    with pytest.raises(InvalidValue, match=r"2011-06-01|between 2000 and 2100"):
        trial_of("by_time", cut, None, 0, Settings())


def test_an_unknown_protocol_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidValue, match="by_time, leave_one_out, next_basket, next_sign"):
        trial_of("random", None, None, 0, Settings())


def test_leave_one_out_has_no_cut() -> None:
    with pytest.raises(InvalidValue, match="leave --cut out"):
        trial_of("leave_one_out", "0.1", None, 0, Settings())


def test_the_tables_are_written_as_markdown_and_json(tmp_path: Path) -> None:
    interactions_file(tmp_path / "interactions.csv", rows=600)
    smartshop(tmp_path, "import", "interactions", "interactions.csv")
    options = ["--protocol", "leave_one_out", "--shoppers", "20", "--json-file", "all.json", "--markdown", "all.md"]
    ended = smartshop(tmp_path, "evaluate", *options)
    assert ended.status == 0
    assert '"protocol": "leave_one_out"' in (tmp_path / "all.json").read_text()
    assert "What each source adds" in (tmp_path / "all.md").read_text()


def test_a_cut_after_everything_leaves_nothing_to_ask(tmp_path: Path) -> None:
    interactions_file(tmp_path / "interactions.csv", rows=400)
    smartshop(tmp_path, "import", "interactions", "interactions.csv")
    ended = smartshop(tmp_path, "evaluate", "--protocol", "next_basket", "--cut", "2090-01-01")
    assert ended.status == 1
    assert "too little to evaluate" in ended.err
