"""When goods on their way will be there, by draws and by hand, and that everybody goes by the same rule."""

from dataclasses import replace
from datetime import date

import msgspec
import numpy as np
import pytest
from scipy.stats import gamma

from smartshop.ai_agents.inventory.alerts.facts import stock_facts
from smartshop.ai_agents.inventory.replenishment.arriving import Wait, further_wait, wait_for
from smartshop.ai_agents.inventory.replenishment.case import Present, case_of
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.reading import Supply
from smartshop.ai_agents.inventory.supply_view import Suppliers, usually_replenished, with_incoming
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import IncomingUnits, PurchaseOrderId, Supplier
from tests.inventory.alert_cases import MAIN, NOW, SURE, facts, model
from tests.slate.small_shop import make_shelf

USUAL = LeadTime(mean_days=10.0, sd_days=2.0, orders_seen=20, stated_days=None)
BRINGER = SupplierId("bringer")


def coming(sent: float | None, expected: float | None) -> IncomingUnits:
    """Sent so many days ago, expected in so many days."""
    return IncomingUnits(
        purchase_order_id=PurchaseOrderId("o"),
        supplier_id=BRINGER,
        variant_id=VariantId("mug"),
        location_id=MAIN,
        units=1,
        sent_at=None if sent is None else Micros(int(NOW - sent * DAY)),
        expected_at=None if expected is None else Micros(int(NOW + expected * DAY)),
    )


def days(sent: float | None, expected: float | None) -> float:
    return wait_for(coming(sent, expected), USUAL, NOW).days


def test_the_wait_left_is_that_of_orders_that_took_so_long() -> None:
    draws = gamma.rvs(25.0, scale=0.4, size=400_000, random_state=3)
    left = draws[draws > 12.0] - 12.0
    found = further_wait(USUAL, 12.0)
    assert found.days == pytest.approx(left.mean(), rel=0.02)
    assert found.spread_days == pytest.approx(left.std(), rel=0.02)
    assert further_wait(SURE, 5.0) == Wait(2.0, 0.0)


def test_what_was_just_sent_takes_as_long_as_is_usual() -> None:
    found = further_wait(USUAL, 0.0)
    assert [found.days, found.spread_days] == pytest.approx([10.0, 2.0])


def test_what_took_longer_than_ever_may_be_lost_and_counts_as_sent_anew() -> None:
    assert further_wait(USUAL, 40.0) == Wait(10.0, 2.0)
    assert further_wait(SURE, 9.0) == Wait(7.0, 0.0)


def test_an_order_is_expected_by_its_date_else_by_its_age() -> None:
    assert wait_for(coming(3.0, 4.0), USUAL, NOW) == Wait(4.0, 0.0)
    assert days(0.0, None) == days(None, None) == pytest.approx(10.0)
    assert days(12.0, None) == further_wait(USUAL, 12.0).days
    assert days(3.0, 0.1) == 1.0, "at the earliest tomorrow"


def test_what_is_late_by_its_date_is_expected_as_one_that_took_so_long() -> None:
    assert days(14.0, -4.0) == days(None, -4.0) == further_wait(USUAL, 14.0).days
    assert 1.0 <= days(14.0, -4.0) < 3.0
    assert days(40.0, -30.0) == 10.0


def test_proposals_plots_warnings_and_slates_expect_the_same_goods_on_the_same_day() -> None:
    """By the supplier who brings them, whoever is asked next."""
    late, lead = coming(14.0, -4.0), further_wait(USUAL, 14.0).days
    told = model(7.0)
    learned = {BRINGER: USUAL}
    told = replace(told, facts=msgspec.structs.replace(told.facts, lead_times=learned))
    supplier = Supplier(supplier_id=BRINGER, name="Bringer", currency="GBP", changed_at=NOW)
    supply = Supply({BRINGER: supplier}, {}, {VariantId("mug"): [late]}, {})
    place, present = facts(10).place, Present(NOW, date(2026, 1, 5), CostConfig())
    case = case_of(told, supply, place, present)
    assert case is not None
    assert [one.days for one in case.arrivals] == [lead]
    assert [one.days for one in stock_facts(told, supply, [place], present)[0].arrivals] == [lead]
    shelf = make_shelf(3)
    number = shelf.number_of[ProductId("p1")]
    book = Suppliers({BRINGER: supplier}, {}, learned)
    first = msgspec.structs.replace(late, variant_id=VariantId("p1"))
    found = with_incoming(usually_replenished(shelf, book), [first], book, shelf, NOW)
    assert found.days[number] == lead
    assert np.delete(found.days, number).tolist() == [21.0, 21.0]


def test_goods_for_another_place_are_not_waited_for_here() -> None:
    place = replace(facts(10).place, locations=frozenset({LocationId("harbour")}))
    supply = Supply({}, {}, {VariantId("mug"): [coming(1.0, 2.0)]}, {})
    present = Present(NOW, date(2026, 1, 5), CostConfig())
    assert stock_facts(model(7.0), supply, [place], present)[0].arrivals == ()
