"""Days as weeks and months, closed days, known causes, and panels as forecasters get them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.inventory.demand.asked_prices import relative_prices
from smartshop.ai_agents.inventory.demand.causes import (
    DISCOUNT,
    PRICE,
    KnownCauses,
    ShopEvent,
    daily_causes,
    discounts,
    open_days,
    promotions,
)
from smartshop.ai_agents.inventory.demand.periods import period_grid, period_means, period_sums
from smartshop.ai_agents.inventory.demand.series import cut, daily_demand, demand_series, turnover_minor
from smartshop.ai_agents.inventory.forecasting.calendar import HOLIDAY, OPEN
from smartshop.ai_agents.inventory.forecasting.panel import Period
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.demand_offers import Promotions, no_promotions
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelf_arrays import Pricing, StockPicture, arrange
from smartshop.data_collection.schemas.catalogue import ListedProduct, Product
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, ProductNo

WEDNESDAY = date(2024, 1, 3).toordinal()


def table_of(sold: list[list[float]] | np.ndarray, **told: object) -> DemandTable:
    """Products 0, 1, … at one place, always in stock, of a shop with 20 orders a day."""
    units = np.asarray(sold, np.float32)
    n, days = units.shape
    table = DemandTable(
        product_no=np.arange(n, dtype=np.int32),
        location=np.zeros(n, np.int32),
        locations=(LocationId("main"),),
        first_day=WEDNESDAY,
        sold=units,
        in_stock=np.ones((n, days), np.float32),
        price_minor=np.where(units > 0, 1_000, np.nan).astype(np.float32),
        share_off=np.zeros((n, days), np.float32),
        listed=np.zeros(n, np.int32),
        orders=np.full(days, 20, np.int32),
        promotions=no_promotions(),
    )
    return replace(table, **told)  # type: ignore[arg-type]  # fields of the table, named by each test


def shelf_of(n: int) -> Shelf:
    listed = [
        ListedProduct(
            product_no=ProductNo(number),
            product=Product(product_id=ProductId(str(number)), title="", category=("Home", f"shelf {number % 2}")),
            changed_at=Micros(0),
        )
        for number in range(n)
    ]
    return arrange(listed, Pricing("GBP", "default", Micros(0)), StockPicture({}), version=1)


class TestPeriods:
    @given(
        first_day=st.integers(date(2019, 12, 1).toordinal(), date(2024, 3, 1).toordinal()),
        days=st.integers(0, 400),
        period=st.sampled_from(Period),
        horizon=st.integers(0, 14),
    )
    def test_only_whole_periods_count_and_none_is_left_out(
        self, first_day: int, days: int, period: Period, horizon: int
    ) -> None:
        grid = period_grid(first_day, days, period, horizon)

        def begins(at: int) -> bool:
            day = date.fromordinal(first_day + at)
            return {Period.DAY: True, Period.WEEK: day.weekday() == 0, Period.MONTH: day.day == 1}[period]

        found = [at for at in range(days + 1) if begins(at)]
        assert grid.periods == max(len(found) - 1, 0)
        assert grid.starts[: grid.periods + 1].tolist() == found[: grid.periods + 1] or not found
        assert len(grid.starts) == grid.periods + horizon + 1
        assert all(begins(int(at)) for at in grid.starts)

    def test_unknown_days_count_as_the_known_and_mostly_unknown_is_unknown(self) -> None:
        grid = period_grid(date(2024, 1, 1).toordinal(), 21, Period.WEEK, 0)
        days = np.full((1, 21), 2.0)
        days[0, 7:10], days[0, 14:18] = np.nan, np.nan
        sums = period_sums(days, grid)
        assert sums[0, :2].tolist() == [14.0, 14.0]
        assert np.isnan(sums[0, 2])

    def test_means_reach_as_far_ahead_as_the_days_do(self) -> None:
        grid = period_grid(date(2024, 1, 1).toordinal(), 10, Period.WEEK, 2)
        assert period_means(np.arange(21.0)[None, :], grid).tolist() == [[3.0, 10.0, 17.0]]


class TestCauses:
    def test_a_day_without_any_order_is_closed_unless_its_weekday_always_is(self) -> None:
        orders = np.full(70, 20)
        orders[4::7] = 0
        orders[30] = 0
        is_open = open_days(orders, 7)[0]
        assert np.flatnonzero(is_open == 0).tolist() == [30]
        assert open_days(np.array([0, 2, 0, 1, 0, 0, 0, 0]), 1).all(), "a small shop often sells nothing"

    def test_a_price_is_held_against_what_it_was_and_told_the_day_after(self) -> None:
        table = table_of(np.tile([1.0, 0.0], (1, 30)))
        price = table.price_minor.copy()
        price[0, 40:] = np.where(np.isfinite(price[0, 40:]), 800, np.nan)
        relative = relative_prices(replace(table, price_minor=price), 5)[0]
        assert relative[:41] == pytest.approx(1.0), "on the day itself the sale alone tells of it"
        assert relative[41] == pytest.approx(0.8, abs=1e-6)
        assert relative[42] == pytest.approx(0.8, abs=0.02), "as asked on the day without a sale"
        assert (np.diff(relative[41:61]) > 0).all(), "little by little it is the usual price"
        assert (relative[60:] == relative[60]).all()
        assert len(relative) == 65

    def test_no_cause_tells_what_its_own_period_sold(self) -> None:
        rng = np.random.default_rng(4)
        table = table_of(rng.poisson(0.5, (4, 60)))
        later = np.where(np.arange(60) >= 40, 0.5, 1.0)
        other = replace(
            table,
            price_minor=table.price_minor * later.astype(np.float32),
            sold=(table.sold * later).astype(np.float32),
        )
        for period, borders in {Period.DAY: 41, Period.WEEK: 6}.items():
            one, two = (demand_series(each, shelf_of(4), period, 2).panel.causes.get(PRICE) for each in (table, other))
            assert two is not None
            before = np.ones_like(two) if one is None else one
            assert (two[:, :borders] == before[:, :borders]).all()

    def test_promotions_are_painted_by_day_and_ahead(self) -> None:
        cuts = Promotions(
            product_no=np.array([1, 9], np.int32),
            first_day=np.array([WEDNESDAY + 8, WEDNESDAY]),
            last_day=np.array([WEDNESDAY + 11, WEDNESDAY]),
            share_off=np.array([0.25, 0.5], np.float32),
        )
        off = promotions(table_of(np.ones((2, 10)), promotions=cuts), 4)
        assert off[0].tolist() == [0.0] * 14
        assert off[1].tolist() == pytest.approx([0, 0, 0, 0, 0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0, 0])

    def test_discounts_are_the_whole_shops_and_ahead_as_lately(self) -> None:
        share = np.zeros((2, 30), np.float32)
        share[0, 29] = 0.4
        table = table_of([[3.0] * 30, [1.0] * 30], share_off=share)
        assert discounts(table, 2)[0, 28:].tolist() == pytest.approx([0.0, 0.3, 0.3 / 28, 0.3 / 28])

    def test_only_what_stirs_is_a_cause_and_the_shops_own_days_are_known_ahead(self) -> None:
        fair = ShopEvent("fair", WEDNESDAY + 11, WEDNESDAY + 12)
        causes = daily_causes(table_of(np.ones((1, 10))), 5, KnownCauses(events=(fair,)))
        assert list(causes) == ["event_fair"]
        assert np.flatnonzero(causes["event_fair"][0]).tolist() == [11, 12]

    def test_public_holidays_are_known_where_the_package_is(self) -> None:
        pytest.importorskip("holidays", reason="the extra that knows public holidays is not installed")
        table = replace(table_of(np.ones((1, 10))), first_day=date(2024, 12, 20).toordinal())
        holiday = daily_causes(table, 5, KnownCauses(country="GB"))[HOLIDAY]
        assert np.flatnonzero(holiday[0]).tolist() == [5, 6, 12]
        with pytest.raises(ValueError, match="No public holidays are known of 'XX'"):
            daily_causes(table, 5, KnownCauses(country="XX"))


class TestSeries:
    def test_weeks_sum_from_monday_and_carry_what_panels_need(self) -> None:
        table = table_of(np.tile(np.arange(1.0, 29.0), (3, 1)))
        series = demand_series(table, shelf_of(3), Period.WEEK, 2)
        assert series.panel.first_day == date(2024, 1, 8).toordinal()
        assert series.panel.demand[0].tolist() == [63.0, 112.0, 161.0]
        assert (series.sold == series.panel.demand).all()
        assert not series.censored.any()
        assert series.panel.groups["category"].tolist() == [1, 2, 1]
        assert series.panel.groups["brand"].tolist() == [-1, -1, -1]
        assert series.panel.causes == {}

    def test_some_of_the_series_keep_all_that_is_theirs(self) -> None:
        series = demand_series(
            table_of(np.tile(np.arange(1.0, 29.0), (3, 1)) * [[1], [2], [3]]), shelf_of(3), Period.WEEK, 1
        )
        some = series.of(np.array([2, 0]))
        assert some.product_no.tolist() == [2, 0]
        assert some.panel.demand[:, 0].tolist() == some.sold[:, 0].tolist() == [189.0, 63.0]

    def test_turnover_is_of_known_prices_and_the_last_days(self) -> None:
        table = table_of([[2.0, 1.0, 3.0], [1.0, 1.0, 1.0]])
        price = np.array([[500, 100, np.nan], [10, 10, 10]], np.float32)
        assert turnover_minor(replace(table, price_minor=price), 2).tolist() == [100.0, 20.0]

    def test_days_closed_are_unknown_by_day_and_nothing_by_week(self) -> None:
        orders = np.full(28, 20, np.int32)
        sold = np.ones((1, 28))
        orders[[7, *range(19, 26)]], sold[0, [7, *range(19, 26)]] = 0, 0.0
        table = table_of(sold, orders=orders)
        by_day = demand_series(table, shelf_of(1), Period.DAY, 3).panel
        assert np.flatnonzero(np.isnan(by_day.demand[0])).tolist() == [7, *range(19, 26)]
        assert by_day.causes[OPEN].shape == (1, 31)
        by_week = demand_series(table, shelf_of(1), Period.WEEK, 1).panel
        assert np.nan_to_num(by_week.demand[0], nan=-1.0).tolist() == [6.0, 7.0, -1.0]
        assert by_week.causes[OPEN][0].tolist() == pytest.approx([6 / 7, 1.0, 0.0, 1.0])

    def test_a_week_partly_out_of_stock_is_censored_and_estimated(self) -> None:
        rng = np.random.default_rng(0)
        sold = rng.poisson(20.0, (10, 140)).astype(np.float64)
        in_stock = np.ones((10, 140), np.float32)
        in_stock[0, 75:79], sold[0, 75:79] = 0.0, 0.0
        series = demand_series(table_of(sold, in_stock=in_stock), shelf_of(10), Period.WEEK, 1)
        week = int(np.flatnonzero(series.censored[0])[0])
        assert series.censored.sum() == 1
        assert series.sold[0, week] < 80
        assert series.panel.demand[0, week] == pytest.approx(140.0, rel=0.12)
        assert series.in_stock[0, week] == pytest.approx(3 / 7)
        assert np.isnan(series.seen_only().demand[0, week])
        assert np.isfinite(series.seen_only().demand[1]).all()

    def test_before_it_was_listed_nothing_is_known_and_its_first_week_counts_as_it_was(self) -> None:
        sold = np.zeros((1, 28))
        sold[0, 14] = 5.0
        series = demand_series(table_of(sold, listed=np.array([14], np.int32)), shelf_of(1), Period.WEEK, 1)
        assert np.nan_to_num(series.panel.demand[0], nan=-1.0).tolist() == [-1.0, 5.0, 0.0]

    def test_one_sale_and_an_empty_table_are_no_trouble(self) -> None:
        table = table_of([[0.0, 1.0]])
        assert demand_series(table, shelf_of(1), Period.DAY, 7).panel.demand.tolist() == [[0.0, 1.0]]
        assert demand_series(table, shelf_of(1), Period.MONTH, 2).panel.periods == 0
        assert len(demand_series(table_of(np.zeros((0, 0))), shelf_of(0), Period.WEEK, 2)) == 0

    def test_a_table_cut_knows_nothing_of_what_came_later(self) -> None:
        rng = np.random.default_rng(1)
        sold = rng.poisson(2.0, (5, 100)).astype(np.float64)
        sold[4, :60] = 0.0
        in_stock = np.where(rng.random((5, 100)) < 0.2, 0.0, 1.0).astype(np.float32)
        whole = table_of(sold * in_stock, in_stock=in_stock)
        early = cut(whole, 60)
        assert early.product_no.tolist() == [0, 1, 2, 3]
        changed = whole.sold.copy()
        changed[:, 60:] *= 10
        again = cut(replace(whole, sold=changed), 60)
        np.testing.assert_array_equal(daily_demand(early).demand, daily_demand(again).demand)
        with pytest.raises(ValueError, match="cannot be cut to 101"):
            cut(whole, 101)

    def test_discounts_and_prices_reach_the_panel_by_week(self) -> None:
        share = np.zeros((1, 28), np.float32)
        share[0, 5:12] = 0.2
        price = np.where(share > 0, 800, 1_000).astype(np.float32)
        causes = demand_series(
            table_of(np.ones((1, 28)), share_off=share, price_minor=price), shelf_of(1), Period.WEEK, 1
        ).panel.causes
        assert causes[DISCOUNT][0].tolist() == pytest.approx([0.2, 0.0, 0.0, 5 / 7 * 1.4 / 28])
        assert causes[PRICE].shape == (1, 4)
        assert causes[PRICE][0, 0] == 1.0, "the week's own price is no cause of it"
        assert causes[PRICE][0, 1] < 0.95 < causes[PRICE][0, 2]
