"""The rhythm of visits: its closed form against the integral it stands for, and parameters that are found again."""

from math import lgamma

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import gamma

from smartshop.ai_agents.segmentation.rhythm import Rhythm, fit_rhythm, log_likelihood, outlook

PARAMS = Rhythm(r=0.6, alpha=12.0, mu=0.004)
HISTORIES = [(0, 0, 60), (1, 1, 60), (3, 20, 60), (12, 58, 60), (2, 5, 200)]


@pytest.mark.parametrize("history", HISTORIES)
def test_the_likelihood_is_the_integral_over_when_one_left(history: tuple[int, int, int]) -> None:
    x, t, T = (float(part) for part in history)  # noqa: N806
    shape = PARAMS.r + x
    norm = np.exp(lgamma(shape) - lgamma(PARAMS.r)) * PARAMS.alpha**PARAMS.r
    left = quad(lambda s: PARAMS.mu * np.exp(-PARAMS.mu * s) * (PARAMS.alpha + s) ** -shape, t, T, epsrel=1e-12)[0]
    stayed = np.exp(-PARAMS.mu * T) * (PARAMS.alpha + T) ** -shape

    found = log_likelihood(PARAMS, np.array([x]), np.array([t]), np.array([T]))[0]

    assert found == pytest.approx(np.log(norm * (stayed + left)), abs=1e-3)


@pytest.mark.parametrize("share", [1.0, 0.2])
@pytest.mark.parametrize("history", HISTORIES)
def test_the_chance_to_come_is_that_of_the_posterior(history: tuple[int, int, int], share: float) -> None:
    x, t, T = (float(part) for part in history)  # noqa: N806
    posterior = gamma(PARAMS.r + x, scale=1 / (PARAMS.alpha + T))

    def comes(quantile: float) -> float:
        rate, horizon = share * posterior.ppf(quantile), 20.0
        none = np.exp(-(rate + PARAMS.mu) * horizon)
        return float(1 - none - PARAMS.mu / (rate + PARAMS.mu) * (1 - none))

    found = outlook(PARAMS, np.array([x]), np.array([t]), np.array([T]), 20.0, share=share)

    assert found.comes[0] / found.alive[0] == pytest.approx(quad(comes, 0, 1, limit=200)[0], rel=1e-4)


def test_longer_silence_makes_leaving_likelier() -> None:
    silent_since = np.array([60.0, 50.0, 30.0, 10.0])

    alive = outlook(PARAMS, np.full(4, 6.0), silent_since, np.full(4, 60.0), 30.0).alive

    assert (np.diff(alive) < 0).all()


def test_the_parameters_of_a_made_up_crowd_are_found_again() -> None:
    rng = np.random.default_rng(5)
    truth = Rhythm(r=1.5, alpha=15.0, mu=0.01)
    x, t = visits_of(truth, 4_000, 90.0, rng)

    found = fit_rhythm(x, t, np.full(len(x), 90.0))

    assert found.mu == pytest.approx(truth.mu, rel=0.15)
    assert found.r / found.alpha == pytest.approx(truth.r / truth.alpha, rel=0.1)


def test_those_who_never_came_may_be_missing_from_the_table() -> None:
    rng = np.random.default_rng(6)
    truth = Rhythm(r=1.0, alpha=20.0, mu=0.008)
    x, t = visits_of(truth, 6_000, 60.0, rng)
    came = x > 0

    found = fit_rhythm(x[came], t[came], np.full(int(came.sum()), 60.0), 60.0)

    assert found.mu == pytest.approx(truth.mu, rel=0.2)
    assert found.r / found.alpha == pytest.approx(truth.r / truth.alpha, rel=0.15)


@pytest.mark.parametrize(("x", "t", "T"), [(0.0, 0.0, 0.0), (5.0, 5.0, 5.0), (300.0, 299.0, 300.0), (0.0, 0.0, 5000.0)])
def test_customers_all_alike_give_a_sensible_answer(x: float, t: float, T: float) -> None:  # noqa: N803
    every_x, every_t, every_T = (np.full(40, value) for value in (x, t, T))  # noqa: N806

    params = fit_rhythm(every_x, every_t, every_T)
    found = outlook(params, every_x, every_t, every_T, 30.0)

    for chances in (found.alive, found.comes):
        assert ((chances >= 0) & (chances <= 1)).all()


def visits_of(
    truth: Rhythm, n: int, days: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Visits after the beginning, and when the last was (0: none)."""
    rate = rng.gamma(truth.r, 1 / truth.alpha, size=n)
    here = np.minimum(rng.exponential(1 / truth.mu, size=n), days)
    x = rng.poisson(rate * here)
    # The last of x uniform moments.
    t = np.where(x > 0, here * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    return x.astype(np.float64), t
