"""What is proposed to a shop with known demand, stock and suppliers; the numbers checked against simple sums."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.known_days import KnownAhead
from smartshop.ai_agents.inventory.forecast_plot import draw_forecast
from smartshop.ai_agents.inventory.forecast_view import forecast_seen
from smartshop.ai_agents.inventory.forecast_words import as_tables
from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, law_over
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.projection import Arrival, first_empty_day, projected_stock
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal, Proposals
from smartshop.ai_agents.inventory.replenishment.proposals import propose
from smartshop.ai_agents.inventory.replenishment.reading import places_of_product, read_supply, stocked_places
from smartshop.ai_agents.inventory.replenishment.words import as_table, sentence, summary
from smartshop.ai_agents.inventory.stock_now import stores_of
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import Reservation, ReservedLine
from smartshop.data_collection.schemas.supply import PurchaseLine, PurchaseOrder, PurchaseOrderId, PurchaseStatus
from smartshop.errors import InvalidValue, NotFound
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, FILLERS, QUICK, RATES, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, series, silent

PRESENT = Present(END, date(2026, 1, 5), CostConfig())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_supply_shop(tmp_path_factory.mktemp("supply")) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(shop: EmbeddedShop) -> InventoryModel:
    record = learn_demand(learning_of(shop), until=END, tell=silent, config=LIGHT)
    return InventoryModel.load(shop.stores.models.open(record))


def proposed(
    shop: EmbeddedShop, model: InventoryModel, present: Present = PRESENT, budget: int | None = None
) -> Proposals:
    supply = read_supply(stores_of(shop.stores), END)
    return propose(model, supply, stocked_places(stores_of(shop.stores), supply, model, END), present, budget)


def of(found: Proposals, variant: str) -> Proposal:
    return next(one for one in found.items if one.variant_id == variant)


def test_a_product_looked_at_alone_stands_as_among_all(shop: EmbeddedShop, model: InventoryModel) -> None:
    supply = read_supply(stores_of(shop.stores), END)
    every = stocked_places(stores_of(shop.stores), supply, model, END)
    for product_id in {one.product.product.product_id for one in every}:
        own = [one for one in every if one.product.product.product_id == product_id]
        assert places_of_product(stores_of(shop.stores), supply, model, END, product_id) == own
    assert places_of_product(stores_of(shop.stores), supply, model, END, ProductId("nothing")) == []


def test_of_a_supplier_in_other_money_no_amount_is_counted_as_ours(shop: EmbeddedShop, model: InventoryModel) -> None:
    supply = read_supply(stores_of(shop.stores), END)
    places = stocked_places(stores_of(shop.stores), supply, model, END)

    def with_amounts(minor: int) -> Proposals:
        quick = msgspec.structs.replace(
            supply.suppliers[QUICK], currency="JPY", fixed_cost_minor=minor, min_order_minor=minor
        )
        return propose(model, replace(supply, suppliers={**supply.suppliers, QUICK: quick}), places, PRESENT)

    assert with_amounts(1_000_000) == with_amounts(0)


def test_what_runs_short_is_ordered_in_packs_from_its_supplier(shop: EmbeddedShop, model: InventoryModel) -> None:
    kettle = of(proposed(shop, model), "kettle")
    assert (kettle.supplier_id, kettle.units % 10, kettle.packs) == (QUICK, 0, kettle.units // 10)
    # 12 there, about 3 a day, 5 + 7 days to bridge: at least the expected demand is ordered, not half a year of it.
    assert 30 <= kettle.units <= 120
    assert kettle.goods_minor == kettle.units * kettle.unit_cost_minor
    assert kettle.out_on == "2026-01-09"
    assert kettle.lead_source == "as the supplier says"


def test_what_lasts_is_not_ordered(shop: EmbeddedShop, model: InventoryModel) -> None:
    assert "mug" not in {one.variant_id for one in proposed(shop, model).items}


def test_every_other_size_costs_more(shop: EmbeddedShop, model: InventoryModel) -> None:
    for one in proposed(shop, model).items:
        assert one.one_pack_less_minor is None or one.one_pack_less_minor >= 0
        assert one.one_pack_more_minor is None or one.one_pack_more_minor >= 0
        assert one.waiting_minor >= 0
        assert 0.0 <= one.service_level <= 1.0


def test_a_smallest_order_and_an_assumed_lead_time_are_told(shop: EmbeddedShop, model: InventoryModel) -> None:
    lamp = of(proposed(shop, model), "lamp")
    assert lamp.units >= 5
    assert lamp.notes == ("nobody told how long delivery takes; 14 days are assumed",)


def test_without_supplier_and_cost_both_are_assumed_and_said(shop: EmbeddedShop, model: InventoryModel) -> None:
    rare = of(proposed(shop, model), "rare")
    assert (rare.supplier_id, rare.unit_cost_minor) == (None, 5_400)
    assert "nobody told who supplies it" in rare.notes
    assert "what it costs is not known; 60 % of its price is assumed" in rare.notes


def test_a_wanted_service_level_is_reached(shop: EmbeddedShop, model: InventoryModel) -> None:
    wanted = replace(PRESENT, costs=CostConfig(service_level=0.99))
    assert of(proposed(shop, model, wanted), "kettle").service_level >= 0.985


def test_goods_on_their_way_are_not_ordered_again(shop: EmbeddedShop, model: InventoryModel) -> None:
    before, orders = of(proposed(shop, model), "kettle"), shop.stores.purchase_orders
    key = PurchaseOrderId("on-its-way")
    line = PurchaseLine(variant_id=VariantId("kettle"), units=before.units, unit_cost_minor=1_000)
    orders.draft(
        PurchaseOrder(
            purchase_order_id=key,
            supplier_id=QUICK,
            status=PurchaseStatus.DRAFT,
            currency="GBP",
            lines=(line,),
            created_at=END,
        )
    )
    assert of(proposed(shop, model), "kettle").units == before.units  # a draft brings nothing
    orders.step(key, PurchaseStatus.APPROVED, END)
    assert "kettle" not in {one.variant_id for one in proposed(shop, model).items}
    orders.step(key, PurchaseStatus.CANCELLED, END)


def test_units_kept_for_baskets_are_not_there(shop: EmbeddedShop, model: InventoryModel) -> None:
    before = of(proposed(shop, model), "kettle")
    line = ReservedLine(variant_id=VariantId("kettle"), quantity=10)
    kept = Reservation(reservation_id="basket", lines=(line,), reserved_at=END, expires_at=Micros(END + 3_600_000_000))
    shop.stores.reservations.reserve(kept, END)
    after = of(proposed(shop, model), "kettle")
    shop.stores.reservations.release("basket")
    assert after.reserved == 10
    assert after.units >= before.units


def test_a_budget_buys_what_saves_most(shop: EmbeddedShop, model: InventoryModel) -> None:
    free = proposed(shop, model)
    half = proposed(shop, model, budget=free.cash_minor // 2)
    none = proposed(shop, model, budget=0)
    assert 0 < half.cash_minor <= free.cash_minor // 2
    assert (none.items, none.left_out) == ((), len(free.items))
    with pytest.raises(InvalidValue, match="budget"):
        proposed(shop, model, budget=-1)


def test_a_proposal_is_told_in_words_and_as_a_table(shop: EmbeddedShop, model: InventoryModel) -> None:
    found = proposed(shop, model)
    told = sentence(of(found, "kettle"), "GBP")
    assert told.startswith("Order ")
    assert "from Quick & Sons" in told
    assert "so it is gone by 9 January 2026" in told
    assert "one pack more" in told
    assert sentence(of(found, "rare"), "GBP").count("Note:") == 1
    # One order to each supplier with what it costs by itself, and what nobody is known to bring.
    assert list(as_table(found).columns[0].cells) == [
        *("Quick & Sons, to main", "  Kettle", "Slow Boat, to main", "  Lamp", "  the order itself"),
        *("from a supplier to be found", "  Rare"),
    ]
    assert summary(found).startswith(f"3 of {len(RATES) + FILLERS} stocked variants to order, in 2 orders: goods for ")


def test_an_id_is_the_same_all_day_and_another_tomorrow(shop: EmbeddedShop, model: InventoryModel) -> None:
    today, again = proposed(shop, model), proposed(shop, model)
    tomorrow = proposed(shop, model, replace(PRESENT, today=date(2026, 1, 6)))
    assert [one.proposal_id for one in today.items] == [one.proposal_id for one in again.items]
    assert of(today, "kettle").proposal_id != of(tomorrow, "kettle").proposal_id


def test_the_law_over_a_stretch_has_the_forecasts_mean_and_grows_with_the_lead_times_spread(
    shop: EmbeddedShop, model: InventoryModel
) -> None:
    asked = Asked(series(shop, model, "kettle"), 1.0, 0.0)
    sure, unsure = law_over(model, asked, 14.0), law_over(model, asked, 14.0, 7.0)
    assert sure.mean == pytest.approx(14 * RATES["kettle"], rel=0.3)
    assert unsure.sd > 1.3 * sure.sd
    half = law_over(model, replace(asked, share=0.5), 14.0)
    assert half.mean == pytest.approx(sure.mean / 2, rel=0.1)
    assert law_over(model, asked, 0.0).mean == 0.0


def test_stock_falls_with_sales_and_rises_with_arrivals() -> None:
    sales = np.full(10, 2.0)
    levels = projected_stock(5.0, sales, [Arrival(4.2, 6), Arrival(50.0, 99)])
    assert levels.tolist() == [5, 3, 1, 0, 0, 4, 2, 0, 0, 0, 0]
    assert first_empty_day(levels, sales) == 3
    assert first_empty_day(np.zeros(11), np.zeros(10)) is None


def test_a_product_is_foreseen_with_its_history_and_stock(
    shop: EmbeddedShop, model: InventoryModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = forecast_seen(model, stores_of(shop.stores), "kettle", PRESENT, END)
    (one,), (stock,) = found.series, found.stock
    assert (len(one.history), len(one.weeks), len(stock.levels)) == (52, 12, 85)
    assert one.weeks[0].week == "2026-01-05"
    assert stock.out_on == "2026-01-09"
    assert stock.reorder_point is not None
    assert stock.reorder_point >= stock.on_hand
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
    picture = tmp_path_factory.mktemp("plots") / "kettle.png"
    draw_forecast(found, picture)
    first = picture.read_bytes()
    draw_forecast(found, picture)
    assert picture.read_bytes() == first
    assert len(first) > 20_000


@pytest.mark.parametrize(("weeks", "told"), [(0, 0), (1, 1), (3, 3), (4, 4), (12, 12)])
def test_what_few_weeks_were_tried_by_is_told_without_a_share(
    shop: EmbeddedShop, model: InventoryModel, tmp_path: Path, weeks: int, told: int
) -> None:
    assert model.facts.tried_weeks == 12
    tried = replace(model, facts=msgspec.structs.replace(model.facts, tried_weeks=weeks))
    found = forecast_seen(tried, stores_of(shop.stores), "kettle", PRESENT, END)
    (one,) = found.series
    assert one.tried_weeks == told
    assert (one.covered is None) == (weeks < 4)
    draw_forecast(found, tmp_path / "kettle.svg")
    written = " ".join(re.findall(r"<!--(.*?)-->", (tmp_path / "kettle.svg").read_text(encoding="utf-8"), re.DOTALL))
    words = f"% of the last trial's {weeks} weeks within the widest band"
    assert (words in " ".join(written.split())) == (weeks >= 4)


def test_weeks_whose_demand_nobody_knows_were_not_tried(shop: EmbeddedShop, model: InventoryModel) -> None:
    kettle = series(shop, model, "kettle")
    demand = model.demand.copy()
    demand[kettle, -3:] = np.nan
    assert replace(model, demand=demand).tried_weeks_of(kettle) == 9
    assert replace(model, covered=np.full_like(model.covered, np.nan)).tried_weeks_of(kettle) == 0


def test_days_are_shown_where_a_product_is_foreseen_by_day(
    shop: EmbeddedShop, model: InventoryModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert forecast_seen(model, stores_of(shop.stores), "kettle", PRESENT, END).series[0].days == []
    kettle, levels = series(shop, model, "kettle"), len(model.facts.levels)
    days = np.arange(28 * levels, dtype=np.float32).reshape(1, 28, levels)
    fair = KnownAhead(name="fair", kind="event", days=(date(2026, 1, 6).toordinal(),))
    known = replace(
        model,
        facts=msgspec.structs.replace(model.facts, known=(fair,)),
        daily_series=np.array([kettle], np.int32),
        daily_mean=np.full((1, 28), 2.5, np.float32),
        daily_quantiles=days,
    )
    folder = tmp_path_factory.mktemp("model")
    known.save(folder)
    read = InventoryModel.load(folder)
    found = forecast_seen(read, stores_of(shop.stores), "kettle", PRESENT, END)
    (one,) = found.series
    assert [one.days[0].day, one.days[-1].day] == ["2026-01-05", "2026-02-01"]
    assert one.days[0].mean == 2.5
    assert one.days[1].quantiles == days[0, 1].tolist()
    assert read.days_of((kettle + 1) % len(read)) is None
    _, by_day, _ = as_tables(found)
    assert "day by day" in str(by_day.title)
    assert by_day.row_count == 28
    assert by_day.caption == "Known: fair on 2026-01-06"
    assert list(by_day.columns[-1].cells)[:3] == ["", "fair", ""]
    draw_forecast(found, folder / "kettle.svg")
    assert "holiday or event" in (folder / "kettle.svg").read_text(encoding="utf-8")
    assert forecast_seen(read, stores_of(shop.stores), "mug", PRESENT, END).series[0].days == []


@pytest.mark.parametrize(("product", "why"), [("nothing", "no product"), ("silent", "was not sold")])
def test_what_cannot_be_foreseen_is_told(shop: EmbeddedShop, model: InventoryModel, product: str, why: str) -> None:
    if product == "silent":
        shop.stores.catalogue.ensure([product], END)  # type: ignore[list-item]
    with pytest.raises(NotFound, match=why):
        forecast_seen(model, stores_of(shop.stores), product, PRESENT, END)
