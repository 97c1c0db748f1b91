"""The shop that `make bench ARGS=slates-large` asks is a real one: all of its catalogue on sale, a past all over it."""

from pathlib import Path

import numpy as np
import pytest

from bench.shops import LargeShop
from bench.vast_shop import learn_briefly, make_vast_shop, promote_again
from smartshop.ai_agents.recommendation.agent import AGENT
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.wiring import build_clock

PRODUCTS, SHOPPERS = 120, 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vast")


@pytest.fixture(scope="module")
def shop(folder: Path) -> LargeShop:
    return make_vast_shop(folder, products=PRODUCTS, shoppers=SHOPPERS)


def test_a_shop_made_for_measuring_sells_everything_and_has_a_past_all_over_it(folder: Path, shop: LargeShop) -> None:
    assert shop.products == len(set(shop.product_ids)) == PRODUCTS
    assert 0 < len(set(shop.customers)) == len(shop.customers) <= SHOPPERS
    settings = Settings(data_dir=folder)
    with opened_stores(settings, find_place(settings, False)) as stores:
        clock = build_clock(settings, stores)
        shelf = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now).shelf
        past = load_interactions(stores.log, stores.customers, shelf)
    assert shelf.sellable.sum() == PRODUCTS
    assert len(set(shelf.titles)) == PRODUCTS
    assert past.n_shoppers == len(shop.customers)
    assert (past.order_no >= 0).any()
    assert len(np.unique(past.product_no)) > PRODUCTS / 2


def test_what_it_learned_is_promoted_and_once_more_under_another_version(folder: Path, shop: LargeShop) -> None:
    assert {"markov", "slist", "content"} <= set(learn_briefly(folder))
    settings = Settings(data_dir=folder)
    with opened_stores(settings, find_place(settings, False)) as stores:
        first = stores.models.promoted(AGENT)
    promote_again(folder)
    with opened_stores(settings, find_place(settings, False)) as stores:
        second = stores.models.promoted(AGENT)
    assert first is not None
    assert second is not None
    assert first.version != second.version
