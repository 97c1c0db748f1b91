"""Warnings of too little, too much and unsold stock, on cases worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from smartshop.ai_agents.inventory.alerts.dead_stock import DeadStockConfig, dead_stock
from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.alerts.found import Telling
from smartshop.ai_agents.inventory.alerts.overstock import OverstockConfig, overstock
from smartshop.ai_agents.inventory.alerts.stakes import Stakes
from smartshop.ai_agents.inventory.alerts.stock_alerts import StockConfigs, StockPast, stock_alerts
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.alerts import AlertKind
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from tests.inventory.alert_cases import NOW, SURE, WEEKS_KNOWN, facts, model

NO_HEADROOM = StockoutConfig(headroom_days=0.0)


class TestStockout:
    def test_the_chance_is_that_of_the_law_of_demand(self) -> None:
        told = stockout_risk(model(7.0), facts(6), NO_HEADROOM, is_open=False)
        assert told is not None
        # Seven a week, a week to bridge, six there: more than six are asked for.
        assert told.chance_short == pytest.approx(poisson.sf(6, 7.0), abs=0.01)
        assert told.expected_units == pytest.approx(7.0, abs=0.01)
        short = sum((units - 6) * poisson.pmf(units, 7.0) for units in range(7, 40))
        assert told.short_units == pytest.approx(short, abs=0.05)
        assert told.lost_margin_minor == pytest.approx(400 * short, abs=20)

    def test_it_opens_at_one_line_and_closes_at_another(self) -> None:
        # More than eight of seven: 27 %, between the lines.
        assert stockout_risk(model(7.0), facts(8), NO_HEADROOM, is_open=False) is None
        assert stockout_risk(model(7.0), facts(8), NO_HEADROOM, is_open=True) is not None
        assert stockout_risk(model(7.0), facts(12), NO_HEADROOM, is_open=True) is None

    def test_goods_that_come_in_time_count_and_later_ones_do_not(self) -> None:
        assert stockout_risk(model(7.0), facts(3, Arrival(2.0, 20)), NO_HEADROOM, is_open=False) is None
        late = stockout_risk(model(7.0), facts(3, Arrival(9.0, 20)), NO_HEADROOM, is_open=False)
        assert late is not None
        assert late.arriving_units == 0

    def test_it_may_run_out_before_goods_that_come_in_time(self) -> None:
        told = stockout_risk(model(70.0), facts(5, Arrival(5.0, 500)), NO_HEADROOM, is_open=False)
        assert told is not None
        assert told.chance_short > 0.99

    def test_what_baskets_keep_is_not_free(self) -> None:
        assert stockout_risk(model(7.0), facts(30, reserved=28), NO_HEADROOM, is_open=False) is not None

    def test_an_unsure_lead_time_needs_more(self) -> None:
        unsure = LeadTime(mean_days=7.0, sd_days=7.0, orders_seen=0, stated_days=None)
        sure, wide = (
            stockout_risk(model(7.0), facts(8, lead=lead), NO_HEADROOM, is_open=True) for lead in (SURE, unsure)
        )
        assert sure is not None
        assert wide is not None
        assert wide.chance_short > sure.chance_short

    def test_of_what_was_never_sold_nothing_is_foreseen(self) -> None:
        assert stockout_risk(model(7.0), facts(0, foreseen=False), NO_HEADROOM, is_open=False) is None
        assert stockout_risk(model(0.0), facts(0), NO_HEADROOM, is_open=False) is None


class TestOverstock:
    def test_the_excess_is_what_half_a_year_will_hardly_ask_for(self) -> None:
        told = overstock(model(1.0), facts(100), OverstockConfig(), is_open=False)
        assert told is not None
        needed = poisson.ppf(0.95, 26.0)
        assert told.needed_units == pytest.approx(needed, abs=1)
        assert told.excess_units == 100 - told.needed_units
        assert told.excess_minor == 600 * told.excess_units
        assert told.lasts_days == pytest.approx(700, rel=0.02)

    def test_it_closes_only_when_nothing_is_in_excess(self) -> None:
        needed = int(poisson.ppf(0.95, 26.0))
        assert overstock(model(1.0), facts(needed + 2), OverstockConfig(), is_open=False) is None
        assert overstock(model(1.0), facts(needed + 2), OverstockConfig(), is_open=True) is not None
        assert overstock(model(1.0), facts(needed - 2), OverstockConfig(), is_open=True) is None

    def test_what_sold_in_the_same_half_of_last_year_is_no_excess(self) -> None:
        history = np.zeros((1, WEEKS_KNOWN))
        history[0, -40:-30] = 20.0
        assert overstock(model(0.1, history=history), facts(100), OverstockConfig(), is_open=False) is None
        assert overstock(model(0.1), facts(100), OverstockConfig(), is_open=False) is not None

    @pytest.mark.parametrize("odd", [facts(0), facts(100, unit_cost=None), facts(100, foreseen=False)])
    def test_nothing_there_no_cost_or_never_sold_is_none(self, odd: StockFacts) -> None:
        assert overstock(model(0.1), odd, OverstockConfig(), is_open=False) is None


def moved(quantity: int, days_ago: float, reason: MovementReason = MovementReason.RECEIPT) -> StockMovement:
    return StockMovement(
        movement_id=f"{reason}-{days_ago}",
        variant_id=VariantId("mug"),
        quantity=quantity,
        reason=reason,
        occurred_at=Micros(round(NOW - days_ago * DAY)),
    )


class TestDeadStock:
    def told(self, on_hand: int, last_days_ago: float | None, *movements: StockMovement) -> int | None:
        last = None if last_days_ago is None else Micros(round(NOW - last_days_ago * DAY))
        found = dead_stock(facts(on_hand), last, None, movements, NOW, DeadStockConfig())
        return None if found is None else found.days_without_sale

    def test_what_nobody_bought_for_half_a_year_is_dead(self) -> None:
        assert self.told(7, 200, moved(10, 400), moved(-3, 200, MovementReason.SALE)) == 200
        assert self.told(7, 179, moved(10, 400), moved(-3, 179, MovementReason.SALE)) is None

    def test_its_money_is_what_it_cost(self) -> None:
        found = dead_stock(facts(7), None, None, [moved(7, 300)], NOW, DeadStockConfig())
        assert found is not None
        assert (found.tied_minor, found.last_sold) == (4_200, None)

    def test_what_was_never_sold_counts_from_its_first_receipt(self) -> None:
        assert self.told(5, None, moved(5, 365)) == 365
        assert self.told(5, None, moved(5, 30)) is None

    def test_days_without_stock_do_not_count(self) -> None:
        # Gone 300 days ago, back for 100 days.
        rows = [moved(3, 400), moved(-3, 300, MovementReason.SALE), moved(9, 100)]
        assert self.told(9, 300, *rows) is None
        # Gone for 50 days of 300.
        rows = [moved(3, 400), moved(-3, 300, MovementReason.SALE), moved(9, 250)]
        assert self.told(9, 300, *rows) == 250

    def test_a_negative_correction_is_no_sale(self) -> None:
        assert self.told(4, 250, moved(9, 400), moved(-5, 10, MovementReason.COUNT)) == 250

    def test_never_counted_nothing_there_or_without_a_price_is_not_dead(self) -> None:
        assert self.told(5, 300) is None
        assert self.told(0, 300, moved(5, 400)) is None
        unpriced = facts(5, price_minor=None)
        assert dead_stock(unpriced, None, None, [moved(5, 400)], NOW, DeadStockConfig()) is None


def test_movements_are_read_of_all_that_need_them_in_one_question() -> None:
    """Stock for years that was never sold, stock for years that sells, little stock, and much that came last week."""
    old, young, read = [moved(2_000, 300)], [moved(2_000, 7)], list[list[int]]()
    places = [replace(facts(2_000), asked=None), facts(2_000), facts(2), facts(1_999)]

    def movements(some: Sequence[StockFacts]) -> list[list[StockMovement]]:
        read.append([one.place.on_hand for one in some])
        return [young if one.place.on_hand == 1_999 else old for one in some]

    past = StockPast(
        last_sold=lambda one: None if one.asked is None else NOW, movements=movements, day=lambda at: "", now=NOW
    )
    telling = Telling(Stakes(1.0), "GBP", "2026-01-05", frozenset())
    found = [one.kind for one in stock_alerts(model(7.0), places, past, telling, StockConfigs())]
    assert found == [AlertKind.DEAD_STOCK, AlertKind.OVERSTOCK, AlertKind.STOCKOUT_RISK]
    assert read == [[2_000, 2_000, 1_999]]
