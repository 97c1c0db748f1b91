"""ABC by value and XYZ by variation, against figures worked by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.inventory.demand.classes import abc_classes, demand_classes, xyz_classes

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


def test_both_classes_of_every_series() -> None:
    demand = np.array(
        [[5.0, 6.0, 5.0, 6.0], [5.0, 0.0, 0.0, 6.0], [1.0, 9.0, 1.0, 30.0], [1.0, 0.0, 0.0, 30.0], [0.0] * 4]
    )
    classes = demand_classes(demand, demand.sum(axis=1))
    assert classes.value.tolist() == ["A", "B", "A", "A", "C"]
    assert classes.steadiness.tolist() == ["X", "Z", "Z", "Z", "Z"]
