"""What was expected of the last days, with empty shelves and young products; and suppliers nobody knows."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from smartshop.ai_agents.inventory.alerts.demand_alerts import told_prices
from smartshop.ai_agents.inventory.alerts.found import Telling
from smartshop.ai_agents.inventory.alerts.late_supplier import LateConfig
from smartshop.ai_agents.inventory.alerts.price_demand import PriceConfig, PriceSurprises, find_price_surprises
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentConfig, RecentDemand, recent_demand
from smartshop.ai_agents.inventory.alerts.stakes import Stakes
from smartshop.ai_agents.inventory.alerts.supplier_alerts import SupplierPast, supplier_alerts
from smartshop.ai_agents.inventory.alerts.surge import RecentLines
from smartshop.ai_agents.inventory.demand.series import daily_demand
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.demand_offers import PriceSteps, no_promotions
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.data_collection.schemas.supply import PurchaseLine, PurchaseOrder, PurchaseOrderId, PurchaseStatus

WEEKS = 20
NOW = Micros(20_000 * DAY)


def table(sold: np.ndarray, in_stock: np.ndarray | None = None, listed: int = 0) -> DemandTable:
    rows = np.atleast_2d(sold).astype(np.float32)
    return DemandTable(
        product_no=np.arange(len(rows), dtype=np.int32),
        location=np.zeros(len(rows), np.int32),
        locations=(DEFAULT_LOCATION,),
        first_day=date(2025, 1, 6).toordinal(),
        sold=rows,
        in_stock=np.ones_like(rows) if in_stock is None else np.atleast_2d(in_stock).astype(np.float32),
        price_minor=np.full(rows.shape, np.nan, np.float32),
        share_off=np.zeros_like(rows),
        listed=np.full(len(rows), listed, np.int32),
        orders=np.full(rows.shape[1], 10, np.int32),
        promotions=no_promotions(),
    )


def seen(told: DemandTable, days: int = 7) -> RecentDemand:
    return recent_demand(told, daily_demand(told), np.zeros(len(told), np.int32), days, RecentConfig())


def steady() -> np.ndarray:
    return np.full(7 * WEEKS, 2.0)


@pytest.mark.parametrize("days", [3, 7, 14])
def test_a_steady_rate_is_expected_to_go_on(days: int) -> None:
    found = seen(table(steady()), days)
    assert found.expected[0] == pytest.approx(2.0 * days, rel=0.03)
    assert found.chance_of_more(found.units)[0] > 0.3


def test_days_without_stock_are_not_expected_to_sell() -> None:
    there, sold = np.ones(7 * WEEKS), steady()
    there[-4:], sold[-4:] = 0.0, 0.0
    found = seen(table(sold, there))
    assert found.expected[0] == pytest.approx(6.0, rel=0.05)
    assert found.chance_of_less(found.units)[0] > 0.3


def test_what_was_hardly_there_is_not_judged() -> None:
    there, sold = np.ones(7 * WEEKS), steady()
    there[-7:], sold[-7:] = 0.1, 5.0
    there[-1] = 0.0
    sold[-7:-1] = 0.0
    sold[-1] = 0.0
    assert not seen(table(sold, there)).tested[0]


def test_a_surge_is_not_learned_from_itself() -> None:
    sold = steady()
    sold[-7:] = 8.0
    found = seen(table(sold))
    assert found.expected[0] == pytest.approx(14.0, rel=0.03)
    assert found.chance_of_more(found.units)[0] < 1e-6


def test_one_sale_or_a_few_weeks_prove_nothing() -> None:
    once = np.zeros(7 * WEEKS)
    once[-2] = 1.0
    assert not seen(table(once, listed=7 * WEEKS - 2)).tested[0]
    assert not seen(table(np.full(7 * 7, 2.0))).tested[0]
    assert np.isnan(seen(table(np.full(7 * 7, 2.0))).chance_of_more(np.array([50.0]))[0])


def test_one_sale_of_an_old_product_is_no_surge() -> None:
    once = np.zeros((30, 7 * WEEKS))
    once[0, -2] = 1.0
    once[1:, ::9] = 1.0
    assert seen(table(once)).chance_of_more(np.ones(30))[0] > 0.01


def test_an_order_in_another_currency_of_an_unknown_supplier_is_told_in_its_own() -> None:
    sent = PurchaseOrder(
        purchase_order_id=PurchaseOrderId("po-7"),
        supplier_id=SupplierId("nobody"),
        status=PurchaseStatus.SENT,
        currency="EUR",
        lines=(PurchaseLine(variant_id=VariantId("mug"), units=5, unit_cost_minor=200),),
        created_at=Micros(NOW - 90 * DAY),
        sent_at=Micros(NOW - 90 * DAY),
    )
    past = SupplierPast(suppliers={}, sent=[sent], deliveries=[], day=lambda at: str(at // DAY), now=NOW)
    (late,) = supplier_alerts(past, Telling(Stakes(0.0), "GBP", "2026-01-05", frozenset()), LateConfig())
    assert "10.00 EUR" in late.words
    assert late.subject.title == "Order po-7 to nobody"
    assert "lost" in late.advice


class TestPricesThatWereSet:
    """Sold twice a week at 20.00, as wholesalers do, with a history of prices."""

    def asked(self, day: int, times: float, sold: np.ndarray | None = None) -> PriceSurprises:
        """Set on a day, counted from the last (0), so many times as high."""
        sold = np.where(np.arange(7 * WEEKS) % 7 < 2, 10.0, 0.0) if sold is None else sold
        plain = table(sold)
        set_on = np.array([plain.first_day + plain.days - 1 - day], np.int64)
        told = replace(
            plain,
            price_minor=np.where(plain.sold > 0, 2_000.0, np.nan).astype(np.float32),
            steps=PriceSteps(np.zeros(1, np.int32), set_on, np.log(np.array([times]))),
        )
        prices = told_prices(told, np.array([np.nan]), 7)
        none = RecentLines(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        return find_price_surprises(prices, seen(told), none, np.array([False]), PriceConfig())

    def test_a_slip_is_seen_before_anybody_paid_it(self) -> None:
        sold = np.where(np.arange(7 * WEEKS) % 7 < 2, 10.0, 0.0)
        sold[-7:] = 0.0
        sold[-7] = 1.0
        found = self.asked(5, 100.0, sold)
        assert found.usual_minor[0] == pytest.approx(2_000.0, rel=1e-3)
        assert found.price_minor[0] == pytest.approx(200_000.0, rel=1e-3)
        assert found.is_slip[0]

    def test_a_price_that_was_set_long_ago_is_as_it_was_paid(self) -> None:
        found = self.asked(60, 1.5)
        assert found.price_minor[0] == pytest.approx(2_000.0, rel=1e-3)
        assert not found.is_slip[0]

    def test_days_without_a_sale_tell_what_is_usual(self) -> None:
        sold = np.zeros(7 * WEEKS)
        sold[[20, 60]] = 40.0
        found = self.asked(3, 1.3, sold)
        assert found.usual_minor[0] == pytest.approx(2_000.0, rel=1e-3)
        assert found.price_minor[0] == pytest.approx(2_600.0, rel=1e-3)
