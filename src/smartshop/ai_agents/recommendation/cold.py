"""Newcomers: products that few or none have turned to, by what is known of the products they are like.

When a shopper's product a leads, in the rows of other sources, to b, and the newcomer c is like b by text, category,
brand and price, c is drawn with likeness × fade, fade = k / (n_c + k), n_c the shoppers that c has of its own (the
shrinkage of an estimate towards its prior; Efron & Morris 1975): its own data takes over as it comes. A shopper who has
only turned to a newcomer is given what the rows of its neighbours name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is off the request path
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.cold_borrowing import adoption, borrowed, by_rank, cut_rows, matrix_of
from smartshop.ai_agents.recommendation.content import Content, draw_from_both
from smartshop.ai_agents.recommendation.content_likeness import most_alike, traits_of
from smartshop.ai_agents.recommendation.rows import Rows, join_rows, load_rows, map_array
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import Asked, Drawn, Lesson, ShelfView

BLOCK_ROWS = 10_000


class NewcomersConfig(msgspec.Struct, frozen=True, kw_only=True):
    half_at: Annotated[float, Meta(gt=0, le=1_000)] = 3.0
    """k: with so many shoppers of its own a product borrows half as much."""
    young_below: Annotated[int, Meta(ge=1, le=1_000)] = 10
    """Shoppers; with as many a product borrows no more."""
    known_from: Annotated[int, Meta(ge=1, le=1_000)] = 5
    """Shoppers that a product must have to lend."""
    neighbours: Annotated[int, Meta(ge=1, le=200)] = 10
    """Known products that a newcomer borrows from."""
    adopters: Annotated[int, Meta(ge=1, le=1_000)] = 30
    """Newcomers that one known product stands for, those most like it."""
    own: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """Weight of being like the anchor itself, beside 1 / (k + rank) of being like what its rows name."""
    rank_offset: Annotated[float, Meta(gt=0, le=100)] = 2.0
    """k of 1 / (k + rank)."""
    lent: Annotated[int, Meta(ge=1, le=200)] = 60
    """Neighbours per product that are lent on, of all sources together."""
    n: Annotated[int, Meta(ge=1, le=1_000)] = 50
    """Newcomers kept per product."""
    most_late: Annotated[int, Meta(ge=0, le=20_000)] = 2_000
    """Products newer than the model that one view reads, the newest first."""


@dataclass(frozen=True, slots=True)
class Newcomers:
    rows: Rows
    """(n_products,): newcomers in the rows of all, and the rows that newcomers borrow. Evidence is 0."""
    lent: Rows
    """(n_products,): what may be lent on to products that come later."""
    shoppers: NDArray[np.int32]
    """(n_products,): how many distinct shoppers turned to each."""
    config: NewcomersConfig
    name: ClassVar[str] = "newcomers"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        late = view.newcomers.borrowed if view.newcomers is not None else None
        return draw_from_both(self.rows, late, asked.anchors, asked.eligible, n)

    def save(self, folder: Path) -> None:
        self.rows.save(folder, self.name)
        self.lent.save(folder, f"{self.name}_lent")
        np.save(folder / f"{self.name}.shoppers.npy", self.shoppers, allow_pickle=False)
        (folder / f"{self.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.config)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(
            rows=load_rows(folder, cls.name),
            lent=load_rows(folder, f"{cls.name}_lent"),
            shoppers=map_array(folder / f"{cls.name}.shoppers.npy"),
            config=msgspec.json.decode((folder / f"{cls.name}.json").read_bytes(), type=NewcomersConfig),
        )

    def young(self, products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(n,): which of these still borrow."""
        inside = np.minimum(products, len(self.shoppers) - 1)
        own = np.where(products < len(self.shoppers), self.shoppers[inside], 0) if len(self.shoppers) else products * 0
        return np.asarray(own < self.config.young_below, np.bool_)

    def lenders(self, alive: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Living products with shoppers enough."""
        known = min(len(self.shoppers), len(alive))
        return np.flatnonzero(alive[:known] & (self.shoppers[:known] >= self.config.known_from))


def fit_newcomers(
    lesson: Lesson, content: Content, lending: Sequence[Rows], config: NewcomersConfig
) -> Newcomers | None:
    """`lending`: rows of the sources that lend; None where nobody has turned to anything often enough."""
    shelf, n = lesson.shelf, max(lesson.n_products, lesson.shelf.n_products)
    shoppers = shoppers_per_product(lesson.sequences, n)
    lent = lend(lending, n, config)
    empty = Newcomers(rows=lent, lent=lent, shoppers=shoppers, config=config)
    known = empty.lenders(shelf.alive)
    if not len(known):
        return None
    cold = np.flatnonzero(shelf.alive & (shoppers[: shelf.n_products] < config.young_below))
    traits = traits_of(shelf, content.vectors)
    place = np.full(n, -1, np.int64)
    place[known] = np.arange(len(known))
    alike = most_alike(traits.take(cold), traits.take(known), place[cold], config.neighbours, content.config.likeness)
    fade = config.half_at / (shoppers[cold] + config.half_at)
    adopted = adoption(alike, cold, known, fade, n)
    rows = borrowed(with_own(lent, n, config.own), adopted, adopters=config.adopters, n_kept=config.n)
    return Newcomers(rows=rows, lent=lent, shoppers=shoppers, config=config)


def shoppers_per_product(sequences: Sequences, n: int) -> NDArray[np.int32]:
    """(n,): distinct shoppers."""
    pair = np.unique(sequences.product.astype(np.int64) * max(sequences.n_shoppers, 1) + sequences.shopper)
    return np.bincount(pair // max(sequences.n_shoppers, 1), minlength=n).astype(np.int32)


def lend(tables: Sequence[Rows], n: int, config: NewcomersConfig) -> Rows:
    """The sources' rows added up by rank and cut."""
    matrices = [matrix_of(by_rank(table, config.rank_offset), n) for table in tables]
    parts = []
    for first in range(0, n, BLOCK_ROWS):
        block = sum(
            (matrix[first : first + BLOCK_ROWS] for matrix in matrices),
            start=scipy.sparse.csr_array((min(BLOCK_ROWS, n - first), n), dtype=np.float32),
        )
        parts.append(cut_rows(block, config.lent))
    return join_rows(parts)


def with_own(lent: Rows, n: int, own: float) -> "scipy.sparse.csr_array":
    """(n, n): what is lent, and each product itself."""
    return scipy.sparse.csr_array(matrix_of(lent, n) + own * scipy.sparse.eye_array(n, dtype=np.float32, format="csr"))
