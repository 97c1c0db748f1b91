"""A promoted model that is damaged is refused; who serves goes on, or begins, with the last good one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.agent import AGENT, RecommendationAgent
from smartshop.ai_agents.recommendation.training import TrainedModel, train
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.serve import ModelKeeper
from smartshop.wiring import build_clock, build_shop
from tests.importing.shop import EmbeddedShop, opened_shop
from tests.recommendation.worlds import SECOND, START, make_interactions, make_shelf, silent


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    rows = [
        (shopper, (shopper + step) % 6, EventKind.PRODUCT_VIEWED, START + step * SECOND, -1)
        for shopper in range(8)
        for step in range(4)
    ]
    return train(make_interactions(rows, 6), make_shelf(6), np.random.default_rng(0), silent)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedShop]:
    with opened_shop(tmp_path / "shop") as opened:
        yield opened


@pytest.fixture
def shop(embedded: EmbeddedShop) -> Shop:
    stores = embedded.stores
    return build_shop(embedded.settings, embedded.place, stores, build_clock(embedded.settings, stores))


def publish(shop: Shop, trained: TrainedModel, second: int) -> ModelVersion:
    """One more version, promoted."""
    agent = RecommendationAgent(shop.models, lambda: Micros(START + second * SECOND))
    return agent.publish(trained, make_shelf(6)).version


def alter(shop: Shop, version: ModelVersion) -> None:
    """One bit of one file, which keeps its length."""
    record = next(one for one in shop.models.history(AGENT) if one.version == version)
    file = shop.models.open(record) / "markov.weights.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)


def served(shop: Shop) -> str | None:
    return shop.recommendations.serving.versions.get(AGENT)


def test_a_process_that_begins_with_a_damaged_model_serves_the_last_good_one(
    embedded: EmbeddedShop, shop: Shop, trained: TrainedModel
) -> None:
    good, lost, newest = (publish(shop, trained, second) for second in range(3))
    alter(shop, lost)
    alter(shop, newest)
    keeper = ModelKeeper(shop, embedded.stores.owned_events)
    keeper.refresh()
    assert served(shop) == good
    keeper.refresh()
    assert served(shop) == good
    assert keeper.has_taken_up(AGENT, Micros(0))


def test_a_process_that_serves_stays_with_its_model_and_takes_up_the_next_good_one(
    embedded: EmbeddedShop, shop: Shop, trained: TrainedModel
) -> None:
    keeper = ModelKeeper(shop, embedded.stores.owned_events)
    first = publish(shop, trained, 0)
    keeper.refresh()
    assert served(shop) == first
    alter(shop, publish(shop, trained, 1))
    keeper.refresh()
    assert served(shop) == first
    third = publish(shop, trained, 2)
    keeper.refresh()
    assert served(shop) == third


def test_a_shop_whose_only_model_is_damaged_has_none(embedded: EmbeddedShop, shop: Shop, trained: TrainedModel) -> None:
    alter(shop, publish(shop, trained, 0))
    ModelKeeper(shop, embedded.stores.owned_events).refresh()
    assert served(shop) is None
