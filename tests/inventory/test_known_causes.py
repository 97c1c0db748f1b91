"""What is told of days to come, and that no forecast from an earlier day knows more than was told then."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.causes import (
    FARTHEST_TOLD,
    LEAST_READ,
    MOST_EVENTS,
    DailyReading,
    KnownCauses,
    ShopEvent,
    daily_causes,
    known_until,
    told_ahead,
)
from smartshop.ai_agents.inventory.demand.series import demand_series
from smartshop.ai_agents.inventory.evaluate_past import Past
from smartshop.ai_agents.inventory.forecasting.known_ahead import Ahead, Beyond, as_known, usual
from smartshop.ai_agents.inventory.forecasting.panel import Panel, Period
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.schemas.ids import LocationId
from tests.inventory.test_demand_series import shelf_of, table_of

MONDAY = date(2024, 1, 1).toordinal()
LEEDS, YORK, ELSEWHERE = LocationId("leeds"), LocationId("york"), LocationId("elsewhere")
DAYS = 70


def table(days: int = DAYS) -> DemandTable:
    """Two products, one sold in Leeds and one in York."""
    made = table_of(np.ones((2, days)), first_day=MONDAY)
    return replace(made, location=np.array([0, 1], np.int32), locations=(LEEDS, YORK))


def warmth(location: LocationId | None = None, days: int = DAYS + 5, first: int = MONDAY) -> DailyReading:
    return DailyReading("warmth", location, first, np.arange(days, dtype=np.float32))


class TestWhatStandsBeyondWhatIsTold:
    def test_the_usual_is_of_the_same_time_of_earlier_years(self) -> None:
        year = 20.0 + 10.0 * np.sin(2 * np.pi * np.arange(2 * 364) / 364.0)
        seen = year[None, : 364 + 100].astype(np.float32)
        found = usual(seen, np.arange(464, 492), 364)
        assert found[0] == pytest.approx(year[100:128], abs=0.2)

    def test_a_young_shop_has_the_last_four_weeks(self) -> None:
        seen = np.concatenate([np.full(60, 9.0), np.arange(28.0)])[None, :].astype(np.float32)
        assert usual(seen, np.array([88, 115]), 364).tolist() == [[13.5, 13.5]]
        assert usual(np.array([[1.0, 3.0, 5.0, 7.0, 9.0]], np.float32), np.array([5]), 52).tolist() == [[6.0]]

    def test_what_was_told_is_known_and_then_the_last_or_the_recent(self) -> None:
        cause = np.arange(100, dtype=np.float32)[None, :]
        assert as_known(cause, 50, 4, Ahead(2, Beyond.LAST), 364).tolist() == [[50.0, 51.0, 51.0, 51.0]]
        assert as_known(cause, 50, 2, Ahead(0, Beyond.RECENT), 364).tolist() == [[35.5, 35.5]]
        assert as_known(cause, 50, 2, Ahead(7, Beyond.USUAL), 364).tolist() == [[50.0, 51.0]]

    def test_an_earlier_state_of_a_panel_knows_nothing_of_what_came_after_what_was_told(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.normal(size=(2, 828)).astype(np.float32)
        later = truth.copy()
        later[:, 607:] = 99.0

        def panel(cause: np.ndarray) -> Panel:
            causes = {"weather_warmth": cause, "promotion": cause}
            return Panel(np.ones((2, 800)), Period.DAY, MONDAY, causes, {}, {"weather_warmth": Ahead(7, Beyond.USUAL)})

        one, two = (panel(cause).until(600).causes for cause in (truth, later))
        assert np.array_equal(one["weather_warmth"], two["weather_warmth"])
        assert np.array_equal(one["weather_warmth"][:, :607], truth[:, :607])
        assert one["weather_warmth"].shape == (2, 628)
        assert not np.array_equal(one["promotion"], two["promotion"]), "dated offers were known then"


class TestWhatTheKeeperTold:
    def test_events_are_of_their_place_and_those_of_one_name_are_one_cause(self) -> None:
        events = (
            ShopEvent("fair", MONDAY + 3, MONDAY + 4, LEEDS),
            ShopEvent("fair", MONDAY + 72, MONDAY + 72),
            ShopEvent("lights", MONDAY + 4, MONDAY + 5),
            ShopEvent("parade", MONDAY + 9, MONDAY + 9, ELSEWHERE),
        )
        causes = daily_causes(table(), 5, KnownCauses(events=events))
        assert sorted(causes) == ["event_fair", "event_lights"]
        assert [np.flatnonzero(row).tolist() for row in causes["event_fair"]] == [[3, 4, 72], [72]]
        assert causes["event_lights"].shape == (1, DAYS + 5), "what is on everywhere is told once"

    def test_of_many_events_those_with_most_days_explain(self) -> None:
        events = [ShopEvent(f"day {no:02}", MONDAY + no, MONDAY + no + no % 2) for no in range(MOST_EVENTS + 10)]
        causes = daily_causes(table(), 5, KnownCauses(events=events))
        assert len(causes) == MOST_EVENTS
        assert {f"event_day {no:02}" for no in range(1, MOST_EVENTS + 10, 2)} <= set(causes)

    def test_weather_is_of_the_place_and_beyond_what_is_told_as_usual(self) -> None:
        cold = DailyReading("warmth", YORK, MONDAY, np.full(DAYS + 5, -3.0, np.float32))
        told = KnownCauses(readings=(cold, warmth()))
        found = daily_causes(table(), 9, told)["weather_warmth"]
        assert found[0, : DAYS + 5].tolist() == list(range(DAYS + 5))
        assert found[0, DAYS + 5 :].tolist() == [np.arange(DAYS + 5)[-28:].mean()] * 4
        assert (found[1] == -3.0).all()
        assert told_ahead(table(), told)["weather_warmth"] == Ahead(5, Beyond.USUAL)

    def test_no_more_than_a_week_is_told_and_a_gap_ends_it(self) -> None:
        far = warmth(days=DAYS + 30)
        assert told_ahead(table(), KnownCauses(readings=(far,)))["weather_warmth"].told == FARTHEST_TOLD
        values = far.values.copy()
        values[DAYS + 2] = np.nan
        gap = replace(far, values=values)
        assert told_ahead(table(), KnownCauses(readings=(gap,)))["weather_warmth"].told == 2
        found = daily_causes(table(), 9, KnownCauses(readings=(gap,)))["weather_warmth"]
        assert len(set(found[0, DAYS + 2 :].tolist())) == 1

    def test_days_that_nobody_told_are_as_the_weeks_before_them(self) -> None:
        values = warmth().values.copy()
        values[:5], values[40:42] = np.nan, np.nan
        told = KnownCauses(readings=(DailyReading("warmth", None, MONDAY, values),))
        found = daily_causes(table(), 5, told)["weather_warmth"][0]
        assert found[:5].tolist() == [np.arange(5, 5 + LEAST_READ).mean()] * 5
        assert found[40] == np.arange(12, 40).mean()

    def test_a_reading_of_too_few_days_explains_nothing(self) -> None:
        young = warmth(days=40, first=MONDAY + DAYS - LEAST_READ + 1)
        assert daily_causes(table(), 5, KnownCauses(readings=(young,))) == {}
        nowhere = warmth(ELSEWHERE)
        assert daily_causes(table(), 5, KnownCauses(readings=(nowhere,))) == {}

    def test_what_was_told_by_a_day_holds_nothing_later(self) -> None:
        told = known_until(KnownCauses(readings=(warmth(),)), MONDAY + 9)
        assert told.readings[0].values.tolist() == list(range(10))

    def test_weeks_know_weather_for_the_whole_weeks_that_are_told(self) -> None:
        told = KnownCauses(readings=(warmth(days=DAYS + 7),))
        panel = demand_series(table(), shelf_of(2), Period.WEEK, 3, told).panel
        assert panel.told_ahead["weather_warmth"] == Ahead(1, Beyond.USUAL)
        assert panel.causes["weather_warmth"][0, 10] == 73.0
        assert panel.until(5).causes["weather_warmth"][0, :6].tolist() == [3.0, 10.0, 17.0, 24.0, 31.0, 38.0]
        assert panel.until(5).causes["weather_warmth"][0, 6] == np.mean([17.0, 24.0, 31.0, 38.0])


def test_an_evaluation_knows_weather_of_an_earlier_day_as_far_as_todays() -> None:
    late = warmth(days=DAYS + 3)
    values = late.values.copy()
    values[43:] = -50.0
    one, two = (
        Past(table(), shelf_of(2), KnownCauses(readings=(each,)))
        .series(40, Period.DAY, 14)
        .panel.causes["weather_warmth"]
        for each in (late, replace(late, values=values))
    )
    assert np.array_equal(one, two)
    assert one[0, :43].tolist() == list(range(43))
    assert len(set(one[0, 43:].tolist())) == 1
