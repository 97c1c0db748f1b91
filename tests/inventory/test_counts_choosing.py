"""A choice is made by the past alone, takes nothing worse than the baselines, and mixes where mixing wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.choosing import (
    Policy,
    choose,
    pinball_loss,
    scaled_loss,
    try_out,
)
from smartshop.ai_agents.inventory.forecasting.choosing_classes import CLASSES, demand_classes
from smartshop.ai_agents.inventory.forecasting.choosing_counts import SIMPLE, forecast_counts, plain_candidates
from smartshop.ai_agents.inventory.forecasting.combining import average
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.empirical import FadingEmpirical
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period, tidy

LEVELS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Off:
    """Foretells the mean of the past with an error of its own."""

    name: ClassVar[str] = "off"
    by: float
    """Factor on every second series, and its inverse's mirror on the others."""

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        level = np.nanmean(panel.demand, axis=1) + self.by * np.where(np.arange(len(panel)) % 2, 1.0, -1.0)
        mean = np.repeat(level[:, None], horizon, axis=1)
        return tidy(mean, np.repeat(mean[:, :, None], len(levels), axis=2))


def steady(series: int = 120, periods: int = 40) -> Panel:
    rng = np.random.default_rng(11)
    return Panel(rng.normal(50.0, 1.0, (series, periods)), Period.WEEK, 733_748)


def test_classes_tell_how_often_and_how_evenly_a_series_sells() -> None:
    rng = np.random.default_rng(0)
    demand = np.zeros((5, 60))
    demand[0] = 10.0
    demand[1] = rng.lognormal(1.0, 1.5, 60)
    demand[2, ::4] = 5.0
    demand[3, ::4] = rng.lognormal(1.0, 1.5, 15)
    demand[4, 10] = 1.0
    assert [CLASSES[number] for number in demand_classes(Panel(demand, Period.WEEK, 733_748))] == list(CLASSES)


def test_opposite_errors_are_mixed_and_what_loses_to_the_baseline_is_out() -> None:
    panel = steady()
    candidates = {"simple": Off(3.0), "up": Off(2.0), "down": Off(-2.0), "bad": Off(9.0)}
    tried = try_out(panel, candidates, 2, LEVELS, (30, 34))
    choice = choose(tried, pinball_loss, Policy(("simple",)))
    weights = dict(zip(choice.names, choice.weights[CLASSES.index("smooth")].tolist(), strict=True))
    assert weights["bad"] == 0.0
    assert weights["down"] > 0.4
    told = {name: one.forecast(panel, 2, LEVELS) for name, one in candidates.items() if name in choice.used()}
    # The best alone is 2 units off; mixed, the errors all but cancel.
    assert choice.mix(panel, told).mean == pytest.approx(Off(0.0).forecast(panel, 2, LEVELS).mean, abs=0.5)


