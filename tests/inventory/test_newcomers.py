"""What has not sold yet is foreseen by launches of its like: on made-up launches, and in a shop with its books."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.cold import ColdConfig, Launches, Likeness
from smartshop.ai_agents.inventory.forecast_view import ForecastSeen, forecast_seen
from smartshop.ai_agents.inventory.launch_forecasts import Asked as AskedOf
from smartshop.ai_agents.inventory.launch_forecasts import foresee_launches, record_launches, try_launches
from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.newcomer_series import NEVER_SOLD
from smartshop.ai_agents.inventory.newcomers import Newcomer, find_newcomers
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, law_over
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.proposals import propose
from smartshop.ai_agents.inventory.replenishment.reading import Stores, read_supply, stocked_places
from smartshop.ai_agents.inventory.weekly_choice import ChoiceConfig
from smartshop.data_collection.pipelines.clock import DAY, to_micros
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
    Supplier,
)
from smartshop.errors import NotFound
from tests.importing.shop import EmbeddedShop, opened_shop
from tests.inventory.supply_shop import learning_of
from tests.inventory.test_learning import silent
from tests.inventory.test_young_series import series_of
from tests.recommendation.worlds import make_shelf

LEVELS = (0.1, 0.5, 0.9)
WEEKS, HORIZON = 30, 4
RATES = {"mug": 14.0, "vase": 2.0}
"""Units a week of a leaf's products on the mean: every other one sells four times as much as the rest, Poisson."""


def launched(n: int, rng: np.random.Generator) -> Launches:
    """Half of them sell 20 a week, half 2, from the first week on."""
    leaf = np.arange(n) % 2
    demand = rng.poisson(np.where(leaf == 0, 20.0, 2.0)[:, None], (n, HORIZON + 8)).astype(np.float64)
    return Launches(demand, Likeness(leaf[:, None], np.full(n, -1), np.full(n, 10.0)))


def newcomer(number: int, lain: int = 0, comes: int = 0) -> Newcomer:
    return Newcomer(ProductNo(number), (VariantId(f"v{number}"),), lain, comes)


def asked(record: Launches, *newcomers: Newcomer) -> AskedOf:
    """Like the launches of the same numbers."""
    return AskedOf(newcomers, record.likeness.of(np.array([one.product_no for one in newcomers])))


def test_each_is_told_by_its_own_kind() -> None:
    record = launched(60, np.random.default_rng(0))
    told, heard = foresee_launches(record, asked(record, newcomer(0), newcomer(1)), HORIZON, LEVELS, ColdConfig())
    assert heard.all()
    assert (told.mean[0] > 3 * told.mean[1]).all()
    assert (np.diff(told.quantiles, axis=2) >= 0).all()


def test_what_lay_unsold_is_expected_to_sell_less_and_what_is_yet_to_come_sells_nothing_before() -> None:
    record = launched(60, np.random.default_rng(1))
    three = asked(record, newcomer(0), newcomer(0, lain=6), newcomer(0, comes=2))
    told, _ = foresee_launches(record, three, HORIZON, LEVELS, ColdConfig())
    assert told.mean[1].sum() < 0.5 * told.mean[0].sum()
    assert not told.mean[2, :2].any()
    assert not told.quantiles[2, :2].any()
    assert told.mean[2, 2:].tolist() == told.mean[0, :2].tolist()


def test_with_few_launches_nothing_is_told() -> None:
    record = launched(9, np.random.default_rng(2))
    told, heard = foresee_launches(record, asked(record, newcomer(0)), HORIZON, LEVELS, ColdConfig())
    assert not heard.any()
    assert not told.mean.any()
    assert np.isnan(try_launches(record, HORIZON, LEVELS).loss(LEVELS))


def test_launches_left_out_are_told_better_than_by_the_mean_launch() -> None:
    trial = try_launches(launched(80, np.random.default_rng(3)), HORIZON, LEVELS)
    assert trial.loss(LEVELS) < 0.5 * trial.loss_of_mean_launch(LEVELS)


