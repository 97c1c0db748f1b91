"""Newcomers told by launches like theirs: on a made-up shop whose launches are known, and at every edge."""

import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.cold import (
    ColdConfig,
    Launches,
    Likeness,
    category_paths,
    forecast_cold,
    launches,
    witness_weights,
)
from smartshop.ai_agents.inventory.forecasting.measures import pinball
from smartshop.ai_agents.inventory.forecasting.panel import Floats

LEVELS = (0.1, 0.5, 0.9)
AGES = 12


def likeness(path: list[list[int]], brand: list[int], price: list[float]) -> Likeness:
    return Likeness(np.array(path), np.array(brand), np.array(price))


def shop(n: int, rng: np.random.Generator) -> Launches:
    """Leaves sell very differently, dear things less; launches begin with a rush. Counts are Poisson about a gamma."""
    leaf = rng.integers(0, 12, n)
    price = np.exp(rng.normal(3.0, 0.7, n))
    level = np.exp(np.linspace(-1.0, 2.5, 12))[leaf] * (price / 20.0) ** -0.7 * rng.gamma(2.0, 0.5, n)
    curve = 1.0 + 2.0 * 0.6 ** np.arange(AGES)
    demand = rng.poisson(level[:, None] * curve).astype(np.float64)
    return Launches(demand, Likeness(np.stack([leaf // 4, 100 + leaf], axis=1), rng.integers(0, 5, n), price))


def losses(ours: Floats, truth: Floats) -> float:
    return float(pinball(truth, ours, LEVELS).mean())


def some(witnesses: Launches, rows: slice) -> Launches:
    like = witnesses.likeness
    return Launches(witnesses.demand[rows], Likeness(like.path[rows], like.brand[rows], like.price[rows]))


def test_what_is_alike_tells_more_than_everybody_and_is_as_wide_as_launches_differ() -> None:
    world = shop(900, np.random.default_rng(0))
    known, new = some(world, slice(0, 600)), some(world, slice(600, 900))
    ours = forecast_cold(new.likeness, np.zeros((300, 0)), known, AGES, LEVELS)
    everybody = np.broadcast_to(np.quantile(known.demand, LEVELS, axis=0).T, ours.quantiles.shape)
    assert losses(ours.quantiles, new.demand) < 0.8 * losses(everybody, new.demand)
    # Of counts a quantile is what at most its level lies below, and at least its level lies at or below.
    came = new.demand[..., None]
    assert ((came < ours.quantiles).mean(axis=(0, 1)) < np.array(LEVELS) + 0.05).all()
    assert ((came <= ours.quantiles).mean(axis=(0, 1)) > np.array(LEVELS) - 0.05).all()
    assert ours.mean.sum() == pytest.approx(new.demand.sum(), rel=0.15)
    assert (ours.mean[:, 0] > ours.mean[:, -1]).all(), "the rush of a launch is foreseen"


def test_the_first_weeks_of_its_own_life_tell_most() -> None:
    world = shop(900, np.random.default_rng(1))
    known, new = some(world, slice(0, 600)), some(world, slice(600, 900))
    blind = forecast_cold(new.likeness, np.zeros((300, 0)), known, AGES, LEVELS).quantiles[:, 4:]
    after_four = forecast_cold(new.likeness, new.demand[:, :4], known, AGES - 4, LEVELS).quantiles
    assert losses(after_four, new.demand[:, 4:]) < 0.7 * losses(blind, new.demand[:, 4:])
    came = new.demand[:, 4:, None]
    assert ((came < after_four).mean(axis=(0, 1)) < np.array(LEVELS) + 0.05).all()
    assert ((came <= after_four).mean(axis=(0, 1)) > np.array(LEVELS) - 0.05).all()


def test_a_witness_counts_by_path_brand_and_price() -> None:
    newcomer = likeness([[1, 2]], [7], [10.0])
    others = likeness(
        [[1, 2], [1, 3], [9, 2], [1, 2], [1, 2], [1, 2], [-1, -1]],
        [-1, -1, -1, 7, -1, -1, -1],
        [10.0, 10.0, 10.0, 10.0, 10.0 * np.e**0.5, np.nan, 10.0],
    )
    weights = witness_weights(newcomer, others, ColdConfig())[0]
    half = np.exp(-0.5)
    assert weights.tolist() == pytest.approx([64.0, 8.0, 1.0, 128.0, 64.0 * half, 64.0 * half, 1.0])


def test_few_who_are_alike_do_not_speak_alone() -> None:
    demand = np.vstack([np.full((1, 3), 100.0), np.tile(np.arange(3.0), (30, 1))])
    path = [[1]] + [[2]] * 30
    witnesses = Launches(demand, likeness(path, [-1] * 31, [10.0] * 31))
    lonely = ColdConfig(category_step=1e6)
    forecast = forecast_cold(likeness([[1]], [-1], [10.0]), np.zeros((1, 0)), witnesses, 3, LEVELS, lonely)
    # One effective witness of the five asked for: a fifth is its own word, the rest is everybody's.
    assert forecast.mean[0, 0] == pytest.approx(0.2 * 100 + 0.8 * 100 / 31, rel=1e-3)
    assert forecast.quantiles[0, :, 0].tolist() == [0.0, 1.0, 2.0]
    assert forecast.quantiles[0, :, 2].tolist() == [100.0] * 3


def test_launches_are_aligned_and_who_was_always_there_is_no_witness() -> None:
    demand = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan, 5.0, 6.0, 7.0], [np.nan, np.nan, np.nan, 8.0]])
    aligned = launches(demand, np.array([0, 1, 3]), 3)
    assert np.isnan(aligned[0]).all()
    assert aligned[1].tolist() == [5.0, 6.0, 7.0]
    assert aligned[2, 0] == 8.0
    assert np.isnan(aligned[2, 1:]).all()


def test_paths_share_codes_as_far_as_they_agree() -> None:
    table = category_paths([(), ("Home",), ("Home", "Lamps"), ("Garden", "Lamps")], 2)
    assert table[0].tolist() == [-1, -1]
    assert table[1, 0] == table[2, 0] != table[3, 0]
    assert table[1, 1] == -1
    assert table[2, 1] != table[3, 1], "the same word below another department is another category"


def test_nobody_to_ask_and_nobody_who_asks() -> None:
    nobody = Launches(np.zeros((0, 5)), likeness([], [], []))
    nobody = Launches(nobody.demand, Likeness(np.zeros((0, 1), int), np.zeros(0, int), np.zeros(0)))
    one = likeness([[1]], [-1], [np.nan])
    assert forecast_cold(one, np.zeros((1, 0)), nobody, 3, LEVELS).mean.tolist() == [[0.0, 0.0, 0.0]]
    silent = Launches(np.full((4, 5), np.nan), likeness([[1]] * 4, [-1] * 4, [1.0] * 4))
    assert forecast_cold(one, np.full((1, 2), 3.0), silent, 3, LEVELS).quantiles.max() == 0.0
    empty = Likeness(np.zeros((0, 1), int), np.zeros(0, int), np.zeros(0))
    assert forecast_cold(empty, np.zeros((0, 0)), silent, 3, LEVELS).mean.shape == (0, 3)
