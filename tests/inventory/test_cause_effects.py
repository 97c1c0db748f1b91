"""What causes do to demand, on a made-up shop whose effects are known, and forecasts that know them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from smartshop.ai_agents.inventory.agreeing import agreed_means
from smartshop.ai_agents.inventory.daily_choice import DailyConfig, choose_days, light_candidates
from smartshop.ai_agents.inventory.demand.series import demand_series
from smartshop.ai_agents.inventory.forecasting.boosted_days import BoostedDays
from smartshop.ai_agents.inventory.forecasting.calendar import HOLIDAY, PROMOTION
from smartshop.ai_agents.inventory.forecasting.cause_effects import DAILY_EFFECTS, learn_effects
from smartshop.ai_agents.inventory.forecasting.daily_counts import WeekdayCounts
from smartshop.ai_agents.inventory.forecasting.known_ahead import Ahead, Beyond
from smartshop.ai_agents.inventory.forecasting.measures import pinball
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period
from smartshop.ai_agents.inventory.forecasting.with_causes import KNOWING, WithCauses, told_causes
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChoiceConfig, choose_forecasts
from smartshop.data_collection.pipelines.demand_offers import Promotions
from tests.inventory.test_demand_series import shelf_of, table_of

MONDAY = date(2024, 1, 1).toordinal()
SERIES, DAYS, AHEAD = 40, 420, 28
FAIR, WARMTH = "event_fair", "weather_warmth"
FAIR_LIFT, PER_DEGREE = np.log(2.0), (0.05, -0.02)
"""Of the fair for everything, and of a degree for the two categories."""
TREES = BoostedDays(trees=20, learning_rate=0.2, most_rows=6_000)


def world(*, moved: bool = True) -> tuple[Panel, Floats]:
    """Forty products of two categories over a season, and what the next four weeks want."""
    rng = np.random.default_rng(5)
    days = np.arange(DAYS + AHEAD)
    fair = (days % 30 < 3).astype(np.float32)[None, :]
    warmth = (12.0 + 8.0 * np.sin(2 * np.pi * days / 364.0) + rng.normal(0, 3, len(days))).astype(np.float32)[None, :]
    category = (np.arange(SERIES) % 2).astype(np.int32)
    per_degree = np.array(PER_DEGREE)[category][:, None]
    season = 1.0 + 0.4 * np.sin(2 * np.pi * days / 364.0)
    mean = rng.uniform(3.0, 9.0, (SERIES, 1)) * season * np.where(days % 7 == 5, 1.6, 0.9)
    if moved:
        mean = mean * np.exp(FAIR_LIFT * fair + per_degree * (warmth - 12.0))
    demand = rng.poisson(mean).astype(np.float64)
    causes = {FAIR: fair, WARMTH: warmth}
    told = {WARMTH: Ahead(AHEAD, Beyond.USUAL)}
    return Panel(demand[:, :DAYS], Period.DAY, MONDAY, causes, {"category": category}, told), demand[:, DAYS:]


def loss(panel: Panel, came: Floats, candidate: WithCauses | WeekdayCounts) -> float:
    return float(pinball(came, candidate.forecast(panel, AHEAD, LEVELS).quantiles, LEVELS).mean())


def test_effects_are_found_beside_a_season_and_weekdays() -> None:
    panel, _ = world()
    effects = learn_effects(panel, (FAIR, WARMTH), DAILY_EFFECTS)
    assert effects.names == (FAIR, WARMTH)
    assert effects.of_group[:, 0] == pytest.approx([FAIR_LIFT] * 2, abs=0.06)
    assert effects.of_group[:, 1] / effects.scale[1] == pytest.approx(PER_DEGREE, abs=0.006)


def test_what_moves_nothing_has_next_to_no_effect() -> None:
    panel, _ = world(moved=False)
    effects = learn_effects(panel, (FAIR, WARMTH), DAILY_EFFECTS)
    assert np.abs(effects.of_group).max() < 0.04
    assert effects.factors(panel.causes, DAYS, DAYS + AHEAD) == pytest.approx(np.ones((SERIES, AHEAD)), abs=0.1)


def test_a_cause_that_was_not_seen_yet_and_demand_that_is_not_known_move_nothing() -> None:
    panel, _ = world()
    to_come = np.zeros((1, DAYS + AHEAD), np.float32)
    to_come[0, DAYS + 3] = 1.0
    asked = replace(panel, causes={FAIR: to_come})
    assert learn_effects(asked, (FAIR,), DAILY_EFFECTS).names == ()
    unknown = replace(panel, demand=np.full_like(panel.demand, np.nan))
    told = WithCauses(WeekdayCounts(), (FAIR, WARMTH)).forecast(unknown, AHEAD, LEVELS)
    assert not told.mean.any()
    assert not told.quantiles.any()


def test_effects_of_one_series_alone_are_drawn_to_the_shops() -> None:
    panel, _ = world()
    codes = np.zeros(SERIES, np.int32)
    codes[-1] = 7
    demand = panel.demand.copy()
    demand[-1] = np.where(np.arange(DAYS) == DAYS - 1, 1.0, 0.0)
    found = learn_effects(replace(panel, demand=demand, groups={"category": codes}), (FAIR,), DAILY_EFFECTS)
    assert found.of_group[1, 0] == pytest.approx(found.of_group[0, 0], abs=0.1)


def test_a_forecast_that_knows_causes_loses_less_and_counts_whole_units() -> None:
    panel, came = world()
    plain, knowing = WeekdayCounts(), WithCauses(WeekdayCounts(), told_causes(panel))
    assert told_causes(panel) == (FAIR, WARMTH)
    assert loss(panel, came, knowing) < 0.85 * loss(panel, came, plain)
    quantiles = knowing.forecast(panel, AHEAD, LEVELS).quantiles
    assert (quantiles == np.rint(quantiles)).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()


def test_a_cause_that_is_not_known_so_far_ahead_is_refused() -> None:
    panel, _ = world()
    short = {FAIR: panel.causes[FAIR][:, : DAYS + 7]}
    with pytest.raises(ValueError, match="'event_fair' is known for 427 days"):
        WithCauses(WeekdayCounts(), (FAIR,)).forecast(replace(panel, causes=short), AHEAD, LEVELS)


def test_no_forecast_from_an_earlier_day_reads_weather_that_was_not_told_then() -> None:
    panel, _ = world()
    known = replace(panel, told_ahead={WARMTH: Ahead(7, Beyond.USUAL)})
    later = panel.causes[WARMTH].copy()
    later[:, 307:] += 15.0
    other = replace(known, causes={**panel.causes, WARMTH: later})
    candidate = WithCauses(WeekdayCounts(), (FAIR, WARMTH))
    one, two = (candidate.forecast(each.until(300), AHEAD, LEVELS) for each in (known, other))
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.quantiles, two.quantiles)


def test_days_are_told_by_those_that_know_causes_where_that_helps() -> None:
    panel, came = world()
    config = DailyConfig(most_valuable=0, origins=2, learner=TREES)
    value = panel.demand.sum(axis=1)
    told = choose_days(panel, value, _silent, config=config)
    assert all(KNOWING in told.methods[number] for number in told.method)
    without = choose_days(replace(panel, causes={}), value, _silent, config=config)
    assert not any(KNOWING in method for method in without.methods)
    losses = [float(pinball(came, one.forecast.quantiles, LEVELS).mean()) for one in (told, without)]
    assert losses[0] < 0.8 * losses[1]


def test_weeks_are_told_by_those_that_know_promotions_where_that_helps() -> None:
    rng = np.random.default_rng(7)
    weeks = np.arange(84)
    promoted = (weeks + rng.integers(0, 12, (40, 1))) % 12 < 2
    mean = rng.uniform(5.0, 30.0, (40, 1)) * np.where(promoted, 2.0, 1.0)
    demand = rng.poisson(mean).astype(np.float64)
    offers = {PROMOTION: np.where(promoted, 0.2, 0.0).astype(np.float32)}
    panel = Panel(demand[:, :72], Period.WEEK, MONDAY, offers)
    config = ChoiceConfig(most_valuable=0, least_boosted=1_000)
    told = choose_forecasts(panel, demand.sum(axis=1), config, _silent)
    assert all(KNOWING in told.methods[number] for number in told.method)
    without = choose_forecasts(replace(panel, causes={}), demand.sum(axis=1), config, _silent)
    assert not any(KNOWING in method for method in without.methods)
    losses = [float(pinball(demand[:, 72:], one.forecast.quantiles, LEVELS).mean()) for one in (told, without)]
    assert losses[0] < 0.7 * losses[1]


def test_sums_know_what_their_parts_know() -> None:
    rng = np.random.default_rng(2)
    days = np.arange(7 * 80)
    promoted = (days // 7 + np.arange(12)[:, None]) % 10 < 2
    promoted[:, days >= 7 * 76] = np.arange(12)[:, None] < 9
    mean = rng.uniform(3.0, 9.0, (12, 1)) * np.where(promoted, 2.0, 1.0)
    first = [(row, int(week)) for row in range(12) for week in np.flatnonzero(promoted[row, ::7])]
    monday = np.array([MONDAY + 7 * week for _, week in first])
    numbers, off = np.array([row for row, _ in first], np.int32), np.full(len(first), 0.2, np.float32)
    table = table_of(
        rng.poisson(mean)[:, : 7 * 76], first_day=MONDAY, promotions=Promotions(numbers, monday, monday + 6, off)
    )
    series = demand_series(table, shelf_of(12), Period.WEEK, 4)
    truth = mean[:, 7 * 76 :].reshape(12, 4, 7).sum(axis=2)
    agreed = agreed_means(series, shelf_of(12), truth)
    assert np.abs(agreed - truth).sum() < 0.05 * truth.sum()


def test_without_told_causes_the_candidates_are_as_they_were() -> None:
    panel, _ = world()
    offers = replace(panel, causes={PROMOTION: panel.causes[FAIR]})
    assert not any(KNOWING in name for name in light_candidates(offers, DailyConfig()))
    holidays = replace(panel, causes={HOLIDAY: panel.causes[FAIR]})
    assert sum(KNOWING in name for name in light_candidates(holidays, DailyConfig())) >= 1


def _silent(share: float, what: str) -> None:
    assert 0.0 <= share <= 1.0
    assert what
