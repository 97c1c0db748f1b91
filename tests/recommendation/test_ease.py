"""The closed form against the definition it solves, on data small enough to solve it directly."""

import numpy as np
import pytest
import scipy
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation import ease
from smartshop.ai_agents.recommendation.ease import add_product, closed_form, gram_matrix, inverse_in_place
from smartshop.errors import InvalidValue


def units(n_units: int = 60, n_products: int = 14, seed: int = 5) -> NDArray[np.float64]:
    return (np.random.default_rng(seed).random((n_units, n_products)) < 0.3).astype(np.float64)


def solved_column_by_column(held: NDArray[np.float64], regularisation: float) -> NDArray[np.float64]:
    """Ridge regression of every column on all the others: what a zero diagonal means."""
    n = held.shape[1]
    weights = np.zeros((n, n))
    for column in range(n):
        others = np.flatnonzero(np.arange(n) != column)
        gram = held[:, others].T @ held[:, others] + regularisation * np.eye(n - 1)
        weights[others, column] = np.linalg.solve(gram, held[:, others].T @ held[:, column])
    return weights


@pytest.mark.parametrize("regularisation", [0.5, 20.0])
def test_every_product_is_the_ridge_regression_of_all_others(regularisation: float) -> None:
    held = units()
    gram = gram_matrix(scipy.sparse.csr_array(held))
    found = closed_form(gram, regularisation)
    assert found.dtype == np.float32
    assert np.abs(found - solved_column_by_column(held, regularisation)).max() < 1e-5
    assert (np.diagonal(found) == 0).all()


def test_the_given_gram_matrix_is_left_as_it_was() -> None:
    gram = gram_matrix(scipy.sparse.csr_array(units()))
    before = gram.copy()
    closed_form(gram, 3.0)
    assert (gram == before).all()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held = scipy.sparse.csr_array(units())
    whole = closed_form(gram_matrix(held), 2.0)
    monkeypatch.setattr(ease, "BLOCK_ROWS", 5)
    assert closed_form(gram_matrix(held), 2.0).tobytes() == whole.tobytes()


def test_a_product_of_two_matrices_is_added_to_what_is_there() -> None:
    first, second = units(seed=1), units(seed=2)
    total = np.ones((14, 14), np.float32)
    add_product(total, scipy.sparse.csr_array(first), scipy.sparse.csr_array(second))
    assert (total == 1 + first.T @ second).all()


def test_double_precision_is_kept_and_regularisation_may_differ_by_product() -> None:
    held = units()
    gram, by_product = held.T @ held, np.linspace(0.5, 4.0, held.shape[1])
    inverse = inverse_in_place(gram.copy(), by_product)
    assert np.abs(inverse @ (gram + np.diag(by_product)) - np.eye(len(gram))).max() < 1e-12
    assert (inverse == inverse.T).all()


def test_no_products_have_no_weights() -> None:
    assert closed_form(np.zeros((0, 0), np.float32), 1.0).shape == (0, 0)


@pytest.mark.parametrize("regularisation", [0.0, -1.0, float("nan")])
def test_a_regularisation_that_is_not_positive_is_refused(regularisation: float) -> None:
    with pytest.raises(InvalidValue, match="greater than 0"):
        closed_form(np.eye(3, dtype=np.float32), regularisation)


def test_a_matrix_that_cannot_be_inverted_is_refused() -> None:
    with pytest.raises(InvalidValue, match="too small"):
        closed_form(np.full((40, 40), 1e9, np.float32), 1e-3)
