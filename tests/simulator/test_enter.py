"""History enters a real shop through its only door, whole and once."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.inventory.replenishment.lead_times import learn_lead_times
from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.ingest import Ingest
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros, SupplierId
from smartshop.simulator.enter import Entered, SupplyBooks, enter_history
from smartshop.simulator.truth import TruthIndex
from smartshop.simulator.world import World, build_world
from tests.simulator.conftest import END_AT, SEED, make, small_scenario


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_stores(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path, tmp_path / "models")
    yield opened
    opened.close()


def enter(stores: SqlStores, world: World, truth: Path | None = None, books: SupplyBooks | None = None) -> Entered:
    ingest = Ingest(
        log=stores.log,
        quarantine=stores.quarantine,
        customers=stores.customers,
        profiles=LogProfiles(stores.log, fold),
        bus=MemoryBus(),
        currency=world.scenario.currency,
    )
    return enter_history(world, ingest, stores.catalogue, stores.stock, now=END_AT, truth_folder=truth, books=books)


def test_a_history_enters_whole_and_a_second_time_changes_nothing(stores: SqlStores, tmp_path: Path) -> None:
    scenario = small_scenario(days=12)
    made, world = make(scenario), build_world(scenario, SEED, END_AT)
    told = enter(stores, world, tmp_path / "truth")
    assert (told.accepted, told.rejected, told.first_reason) == (len(made.events), 0, None)
    levels = stores.stock.levels(world.range.variant_ids)
    again = enter(stores, world)
    assert (again.accepted, again.duplicates, again.rejected) == (0, len(made.events), 0)
    assert stores.stock.levels(world.range.variant_ids) == levels
    assert stores.log.size().events == len(made.events)


def test_the_shops_stock_is_what_was_counted_received_and_sold(stores: SqlStores) -> None:
    scenario = small_scenario(days=12)
    made = make(scenario)
    enter(stores, made.world)
    expected = dict(zip(made.world.range.variant_ids, made.world.opening_level.tolist(), strict=True))
    for day in made.days:
        for receipt in day.receipts:
            expected[receipt.variant_id] += receipt.quantity
        for event in day.events:
            sign = {EventKind.ORDER_COMPLETED: -1, EventKind.ORDER_RETURNED: 1}.get(event.kind, 0)
            for line in event.products if sign else ():
                assert line.variant_id is not None
                expected[line.variant_id] += sign * (line.quantity or 0)
    levels = stores.stock.levels(made.world.range.variant_ids)
    assert {variant: sum(at.values()) for variant, at in levels.items()} == expected


def test_suppliers_and_what_was_ordered_from_them_are_told(stores: SqlStores) -> None:
    scenario = small_scenario(days=30)
    made = make(scenario)
    enter(stores, made.world, books=SupplyBooks(stores.suppliers, stores.purchase_orders))
    levels = stores.stock.levels(made.world.range.variant_ids)
    assert enter(stores, made.world, books=SupplyBooks(stores.suppliers, stores.purchase_orders)).accepted == 0
    assert stores.stock.levels(made.world.range.variant_ids) == levels
    assert {one.supplier_id for one in stores.suppliers.all()} == {one.key for one in scenario.suppliers}
    terms = stores.suppliers.terms()
    assert {one.variant_id for one in terms} == set(made.world.range.variant_ids)
    assert all(one.unit_cost_minor > 0 and one.preferred for one in terms)
    told = stores.purchase_orders.deliveries(Micros(0))
    came = sum(receipt.quantity for day in made.days for receipt in day.receipts)
    assert sum(line.units for one in told for line in one.lines) == came > 0
    # What receipts teach is what the scenario draws from, in whole days.
    learned = learn_lead_times(stores.suppliers.all(), told)
    for supplier in scenario.suppliers:
        seen = learned[SupplierId(supplier.key)]
        if seen.orders_seen >= 8:
            near = 3 * supplier.lead_time_spread_days / seen.orders_seen**0.5 + 0.5
            assert abs(seen.mean_days - supplier.lead_time_days) < near
    assert max(one.orders_seen for one in learned.values()) >= 8
    # What had not come by the end is still on its way, and nothing else is.
    coming = sum(one.units for one in stores.purchase_orders.incoming())
    assert coming == sum(one.quantity for day in made.days for one in day.ordered) - came


def test_the_truth_stands_in_files_of_its_own(stores: SqlStores, tmp_path: Path) -> None:
    world = build_world(small_scenario(), SEED, END_AT)
    enter(stores, world, tmp_path / "truth")
    index = msgspec.json.decode((tmp_path / "truth" / "truth.json").read_bytes(), type=TruthIndex)
    with np.load(tmp_path / "truth" / "truth.npz") as truth:
        assert truth["utility"].shape == (len(index.shopper_keys), len(index.product_ids))
        assert truth["wanted"].shape == (world.scenario.days, len(index.product_ids))
        assert (truth["wanted"] >= truth["missed"]).all()
    assert index.product_ids == [product.product_id for product in world.products]