def test_how_much_likeness_counts_is_tried_on_the_launches() -> None:
    telling = launched(60, np.random.default_rng(4))
    like = telling.likeness
    blind = Launches(
        np.random.default_rng(5).permutation(telling.demand),
        Likeness(np.arange(60)[:, None] // 3, like.brand, like.price),
    )
    few, many = (try_launches(one, HORIZON, LEVELS).config.fewest_witnesses for one in (telling, blind))
    assert few < many, "where a category says nothing, everybody is heard"


def test_a_product_is_launched_once_over_all_places_and_who_lay_unsold_is_a_witness() -> None:
    demand = np.full((3, 20), np.nan)
    demand[0, 5:], demand[1, 8:], demand[2, :] = 1.0, 2.0, 9.0
    series = series_of(demand)
    series.product_no[:] = [0, 0, 1]
    record = record_launches(series, make_shelf(4, ["Mugs"] * 4), [newcomer(2, lain=3), newcomer(3)], 6)
    assert record.demand[0].tolist() == [1.0, 1.0, 1.0, 3.0, 3.0, 3.0]
    assert record.demand[1, :3].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(record.demand[1, 3:]).all()
    assert len(record.demand) == 2, "what was there from the first week on began nobody knows when"


@dataclass(frozen=True)
class Opened:
    shop: EmbeddedShop
    model: InventoryModel
    now: Micros

    def seen(self, product: str) -> ForecastSeen:
        stores = self.shop.stores
        ports = Stores(stores.catalogue, stores.stock, stores.reservations, stores.suppliers, stores.purchase_orders)
        return forecast_seen(self.model, ports, product, self.present, self.now)

    @property
    def present(self) -> Present:
        return Present(self.now, date(2025, 8, 4), CostConfig())


START = datetime(2025, 1, 6, tzinfo=UTC)
NOW = Micros(to_micros(START) + 7 * WEEKS * DAY)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("launches")
    with opened_shop(folder / "shop") as shop:
        shop.bring("products", products(folder / "products.csv"))
        shop.bring("interactions", orders(folder / "orders.csv"))
        count(shop, "new-mug", 3, days_ago=2)
        count(shop, "new-vase", 3, days_ago=2)
        on_order(shop, "awaited-mug", days=16)
        light = ChoiceConfig(horizon=6, most_valuable=0, least_boosted=10_000)
        record = learn_demand(learning_of(shop), until=NOW, tell=silent, config=light)
        yield Opened(shop, InventoryModel.load(shop.stores.models.open(record)), NOW)


def products(path: Path) -> Path:
    names = [f"{kind}-{n}" for kind in RATES for n in range(16)] + ["new-mug", "new-vase", "awaited-mug", "not-had-mug"]
    rows = [(one, one.title(), "Home > Mugs" if "mug" in one else "Home > Vases", 800, "GBP") for one in names]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("product_id", "title", "category", "price_minor", "currency"), *rows])
    return path


def orders(path: Path) -> Path:
    rng, rows = np.random.default_rng(5), []
    for kind, rate in RATES.items():
        for n in range(16):
            for day in range(7 * (1 + n % 14), 7 * WEEKS):
                if units := int(rng.poisson(rate / 7 * (0.4 if n % 2 else 1.6))):
                    at = START + timedelta(days=day, hours=9, minutes=int(rng.integers(0, 600)))
                    row = (f"c{rng.integers(0, 90)}", f"{kind}-{n}", "order_completed", at.isoformat())
                    rows.append((*row, f"{kind}-{n}-{day}", units, 800))
    with path.open("w", newline="") as file:
        header = ("customer_id", "product_id", "kind", "occurred_at", "order_id", "quantity", "price_minor")
        csv.writer(file).writerows([header, *rows])
    return path


def count(shop: EmbeddedShop, product: str, level: int, days_ago: int) -> None:
    at = Micros(NOW - days_ago * DAY)
    counted = StockCount(movement_id=f"c-{product}", variant_id=VariantId(product), level=level, occurred_at=at)
    shop.stores.stock.count([counted], NOW)


