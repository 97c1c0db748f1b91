"""What is in demand in each category of a shelf: ordered once per shelf, so that a request reads only heads of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]

HEAD = 1.5
"""Of a category so many times the products asked for are looked at first: what may not be shown is seldom a third."""


@dataclass(frozen=True, slots=True)
class CategoryDemand:
    """m products with a demand, of one shelf."""

    product_no: Numbers
    """(m,), by category, the most wanted of a category first."""
    demand: NDArray[np.float32]
    """(m,), > 0"""
    rank: Numbers
    """(m,): each one's place among all m, the most wanted being 0."""
    starts: NDArray[np.int64]
    """(n_categories + 1,): where each category's products begin."""

    def best(self, loudness: NDArray[np.float64], eligible: Mask, n: int) -> Numbers:
        """The `n` eligible products with the greatest demand × loudness of their category, ties to the more wanted.

        `loudness`: (n_categories,) ≥ 0; products of categories with none are left out.
        """
        categories = loudness.nonzero()[0]
        begin = self.starts[categories]
        lengths = self.starts[categories + 1] - begin
        taken = np.minimum(lengths, int(HEAD * n))
        at, of = _entries(begin, taken)
        allowed = eligible[self.product_no[at]]
        found = np.bincount(of[allowed], minlength=len(categories))
        short = (found < n) & (taken < lengths)
        if short.any():
            at, of = _entries(begin, np.where(short, lengths, taken))
            allowed = eligible[self.product_no[at]]
        at, of = at[allowed], of[allowed]
        score = self.demand[at] * loudness[categories[of]]
        if len(at) > n:
            border = np.partition(score, len(at) - n)[len(at) - n]
            kept = score >= border
            at, score = at[kept], score[kept]
        return self.product_no[at[np.lexsort((self.rank[at], -score))[:n]]]


def _entries(begin: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Places of runs that begin there and are so long, and which run each is of."""
    of = np.arange(len(lengths)).repeat(lengths)
    return np.arange(len(of)) + (begin - lengths.cumsum() + lengths)[of], of


def category_demand(
    in_demand: Numbers, demand: NDArray[np.float32], category: Numbers, n_categories: int
) -> CategoryDemand:
    """`in_demand`: (m,), most wanted first; `demand`, `category`: (n_products,)."""
    of = category[in_demand]
    if n_categories <= np.iinfo(np.uint16).max:
        of = of.astype(np.uint16)  # which numpy sorts by counting
    rank = of.argsort(kind="stable").astype(np.int32)
    product_no = in_demand[rank]
    starts = np.concatenate(([0], np.cumsum(np.bincount(of, minlength=n_categories)))).astype(np.int64)
    return CategoryDemand(product_no, demand[product_no], rank, starts)
