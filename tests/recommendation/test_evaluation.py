"""The evaluation on a made-up shop whose order of models is known, under every protocol."""

from functools import cache

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.recommendation.baselines import EASE, ITEM_KNN, PERSONAL, POPULARITY
from smartshop.ai_agents.recommendation.contest import OURS
from smartshop.ai_agents.recommendation.evaluate import AT_NEW_MOMENTS, Trial, evaluate
from smartshop.ai_agents.recommendation.figures import EvaluationReport, Figure, ModelFigures, Table
from smartshop.ai_agents.recommendation.held_out import Protocol
from smartshop.ai_agents.recommendation.report import as_markdown, as_tables
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.sources import HANDED_ON
from smartshop.ai_agents.recommendation.vmis import VMIS
from tests.recommendation.worlds import DAY, START, make_interactions, shelf_of_tastes, shop_of_tastes, silent, view

CUT = START + 45 * DAY
SHOPPERS = 90
TINY = 1e-9
"""Of rounding: a figure that never varies may lie beside its interval by this."""


@cache
def report_of(protocol: Protocol) -> EvaluationReport:
    cut = None if protocol is Protocol.LEAVE_ONE_OUT else CUT
    trial = Trial(protocol=protocol, cut=cut, max_shoppers=SHOPPERS, seed=5)
    return evaluate(shop_of_tastes(), shelf_of_tastes(), silent, trial)


def names_of(protocol: Protocol) -> list[str]:
    if protocol is Protocol.NEXT_SIGN:
        return ["repeats allowed", AT_NEW_MOMENTS, "new only"]
    return ["repeats allowed", "new only"]


def rows_of(table: Table) -> dict[str, ModelFigures]:
    return {row.model: row for row in table.models}


@pytest.mark.parametrize("protocol", list(Protocol))
def test_the_models_rank_as_this_world_must(protocol: Protocol) -> None:
    """The walk is known: the blend must beat popularity, but where the last product of everyone is the popular one."""
    report = report_of(protocol)
    assert [table.convention for table in report.tables] == names_of(protocol)
    for table in report.tables:
        rows = rows_of(table)
        assert {OURS, ITEM_KNN, POPULARITY, EASE} <= set(rows)
        assert (PERSONAL in rows) == (protocol is Protocol.NEXT_BASKET)
        assert (VMIS in rows) == (protocol is Protocol.NEXT_SIGN)
        assert (rows[OURS].gain_on(VMIS) is not None) == (protocol is Protocol.NEXT_SIGN)
        gain = rows[OURS].gain_on(POPULARITY)
        assert gain is not None
        assert gain.ndcg.low > 0 or protocol is Protocol.LEAVE_ONE_OUT
        assert rows[ITEM_KNN].ndcg_gain_on_item_knn == Figure(0.0, 0.0, 0.0)
        assert rows[POPULARITY].novelty.mean < rows[ITEM_KNN].novelty.mean or protocol is Protocol.LEAVE_ONE_OUT


@pytest.mark.parametrize("protocol", list(Protocol))
def test_every_figure_lies_in_its_interval(protocol: Protocol) -> None:
    for table in report_of(protocol).tables:
        for row in table.models:
            assert row.diversity is not None
            found = row.accuracy
            for figure in (found.hit_rate, found.ndcg, found.recall, found.mrr, row.coverage, row.diversity):
                assert 0 <= figure.low <= figure.mean + TINY
                assert figure.mean - TINY <= figure.high <= 1 + TINY


def test_leave_one_out_says_that_nothing_learned_from_the_last_two_products_of_anyone() -> None:
    sequences = make_sequences(shop_of_tastes(), SequenceConfig())
    per_shopper = np.bincount(sequences.shopper)
    assert per_shopper.min() > 4
    assert report_of(Protocol.LEAVE_ONE_OUT).signs == len(sequences) - 2 * len(per_shopper)


def test_the_same_trial_gives_the_same_tables() -> None:
    trial = Trial(protocol=Protocol.NEXT_BASKET, cut=CUT, max_shoppers=SHOPPERS, seed=5)
    assert evaluate(shop_of_tastes(), shelf_of_tastes(), silent, trial) == report_of(Protocol.NEXT_BASKET)


def test_what_a_source_adds_is_the_difference_to_the_blend_without_it() -> None:
    for table in report_of(Protocol.BY_TIME).tables:
        whole = rows_of(table)[OURS].accuracy
        assert {worth.source for worth in table.sources} <= set(rows_of(table))
        for worth in table.sources:
            assert worth.adds.ndcg.mean == pytest.approx(whole.ndcg.mean - worth.without.ndcg.mean)
            assert worth.adds.hit_rate.mean == pytest.approx(whole.hit_rate.mean - worth.without.hit_rate.mean)


def test_what_held_out_questions_carry_nothing_of_is_neither_weighed_nor_shown() -> None:
    for table in report_of(Protocol.BY_TIME).tables:
        named = {*rows_of(table), *table.blend_weights, *(worth.source for worth in table.sources)}
        assert not named & HANDED_ON
        assert "trending" in named


def test_sessions_are_judged_by_twenty_places_and_all_others_by_ten() -> None:
    assert {protocol: report_of(protocol).tables[0].cut for protocol in Protocol} == {
        Protocol.BY_TIME: 10,
        Protocol.LEAVE_ONE_OUT: 10,
        Protocol.NEXT_BASKET: 10,
        Protocol.NEXT_SIGN: 20,
    }


def test_lines_of_an_order_are_one_moment() -> None:
    """Of the two lines that end each session of this world the second one is asked for at once."""
    every, moments, _ = report_of(Protocol.NEXT_SIGN).tables
    assert every.questions == pytest.approx(moments.questions * 5 / 4, rel=0.02)
    assert moments.blend_weights == every.blend_weights


def test_the_report_is_read_as_markdown_json_and_on_a_terminal() -> None:
    report = report_of(Protocol.NEXT_BASKET)
    text = as_markdown(report)
    assert all(word in text for word in (OURS, PERSONAL, EASE, "What each source adds", "half-life", "λ"))
    assert msgspec.json.decode(msgspec.json.encode(report), type=EvaluationReport) == report
    assert len(as_tables(report)) == 4


def test_only_the_shoppers_asked_for_are_asked_about() -> None:
    trial = Trial(protocol=Protocol.BY_TIME, max_shoppers=20)
    assert evaluate(shop_of_tastes(), shelf_of_tastes(), silent, trial).tables[0].shoppers == 20


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_shop_of_one_sign_or_none_has_no_questions_and_no_error(protocol: Protocol) -> None:
    for rows in ([], [view(0, 1, START)]):
        interactions = make_interactions(rows, shelf_of_tastes().n_products)
        report = evaluate(interactions, shelf_of_tastes(), silent, Trial(protocol=protocol, cut=CUT))
        assert [table.questions for table in report.tables] == [0] * len(names_of(protocol))
        assert np.isfinite(report.tables[0].models[0].coverage.mean)
