"""Forecasts are judged by what came after them, on a made-up shop whose demand law is known."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.causes import PRICE
from smartshop.ai_agents.inventory.evaluate import ForecastReport, ForecastTrial, evaluate
from smartshop.ai_agents.inventory.evaluate_daily import BLEND, DAYS_AHEAD, LINEAR, MEDIAN, SAME, daily_origins
from smartshop.ai_agents.inventory.evaluate_past import Past
from smartshop.ai_agents.inventory.evaluate_weekly import (
    CHOSEN,
    JUDGED_LEVELS,
    Judged,
    Origins,
    contest_of,
    contest_weekly,
    judge,
    weekly_origins,
)
from smartshop.ai_agents.inventory.evaluation_tables import as_markdown, as_tables, summary
from smartshop.ai_agents.inventory.forecasting.choosing import Tried
from smartshop.ai_agents.inventory.forecasting.choosing_counts import SIMPLE
from smartshop.ai_agents.inventory.forecasting.intermittent import TSB
from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel, Period
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, USUAL_CHOICE, light_candidates
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.errors import NotFound
from smartshop.evaluating import AGENTS, evaluated, forecast_trial_of, trial_of
from tests.importing.shop import EmbeddedShop, opened_shop
from tests.inventory.supply_shop import opened_supply_shop
from tests.inventory.test_demand_series import WEDNESDAY, shelf_of, table_of

WEEK_SHAPE = np.array([0.6, 0.8, 1.0, 1.2, 1.6, 2.0, 0.3])
QUICK = ForecastTrial(quick=True)


def silent(share: float, what: str) -> None:
    assert 0.0 <= share <= 1.0
    assert what


def made_up(rng: np.random.Generator, series: int = 40, weeks: int = 32) -> DemandTable:
    """Poisson sales around a strong week; rates from one a fortnight to thirty a day."""
    rates = np.geomspace(0.07, 30.0, series)
    days = np.arange(7 * weeks)
    shape = WEEK_SHAPE[(WEDNESDAY - 1 + days) % 7]
    return table_of(rng.poisson(rates[:, None] * shape / WEEK_SHAPE.mean()))


@pytest.fixture(scope="module")
def table() -> DemandTable:
    return made_up(np.random.default_rng(2))


@pytest.fixture(scope="module")
def report(table: DemandTable) -> ForecastReport:
    return evaluate(table, shelf_of(len(table)), replace(QUICK, daily_series=12), silent)


class TestByWeek:
    def test_all_candidates_and_the_mixture_stand_in_the_order_of_their_loss(self, report: ForecastReport) -> None:
        (contest,) = report.weekly
        assert {row.forecast for row in contest.rows} == {CHOSEN, *light_candidates(40, USUAL_CHOICE)}
        losses = [row.pinball for row in contest.rows]
        assert losses == sorted(losses)
        assert contest.series == 40
        assert len(contest.first_days) == 4

    def test_the_mixture_is_no_worse_than_a_simple_forecast_and_as_wide_as_it_says(
        self, report: ForecastReport
    ) -> None:
        (contest,) = report.weekly
        by_name = {row.forecast: row for row in contest.rows}
        assert by_name[CHOSEN].pinball <= 1.03 * min(by_name[name].pinball for name in SIMPLE)
        # 40 series × 4 × 4 weeks: a true law's share strays by about 1.5 points, one from a year's weeks by more.
        assert by_name[CHOSEN].share_below == pytest.approx(JUDGED_LEVELS, abs=0.07)
        assert contest.gain is not None
        assert contest.gain.low is not None
        assert contest.gain.low <= contest.gain.value <= (contest.gain.high or 0.0)

    def test_classes_part_the_series(self, report: ForecastReport) -> None:
        (contest,) = report.weekly
        assert sum(one.series for one in contest.classes) == pytest.approx(40)
        assert {"smooth", "intermittent"} <= {one.name for one in contest.classes}

    def test_figures_are_those_that_one_works_out_by_hand(self) -> None:
        told = Forecast(np.full((1, 2), 4.0), np.tile(np.arange(1.0, 8.0), (1, 2, 1)))
        judged = Judged(np.array([[[4.0, 9.0]]]), np.array([[0]]), {name: [told] for name in (CHOSEN, *SIMPLE)})
        known = Panel(np.ones((1, 6)), Period.WEEK, WEDNESDAY + 5)
        contest = contest_of("one series", judged, known, Origins((4,), (4,), 2), np.random.default_rng(0))
        row = contest.rows[0]
        # Quantiles of .1/.25/.5/.75/.9 are 2, 3, 4, 5, 6; 4 came, then 9.
        first = 0.1 * 2 + 0.25 * 1 + 0.0 + 0.25 * 1 + 0.1 * 2
        second = 0.1 * 7 + 0.25 * 6 + 0.5 * 5 + 0.75 * 4 + 0.9 * 3
        assert row.pinball == pytest.approx((first + second) / 10)
        assert row.wmape == pytest.approx(5.0 / 13.0)
        assert row.share_below[0] == 0.0
        assert row.share_below[-1] == 0.5
        assert row.by_class == (row.pinball, None, None, None, None)
        assert contest.gain is not None
        assert (contest.gain.value, contest.gain.low) == (0.0, None), "of one series there is no interval"

    def test_what_came_after_an_origin_chooses_nothing_for_it(self, table: DemandTable) -> None:
        came, candidates = Past(table, shelf_of(len(table))).came(Period.WEEK), light_candidates(10, USUAL_CHOICE)
        origins = weekly_origins(came.periods)
        told = {
            origin: {name: one.forecast(came.until(origin), origins.ahead, LEVELS) for name, one in candidates.items()}
            for origin in origins.all
        }
        first = origins.judged[0]
        otherwise = came.demand.copy()
        otherwise[:, first:] = otherwise[::-1, first:]
        chosen = [
            judge(Tried(replace(came, demand=demand), origins.ahead, LEVELS, told), origins).told[CHOSEN]
            for demand in (came.demand, otherwise)
        ]
        assert np.array_equal(chosen[0][0].quantiles, chosen[1][0].quantiles)
        assert not np.array_equal(chosen[0][-1].quantiles, chosen[1][-1].quantiles), "later ones learn from it"

    def test_models_fitted_one_by_one_are_tried_on_what_is_worth_most_alone(self) -> None:
        table = made_up(np.random.default_rng(4), series=110, weeks=16)
        past = Past(table, shelf_of(110))
        found = contest_weekly(past, 0, np.random.default_rng(0), silent, heavy={"TSB, slower": TSB(0.05, 0.02)})
        assert [contest.series for contest in found] == [110, 100]
        names = [{row.forecast for row in contest.rows} for contest in found]
        assert names[1] - names[0] == {"TSB, slower"}

    @pytest.mark.parametrize("weeks", [7, 12, 30, 52, 200])
    def test_origins_are_full_weeks_apart_and_the_last_ends_with_the_past(self, weeks: int) -> None:
        origins = weekly_origins(weeks)
        assert origins.all[-1] + origins.ahead == weeks
        assert set(np.diff(origins.all)) <= {origins.ahead}
        assert all(sum(one + origins.ahead <= at for one in origins.all) >= 2 for at in origins.judged)


class TestByDay:
    def test_a_forecast_that_knows_the_weekdays_beats_the_last_same_weekday(self, report: ForecastReport) -> None:
        assert report.daily is not None
        by_name = {row.forecast: row for row in report.daily.rows}
        assert {MEDIAN, SAME, LINEAR, BLEND} <= by_name.keys()
        assert by_name[LINEAR].wmape < by_name[SAME].wmape
        assert by_name[BLEND].wmape <= 1.02 * by_name[MEDIAN].wmape
        gain = by_name[BLEND].gain
        assert gain is not None
        assert gain.rival == MEDIAN
        assert by_name[MEDIAN].gain is None

    def test_intervals_from_earlier_origins_hold_what_they_promise(self, report: ForecastReport) -> None:
        assert report.daily is not None
        assert report.daily.series == 12
        for row in report.daily.rows:
            assert row.covered == pytest.approx(0.9, abs=0.05)
            assert row.least_covered <= row.covered <= row.most_covered

    def test_it_is_tried_from_as_many_days_as_there_are(self) -> None:
        assert daily_origins(112) == [84]
        assert daily_origins(365)[-1] + DAYS_AHEAD == 365


class TestPast:
    def test_nothing_that_came_later_is_known_at_a_day(self, table: DemandTable) -> None:
        rng, shelf, day = np.random.default_rng(0), shelf_of(len(table)), 200
        sold, price, in_stock = table.sold.copy(), table.price_minor.copy(), table.in_stock.copy()
        sold[:, day:], price[:, day:] = rng.poisson(50.0, sold[:, day:].shape), 10.0
        in_stock[:, day:] = 0.3
        price[:, 40:60] = 700.0
        other = replace(table, sold=sold, price_minor=price, in_stock=in_stock, share_off=table.share_off + 0.2)
        other.share_off[:, :day] = 0.0
        one = Past(replace(table, price_minor=np.where(np.arange(table.days) < day, price, np.nan)), shelf)
        panels = [past.series(day, Period.DAY, 28).panel for past in (one, Past(other, shelf))]
        assert np.array_equal(panels[0].demand, panels[1].demand, equal_nan=True)
        assert PRICE in panels[0].causes
        assert panels[0].causes.keys() == panels[1].causes.keys()
        for name, cause in panels[0].causes.items():
            assert cause.shape[1] == day + 28
            assert np.array_equal(cause, panels[1].causes[name]), name

    def test_a_week_without_stock_judges_nobody(self, table: DemandTable) -> None:
        in_stock = table.in_stock.copy()
        in_stock[3, -8:-6] = 0.0
        panel = Past(replace(table, in_stock=in_stock), shelf_of(len(table))).came(Period.WEEK)
        assert np.isnan(panel.demand[3]).sum() == 1
        assert np.isfinite(np.delete(panel.demand, 3, axis=0)).all()

    def test_the_series_judged_are_those_worth_most_by_then(self) -> None:
        sold = np.zeros((4, 100), np.float32)
        sold[0, 90:], sold[1, :50], sold[2, :50], sold[3, :5] = 99.0, 1.0, 3.0, 2.0
        past = Past(table_of(sold), shelf_of(4))
        assert past.most_valuable(60, 2).tolist() == [1, 2]
        assert past.most_valuable(60, 0).tolist() == [1, 2, 3], "what sold nothing yet is not judged"


class TestReport:
    def test_it_is_told_in_tables_and_markdown_and_json(self, report: ForecastReport) -> None:
        told = as_markdown(report)
        assert "### Forecasts by week, the 40 series of highest value" in told
        assert "### Forecasts by day, with causes" in told
        assert "nan" not in told
        assert len(as_tables(report)) == 4
        again = msgspec.json.decode(msgspec.json.encode(report), type=ForecastReport)
        assert again == report

    def test_what_a_quick_trial_goes_without_is_named(self, report: ForecastReport) -> None:
        assert "Left out" in summary(report)
        assert any("Prophet" in words for words in report.left_out)

    def test_a_shop_too_young_is_told_so(self) -> None:
        sold = np.random.default_rng(0).poisson(2.0, (5, 40)).astype(np.float32)
        young = evaluate(table_of(sold), shelf_of(5), QUICK, silent)
        assert (young.weekly, young.daily) == ((), None)
        by_week, by_day = young.notes
        assert "span 5 whole weeks, and 7 are" in by_week
        assert "span 40 days, and 112 are needed" in by_day
        assert "too young" in as_markdown(young)

    def test_by_day_nothing_is_judged_where_nothing_is_asked_for(self) -> None:
        sold = np.random.default_rng(0).poisson(2.0, (5, 40)).astype(np.float32)
        assert len(evaluate(table_of(sold), shelf_of(5), replace(QUICK, daily_series=0), silent).notes) == 1

    def test_where_all_is_new_nothing_is_judged_and_it_says_why(self) -> None:
        sold = np.zeros((2, 150), np.float32)
        sold[:, -3:] = 2.0
        new = evaluate(table_of(sold), shelf_of(2), QUICK, silent)
        assert (new.weekly, new.daily) == ((), None)
        assert len(new.notes) == 2
        assert all("nothing was sold in the year before" in note for note in new.notes)

    def test_a_shop_that_never_sold_twice_is_judged_without_a_failure(self) -> None:
        sold = np.zeros((2, 150), np.float32)
        sold[0, 0], sold[1, 149] = 1.0, 1.0
        seldom = evaluate(table_of(sold), shelf_of(2), QUICK, silent)
        assert as_markdown(seldom)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    with opened_supply_shop(tmp_path_factory.mktemp("supply")) as opened:
        yield opened


def test_the_command_judges_the_agent_on_a_shops_own_orders(shop: EmbeddedShop) -> None:
    trial = forecast_trial_of(20, 5, 3, quick=True)
    assert trial == ForecastTrial(series=20, daily_series=5, seed=3, quick=True)
    usual = trial_of(None, None, None, 0, shop.settings)
    found = evaluated(AGENTS[-1], shop.settings, shop.place, usual, forecast_trial=trial, day=None, console=None)
    assert "Forecasts by week, the 20 series of highest value" in found.markdown
    assert "The 5 series of highest value" in found.markdown


def test_a_shop_that_sold_nothing_has_nothing_to_judge(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "empty") as empty, pytest.raises(NotFound, match="nothing was sold yet"):
        evaluated(
            "inventory",
            empty.settings,
            empty.place,
            trial_of(None, None, None, 0, empty.settings),
            day=None,
            console=None,
        )
