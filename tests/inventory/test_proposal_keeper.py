"""The list of what to order while a newer one takes its time: told as it was, with its time and with what changed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

import pytest

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.backend_api.services.reordering import ProposalKeeper
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.sql.catalogue import SqlCatalogue
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.pipelines.clock import DAY, SECOND
from smartshop.data_collection.schemas.catalogue import ListedProduct
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.data_collection.schemas.supply import PurchaseLine, PurchaseOrder, PurchaseOrderId, PurchaseStatus
from smartshop.errors import NotFound, Unavailable
from tests.api.shop_for_tests import make_shop
from tests.importing.shop import EmbeddedShop
from tests.inventory.joint_shop import FIXED_COST, SHORT, learned, opened_joint_shop
from tests.inventory.supply_shop import END, QUICK

AT_ONCE, LONG = 0.0, 60.0
"""Seconds of patience: none, and more than any list of this shop takes."""
LATER = Micros(END + 60 * SECOND)


class GatedCatalogue(SqlCatalogue):
    """A large shop's, which takes until the gate opens to be read whole."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.gate = Event()
        self.gate.set()
        self.is_down = False

    def changed_since(self, since: Micros) -> list[ListedProduct]:
        assert self.gate.wait(LONG)
        if self.is_down:
            raise Unavailable("The database is away.")
        return super().changed_since(since)


@dataclass(slots=True)
class Watch:
    now: Micros = END


@dataclass(frozen=True, slots=True)
class Stocked:
    shop: Shop
    catalogue: GatedCatalogue
    watch: Watch


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_joint_shop(tmp_path_factory.mktemp("joint")) as shop:
        yield shop


@pytest.fixture(scope="module")
def model(opened: EmbeddedShop) -> InventoryModel:
    return learned(opened)


@pytest.fixture
def stocked(opened: EmbeddedShop, model: InventoryModel) -> Iterator[Stocked]:
    """No test leaves a thread waiting."""
    catalogue, watch = GatedCatalogue(opened.stores.shop_database), Watch()
    shop = replace(make_shop(opened.stores, now=lambda: watch.now), catalogue=catalogue)
    shop.forecasts.model = model
    yield Stocked(shop, catalogue, watch)
    catalogue.gate.set()


def test_a_list_that_takes_its_time_is_told_as_it_was_until_it_is_there(stocked: Stocked) -> None:
    keeper = ProposalKeeper(patience_seconds=AT_ONCE)
    first = keeper.newest(stocked.shop)
    stocked.catalogue.gate.clear()
    stocked.watch.now = LATER
    assert keeper.newest(stocked.shop) is first
    stocked.catalogue.gate.set()
    keeper.patience_seconds = LONG
    renewed = keeper.newest(stocked.shop)
    assert (first.at, renewed.at) == (END, LATER)
    assert renewed.proposals == first.proposals


def test_within_half_a_minute_nothing_is_worked_out_again(stocked: Stocked) -> None:
    keeper = ProposalKeeper()
    first = keeper.newest(stocked.shop)
    stocked.watch.now = Micros(END + 20 * SECOND)
    stocked.catalogue.gate.clear()
    assert keeper.newest(stocked.shop) is first


