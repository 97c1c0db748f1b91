"""Shops made for measuring: larger than the demonstration, from the same scenario."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from smartshop.data_collection.pipelines.clock import system_now
from smartshop.opening import opened_stores
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.simulator.enter import enter_history
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.world import build_world
from smartshop.wiring import build_clock, build_ingest

PRODUCTS = 10_000
SHOPPERS = 3_000
SEED = 11


@dataclass(frozen=True, slots=True)
class LargeShop:
    products: int
    product_ids: Sequence[str]
    customers: Sequence[str]


def make_large_shop(folder: Path, *, products: int = PRODUCTS) -> LargeShop:
    """The outdoor store with more products, its history entered; not trained yet."""
    settings = Settings(data_dir=folder)
    place = find_place(settings, False)
    scenario = msgspec.structs.replace(load_scenario("outdoor_store"), products=products, shoppers=SHOPPERS)
    now = system_now()
    world = build_world(scenario, SEED, now)
    with opened_stores(settings, place) as stores:
        ingest = build_ingest(settings, stores, build_clock(settings, stores))
        enter_history(world, ingest, stores.catalogue, stores.stock, now=now)
    customers = [found for shopper in range(SHOPPERS) if (found := world.customer_id(shopper))]
    return LargeShop(len(world.products), [product.product_id for product in world.products], customers)
