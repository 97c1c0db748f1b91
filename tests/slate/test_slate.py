"""The decision: what adds up, what is left out, what is never shown."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.advice import Advice, Candidates, FallbackRecommender, Question
from smartshop.ai_agents.diversity import NO_DIVERSITY
from smartshop.ai_agents.exploration import NO_EXPLORATION, ExplorationConfig
from smartshop.ai_agents.ladder import ItemToItem
from smartshop.ai_agents.policy import PolicyConfig, draw_policy, policies
from smartshop.ai_agents.slate import RUNNERS_UP, Decided, SlateConfig, decide
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Policy, Surface
from tests.slate.small_shop import (
    Breaks,
    BrokenModel,
    BrokenSource,
    ByNumber,
    Personal,
    Says,
    make_question,
    make_shelf,
)

BASE = (Policy("base", 1.0, {"recommendation": 1.0, "personalization": 1.0, "inventory": 1.0}),)
PLAIN = SlateConfig(exploration=NO_EXPLORATION, diversity=NO_DIVERSITY)
ID = DecisionId("d-1")


def product_ids(decided: Decided) -> list[str]:
    return [item.product_id for item in decided.items]


def test_contributions_are_weighted_and_sum_to_the_score() -> None:
    weights = Policy("odd", 1.0, {"recommendation": 0.7, "personalization": 1.3, "inventory": 0.1})
    advisors = [Says({3: -0.123456789, 5: 1.9}), Personal({5: 0.7654321, 9: 1.2})]
    decided = decide(make_question(make_shelf()), ID, [ByNumber()], advisors, [weights], config=PLAIN)
    assert len(decided.items) == 12
    for item in decided.items:
        assert set(item.contributions) == {"recommendation", "personalization", "inventory"}
        assert sum(item.contributions.values()) == pytest.approx(item.score, abs=1e-5)
    by_id = {str(item.product_id): item for item in decided.items}
    assert by_id["p5"].contributions["personalization"] == pytest.approx(1.3 * 0.7654321, abs=1e-6)
    assert by_id["p5"].contributions["inventory"] == pytest.approx(0.1 * 1.9, abs=1e-6)
    assert by_id["p5"].contributions["recommendation"] == pytest.approx(0.7 * 0.95, abs=1e-6)


def test_items_stand_in_order_of_score_and_runners_up_follow() -> None:
    decided = decide(make_question(make_shelf()), ID, [ByNumber()], [Personal({40: 2.0})], BASE, config=PLAIN)
    assert product_ids(decided) == ["p40"] + [f"p{i}" for i in range(11)]
    numbers = decided.argument.candidates.product_no[decided.entries].tolist()
    assert numbers[12:] == list(range(11, 11 + RUNNERS_UP))
    assert [item.position for item in decided.items] == list(range(12))


def test_every_advisor_but_recommendation_is_clipped() -> None:
    class Loud(ByNumber):
        def advise(self, question: Question, candidates: Candidates) -> Advice:
            return Advice(np.full(len(candidates.product_no), 5.0, dtype=np.float32))

    decided = decide(make_question(make_shelf()), ID, [Loud()], [Personal({0: 50.0, 1: -50.0})], BASE, config=PLAIN)
    first = decided.items[0]
    assert first.contributions == {"recommendation": 5.0, "personalization": 2.0}
    assert np.abs(decided.argument.heard.log_odds[0]).max() == 2.0


def test_an_advisor_that_raises_is_left_out_and_named() -> None:
    decided = decide(make_question(make_shelf()), ID, [ByNumber()], [Breaks(), Says({2: 1.0})], BASE, config=PLAIN)
    assert decided.degraded == ["personalization: failed (RuntimeError)"]
    assert product_ids(decided)[0] == "p2"
    assert set(decided.items[0].contributions) == {"inventory", "recommendation"}


def test_an_advisor_over_its_time_is_left_out_and_named() -> None:
    ticks = count(step=100_000_000)  # every look at the watch finds 100 ms gone
    config = SlateConfig(exploration=NO_EXPLORATION, diversity=NO_DIVERSITY, slow_after_ms=99)
    decided = decide(
        make_question(make_shelf()), ID, [ByNumber()], [Personal({9: 2.0})], BASE,
        config=config, stopwatch=lambda: next(ticks),
    )  # fmt: skip
    assert decided.degraded == ["personalization: took 100 ms", "recommendation: took 100 ms"]
    assert product_ids(decided) == [f"p{i}" for i in range(12)], "without advice the source's own order stands"


@pytest.mark.parametrize("bad", [np.array([np.nan] * 200), np.array([np.inf] * 200), np.zeros(3)])
def test_advice_that_is_no_number_per_candidate_is_left_out(bad: np.ndarray) -> None:
    class Babbles(Personal):
        def advise(self, question: Question, candidates: Candidates) -> Advice:
            return Advice(bad.astype(np.float32))

    decided = decide(make_question(make_shelf()), ID, [ByNumber()], [Babbles({})], BASE, config=PLAIN)
    assert len(decided.degraded) == 1
    assert decided.degraded[0].startswith("personalization:")
    assert len(decided.items) == 12


def test_the_ladder_goes_down_rung_by_rung() -> None:
    shelf = make_shelf()
    question = make_question(shelf, anchor=50, eligible=np.arange(200) != 50)
    whole: list[FallbackRecommender] = [BrokenSource(), ItemToItem(BrokenSource()), ByNumber()]
    decided = decide(question, ID, whole, [], BASE, config=PLAIN)
    assert decided.argument.candidates.product_no[:5].tolist() == [49, 51, 48, 52, 47]
    assert len(decided.argument.candidates.product_no) == 199, "filled up with all that is eligible"
    assert decided.degraded == ["BrokenSource: no candidates (RuntimeError)"]

    broken: list[FallbackRecommender] = [BrokenModel(), ItemToItem(BrokenModel()), ByNumber()]
    decided = decide(question, ID, broken, [], BASE, config=PLAIN)
    assert product_ids(decided) == [f"p{i}" for i in range(12)]
    assert len(decided.degraded) == 2

    decided = decide(question, ID, [Breaks()], [], BASE, config=PLAIN)
    assert len(decided.items) == 12, "the last rung is the catalogue itself"


def test_nothing_outside_the_mask_is_ever_shown_and_short_shelves_give_short_slates() -> None:
    shelf = make_shelf()
    eligible = np.zeros(200, dtype=np.bool_)
    eligible[[3, 77, 150]] = True
    for rungs in ([ByNumber()], [ItemToItem(ByNumber())], [Breaks()]):
        question = make_question(shelf, eligible=eligible, anchor=4)
        decided = decide(question, ID, rungs, [Personal({4: 2.0})], BASE, config=SlateConfig())
        assert sorted(product_ids(decided)) == ["p150", "p3", "p77"]
    nothing = decide(
        make_question(make_shelf(0), eligible=np.zeros(0, dtype=np.bool_)), ID, [ByNumber()], [], BASE, config=PLAIN
    )
    assert nothing.items == []


def test_the_same_id_gives_the_same_slate_in_any_process() -> None:
    question, declared = make_question(make_shelf()), policies(["recommendation", "personalization"], PolicyConfig())
    for i in range(50):
        one = decide(question, DecisionId(f"d{i}"), [ByNumber()], [Personal({30: 1.0})], declared, config=SlateConfig())
        two = decide(question, DecisionId(f"d{i}"), [ByNumber()], [Personal({30: 1.0})], declared, config=SlateConfig())
        assert one.items == two.items
        assert one.argument.policy == two.argument.policy


def test_the_reason_is_of_the_advisor_who_argued_strongest() -> None:
    decided = decide(make_question(make_shelf()), ID, [ByNumber()], [Personal({5: 1.5})], BASE, config=PLAIN)
    codes = {str(item.product_id): item.reason.code for item in decided.items if item.reason is not None}
    assert codes["p5"] == "said"
    assert codes["p0"] == "by_number"
    silent = decide(make_question(make_shelf()), ID, [ByNumber()], [], BASE, config=PLAIN, explain=False)
    assert all(item.reason is None for item in silent.items)


@given(
    n=st.integers(0, 80),
    limit=st.integers(1, 60),
    surface=st.sampled_from(list(Surface)),
    seed=st.integers(0, 10_000),
)
def test_whatever_is_asked_the_slate_keeps_its_promises(n: int, limit: int, surface: Surface, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shelf = make_shelf(n, brand=rng.integers(0, 4, n).astype(np.int32), category=rng.integers(0, 5, n).astype(np.int32))
    eligible = rng.random(n) < 0.6
    opinions = {number: float(value) for number, value in enumerate(rng.normal(0, 3, n))}
    declared = policies(["recommendation", "personalization"], PolicyConfig(perturbed_share=0.5))
    config = SlateConfig(exploration=ExplorationConfig(places=(1, 3, 5), epsilon=0.5, shortest=1))
    question = make_question(shelf, eligible=eligible, limit=limit, surface=surface)
    decided = decide(question, DecisionId(str(seed)), [ByNumber()], [Personal(opinions)], declared, config=config)
    shown = [int(item.product_id[1:]) for item in decided.items]
    assert len(shown) == len(set(shown)) == min(limit, int(eligible.sum()))
    assert eligible[shown].all()
    assert [item.position for item in decided.items] == list(range(len(shown)))
    for item in decided.items:
        assert sum(item.contributions.values()) == pytest.approx(item.score, abs=1e-5)
        assert 0 < item.propensity <= 1
    assert len(decided.entries) == len(set(decided.entries)) == min(limit + RUNNERS_UP, int(eligible.sum()))


# ---------------------------------------------------------------------------------------- policy
def test_the_declared_policies_are_a_distribution_and_weigh_every_advisor() -> None:
    declared = policies(["recommendation", "inventory", "personalization"], PolicyConfig(weights={"inventory": 0.5}))
    assert len(declared) == 7
    assert sum(policy.probability for policy in declared) == pytest.approx(1.0, abs=1e-12)
    assert all(set(policy.weights) == {"recommendation", "inventory", "personalization"} for policy in declared)
    assert len({policy.name for policy in declared}) == 7
    assert declared[0].weights["inventory"] == 0.5


def test_policies_are_drawn_with_the_probability_they_log() -> None:
    declared = policies(["recommendation", "inventory", "personalization"], PolicyConfig())
    n = 60_000
    drawn = [draw_policy(DecisionId(f"decision-{i}"), declared).name for i in range(n)]
    for policy in declared:
        expected = n * policy.probability
        # Five standard deviations of a binomial count: a false alarm in two million runs.
        assert abs(drawn.count(policy.name) - expected) < 5 * np.sqrt(expected * (1 - policy.probability))
