"""VMIS-kNN against the paper's algorithm in plain Python, its index, and what it does with sessions of known course."""

import heapq
from collections.abc import Sequence
from math import log
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.baselines import fit_ease
from smartshop.ai_agents.recommendation.metrics import draw_bootstrap
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.sessions import (
    PARTS,
    Sessions,
    SessionsConfig,
    draw_from_sessions,
    fit_sessions,
    score_products,
)
from smartshop.ai_agents.recommendation.source import Anchors
from smartshop.ai_agents.recommendation.tuning import moment_of, without_history
from tests.recommendation.retail import micros, next_baskets
from tests.recommendation.worlds import HOUR, SECOND, START, order, sequences_of, view

N = 12
AS_PUBLISHED = SessionsConfig(newest=6, neighbours=4, step_decay=1.0, backward=1.0)
SESSION_GAP = HOUR


def sessions_of(sessions: Sequence[Sequence[int]], n_products: int = N) -> Sequences:
    """Each of another shopper, an hour after the one before."""
    rows = [
        view(number, product, START + number * SESSION_GAP + step * SECOND)
        for number, session in enumerate(sessions)
        for step, product in enumerate(session)
    ]
    return sequences_of(rows, n_products)


def fitted(sessions: Sequence[Sequence[int]], config: SessionsConfig = AS_PUBLISHED) -> Sessions:
    learned = fit_sessions(sessions_of(sessions), config)
    assert learned is not None
    return learned


def anchors(newest_first: Sequence[int]) -> Anchors:
    weight = np.array([loud(place) for place in range(len(newest_first))])
    return Anchors(np.array(newest_first, np.int32), weight)


def loud(place: int) -> float:
    """As good as equal, as the paper has it, but one after the other."""
    return 1 - 1e-9 * place


def drawn(learned: Sessions, newest_first: Sequence[int], n_products: int = N) -> list[int]:
    eligible = np.ones(n_products, np.bool_)
    return [int(one) for one in draw_from_sessions(learned, anchors(newest_first), eligible, n_products).product_no]


def neighbours_as_published(
    newest_first: Sequence[int], past: Sequence[Sequence[int]], m: int, k: int
) -> list[tuple[int, float]]:
    """Algorithm 2 of the paper, with its heap over times and its early stop; a session's time is its number."""
    index = {item: [n for n in reversed(range(len(past))) if item in past[n]][:m] for item in range(N)}
    similarity: dict[int, float] = {}
    times: list[int] = []
    for place, item in enumerate(newest_first):
        weight = (len(newest_first) - place) / len(newest_first) * loud(place)
        for session in index[item]:
            if session in similarity:
                similarity[session] += weight
            elif len(similarity) < m:
                similarity[session] = weight
                heapq.heappush(times, session)
            elif session > times[0]:
                del similarity[heapq.heapreplace(times, session)]
                similarity[session] = weight
            else:
                break
    return heapq.nlargest(k, similarity.items(), key=lambda entry: (entry[1], entry[0]))


def scores_as_published(
    newest_first: Sequence[int], past: Sequence[Sequence[int]], config: SessionsConfig
) -> dict[int, float]:
    scores: dict[int, float] = {}
    for session, similarity in neighbours_as_published(newest_first, past, config.newest, config.neighbours):
        shared = next(place for place, item in enumerate(newest_first, 1) if item in past[session])
        match = list(past[session]).index(newest_first[shared - 1])
        for step, item in enumerate(past[session]):
            rarity = log(len(past) / sum(item in one for one in past))
            near = config.step_decay ** max(abs(step - match) - 1, 0) * (config.backward if step < match else 1)
            scores[item] = scores.get(item, 0) + (1 - 0.1 * shared) * similarity * rarity * near
    scores.pop(newest_first[0], None)
    return scores


@pytest.mark.parametrize(
    "config", [AS_PUBLISHED, SessionsConfig(newest=6, neighbours=4), SessionsConfig(newest=100, neighbours=100)]
)
def test_scores_are_those_of_the_published_algorithm(config: SessionsConfig) -> None:
    rng = np.random.default_rng(11)
    past = [rng.permutation(N)[: rng.integers(2, 6)].tolist() for _ in range(40)]
    learned = fitted(past, config)
    for length in (1, 2, 3, 5, 9):
        present = rng.permutation(N)[:length].tolist()
        found = score_products(learned, anchors(present), np.ones(N, np.bool_))
        expected = scores_as_published(present, past, config)
        assert found.product_no.tolist() == sorted(expected)
        assert found.score.tolist() == pytest.approx([expected[one] for one in sorted(expected)], rel=1e-6)


def test_the_newest_product_shared_is_the_because() -> None:
    learned = fitted([[1, 2, 5], [3, 4], [6, 7]])
    found = score_products(learned, anchors([2, 1, 3]), np.ones(N, np.bool_))
    assert dict(
        zip(found.product_no.tolist(), found.because(np.arange(len(found.product_no))).tolist(), strict=True)
    ) == {1: 2, 5: 2, 3: 3, 4: 3}


def test_what_follows_comes_before_what_went_ahead_and_the_nearer_before_the_farther() -> None:
    learned = fitted([[4, 3, 0, 1, 2], [5, 6], [7, 8], [9, 10]], SessionsConfig())
    assert drawn(learned, [0]) == [1, 2, 3, 4]


