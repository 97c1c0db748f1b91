"""Each kind of warning on cases worked out by hand, and on what shops get wrong."""

from datetime import date

import msgspec
import numpy as np
import pytest
from scipy.stats import gamma, nbinom, poisson

from smartshop.ai_agents.inventory.alerts.dead_stock import DeadStockConfig, dead_stock
from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.alerts.false_alarms import surprising
from smartshop.ai_agents.inventory.alerts.found import Telling, id_of, most_at_stake
from smartshop.ai_agents.inventory.alerts.late_supplier import LateConfig, late_order, slower_supplier
from smartshop.ai_agents.inventory.alerts.overstock import OverstockConfig, overstock
from smartshop.ai_agents.inventory.alerts.price_demand import (
    PriceConfig,
    PriceSurprises,
    ToldPrices,
    find_price_surprises,
)
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentDemand
from smartshop.ai_agents.inventory.alerts.stakes import Stakes
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.ai_agents.inventory.alerts.supplier_alerts import SupplierPast, supplier_alerts
from smartshop.ai_agents.inventory.alerts.surge import RecentLines, SurgeConfig, Surges, find_surges
from smartshop.ai_agents.inventory.model import Facts, InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace
from smartshop.ai_agents.inventory.sum_spread import SUM_LEVELS
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.alerts import AlertKind, AlertSubject, FoundAlert, Severity
from smartshop.data_collection.schemas.catalogue import ListedProduct, Product, Variant
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, ProductNo, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
)

MAIN = LocationId("main")
NOW = Micros(20_000 * DAY)
SURE = LeadTime(mean_days=7.0, sd_days=0.0, orders_seen=9, stated_days=7.0)
WEEKS_KNOWN = 104


def model(weekly: float, relative: float = 0.0, history: np.ndarray | None = None) -> InventoryModel:
    """One product that sells so many a week, Poisson but for what levels are missed by."""
    levels = np.tile(np.array(SUM_LEVELS), (5, 12, 1))
    sold = np.full((1, WEEKS_KNOWN), weekly, np.float32) if history is None else history.astype(np.float32)
    letters = np.array(["A"])
    return InventoryModel(
        facts=Facts(
            as_of=NOW,
            currency="GBP",
            history_day=date(2024, 1, 1).toordinal(),
            first_day=date(2026, 1, 5).toordinal(),
            levels=(0.5,),
            locations=(MAIN,),
            methods=("told",),
            variants=(VariantId("mug"),),
            lead_times={},
            measures={},
            weeks=WEEKS_KNOWN,
        ),
        product_no=np.zeros(1, np.int32),
        location=np.zeros(1, np.int32),
        sold=sold,
        demand=sold,
        mean=np.full((1, 12), weekly, np.float32),
        quantiles=np.zeros((1, 12, 1), np.float32),
        scatter=np.ones(1, np.float32),
        series_class=np.zeros(1, np.int32),
        method=np.zeros(1, np.int32),
        value_class=letters,
        steadiness=letters,
        pattern=letters,
        pinball=np.full(1, np.nan, np.float32),
        covered=np.full(1, np.nan, np.float32),
        variant_series=np.zeros(1, np.int32),
        variant_share=np.ones(1, np.float32),
        relative=np.full((5, 12), relative),
        asked=levels,
    )


def facts(
    on_hand: int,
    *arrivals: Arrival,
    reserved: int = 0,
    lead: LeadTime = SURE,
    foreseen: bool = True,
    price_minor: int | None = 1_000,
    unit_cost: float | None = 600.0,
) -> StockFacts:
    variant = Variant(variant_id=VariantId("mug"))
    product = Product(product_id=ProductId("mug"), title="Mug", variants=(variant,))
    return StockFacts(
        place=StockedPlace(
            product=ListedProduct(product_no=ProductNo(0), product=product, changed_at=NOW),
            variant=variant,
            location_id=MAIN,
            locations=frozenset({MAIN}),
            on_hand=on_hand,
            reserved=reserved,
            series=0 if foreseen else None,
            share=1.0 if foreseen else 0.0,
            price_minor=price_minor,
        ),
        asked=Asked(0, 1.0, 0.0) if foreseen else None,
        supplier_id=None,
        lead=lead,
        arrivals=arrivals,
        unit_cost=unit_cost,
        margin=400.0,
    )


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


def recent(units: list[float], expected: list[float], scatter: float = 1.0, days: int = 7) -> RecentDemand:
    mean = np.array(expected)
    return RecentDemand(days, np.array(units), mean, scatter * mean + 1e-9, np.ones(len(units), np.bool_))


def lines(*rows: tuple[int, int, float]) -> RecentLines:
    series, ago, units = zip(*rows, strict=True) if rows else ((), (), ())
    return RecentLines(np.array(series, np.int64), np.array(ago, np.int64), np.array(units, np.float64))


