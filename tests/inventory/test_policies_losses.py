"""Losses against sums and integrals written out, and against nonsense."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats

from smartshop.ai_agents.inventory.policies.losses import (
    Loss,
    discrete_loss,
    gamma_loss,
    negative_binomial_loss,
    normal_loss,
    poisson_loss,
    sample_loss,
    second_normal_loss,
    standard_normal_loss,
)
from smartshop.errors import InvalidValue

COUNTS = np.arange(0.0, 2_000.0)


def _summed(level: float, chances: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Loss:
    return Loss(float(chances @ np.maximum(COUNTS - level, 0)), float(chances @ np.maximum(level - COUNTS, 0)))


@pytest.mark.parametrize("level", [-3.0, 0.0, 2.5, 7.0, 30.0])
def test_losses_of_counts_are_their_sums_at_any_level(level: float) -> None:
    assert poisson_loss(level, 6.2) == pytest.approx(_summed(level, stats.poisson.pmf(COUNTS, 6.2)), abs=1e-9)
    law = stats.nbinom.pmf(COUNTS, 1.7, 0.2)
    assert negative_binomial_loss(level, 1.7, 0.2) == pytest.approx(_summed(level, law), abs=1e-9)
    assert discrete_loss(level, COUNTS, law / law.sum()) == pytest.approx(_summed(level, law), abs=1e-9)


@pytest.mark.parametrize("level", [-3.0, 0.0, 1.5, 12.0])
def test_losses_of_amounts_are_their_integrals(level: float) -> None:
    above = integrate.quad(lambda x: stats.gamma.sf(x, 2.2, scale=1.4), max(level, 0.0), np.inf)[0] + max(-level, 0.0)
    assert gamma_loss(level, 2.2, 1.4).short == pytest.approx(above, rel=1e-8)
    above = integrate.quad(lambda x: stats.norm.sf(x, 2.0, 3.0), level, np.inf)[0]
    assert normal_loss(level, 2.0, 3.0).short == pytest.approx(above, rel=1e-8)
    second = integrate.quad(lambda x: normal_loss(x, 2.0, 3.0).short, level, 60.0)[0]
    assert second_normal_loss(level, 2.0, 3.0) == pytest.approx(second, rel=1e-7)


def test_short_less_left_is_the_mean_less_the_level() -> None:
    for found, mean in (
        (normal_loss(18, 15, 3), 15),
        (poisson_loss(18, 15), 15),
        (gamma_loss(18, 5, 3), 15),
        (negative_binomial_loss(18, 15, 0.5), 15),
        (sample_loss(18, np.array([10.0, 20.0])), 15),
    ):
        assert found.short - found.left == pytest.approx(mean - 18)


def test_far_out_the_loss_keeps_its_digits() -> None:
    # φ(z)/z² · (1 − 3/z² + 15/z⁴ − …), the asymptotic series; by plain subtraction all of it would be lost.
    z = 30.0
    series = stats.norm.pdf(z) / z**2 * (1 - 3 / z**2 + 15 / z**4 - 105 / z**6)
    assert standard_normal_loss(z).short == pytest.approx(series, rel=1e-6)
    assert standard_normal_loss(-1e9) == Loss(1e9, 0.0)


def test_demand_that_is_certain_has_no_spread() -> None:
    assert normal_loss(7, 5, 0) == Loss(0.0, 2.0)
    assert poisson_loss(3, 0) == Loss(0.0, 3.0)
    assert sample_loss(3, np.array([4.0])) == Loss(1.0, 0.0)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: normal_loss(1, 2, -1), "standard deviation of demand is -1"),
        (lambda: poisson_loss(1, -2), "Mean demand is -2"),
        (lambda: poisson_loss(float("nan"), 2), "level is nan"),
        (lambda: gamma_loss(1, 0, 1), "shape of demand is 0"),
        (lambda: negative_binomial_loss(1, 2, 1.0), "probability of a success is 1.0"),
        (lambda: discrete_loss(1, np.array([1.0]), np.array([0.4])), "adds up to 0.4"),
        (lambda: discrete_loss(1, np.array([1.0, 2.0]), np.array([1.0])), "2 values and 1 probabilities"),
        (lambda: sample_loss(1, np.array([])), "sample of demand is empty"),
    ],
)
def test_nonsense_is_told_in_a_sentence(asked: Callable[[], Loss], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        asked()
