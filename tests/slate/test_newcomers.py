"""A newcomer's turn: its chance is told exactly, it costs no more chance than there was, and nobody is forced in."""

from dataclasses import replace

import numpy as np
import pytest

from smartshop.ai_agents.advice import Candidates, Question
from smartshop.ai_agents.decision_log import logged
from smartshop.ai_agents.exploration import ExplorationConfig, explore
from smartshop.ai_agents.policy import PolicyConfig, policies
from smartshop.ai_agents.slate import Decided, SlateConfig, decide
from smartshop.data_collection.schemas.ids import DecisionId, Micros, ShopperKey
from smartshop.data_collection.schemas.slates import Surface
from tests.slate.small_shop import ByNumber, make_question, make_shelf

BUSY = ExplorationConfig(places=(1, 3), epsilon=0.4, pool=4, newcomer_place=3)
NEWCOMERS = {12, 20, 29}


def test_the_logged_propensity_is_the_frequency_given_the_items_above() -> None:
    n, limit = 40_000, 5
    prefixes: dict[tuple[int, ...], int] = {}
    continued: dict[tuple[int, ...], int] = {}
    told: dict[tuple[int, ...], float] = {}
    for i in range(n):
        explored = explore(range(30), limit, DecisionId(f"d{i}"), BUSY, newcomers=NEWCOMERS)
        for place in range(limit):
            above = tuple(explored.shown[:place])
            here = (*above, explored.shown[place])
            prefixes[above] = prefixes.get(above, 0) + 1
            continued[here] = continued.get(here, 0) + 1
            assert told.setdefault(here, explored.propensity[place]) == explored.propensity[place]
    for here, seen in continued.items():
        tries, p = prefixes[here[:-1]], told[here]
        if tries < 500:
            continue
        # 5 standard deviations; a few dozen comparisons of a fixed set of ids.
        assert abs(seen / tries - p) <= 5 * np.sqrt(p * (1 - p) / tries), here


def test_at_their_place_only_newcomers_and_the_product_in_order_can_stand_and_their_chances_sum_to_one() -> None:
    at_place: dict[int, float] = {}
    for i in range(3_000):
        explored = explore(range(30), 5, DecisionId(f"d{i}"), replace(BUSY, places=(3,)), newcomers=NEWCOMERS)
        at_place[explored.shown[3]] = explored.propensity[3]
    assert at_place == pytest.approx({3: 0.6, 12: 0.4 / 3, 20: 0.4 / 3, 29: 0.4 / 3})


def test_a_tenth_of_slates_of_eight_tries_one_newcomer_and_shorter_ones_try_none() -> None:
    config, n = ExplorationConfig(), 4_000
    tried = 0
    for i in range(n):
        explored = explore(range(60), 8, DecisionId(f"d{i}"), config, newcomers={40})
        tried += 40 in explored.shown
        assert (40 in explored.shown) == (7 in explored.adjustments)
        if 7 in explored.adjustments:
            assert explored.adjustments[7].rule == "newcomer"
            assert explored.propensity[7] == pytest.approx(0.1)
        short = explore(range(60), 7, DecisionId(f"d{i}"), replace(config, pool=1), newcomers={40})
        assert 40 not in short.shown
    assert abs(tried / n - 0.1) < 5 * np.sqrt(0.09 / n)


def test_without_a_newcomer_to_try_chance_is_as_it_was() -> None:
    """None there, or one that the slate shows anyway."""
    for i in range(300):
        plain = explore(range(60), 12, DecisionId(f"d{i}"), replace(ExplorationConfig(), newcomer_place=None))
        assert explore(range(60), 12, DecisionId(f"d{i}"), ExplorationConfig()) == plain
        assert explore(range(60), 12, DecisionId(f"d{i}"), ExplorationConfig(), newcomers={8}) == plain


def test_a_newcomer_that_may_not_join_has_no_turn() -> None:
    for i in range(300):
        explored = explore(
            range(60), 12, DecisionId(f"d{i}"), ExplorationConfig(epsilon=1.0),
            newcomers={50, 51}, lets_in=lambda _, candidate: candidate != 50,
        )  # fmt: skip
        assert 50 not in explored.shown
        assert explored.shown[7] == 51
        assert explored.propensity[7] == 1.0


class WithNewcomers(ByNumber):
    """As its parent, naming newcomers: product 90 and one that is not drawn."""

    def candidates(self, question: Question, n: int) -> Candidates:
        return replace(super().candidates(question, n), newcomers=(90, 100_000))


def decided(number: int) -> tuple[Question, Decided]:
    question = make_question(make_shelf(200), surface=Surface.HOME)
    declared = policies(["recommendation"], PolicyConfig(perturbed_share=0.0))
    config = SlateConfig(exploration=ExplorationConfig(places=(7,), epsilon=0.5))
    return question, decide(question, DecisionId(f"n{number}"), [WithNewcomers()], [], declared, config=config)


def test_a_slate_tells_of_the_turn_and_the_log_keeps_it() -> None:
    seen = 0
    for number in range(40):
        question, one = decided(number)
        new = [item for item in one.items if item.product_id == question.shelf.product_ids[90]]
        seen += len(new)
        record = logged(
            one, question, DecisionId(f"n{number}"), decided_at=Micros(1), shopper_key=ShopperKey("s"),
            is_customer=False, model_versions={}, degraded=[], took_micros=1, with_candidates=False,
        )  # fmt: skip
        assert record.propensity[7] == pytest.approx(0.5)
        if new:
            assert new[0].position == 7
            assert [told.rule for told in new[0].adjustments] == ["newcomer"]
            assert record.adjustments[7] == new[0].adjustments
        else:
            assert 7 not in record.adjustments or all(told.rule != "newcomer" for told in record.adjustments[7])
    assert 8 <= seen <= 32
