"""A young shop's history, from nothing to some hundreds of interactions, trains end to end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.training import TrainedModel, train
from smartshop.data_collection.pipelines.interactions import Interactions
from smartshop.data_collection.schemas.ids import Micros
from tests.recommendation.worlds import N_PRODUCTS, START, ask, shelf_of_tastes, shop_of_tastes, silent

SIZES = (0, 1, 2, 5, 50, 900)


def first_of(interactions: Interactions, n: int) -> Interactions:
    """The oldest n, as a shop has them in its first days."""
    oldest = np.sort(np.argsort(interactions.occurred_at, kind="stable")[:n])
    shopper = np.unique(interactions.shopper_no[oldest], return_inverse=True)[1].astype(np.int32)
    at = interactions.occurred_at[oldest]
    return replace(
        interactions,
        shopper_no=shopper,
        product_no=interactions.product_no[oldest],
        kind=interactions.kind[oldest],
        occurred_at=at,
        quantity=interactions.quantity[oldest],
        order_no=interactions.order_no[oldest],
        n_shoppers=int(shopper.max(initial=-1)) + 1,
        data_until=Micros(int(at.max(initial=0))),
    )


def trained_on(n: int) -> TrainedModel:
    return train(first_of(shop_of_tastes(), n), shelf_of_tastes(), np.random.default_rng(0), silent)


@pytest.fixture(scope="module", params=SIZES)
def trained(request: pytest.FixtureRequest) -> TrainedModel:
    return trained_on(request.param)


def shown(model: RecommendationModel) -> list[list[int]]:
    """Lists for a newcomer, for one with a click, and for one who came back after some."""
    advisor, shelf = RecommendationAdvisor(model), shelf_of_tastes()
    histories: list[list[int]] = [[], [3], [11, 12, 30, 13]]
    return [advisor.candidates(ask(shelf, history, limit=10), 30).product_no.tolist() for history in histories]


def test_everyone_is_shown_a_full_list(trained: TrainedModel) -> None:
    for listed in shown(trained.model):
        assert len(set(listed)) == len(listed) == 30
        assert set(listed) <= set(range(N_PRODUCTS))


def test_what_was_counted_is_told(trained: TrainedModel) -> None:
    assert trained.n_interactions in SIZES
    assert trained.data_until == 0 if trained.n_interactions == 0 else trained.data_until >= START
    assert np.isfinite(trained.measures.ndcg).all()
    weights = trained.model.recipe.blend.weights.values()
    assert all(np.isfinite(weight) and weight >= 0 for weight in weights)


def test_a_saved_model_shows_the_same(trained: TrainedModel, tmp_path: Path) -> None:
    trained.model.save(tmp_path)
    assert shown(RecommendationModel.load(tmp_path)) == shown(trained.model)


@pytest.mark.parametrize("n", [0, 5, 900])
def test_trained_again_it_has_the_same_bytes(n: int, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        trained_on(n).model.save(folder)
        written.append({file.name: file.read_bytes() for file in sorted(folder.iterdir())})
    assert written[0] == written[1]


def test_some_hundred_interactions_are_enough_to_follow_a_shoppers_taste() -> None:
    """Who looked at products of one of four ranges is shown that range first; before there is any data, not."""
    advisor, shelf = RecommendationAdvisor(trained_on(900).model), shelf_of_tastes()
    for taste in range(4):
        looked_at = [10 * taste + 2, 10 * taste + 3]
        first = advisor.candidates(ask(shelf, looked_at), 6).product_no // 10
        assert (first == taste).mean() >= 0.5
