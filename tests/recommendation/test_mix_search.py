"""The search for the mix: its measure is that of the lists served, and it finds what is planted."""

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.recommendation.blend import BlendConfig, blend
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.metrics import CUT, measure
from smartshop.ai_agents.recommendation.mix_search import (
    EVERY_SOURCE,
    LEAST_WEIGHT,
    Numbers,
    Rankings,
    find_mix,
    mean_ndcg,
    rank_sources,
)
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sources import SOURCES

N = len(SOURCES)
ANSWERS = SOURCES.index("trending")
NOTHING = np.zeros(0, np.int32)


def lists_of(rng: np.random.Generator, questions: int) -> tuple[list[list[Numbers]], list[Numbers]]:
    """Every source shuffles the same thirty products; only one has the target among its first three."""
    lists, targets = [], []
    for _ in range(questions):
        target = int(rng.integers(30))
        drawn = [rng.permutation(30)[:20].astype(np.int32) for _ in range(N)]
        rest = np.setdiff1d(rng.permutation(30), [target])[:19]
        place = int(rng.integers(3))
        drawn[ANSWERS] = np.insert(rest, place, target).astype(np.int32)
        lists.append(drawn)
        targets.append(np.array([target], np.int32))
    return lists, targets


def planted(questions: int = 120) -> Rankings:
    return rank_sources(*lists_of(np.random.default_rng(4), questions))


def test_the_search_measures_the_lists_that_are_served() -> None:
    rng = np.random.default_rng(1)
    lists, targets = lists_of(rng, 50)
    targets[7] = np.array([77], np.int32)  # no source names it
    weights = rng.uniform(0.1, 1, N)
    hits = np.zeros((50, CUT), np.bool_)
    for number, (each, target) in enumerate(zip(lists, targets, strict=True)):
        hits[number] = np.isin(blend(each, weights.tolist(), 3.0, CUT).product_no, target)
    served = measure(hits, np.ones(50, np.int64)).ndcg.mean()
    assert mean_ndcg(rank_sources(lists, targets), weights, 3.0) == pytest.approx(float(served), abs=1e-6)


def test_the_source_that_knows_leads_the_mix() -> None:
    rankings, start = planted(), BlendConfig()
    found = find_mix(rankings, start)
    assert max(found.weights, key=found.weights.__getitem__) == "trending"
    before = mean_ndcg(rankings, np.array(start.weights_of(SOURCES)), start.k)
    assert mean_ndcg(rankings, np.array(found.weights_of(SOURCES)), found.k) > before + 0.1
    assert find_mix(rankings, start) == found


def test_a_source_left_out_has_no_weight_and_the_others_keep_the_least() -> None:
    found = find_mix(planted(), BlendConfig(), frozenset(SOURCES) - {"trending"})
    assert found.weights["trending"] == 0
    heard = EVERY_SOURCE - {"trending", "buy_again"}
    assert all(found.weights[source] >= LEAST_WEIGHT for source in heard)


def test_nothing_to_learn_from_leaves_the_order_of_the_start() -> None:
    nothing = rank_sources([[NOTHING] * N], [np.array([1], np.int32)])
    start = BlendConfig()
    found = find_mix(nothing, start)
    assert found.k == start.k
    assert sorted(found.weights, key=found.weights.__getitem__) == sorted(start.weights, key=start.weights.__getitem__)


def test_habits_lead_only_where_the_known_may_be_shown_and_nothing_is_in_focus() -> None:
    blending = BlendConfig(weights={"buy_again": 1.0}, weights_new={"markov": 1.0}, k_new=7.0)
    recipe = Recipe(blend=blending, calibration_new=Calibration(slope=2.0))
    history, nothing = np.array([1, 2], np.int32), NOTHING
    everything = np.ones(4, np.bool_)
    assert recipe.at(everything, history, nothing)[0].weights == {"buy_again": 1.0}
    new = everything.copy()
    new[history] = False
    for eligible, focus in ((new, nothing), (everything, np.array([3], np.int32))):
        mix, calibration = recipe.at(eligible, history, focus)
        assert (mix.weights, mix.k, calibration.slope) == ({"markov": 1.0}, 7.0, 2.0)


def test_a_recipe_with_one_mix_uses_it_everywhere() -> None:
    old = msgspec.json.decode(b'{"blend": {"weights": {"markov": 2.0}, "k": 5.0, "n": 150}}', type=Recipe)
    for eligible in (np.ones(3, np.bool_), np.zeros(3, np.bool_)):
        assert old.at(eligible, np.array([1], np.int32), NOTHING)[0].weights == {"markov": 2.0}
