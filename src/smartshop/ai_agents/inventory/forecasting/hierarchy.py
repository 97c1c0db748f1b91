"""Forecasts that add up: products, their categories, places and the shop told apart, then made to agree. Pure.

Minimum trace reconciliation (Wickramasuriya, Athanasopoulos & Hyndman 2019, equation 9) with a diagonal W: either the
number of series below a node (structural scaling) or the variances of its errors. With b the bottom series, a = A·b
the sums, and hats for what was forecast on its own, the least-squares answer is

    b = b̂ + W_b Aᵀ (A W_b Aᵀ + W_a)⁻¹ (â − A b̂)

the same as the paper's (Woodbury 1950), but with a matrix as large as there are sums, not as there are products.
Whatever is negative is held at zero and the rest solved again until the conditions of Karush, Kuhn & Tucker hold: the
least-squares answer without negatives (Wickramasuriya, Turlach & Hyndman 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from smartshop.ai_agents.inventory.forecasting.panel import Floats

Ints = NDArray[np.integer]
PRODUCT = "product"
ROUNDS = 50
"""Of holding and freeing; four or five are usual."""


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """m sums over n bottom series."""

    adds: csr_array
    """(m, n) A: 1 where a series belongs to a sum."""
    names: tuple[tuple[str, ...], ...]
    """(m,) what each sum is of: ("shop",), ("location", "main"), ("category", "Garden", "Tools"), ("product", "7")."""
    products: int
    """So many at the end are of products. No series is in two of them, which is what makes thousands of them cheap."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def below(self) -> Floats:
        """(m,) series below each sum."""
        return np.asarray(self.adds.sum(axis=1), np.float64).ravel()


def build_hierarchy(
    product_no: Ints, location: Ints, locations: Sequence[str], path_of_series: Sequence[tuple[str, ...]]
) -> Hierarchy:
    """The shop, its places, every step of the category paths, and products sold at several places.

    Args:
        product_no: (n,)
        location: (n,) index into `locations`.
        locations: names.
        path_of_series: (n,) category paths, department first; () for none.

    A sum over the very same series as another is left out: it would tell the same twice.
    """
    members: dict[tuple[str, ...], list[int]] = {("shop",): list(range(len(product_no)))}
    for series, place in enumerate(location):
        members.setdefault(("location", locations[place]), []).append(series)
    for series, path in enumerate(path_of_series):
        for depth in range(1, len(path) + 1):
            members.setdefault(("category", *path[:depth]), []).append(series)
    for series, product in enumerate(product_no):
        members.setdefault((PRODUCT, str(int(product))), []).append(series)
    first_of: dict[tuple[int, ...], tuple[str, ...]] = {}
    for name, series_below in members.items():
        if len(series_below) > 1 or name == ("shop",):
            first_of.setdefault(tuple(series_below), name)
    return _hierarchy(first_of, len(product_no))


def _hierarchy(name_of: dict[tuple[int, ...], tuple[str, ...]], n_series: int) -> Hierarchy:
    lengths = [len(below) for below in name_of]
    rows = np.repeat(np.arange(len(name_of)), lengths)
    columns = np.array([series for below in name_of for series in below], np.int64)
    adds = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(name_of), n_series))
    return Hierarchy(adds, tuple(name_of.values()), sum(name[0] == PRODUCT for name in name_of.values()))


def sums(hierarchy: Hierarchy, bottom: Floats) -> Floats:
    """(m, t) sums of (n, t); a sum of which any part is unknown is unknown."""
    known = np.isfinite(bottom)
    total = hierarchy.adds @ np.where(known, bottom, 0.0)
    lacking = hierarchy.adds @ (~known).astype(np.float64)
    return np.asarray(np.where(lacking > 0, np.nan, total), np.float64)


def structural_weights(hierarchy: Hierarchy) -> tuple[Floats, Floats]:
    """((n,), (m,)) diagonal of W by how many series a node holds: errors of like series add their variances."""
    return np.ones(hierarchy.adds.shape[1]), hierarchy.below


