"""Live shoppers in a running service: they look, click and buy over HTTP, in any shop."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import Unavailable
from smartshop.simulator.live import run_live
from smartshop.simulator.met_catalogue import MetProduct, MetVariant, world_of
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.world import build_world
from tests.api.live_server import listening
from tests.api.shop_for_tests import PUBLISHABLE_KEY, app_of, make_shop, open_shop_stores
from tests.simulator.conftest import END_AT, SEED

VISITS = 40


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_shop_stores(tmp_path)
    yield opened
    opened.close()


async def send(url: str, visits: int) -> int:
    return await run_live(
        url,
        PUBLISHABLE_KEY,
        load_scenario("outdoor_store"),
        seed=3,
        shoppers_per_minute=60_000,
        stop=asyncio.Event(),
        shoppers=visits,
        pace=0.0,
    )


def test_they_come_look_click_and_buy(stores: SqlStores) -> None:
    before = units_on_hand(stores)
    with listening(app_of(make_shop(stores))) as url:
        assert asyncio.run(send(url, VISITS)) == VISITS
    events = [event for batch in stores.log.scan() for _, event in batch]
    kinds = Counter(event.kind for event in events)
    assert kinds[EventKind.PAGE_VIEWED] == VISITS
    assert kinds[EventKind.RECOMMENDATION_SHOWN] >= VISITS
    assert kinds[EventKind.RECOMMENDATION_CLICKED] > 0
    assert kinds[EventKind.ORDER_COMPLETED] > 0
    assert {event.trust for event in events} == {Trust.SHOPPER}
    assert stores.quarantine.counts() == {}
    sold = sum(
        line.quantity or 0 for event in events if event.kind is EventKind.ORDER_COMPLETED for line in event.products
    )
    assert before - units_on_hand(stores) == sold


def units_on_hand(stores: SqlStores) -> int:
    listed = stores.catalogue.changed_since(Micros(0))
    variants = [variant.variant_id for each in listed for variant in each.product.variants]
    return sum(units for at in stores.stock.levels(variants).values() for units in at.values())


async def test_they_stop_when_told(stores: SqlStores) -> None:
    stop = asyncio.Event()
    with listening(app_of(make_shop(stores))) as url:
        coming = asyncio.create_task(
            run_live(url, PUBLISHABLE_KEY, load_scenario("outdoor_store"), seed=4, shoppers_per_minute=600, stop=stop)
        )
        await asyncio.sleep(0.5)
        stop.set()
        assert await asyncio.wait_for(coming, 20) > 0


async def test_a_wrong_key_ends_the_run_with_an_error(stores: SqlStores) -> None:
    with listening(app_of(make_shop(stores))) as url, pytest.raises(Exception, match="401"):
        await run_live(
            url, "pk_nobody_knows_this_one", load_scenario("outdoor_store"), seed=5, shoppers_per_minute=60,
            stop=asyncio.Event(), shoppers=1,
        )  # fmt: skip


def test_a_product_of_the_scenario_is_liked_live_as_it_was_in_the_history() -> None:
    scenario = load_scenario("outdoor_store")
    made = build_world(scenario, SEED, END_AT, shoppers=50)
    met = [
        MetProduct(
            product_id=product.product_id,
            title=product.title,
            brand=product.brand,
            category=" > ".join(product.category),
            price_minor=product.variants[0].offers[0].price_minor,
            currency=scenario.currency,
            variants=[MetVariant(variant_id=variant.variant_id) for variant in product.variants],
        )
        for product in made.products
    ]
    live = world_of(scenario, met, SEED, 50, END_AT)
    assert live.range.variant_ids == made.range.variant_ids
    assert live.utility == pytest.approx(made.utility, abs=1e-4)


def test_a_shop_that_is_not_there_is_an_error_and_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartshop.simulator.shop_client.LONGEST_WAIT_SECONDS", 0.01)
    with pytest.raises(Unavailable, match="did not answer GET /v1/products"):
        asyncio.run(send("http://127.0.0.1:9", 1))
