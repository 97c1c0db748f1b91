"""Sources that are one table of rows: each product's best neighbours, summed over the products that speak. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.rows import Rows, load_rows
from smartshop.ai_agents.recommendation.source import NOTHING, Anchors, Asked, Drawn, Mask, Numbers, ShelfView


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
    rows: Rows, anchors: Anchors, eligible: Mask, n: int, *, times: NDArray[np.floating] | None = None
) -> Drawn:
    """Sum the anchors' rows and take the n best eligible products; ties by product_no.

    `times`: (n_products of the shelf,) > 0, a factor on each product's sum.
    """
    products = anchors.product_no
    neighbour, row_weight, lengths = rows.entries_of(products)
    if not len(neighbour):
        return NOTHING
    share = np.asarray(row_weight * np.repeat(anchors.weight, lengths), np.float64)
    # Rows of a model may name products that are gone from a smaller shelf.
    inside = neighbour < len(eligible)
    if not inside.all():
        share = np.where(inside, share, 0.0)
        neighbour = np.where(inside, neighbour, 0)
    score = np.asarray(np.bincount(neighbour, weights=share, minlength=len(eligible)), np.float64)
    found = np.flatnonzero(score)
    found = found[eligible[found]]
    if times is not None:
        score[found] = score[found] * times[found]
    if len(found) > n:
        found = np.sort(found[np.argpartition(score[found], len(found) - n)[len(found) - n :]])
    best = found[np.argsort(-score[found], kind="stable")]
    speaker = np.repeat(np.arange(len(products)), lengths)
    return Drawn(best.astype(np.int32), _loudest(best, neighbour, share, speaker, products))


def _loudest(
    best: NDArray[np.intp],
    neighbour: Numbers,
    share: NDArray[np.float64],
    speaker: NDArray[np.intp],
    products: Numbers,
) -> Numbers:
    """For each product of a list the anchor whose row gave the largest share."""
    place = np.full(int(neighbour.max()) + 1, -1)
    place[best] = np.arange(len(best))
    at = place[neighbour]
    listed = at >= 0
    shares = np.zeros((len(products), len(best)))
    shares[speaker[listed], at[listed]] = share[listed]
    return np.asarray(products[shares.argmax(axis=0)], np.int32)
