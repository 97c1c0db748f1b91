"""The list of what to order while a newer one takes its time: told as it was, with its time and with what changed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

import msgspec
import pytest
from fastapi.testclient import TestClient

from smartshop.ai_agents.inventory.forecast_view import forecast_seen
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal
from smartshop.backend_api.services.changed_variants import ChangedVariants
from smartshop.backend_api.services.proposal_keeper import ProposalKeeper
from smartshop.backend_api.services.reordering import brought_by, stock_now_of
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.sql.catalogue import SqlCatalogue
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.pipelines.clock import DAY, SECOND
from smartshop.data_collection.schemas.catalogue import ListedProduct
from smartshop.data_collection.schemas.ids import Micros, ModelVersion, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION, StockCount
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
    SupplyTerms,
)
from smartshop.errors import NotFound, Unavailable
from tests.api.shop_for_tests import app_of, make_shop
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
        self.is_asked = Event()
        self.is_down = False

    def changed_since(self, since: Micros) -> list[ListedProduct]:
        self.is_asked.set()
        assert self.gate.wait(LONG)
        if self.is_down:
            raise Unavailable("The database is away.")
        return super().changed_since(since)


def nothing() -> None: ...


def all_of(_: Proposal) -> bool:
    return True


@dataclass(slots=True)
class ReadLate(ChangedVariants):
    """Before it is told what changed, something else happens."""

    before: Callable[[], None] = nothing

    def since(self, number: int) -> tuple[int, list[VariantId]]:
        self.before()
        return ChangedVariants.since(self, number)


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
    shop.forecasts.use(model, ModelVersion("m-1"))
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
    shop.changed_variants.tell([VariantId("kettle")])
    kept = keeper.newest(shop)
    assert kept.at == END
    assert list(kept.proposals.items) == [one for one in first.items if one != kettle]
    (quick,) = [one for one in kept.proposals.orders if one.supplier_id == QUICK]
    assert quick.goods_minor == sum(one.goods_minor for one in kept.proposals.items if one.supplier_id == QUICK)
    assert quick.total_minor == quick.goods_minor + FIXED_COST
    assert kept.proposals.cash_minor == first.cash_minor - kettle.goods_minor
    shop.purchase_orders.step(PurchaseOrderId("po-kept"), PurchaseStatus.CANCELLED, END)
    shop.changed_variants.tell([VariantId("kettle")])
    assert keeper.newest(shop).proposals == first


def test_what_is_left_of_an_order_bears_its_cost_by_itself(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    assert keeper.newest(shop).shared.lines[QUICK, DEFAULT_LOCATION] == 1 + len(SHORT)
    stocked.catalogue.gate.clear()
    # Enough of all but one, of which a unit comes.
    approve(shop, "po-most", **dict.fromkeys(("kettle", *SHORT), 100) | {SHORT[0]: 1})
    shop.changed_variants.tell([VariantId("kettle"), *SHORT])
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
    shop.changed_variants.tell([VariantId("kettle")])
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
        asked = operator.submit(keeper.to_draft, stocked.shop, all_of)
        stocked.catalogue.gate.set()
        assert asked.result().found.at == stocked.watch.now > first.at


def test_what_is_shared_is_told_once_a_list_is_there(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    stocked.catalogue.gate.clear()
    assert keeper.shared(shop) is None
    stocked.catalogue.gate.set()
    keeper.patience_seconds = LONG
    assert keeper.shared(shop) == keeper.newest(shop).shared


def test_where_no_newer_list_can_be_made_the_kept_one_is_told_and_the_next_who_asks_tries_again(
    stocked: Stocked,
) -> None:
    keeper = ProposalKeeper(patience_seconds=LONG)
    first = keeper.newest(stocked.shop)
    stocked.watch.now, stocked.catalogue.is_down = LATER, True
    assert keeper.newest(stocked.shop) is first
    stocked.catalogue.is_down = False
    assert keeper.newest(stocked.shop).at == LATER > first.at


def test_where_none_is_kept_a_failure_is_told(stocked: Stocked) -> None:
    keeper = ProposalKeeper(patience_seconds=LONG)
    stocked.catalogue.is_down = True
    with pytest.raises(Unavailable, match="is away"):
        keeper.newest(stocked.shop)
    assert keeper.shared(stocked.shop) is None
    stocked.catalogue.is_down = False
    assert keeper.newest(stocked.shop).at == END


def test_a_list_that_was_followed_by_another_while_it_was_read_has_what_changed(stocked: Stocked) -> None:
    keeper, late = ProposalKeeper(patience_seconds=AT_ONCE), ReadLate()
    shop = replace(stocked.shop, changed_variants=late)
    keeper.newest(shop)
    stocked.watch.now = LATER
    stocked.catalogue.gate.clear()
    approve(shop, "po-late", kettle=100)
    late.tell([VariantId("kettle")])

    def renew() -> None:
        """The next list is there while the one before is being told."""
        stocked.catalogue.gate.set()
        assert keeper._renewal is not None
        assert keeper._renewal.result(LONG).at == LATER

    late.before = renew
    assert "kettle" not in {one.variant_id for one in keeper.newest(shop).proposals.items}
    shop.purchase_orders.step(PurchaseOrderId("po-late"), PurchaseStatus.CANCELLED, END)


def test_what_changed_is_decided_about_once_for_all_who_read(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    keeper.newest(shop)
    stocked.catalogue.gate.clear()
    shop.changed_variants.tell([VariantId("kettle")])
    assert keeper.newest(shop) is keeper.newest(shop)


def test_what_is_told_of_suppliers_makes_another_list(stocked: Stocked) -> None:
    keeper, shop = ProposalKeeper(patience_seconds=LONG), stocked.shop
    first = keeper.newest(shop)
    shop.supply_news.tell()
    renewed = keeper.newest(shop)
    assert renewed is not first
    assert keeper.newest(shop) is renewed


def test_what_is_drafted_is_decided_about_as_it_stands(stocked: Stocked) -> None:
    """Whoever changed it, in this process or another."""
    keeper, shop = ProposalKeeper(patience_seconds=AT_ONCE), stocked.shop
    listed = {one.variant_id: one for one in keeper.newest(shop).proposals.items}
    stocked.catalogue.gate.clear()
    dearer = SupplyTerms(supplier_id=QUICK, variant_id=SHORT[0], unit_cost_minor=260, pack_size=12)
    shop.suppliers.set_terms([dearer])
    count(shop, SHORT[1], 5_000, END)
    now = keeper.to_draft(shop, lambda one: one.supplier_id == QUICK)
    drafted = {one.variant_id: one for one in now.found.proposals.items}
    assert drafted.keys() == listed.keys() - {SHORT[1]}
    assert (drafted[SHORT[0]].unit_cost_minor, drafted[SHORT[0]].units % 12) == (260, 0)
    assert drafted[VariantId("lamp")] is listed[VariantId("lamp")]
    shop.suppliers.set_terms([msgspec.structs.replace(dearer, unit_cost_minor=250, pack_size=1)])
    count(shop, SHORT[1], 2, Micros(END + 1))


def test_what_is_drafted_is_what_was_told_where_nothing_changed(stocked: Stocked) -> None:
    keeper = ProposalKeeper(patience_seconds=LONG)
    told = keeper.newest(stocked.shop)
    now = keeper.to_draft(stocked.shop, all_of)
    assert now.found.proposals == told.proposals
    assert now.found.shared == told.shared


def test_one_budget_is_worked_out_at_a_time(stocked: Stocked) -> None:
    keeper = ProposalKeeper(turn_seconds=0.0)
    stocked.catalogue.gate.clear()
    with ThreadPoolExecutor(1) as operator:
        first = operator.submit(keeper.within, stocked.shop, 10_000)
        assert stocked.catalogue.is_asked.wait(LONG)
        with pytest.raises(Unavailable, match="for somebody else"):
            keeper.within(stocked.shop, 20_000)
        stocked.catalogue.gate.set()
        assert first.result().proposals.cash_minor <= 10_000
    assert keeper.within(stocked.shop, 20_000).proposals.cash_minor <= 20_000


def test_a_budget_is_kept_for_its_next_page_until_something_changes(stocked: Stocked) -> None:
    keeper = ProposalKeeper()
    first = keeper.within(stocked.shop, 20_000)
    assert keeper.within(stocked.shop, 20_000) is first
    stocked.shop.changed_variants.tell([SHORT[0]])
    anew = keeper.within(stocked.shop, 20_000)
    assert anew is not first
    assert keeper.within(stocked.shop, 30_000) is not anew
    assert keeper.to_draft_within(stocked.shop, 30_000).found.proposals.cash_minor <= 30_000


def test_a_list_that_is_being_made_ends_with_the_service(stocked: Stocked) -> None:
    keeper = ProposalKeeper(patience_seconds=AT_ONCE)
    stocked.catalogue.gate.clear()
    with ThreadPoolExecutor(1) as operator:
        asked = operator.submit(keeper.newest, stocked.shop)
        assert stocked.catalogue.is_asked.wait(LONG)
        keeper.stop()
        stocked.catalogue.gate.set()
        with pytest.raises(Unavailable, match="is stopping"):
            asked.result()
    with pytest.raises(Unavailable, match="is stopping"):
        keeper.newest(stocked.shop)


def test_a_service_that_ends_stops_its_lists(stocked: Stocked) -> None:
    app = app_of(stocked.shop)
    with TestClient(app):
        assert app.state.service.proposals.newest(stocked.shop).at == END
    stocked.watch.now = LATER
    with pytest.raises(Unavailable, match="is stopping"):
        app.state.service.proposals.newest(stocked.shop)


def test_of_very_many_changes_the_newest_are_known() -> None:
    changed = ChangedVariants(most=3)
    names = [VariantId(name) for name in "abcde"]
    changed.tell(names[:2])
    known = changed.newest()
    changed.tell(names[2:4])
    changed.tell([names[0]])
    assert changed.since(known) == (3, [names[0], names[3], names[2]])
    assert changed.since(3) == (3, [])
    changed.tell([names[4]])
    assert changed.since(0) == (4, [names[4], names[0], names[3]])


def test_what_an_order_shares_is_known_for_as_long_as_a_list_may_be_read(stocked: Stocked) -> None:
    """A forecast waits for no list, and reads no catalogue, where one of hours ago is kept."""
    keeper, shop = ProposalKeeper(patience_seconds=LONG), stocked.shop
    first = keeper.newest(shop)
    stocked.watch.now = Micros(END + DAY // 2)
    stocked.catalogue.gate.clear()
    assert keeper.shared(shop) is first.shared


def test_what_a_supplier_brings_is_known_without_the_catalogue(stocked: Stocked) -> None:
    """Terms and the shelf tell it, before there is any list."""
    shop, at = stocked.shop, stock_now_of(stocked.shop)
    whole = forecast_seen(at.model, at.stores, "kettle", at.present, at.now)
    stocked.catalogue.is_down = True
    catalogued = partial(brought_by, shop)
    assert forecast_seen(at.model, at.stores, "kettle", at.present, at.now, None, catalogued) == whole


def test_without_a_model_there_is_no_list(stocked: Stocked) -> None:
    stocked.shop.forecasts.served = None
    with pytest.raises(NotFound, match="Nothing is foreseen yet"):
        ProposalKeeper().newest(stocked.shop)


def count(shop: Shop, variant_id: VariantId, level: int, at: Micros) -> None:
    told = StockCount(movement_id=f"{variant_id}-{level}", variant_id=variant_id, level=level, occurred_at=at)
    shop.stock.count([told], at)


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
