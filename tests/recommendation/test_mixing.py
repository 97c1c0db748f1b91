"""Blend, calibration, measures and splits against values worked out by hand."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.ai_agents.recommendation.blend import blend
from smartshop.ai_agents.recommendation.calibration import Calibration, fit_calibration, pool_adjacent_violators
from smartshop.ai_agents.recommendation.held_out import Protocol, hold_out, protocol_for
from smartshop.ai_agents.recommendation.metrics import draw_bootstrap, measure
from smartshop.ai_agents.recommendation.mixing import mix
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.recommendation.training import train
from tests.recommendation.worlds import (
    DAY,
    HOUR,
    SECOND,
    START,
    ask,
    sequences_of,
    shelf_of_tastes,
    shop_of_tastes,
    silent,
    view,
)


def numbers(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(values, np.int32)


def test_reciprocal_ranks_add_up() -> None:
    found = blend([numbers(7, 3), numbers(3)], (1.0, 2.0), 1.0, 10)
    # 7: 1/(1+1); 3: 1/(1+2) + 2/(1+1)
    assert found.product_no.tolist() == [3, 7]
    assert found.score.tolist() == pytest.approx([1 / 3 + 1, 0.5])
    assert found.origin.tolist() == [1, 0]


def test_a_source_of_weight_nought_names_nothing() -> None:
    assert blend([numbers(1), numbers(2)], (1.0, 0.0), 1.0, 10).product_no.tolist() == [1]
    assert len(blend([numbers(), numbers()], (1.0, 1.0), 1.0, 10).product_no) == 0


def test_ties_of_the_blend_go_to_the_smaller_number() -> None:
    assert blend([numbers(9), numbers(4)], (1.0, 1.0), 1.0, 10).product_no.tolist() == [4, 9]


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.booleans()), min_size=60, max_size=200), st.integers(0, 99))
def test_more_score_is_always_more_odds(rows: list[tuple[float, bool]], seed: int) -> None:
    scores, acted = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    fitted = fit_calibration(scores, acted)
    asked = np.sort(np.random.default_rng(seed).uniform(0.001, 10, 200))
    odds = fitted.of(asked)
    assert np.isfinite(odds).all()
    assert (np.diff(odds)[np.diff(asked) > 1e-9] > 0).all()


def test_the_calibration_finds_the_true_odds() -> None:
    """A world where odds are score / 10: with 60,000 observations the fit is within a quarter of a log-odd."""
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.05, 5, 60_000)
    odds = scores / 10
    fitted = fit_calibration(scores, rng.random(len(scores)) < odds / (1 + odds))
    asked = np.array([0.2, 1.0, 4.0])
    assert fitted.of(asked) == pytest.approx(np.log(asked / 10), abs=0.25)


def test_too_little_evidence_leaves_the_default() -> None:
    assert fit_calibration(np.ones(100), np.arange(100) < 3) == Calibration()


def test_pooling_is_the_nearest_rising_sequence() -> None:
    assert pool_adjacent_violators(np.array([3.0, 1.0, 2.0]), np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert pool_adjacent_violators(np.array([4.0, 1.0]), np.array([1.0, 2.0])).tolist() == [2.0, 2.0]


def test_the_measures_by_hand() -> None:
    hits = np.zeros((3, 12), np.bool_)
    hits[0, [1, 3]] = True
    hits[1, 11] = True
    found = measure(hits, np.array([3, 1, 5]))
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert found.hit_rate.tolist() == [1, 0, 0]
    assert found.ndcg == pytest.approx([(1 / np.log2(3) + 1 / np.log2(5)) / ideal, 0, 0])
    assert found.recall == pytest.approx([2 / 3, 0, 0])
    assert found.reciprocal_rank == pytest.approx([1 / 2, 0, 0])
    assert measure(hits, np.array([3, 1, 5]), 12).reciprocal_rank == pytest.approx([1 / 2, 1 / 12, 0])


def test_recall_of_a_basket_larger_than_the_list_can_be_whole() -> None:
    found = measure(np.ones((1, 10), np.bool_), np.array([25]))
    assert found.recall.tolist() == [1.0]
    assert found.ndcg == pytest.approx([1.0])


def test_the_bootstrap_draws_whole_shoppers() -> None:
    """One shopper's hundred equal answers are one piece of evidence: the interval must stay wide."""
    values = np.concatenate((np.ones(100), np.zeros(1)))
    together = draw_bootstrap(np.array([0] * 100 + [1]), np.random.default_rng(0)).interval(values)
    apart = draw_bootstrap(np.arange(101), np.random.default_rng(0)).interval(values)
    assert together.low == 0.0
    assert apart.low > 0.9
    assert together.mean == pytest.approx(100 / 101)


