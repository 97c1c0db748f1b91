"""From a refit to a slate: what the own kind wants lately reaches the sources of a real shop."""

import asyncio
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.training import fit
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.schemas.customers import ConsentChange
from smartshop.data_collection.schemas.ids import AnonymousId, Micros, ProductId, ShopperKey
from smartshop.data_collection.schemas.slates import Slate, SlateRequest, Surface
from smartshop.serve import ModelKeeper
from smartshop.wiring import build_clock, build_shop
from tests.segmentation.shop_of_two import END, LEAVES, opened_shop_of_two, product_id

GARDEN = [ProductId(product_id(leaf, 1)) for leaf in LEAVES["gardener"]]
OF_GARDENERS = {product_id(leaf, place) for leaf in LEAVES["gardener"] for place in range(8)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Segments as they are taken up by a serving process, beside sources fitted under the default mix."""
    with opened_shop_of_two(tmp_path_factory.mktemp("wanted")) as two:
        two.refit()
        stores = two.shop.stores
        shop = build_shop(two.shop.settings, two.shop.place, stores, build_clock(two.shop.settings, stores))
        ModelKeeper(shop, stores.owned_events).refresh()
        sequences = make_sequences(
            load_interactions(stores.log, stores.customers, shop.shelves.shelf), SequenceConfig()
        )
        advisor = RecommendationAdvisor(fit(sequences, shop.shelves.shelf, END, Recipe()))
        shop.recommendations.use(advisor, (), {}, wanted=shop.recommendations.serving.wanted)
        yield shop


def slate(shop: Shop, who: str, history: Sequence[ProductId]) -> Slate:
    request = SlateRequest(surface=Surface.HOME, anonymous_id=AnonymousId(who), history=list(history), limit=8)
    return asyncio.run(shop.recommendations.answer(request, None))


def told(found: Slate) -> list[float]:
    """How many times as often as usual, of every item that stands there for what the own kind wants."""
    reasons = [item.reason for item in found.items if item.reason is not None]
    return [float(str(reason.evidence["times"])) for reason in reasons if reason.code == "wanted_alike"]


def test_a_history_tells_what_the_own_kind_wants(shop: Shop) -> None:
    shelf = shop.shelves.shelf
    wanted = shop.recommendations.serving.wanted(np.array([shelf.number_of[one] for one in GARDEN], np.int32))

    assert {shelf.product_ids[number] for number in wanted.product_no[:6].tolist()} <= OF_GARDENERS
    assert wanted.times[:6].min() > 1.5
    assert wanted.customers > 20


def test_it_is_told_in_slates_with_its_figure(shop: Shop) -> None:
    found = slate(shop, "new-gardener", GARDEN)

    assert len(found.items) == 8
    assert told(found)
    assert min(told(found)) >= 1.5


def test_nothing_is_told_without_a_history_or_to_who_withheld_theirs(shop: Shop) -> None:
    key = ShopperKey("withholds")
    change = ConsentChange(
        shopper_key=key, is_customer=False, changes={"personalisation": False}, received_at=Micros(END)
    )
    shop.customers.set_consent(change)

    assert told(slate(shop, "stranger", [])) == []
    assert told(slate(shop, key, GARDEN)) == []
