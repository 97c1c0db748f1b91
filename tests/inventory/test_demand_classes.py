"""ABC by value, XYZ by variation, and how intermittent demand is: against figures worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.inventory.demand.classes import (
    Pattern,
    abc_classes,
    demand_classes,
    demand_patterns,
    measure_intermittency,
    xyz_classes,
)

NAN = float("nan")


def test_the_first_eighty_percent_are_a_and_who_crosses_the_border_is_above_it() -> None:
    assert abc_classes(np.array([50.0, 30.0, 10.0, 5.0, 3.0, 2.0])).tolist() == list("AABBCC")
    assert abc_classes(np.array([1.0, 99.0])).tolist() == list("CA")
    assert abc_classes(np.array([0.0, -5.0, NAN])).tolist() == list("CCC")
    assert abc_classes(np.zeros(0)).tolist() == []


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60))
def test_classes_fall_with_value_and_a_is_at_least_its_share(values: list[float]) -> None:
    worth = np.array(values)
    classes = abc_classes(worth)
    assert worth[classes == "A"].sum() >= 0.8 * worth.sum() * (1 - 1e-9)
    for better, worse in (("A", "B"), ("B", "C"), ("A", "C")):
        if (classes == better).any() and (classes == worse).any():
            assert worth[classes == better].min() >= worth[classes == worse].max()


def test_variation_is_of_known_periods_alone() -> None:
    demand = np.array(
        [
            [10.0, 12.0, 8.0, NAN],  # deviation 2 of 10
            [2.0, 10.0, 6.0, 0.5],  # 4.2 of 4.6
            [0.0, 0.0, 9.0, 0.0],  # 4.5 of 2.25
            [5.0, NAN, NAN, NAN],
            [0.0, 0.0, 0.0, 0.0],
        ]
    )
    assert xyz_classes(demand).tolist() == list("XYZZZ")


def test_interval_and_squared_variation_by_hand() -> None:
    demand = np.array([[0.0, 2.0, 0.0, 4.0, NAN, 0.0], [3.0, 3.0, 3.0, 3.0, 3.0, 3.0], [0.0] * 6])
    found = measure_intermittency(demand)
    # From the first demand on four periods are known, two of them with demand; sizes 2 and 4: variance 2 of 3².
    assert found.interval.tolist() == [2.0, 1.0, np.inf]
    assert found.squared_variation.tolist() == pytest.approx([2.0 / 9.0, 0.0, 0.0])


def test_the_four_patterns_and_nothing_sold() -> None:
    demand = np.array(
        [
            [5.0, 6.0, 5.0, 6.0],
            [5.0, 0.0, 0.0, 6.0],
            [1.0, 9.0, 1.0, 30.0],
            [1.0, 0.0, 0.0, 30.0],
            [0.0, 0.0, 0.0, 0.0],
        ]
    )
    expected = [Pattern.SMOOTH, Pattern.INTERMITTENT, Pattern.ERRATIC, Pattern.LUMPY, Pattern.UNSOLD]
    assert demand_patterns(measure_intermittency(demand)).tolist() == expected
    classes = demand_classes(demand, demand.sum(axis=1))
    assert classes.pattern.tolist() == expected
    assert classes.value.tolist() == ["A", "B", "A", "A", "C"]
    assert classes.steadiness.tolist() == ["X", "Z", "Z", "Z", "Z"]
