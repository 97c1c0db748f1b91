"""What the inventory agent foresees of a shop whose demand law is known."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.causes import KnownCauses, ShopEvent
from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period
from smartshop.ai_agents.inventory.forecasting.with_causes import KNOWING
from smartshop.ai_agents.inventory.learning import AGENT, fit, learn_demand, whole_weeks
from smartshop.ai_agents.inventory.model import MODEL_NAME, InventoryModel
from smartshop.ai_agents.inventory.replenishment.lead_times import (
    PRIOR_ORDERS,
    UNKNOWN_LEAD_DAYS,
    lead_time,
    learn_lead_times,
)
from smartshop.ai_agents.inventory.sum_spread import SUM_LEVELS, learn_spread, sums_within
from smartshop.ai_agents.inventory.weekly_choice import ChoiceConfig, PastForecast
from smartshop.data_collection.schemas.ids import Micros, ProductId
from smartshop.errors import ModelRefused, NotFound
from tests.importing.shop import EmbeddedShop, opened_shop
from tests.inventory.supply_shop import END, FILLERS, QUICK, RATES, SLOW, WEEKS, bought, learning_of, opened_supply_shop
from tests.inventory.test_demand_series import table_of

LIGHT = ChoiceConfig(most_valuable=0, least_boosted=10_000)
"""Without models that are fitted one by one, and without trees."""


def silent(share: float, what: str) -> None:
    assert 0.0 <= share <= 1.0
    assert what


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_supply_shop(tmp_path_factory.mktemp("supply")) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(shop: EmbeddedShop) -> InventoryModel:
    record = learn_demand(learning_of(shop), until=END, tell=silent, config=LIGHT)
    return InventoryModel.load(shop.stores.models.open(record))


def series(shop: EmbeddedShop, model: InventoryModel, product: str) -> int:
    (found,) = model.series_of(learning_of(shop).shelf.number_of[ProductId(product)])
    return found


def test_every_product_that_was_sold_is_foreseen_from_the_next_monday_on(model: InventoryModel) -> None:
    assert len(model) == len(RATES) + FILLERS
    assert model.facts.weeks == WEEKS
    assert model.first_day.weekday() == 0
    assert model.mean.shape == (len(model), 12)
    assert (np.diff(model.quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("product", ["kettle", "mug"])
def test_a_steady_rate_is_found(shop: EmbeddedShop, model: InventoryModel, product: str) -> None:
    # A mean over about a dozen weeks of Poisson sales errs by a tenth or two.
    told = model.mean_between(series(shop, model, product), 0.0, 28.0) / 28.0
    assert told == pytest.approx(RATES[product], rel=0.3)


def test_parts_of_the_time_ahead_add_up(shop: EmbeddedShop, model: InventoryModel) -> None:
    kettle = series(shop, model, "kettle")
    parts = sum(model.mean_between(kettle, begins, begins + 10.0) for begins in (-5.0, 5.0, 15.0, 95.0))
    gap = model.mean_between(kettle, 25.0, 95.0)
    assert parts + gap == pytest.approx(model.mean_between(kettle, -5.0, 105.0))


def test_the_last_origin_is_judged_beside_the_simplest_baseline(model: InventoryModel) -> None:
    measures = model.facts.measures
    assert measures["pinball"] <= 1.05 * measures["pinball_of_baseline"]
    assert 0.8 <= measures["weeks_within_90_percent"] <= 1.0
    assert 0.75 <= measures["sums_within_their_90_percent_level"] <= 1.0


def test_a_promoted_model_is_read_again_as_it_was_written(shop: EmbeddedShop, model: InventoryModel) -> None:
    record = shop.stores.models.promoted(AGENT)
    assert record is not None
    again = InventoryModel.load(shop.stores.models.open(record))
    assert again.facts == model.facts
    assert np.array_equal(again.quantiles, model.quantiles)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="train again"):
        InventoryModel.load(tmp_path)
    (tmp_path / MODEL_NAME).write_text("{}")
    with pytest.raises(ModelRefused, match="train again"):
        InventoryModel.load(tmp_path)


def test_a_shop_without_two_weeks_of_sales_is_told_so(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "empty") as empty, pytest.raises(NotFound, match="0 whole weeks"):
        learn_demand(learning_of(empty), until=Micros(END), tell=silent, config=LIGHT)


def test_lead_times_are_learned_from_receipts_and_pulled_to_what_was_said(shop: EmbeddedShop) -> None:
    for number, days in enumerate((9.0, 10.0, 11.0)):
        bought(shop, number, days)
    stores = shop.stores
    found = learn_lead_times(stores.suppliers.all(), stores.purchase_orders.deliveries(Micros(0)))
    assert found[QUICK].orders_seen == 3
    assert found[QUICK].mean_days == pytest.approx((PRIOR_ORDERS * 5.0 + 30.0) / (PRIOR_ORDERS + 3))
    assert (found[SLOW].mean_days, found[SLOW].orders_seen) == (UNKNOWN_LEAD_DAYS, 0)
    assert found[SLOW].source == "assumed: nobody said"


def test_many_receipts_outweigh_what_was_said() -> None:
    days = np.random.default_rng(1).gamma(25.0, 0.4, 500)
    learned = lead_time(30.0, days.tolist())
    assert learned.mean_days == pytest.approx(10.0, abs=0.4)
    assert learned.sd_days == pytest.approx(2.0, abs=0.6)


def test_sums_of_weeks_that_err_together_are_covered_as_promised() -> None:
    rng = np.random.default_rng(3)
    n, weeks, ahead = 600, 64, 4
    level = rng.gamma(4.0, 3.0, n)
    # Every four weeks the level moves as a whole: quantiles of weeks added up would be far too narrow.
    moved = np.repeat(rng.lognormal(-0.08, 0.4, (n, weeks // ahead)), ahead, axis=1)
    panel = Panel(rng.poisson(level[:, None] * moved).astype(float), Period.WEEK, 733_748)
    told = Forecast(np.repeat(level[:, None], ahead, axis=1), np.zeros((n, ahead, 0)))
    past = [PastForecast(origin, told) for origin in (44, 48, 52, 56)]
    spread = learn_spread(panel, past, rng)
    assert 0.05 < float(np.median(spread.relative[:, ahead - 1])) < 0.5
    for level_asked in (0.5, 0.9, 0.95):
        place = SUM_LEVELS.index(level_asked)
        assert sums_within(panel, PastForecast(60, told), spread, place) == pytest.approx(level_asked, abs=0.04)


def test_what_the_keeper_told_of_days_reaches_the_forecasts(shop: EmbeddedShop) -> None:
    learning, monday, days = learning_of(shop), date(2024, 1, 1).toordinal(), 7 * 60
    begins = range(3, days + 28, 25)
    fairs = KnownCauses(events=[ShopEvent("fair", monday + one, monday + one + 1) for one in begins])
    is_on = np.isin(np.arange(days + 28) % 25, (3, 4))
    rng = np.random.default_rng(1)
    rate = rng.uniform(3.0, 9.0, (len(learning.shelf.category), 1)) * np.where(is_on, 4.0, 1.0)
    table = table_of(rng.poisson(rate)[:, :days], first_day=monday)
    series = whole_weeks(table, learning.shelf, 12, fairs)
    model = fit(learning, table, series, END, LIGHT, rng, silent, known=fairs)
    methods = [model.facts.methods[number] for number in model.method.tolist()]
    assert sum(KNOWING in method for method in methods) > len(methods) / 2
    weeks = rate[:, days:].reshape(len(rate), 4, 7).sum(axis=2)
    assert np.abs(model.mean[:, :4] - weeks).sum() < 0.15 * weeks.sum()
