"""What is known of a day ahead."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.calendar import (
    OPEN,
    PROMOTION,
    cause_ahead,
    country_holidays,
    date_columns,
    days_since,
    days_until,
    distance,
    easter,
    is_open,
    weekdays,
)
from smartshop.ai_agents.inventory.forecasting.daily_causes import derived_causes, with_derived_causes
from smartshop.ai_agents.inventory.forecasting.daily_features import (
    day_columns,
    logarithms,
    past_columns,
    window_means,
)
from smartshop.ai_agents.inventory.forecasting.daily_simple import day_classes
from smartshop.ai_agents.inventory.forecasting.panel import Panel, Period
from tests.inventory.daily_world import make_world

CHRISTMAS_WEEK = np.arange(date(2021, 12, 20).toordinal(), date(2021, 12, 20).toordinal() + 14)


def test_easter_falls_where_the_church_says() -> None:
    known = {1961: (4, 2), 2000: (4, 23), 2008: (3, 23), 2011: (4, 24), 2015: (4, 5), 2024: (3, 31), 2038: (4, 25)}
    assert {year: (easter(year).month, easter(year).day) for year in known} == known


def test_weekdays_begin_on_mondays() -> None:
    assert weekdays(CHRISTMAS_WEEK).tolist() == [*range(7), *range(7)]
    assert weekdays(CHRISTMAS_WEEK).tolist() == [date.fromordinal(int(day)).weekday() for day in CHRISTMAS_WEEK]


def test_days_are_counted_from_and_to_what_happens() -> None:
    happens = np.array([[False, True, False, False, True, False]])
    assert days_since(happens, 9).tolist() == [[9, 0, 1, 2, 0, 1]]
    assert days_until(happens, 9).tolist() == [[1, 0, 2, 1, 0, 9]]
    assert distance(CHRISTMAS_WEEK, np.array([date(2021, 12, 25).toordinal()]), 4).tolist()[:7] == [
        -4,
        -4,
        -3,
        -2,
        -1,
        0,
        1,
    ]


def test_a_date_says_where_it_lies_in_month_and_year() -> None:
    columns = date_columns(CHRISTMAS_WEEK)
    assert columns["days_to_month_end"].tolist()[10:13] == [1, 0, 30]
    assert columns["day_of_year"].tolist()[11:13] == [365, 1]
    assert columns["past_christmas"].tolist()[:7] == [-5, -4, -3, -2, -1, 0, 1]


def test_without_a_cause_every_day_is_open_and_one_too_short_is_refused() -> None:
    panel = Panel(np.ones((2, 5)), Period.DAY, 1)
    assert is_open(panel, 3).all()
    short = replace(panel, causes={PROMOTION: np.ones((1, 6), np.float32)})
    with pytest.raises(ValueError, match="known for 6 days; a forecast of 3 after 5 needs 8"):
        cause_ahead(short, PROMOTION, 3)


def test_windows_average_what_is_known_and_may_lie_outside() -> None:
    values = np.array([[1.0, np.nan, 3.0, 5.0]])
    found = window_means(values, np.array([-2, 0, 2, 9]), 2)
    assert np.isnan(found[0, [0, 3]]).all()
    assert found[0, 1:3].tolist() == [1.0, 4.0]


def test_a_closing_that_the_weekday_does_not_explain_is_seen_a_day_before() -> None:
    opens = np.tile([1, 1, 1, 1, 1, 1, 0], 6).astype(np.float32)[None, :]
    opens[0, 16] = 0.0
    panel = Panel(np.where(opens[:, :28] > 0, 5.0, np.nan), Period.DAY, CHRISTMAS_WEEK[0], {OPEN: opens})
    derived = derived_causes(panel, 14)
    assert np.flatnonzero(derived["closed_tomorrow"][0]).tolist() == [15]
    assert np.flatnonzero(derived["closed_yesterday"][0]).tolist() == [17]
    assert not derived["long_closing_ahead"].any()
    assert set(np.unique(np.concatenate([cause.ravel() for cause in derived.values()]))) == {0.0, 1.0}
    assert with_derived_causes(panel, 14).causes.keys() == {OPEN, *derived}


def test_nothing_of_the_past_is_read_at_or_after_the_origin() -> None:
    world = make_world(4, 500, 0.1, np.random.default_rng(5))
    changed = world.panel.demand.copy()
    changed[:, 440:] = 77.0
    told = []
    for panel in (world.panel, replace(world.panel, demand=changed)):
        past = past_columns(panel, logarithms(panel), day_classes(panel, 0, (PROMOTION,)), 440, 42)
        told.append({**past.columns, "base": past.base})
    for name in told[0]:
        np.testing.assert_array_equal(told[0][name], told[1][name], err_msg=name)


def test_a_series_ten_times_as_large_teaches_the_same() -> None:
    world = make_world(3, 500, 0.1, np.random.default_rng(6))
    large = replace(world.panel, demand=world.panel.demand * 1_000.0)
    told = [
        past_columns(panel, logarithms(panel), day_classes(panel, 0, (PROMOTION,)), 450, 30).columns
        for panel in (replace(world.panel, demand=world.panel.demand * 100.0), large)
    ]
    for name in sorted(told[0].keys() - {"size"}):
        np.testing.assert_allclose(told[0][name], told[1][name], atol=2e-3, err_msg=name)


def test_the_days_columns_of_a_longer_panel_begin_alike() -> None:
    world = make_world(2, 400, 0.1, np.random.default_rng(7))
    columns = day_columns(world.panel.until(300), 42)
    assert all(column.shape in ((1, 342), (2, 342)) for column in columns.values())
    assert columns["promotion_until_on"][0, 8:14].tolist() == [6, 5, 4, 3, 2, 1]


def test_public_holidays_come_by_country() -> None:
    pytest.importorskip("holidays")
    assert np.flatnonzero(country_holidays("DE", CHRISTMAS_WEEK)[0]).tolist() == [5, 6, 12]
    with pytest.raises(ValueError, match="'XX'"):
        country_holidays("XX", CHRISTMAS_WEEK)
