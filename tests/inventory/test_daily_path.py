"""Which series of a shop are foreseen by day, and that their days and weeks say the same."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.daily_choice import DailyConfig
from smartshop.ai_agents.inventory.daily_path import BY_DAY, ByDay, choose_by_day, with_days
from smartshop.ai_agents.inventory.demand.series import demand_series
from smartshop.ai_agents.inventory.forecasting.boosted_days import BoostedDays
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Period
from smartshop.ai_agents.inventory.learning import fit
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChoiceConfig, ChosenForecasts, choose_forecasts
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.demand_offers import Promotions
from tests.inventory.supply_shop import END, learning_of, opened_supply_shop
from tests.inventory.test_demand_series import shelf_of, table_of

MONDAY = date(2024, 1, 1).toordinal()
PRODUCTS, DAYS, AHEAD = 36, 7 * 60, 28
OFFER_DAYS, LIFT = 10, 6.0
WEEKLY = ChoiceConfig(most_valuable=0, least_boosted=10_000)
DAILY = DailyConfig(most_valuable=0, learner=BoostedDays(trees=25, learning_rate=0.15, most_rows=8_000))


def silent(share: float, what: str) -> None:
    assert 0.0 <= share <= 1.0
    assert what


def shop(*, lift: float) -> tuple[DemandTable, Floats]:
    """Products of two to eight units a day with offers about every seven weeks, and what the next days want.

    Offers move half of the products of each category, and the others not at all: weeks learn of a category's only.
    """
    rng = np.random.default_rng(3)
    days = np.arange(DAYS + AHEAD)
    starts = [[int(one + rng.integers(0, 30)) for one in range(10, DAYS + AHEAD, 50)] for _ in range(PRODUCTS)]
    promoted = np.array([[any(s <= day < s + OFFER_DAYS for s in of_product) for day in days] for of_product in starts])
    own = np.where(np.arange(PRODUCTS) % 4 < 2, lift, 1.0)[:, None]
    mean = rng.uniform(2.0, 8.0, (PRODUCTS, 1)) * np.where(promoted, own, 1.0)
    units = rng.poisson(mean).astype(np.float64)
    product = np.repeat(np.arange(PRODUCTS), [len(one) for one in starts]).astype(np.int32)
    first = np.array([MONDAY + s for of_product in starts for s in of_product], np.int64)
    offers = Promotions(product, first, first + OFFER_DAYS - 1, np.full(len(first), 0.2, np.float32))
    return table_of(units[:, :DAYS], first_day=MONDAY, promotions=offers), mean[:, DAYS:]


def _of(table: DemandTable, some: NDArray[np.bool_]) -> DemandTable:
    return replace(
        table,
        product_no=table.product_no[some],
        location=table.location[some],
        sold=table.sold[some],
        in_stock=table.in_stock[some],
        price_minor=table.price_minor[some],
        share_off=table.share_off[some],
        listed=table.listed[some],
    )


def chosen_by_week(table: DemandTable) -> ChosenForecasts:
    weeks = demand_series(table, shelf_of(PRODUCTS), Period.WEEK, WEEKLY.horizon)
    return choose_forecasts(weeks.panel, table.sold.sum(axis=1, dtype=np.float64), WEEKLY, silent)


def by_day(table: DemandTable, chosen: ChosenForecasts) -> tuple[ChosenForecasts, ByDay]:
    weeks = demand_series(table, shelf_of(PRODUCTS), Period.WEEK, WEEKLY.horizon)
    turnover = table.sold.sum(axis=1, dtype=np.float64)
    return choose_by_day(table, shelf_of(PRODUCTS), weeks, chosen, turnover, silent, config=DAILY)


def test_days_that_know_the_offers_tell_the_weeks_better() -> None:
    table, ahead = shop(lift=LIFT)
    weekly = chosen_by_week(table)
    told, found = by_day(table, weekly)
    assert found.tried == PRODUCTS
    assert len(found.series) >= PRODUCTS / 2
    truth = ahead.reshape(PRODUCTS, 4, 7).sum(axis=2)[found.series]
    errors = [np.abs(one.forecast.mean[found.series, :4] - truth).mean() for one in (told, weekly)]
    assert errors[0] < 0.8 * errors[1]
    assert told.forecast.mean[found.series, :4] == pytest.approx(found.days.mean.reshape(-1, 4, 7).sum(axis=2))
    assert np.array_equal(told.forecast.mean[:, 4:], weekly.forecast.mean[:, 4:])
    others = np.setdiff1d(np.arange(PRODUCTS), found.series)
    assert np.array_equal(told.forecast.quantiles[others], weekly.forecast.quantiles[others])
    assert (np.diff(told.forecast.quantiles, axis=2) >= 0).all()
    assert all(told.methods[number].startswith(BY_DAY) for number in told.method[found.series])
    assert [one.origin for one in told.past] == [one.origin for one in weekly.past]
    moved = [not np.array_equal(a.told.mean, b.told.mean) for a, b in zip(told.past, weekly.past, strict=True)]
    assert sum(moved) >= 2, "where days were tried, how far sums stray is learned from what days told"


def test_a_model_keeps_days_that_add_up_to_its_weeks(tmp_path: Path) -> None:
    table, ahead = shop(lift=LIFT)
    with opened_supply_shop(tmp_path / "shop") as opened:
        learning = replace(learning_of(opened), scratch=tmp_path / "scratch")
        listed = len(learning.shelf.category)
        some = table.product_no < listed
        weeks = demand_series(_of(table, some), learning.shelf, Period.WEEK, WEEKLY.horizon)
        rng = np.random.default_rng(0)
        model = fit(learning, _of(table, some), weeks, END, WEEKLY, rng, silent)
    model.save(tmp_path)
    read = InventoryModel.load(tmp_path)
    by_day = read.daily_series
    assert len(by_day) > listed / 2
    assert read.daily_mean.reshape(-1, 4, 7).sum(axis=2) == pytest.approx(read.mean[by_day, :4], rel=1e-4)
    assert read.facts.measures["foreseen_by_day"] == pytest.approx(len(by_day) / len(read))
    assert read.facts.measures["tried_by_day"] == 1.0
    assert np.abs(read.daily_mean - ahead[by_day]).mean() < 0.25 * ahead.mean()
    found = read.days_of(int(by_day[0]))
    assert found is not None
    assert (np.diff(found[1], axis=1) >= 0).all()
    assert not list((tmp_path / "scratch").iterdir()), "pieces go when all is done"


def test_weeks_stay_where_days_know_no_more() -> None:
    table, _ = shop(lift=1.0)
    weekly = chosen_by_week(table)
    told, found = by_day(table, weekly)
    assert found.tried == PRODUCTS
    assert not len(found.series)
    assert told is weekly


def test_what_sells_seldom_or_not_long_is_not_tried_by_day() -> None:
    table, _ = shop(lift=1.0)
    listed = np.zeros(PRODUCTS, np.int32)
    listed[:30] = DAYS - 50
    assert by_day(replace(table, listed=listed), chosen_by_week(table))[1].tried == 6
    rare = replace(table, sold=np.where(np.arange(DAYS) % 20 == 0, table.sold, 0.0).astype(np.float32))
    assert by_day(rare, chosen_by_week(rare))[1].tried < PRODUCTS / 2


def test_a_young_shop_goes_by_week() -> None:
    table, _ = shop(lift=LIFT)
    young = replace(
        table, sold=table.sold[:, :98], in_stock=table.in_stock[:, :98], price_minor=table.price_minor[:, :98],
        share_off=table.share_off[:, :98], orders=table.orders[:98],
    )  # fmt: skip
    weekly = chosen_by_week(young)
    assert by_day(young, weekly)[0] is weekly


def test_days_are_moved_to_the_weeks_that_agree_with_the_others() -> None:
    days = Forecast(np.ones((1, 28)), np.ones((1, 28, len(LEVELS))))
    found = ByDay(np.array([1]), days, 2).agreeing(np.array([[5.0] * 12, [14.0, 7.0, 0.0, 3.5] + [1.0] * 8]))
    assert found.days.mean[0].reshape(4, 7).sum(axis=1).tolist() == [14.0, 7.0, 0.0, 3.5]
    assert found.days.quantiles[0, 0, 0] == 2.0
    assert not len(ByDay.none().agreeing(np.ones((2, 12))).days.mean)


def test_a_weeks_quantiles_move_with_its_mean_but_not_without_end() -> None:
    week = Forecast(np.array([[7.0, 0.0, 1.0, 7.0, 9.0]]), np.full((1, 5, 2), 2.0))
    told = with_days(week, np.array([0]), Forecast(np.full((1, 28), 2.0), np.zeros((1, 28, 2))))
    assert told.mean.tolist() == [[14.0, 14.0, 14.0, 14.0, 9.0]]
    assert told.quantiles[0, :, 0].tolist() == [4.0, 2.0, 8.0, 4.0, 2.0]
