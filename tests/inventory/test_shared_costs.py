"""What an order costs by itself is shared by its lines, and by the same figure wherever one of them is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from smartshop.ai_agents.inventory.forecast_view import StockForeseen, forecast_seen
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.deciding import SharedCosts, decide
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal
from smartshop.ai_agents.inventory.replenishment.proposals import propose
from smartshop.ai_agents.inventory.replenishment.reading import Stores, places_of_product, read_supply, stocked_places
from smartshop.ai_agents.inventory.stock_now import stores_of
from smartshop.data_collection.schemas.ids import LocationId, ProductId, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from tests.importing.shop import EmbeddedShop
from tests.inventory.joint_shop import SHORT, learned, opened_joint_shop
from tests.inventory.supply_shop import END, QUICK, SLOW

PRESENT = Present(END, date(2026, 1, 5), CostConfig())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_joint_shop(tmp_path_factory.mktemp("joint")) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(shop: EmbeddedShop) -> InventoryModel:
    return learned(shop)


@pytest.fixture(scope="module")
def stores(shop: EmbeddedShop) -> Stores:
    return stores_of(shop.stores)


def proposals(stores: Stores, model: InventoryModel) -> tuple[Proposal, ...]:
    supply = read_supply(stores, END)
    return propose(model, supply, stocked_places(stores, supply, model, END), PRESENT).items


def foreseen(stores: Stores, model: InventoryModel, product: str, shared: SharedCosts | None = None) -> StockForeseen:
    (stock,) = forecast_seen(model, stores, product, PRESENT, END, shared).stock
    return stock


def test_a_forecast_tells_the_order_point_of_the_proposal(stores: Stores, model: InventoryModel) -> None:
    found = proposals(stores, model)
    assert {"kettle", "lamp", "rare", *SHORT} == {one.variant_id for one in found}
    for one in found:
        told = foreseen(stores, model, one.variant_id)
        assert (told.reorder_point, told.order_up_to) == (one.reorder_point, one.order_up_to), one.variant_id


def test_whoever_lasts_is_told_with_its_part_too(stores: Stores, model: InventoryModel) -> None:
    alone = foreseen(stores, model, "mug", SharedCosts())
    among = foreseen(stores, model, "mug")
    assert among.reorder_point is not None
    # Goods that share a delivery are ordered sooner, and less of them at once.
    assert among.reorder_point >= (alone.reorder_point or 0)
    assert among.order_up_to < alone.order_up_to


def test_a_fixed_cost_is_shared_by_supplier_and_place_of_delivery(stores: Stores, model: InventoryModel) -> None:
    supply = read_supply(stores, END)
    places = stocked_places(stores, supply, model, END)
    north = [
        replace(place, location_id=LocationId("north")) if place.variant.variant_id in SHORT[:2] else place
        for place in places
    ]
    together, apart = (decide(model, supply, found, PRESENT) for found in (places, north))
    quick, slow = (QUICK, DEFAULT_LOCATION), (SLOW, DEFAULT_LOCATION)
    assert together.shared.lines == {quick: 5, slow: 1}
    assert apart.shared.lines == {quick: 3, (QUICK, "north"): 2, slow: 1}


def test_one_product_is_decided_about_with_what_was_shared_among_all(stores: Stores, model: InventoryModel) -> None:
    supply = read_supply(stores, END)
    whole = decide(model, supply, stocked_places(stores, supply, model, END), PRESENT)
    units = {case.place.variant.variant_id: order.units for case, order in whole.wanted}
    for name in ("kettle", *SHORT):
        own = places_of_product(stores, supply, model, END, ProductId(name))
        ((_, order),) = decide(model, supply, own, PRESENT, whole.shared).wanted
        assert order.units == units[VariantId(name)]
