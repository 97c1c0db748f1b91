"""What a step sees before and after it."""

import numpy as np

from smartshop.ai_agents.recommendation.steps import moment_of, steps
from tests.recommendation.worlds import START, order, sequences_of, view


def test_a_step_looks_back_and_forth_and_never_across_shoppers() -> None:
    sequences = sequences_of([view(0, p, START + p) for p in range(3)] + [view(1, 3, START)], 4)
    past, future = steps(sequences, window=5, decay=0.5, max_unit_size=9)
    assert past.toarray().tolist() == [[1, 0, 0, 0], [0.5, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert future.toarray().tolist() == [[0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_the_window_ends_it() -> None:
    sequences = sequences_of([view(0, p, START + p) for p in range(4)], 4)
    past, future = steps(sequences, window=1, decay=0.5, max_unit_size=9)
    assert past.toarray()[:3].tolist() == np.eye(4)[:3].tolist()
    assert future.toarray()[:3].tolist() == np.eye(4)[1:].tolist()


def test_the_lines_of_an_order_are_one_moment() -> None:
    sequences = sequences_of([*order(0, (0, 1), START, 0), *order(0, (2, 3), START + 1, 1)], 4)
    assert moment_of(sequences).tolist() == [0, 0, 1, 1]
    past, future = steps(sequences, window=2, decay=0.5, max_unit_size=9)
    assert past.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0]]
    assert future.toarray().tolist() == [[0, 0, 1, 1], [0, 0, 0, 0]]


def test_nothing_has_no_steps() -> None:
    past, future = steps(sequences_of([], 3), window=2, decay=0.5, max_unit_size=9)
    assert past.shape == future.shape == (0, 3)
