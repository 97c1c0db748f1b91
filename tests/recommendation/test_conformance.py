"""What every source of candidates promises, asked of each: the full model, the fall-back, and models of odd worlds."""

from collections.abc import Callable

import numpy as np
import pytest

from smartshop.ai_agents.advice import Candidates, FallbackRecommender, Question
from smartshop.ai_agents.recommendation.advice import FULL_MARGIN, RecommendationAdvisor
from smartshop.ai_agents.recommendation.popular import PopularSource
from smartshop.ai_agents.recommendation.training import train
from smartshop.data_collection.schemas.slates import Surface
from tests.recommendation.worlds import (
    N_PRODUCTS,
    START,
    Row,
    ask,
    make_interactions,
    make_shelf,
    order,
    shelf_of_tastes,
    shop_of_tastes,
    silent,
    view,
)


def trained_on(rows: list[Row], n_products: int) -> RecommendationAdvisor:
    interactions = make_interactions(rows, n_products)
    return RecommendationAdvisor(train(interactions, shelf_of_tastes(), np.random.default_rng(0), silent).model)


def learned_shop() -> RecommendationAdvisor:
    return RecommendationAdvisor(train(shop_of_tastes(), shelf_of_tastes(), np.random.default_rng(0), silent).model)


MAKERS: dict[str, Callable[[], FallbackRecommender]] = {
    "a learned shop": learned_shop,
    "the fall-back": PopularSource,
    "an empty log": lambda: trained_on([], N_PRODUCTS),
    "one shopper": lambda: trained_on([view(0, p, START + p) for p in range(6)], N_PRODUCTS),
    "one product": lambda: trained_on([view(s, 0, START + s) for s in range(6)], N_PRODUCTS),
    "one order": lambda: trained_on(order(0, (1, 2, 3), START, 0), N_PRODUCTS),
    "a smaller catalogue": lambda: trained_on([view(s, s % 7, START + s) for s in range(50)], 7),
    "only ties": lambda: trained_on([view(s, s, START) for s in range(N_PRODUCTS)], N_PRODUCTS),
}


@pytest.fixture(scope="module", params=list(MAKERS))
def source(request: pytest.FixtureRequest) -> FallbackRecommender:
    return MAKERS[request.param]()


def questions() -> list[Question]:
    shelf = shelf_of_tastes()
    few = np.zeros(N_PRODUCTS, np.bool_)
    few[[3, 17, 29]] = True
    grown = make_shelf(N_PRODUCTS + 25, [f"Range {i}" for i in range(3)], published_at=START)
    return [
        ask(shelf),
        ask(shelf, [1, 2, 3]),
        ask(shelf, [5] * 40, limit=200),
        ask(shelf, [1, 2], eligible=few),
        ask(shelf, [1, 2], eligible=np.zeros(N_PRODUCTS, np.bool_)),
        ask(shelf, [4], surface=Surface.PRODUCT, anchor=4, limit=1),
        ask(shelf, [4], surface=Surface.BASKET, basket=[4, 9]),
        ask(shelf, [], surface=Surface.ORDER, basket=[0]),
        ask(grown, [N_PRODUCTS + 3, 2], surface=Surface.PRODUCT, anchor=N_PRODUCTS + 20, limit=30),
        ask(make_shelf(0)),
    ]


def assert_sound(question: Question, found: Candidates, n: int) -> None:
    products = found.product_no
    assert products.dtype == np.int32
    assert len(found.relevance) == len(found.origin) == len(found.because) == len(products)
    assert len(set(products.tolist())) == len(products) <= n
    assert question.eligible[products].all()
    assert (np.diff(found.relevance) <= 0).all()
    assert ((found.origin >= 0) & (found.origin < len(found.origins))).all()
    known = {*question.history.tolist(), *question.basket.tolist(), question.anchor, -1}
    assert set(found.because.tolist()) <= known


def test_candidates_are_distinct_eligible_and_ordered(source: FallbackRecommender) -> None:
    for question in questions():
        assert_sound(question, source.candidates(question, 200), 200)


def test_lists_are_always_full(source: FallbackRecommender) -> None:
    for question in questions():
        found = source.candidates(question, 200)
        assert len(found.product_no) >= min(question.limit + FULL_MARGIN, int(question.eligible.sum()))


def test_the_same_question_has_the_same_answer(source: FallbackRecommender) -> None:
    for question in questions():
        first, second = source.candidates(question, 50), source.candidates(question, 50)
        assert first.product_no.tolist() == second.product_no.tolist()
        assert first.relevance.tolist() == second.relevance.tolist()


def test_odds_are_centred_finite_and_follow_the_relevance(source: FallbackRecommender) -> None:
    for question in questions():
        found = source.candidates(question, 200)
        log_odds = source.advise(question, found).log_odds
        assert log_odds.dtype == np.float32
        assert np.isfinite(log_odds).all()
        if len(log_odds):
            assert abs(float(log_odds.mean())) < 1e-4
        assert (np.diff(log_odds) <= 1e-6).all()


def test_every_item_has_a_reason_in_words(source: FallbackRecommender) -> None:
    for question in questions():
        found = source.candidates(question, 200)
        advice = source.advise(question, found)
        for index in range(len(found.product_no)):
            reason = advice.reason(index)
            assert reason is not None
            assert reason.text
            assert reason.code


def test_every_list_of_the_full_model_is_sound() -> None:
    for make in MAKERS.values():
        source = make()
        if not isinstance(source, RecommendationAdvisor):
            continue
        for question in questions():
            for found in (
                source.similar(question, 12),
                source.bought_together(question, 12),
                source.trending(question, 12),
            ):
                assert_sound(question, found, 12)
            assert len(source.similar(question, 12).product_no) >= min(12, int(question.eligible.sum()) - 1)


def test_ranking_returns_exactly_what_was_given() -> None:
    source = learned_shop()
    given = np.array([39, 3, 12, 0], np.int32)
    nothing = np.zeros(N_PRODUCTS, np.bool_)
    found = source.rank(ask(shelf_of_tastes(), [2], eligible=nothing), given)
    assert sorted(found.product_no.tolist()) == sorted(given.tolist())
    assert found.product_no[0] == 3
    assert len(source.rank(ask(shelf_of_tastes(), [2]), given[:0]).product_no) == 0