def test_lines_of_one_order_have_no_order_among_them() -> None:
    rows = [row for number in range(3) for row in order(number, (0, 1, 2, 3), START + number * HOUR, number)]
    learned = fit_sessions(sequences_of(rows + order(9, (7, 8), START + 9 * HOUR, 9), N), SessionsConfig())
    assert learned is not None
    assert set(learned.session_steps.tolist()) == {0}
    scores = score_products(learned, anchors([2]), np.ones(N, np.bool_)).score
    assert scores.tolist() == pytest.approx([scores[0]] * 3)


def test_lines_of_the_shoppers_own_order_share_a_place() -> None:
    past = [[0, 1], [2, 3], [4, 5], [6, 7]]
    alike = Anchors(np.array([0, 2, 4], np.int32), np.array([1.0, 1.0, 0.5]))
    found = score_products(fitted(past), alike, np.isin(np.arange(N), (1, 3, 5)))
    rarity = log(4)
    assert found.score.tolist() == pytest.approx([0.9 * rarity, 0.9 * rarity, 0.8 * 0.5 * 0.5 * rarity])


def test_only_the_newest_sessions_of_a_product_are_looked_at() -> None:
    past = [[0, 1]] * 3 + [[0, 2]] * 3 + [[4, 5]]
    assert drawn(fitted(past, SessionsConfig(newest=3)), [0]) == [2]
    assert drawn(fitted(past, SessionsConfig(newest=4)), [0]) == [2, 1]


def test_the_index_keeps_the_newest_sessions_that_fit_and_the_newest_of_a_long_one() -> None:
    past = [[0, 1], [2, 3], [4, 5, 6, 7]]
    learned = fitted(past, SessionsConfig(most_signs=5, longest_session=3))
    assert learned.session_products.tolist() == [2, 3, 5, 6, 7]
    assert learned.product_starts[-1] == 5


def test_sessions_of_one_product_and_empty_histories_say_nothing() -> None:
    assert fit_sessions(sessions_of([[1], [2, 2, 2], [3]]), SessionsConfig()) is None
    assert fit_sessions(sessions_of([]), SessionsConfig()) is None
    learned = fitted([[1], [2, 3]])
    assert len(learned.shopper) == 1
    assert drawn(learned, []) == drawn(learned, [1]) == []


def test_a_product_that_came_later_or_is_gone_is_no_error() -> None:
    learned = fitted([[1, 2, 11], [1, 11], [3, 4]])
    assert drawn(learned, [40, 1], n_products=50) == drawn(learned, [1])
    assert drawn(learned, [1], n_products=11) == [2]


def test_the_count_behind_a_reason_is_of_distinct_shoppers() -> None:
    twice = [view(0, product, START + at * HOUR + product) for at in range(2) for product in (1, 2)]
    other = [view(s, product, START + s * HOUR + product) for s in (1, 2) for product in (1, 2, 3)]
    learned = fit_sessions(sequences_of(twice + other, N), SessionsConfig())
    assert learned is not None
    assert learned.shoppers_with_both(1, 2) == 3
    assert learned.shoppers_with_both(1, 3) == 2
    assert learned.shoppers_with_both(1, 9) == learned.shoppers_with_both(-1, 2) == 0
    assert learned.shoppers_with_both(99, 2) == 0


def test_what_is_saved_answers_as_before(tmp_path: Path) -> None:
    learned = fitted([[1, 2, 5], [3, 4, 1], [6, 7]])
    learned.save(tmp_path)
    loaded = Sessions.load(tmp_path)
    assert loaded.config == learned.config
    for part in PARTS:
        assert getattr(loaded, part).dtype == getattr(learned, part).dtype
    assert drawn(loaded, [1, 3]) == drawn(learned, [1, 3])


def test_what_is_new_to_a_wholesalers_customer_is_told_better_than_by_ease(shared_data: Path) -> None:
    """R@10 = hits / min(10, new products of the basket), first baskets in the 28 days from 2011-06-01, full ranking."""
    held = next_baskets(shared_data, micros(2011, 6, 1), shoppers=400)
    learned = fit_sessions(held.rest, SessionsConfig())
    assert learned is not None
    ease = fit_ease(held.rest, 200.0)
    everything = np.ones(held.rest.n_products, np.bool_)
    gain, shoppers = [], []
    for question in held.questions:
        eligible, targets = without_history(question, everything)
        if not len(targets):
            continue
        ours = draw_from_sessions(learned, ask_of(moment_of(question, eligible)).anchors, eligible, 10).product_no
        hits = [np.isin(listed, targets).sum() for listed in (ours, ease.rank(question, eligible, 10))]
        gain.append((hits[0] - hits[1]) / min(10, len(targets)))
        shoppers.append(question.shopper)
    interval = draw_bootstrap(np.array(shoppers), np.random.default_rng(0)).interval(np.array(gain))
    assert len(gain) > 300
    assert interval.low > 0


def test_the_count_behind_a_reason_is_the_same_whichever_way_it_is_counted() -> None:
    rng = np.random.default_rng(4)
    past = [rng.permutation(N)[: rng.integers(2, 6)].tolist() for _ in range(60)]
    newest = 17
    learned = fitted(past, SessionsConfig(newest=newest))
    holders = [[number for number, one in enumerate(past) if product in one] for product in range(N)]
    assert {len(one) < newest for one in holders} == {True, False}
    for first in range(N):
        for second in range(N):
            expected = {int(learned.shopper[one]) for one in holders[first][-newest:] if second in past[one]}
            assert learned.shoppers_with_both(first, second) == len(expected)
