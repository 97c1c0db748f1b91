"""How alike two products are by what the shop itself says of them: text, category, brand and price. Pure."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.content_nearest import Nearest, nearest
from smartshop.ai_agents.shelf import Shelf

Places = NDArray[np.int64]
Vectors = NDArray[np.floating]
Share = Annotated[float, Meta(ge=0, le=1)]

QUERIES_AT_ONCE = 10_000
"""Compared together: some 150 MB with a hundred targets each."""


class LikenessConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the whole, beside which the text has what is left of 1."""

    category: Share = 0.1
    brand: Share = 0.05
    price: Share = 0.1
    looked_at: Annotated[int, Meta(ge=1, le=1_000)] = 100
    """Nearest by text that are weighed by all four."""
    least: Share = 0.25
    """Products less alike are no neighbours."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a shelf says of n products, ready to be compared. Parallel arrays."""

    vectors: Vectors
    """(n, 64): of the texts, at length 1 or nought."""
    path: NDArray[np.int32]
    """(n, deepest): codes of the category path from the top down; 0 below its end."""
    brand: NDArray[np.int32]
    """(n,): 0 is none."""
    log_price: NDArray[np.float32]
    """(n,): NaN where there is none."""

    def take(self, products: NDArray[np.integer]) -> "Traits":
        return Traits(self.vectors[products], self.path[products], self.brand[products], self.log_price[products])


@dataclass(frozen=True, slots=True)
class Alike:
    """Per product its neighbours, most alike first."""

    place: Places
    """(n_queries, n): index of the target; -1 where there are fewer."""
    likeness: NDArray[np.float32]
    """(n_queries, n): 0 to 1; 0 where there are fewer."""


def traits_of(shelf: Shelf, vectors: Vectors) -> Traits:
    """`vectors`: (n, 64) of the shelf's first n products."""
    n = len(vectors)
    price = shelf.price_minor[:n].astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_price = np.where(price > 0, np.log(price), np.float32(np.nan)).astype(np.float32)
    return Traits(vectors, _paths(shelf)[shelf.category[:n]], shelf.brand[:n], log_price)


def _paths(shelf: Shelf) -> NDArray[np.int32]:
    """(n_categories, deepest): a code for every prefix of every path."""
    codes: dict[tuple[str, ...], int] = {}
    deepest = max((len(path) for path in shelf.categories), default=0)
    table = np.zeros((len(shelf.categories), max(deepest, 1)), np.int32)
    for number, path in enumerate(shelf.categories):
        for depth in range(len(path)):
            table[number, depth] = codes.setdefault(path[: depth + 1], len(codes) + 1)
    return table


def most_alike(queries: Traits, targets: Traits, own_place: Places, n: int, config: LikenessConfig) -> Alike:
    """The n targets most like each query; `own_place`: (n_queries,) where the query itself is among them, or -1."""
    width = min(n, config.looked_at)
    place = np.full((len(own_place), width), -1, np.int64)
    likeness = np.zeros((len(own_place), width), np.float32)
    vectors = targets.vectors.astype(np.float32)
    for first in range(0, len(own_place), QUERIES_AT_ONCE):
        block = np.arange(first, min(first + QUERIES_AT_ONCE, len(own_place)))
        found = nearest(queries.vectors[block].astype(np.float32), vectors, config.looked_at + 1)
        alike = _weighed(queries.take(block), targets, own_place[block], found, config)
        place[block], likeness[block] = alike.place[:, :width], alike.likeness[:, :width]
    return Alike(place, likeness)


def _weighed(queries: Traits, targets: Traits, own_place: Places, found: Nearest, config: LikenessConfig) -> Alike:
    """What was found by text, in the order of all four; without the query itself and what is too little alike."""
    row, column = np.nonzero((found.place >= 0) & (found.place != own_place[:, None]))
    likeness = np.zeros(found.place.shape, np.float32)
    target, by_text = found.place[row, column], found.likeness[row, column]
    likeness[row, column] = _together(queries, targets, row, target, by_text, config)
    likeness[likeness < config.least] = 0
    order = np.argsort(-likeness, axis=1, kind="stable")
    kept = np.take_along_axis(likeness, order, axis=1)
    return Alike(np.where(kept > 0, np.take_along_axis(found.place, order, axis=1), -1), kept)


def _together(
    queries: Traits,
    targets: Traits,
    query: NDArray[np.intp],
    target: Places,
    by_text: NDArray[np.float32],
    config: LikenessConfig,
) -> NDArray[np.float32]:
    """(n_pairs,): the weighed sum. Price counts by its ratio: half or double is worth 1/2."""
    theirs, ours = targets.path[target], queries.path[query]
    shared = ((theirs == ours) & (ours > 0)).sum(axis=1)
    depth = np.maximum((theirs > 0).sum(axis=1), (ours > 0).sum(axis=1))
    by_category = shared / np.maximum(depth, 1)
    by_brand = (queries.brand[query] == targets.brand[target]) & (queries.brand[query] > 0)
    ratio = np.abs(queries.log_price[query] - targets.log_price[target])
    by_price = np.nan_to_num(np.exp(-ratio), nan=0.0)
    text = 1 - config.category - config.brand - config.price
    together = text * by_text + config.category * by_category + config.brand * by_brand + config.price * by_price
    return np.asarray(together, np.float32)
