"""Sources that are one table of rows: each product's best neighbours, summed over the products that speak. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.rows import Rows, load_rows
from smartshop.ai_agents.recommendation.source import NOTHING, Anchors, Asked, Drawn, Mask, Numbers, ShelfView

ENTRY_BITS = 32
"""Of a key: which entry."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """What such sources share; each adds how its rows are fitted."""

    rows: Rows
    name: ClassVar[str]

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_from_rows(self.rows, asked.anchors, asked.eligible, n)

    def save(self, folder: Path) -> None:
        self.rows.save(folder, self.name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(load_rows(folder, cls.name))


def draw_from_rows(
    rows: Rows,
    anchors: Anchors,
    eligible: Mask,
    n: int,
    *,
    times: Callable[[Numbers], NDArray[np.floating]] | None = None,
) -> Drawn:
    """Sum the anchors' rows and take the n best eligible products; ties by product_no.

    `times`: products, (m,) → a factor > 0 on each one's sum. What it costs grows with the entries of the rows, not with
    the catalogue.
    """
    products = anchors.product_no
    neighbour, row_weight, lengths = rows.entries_of(products)
    if not len(neighbour):
        return NOTHING
    # Rows of a model may name products that are gone from a smaller shelf.
    inside = eligible.take(neighbour, mode="clip") & (neighbour < len(eligible))
    share = (row_weight * anchors.weight.repeat(lengths))[inside]
    listed = inside.nonzero()[0]
    found = sum_by_product(neighbour[listed], share)
    score = found.total if times is None else found.total * times(found.product_no)
    best = best_places(score, n)
    entry = listed[found.loudest(best)]
    speaker = lengths.cumsum().searchsorted(entry, side="right")
    return Drawn(found.product_no[best], products[speaker])


@dataclass(frozen=True, slots=True)
class Summed:
    """Entries brought together by product: m distinct products, rising, of e entries."""

    product_no: Numbers
    total: NDArray[np.float64]
    """(m,)"""
    share: NDArray[np.float64]
    """(e,): by product, then in the order told."""
    entry: NDArray[np.int64]
    """(e,): which entry each share was of."""
    starts: NDArray[np.intp]
    """(m,): where each product's shares begin."""
    place: NDArray[np.intp]
    """(e,): index of each share's product."""

    def loudest(self, chosen: NDArray[np.intp]) -> NDArray[np.int64]:
        """Of each of these places the entry with the greatest share, the first told where several have it."""
        greatest = np.maximum.reduceat(self.share, self.starts)
        at = (self.share == greatest[self.place]).nonzero()[0]
        return np.asarray(self.entry[at[at.searchsorted(self.starts[chosen])]], np.int64)


def sum_by_product(product_no: Numbers, share: NDArray[np.float64]) -> Summed:
    """Add up what is said of each product, in the order told. Parallel arrays."""
    # Sorted as one number each: several times faster than an argsort, and each product's entries keep their order.
    key = product_no.astype(np.int64) << ENTRY_BITS
    key |= np.arange(len(key))
    key.sort()
    entry, product_no = key & ((1 << ENTRY_BITS) - 1), (key >> ENTRY_BITS).astype(np.int32)
    is_first = np.empty(len(key), np.bool_)
    is_first[:1] = True
    np.not_equal(product_no[1:], product_no[:-1], out=is_first[1:])
    starts, place = is_first.nonzero()[0], is_first.cumsum() - 1
    share = share[entry]
    total = np.asarray(np.bincount(place, weights=share), np.float64)
    return Summed(product_no[starts], total, share, entry, starts, place)


def best_places(score: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """Places of the n greatest, greatest first, ties by place.

    >>> best_places(np.array([1.0, 3.0, 0.0, 3.0, 1.0]), 3).tolist()
    [1, 3, 0]
    """
    if len(score) <= n:
        return np.argsort(-score, kind="stable")
    places: NDArray[np.intp] = (score >= np.partition(score, len(score) - n)[len(score) - n]).nonzero()[0]
    return places[np.argsort(-score[places], kind="stable")[:n]]
