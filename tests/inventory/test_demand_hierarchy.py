"""Sums of forecasts that agree: against the printed formula, a solver of bounded least squares, and a made-up truth."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from smartshop.ai_agents.inventory.forecasting.hierarchy import (
    Hierarchy,
    build_hierarchy,
    error_weights,
    reconcile,
    structural_weights,
    sums,
)
from smartshop.ai_agents.inventory.forecasting.panel import Floats

PATHS = [("Garden", "Tools"), ("Garden", "Tools"), ("Garden", "Pots"), ("Garden", "Pots"), ("Home",), ("Home",), ()]


def two_shops() -> Hierarchy:
    """Four products, three of them at two places."""
    return build_hierarchy(np.array([0, 0, 1, 1, 2, 2, 3]), np.array([0, 1, 0, 1, 0, 1, 0]), ("main", "east"), PATHS)


def by_the_paper(hierarchy: Hierarchy, bottom: Floats, upper: Floats, weights: tuple[Floats, Floats]) -> Floats:
    """(SᵀW⁻¹S)⁻¹SᵀW⁻¹ŷ as it is printed."""
    adds = hierarchy.adds.toarray()
    summing = np.vstack([adds, np.eye(adds.shape[1])])
    inverse = np.diag(1.0 / np.concatenate([weights[1], weights[0]]))
    return np.linalg.solve(summing.T @ inverse @ summing, summing.T @ inverse @ np.vstack([upper, bottom]))


def test_every_step_of_the_path_and_every_place_is_a_sum_told_once() -> None:
    hierarchy = two_shops()
    named = dict(zip(hierarchy.names, hierarchy.below.astype(int).tolist(), strict=True))
    # Tools are product 0 at both places and Pots product 1: a sum of their own would tell the same again.
    assert named == {
        ("shop",): 7,
        ("location", "main"): 4,
        ("location", "east"): 3,
        ("category", "Garden"): 4,
        ("category", "Garden", "Tools"): 2,
        ("category", "Garden", "Pots"): 2,
        ("category", "Home"): 2,
    }
    assert hierarchy.products == 0


def test_products_at_several_places_are_sums_where_no_category_tells_the_same() -> None:
    hierarchy = build_hierarchy(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), ("a", "b"), [()] * 4)
    assert hierarchy.names == (("shop",), ("location", "a"), ("location", "b"), ("product", "0"), ("product", "1"))
    assert hierarchy.products == 2


@pytest.mark.parametrize("paths", [PATHS, [()] * 7])
def test_the_answer_is_the_papers(paths: list[tuple[str, ...]]) -> None:
    rng = np.random.default_rng(0)
    hierarchy = build_hierarchy(np.array([0, 0, 1, 1, 2, 2, 3]), np.array([0, 1, 0, 1, 0, 1, 0]), ("a", "b"), paths)
    bottom = rng.uniform(5.0, 9.0, (7, 4))
    upper = hierarchy.adds @ bottom * rng.uniform(0.9, 1.1, (len(hierarchy), 4))
    for weights in (structural_weights(hierarchy), (rng.uniform(0.1, 2.0, 7), rng.uniform(0.1, 5.0, len(hierarchy)))):
        np.testing.assert_allclose(
            reconcile(hierarchy, bottom, upper, weights), by_the_paper(hierarchy, bottom, upper, weights), rtol=1e-9
        )


def test_forecasts_that_agree_already_stay_and_unknown_sums_only_follow() -> None:
    hierarchy = two_shops()
    bottom = np.random.default_rng(1).uniform(0.0, 9.0, (7, 3))
    agreed = sums(hierarchy, bottom)
    weights = structural_weights(hierarchy)
    np.testing.assert_allclose(reconcile(hierarchy, bottom, agreed, weights), bottom, rtol=1e-9)
    np.testing.assert_allclose(reconcile(hierarchy, bottom, np.full_like(agreed, np.nan), weights), bottom, rtol=1e-9)


def test_nothing_is_negative_and_nothing_without_negatives_would_be_nearer() -> None:
    rng = np.random.default_rng(2)
    hierarchy = two_shops()
    bottom = rng.uniform(0.0, 3.0, (7, 12))
    upper = sums(hierarchy, bottom) * rng.uniform(0.1, 1.2, (len(hierarchy), 12))
    weights = structural_weights(hierarchy)
    assert (by_the_paper(hierarchy, bottom, upper, weights) < -0.01).any(), "else nothing is shown"
    ours = reconcile(hierarchy, bottom, upper, weights)
    assert (ours >= 0).all()
    root = 1.0 / np.sqrt(np.concatenate(weights))
    design = np.vstack([np.eye(7), hierarchy.adds.toarray()]) * root[:, None]
    for step in range(12):
        target = np.concatenate([bottom[:, step], upper[:, step]]) * root
        bounded = lsq_linear(design, target, bounds=(0.0, np.inf), tol=1e-12)
        np.testing.assert_allclose(ours[:, step], bounded.x, atol=1e-5)


def test_better_forecasts_of_sums_make_products_better() -> None:
    rng = np.random.default_rng(3)
    n = 60
    paths = [(f"department {series // 20}", f"shelf {series // 5}") for series in range(n)]
    hierarchy = build_hierarchy(np.arange(n), np.zeros(n, int), ("main",), paths)
    truth = rng.gamma(2.0, 5.0, (n, 200))
    # All products are misjudged the same way, and the sums are not: what learning many noisy series is like.
    bottom = truth * 1.3 + rng.normal(0.0, 2.0, truth.shape)
    upper = sums(hierarchy, truth) * rng.normal(1.0, 0.02, (len(hierarchy), 200))
    past, ahead = slice(0, 100), slice(100, 200)
    weights = error_weights(bottom[:, past] - truth[:, past], (upper - sums(hierarchy, truth))[:, past])
    agreed = reconcile(hierarchy, bottom[:, ahead], upper[:, ahead], weights)
    before, after = (float(np.mean((one - truth[:, ahead]) ** 2)) for one in (bottom[:, ahead], agreed))
    assert after < 0.8 * before


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    hierarchy = build_hierarchy(np.array([0, 1]), np.array([0, 0]), ("main",), [(), ()])
    assert np.isnan(sums(hierarchy, np.array([[1.0, np.nan], [2.0, 3.0]]))).tolist() == [[False, True]]


def test_a_weight_of_zero_is_refused_and_a_series_never_wrong_has_the_least() -> None:
    hierarchy = build_hierarchy(np.array([0, 1]), np.array([0, 0]), ("main",), [(), ()])
    with pytest.raises(ValueError, match="above 0"):
        reconcile(hierarchy, np.ones((2, 1)), np.ones((1, 1)), (np.zeros(2), np.ones(1)))
    bottom, upper = error_weights(np.array([[0.0, 0.0], [2.0, np.nan]]), np.array([[1.0, -1.0]]))
    assert bottom.tolist() == [1.0, 4.0]
    assert upper.tolist() == [1.0]
