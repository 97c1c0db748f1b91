"""How slates lean by stock: the laws of the pressure, and the view that it rests on, against simple sums."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from smartshop.ai_agents.exploration import NO_EXPLORATION
from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.arriving import further_wait
from smartshop.ai_agents.inventory.replenishment.lead_times import lead_time
from smartshop.ai_agents.inventory.supply_keeper import INCOMING_EVERY, SUPPLIERS_EVERY, SupplyKeeper, SupplyNews
from smartshop.ai_agents.inventory.supply_pressure import PressureConfig, StockPressure, chance_short, pressure
from smartshop.ai_agents.inventory.supply_view import (
    Replenished,
    Suppliers,
    SupplyView,
    known_margins,
    supply_view,
    usually_replenished,
    with_incoming,
)
from smartshop.ai_agents.policy import BASE
from smartshop.ai_agents.shelf import Shelf
from smartshop.ai_agents.slate import SlateConfig, decide
from smartshop.data_collection.pipelines.clock import DAY, ShopClock
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.ids import DecisionId, LocationId, Micros, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.slates import Policy, SlateFilters, SlateRequest, Surface
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.data_collection.schemas.supply import (
    IncomingUnits,
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
    Supplier,
    SupplyTerms,
)
from smartshop.errors import InvalidValue
from smartshop.serve import ModelKeeper
from smartshop.wiring import build_shop, build_supply
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, QUICK, RATES, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, silent
from tests.slate.small_shop import NOW, ByNumber, listed, make_question, make_shelf

CONFIG = PressureConfig(away=0.5, toward=0.3, overstock_weeks=26)
BASE_ONLY = [Policy(name=BASE, probability=1.0, weights={})]


def view_of(expected: list[float], per_day: list[float] | None = None, margin: list[float] | None = None) -> SupplyView:
    mean = np.array(expected)
    rate = mean / 21 if per_day is None else np.array(per_day)
    return SupplyView(mean, mean * 1.5, rate, np.full(len(mean), 0.4) if margin is None else np.array(margin))


def said(view: SupplyView, available: list[int], config: PressureConfig = CONFIG) -> list[float]:
    found = pressure(view, np.arange(len(available)), np.array(available, np.int32), config)
    return [float(one) for one in found]


def test_the_chance_to_run_out_is_that_of_the_negative_binomial_law() -> None:
    view = view_of([8.0, 8.0, 8.0, 0.0])
    found = chance_short(view, np.arange(4), np.array([0, 8, 30, 1], np.int32))
    # Mean 8, variance 12: r = 64 / 4 and p = 8 / 12.
    assert found[:3] == pytest.approx(stats.nbinom.sf([0, 8, 30], 16, 2 / 3))
    assert found[3] == 0.0


def test_the_fewer_are_left_the_more_is_leant_away_and_never_beyond_the_bound() -> None:
    levels = list(range(1, 60))
    told = said(view_of([20.0] * len(levels)), levels)
    assert told == sorted(told)
    assert told[0] == pytest.approx(-0.5, abs=1e-3)
    assert all(-0.5 - 1e-6 <= one <= 0.0 for one in told)
    assert told[-1] == pytest.approx(0.0, abs=1e-3)


def test_overstock_is_leant_toward_by_its_cover_and_margin() -> None:
    half_year = round(182 * 0.5)
    covers = [half_year, 2 * half_year, 4 * half_year, 1_000_000]
    told = said(view_of([10.5] * 4), covers)
    assert told == pytest.approx([0.0, 0.15, 0.225, 0.3], abs=2e-3)
    by_margin = said(view_of([10.5] * 5, margin=[0.8, 0.4, 0.2, 0.0, -0.3]), [2 * half_year] * 5)
    assert by_margin == pytest.approx([0.15, 0.15, 0.075, 0.0, 0.0], abs=2e-3)
    unknown_cost = said(view_of([10.5], margin=[np.nan]), [2 * half_year])
    assert unknown_cost == pytest.approx([0.0], abs=1e-6)


def test_what_nobody_asks_for_lies_longest_and_what_is_not_foreseen_or_counted_gets_no_word() -> None:
    view = view_of([0.0, np.nan, 5.0], per_day=[0.0, np.nan, 0.2])
    assert said(view, [4, 4, -1]) == pytest.approx([0.3, 0.0, 0.0])


@given(
    expected=st.lists(st.floats(0, 500), min_size=2, max_size=30),
    seed=st.integers(0, 2**31),
    away=st.floats(0, 1),
    toward=st.floats(0, 0.5),
)
def test_no_product_passes_one_that_is_better_by_more_than_both_bounds(
    expected: list[float], seed: int, away: float, toward: float
) -> None:
    rng, n = np.random.default_rng(seed), len(expected)
    config = PressureConfig(away=away, toward=toward)
    shelf = make_shelf(n, available=rng.integers(1, 400, n).astype(np.int32))
    pressed = StockPressure(config)
    pressed.use(view_of(expected, margin=rng.uniform(-0.5, 1, n).tolist()), shelf)
    advice = InventoryAdvisor(pressed).advise(make_question(shelf), listed(range(n)))
    relevance = rng.normal(0, 1, n)
    order = np.argsort(-(relevance + advice.log_odds), kind="stable")
    for above, below in pairwise(order):
        assert relevance[below] - relevance[above] <= away + toward + 1e-5
    assert np.all((advice.log_odds >= -away - 1e-5) & (advice.log_odds <= toward + 1e-5))


def test_in_a_decision_it_stands_in_the_contributions_and_sold_out_is_never_shown() -> None:
    available = np.full(30, 50, np.int32)
    available[[2, 5]] = [1, 0]
    shelf = make_shelf(30, available=available, sellable=available != 0)
    pressed = StockPressure(CONFIG)
    pressed.use(view_of([20.0] * 30), shelf)
    advisors = [InventoryAdvisor(pressed)]
    config = SlateConfig(exploration=NO_EXPLORATION)
    decided = decide(make_question(shelf), DecisionId("d-1"), [ByNumber()], advisors, BASE_ONLY, config=config)
    by_id = {item.product_id: item for item in decided.items}
    assert "p5" not in by_id
    assert by_id[ProductId("p2")].position > by_id[ProductId("p4")].position if "p2" in by_id else True
    assert by_id[ProductId("p1")].contributions["inventory"] == pytest.approx(0.0, abs=1e-3)
    entry = decided.argument.candidates.product_no.tolist().index(2)
    assert decided.argument.contributions[decided.argument.heard.names.index("inventory"), entry] < -0.45


def test_only_what_moved_is_worked_out_anew_and_a_grown_shelf_is_known_too() -> None:
    shelf = make_shelf(200, available=np.full(200, 40, np.int32))
    pressed = StockPressure(CONFIG)
    assert pressed.of(shelf) is None
    view = view_of([20.0] * 200)
    pressed.use(view, shelf)
    before = pressed.of(shelf)
    assert pressed.of(shelf) is before
    fewer = shelf.available.copy()
    fewer[7] = 2
    moved = pressed.of(replace(shelf, version=2, available=fewer))
    assert before is not None
    assert moved is not None
    assert np.flatnonzero(moved != before).tolist() == [7]
    whole = StockPressure(CONFIG)
    whole.use(view, replace(shelf, available=fewer))
    assert (moved == whole.of(make_shelf(200, available=fewer))).all()
    grown = pressed.of(make_shelf(210, available=np.full(210, 40, np.int32)))
    assert grown is not None
    assert len(grown) == 210
    assert not grown[200:].any()


@pytest.mark.parametrize("wrong", [{"away": -0.1}, {"away": 1.5}, {"toward": 0.6}, {"overstock_weeks": 0.0}])
def test_bounds_beyond_the_sane_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidValue):
        PressureConfig(**wrong)


# ------------------------------------------------------------------------------------------ days until goods come
FAST, LATE = SupplierId("fast"), SupplierId("late")
BOOK = Suppliers(
    {
        FAST: Supplier(supplier_id=FAST, name="Fast", currency="GBP", changed_at=NOW, lead_time_days=3, review_days=2),
        LATE: Supplier(supplier_id=LATE, name="Late", currency="EUR", changed_at=NOW, lead_time_days=30),
    },
    {VariantId("p2"): SupplyTerms(supplier_id=LATE, variant_id=VariantId("p2"), unit_cost_minor=30),
     VariantId("p3"): SupplyTerms(supplier_id=FAST, variant_id=VariantId("p3"), unit_cost_minor=100)},
    {},
)  # fmt: skip


def supplied_shelf() -> Shelf:
    supplier = np.array([0, 1, 1, 0, 2], np.int32)
    return make_shelf(5, supplier=supplier, suppliers=(None, FAST, LATE))


def brings(variant: str, days: float | None, sent: float | None = None) -> IncomingUnits:
    return IncomingUnits(
        purchase_order_id=PurchaseOrderId("o"), supplier_id=FAST, variant_id=VariantId(variant),
        location_id=LocationId("main"), units=5,
        sent_at=None if sent is None else Micros(int(NOW + sent * DAY)),
        expected_at=None if days is None else Micros(int(NOW + days * DAY)),
    )  # fmt: skip


def test_goods_come_as_terms_say_else_as_the_catalogue_names_a_supplier_else_as_is_usual() -> None:
    usual = usually_replenished(supplied_shelf(), BOOK)
    assert usual.days.tolist() == [21.0, 5.0, 37.0, 5.0, 37.0]
    assert usual.spread_days == pytest.approx([7.0, 0.9, 9.0, 0.9, 9.0])


def test_an_approved_order_is_waited_for_and_a_late_one_as_its_suppliers_late_ones_came() -> None:
    usual = usually_replenished(supplied_shelf(), BOOK)
    coming = [brings("p0", 9.5), brings("p0", 4.0), brings("p1", -1.0), brings("p4", None, sent=-1.0), brings("?", 1)]
    found = with_incoming(usual, coming, BOOK, supplied_shelf(), NOW)
    fast = lead_time(3.0)
    late, sent = further_wait(fast, 4.0), further_wait(fast, 1.0)
    assert found.days.tolist() == pytest.approx([4.0, late.days, 37.0, 5.0, sent.days])
    assert found.spread_days == pytest.approx([0.0, late.spread_days, 9.0, 0.9, sent.spread_days])


def test_of_a_late_order_and_one_that_is_lost_the_late_one_is_waited_for() -> None:
    usual = usually_replenished(supplied_shelf(), BOOK)
    found = with_incoming(usual, [brings("p0", -60.0), brings("p0", -1.0)], BOOK, supplied_shelf(), NOW)
    assert found.days[0] == pytest.approx(further_wait(lead_time(3.0), 4.0).days)


def test_margins_come_from_the_shelf_else_from_terms_in_the_shops_own_currency() -> None:
    shelf = replace(supplied_shelf(), margin=np.array([0.5, np.nan, np.nan, np.nan, np.nan], np.float32))
    found = known_margins(shelf, BOOK, "GBP")
    assert found[[0, 3]].tolist() == pytest.approx([0.5, 1 - 100 / 400])
    assert np.isnan(found[[1, 2, 4]]).all()


# ------------------------------------------------------------------------------------------ a shop that learned
@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_supply_shop(tmp_path_factory.mktemp("pressure")) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(shop: EmbeddedShop) -> InventoryModel:
    record = learn_demand(learning_of(shop), until=END, tell=silent, config=LIGHT)
    return InventoryModel.load(shop.stores.models.open(record))


def test_the_view_foresees_what_each_series_does_by_itself(shop: EmbeddedShop, model: InventoryModel) -> None:
    shelf = shelves_of(shop).shelf
    days = np.linspace(2.0, 100.0, shelf.n_products)
    replenished = Replenished(days, np.full(shelf.n_products, 3.0))
    view = supply_view(model, replenished, np.full(shelf.n_products, 0.4), begins=2.0)
    for row, number in enumerate(model.product_no.tolist()):
        mean = model.mean_between(row, 2.0, 2.0 + days[number])
        spread = model.spread.variance(int(model.series_class[row]), mean, float(model.scatter[row]), days[number])
        assert view.expected[number] == pytest.approx(mean, rel=1e-6)
        assert view.variance[number] == pytest.approx(spread + (mean / days[number] * 3.0) ** 2, rel=1e-6)
    kettle = shelf.number_of[ProductId("kettle")]
    assert view.per_day[kettle] == pytest.approx(RATES["kettle"], rel=0.2)


def shelves_of(shop: EmbeddedShop) -> ShelfKeeper:
    return ShelfKeeper(shop.stores.catalogue, shop.stores.stock, "GBP", lambda: END, lambda: END)


def test_the_keeper_follows_the_model_stock_and_orders_on_their_way(shop: EmbeddedShop, model: InventoryModel) -> None:
    stores, shelves, now = shop.stores, shelves_of(shop), [END]
    served: list[InventoryModel] = []
    keeper = SupplyKeeper(
        StockPressure(CONFIG), lambda: served[0] if served else None, lambda: shelves.shelf,
        stores.suppliers, stores.purchase_orders, ShopClock(ZoneInfo("UTC"), lambda: now[0]), news=SupplyNews(),
    )  # fmt: skip
    assert not keeper.refresh()
    assert keeper.pressure.of(shelves.shelf) is None
    served.append(model)
    assert keeper.refresh()
    assert not keeper.refresh(), "nothing is due yet"
    kettle, mug = (shelves.shelf.number_of[ProductId(one)] for one in ("kettle", "mug"))
    told = keeper.pressure.of(shelves.shelf)
    assert told is not None
    assert told[kettle] < -0.3, "twelve left, three a day"
    order = PurchaseOrder(
        purchase_order_id=PurchaseOrderId("soon"), supplier_id=QUICK, status=PurchaseStatus.DRAFT, currency="GBP",
        lines=(PurchaseLine(variant_id=VariantId("kettle"), units=60, unit_cost_minor=1_000),), created_at=END,
        expected_at=Micros(END + DAY),
    )  # fmt: skip
    stores.purchase_orders.draft(order)
    stores.purchase_orders.step(PurchaseOrderId("soon"), PurchaseStatus.APPROVED, END)
    now[0] = Micros(END + INCOMING_EVERY)
    assert keeper.refresh()
    awaited = keeper.pressure.of(shelves.shelf)
    assert awaited is not None
    assert awaited[kettle] > -0.05, "sixty come tomorrow"
    count = StockCount(movement_id="few", variant_id=VariantId("mug"), level=1, occurred_at=END)
    stores.stock.count([count], Micros(END + 1))
    shelves.refresh()
    assert not keeper.refresh()
    moved = keeper.pressure.of(shelves.shelf)
    assert moved is not None
    assert moved[mug] < -0.45 < awaited[mug]


def test_terms_are_read_again_when_they_were_told_or_after_ten_minutes(
    shop: EmbeddedShop, model: InventoryModel
) -> None:
    stores, shelves, now, news = shop.stores, shelves_of(shop), [END], SupplyNews()
    keeper = SupplyKeeper(
        StockPressure(CONFIG), lambda: model, lambda: shelf, stores.suppliers, stores.purchase_orders,
        ShopClock(ZoneInfo("UTC"), lambda: now[0]), news=news,
    )  # fmt: skip

    def lamp() -> float:
        said = keeper.pressure.of(shelf)
        assert said is not None
        return float(said[shelf.number_of[ProductId("lamp")]])

    shelf = shelves.shelf
    assert keeper.refresh()
    by_slow_boat = lamp()
    by_quick = SupplyTerms(supplier_id=QUICK, variant_id=VariantId("lamp"), unit_cost_minor=2_000, preferred=True)
    stores.suppliers.set_terms([by_quick])
    shelf = replace(shelf, category=shelf.category.copy(), version=shelf.version + 1)
    assert keeper.refresh(), "the catalogue changed"
    assert lamp() == by_slow_boat, "and the terms, as far as anybody told, did not"
    news.tell()
    assert keeper.refresh()
    assert lamp() > by_slow_boat, "of two left fewer are asked for in 12 days than in 21"
    stores.suppliers.drop_terms(QUICK, VariantId("lamp"))
    now[0] = Micros(END + SUPPLIERS_EVERY - 1)
    keeper.refresh()
    assert lamp() > by_slow_boat
    now[0] = Micros(END + SUPPLIERS_EVERY)
    assert keeper.refresh()
    assert lamp() == by_slow_boat


async def test_a_serving_process_leans_by_the_promoted_model(shop: EmbeddedShop, model: InventoryModel) -> None:
    clock = ShopClock(ZoneInfo("UTC"), lambda: END)
    served = build_shop(shop.settings, shop.place, shop.stores, clock)
    ModelKeeper(served, shop.stores.owned_events).refresh()
    assert build_supply(served).refresh()
    asked = SlateRequest(surface=Surface.CATEGORY, limit=20, filters=SlateFilters(category=["Home > Kitchen"]))
    slate = await served.recommendations.answer(asked, None)
    said = {item.product_id: item.contributions["inventory"] for item in slate.items}
    assert set(said) == {"kettle", "mug", "lamp"}, "the rare one is sold out"
    assert said[ProductId("lamp")] < -0.05, "two left, one sold in three days"
