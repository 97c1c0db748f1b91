"""Products that have just come, and sums that add up."""

import numpy as np
import pytest

from smartshop.ai_agents.inventory.agreeing import agreed_means
from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASS_NAMES, YOUNG, classes_by_age
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period
from smartshop.ai_agents.inventory.sum_spread import (
    SUM_LEVELS,
    UNTRIED_RELATIVE,
    learn_spread,
    weekly_scatter,
    where_it_fell,
)
from smartshop.ai_agents.inventory.weekly_choice import LEVELS as WEEKLY_LEVELS
from smartshop.ai_agents.inventory.weekly_choice import ChosenForecasts, PastForecast
from smartshop.ai_agents.inventory.young_series import foresee_young, young_as_told_then
from smartshop.data_collection.schemas.ids import LocationId
from tests.recommendation.worlds import make_shelf

WEEKS, HORIZON = 40, 4
LEVELS = (0.1, 0.5, 0.9)
MONDAY = 738_156


def series_of(demand: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> DemandSeries:
    n = len(demand)
    groups = {name: np.zeros(n, np.int32) for name in ("category", "location")} | {"brand": np.full(n, -1, np.int32)}
    return DemandSeries(
        panel=Panel(demand, Period.WEEK, MONDAY, groups=groups),
        product_no=np.arange(n, dtype=np.int32),
        location=np.zeros(n, np.int32),
        locations=(LocationId("main"),),
        sold=np.nan_to_num(demand),
        censored=np.zeros(demand.shape, np.bool_),
        in_stock=np.ones(demand.shape, np.float32),
    )


def launched(weeks: int, level: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Half in the first week, then the level."""
    row = np.full(WEEKS, np.nan)
    row[WEEKS - weeks :] = rng.poisson(level, weeks)
    row[WEEKS - weeks] = level / 2
    return row


def flat(n: int, level: float) -> Forecast:
    return Forecast(np.full((n, HORIZON), level), np.full((n, HORIZON, len(LEVELS)), level))


def test_a_product_of_one_week_is_told_by_launches_of_its_like() -> None:
    rng = np.random.default_rng(1)
    demand = np.stack([*(launched(int(rng.integers(8, 30)), 20.0, rng) for _ in range(25)), launched(1, 20.0, rng)])
    shelf = make_shelf(len(demand), ["Mugs"] * len(demand))
    told, young = foresee_young(series_of(demand), shelf, flat(len(demand), 7.0), LEVELS)
    assert young.tolist() == [False] * 25 + [True]
    assert told.mean[:25].tolist() == flat(25, 7.0).mean.tolist()
    assert 15 < told.mean[25].mean() < 25
    assert (np.diff(told.quantiles[25], axis=-1) >= 0).all()


def test_where_few_launches_are_known_a_young_product_speaks_for_itself() -> None:
    rng = np.random.default_rng(2)
    demand = np.stack([launched(20, 20.0, rng), launched(1, 20.0, rng)])
    told, young = foresee_young(series_of(demand), make_shelf(2, ["Mugs"] * 2), flat(2, 7.0), LEVELS)
    assert not young.any()
    assert told.mean.tolist() == flat(2, 7.0).mean.tolist()


def test_products_move_towards_what_their_sum_is_expected_to_be() -> None:
    rng = np.random.default_rng(3)
    demand = rng.poisson(5.0, (30, WEEKS)).astype(np.float64)
    shelf = make_shelf(30, ["Mugs"] * 15 + ["Bowls"] * 15)
    low = flat(30, 3.0).mean
    told = agreed_means(series_of(demand), shelf, low)
    assert 3.0 < told.mean() < 5.2
    assert abs(told.sum(axis=0) - 150).max() < abs(low.sum(axis=0) - 150).min()
    assert (told >= 0).all()


def test_a_shop_of_a_few_weeks_is_left_as_it_is() -> None:
    demand = np.ones((3, 5))
    assert agreed_means(series_of(demand), make_shelf(3, ["Mugs"] * 3), flat(3, 2.0).mean).tolist() == [[2.0] * 4] * 3


SHOP_WEEKS = 14


def opened_lately(n: int, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(n, t) of a shop that launches something every week, each somewhere within its first week."""
    level, first = rng.gamma(4.0, 4.0, n), rng.integers(0, SHOP_WEEKS, n)
    demand = rng.poisson(level[:, None], (n, SHOP_WEEKS)).astype(np.float64)
    row = np.arange(n)
    demand[row, first] = np.maximum(rng.poisson(level * rng.uniform(0.4, 1.0, n)), 1)
    return np.where(np.arange(SHOP_WEEKS) >= first[:, None], demand, np.nan)


def told_at(panel: Panel, origin: int, weeks: int) -> PastForecast:
    return PastForecast(origin, RecentCounts().forecast(panel.until(origin), weeks, LEVELS))


def test_what_was_there_from_the_first_week_on_is_not_held_to_be_young() -> None:
    nan = np.nan
    demand = np.array([[3.0, 2.0, 4.0], [nan, 2.0, 4.0], [nan, nan, 4.0], [nan, nan, nan], [0.0, 0.0, 1.0]])
    panel = Panel(demand, Period.WEEK, MONDAY)
    names = [CLASS_NAMES[number] for number in classes_by_age(panel).tolist()]
    assert names == ["smooth", "sold for two weeks", "sold for a week", "rare", "rare"]
    assert not set(YOUNG) & set(classes_by_age(panel.until(1)).tolist())


def test_two_weeks_tell_more_of_later_ones_than_one_that_was_not_whole() -> None:
    rng = np.random.default_rng(5)
    demand, ahead = opened_lately(1_200, rng), 2
    panel = Panel(demand, Period.WEEK, MONDAY)
    origins = [4, 6, 8, 10]
    spread = learn_spread(panel.until(12), [told_at(panel, one, ahead) for one in origins], rng)
    one_week, two_weeks = (spread.relative[number, ahead - 1] for number in YOUNG)
    assert one_week > 1.5 * two_weeks
    known, told = panel.until(12), told_at(panel, 12, ahead).told.mean.sum(axis=1)
    kind, scatter, came = classes_by_age(known), weekly_scatter(known), demand[:, 12:].sum(axis=1)
    level = SUM_LEVELS.index(0.9)
    for number in YOUNG:
        some = kind == number
        variance = scatter[some] * told[some] + spread.relative[number, ahead - 1] * told[some] ** 2
        within = where_it_fell(came[some], told[some], variance, rng) <= spread.asked[number, ahead - 1, level]
        assert some.sum() > 60
        assert 0.78 <= within.mean() <= 0.98


def test_where_nothing_was_launched_the_young_are_as_wide_as_all() -> None:
    rng = np.random.default_rng(6)
    panel = Panel(rng.poisson(5.0, (200, SHOP_WEEKS)).astype(np.float64), Period.WEEK, MONDAY)
    spread = learn_spread(panel, [told_at(panel, one, 2) for one in (8, 10, 12)], rng)
    smooth = CLASS_NAMES.index("smooth")
    for number in YOUNG:
        assert spread.relative[number] == pytest.approx(spread.relative[smooth], abs=0.05)
    assert (learn_spread(panel, [], rng).relative == UNTRIED_RELATIVE).all()


def test_the_past_of_what_was_young_then_is_told_by_the_launches_known_then() -> None:
    rng = np.random.default_rng(7)
    demand = np.stack([*(launched(int(rng.integers(12, 34)), 20.0, rng) for _ in range(60)), launched(6, 20.0, rng)])
    series, shelf = series_of(demand), make_shelf(61, ["Mugs"] * 61)
    low = Forecast(np.full((61, HORIZON), 7.0), np.full((61, HORIZON, len(WEEKLY_LEVELS)), 7.0))
    past = tuple(PastForecast(origin, low) for origin in (WEEKS - 9, WEEKS - 5))
    nothing = ChosenForecasts(low, np.zeros(61, np.int32), (), past, past[-1], None)
    chosen = young_as_told_then(series, shelf, nothing)
    assert 15 < chosen.past[1].told.mean[-1].mean() < 25
    assert chosen.past[0].told.mean[-1].tolist() == [7.0] * HORIZON
    assert chosen.past[1].told.mean[:-1].tolist() == low.mean[:-1].tolist()
    assert chosen.judged is not None
    assert chosen.judged.told.mean.tolist() == chosen.past[1].told.mean.tolist()