def test_what_was_approved_is_gone_from_the_list_that_is_kept(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    first = keeper.newest(shop).proposals
    kettle = next(one for one in first.items if one.variant_id == "kettle")
    stocked.catalogue.gate.clear()
    approve(shop, "po-kept", kettle=kettle.units)
    keeper.orders_changed([VariantId("kettle")])
    kept = keeper.newest(shop)
    assert kept.at == END
    assert list(kept.proposals.items) == [one for one in first.items if one != kettle]
    (quick,) = [one for one in kept.proposals.orders if one.supplier_id == QUICK]
    assert quick.goods_minor == sum(one.goods_minor for one in kept.proposals.items if one.supplier_id == QUICK)
    assert quick.total_minor == quick.goods_minor + FIXED_COST
    assert kept.proposals.cash_minor == first.cash_minor - kettle.goods_minor
    shop.purchase_orders.step(PurchaseOrderId("po-kept"), PurchaseStatus.CANCELLED, END)
    keeper.orders_changed([VariantId("kettle")])
    assert keeper.newest(shop).proposals == first


def test_what_is_left_of_an_order_bears_its_cost_by_itself(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    assert keeper.newest(shop).shared.lines[QUICK, DEFAULT_LOCATION] == 1 + len(SHORT)
    stocked.catalogue.gate.clear()
    # Enough of all but one, of which a unit comes.
    approve(shop, "po-most", **dict.fromkeys(("kettle", *SHORT), 100) | {SHORT[0]: 1})
    keeper.orders_changed([VariantId("kettle"), *SHORT])
    kept = keeper.newest(shop)
    assert kept.shared.lines[QUICK, DEFAULT_LOCATION] == 1
    assert {one.variant_id for one in kept.proposals.items if one.supplier_id == QUICK} <= {SHORT[0]}
    shop.purchase_orders.step(PurchaseOrderId("po-most"), PurchaseStatus.CANCELLED, END)


def test_a_list_begun_before_an_order_was_approved_does_not_bring_it_back(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    keeper.newest(shop)
    stocked.watch.now = LATER
    stocked.catalogue.gate.clear()
    keeper.newest(shop)  # stock is being read by now
    approve(shop, "po-between", kettle=100)
    keeper.orders_changed([VariantId("kettle")])
    stocked.catalogue.gate.set()
    keeper.patience_seconds = LONG
    assert "kettle" not in {one.variant_id for one in keeper.newest(shop).proposals.items}
    shop.purchase_orders.step(PurchaseOrderId("po-between"), PurchaseStatus.CANCELLED, END)


@pytest.mark.parametrize("later", [20 * 60 * SECOND, 1 * DAY])
def test_orders_are_drafted_from_no_list_of_long_ago(stocked: Stocked, later: int) -> None:
    keeper = ProposalKeeper(patience_seconds=AT_ONCE)
    first = keeper.newest(stocked.shop)
    stocked.watch.now = Micros(END + later)
    stocked.catalogue.gate.clear()
    with ThreadPoolExecutor(1) as operator:
        asked = operator.submit(keeper.newest_to_draft, stocked.shop)
        stocked.catalogue.gate.set()
        assert asked.result().at == stocked.watch.now > first.at


def test_what_is_shared_is_told_once_a_list_is_there(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    stocked.catalogue.gate.clear()
    assert keeper.shared(shop) is None
    stocked.catalogue.gate.set()
    keeper.patience_seconds = LONG
    assert keeper.shared(shop) == keeper.newest(shop).shared


def test_a_failure_is_told_and_the_next_who_asks_tries_again(stocked: Stocked) -> None:
    keeper = ProposalKeeper(patience_seconds=LONG)
    first = keeper.newest(stocked.shop)
    stocked.watch.now, stocked.catalogue.is_down = LATER, True
    with pytest.raises(Unavailable, match="is away"):
        keeper.newest(stocked.shop)
    stocked.catalogue.is_down = False
    assert keeper.newest(stocked.shop).at == LATER > first.at


def test_without_a_model_there_is_no_list(stocked: Stocked) -> None:
    stocked.shop.forecasts.model = None
    with pytest.raises(NotFound, match="Nothing is foreseen yet"):
        ProposalKeeper().newest(stocked.shop)


def approve(shop: Shop, number: str, **units: int) -> None:
    lines = [
        PurchaseLine(variant_id=VariantId(name), units=count, unit_cost_minor=900) for name, count in units.items()
    ]
    shop.purchase_orders.draft(
        PurchaseOrder(
            purchase_order_id=PurchaseOrderId(number),
            supplier_id=QUICK,
            status=PurchaseStatus.DRAFT,
            currency="GBP",
            lines=tuple(lines),
            created_at=END,
        )
    )
    shop.purchase_orders.step(PurchaseOrderId(number), PurchaseStatus.APPROVED, END)
