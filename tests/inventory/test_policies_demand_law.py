"""A law of demand, however it is told, answers as the law it stands for."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from smartshop.ai_agents.inventory.policies.demand_law import (
    DemandLaw,
    law_of_chances,
    law_of_quantiles,
    law_of_sample,
    negative_binomial_law,
    poisson_law,
)
from smartshop.ai_agents.inventory.policies.losses import negative_binomial_loss, poisson_loss, sample_loss
from smartshop.ai_agents.inventory.policies.periodic_review import (
    level_for_fill_rate,
    level_for_service,
    review_level,
    worthwhile_service,
)
from smartshop.errors import InvalidValue


@pytest.mark.parametrize("level", [0.0, 3.0, 6.5, 17.0])
def test_counts_are_exact(level: float) -> None:
    found, mean, variance = poisson_law(6.2), 9.0, 30.0
    assert float(found.short(level)) == pytest.approx(poisson_loss(level, 6.2).short, abs=1e-9)
    assert float(found.chance_within(level)) == pytest.approx(stats.poisson.cdf(level, 6.2), abs=1e-9)
    wide = negative_binomial_law(mean, variance)
    told = negative_binomial_loss(level, mean**2 / (variance - mean), mean / variance)
    assert (float(wide.short(level)), float(wide.left(level))) == pytest.approx(told, abs=1e-9)
    assert (wide.mean, wide.sd) == pytest.approx((mean, np.sqrt(variance)), rel=1e-9)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=30), st.floats(-10, 600), st.floats(0.001, 0.999))
def test_a_sample_is_exact(sample: list[float], level: float, chance: float) -> None:
    seen = np.array(sample)
    law = law_of_sample(seen)
    assert (float(law.short(level)), float(law.left(level))) == pytest.approx(sample_loss(level, seen), abs=1e-6)
    assert float(law.chance_within(level)) == pytest.approx(np.mean(seen <= level), abs=1e-9)
    quantile = float(law.quantile(chance))
    assert np.mean(seen <= quantile + 1e-9) >= chance - 1e-9
    assert np.mean(seen < quantile - 1e-9) <= chance + 1e-9


@given(
    values=st.lists(st.floats(0, 300), min_size=2, max_size=8),
    level=st.floats(0, 900),
    uniform=st.integers(0, 2**32 - 1),
)
def test_losses_are_those_of_the_quantile_function(values: list[float], level: float, uniform: int) -> None:
    levels = np.linspace(0.05, 0.95, len(values))
    law = law_of_quantiles(levels.tolist(), np.sort(values))
    # Evenly spread probabilities, shifted by chance, stand for demand drawn from the law.
    drawn = law.quantile((np.arange(40_000) + np.random.default_rng(uniform).random()) / 40_000)
    tolerance = 1e-3 * (1 + law.values[-1])
    assert float(law.short(level)) == pytest.approx(np.maximum(drawn - level, 0).mean(), abs=tolerance)
    assert float(law.left(level)) == pytest.approx(np.maximum(level - drawn, 0).mean(), abs=tolerance)
    assert law.mean == pytest.approx(drawn.mean(), abs=tolerance)
    assert float(law.short(level)) - float(law.left(level)) == pytest.approx(law.mean - level, abs=1e-6 * (1 + level))


def test_told_quantiles_are_given_back_and_the_tail_is_exponential() -> None:
    levels, law = [0.1, 0.5, 0.9, 0.95, 0.99], stats.expon(scale=20)
    found = law_of_quantiles(levels, law.ppf(levels))
    assert found.quantile(levels) == pytest.approx(law.ppf(levels))
    # Between the nodes of the tail the law is straight, so a little more is said than is so.
    assert found.quantile([0.999, 0.9999]) == pytest.approx(law.ppf([0.999, 0.9999]), rel=0.01)
    assert float(found.short(law.ppf(0.999))) == pytest.approx(20 * 0.001, rel=0.05)


def test_a_product_with_quantiles_of_zero_still_has_its_mean() -> None:
    found = law_of_quantiles([0.5, 0.9, 0.95], np.zeros(3), mean=0.2)
    assert found.mean == pytest.approx(0.2, rel=0.02)
    assert float(found.quantile(0.95)) == 0.0
    assert float(found.quantile(0.99)) > 1
    assert law_of_quantiles([0.5, 0.9], np.zeros(2)).mean == 0.0


def test_a_wide_law_is_held_by_few_points() -> None:
    found = poisson_law(1e9)
    assert len(found.levels) < 10_000
    assert float(found.quantile(0.95)) == pytest.approx(stats.poisson.ppf(0.95, 1e9), rel=1e-6)
    assert found.sd == pytest.approx(np.sqrt(1e9), rel=1e-3)


def test_part_of_the_time_has_part_of_the_demand() -> None:
    whole = negative_binomial_law(40, 90)
    part = whole.over_part(0.25)
    assert part.mean == pytest.approx(10)
    assert part.sd == pytest.approx(np.sqrt(90 / 4), rel=0.05)
    assert whole.over_part(0.0).mean == 0
    assert whole.over_part(1.0).mean == pytest.approx(40)


def test_a_review_level_is_a_quantile_of_any_law() -> None:
    law = negative_binomial_law(14, 60)
    found = review_level(law, holding_per_unit_day=0.02, review_days=7, stockout_per_unit=4)
    costs = [0.14 * float(law.left(y)) + 4 * float(law.short(y)) for y in range(120)]
    assert found.cost == pytest.approx(min(costs))
    assert found.order_up_to == int(np.argmin(costs))
    assert found.cycle_service >= worthwhile_service(0.02, 7, 4)
    # Three of four weeks without a sale, and then ten: a normal law would say 7.
    lumpy = law_of_chances(np.array([0.75, 0.25]), np.array([0.0, 10.0]))
    assert level_for_service(lumpy, 0.8) == 10
    assert level_for_service(lumpy, 0.75) == 0


def test_a_fill_rate_needs_less_than_a_service_level() -> None:
    both, before = negative_binomial_law(28, 60), negative_binomial_law(14, 30)
    found = level_for_fill_rate(both, before, 0.95)
    filled = [1 - (float(both.short(y)) - float(before.short(y))) / 14 for y in (found - 1, found)]
    assert filled[0] < 0.95 <= filled[1]
    assert found < level_for_service(both, 0.95)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: law_of_quantiles([0.5, 0.9], np.array([1.0])), "2 levels and 1 quantiles"),
        (lambda: law_of_quantiles([0.5, 0.4], np.array([1.0, 2.0])), "rise between 0 and 1"),
        (lambda: law_of_quantiles([0.5, 1.0], np.array([1.0, 2.0])), "without both ends"),
        (lambda: law_of_quantiles([0.5, 0.9], np.array([3.0, 2.0])), "never fall"),
        (lambda: law_of_quantiles([0.5, 0.9], np.array([3.0, np.nan])), "finite"),
        (lambda: law_of_sample(np.array([])), "sample of demand is empty"),
        (lambda: law_of_sample(np.array([-1.0, 2.0])), "at least 0"),
        (lambda: law_of_chances(np.array([0.5, 0.6])), "adds up to 1.1"),
        (lambda: law_of_chances(np.array([1.0]), np.array([1.0, 2.0])), "2 values and 1 probabilities"),
        (lambda: poisson_law(-1), "Mean demand is -1"),
        (lambda: negative_binomial_law(2, 0), "variance of demand is 0"),
        (lambda: DemandLaw(np.array([0.0, 0.9]), np.array([0.0, 1.0])), "from probability 0 to 1"),
        (lambda: poisson_law(4).over_part(1.5), "share of time is 1.5"),
        (lambda: level_for_service(poisson_law(4), 1.0), "service level is 1.0"),
        (lambda: worthwhile_service(0.0, 7, 4), "holding cost per unit and day is 0"),
        (lambda: level_for_fill_rate(poisson_law(4), poisson_law(4), 0.9), "between two deliveries is 0"),
    ],
)
def test_nonsense_is_told_in_a_sentence(asked: Callable[[], object], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        asked()