def on_order(shop: EmbeddedShop, product: str, days: int) -> None:
    supplier, key, book = SupplierId("potter"), PurchaseOrderId("p-1"), shop.stores.purchase_orders
    shop.stores.suppliers.save(Supplier(supplier_id=supplier, name="Potter", currency="GBP", changed_at=NOW))
    line = PurchaseLine(variant_id=VariantId(product), units=20, unit_cost_minor=300)
    book.draft(
        PurchaseOrder(
            purchase_order_id=key,
            supplier_id=supplier,
            status=PurchaseStatus.DRAFT,
            currency="GBP",
            lines=(line,),
            created_at=NOW,
        )
    )
    book.step(key, PurchaseStatus.APPROVED, NOW)
    book.step(key, PurchaseStatus.SENT, NOW, Micros(NOW + days * DAY))


def test_a_product_on_the_shelf_without_a_sale_is_foreseen_as_its_category(opened: Opened) -> None:
    found = {name: opened.seen(f"new-{name}").series[0] for name in RATES}
    for told in found.values():
        assert told.method == NEVER_SOLD
        assert told.pattern == "not sold yet"
        assert told.history == []
    mug, vase = (np.mean([week.mean for week in found[name].weeks]) for name in ("mug", "vase"))
    # Few who are alike are held together with everybody, 8 a week on the mean.
    assert mug == pytest.approx(RATES["mug"], rel=0.4)
    assert vase < mug / 2


def test_what_is_on_order_sells_from_its_arrival_on(opened: Opened) -> None:
    (told,) = opened.seen("awaited-mug").series
    assert [week.mean for week in told.weeks[:2]] == [0.0, 0.0]
    assert told.weeks[2].mean > 5.0


def test_what_was_neither_had_nor_ordered_is_not_foreseen(opened: Opened) -> None:
    with pytest.raises(NotFound, match="neither on the shelf nor on order"):
        opened.seen("not-had-mug")


def test_the_law_of_a_newcomer_is_wider_than_that_of_what_sells(opened: Opened) -> None:
    model = opened.model
    number = learning_of(opened.shop).shelf.number_of
    (new,), (known,) = (model.series_of(number[ProductId(one)]) for one in ("new-vase", "vase-0"))
    assert not model.has_sold(new)
    assert model.has_sold(known)
    wide, narrow = (law_over(model, Asked(row, 1.0, 0.0), 21.0) for row in (new, known))
    assert wide.quantile(0.95) / wide.mean > 1.2 * narrow.quantile(0.95) / narrow.mean


def test_a_proposal_says_that_it_rests_on_launches(opened: Opened) -> None:
    stores = opened.shop.stores
    ports = Stores(stores.catalogue, stores.stock, stores.reservations, stores.suppliers, stores.purchase_orders)
    supply = read_supply(ports, NOW)
    places = stocked_places(ports, supply, opened.model, NOW)
    (told,) = (
        one for one in propose(opened.model, supply, places, opened.present).items if one.variant_id == "new-mug"
    )
    assert told.units > 0
    assert any("has not sold yet" in note for note in told.notes)


def test_how_well_launches_are_told_is_measured(opened: Opened) -> None:
    measures = opened.model.facts.measures
    assert measures["newcomers"] == 3
    assert measures["launches_pinball"] < 0.8 * measures["launches_pinball_of_mean"]


def test_what_sold_is_no_newcomer_and_age_counts_from_the_first_goods(opened: Opened) -> None:
    stores = opened.shop.stores
    later = Micros(NOW + 40 * DAY)
    sold = frozenset(opened.model.product_no[opened.model.sold.sum(axis=1) > 0].tolist())
    found = {
        one.variants[0]: (one.lain_weeks, one.comes_in_weeks)
        for one in find_newcomers(stores.catalogue, stores.stock, stores.purchase_orders, sold, later)
    }
    assert found == {"new-mug": (6, 0), "new-vase": (6, 0), "awaited-mug": (0, 0)}
