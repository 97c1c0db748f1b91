"""What is asked and what may be learned from, protocol by protocol, on histories small enough to read."""

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.held_out import ALL_SHOPPERS, HeldOut, Protocol, hold_out
from tests.recommendation.worlds import DAY, SECOND, START, Row, order, sequences_of, view

CUT = START + 10 * DAY


def held(rows: list[Row], protocol: Protocol, *, shoppers: int = ALL_SHOPPERS) -> HeldOut:
    return hold_out(sequences_of(rows, 10), shoppers, np.random.default_rng(0), protocol, cut=CUT)


def test_the_next_basket_is_the_first_order_after_the_cut() -> None:
    rows = order(0, (1, 2), START, 0) + order(0, (2, 3), CUT, 1) + order(0, (4,), CUT + DAY, 2)
    found = held(rows, Protocol.NEXT_BASKET)
    assert [question.targets.tolist() for question in found.questions] == [[2, 3]]
    question = found.questions[0]
    assert question.history.tolist() == [1, 2]
    assert question.history_order.tolist() == [0, 0]
    assert question.now == CUT
    assert found.rest.product.tolist() == [1, 2]


def test_only_customers_with_an_order_before_the_cut_are_asked_about() -> None:
    looked = [view(0, 1, START), *order(0, (2,), CUT, 0)]
    came_later = order(1, (3,), CUT, 1)
    bought = order(2, (4,), START, 2) + order(2, (5,), CUT, 3)
    found = held([*looked, *came_later, *bought], Protocol.NEXT_BASKET)
    assert [(question.shopper, question.targets.tolist()) for question in found.questions] == [(2, [5])]


def test_what_was_looked_at_on_the_way_to_the_basket_is_no_history() -> None:
    rows = [*order(0, (1,), START, 0), view(0, 2, CUT), view(0, 3, CUT + 60 * SECOND)]
    rows += order(0, (2,), CUT + 120 * SECOND, 1)
    question = held(rows, Protocol.NEXT_BASKET).questions[0]
    assert (question.history.tolist(), question.targets.tolist()) == ([1], [2])


def test_every_step_of_a_later_session_is_asked_from_the_session_alone() -> None:
    rows = [view(0, 9, START), *[view(0, product, CUT + i * SECOND) for i, product in enumerate((1, 2, 1))]]
    asked = [(q.history.tolist(), q.targets.tolist()) for q in held(rows, Protocol.NEXT_SIGN).questions]
    assert asked == [([1], [2]), ([1, 2], [1])]


def test_a_session_of_one_sign_and_one_begun_before_the_cut_are_not_asked() -> None:
    across = [view(0, 1, CUT - SECOND), view(0, 2, CUT + SECOND)]
    assert held([*across, view(1, 3, CUT)], Protocol.NEXT_SIGN).questions == ()


@pytest.mark.parametrize("protocol", [Protocol.BY_TIME, Protocol.NEXT_BASKET, Protocol.NEXT_SIGN])
def test_nothing_from_the_cut_on_is_learned_from(protocol: Protocol) -> None:
    rows = [row for shopper in range(4) for row in order(shopper, (1, 2), START, shopper)]
    rows += [row for shopper in range(4) for row in order(shopper, (3, 4), CUT, 4 + shopper)]
    found = held(rows, protocol)
    assert found.rest.occurred_at.max() < CUT
    assert len(found.questions) == 4
    assert len(held(rows, protocol, shoppers=2).questions) == 2


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_history_of_nothing_has_no_questions(protocol: Protocol) -> None:
    assert held([view(0, 1, START)], protocol).questions == ()
