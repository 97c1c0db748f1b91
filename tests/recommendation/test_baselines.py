"""The baselines are what they say, worked out by hand, and are set on validation alone."""

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.baselines import (
    EASE,
    PERSONAL,
    PersonalFrequency,
    fit_baselines,
    fit_ease,
    fit_personal_frequency,
    fit_popularity,
    mean_recall,
)
from smartshop.ai_agents.recommendation.held_out import ALL_SHOPPERS, HeldOut, HeldOutQuestion, Protocol, hold_out
from smartshop.ai_agents.recommendation.tuning import repeats_allowed, without_history
from tests.recommendation.worlds import DAY, START, Row, order, sequences_of, view

N = 6
ALIVE = np.ones(N, np.bool_)


def asked(history: list[tuple[int, int]], targets: list[int], now: int = START + 100 * DAY) -> HeldOutQuestion:
    """`history`: (product, days ago), every sign an order of its own."""
    return HeldOutQuestion(
        shopper=0,
        history=np.array([product for product, _ in history], np.int32),
        history_at=np.array([now - days * DAY for _, days in history], np.int64),
        history_order=np.arange(len(history), dtype=np.int32),
        now=now,
        targets=np.array(targets, np.int32),
    )


def test_popularity_counts_shoppers_not_signs() -> None:
    rows = [view(0, 1, START + i) for i in range(9)] + [view(s, 2, START) for s in (0, 1)]
    found = fit_popularity(sequences_of(rows, N))
    assert found.rank(asked([], []), ALIVE, 10).tolist() == [2, 1]


def test_personal_frequency_fades_and_has_everybodys_orders_behind_it() -> None:
    rows = [row for s in range(3) for row in order(s, (4,), START, s)] + order(3, (5,), START, 3)
    found = fit_personal_frequency(sequences_of(rows, N), half_life=10, half_life_of_all=100)
    question = asked([(1, 20), (1, 20), (2, 5), (3, 40)], [])
    # 1: 2 × 1/4, 2: about .71, 3: 1/16; then 4 before 5; 0 was never ordered.
    assert found.rank(question, ALIVE, 10).tolist() == [2, 1, 3, 4, 5]
    eligible = ALIVE.copy()
    eligible[question.history] = False
    assert found.rank(question, eligible, 10).tolist() == [4, 5]


def test_what_was_only_looked_at_is_no_personal_order() -> None:
    found = PersonalFrequency(half_life=10, orders=np.zeros(N))
    question = asked([(1, 1), (2, 2)], [])
    question.history_order[0] = -1
    assert found.rank(question, ALIVE, 10).tolist() == [2]


def test_ease_prefers_what_goes_with_the_history() -> None:
    rows = [view(s, product, START + s) for s in range(20) for product in ((0, 1) if s % 2 else (2, 3))]
    found = fit_ease(sequences_of(rows, N), 5.0)
    assert found.rank(asked([(0, 1)], []), ALIVE, 2)[0] == 1
    assert found.rank(asked([(2, 1)], []), ALIVE, 2)[0] == 3


def test_recall_is_over_what_the_convention_leaves() -> None:
    rows = [view(s, product, START) for s in range(3) for product in (1, 2)]
    popular = fit_popularity(sequences_of(rows, N))
    questions = [asked([(1, 1)], [1, 2]), asked([(1, 1)], [1]), asked([(1, 1)], [5])]
    assert mean_recall(popular, questions, ALIVE, repeats_allowed) == pytest.approx(2 / 3)
    assert mean_recall(popular, questions, ALIVE, without_history) == pytest.approx(1 / 2)


def habits() -> HeldOut:
    """Everyone orders one of two products long ago, then always the other: only a short half-life tells."""
    rows: list[Row] = []
    for shopper in range(12):
        for week in range(12):
            product = shopper % 3 if week < 8 else 3 + shopper % 3
            rows += order(shopper, (product,), START + week * 7 * DAY, 12 * shopper + week)
    return hold_out(
        sequences_of(rows, N), ALL_SHOPPERS, np.random.default_rng(0), Protocol.NEXT_BASKET, cut=START + 11 * 7 * DAY
    )


def test_baselines_are_set_on_validation_and_learn_from_the_rest() -> None:
    held = habits()
    conventions = (repeats_allowed, without_history)
    for baselines in fit_baselines(held, held.rest, ALIVE, conventions):
        assert [baseline.name for baseline in baselines] == ["popularity", "item-kNN (cosine)", EASE, PERSONAL]
    personal = fit_baselines(held, held.rest, ALIVE, conventions)[0][-1]
    assert isinstance(personal, PersonalFrequency)
    assert mean_recall(personal, held.questions, ALIVE, repeats_allowed) == 1.0
