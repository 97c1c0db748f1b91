"""Exploration: what the log says of chance is what chance does."""

import numpy as np
import pytest

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.exploration import ExplorationConfig, explore
from smartshop.ai_agents.policy import PolicyConfig, policies
from smartshop.ai_agents.slate import SlateConfig, decide
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Policy, SlateItem, Surface
from tests.slate.small_shop import ByNumber, Personal, make_question, make_shelf

BUSY = ExplorationConfig(places=(1, 3), epsilon=0.4, pool=4)


def test_the_logged_propensity_is_the_frequency_given_the_request_and_the_items_above() -> None:
    """For every prefix seen often enough, the next item's share among its continuations is its logged propensity."""
    n, limit = 40_000, 5
    prefixes: dict[tuple[int, ...], int] = {}
    continued: dict[tuple[int, ...], int] = {}
    logged: dict[tuple[int, ...], float] = {}
    for i in range(n):
        explored = explore(range(30), limit, DecisionId(f"d{i}"), BUSY)
        for place in range(limit):
            above = tuple(explored.shown[:place])
            here = (*above, explored.shown[place])
            prefixes[above] = prefixes.get(above, 0) + 1
            continued[here] = continued.get(here, 0) + 1
            assert logged.setdefault(here, explored.propensity[place]) == explored.propensity[place]
    for here, seen in continued.items():
        tries, p = prefixes[here[:-1]], logged[here]
        if tries < 500:
            continue
        # 5 standard deviations; a few dozen comparisons: a false alarm once in 50,000 runs of this fixed set of ids.
        assert abs(seen / tries - p) <= 5 * np.sqrt(p * (1 - p) / tries), here


def test_propensities_of_all_that_could_stand_at_a_place_sum_to_one() -> None:
    first = explore(range(30), 5, DecisionId("d0"), BUSY).shown[0]
    at_place: dict[int, float] = {}
    for i in range(3_000):
        explored = explore(range(30), 5, DecisionId(f"d{i}"), BUSY)
        assert explored.shown[0] == first
        at_place[explored.shown[1]] = explored.propensity[1]
    assert set(at_place) == {1, 5, 6, 7, 8}, "the product in order, and the four beyond the slate"
    assert sum(at_place.values()) == pytest.approx(1.0, abs=1e-12)


def test_weighting_by_propensity_gives_an_unbiased_value_of_the_slate_without_chance() -> None:
    """Known reward per (product, place); the value of always showing the product in order is estimated from the log."""
    reward = np.random.default_rng(1).random((30, 5))
    without_chance = reward[np.arange(5), np.arange(5)].sum()
    n, total, square = 40_000, 0.0, 0.0
    for i in range(n):
        explored = explore(range(30), 5, DecisionId(f"ips-{i}"), BUSY)
        in_order = explored.shown == [0, 1, 2, 3, 4]
        weight = 1 / np.prod(explored.propensity) if in_order else 0.0
        value = weight * reward[explored.shown, np.arange(5)].sum()
        total, square = total + value, square + value * value
    mean = total / n
    error = np.sqrt((square / n - mean * mean) / n)
    assert error < 0.02
    assert abs(mean - without_chance) < 5 * error


def test_weighting_by_policy_probability_is_unbiased_over_whole_decisions() -> None:
    """The value under the base weights, from decisions made under all weights."""
    question = make_question(make_shelf(60), surface=Surface.HOME)
    declared = policies(["recommendation", "personalization"], PolicyConfig(perturbed_share=0.4))
    opinions = {number: float(value) for number, value in enumerate(np.random.default_rng(2).normal(0, 0.6, 60))}
    base, n = declared[0], 3_000
    truth = sum(int(item.product_id[1:]) for item in _plain(question, opinions, [base], "x"))
    values = []
    for i in range(n):
        decided = decide(
            question, DecisionId(f"w{i}"), [ByNumber()], [Personal(opinions)], declared,
            config=SlateConfig(exploration=ExplorationConfig(places=())),
        )  # fmt: skip
        policy = decided.argument.policy
        weight = 1 / policy.probability if policy.name == base.name else 0.0
        values.append(weight * sum(int(item.product_id[1:]) for item in decided.items))
    assert abs(np.mean(values) - truth) < 5 * np.std(values) / np.sqrt(n)


def test_short_slates_and_the_top_three_places_are_never_left_to_chance() -> None:
    config = ExplorationConfig(epsilon=1.0)
    for i in range(200):
        assert explore(range(50), 3, DecisionId(f"d{i}"), config).shown == [0, 1, 2]
        assert explore(range(50), 12, DecisionId(f"d{i}"), config).shown[:3] == [0, 1, 2]


@pytest.mark.parametrize("n", [0, 1, 4, 5, 12])
def test_with_nothing_beyond_the_slate_nothing_is_random(n: int) -> None:
    explored = explore(range(n), 12, DecisionId("d"), ExplorationConfig(epsilon=1.0))
    assert explored.shown == list(range(n))
    assert explored.propensity == [1.0] * n
    assert explored.adjustments == {}


def test_every_product_stands_once_and_an_explored_one_says_so() -> None:
    config = ExplorationConfig(epsilon=0.9)
    told = 0
    for i in range(300):
        explored = explore(range(60), 12, DecisionId(f"d{i}"), config)
        assert sorted(explored.shown + explored.rest) == list(range(60))
        for told_above, (place, note) in enumerate(sorted(explored.adjustments.items())):
            told += 1
            assert note.rule == "exploration"
            assert explored.shown[place] >= 12 - told_above, "only what this slate would not have shown"
            assert explored.propensity[place] == pytest.approx(0.9 / 11)
    assert told > 300


def test_an_ineligible_product_is_never_explored() -> None:
    eligible = np.zeros(200, dtype=np.bool_)
    eligible[::7] = True
    question = make_question(make_shelf(), eligible=eligible)
    config = SlateConfig(exploration=ExplorationConfig(epsilon=1.0))
    declared = policies(["recommendation"], PolicyConfig())
    for i in range(200):
        decided = decide(question, DecisionId(f"d{i}"), [ByNumber()], [], declared, config=config)
        assert all(int(item.product_id[1:]) % 7 == 0 for item in decided.items)


def _plain(question: Question, opinions: dict[int, float], declared: list[Policy], decision_id: str) -> list[SlateItem]:
    config = SlateConfig(exploration=ExplorationConfig(places=()))
    return decide(question, DecisionId(decision_id), [ByNumber()], [Personal(opinions)], declared, config=config).items
