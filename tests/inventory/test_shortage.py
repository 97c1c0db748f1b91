"""The chance to run out before an order could come: the same in a proposal, in what is kept and in a warning."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import msgspec
import numpy as np
import pytest
from scipy.stats import poisson

from smartshop.ai_agents.inventory.alerts.facts import stock_facts
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.ai_agents.inventory.alerts.words import advice
from smartshop.ai_agents.inventory.alerts.words import sentence as warning
from smartshop.ai_agents.inventory.forecast_view import forecast_seen
from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.deciding import decide
from smartshop.ai_agents.inventory.replenishment.kept import told_proposals
from smartshop.ai_agents.inventory.replenishment.projection import Arrival, first_empty_day, projected_stock
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal
from smartshop.ai_agents.inventory.replenishment.proposals import proposals_of
from smartshop.ai_agents.inventory.replenishment.reading import (
    StockedPlace,
    Supply,
    read_supply,
    stocked_places,
)
from smartshop.ai_agents.inventory.replenishment.shortage import shortage
from smartshop.ai_agents.inventory.replenishment.words import sentence
from smartshop.ai_agents.inventory.stock_now import stores_of
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, ModelVersion, VariantId
from smartshop.data_collection.schemas.supply import IncomingUnits, PurchaseOrderId
from tests.importing.shop import EmbeddedShop
from tests.inventory.alert_cases import facts
from tests.inventory.alert_cases import model as weekly_model
from tests.inventory.supply_shop import END, QUICK, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, silent

PRESENT = Present(END, date(2026, 1, 5), CostConfig())
ALL = StockoutConfig(opens_at=0.0, closes_at=0.0, headroom_days=0.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_supply_shop(tmp_path_factory.mktemp("supply")) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(shop: EmbeddedShop) -> InventoryModel:
    record = learn_demand(learning_of(shop), until=END, tell=silent, config=LIGHT)
    return InventoryModel.load(shop.stores.models.open(record))


@pytest.fixture(scope="module")
def empty(shop: EmbeddedShop, model: InventoryModel) -> tuple[Supply, list[StockedPlace]]:
    """No kettle on the shelf, eight on the way: there in four days, where an order of now takes five."""
    supply = read_supply(stores_of(shop.stores), END)
    places = [
        replace(one, on_hand=0) if one.variant.variant_id == "kettle" else one
        for one in stocked_places(stores_of(shop.stores), supply, model, END)
    ]
    kettle = next(one for one in places if one.variant.variant_id == "kettle")
    coming = IncomingUnits(
        purchase_order_id=PurchaseOrderId("on-its-way"),
        variant_id=VariantId("kettle"),
        location_id=kettle.location_id,
        units=8,
        supplier_id=QUICK,
        sent_at=END,
        expected_at=Micros(END + 4 * DAY),
    )
    return replace(supply, incoming={VariantId("kettle"): (coming,)}), places


def of(model: InventoryModel, supply: Supply, places: list[StockedPlace], variant: str) -> Proposal:
    found = proposals_of(model, decide(model, supply, places, PRESENT), PRESENT)
    return next(one for one in found.items if one.variant_id == variant)


def test_goods_on_their_way_are_there_when_they_come_and_not_before() -> None:
    told, asked = weekly_model(7.0), Asked(0, 1.0, 0.0)
    found = shortage(told, asked, 0, [Arrival(4.0, 100), Arrival(9.0, 50)], 7.0)
    # Four days ask for four: that nobody comes is e⁻⁴.
    assert found.chance == pytest.approx(1 - poisson.pmf(0, 4.0), abs=0.01)
    assert found.units == pytest.approx(4.0, abs=0.05)
    assert found.arriving == 100
    assert shortage(told, asked, 0, [Arrival(1.0, 100)], 7.0).chance < found.chance
    assert shortage(told, asked, 0, [Arrival(9.0, 50)], 7.0).chance == pytest.approx(1 - poisson.pmf(0, 7.0), abs=0.01)


def test_a_proposal_what_is_kept_of_it_and_a_warning_tell_one_chance(
    model: InventoryModel, empty: tuple[Supply, list[StockedPlace]]
) -> None:
    supply, places = empty
    decided = decide(model, supply, places, PRESENT)
    proposed = {one.variant_id: one.chance_short_before for one in proposals_of(model, decided, PRESENT).items}
    kept = {
        one.variant_id: one.chance_short_before
        for one in told_proposals(model, ModelVersion("v"), decided, PRESENT)
        if one.units
    }
    warned = {
        one.place.variant.variant_id: told.chance_short_today
        for one in stock_facts(model, supply, places, PRESENT)
        if (told := stockout_risk(model, one, ALL, is_open=True)) is not None
    }
    assert proposed[VariantId("kettle")] > 0.99
    assert proposed == kept
    assert proposed == {one: warned[one] for one in proposed}


def test_an_empty_shelf_is_told_as_empty(model: InventoryModel, empty: tuple[Supply, list[StockedPlace]]) -> None:
    one = of(model, *empty, "kettle")
    told = sentence(one, "GBP")
    assert "There is none now, 8 on the way; " in told
    assert "and in 100 % of cases somebody asks in vain before." in told
    assert "gone by" not in told
    kept = sentence(msgspec.structs.replace(one, on_hand=3, reserved=3), "GBP")
    assert "There are 3 on the shelf, all kept for baskets, 8 on the way; " in kept
    some = sentence(msgspec.structs.replace(one, on_hand=3, reserved=1), "GBP")
    assert "There are 3 on the shelf, 1 of them kept for baskets, 8 on the way; " in some
    assert "it runs out before" in some


def test_what_sells_slowly_is_gone_when_as_much_was_asked_for() -> None:
    sales = np.full(182, 0.055)
    assert first_empty_day(projected_stock(1.0, sales, ()), sales) == 18
    assert first_empty_day(projected_stock(10.0, sales, ()), sales) == 182
    tenths = np.full(60, 0.1)
    assert first_empty_day(projected_stock(5.0, tenths, ()), tenths) == 50


def test_a_proposal_and_a_forecast_say_the_pattern_in_one_word(
    shop: EmbeddedShop, model: InventoryModel, empty: tuple[Supply, list[StockedPlace]]
) -> None:
    supply, places = empty
    for one in proposals_of(model, decide(model, supply, places, PRESENT), PRESENT).items:
        seen = forecast_seen(model, stores_of(shop.stores), one.product_id, PRESENT, END)
        assert {series.pattern for series in seen.series} == {one.pattern}


class TestWarningInWords:
    def test_it_says_over_how_many_days_and_what_is_there_when(self) -> None:
        told = stockout_risk(weekly_model(14.0), facts(0, Arrival(9.0, 31)), StockoutConfig(), is_open=False)
        assert told is not None
        assert warning("Mug", told, "GBP") == (
            "Mug: none can be bought now, and 31 are on the way, the first in 9 days. "
            "Over the next 14 days, until goods ordered in 7 days could be there, 28 are expected to be asked for."
            " That somebody asks in vain by then is over 99 % likely, and as likely if ordered today (7 days of "
            "delivery). 18 sales are expected to be missed, 72.00 GBP of margin."
        )

    def test_goods_that_come_in_part_or_too_late_are_told(self) -> None:
        some, late = (
            stockout_risk(weekly_model(14.0), facts(2, *coming), StockoutConfig(), is_open=False)
            for coming in ((Arrival(9.0, 3), Arrival(30.0, 4)), (Arrival(30.0, 40),))
        )
        assert some is not None
        assert "2 can be bought, and 7 are on the way, the first in 9 days, 3 of them within 14 days." in warning(
            "Mug", some, "GBP"
        )
        assert late is not None
        assert "2 can be bought, and 40 are on the way, but the first only in 30 days." in warning("Mug", late, "GBP")

    def test_where_enough_is_ordered_it_is_to_be_hurried_and_else_reordering_decides(self) -> None:
        nothing, enough, little = (
            stockout_risk(weekly_model(14.0), facts(2, *coming), StockoutConfig(), is_open=False)
            for coming in ((), (Arrival(12.0, 60),), (Arrival(12.0, 6),))
        )
        assert nothing is not None
        assert enough is not None
        assert little is not None
        assert "nothing is on its way" in warning("Mug", nothing, "GBP")
        assert [one.is_on_its_way for one in (nothing, enough, little)] == [False, True, False]
        assert "hurried" in advice(enough)
        assert "hurried" not in advice(nothing) + advice(little)
        assert "`smartshop reorder`" in advice(nothing)
        assert "`smartshop reorder`" in advice(little)
