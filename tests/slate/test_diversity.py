"""Diversity: no slate of one kind, never a shorter one, and every move told."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.diversity import (
    NO_DIVERSITY,
    SURFACE_CAPS,
    Caps,
    Diversity,
    Head,
    moves,
    spread,
    surface_limits,
)
from smartshop.ai_agents.exploration import NO_EXPLORATION
from smartshop.ai_agents.limits import Limit
from smartshop.ai_agents.mmr import RankedQuestion, ShelfLikeness, choose, spread_relevance, trade_off
from smartshop.ai_agents.slate import Decided, SlateConfig
from smartshop.ai_agents.slate import decide as decide_by_the_watch
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Policy, Surface
from tests.slate.small_shop import ByNumber, make_question, make_shelf

ID = DecisionId("d-1")
BASE = (Policy("base", 1.0, {"recommendation": 1.0}),)
CAPS_ALONE = SlateConfig(exploration=NO_EXPLORATION, diversity=Diversity(relevance={}))
SPREAD = SlateConfig(exploration=NO_EXPLORATION, diversity=Diversity(caps={}, relevance={Surface.HOME: 0.5}))
ALIKE = ShelfLikeness()
decide = partial(decide_by_the_watch, stopwatch=lambda: 0)
"""No advisor is slow here, however busy the machine."""


def product_ids(decided: Decided) -> list[str]:
    return [item.product_id for item in decided.items]


def head(n: int, n_places: int, pinned: tuple[int, ...] = ()) -> Head:
    order = [candidate for candidate in range(n) if candidate not in pinned]
    return Head(order, np.linspace(1, 0, n), np.zeros(n), np.arange(n, dtype=np.int32), n_places, pinned)


# ----------------------------------------------------------------------------------------------- caps
def test_a_home_row_is_not_of_one_category_and_says_what_was_moved() -> None:
    shelf = make_shelf(100, category=np.where(np.arange(100) < 30, 1, 2 + np.arange(100) % 3).astype(np.int32))
    decided = decide(make_question(shelf, surface=Surface.HOME), ID, [ByNumber()], [], BASE, config=CAPS_ALONE)
    tents = [item for item in decided.items if shelf.category[shelf.number_of[item.product_id]] == 1]
    assert len(tents) == 5, "a third of twelve, rounded up"
    assert product_ids(decided)[:5] == ["p0", "p1", "p2", "p3", "p4"]
    assert decided.items[5].adjustments[0].rule == "diversity"
    assert "from place 31 to 6" in decided.items[5].adjustments[0].text


def test_under_caps_a_shelf_of_one_kind_stays_in_order_and_full() -> None:
    shelf = make_shelf(40, category=np.ones(40, dtype=np.int32))
    decided = decide(make_question(shelf, surface=Surface.HOME), ID, [ByNumber()], [], BASE, config=CAPS_ALONE)
    assert product_ids(decided) == [f"p{i}" for i in range(12)]
    assert all(item.adjustments == [] for item in decided.items)


def test_products_without_category_and_brand_are_not_alike() -> None:
    bare = make_shelf(30, category=np.zeros(30, dtype=np.int32), brand=np.zeros(30, dtype=np.int32))
    limits = surface_limits(Caps(0.2, 0.2), np.arange(30, dtype=np.int32), bare, 12)
    assert spread(head(30, 12), bare, limits, 1.0, ALIKE).order == list(range(30))
    unpriced = make_shelf(5, category=np.zeros(5, dtype=np.int32), brand=np.zeros(5, dtype=np.int32),
                          price_minor=np.full(5, -1))  # fmt: skip
    assert not ALIKE.between(unpriced, np.arange(5, dtype=np.int32)).any()


def test_soft_limits_give_way_before_firm_ones() -> None:
    kind = np.where(np.arange(20) < 10, 1, 2).astype(np.int32)
    soft = Limit(kind, 2, "diversity", firm=False, full=lambda _: "enough")
    firm = Limit((kind == 1).astype(np.int32), 4, "r-1", firm=True, full=lambda _: "no more")
    found = spread(head(20, 10), make_shelf(20), [firm, soft], 1.0, ALIKE).order[:10]
    assert found == [0, 1, 10, 11, 2, 3, 12, 13, 14, 15], "four of the capped kind, however few the surface wants"


# ------------------------------------------------------------------------------------------------ MMR
def test_likeness_is_symmetric_between_none_and_all() -> None:
    shelf = make_shelf(60)
    numbers = np.array([0, 4, 12, 3, 24, 59], dtype=np.int32)
    alike = ALIKE.between(shelf, numbers)
    np.testing.assert_array_equal(alike, alike.T)
    np.testing.assert_allclose(np.diag(alike), 1.0, atol=1e-6)
    assert alike.min() >= 0
    # p0 and p12: the same leaf and brand, 100 against 1300; p0 and p3: Outdoor > Tents and Garden > Tents.
    assert alike[0, 2] == pytest.approx(0.6 + 0.25 + 0.15 / 13, abs=1e-6)
    assert alike[0, 3] == pytest.approx(0.25 + 0.15 / 4, abs=1e-6)


def test_paths_are_alike_by_their_common_beginning() -> None:
    paths = ((), ("A", "B", "C"), ("A", "B", "D"), ("A",), ("B",), ("X", "B", "C"))
    shelf = make_shelf(6, categories=paths, category=np.arange(6, dtype=np.int32), brand=np.zeros(6, dtype=np.int32))
    alike = ShelfLikeness(category=1.0, brand=0.0, price=0.0).between(shelf, np.arange(6, dtype=np.int32))
    np.testing.assert_allclose(alike[1], [0, 1, 2 / 3, 1 / 3, 0, 0], atol=1e-6)
    assert alike[0].sum() == 0


def test_marginal_relevance_is_that_of_the_paper() -> None:
    """Worked by hand: λ = ½, the second is a twin of the first, the third is like nobody."""
    relevance = np.array([1.0, 0.9, 0.5])
    likeness = np.array([[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert choose(relevance, likeness, 3, 0.5) == [0, 2, 1]  # ½·.5 − 0 = .25 above ½·.9 − ½·.8 = .05
    assert choose(relevance, likeness, 3, 0.9) == [0, 1, 2]  # .81 − .08 = .73 above .45
    assert choose(relevance, likeness, 3, 1.0) == [0, 1, 2]
    pinned = np.vstack([likeness, [0.0, 0.0, 1.0]]).astype(np.float32)  # a pin just like the third
    assert choose(relevance, pinned, 3, 0.5, chosen=[9]) == [0, 1, 2]


def test_one_product_raised_by_much_does_not_press_the_others_together() -> None:
    scores, shift = np.array([4.0, 3.0, 2.0]), np.array([0.0, 0.0, 4.0])
    np.testing.assert_allclose(spread_relevance(scores, shift), [1.0, 0.5, 2.0])
    np.testing.assert_allclose(spread_relevance(np.ones(2), np.array([0.0, 0.5])), [1.0, 1.5])


def test_a_slate_spread_by_likeness_stays_full_and_tells_every_move() -> None:
    shelf = make_shelf(100, category=np.where(np.arange(100) < 30, 1, 2 + np.arange(100) % 3).astype(np.int32))
    question = make_question(shelf, surface=Surface.HOME)
    decided = decide(question, ID, [ByNumber()], [], BASE, config=SPREAD)
    assert len(set(product_ids(decided))) == 12
    assert product_ids(decided)[0] == "p0"
    leaves = {int(shelf.category[shelf.number_of[item.product_id]]) for item in decided.items}
    assert len(leaves) > 1
    plain = product_ids(decide(question, ID, [ByNumber()], [], BASE, config=CAPS_ALONE))
    assert product_ids(decided) != plain
    for item in decided.items:
        was = int(item.product_id[1:])
        told = [note for note in item.adjustments if note.rule == "diversity"]
        assert bool(told) == (was != item.position), item
        if told:
            assert f"from place {was + 1} to {item.position + 1}" in told[0].text
        assert item.score == pytest.approx(item.contributions["recommendation"], abs=1e-5)


def test_relevance_alone_changes_nothing() -> None:
    question = make_question(make_shelf(), surface=Surface.HOME)
    config = SlateConfig(exploration=NO_EXPLORATION, diversity=Diversity(caps={}, relevance={Surface.HOME: 1.0}))
    none = SlateConfig(exploration=NO_EXPLORATION, diversity=NO_DIVERSITY)
    assert (
        decide(question, ID, [ByNumber()], [], BASE, config=config).items
        == decide(question, ID, [ByNumber()], [], BASE, config=none).items
    )


@given(
    n=st.integers(0, 90),
    n_places=st.integers(0, 60),
    weight=st.sampled_from([0.3, 0.7, 0.95, 1.0]),
    seed=st.integers(0, 10_000),
)
def test_every_candidate_stands_once_and_limits_hold_while_others_wait(
    n: int, n_places: int, weight: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shelf = make_shelf(n, category=rng.integers(0, 5, n).astype(np.int32), brand=rng.integers(0, 4, n).astype(np.int32))
    pinned = tuple(rng.permutation(n)[: rng.integers(0, 3)].tolist())
    given_out = head(n, n_places, pinned)
    codes = rng.integers(0, 3, n).astype(np.int32)
    most = int(rng.integers(0, 6))
    cap = Limit(codes, most, "r-1", firm=True, full=lambda _: "no more")
    limits = [cap, *surface_limits(SURFACE_CAPS[Surface.HOME], np.arange(n, dtype=np.int32), shelf, n_places)]
    found = spread(given_out, shelf, limits, weight, ALIKE)
    assert sorted(found.order) == given_out.order
    ahead = found.order[: given_out.n_places]
    for code in (1, 2):
        over = int((codes[ahead] == code).sum()) + int((codes[list(pinned)] == code).sum()) - most
        others = [one for one in found.order[len(ahead) :] if codes[one] == 0]
        assert over <= 0 or not others or not (codes[ahead] == code).any()
    told = moves(found, ahead, range(0, 2 * len(pinned), 2))
    assert set(told) == {one for place, one in enumerate(ahead) if given_out.order[place] != one}


# ------------------------------------------------------------------------------------------- trade-off
def test_a_trade_off_is_measured_on_the_same_questions() -> None:
    shelf = make_shelf(200)
    rng = np.random.default_rng(2)
    questions = [
        RankedQuestion(
            np.sort(rng.choice(200, 60, replace=False)).astype(np.int32), -np.arange(60.0), np.array([number])
        )
        for number in range(30)
    ]
    plain, some, much = trade_off(questions, shelf, [1.0, 0.8, 0.3], ALIKE)
    assert plain.diversity.mean() < some.diversity.mean() <= much.diversity.mean()
    assert len(plain.ndcg) == 30
    first = questions[0]
    place = np.flatnonzero(first.product_no[:10] == 0)
    assert plain.ndcg[0] == (pytest.approx(1 / np.log2(place[0] + 2)) if len(place) else 0.0)
    whole = ALIKE.between(shelf, first.product_no[:10])
    assert plain.diversity[0] == pytest.approx(1 - whole[np.triu_indices(10, 1)].mean(), abs=1e-5)
    assert plain.leaf_categories[0] == len(set(shelf.category[first.product_no[:10]].tolist()))
    assert spread_relevance(np.array([3.0, 3.0])).tolist() == [1.0, 1.0]