def test_classes_get_choices_of_their_own() -> None:
    """Half the series are level, half jump: each half has its own best."""
    rng = np.random.default_rng(3)
    level = rng.poisson(50.0, (80, 48)).astype(np.float64)
    rare = np.where(rng.random((80, 48)) < 0.2, rng.poisson(4.0, (80, 48)) + 1.0, 0.0)
    panel = Panel(np.vstack([level, rare]), Period.MONTH, 729_390)

    @dataclass(frozen=True)
    class ForOften:
        name: ClassVar[str] = "often"
        right: bool

        def forecast(self, known: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
            told = FadingEmpirical(half_life=24.0).forecast(known, horizon, levels)
            often = (known.demand > 0).mean(axis=1) > 0.5
            wrong = (often != self.right)[:, None]
            return tidy(told.mean * np.where(wrong, 3.0, 1.0), told.quantiles + np.where(wrong, 30.0, 0.0)[:, :, None])

    candidates: dict[str, Candidate] = {"simple": RecentCounts(4), "often": ForOften(True), "rarely": ForOften(False)}
    choice = choose(try_out(panel, candidates, 3, LEVELS, (36, 42)), pinball_loss, Policy(("simple",)))
    often, rarely = choice.weights[CLASSES.index("smooth")], choice.weights[CLASSES.index("intermittent")]
    # Half of the weight follows all series, on which the baseline is best.
    assert (often[1] > 0.3, often[2]) == (True, 0.0)
    assert (rarely[1], rarely[2] > 0.3) == (0.0, True)


def test_a_choice_sees_only_what_had_come() -> None:
    panel = steady()
    seen = list[int]()

    @dataclass(frozen=True)
    class Noted:
        name: ClassVar[str] = "noted"

        def forecast(self, known: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
            seen.append(known.periods)
            return Off(0.0).forecast(known, horizon, levels)

    tried = try_out(panel, {"noted": Noted()}, 4, LEVELS, (20, 24, 30))
    assert seen == [20, 24, 30]
    assert list(tried.before(28, 3).told) == [20, 24]
    assert list(tried.before(28, 1).told) == [24]


def test_without_a_past_the_first_baseline_stands() -> None:
    tried = try_out(steady(), {"simple": Off(1.0), "other": Off(0.0)}, 2, LEVELS, (30,))
    choice = choose(tried.before(10, 3), pinball_loss, Policy(("simple",)))
    assert choice.used() == ("simple",)
    with pytest.raises(ValueError, match="'missing' was not tried"):
        choose(tried, pinball_loss, Policy(("missing",)))
    with pytest.raises(ValueError, match="No baseline"):
        choose(tried, pinball_loss, Policy(()))


def test_losses_leave_out_what_is_not_known() -> None:
    known = Panel(np.array([[1.0, 3.0, 1.0], [2.0, 4.0, 2.0]]), Period.WEEK, 733_748)
    came: Floats = np.array([[2.0, np.nan], [np.nan, np.nan]])
    told = Forecast(np.full((2, 2), 1.0), np.full((2, 2, 3), 1.0))
    found = pinball_loss(known, came, told, LEVELS)
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[1])
    scaled = scaled_loss(known, came, told, LEVELS)
    assert scaled[0] == pytest.approx(0.5)
    assert np.isnan(scaled[1])


def test_an_average_weighs_series_by_series() -> None:
    low, high = (Forecast(np.full((2, 1), x), np.full((2, 1, 3), x)) for x in (1.0, 3.0))
    assert average([low, high], np.array([0.5, 0.5])).mean.tolist() == [[2.0], [2.0]]
    assert average([low, high], np.array([[1.0, 0.0], [0.25, 0.75]])).mean.tolist() == [[1.0], [2.5]]


def test_the_route_from_candidates_to_a_forecast() -> None:
    rng = np.random.default_rng(5)
    panel = Panel(rng.poisson(rng.gamma(1.0, 2.0, (200, 1)), (200, 48)).astype(np.float64), Period.MONTH, 729_390)
    fitted = list[tuple[str, int]]()
    found = forecast_counts(
        panel, 4, LEVELS, plain_candidates(), progress=lambda name, origin: fitted.append((name, origin))
    )
    assert sorted({origin for _, origin in fitted}) == [32, 36, 40, 44, 48]
    assert {name for name, origin in fitted if origin == 48} == set(found.choice.used())
    assert found.forecast.quantiles.shape == (200, 4, 3)
    assert found.choice.weights.sum(axis=1) == pytest.approx(1.0)
    young = forecast_counts(panel.until(5), 4, LEVELS, plain_candidates())
    assert young.choice.used() == SIMPLE[:1]
    with pytest.raises(ValueError, match="'fading empirical' is no candidate"):
        forecast_counts(panel, 4, LEVELS, {"negative binomial": RecentCounts()})


def test_in_no_class_does_the_mixture_lose_to_the_better_baseline() -> None:
    rng = np.random.default_rng(8)
    level = rng.gamma(1.0, 3.0, (150, 1)) * (1.0 + 0.6 * np.sin(np.arange(60) / 5.0))
    # Real numbers: quantiles of counts are rounded, which may cost what a mixture won.
    demand = rng.gamma(0.8, 1.2, (150, 60)) * level * (rng.random((150, 60)) < rng.random((150, 1)))
    tried = try_out(Panel(demand, Period.WEEK, 733_748), plain_candidates(), 4, LEVELS, (40, 44, 48, 52))
    choice = choose(tried, pinball_loss, Policy(SIMPLE))
    lost = {name: list[tuple[Floats, Floats]]() for name in ("mixture", *SIMPLE)}
    for origin, told in tried.told.items():
        known, came = tried.panel.until(origin), demand[:, origin : origin + 4]
        for name, forecast in {"mixture": choice.mix(known, told), **{one: told[one] for one in SIMPLE}}.items():
            found = pinball_loss(known, came, forecast, LEVELS)
            size = pinball_loss(known, came, told[SIMPLE[0]], LEVELS).mean()
            lost[name].append((demand_classes(known).astype(np.float64), found / size))
    seen = {number for kind, _ in lost["mixture"] for number in kind}
    assert len(seen) > 2
    for number in seen:
        mean = {
            name: float(np.mean(np.concatenate([x[kind == number] for kind, x in of]))) for name, of in lost.items()
        }
        assert mean["mixture"] <= min(mean[name] for name in SIMPLE) * (1.0 + 1e-9)


def test_what_loses_alone_may_win_half_and_half_with_a_baseline() -> None:
    tried = try_out(steady(), {"simple": Off(2.0), "below": Off(-2.5)}, 2, LEVELS, (30, 34))
    choice = choose(tried, pinball_loss, Policy(("simple",)))
    smooth = choice.losses[CLASSES.index("smooth")]
    assert smooth[1] > smooth[0]
    assert choice.weights[CLASSES.index("smooth"), 1] > 0.2


def test_two_that_lose_alone_are_out_even_where_they_would_win_together() -> None:
    tried = try_out(steady(), {"simple": Off(1.5), "up": Off(2.5), "down": Off(-2.5)}, 2, LEVELS, (30, 34))
    together = average([tried.told[30][name] for name in ("up", "down")], np.array([0.5, 0.5]))
    came = tried.panel.demand[:, 30:32]
    assert pinball_loss(tried.panel, came, together, LEVELS).mean() < 0.6  # their errors cancel; the baseline's 0.75
    choice = choose(tried, pinball_loss, Policy(("simple",)))
    assert "up" not in choice.used()


def test_what_loses_clearly_at_one_origin_is_out_even_where_it_wins_on_the_mean() -> None:
    @dataclass(frozen=True)
    class OnceWrong:
        name: ClassVar[str] = "once"

        def forecast(self, known: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
            return Off(5.0 if known.periods == 30 else 0.0).forecast(known, horizon, levels)

    tried = try_out(steady(), {"simple": Off(4.0), "once": OnceWrong()}, 2, LEVELS, (26, 30, 34))
    choice = choose(tried, pinball_loss, Policy(("simple",)))
    assert choice.losses[CLASSES.index("smooth"), 1] < choice.losses[CLASSES.index("smooth"), 0]
    strict, lenient = (choose(tried, pinball_loss, Policy(("simple",), most_loss=most)).used() for most in (0.02, 10.0))
    assert strict == ("simple",)
    assert "once" in lenient