def error_weights(bottom_errors: Floats, sum_errors: Floats) -> tuple[Floats, Floats]:
    """((n,), (m,)) mean squares of past errors, (n, k) and (m, k), NaN where none; a series never wrong counts as
    the least wrong one, since a weight of zero could not be moved at all.
    """
    squares = [
        np.nansum(errors**2, axis=1) / np.maximum(np.isfinite(errors).sum(axis=1), 1)
        for errors in (bottom_errors, sum_errors)
    ]
    positive = np.concatenate(squares)
    floor = float(positive[positive > 0].min()) if (positive > 0).any() else 1.0
    return np.maximum(squares[0], floor), np.maximum(squares[1], floor)


def reconcile(hierarchy: Hierarchy, bottom: Floats, upper: Floats, weights: tuple[Floats, Floats]) -> Floats:
    """(n, h) bottom forecasts of which the sums are as near as can be to what was forecast of them; never negative.

    Args:
        hierarchy: what adds up to what.
        bottom: (n, h) forecasts of the series.
        upper: (m, h) forecasts of the sums; NaN where one has none, which then only follows.
        weights: ((n,), (m,)) variances, above 0, as `structural_weights` or `error_weights` tell.

    Raises:
        ValueError: a weight is not above zero.
    """
    if any((one <= 0).any() for one in weights):
        raise ValueError(
            "A weight of the reconciliation is zero or less; every forecast errs, so give variances above 0."
        )
    columns = [
        _without_negatives(_problem(hierarchy, bottom[:, step], upper[:, step], weights))
        for step in range(bottom.shape[1])
    ]
    return np.stack(columns, axis=1) if columns else np.zeros_like(bottom)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """One period's, of the sums that have a forecast."""

    adds: csr_array
    first_product: int
    bottom: Floats
    upper: Floats
    w_bottom: Floats
    w_upper: Floats


def _problem(hierarchy: Hierarchy, bottom: Floats, upper: Floats, weights: tuple[Floats, Floats]) -> _Problem:
    told = np.isfinite(upper)
    others = int(told[: len(hierarchy) - hierarchy.products].sum())
    return _Problem(hierarchy.adds[told], others, np.nan_to_num(bottom), upper[told], weights[0], weights[1][told])


def _without_negatives(problem: _Problem) -> Floats:
    """(n,) least squares, with the held ones at zero."""
    tolerance = 1e-9 * max(float(np.abs(problem.bottom).max(initial=0.0)), 1.0)
    held = np.zeros(len(problem.bottom), bool)
    solved = _solve(problem, held)
    for _ in range(ROUNDS):
        off_by = (problem.adds @ solved - problem.upper) / problem.w_upper
        pull = (solved - problem.bottom) / problem.w_bottom + problem.adds.T @ off_by
        falls, rises = ~held & (solved < -tolerance), held & (pull < -tolerance)
        if not (falls | rises).any():
            break
        held = (held | falls) & ~rises
        solved = _solve(problem, held)
    return np.maximum(solved, 0.0)


def _solve(problem: _Problem, held: NDArray[np.bool_]) -> Floats:
    """The answer where the held ones are zero and cannot move."""
    free = np.where(held, 0.0, problem.bottom)
    spread = problem.adds.multiply(np.where(held, 0.0, problem.w_bottom)[None, :]).tocsr()
    gain = (spread @ problem.adds.T).tocsr()
    lacks = problem.upper - problem.adds @ free
    # Products share no series, so their block is diagonal and leaves by Schur's complement.
    others = problem.first_product
    own = gain.diagonal()[others:] + problem.w_upper[others:]
    across = gain[:others, others:]
    by_own = across.multiply(1.0 / own[None, :]).tocsr()
    small = gain[:others, :others].toarray() + np.diag(problem.w_upper[:others]) - (by_own @ across.T).toarray()
    first = np.linalg.solve(small, lacks[:others] - by_own @ lacks[others:])
    rest = (lacks[others:] - across.T @ first) / own
    return np.asarray(free + spread.T @ np.concatenate([first, rest]), np.float64)
