"""Each source on worlds small enough to work out by hand."""

import numpy as np
import pytest

from smartshop.ai_agents.recommendation import markov, pair_counts
from smartshop.ai_agents.recommendation.beyond_chance import log_likelihood_ratio
from smartshop.ai_agents.recommendation.bought_together import BoughtTogetherConfig, fit_bought_together
from smartshop.ai_agents.recommendation.item_to_item import PLAIN_COSINE, ItemToItemConfig, fit_item_to_item
from smartshop.ai_agents.recommendation.markov import MarkovConfig, count_steps, fit_markov, learn_markov
from smartshop.ai_agents.recommendation.pair_counts import distinct_units, incidence
from smartshop.ai_agents.recommendation.rows import PARTS, Rows, best_first, top_rows
from smartshop.ai_agents.recommendation.trending import TrendingConfig, fit_trending
from tests.recommendation.worlds import DAY, SECOND, START, Row, order, sequences_of, view


def row_of(rows: Rows, product: int) -> dict[int, float]:
    part = slice(int(rows.indptr[product]), int(rows.indptr[product + 1]))
    return dict(zip(rows.indices[part].tolist(), rows.weights[part].tolist(), strict=True))


def test_a_chain_is_directed_and_fades_with_steps() -> None:
    rows = [view(0, product, START + i * SECOND) for i, product in enumerate([0, 1, 2])]
    fitted = fit_markov(sequences_of(rows, 3), MarkovConfig(window=2, decay=0.5, half_life=10**18, reg=0.0))
    assert row_of(fitted, 0) == pytest.approx({1: 1.0, 2: 0.5})
    assert row_of(fitted, 1) == pytest.approx({2: 1.0})
    assert row_of(fitted, 2) == {}


def test_a_step_counts_half_after_the_half_life() -> None:
    rows = [view(0, 0, START), view(0, 1, START + 2 * DAY), view(1, 0, START), view(1, 2, START + SECOND)]
    fitted = fit_markov(sequences_of(rows, 3), MarkovConfig(half_life=2 * DAY, reg=0.0))
    assert row_of(fitted, 0) == pytest.approx({1: 0.5, 2: 1.0}, abs=1e-4)


def test_full_normalisation_gives_probabilities() -> None:
    rows = [view(s, p, START + t) for s in range(3) for t, p in enumerate([0, 1])] + [view(3, 0, 0), view(3, 2, 1)]
    fitted = fit_markov(sequences_of(rows, 3), MarkovConfig(window=1, reg=1.0, half_life=10**18))
    assert row_of(fitted, 0) == pytest.approx({1: 0.75, 2: 0.25})


def test_the_evidence_of_a_step_counts_each_shopper_once() -> None:
    back_and_forth = [view(0, i % 2, START + i * SECOND) for i in range(9)]
    fitted = fit_markov(sequences_of([*back_and_forth, view(1, 0, START), view(1, 1, START + 1)], 2), MarkovConfig())
    assert fitted.evidence_of(0, 1) == 2
    assert fitted.evidence_of(1, 0) == 1