def surges(window: RecentDemand, *rows: tuple[int, int, float], was_open: list[bool] | None = None) -> Surges:
    open_now = np.array(was_open or [False] * len(window.units), np.bool_)
    return find_surges([window], lines(*rows), open_now, SurgeConfig())


class TestSurge:
    def test_the_chance_is_that_of_so_many_or_more(self) -> None:
        found = surges(recent([30.0, 12.0], [10.0, 10.0]))
        assert found.chance[0] == pytest.approx(poisson.sf(29, 10.0), rel=1e-6)
        assert found.chance[1] == pytest.approx(poisson.sf(11, 10.0), rel=1e-6)
        assert found.is_surge.tolist() == [True, False]

    def test_a_wild_series_needs_more(self) -> None:
        window = recent([30.0], [10.0], scatter=10.0)
        assert surges(window).chance[0] == pytest.approx(nbinom.sf(29, 10.0 / 9.0, 0.1), rel=1e-6)
        assert not surges(window).is_surge[0]

    def test_one_large_order_is_no_rise_of_demand(self) -> None:
        found = surges(recent([100.0], [10.0]), (0, 2, 92.0))
        assert (found.units[0], found.largest_line[0], found.is_surge[0]) == (8.0, 92.0, False)

    def test_a_line_that_was_called_off_hides_no_surge(self) -> None:
        # 80,995 units for twelve minutes: the table has them no more, the line is still told.
        assert surges(recent([40.0], [10.0]), (0, 3, 80_995.0)).is_surge[0]

    def test_it_stays_until_so_much_comes_by_chance(self) -> None:
        # P(17 or more) = 2.7 %: too often among ten products to open, too seldom to close.
        window = recent([17.0] + [10.0] * 9, [10.0] * 10)
        assert not surges(window).is_surge.any()
        assert surges(window, was_open=[True] * 10).is_surge.tolist() == [True] + [False] * 9

    def test_certain_and_small_is_no_surge(self) -> None:
        assert not surges(recent([13_000.0], [10_000.0])).is_surge[0]

    def test_the_more_products_the_more_surprising_it_must_be(self) -> None:
        one, many = [20.0], [20.0] + [10.0] * 999
        assert surges(recent(one, [10.0])).is_surge[0]
        assert not surges(recent(many, [10.0] * 1_000)).is_surge.any()

    def test_of_untested_products_nothing_is_told(self) -> None:
        window = RecentDemand(7, np.array([50.0]), np.array([1.0]), np.array([1.0]), np.zeros(1, np.bool_))
        found = surges(window)
        assert np.isnan(found.chance[0])
        assert not found.is_surge[0]


def test_false_discoveries_are_those_of_the_paper() -> None:
    # Benjamini & Hochberg (1995), section 4.1: 15 p-values, four are told at q = 0.05.
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    chances += [0.6528, 0.7590, 1.0]
    assert surprising(np.array(chances), 0.05).sum() == 4
    assert not surprising(np.full(5, np.nan), 0.05).any()
    assert not surprising(np.zeros(0), 0.05).any()


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


def prices(before: float, lately: float | None, days: int = 200) -> np.ndarray:
    """One product sold daily, 2 % up and down."""
    paid = before * (1.0 + 0.02 * np.sin(np.arange(days)))
    paid[-14:] = np.nan if lately is None else lately
    return paid[None, :]


def priced(paid: np.ndarray, units: float, offered: float = np.nan, largest: float = 1.0) -> PriceSurprises:
    window = recent([units], [20.0], days=7)
    told = ToldPrices(paid, np.full_like(paid, np.nan), np.array([False]), np.array([offered]))
    return find_price_surprises(told, window, lines((0, 1, largest)), np.array([False]), PriceConfig())