def test_nothing_newer_than_the_questions_is_learned_from() -> None:
    sequences = make_sequences(shop_of_tastes(), SequenceConfig())
    held = hold_out(sequences, 10_000, np.random.default_rng(0), Protocol.BY_TIME)
    assert held.rest.occurred_at.max() <= held.since
    assert len(held.questions) > 50
    for question in held.questions:
        assert question.now > held.since
        assert (question.history_at <= question.now).all()
        assert len(question.targets) > 0


def test_the_middle_of_a_session_is_asked_for_what_is_left_of_it() -> None:
    old = [view(0, 5, START + i * DAY) for i in range(36)]
    walk = [view(0, product, START + 50 * DAY + i * 60 * SECOND) for i, product in enumerate([1, 2, 3, 4])]
    held = hold_out(sequences_of([*old, *walk], 6), 10, np.random.default_rng(0), Protocol.BY_TIME)
    asked = {tuple(question.targets.tolist()): question.history[-1] for question in held.questions}
    assert asked == {(1, 2, 3, 4): 5, (3, 4): 2}


def test_leave_one_out_takes_the_last_product_of_everyone_with_enough() -> None:
    rows = [view(0, p, START + p) for p in range(3)] + [view(1, 4, START), view(1, 5, START + 1)]
    sequences = sequences_of(rows, 6)
    held = hold_out(sequences, 10, np.random.default_rng(0), Protocol.LEAVE_ONE_OUT)
    assert [(question.shopper, question.targets.tolist()) for question in held.questions] == [(0, [2])]
    assert held.rest.product.tolist() == [0, 1, 4, 5]


def test_times_that_are_only_an_order_are_split_by_order() -> None:
    minute = 60 * SECOND
    places = [view(s, p, 946_771_200_000_000 + p * minute) for s in range(3) for p in range(2_000)]
    assert protocol_for(sequences_of(places, 2_000)) is Protocol.LEAVE_ONE_OUT
    assert protocol_for(sequences_of([view(0, 0, START), view(0, 1, START + 30 * HOUR)], 2)) is Protocol.BY_TIME


def test_sources_without_weight_are_asked_for_a_ranker_only_and_change_no_blend() -> None:
    shelf = shelf_of_tastes()
    model = train(shop_of_tastes(), shelf, np.random.default_rng(0), silent).model
    weights = {"markov": 1.0, "trending": 0.5, "content": 0.0}
    blending = msgspec.structs.replace(model.recipe.blend, weights=weights, weights_new=weights)
    model = replace(model, recipe=msgspec.structs.replace(model.recipe, blend=blending))
    known = model.view(shelf)
    question = ask(shelf, history=[1, 2, 12])
    whole = mix(model, known, question, 20)
    quick = mix(model, known, question, 20, ask_the_weightless=False)
    assert whole.blended.product_no.tolist() == quick.blended.product_no.tolist()
    assert whole.blended.score.tolist() == quick.blended.score.tolist()
    asked = {name for name, drawn in zip(SOURCES, quick.drawn, strict=True) if len(drawn.product_no)}
    assert asked <= {"markov", "trending", "newcomers"}
    assert len(whole.drawn[SOURCES.index("content")].product_no) > 0