@pytest.mark.parametrize("at_once", [1, 7, 50, 10**9])
def test_steps_counted_in_blocks_of_any_size_are_those_counted_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte: within a row the sums are added up in the same order, however many rows are held together."""
    rng = np.random.default_rng(3)
    rows = [view(s, int(p), START + i * DAY) for s in range(30) for i, p in enumerate(rng.integers(0, 12, 25))]
    sequences, config = sequences_of(rows, 15), MarkovConfig(n=6, n_counted=9)
    whole = count_steps(sequences, config)
    monkeypatch.setattr(markov, "SIGNS_AT_ONCE", at_once)
    learned = learn_markov(sequences, config)
    assert learned.counts is not None
    assert learned.counts.row_sum.tobytes() == np.asarray(whole.total.sum(axis=1)).tobytes()
    counted = top_rows(whole.total, whole.shoppers, config.n_counted)
    for part in PARTS:
        assert getattr(learned.counts.kept, part).tobytes() == getattr(counted, part).tobytes()
    scale = np.sqrt(learned.counts.row_sum)
    for product in range(15):
        kept = counted.row(product)
        said = learned.rows.row(product)
        assert said.indices.tolist() == kept.indices[: config.n].tolist()
        assert said.weights == pytest.approx(kept.weights[: config.n] / max(scale[product], 1e-12), rel=1e-6)
        assert said.evidence.tolist() == kept.evidence[: config.n].tolist()


def test_plain_cosine_by_hand() -> None:
    """Shoppers {0,1}, {0,1}, {0,2}: cos(0,1) = 2/√(3·2), cos(0,2) = 1/√3, nobody has 1 and 2."""
    rows = [view(0, 0, 1), view(0, 1, 2), view(1, 0, 1), view(1, 1, 2), view(2, 0, 1), view(2, 2, 2)]
    fitted = fit_item_to_item(sequences_of(rows, 3), PLAIN_COSINE)
    assert row_of(fitted, 0) == pytest.approx({1: 2 / 6**0.5, 2: 1 / 3**0.5})
    assert row_of(fitted, 1) == pytest.approx({0: 2 / 6**0.5})
    assert fitted.evidence_of(0, 1) == 2


def test_shrinkage_doubts_what_was_seen_once() -> None:
    rows = [view(0, 0, 1), view(0, 1, 2)]
    config = ItemToItemConfig(length_damping=0.0, reg=0.0, shrinkage=3.0)
    assert row_of(fit_item_to_item(sequences_of(rows, 2), config), 0) == pytest.approx({1: 0.25})


def test_a_long_history_counts_by_its_newest_products() -> None:
    held = incidence(np.zeros(5, np.int32), np.array([0, 1, 2, 3, 1]), 4, 2)
    assert held.toarray().tolist() == [[0, 1, 0, 1]]


def test_distinct_units_are_counted_the_same_where_the_key_would_overflow() -> None:
    unit, origin, goal = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), np.array([1, 1, 1, 0])
    small = distinct_units(unit, origin, goal, 3).toarray()
    huge = distinct_units(unit * 2_000_000_000, origin, goal, 1_000_000)
    assert small[0, 1] == huge[0, 1] == 2
    assert small[1, 0] == huge[1, 0] == 1


def test_the_likelihood_ratio_agrees_with_dunnings_table() -> None:
    """Dunning 1993, section 6: "the swiss", "can be", "previous year", "mineral water", "at the"."""
    table = np.array(
        [
            [110, 2442, 111, 29114],
            [29, 13, 123, 31612],
            [31, 23, 139, 31584],
            [10, 0, 3, 31764],
            [76, 104, 2476, 29121],
        ],
        np.float64,
    )
    found = log_likelihood_ratio(table[:, 0], table[:, 1], table[:, 2], table[:, 3])
    assert found == pytest.approx([270.72, 263.90, 256.84, 167.23, 157.21], abs=0.005)


def test_independence_has_no_surprise() -> None:
    assert log_likelihood_ratio(*(np.array([x]) for x in (10.0, 90.0, 10.0, 90.0))) == pytest.approx([0.0], abs=1e-9)


def baskets(pairs: list[tuple[int, ...]], times: int, first_number: int = 0) -> list[Row]:
    rows: list[Row] = []
    for number in range(times):
        for place, products in enumerate(pairs):
            rows += order(number, products, START + place * DAY, first_number + number * len(pairs) + place)
    return rows


def test_partners_are_found_and_chance_is_not() -> None:
    """0 and 1 always together, 2 and 3 each on their own; 0 and 2 share one single order."""
    rows = [*baskets([(0, 1), (2,), (3,), (4,)], 8), *order(9, (0, 2), START, 999)]
    learned = fit_bought_together(sequences_of(rows, 5), np.zeros(5, np.int32), 1, BoughtTogetherConfig())
    assert list(row_of(learned.products, 0)) == [1]
    assert learned.products.evidence_of(0, 1) == 8
    assert row_of(learned.products, 2) == {}


@pytest.mark.parametrize("block_rows", [1, 3, 7])
def test_partners_found_in_blocks_of_any_size_are_the_same(block_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    rows = [row for s in range(150) for row in order(s, rng.choice(10, 3, replace=False).tolist(), START, s)]
    rows += [view(s, int(p), START + DAY + i) for s in range(60) for i, p in enumerate(rng.choice(10, 4))]
    category, config = np.arange(10, dtype=np.int32) % 4, BoughtTogetherConfig(min_support=1, min_ratio=0.01, n=4)
    whole = fit_bought_together(sequences_of(rows, 10), category, 4, config)
    monkeypatch.setattr(pair_counts, "BLOCK_ROWS", block_rows)
    in_blocks = fit_bought_together(sequences_of(rows, 10), category, 4, config)
    assert whole.counts is not None
    assert in_blocks.counts is not None
    assert len(whole.products.indices)
    assert len(whole.counts.looked.indices)
    for one, other in (
        (whole.products, in_blocks.products),
        (whole.categories, in_blocks.categories),
        (whole.counts.looked, in_blocks.counts.looked),
        (whole.counts.products.kept, in_blocks.counts.products.kept),
    ):
        assert all(getattr(one, part).tobytes() == getattr(other, part).tobytes() for part in PARTS)


def test_substitutes_are_not_partners() -> None:
    """Two tents (0, 1) are compared all the time and bought together a little; tent 0 and bag 2 are bought together."""
    category = np.array([1, 1, 2, 3, 3], np.int32)
    rows = baskets([(0, 2), (3,), (4,), (3,), (4,)], 8)
    rows += [row for number in range(4) for row in order(20 + number, (0, 1), START, 500 + number)]
    rows += [row for number in range(4) for row in order(40 + number, (4,), START, 600 + number)]
    compared = [
        row for shopper in range(100, 130) for row in (view(shopper, 0, START), view(shopper, 1, START + SECOND))
    ] + [view(shopper, 3 + shopper % 2, START) for shopper in range(200, 400)]
    without = fit_bought_together(sequences_of(rows, 5), category, 4, BoughtTogetherConfig())
    assert set(row_of(without.products, 0)) == {1, 2}
    learned = fit_bought_together(sequences_of([*rows, *compared], 5), category, 4, BoughtTogetherConfig())
    assert list(row_of(learned.products, 0)) == [2]


def test_categories_stand_in_where_pairs_are_rare() -> None:
    """Never the same two products twice, but always a tent with a bag."""
    category = np.array([1] * 10 + [2] * 10 + [3] * 10, np.int32)
    rows = [row for i in range(20) for row in order(i, (i % 10, 10 + (i * 3) % 10), START, i)]
    rows += [row for i in range(20) for row in order(50 + i, (20 + i % 10,), START, 100 + i)]
    learned = fit_bought_together(sequences_of(rows, 30), category, 4, BoughtTogetherConfig())
    assert row_of(learned.products, 0) == {}
    assert list(row_of(learned.categories, 1)) == [2]
    assert learned.categories.evidence_of(1, 2) == 20


def test_demand_fades_and_a_shopper_counts_once_a_day() -> None:
    busy = [view(0, 0, START + 60 * DAY + i * 2 * SECOND + j) for i in range(20) for j in (0,)]
    interleaved = [view(0, 1, START + 60 * DAY + i * 2 * SECOND + 1) for i in range(20)]
    rows = [*busy, *interleaved, view(1, 2, START), view(2, 2, START)]
    config = TrendingConfig(short_half_life=7 * DAY, long_half_life=30 * DAY, short_share=0.0)
    fitted = fit_trending(sequences_of(rows, 3), START + 60 * DAY, config)
    # Two half-lives ago two shoppers, now one: 2 · ¼ against 1; scores sum to 1.
    assert fitted.score.tolist() == pytest.approx([0.4, 0.4, 0.2], abs=1e-3)
    assert fitted.shoppers_this_week.tolist() == [1, 1, 0]
    assert fitted.shoppers_ever.tolist() == [1, 1, 2]


def test_ties_go_to_the_smaller_number_also_at_the_border() -> None:
    assert best_first(np.array([2.0, 1.0, 2.0, 1.0, 1.0, 3.0]), 4).tolist() == [5, 0, 2, 1]