class TestPriceDemand:
    def test_a_digit_that_slipped_is_found_where_demand_answers(self) -> None:
        found = priced(prices(2_000.0, 200.0), 60.0)
        assert (found.is_slip[0], found.is_against[0]) == (True, False)
        assert found.usual_minor[0] == pytest.approx(2_000.0, rel=0.01)
        assert found.chance[0] == pytest.approx(poisson.sf(59, 20.0), rel=1e-6)

    def test_a_hundred_times_too_dear_is_bought_by_nobody(self) -> None:
        assert priced(prices(2_000.0, None), 0.0, offered=200_000.0).is_slip[0]
        assert not priced(prices(2_000.0, None), 0.0, offered=2_000.0).is_slip[0]

    def test_given_away_for_nothing_is_a_slip(self) -> None:
        assert priced(prices(2_000.0, 0.0), 60.0).is_slip[0]

    def test_a_price_that_moved_alone_is_a_price_the_shop_meant(self) -> None:
        found = priced(prices(2_000.0, 200.0), 20.0)
        assert (found.is_slip[0], found.is_against[0]) == (False, False)

    def test_demand_that_moved_alone_is_no_matter_of_price(self) -> None:
        found = priced(prices(2_000.0, 2_010.0), 80.0)
        assert (found.is_slip[0], found.is_against[0]) == (False, False)

    def test_demand_against_its_price_is_told(self) -> None:
        assert priced(prices(2_000.0, 2_600.0), 60.0).is_against[0]
        assert priced(prices(2_000.0, 1_500.0), 3.0).is_against[0]

    def test_one_large_buyer_is_no_proof_against_a_price_but_answers_a_slip(self) -> None:
        assert not priced(prices(2_000.0, 2_600.0), 60.0, largest=40.0).is_against[0]
        assert priced(prices(2_000.0, 200.0), 60.0, largest=40.0).is_slip[0]

    def test_demand_with_its_price_is_as_it_should_be(self) -> None:
        assert not priced(prices(2_000.0, 1_500.0), 60.0).is_against[0]
        assert not priced(prices(2_000.0, 2_600.0), 3.0).is_against[0]

    def test_the_present_price_is_that_of_the_newest_sales(self) -> None:
        paid = prices(2_000.0, 2_000.0)
        paid[0, -3:] = 200.0
        assert priced(paid, 60.0).price_minor[0] == 200.0
        assert priced(paid, 60.0).is_slip[0]

    def test_prices_that_always_jump_prove_nothing(self) -> None:
        paid = np.where(np.arange(200) % 2 == 0, 1_000.0, 2_000.0)[None, :].copy()
        paid[:, -14:] = 2_600.0
        assert not priced(paid, 60.0).is_against[0]

    @pytest.mark.parametrize("paid", [np.full((1, 200), np.nan), np.zeros((1, 200)), np.full((1, 3), 100.0)])
    def test_unknown_prices_are_no_evidence(self, paid: np.ndarray) -> None:
        found = priced(paid, 90.0)
        assert (found.is_slip[0], found.is_against[0]) == (False, False)


def test_severity_is_by_the_shops_own_turnover() -> None:
    small, large = Stakes(10_000.0), Stakes(10_000_000.0)
    assert (small.severity(500), large.severity(500)) == (Severity.HIGH, Severity.LOW)
    assert Stakes(0.0).severity(0) is Severity.LOW


def test_of_other_money_nobody_knows_how_grave_it_is() -> None:
    late = msgspec.structs.replace(purchase(60.0), currency="JPY")
    past = SupplierPast({}, [late], [], lambda at: "2026-01-05", NOW)
    told = next(supplier_alerts(past, Telling(Stakes(10.0), "GBP", "2026-01-05", frozenset()), LateConfig()))
    assert (told.severity, told.worth_minor) == (Severity.MEDIUM, 0)
    assert " JPY were expected" in told.words


def test_an_alert_is_told_in_the_shops_money_under_a_stable_id() -> None:
    telling = Telling(Stakes(10_000.0), "JPY", "2026-01-05", frozenset())
    told = stockout_risk(model(7.0), facts(2), StockoutConfig(), is_open=False)
    assert told is not None
    one = telling.tell(facts(2).subject, told, told.lost_margin_minor)
    assert one.alert_id == id_of(AlertKind.STOCKOUT_RISK, facts(9).subject)
    assert " JPY of margin" in one.words
    assert one.since == "2026-01-05"
    other = AlertSubject(variant_id=VariantId("mug"), location_id=LocationId("harbour"))
    assert one.alert_id != id_of(AlertKind.STOCKOUT_RISK, other)


class TestAtTheEdge:
    """More of a kind than are told."""

    @staticmethod
    def found(name: str, worth: int, turnover: float = 1e9) -> FoundAlert:
        told = stockout_risk(model(7.0), facts(2), StockoutConfig(), is_open=False)
        assert told is not None
        subject = AlertSubject(variant_id=VariantId(name), location_id=MAIN)
        return Telling(Stakes(turnover), "GBP", "2026-01-05", frozenset()).tell(subject, told, worth)

    def test_those_with_most_at_stake_are_told(self) -> None:
        low, middle, high = (self.found(name, worth) for name, worth in (("a", 1), ("b", 2), ("c", 3)))
        assert most_at_stake([low, middle, high], 2, frozenset()) == [high, middle]

    def test_an_open_one_keeps_its_place_when_another_is_worth_a_little_more(self) -> None:
        first, other = self.found("a", 100), self.found("b", 99)
        assert most_at_stake([first, other], 1, frozenset()) == [first]
        first, other = self.found("a", 99), self.found("b", 100)
        assert most_at_stake([first, other], 1, {first.alert_id}) == [first]
        assert most_at_stake([other], 1, {first.alert_id}) == [other]

    def test_what_is_grave_does_not_wait_for_small_ones(self) -> None:
        small = [self.found(f"small-{number}", 10) for number in range(3)]
        grave = self.found("grave", 900, turnover=10_000.0)
        open_ids = {one.alert_id for one in small}
        assert most_at_stake([*small, grave], 3, open_ids) == [*sorted(small, key=lambda one: one.alert_id), grave]
