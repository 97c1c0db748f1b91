"""Who speaks for the shopper: the newest loudest, an order as a whole, what is in focus before all."""

from collections.abc import Sequence

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.anchors import (
    FOCUS_BACKGROUND,
    MAX_ANCHORS,
    STEP_DECAY,
    anchors_of,
    as_it_came,
    ask_of,
)
from smartshop.ai_agents.recommendation.slist import MOMENT_DECAY, speakers_of
from smartshop.ai_agents.recommendation.source import Anchors, Moment
from tests.recommendation.worlds import DAY, SECOND, START

Sign = tuple[int, int, bool]
"""product, µs before now, ordered"""


def anchors(signs: Sequence[Sign], focus: Sequence[int] = (), *, told: bool = True) -> Anchors:
    """`signs`: oldest first; not `told`: nobody says which were orders."""
    return anchors_of(moment(signs, focus, told=told))


def moment(signs: Sequence[Sign], focus: Sequence[int] = (), *, told: bool = True) -> Moment:
    return Moment(
        eligible=np.ones(500, np.bool_),
        history=np.array([product for product, _, _ in signs], np.int32),
        history_at=np.array([START - ago for _, ago, _ in signs], np.int64),
        now=START,
        focus=np.array(focus, np.int32),
        bought=np.array([bought for _, _, bought in signs] if told else [], np.bool_),
    )


def looks(products: Sequence[int]) -> list[Sign]:
    return [(product, (len(products) - place) * SECOND, False) for place, product in enumerate(products)]


def test_the_newer_product_is_louder_and_each_speaks_once() -> None:
    found = anchors(looks([1, 2, 1, 3]))
    assert found.product_no.tolist() == [3, 1, 2]
    assert found.weight.tolist() == pytest.approx([1, STEP_DECAY, STEP_DECAY**2], rel=1e-4)


def test_of_looks_twenty_speak() -> None:
    assert anchors(looks(range(60))).product_no.tolist() == list(range(59, 39, -1))


def test_lines_of_one_order_are_equally_loud_and_the_order_before_is_quieter() -> None:
    orders = [(product, 2 * SECOND, True) for product in (7, 8)] + [(product, SECOND, True) for product in (1, 2, 3)]
    found = anchors(orders)
    assert sorted(found.product_no[:3].tolist()) == [1, 2, 3]
    assert found.weight.tolist() == pytest.approx([1, 1, 1, STEP_DECAY, STEP_DECAY], rel=1e-4)


def test_a_large_order_speaks_as_a_whole_up_to_a_bound() -> None:
    assert len(anchors([(product, SECOND, True) for product in range(60)]).product_no) == 60
    assert len(anchors([(product, SECOND, True) for product in range(150)]).product_no) == MAX_ANCHORS


def test_looks_of_one_moment_keep_their_order() -> None:
    """A request's own history has no times of its own."""
    at_once = [(product, SECOND, False) for product in (1, 2, 3)]
    expected = pytest.approx([1, STEP_DECAY, STEP_DECAY**2])
    assert anchors(at_once).weight.tolist() == expected
    assert anchors([(product, ago, True) for product, ago, _ in at_once], told=False).weight.tolist() == expected


def test_while_an_instant_goes_on_its_lines_speak_in_the_order_in_which_they_came() -> None:
    came = [(product, 0, True) for product in (1, 2, 3)]
    asked = ask_of(moment([(9, DAY, True), (8, DAY, True), *came]), lines_in_order=True)
    assert asked.anchors.product_no[:3].tolist() == [3, 2, 1]
    assert asked.anchors.weight[:3].tolist() == pytest.approx([1, STEP_DECAY, STEP_DECAY**2])
    assert asked.anchors.weight[3] == asked.anchors.weight[4]
    assert speakers_of(asked).weight[:3].tolist() == pytest.approx([1, MOMENT_DECAY, MOMENT_DECAY**2])
    assert np.diff(asked.moment.history_at).tolist() == pytest.approx([0, DAY, 1, 1], abs=2)
    assert asked.moment.history_at[-1] == asked.moment.now


def test_in_other_shops_lines_that_came_so_far_are_alike_too() -> None:
    came = moment([(4, 0, False), *[(product, 0, True) for product in (1, 2, 3)]])
    asked = ask_of(came)
    assert np.diff(asked.moment.history_at).tolist() == [1, 0, 0]
    assert asked.anchors.weight.tolist() == pytest.approx([1, 1, 1, STEP_DECAY])
    of_lines = moment([(product, 0, True) for product in (1, 2, 3)])
    assert as_it_came(of_lines, lines_in_order=False) is of_lines


def test_a_history_sent_with_the_request_speaks_in_its_order_everywhere() -> None:
    asked = ask_of(moment([(product, 0, False) for product in (1, 2, 3)]))
    assert speakers_of(asked).product_no.tolist() == asked.anchors.product_no.tolist() == [3, 2, 1]
    assert speakers_of(asked).weight.tolist() == pytest.approx([1, MOMENT_DECAY, MOMENT_DECAY**2])


def test_an_instant_that_is_over_stays_as_it_is() -> None:
    over = moment([(product, 1, True) for product in (1, 2, 3)])
    assert as_it_came(over, lines_in_order=True) is over


def test_a_month_halves_the_voice() -> None:
    found = anchors([(1, 30 * DAY + SECOND, False), (2, SECOND, False)])
    assert found.weight.tolist() == pytest.approx([1, STEP_DECAY / 2])


def test_what_is_in_focus_speaks_first_and_the_history_behind_it() -> None:
    found = anchors(looks([1, 2, 3]), focus=[9, 3])
    assert found.product_no.tolist() == [3, 9, 2, 1]
    assert found.weight[:2].tolist() == [1, STEP_DECAY]
    assert found.weight[2] == pytest.approx(FOCUS_BACKGROUND * STEP_DECAY, rel=1e-4)


def test_nobody_speaks_for_a_stranger() -> None:
    assert len(anchors([]).product_no) == len(anchors([]).weight) == 0
