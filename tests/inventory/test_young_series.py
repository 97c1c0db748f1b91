"""Products that have just come, and sums that add up."""

import numpy as np

from smartshop.ai_agents.inventory.agreeing import agreed_means
from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period
from smartshop.ai_agents.inventory.young_series import foresee_young
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
