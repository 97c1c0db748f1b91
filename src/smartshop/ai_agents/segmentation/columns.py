"""Columns of features: sums, ratios and shares per customer, the same bits for one customer as for all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_MOMENTS = 2.0
"""A share begins at the shop's usual one, believed as much as two orders or visits."""

Numbers = NDArray[np.int64] | NDArray[np.int32]
Column = NDArray[np.float64]
"""(n,) NaN where the feature does not apply to a customer."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """A column that leans to the usual where little is known, and what was counted."""

    x: Column
    figure: Column


def count(customer: Numbers, n: int, weight: NDArray[np.number] | None = None) -> Column:
    """(n,) sums per customer, added one after the other in the order given: the same bits for one as for all."""
    return np.bincount(customer, weights=weight, minlength=n).astype(np.float64)


def ratio(total: Column, count: NDArray[np.number]) -> Column:
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def share(customer: Numbers, hits: NDArray[np.bool_], n: int, usual: float) -> Leaning:
    """Share of a customer's moments; NaN without any moment."""
    of, hit = count(customer, n), count(customer[hits], n)
    return Leaning(np.where(of > 0, (hit + PRIOR_MOMENTS * usual) / (of + PRIOR_MOMENTS), np.nan), ratio(hit, of))
