"""Forecasts of counts without any extra: the law of counts, the fading past, Croston's heirs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from smartshop.ai_agents.inventory.forecasting.counts import (
    RecentCounts,
    at_or_below,
    count_quantiles,
    counted,
    recent_moments,
    whole_units,
)
from smartshop.ai_agents.inventory.forecasting.empirical import FadingEmpirical, fading, weighted_quantiles
from smartshop.ai_agents.inventory.forecasting.intermittent import TSB, CrostonSBA, croston_sba, tsb
from smartshop.ai_agents.inventory.forecasting.measures import pinball, share_below, tie_chance, tie_chances
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Panel, Period

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
LIGHT: tuple[Candidate, ...] = (RecentCounts(), FadingEmpirical(), CrostonSBA(), TSB())


def monthly(demand: Floats | Sequence[Sequence[float]]) -> Panel:
    return Panel(np.asarray(demand, np.float64), Period.MONTH, 729_390)


def odd_panel() -> Panel:
    """Never known, never sold, sold once, with gaps, begun late, and very much."""
    periods = 30
    demand = np.zeros((6, periods))
    demand[0] = np.nan
    demand[2, 7] = 3.0
    demand[3, ::2], demand[3, 5] = np.nan, 4.0
    demand[4, :-2], demand[4, -2:] = np.nan, (1.0, 2.0)
    demand[5] = 1e7 + np.arange(periods) * 1e5
    return monthly(demand)


@pytest.mark.parametrize("variance_per_mean", [1.0, 1.5, 6.0])
def test_a_quantile_of_counts_is_the_least_count_that_reaches_the_level(variance_per_mean: float) -> None:
    mean = np.array([0.01, 0.3, 2.0, 75.0])
    found = count_quantiles(mean, mean * variance_per_mean, LEVELS)
    for row, mu in zip(found, mean, strict=True):
        size = mu / max(variance_per_mean - 1.0, 1e-9)
        law = poisson(mu) if variance_per_mean == 1.0 else nbinom(size, 1.0 / variance_per_mean)
        assert (law.cdf(row) >= LEVELS).all()
        assert (law.cdf(row - 1) < LEVELS).all()
        told = at_or_below(row, np.full(5, mu), np.full(5, mu * variance_per_mean))
        assert told == pytest.approx(law.cdf(row))
    assert not count_quantiles(np.zeros(2), np.zeros(2), LEVELS).any()


def test_moments_are_those_of_what_is_known_lately() -> None:
    found = recent_moments(np.array([[9.0, 1.0, np.nan, 3.0], [5.0, np.nan, np.nan, np.nan]]), 3)
    assert found.mean.tolist() == [2.0, 5.0]
    assert found.variance.tolist() == [2.0, 5.0]
    assert found.dispersion.tolist() == [1.0, 1.0]


def test_forecasts_of_one_level_are_the_same_as_period_by_period() -> None:
    mean, dispersion = np.array([[0.4, 0.4], [3.0, 3.0]]), np.array([1.0, 2.0])
    level = counted(mean, dispersion, LEVELS)
    changing = counted(mean + np.array([[0.0, 0.0], [0.0, 1.0]]), dispersion, LEVELS)
    assert (level.quantiles[:, 0] == changing.quantiles[:, 0]).all()
    assert (changing.quantiles[1, 1] >= level.quantiles[1, 1]).all()


def test_the_past_fades_by_half_in_a_half_life() -> None:
    assert fading(3, 1.0).tolist() == [0.25, 0.5, 1.0]
    demand = np.array([[5.0, 1.0, 9.0], [np.nan, 4.0, np.nan], [np.nan] * 3])
    found = weighted_quantiles(demand, fading(3, 1.0), [0.2, 0.5, 0.9])
    assert found.tolist() == [[1.0, 9.0, 9.0], [4.0, 4.0, 4.0], [0.0, 0.0, 0.0]]


def test_croston_and_tsb_by_hand() -> None:
    demand = np.array([[0.0, 2.0, 0.0, 0.0, 4.0, 0.0]])
    size, interval = 2.0 + 0.1 * 2.0, 2.0 + 0.1 * 1.0
    assert croston_sba(demand, 0.1)[0] == pytest.approx(0.95 * size / interval)
    chance = 0.0
    for sold in (1, 0, 0, 1, 0):
        chance += 0.2 * (sold - chance)
    assert tsb(demand, 0.1, 0.2)[0] == pytest.approx(chance * size)
    gaps = np.insert(demand, 3, np.nan, axis=1)
    assert croston_sba(gaps, 0.1) == pytest.approx(croston_sba(demand, 0.1))
    assert tsb(gaps, 0.1, 0.2) == pytest.approx(tsb(demand, 0.1, 0.2))


@pytest.mark.parametrize("candidate", LIGHT, ids=lambda one: one.name)
def test_an_odd_series_is_forecast_too(candidate: Candidate) -> None:
    panel = odd_panel()
    told = candidate.forecast(panel, 4, LEVELS)
    assert told.mean.shape == (6, 4)
    assert told.quantiles.shape == (6, 4, 5)
    assert np.isfinite(told.quantiles).all()
    assert (told.quantiles >= 0).all()
    assert (np.diff(told.quantiles, axis=2) >= 0).all()
    assert not told.mean[:2].any()
    assert not told.quantiles[:2].any()
    assert (told.mean[5] > 9e6).all()
    again = candidate.forecast(panel, 4, LEVELS)
    assert (again.quantiles == told.quantiles).all()
    alone = candidate.forecast(panel.of(np.array([3])), 4, LEVELS)
    assert alone.quantiles[0] == pytest.approx(told.quantiles[3])


@pytest.mark.parametrize("candidate", LIGHT, ids=lambda one: one.name)
def test_a_known_law_is_found_again(candidate: Candidate) -> None:
    """2,000 series of one law each: the losses are near those of the truth, and the shares below near the levels."""
    rng = np.random.default_rng(4)
    mean = rng.uniform(1.0, 6.0, 2_000)
    demand = rng.poisson(rng.gamma(2.0, mean[:, None] / 2.0, (2_000, 64))).astype(np.float64)
    panel, came = monthly(demand[:, :60]), demand[:, 60:]
    told = candidate.forecast(panel, 4, LEVELS).quantiles
    true = np.repeat(count_quantiles(mean, mean + mean**2 / 2.0, LEVELS)[:, None], 4, axis=1)
    # 12 to 60 periods of such demand tell the mean to a tenth or a third: a few percent of the loss.
    assert pinball(came, told, LEVELS).mean() < 1.10 * pinball(came, true, LEVELS).mean()
    uniform = rng.random(came.shape)
    chances = tie_chances(told, LEVELS)
    for place, level in enumerate(LEVELS):
        assert share_below(came, told[..., place], uniform, chances[..., place]) == pytest.approx(level, abs=0.06)


def test_ties_by_the_laws_own_chances_give_each_level_exactly() -> None:
    rng = np.random.default_rng(5)
    mean, variance = np.full(40_000, 0.7), np.full(40_000, 1.4)
    came = rng.negative_binomial(0.7, 0.5, 40_000).astype(np.float64)
    for level in LEVELS:
        quantile = count_quantiles(mean, variance, [level])[:, 0]
        chance = tie_chance(level, at_or_below(quantile - 1, mean, variance), at_or_below(quantile, mean, variance))
        assert share_below(came, quantile, rng.random(40_000), chance) == pytest.approx(level, abs=0.01)


def test_levels_with_one_quantile_share_its_mass() -> None:
    chances = tie_chances(np.array([[0.0, 0.0, 1.0]]), (0.2, 0.5, 0.9))
    assert chances[0] == pytest.approx([0.2 / 0.7, 0.5 / 0.7, 0.2 / 0.25])


def test_quantiles_are_rounded_only_where_all_demand_is_whole() -> None:
    told = np.array([[[0.4, 1.6]]])
    assert whole_units(monthly([[1.0, 2.0]]), told).tolist() == [[[0.0, 2.0]]]
    assert whole_units(monthly([[1.0, 2.5]]), told).tolist() == told.tolist()


def test_the_published_loss_of_the_recent_counts_is_met(shared_data: Path) -> None:
    """carparts, 6 months from months 33, 39 and 45: mean pinball loss .174."""
    from bench.demand_counts_data import load_carparts

    panel = load_carparts(shared_data / "carparts")
    assert panel.demand.shape == (2_509, 51)
    losses = [
        pinball(panel.demand[:, at : at + 6], RecentCounts().forecast(panel.until(at), 6, LEVELS).quantiles, LEVELS)
        for at in (33, 39, 45)
    ]
    assert np.mean(losses) == pytest.approx(0.174, abs=0.0005)
