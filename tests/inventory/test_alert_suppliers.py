"""Orders that are late and suppliers that became slower, by hand and by draws."""

import msgspec
import numpy as np
import pytest
from scipy.stats import gamma

from smartshop.ai_agents.inventory.alerts.found import Telling
from smartshop.ai_agents.inventory.alerts.late_supplier import LateConfig, late_order, slower_supplier
from smartshop.ai_agents.inventory.alerts.stakes import Stakes
from smartshop.ai_agents.inventory.alerts.supplier_alerts import SupplierPast, supplier_alerts
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.alerts import Severity
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
)
from tests.inventory.alert_cases import NOW


def purchase(sent_days_ago: float | None, expected_in: float | None = None, received: int = 0) -> PurchaseOrder:
    return PurchaseOrder(
        purchase_order_id=PurchaseOrderId("po-1"),
        supplier_id=SupplierId("slow"),
        status=PurchaseStatus.SENT,
        currency="GBP",
        lines=(PurchaseLine(variant_id=VariantId("mug"), units=10, unit_cost_minor=300, received=received),),
        created_at=NOW,
        sent_at=None if sent_days_ago is None else Micros(round(NOW - sent_days_ago * DAY)),
        expected_at=None if expected_in is None else Micros(round(NOW + expected_in * DAY)),
    )


USUAL = LeadTime(mean_days=10.0, sd_days=2.0, orders_seen=20, stated_days=10.0)


class TestLateOrder:
    def test_it_is_late_beyond_what_the_supplier_usually_strays(self) -> None:
        told = late_order(purchase(15.0), USUAL, NOW, "2026-01-01", LateConfig(), is_open=False)
        assert told is not None
        assert told.chance == pytest.approx(gamma.sf(15.0, 25.0, scale=0.4), abs=1e-4)
        assert (told.days_late, told.open_units, told.open_minor) == (5.0, 10, 3_000)

    def test_two_days_of_a_wide_spread_are_usual(self) -> None:
        assert late_order(purchase(12.0), USUAL, NOW, "", LateConfig(), is_open=False) is None

    def test_the_date_that_was_told_counts_before_the_lead_time(self) -> None:
        assert late_order(purchase(30.0, expected_in=1.0), USUAL, NOW, "", LateConfig(), is_open=False) is None
        assert late_order(purchase(5.0, expected_in=-6.0), USUAL, NOW, "", LateConfig(), is_open=False) is not None

    def test_what_came_or_was_never_sent_is_not_late(self) -> None:
        for order in (purchase(60.0, received=10), purchase(None)):
            assert late_order(order, USUAL, NOW, "", LateConfig(), is_open=False) is None

    def test_of_parts_only_the_open_rest_counts(self) -> None:
        told = late_order(purchase(30.0, received=8), USUAL, NOW, "", LateConfig(), is_open=False)
        assert told is not None
        assert (told.open_units, told.open_minor) == (2, 600)


class TestSlowerSupplier:
    def test_a_shift_is_found_and_told_in_days(self) -> None:
        steady = [10.0, 9.0, 11.0, 10.0, 9.5, 10.5, 10.0, 11.0, 10.0, 9.0]
        assert slower_supplier(steady, LateConfig(), is_open=False) is None
        told = slower_supplier([*steady, 15.0, 14.0, 16.0], LateConfig(), is_open=False)
        assert told is not None
        assert (told.before_days, told.lately_days, told.lately_orders) == (10.0, 15.0, 3)

    def test_one_late_order_is_no_shift_and_quicker_ones_neither(self) -> None:
        steady = [10.0, 8.0, 12.0, 10.0, 9.0, 11.0, 10.0, 12.0, 8.0, 10.0]
        assert slower_supplier([*steady, 14.0], LateConfig(), is_open=False) is None
        assert slower_supplier([*steady, 4.0, 5.0, 4.0, 5.0], LateConfig(), is_open=False) is None

    @pytest.mark.parametrize("days", [[], [5.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [7.0] * 30])
    def test_too_few_or_all_the_same_say_nothing(self, days: list[float]) -> None:
        assert slower_supplier(days, LateConfig(), is_open=True) is None

    def test_false_alarms_are_rare(self) -> None:
        rng = np.random.default_rng(8)
        ends = [slower_supplier(gamma.rvs(11.0, scale=1.0, size=20, random_state=rng), LateConfig(), is_open=False)
                for _ in range(300)]  # fmt: skip
        assert sum(one is not None for one in ends) <= 9


def test_of_other_money_nobody_knows_how_grave_it_is() -> None:
    late = msgspec.structs.replace(purchase(60.0), currency="JPY")
    past = SupplierPast({}, [late], [], lambda at: "2026-01-05", NOW)
    told = next(supplier_alerts(past, Telling(Stakes(10.0), "GBP", "2026-01-05", frozenset()), LateConfig()))
    assert (told.severity, told.worth_minor) == (Severity.MEDIUM, 0)
    assert " JPY were expected" in told.words
