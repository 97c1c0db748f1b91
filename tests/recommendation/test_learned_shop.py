"""The whole line on a made-up shop whose answer is known: train, save, load, advise, explain, publish."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.agent import RecommendationAgent, not_worse
from smartshop.ai_agents.recommendation.markov import Markov
from smartshop.ai_agents.recommendation.mix_search import EVERY_SOURCE, LEAST_WEIGHT
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.popular import NO_MODEL, PopularSource
from smartshop.ai_agents.recommendation.training import TrainedModel, judge, train
from smartshop.ai_agents.recommendation.trending import Trending
from smartshop.data_collection.connectors.sql.stores import open_stores
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.slates import Surface
from smartshop.errors import ModelRefused
from tests.recommendation.worlds import (
    N_PRODUCTS,
    PRODUCTS_PER_TASTE,
    START,
    ask,
    make_interactions,
    make_shelf,
    shelf_of_tastes,
    shop_of_tastes,
    silent,
    view,
)


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(shop_of_tastes(), shelf_of_tastes(), np.random.default_rng(0), silent)


@pytest.fixture
def advisor(trained: TrainedModel) -> RecommendationAdvisor:
    return RecommendationAdvisor(trained.model)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def without(*products: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    eligible = np.ones(N_PRODUCTS, np.bool_)
    eligible[list(products)] = False
    return eligible


def test_the_next_product_of_the_walk_comes_first(advisor: RecommendationAdvisor) -> None:
    for product in (1, 12, 23, 34):
        question = ask(shelf_of_tastes(), [product - 1, product], eligible=without(product - 1, product))
        found = advisor.candidates(question, 40)
        head = found.product_no[:3].tolist()
        assert product + 1 in head
        assert {number // PRODUCTS_PER_TASTE for number in head} == {product // PRODUCTS_PER_TASTE}


def test_the_basket_is_completed_by_what_is_bought_with_it(advisor: RecommendationAdvisor) -> None:
    question = ask(shelf_of_tastes(), surface=Surface.BASKET, basket=[12], eligible=without(12))
    found = advisor.candidates(question, 40)
    assert found.product_no[0] == 19
    assert advisor.bought_together(question, 5).product_no[0] == 19
    reason = advisor.advise(question, found).reason(0)
    assert reason is not None
    assert reason.code == "bought_together"
    assert reason.evidence["product_id"] == "p12"


def test_the_evidence_is_the_true_count(advisor: RecommendationAdvisor) -> None:
    interactions = shop_of_tastes()
    question = ask(shelf_of_tastes(), surface=Surface.BASKET, basket=[12], eligible=without(12))
    reason = advisor.advise(question, advisor.candidates(question, 40)).reason(0)
    in_order = interactions.order_no >= 0
    pairs = set(zip(interactions.order_no[in_order].tolist(), interactions.product_no[in_order].tolist(), strict=True))
    orders = {number for number, _ in pairs}
    assert reason is not None
    assert reason.evidence["orders"] == sum((number, 12) in pairs and (number, 19) in pairs for number in orders)
    assert str(reason.evidence["orders"]) in reason.text


def test_similar_stays_in_the_range(advisor: RecommendationAdvisor) -> None:
    question = ask(shelf_of_tastes(), surface=Surface.PRODUCT, anchor=25)
    found = advisor.similar(question, 5).product_no.tolist()
    assert {number // PRODUCTS_PER_TASTE for number in found} == {2}
    assert 25 not in found


def test_trending_follows_the_mask(advisor: RecommendationAdvisor) -> None:
    eligible = np.zeros(N_PRODUCTS, np.bool_)
    eligible[30:] = True
    found = advisor.trending(ask(shelf_of_tastes(), eligible=eligible), 10)
    assert sorted(found.product_no.tolist()) == list(range(30, 40))
    trending = advisor.model.of(Trending)
    assert trending is not None
    demand = trending.score[found.product_no]
    assert (np.diff(demand) <= 0).all()


def test_two_shoppers_see_different_popular_lists(advisor: RecommendationAdvisor) -> None:
    first = advisor.candidates(ask(shelf_of_tastes(), [2, 3]), 10).product_no.tolist()
    second = advisor.candidates(ask(shelf_of_tastes(), [32, 33]), 10).product_no.tolist()
    assert first[:5] != second[:5]


def test_the_same_seed_gives_the_same_bytes(trained: TrainedModel, tmp_path: Path) -> None:
    again = train(shop_of_tastes(), shelf_of_tastes(), np.random.default_rng(0), silent)
    for name, model in (("first", trained.model), ("second", again.model)):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    assert files_of(tmp_path / "first") == files_of(tmp_path / "second")


def test_a_loaded_model_answers_as_the_one_that_was_saved(trained: TrainedModel, tmp_path: Path) -> None:
    trained.model.save(tmp_path)
    loaded = RecommendationModel.load(tmp_path)
    markov = loaded.of(Markov)
    assert markov is not None
    assert isinstance(markov.rows.indices.base, np.memmap)
    assert loaded.recipe == trained.model.recipe
    for surface in (Surface.HOME, Surface.BASKET):
        question = ask(shelf_of_tastes(), [1, 2], surface=surface, basket=[11])
        before = RecommendationAdvisor(trained.model).candidates(question, 40)
        after = RecommendationAdvisor(loaded).candidates(question, 40)
        assert before.product_no.tolist() == after.product_no.tolist()
        assert before.relevance.tolist() == after.relevance.tolist()
        assert before.because.tolist() == after.because.tolist()


def test_a_model_of_another_format_is_refused(trained: TrainedModel, tmp_path: Path) -> None:
    trained.model.save(tmp_path)
    manifest = tmp_path / "model.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 2', '"format_version": 99'))
    with pytest.raises(ModelRefused, match="format 99"):
        RecommendationModel.load(tmp_path)
    (tmp_path / "markov.indices.npy").unlink()
    manifest.write_text(manifest.read_text().replace('"format_version": 99', '"format_version": 2'))
    with pytest.raises(ModelRefused, match="train again"):
        RecommendationModel.load(tmp_path)


def test_no_source_but_buying_again_is_ever_switched_off(trained: TrainedModel) -> None:
    mix = trained.model.recipe.blend
    for weights in (mix.weights, mix.for_new().weights):
        assert all(weights[source] >= LEAST_WEIGHT for source in EVERY_SOURCE - {"buy_again"})


def test_without_a_model_the_newest_of_every_category_is_shown_and_said_so() -> None:
    shelf = make_shelf(30, ["Tents", "Stoves", "Spades"], published_at=START)
    found = PopularSource().candidates(ask(shelf), 6)
    assert found.missing == (NO_MODEL,)
    assert sorted(shelf.category[found.product_no[:3]].tolist()) == [1, 2, 3]


def test_the_first_model_is_promoted_and_one_that_lost_its_data_is_not(trained: TrainedModel, tmp_path: Path) -> None:
    clock = iter(range(START, START + 10**12, 10**6))
    stores = open_stores("", tmp_path, tmp_path / "models")
    try:
        agent = RecommendationAgent(stores.models, lambda: Micros(next(clock)))
        shelf = shelf_of_tastes()
        first = agent.publish(trained, shelf)
        assert first.promoted
        assert agent.publish(trained, shelf).promoted
        lost = train(
            make_interactions([view(s, s % 3, START + s) for s in range(30)], N_PRODUCTS),
            shelf,
            np.random.default_rng(0),
            silent,
        )
        assert not agent.publish(lost, shelf).promoted
        served = stores.models.promoted("recommendation")
        assert served is not None
        assert served.metrics["ndcg_at_10"] == pytest.approx(float(trained.measures.ndcg.mean()))
        folder = stores.models.open(served)
        assert RecommendationModel.load(folder).n_products == N_PRODUCTS
    finally:
        stores.close()


def test_a_mix_that_loses_on_unseen_shoppers_gives_way_to_the_better_one(trained: TrainedModel, tmp_path: Path) -> None:
    shelf = shelf_of_tastes()
    blind = msgspec.structs.replace(trained.model.recipe.blend, weights={"trending": 1.0})
    recipe = msgspec.structs.replace(trained.model.recipe, blend=blind)
    worse = replace(
        trained,
        model=replace(trained.model, recipe=recipe),
        older=replace(trained.older, recipe=recipe),
        measures=judge(trained.older, shelf, trained.judged_on, blind),
    )
    assert len(trained.judged_on) > 50
    assert not_worse(trained, worse.model, shelf)
    assert not not_worse(worse, trained.model, shelf)
    stores = open_stores("", tmp_path, tmp_path / "models")
    try:
        clock = iter(range(START, START + 10**12, 10**6))
        agent = RecommendationAgent(stores.models, lambda: Micros(next(clock)))
        agent.publish(trained, shelf)
        assert agent.publish(worse, shelf).promoted
        served = stores.models.promoted("recommendation")
        assert served is not None
        assert RecommendationModel.load(stores.models.open(served)).recipe == trained.model.recipe
    finally:
        stores.close()
