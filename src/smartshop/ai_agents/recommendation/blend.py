"""One list out of several: reciprocal-rank fusion with weights tuned on the shop's own held-out shoppers.

score(j) = Σ_s weight_s / (k + rank_s(j)), ranks from 1 (Cormack, Clarke & Büttcher 2009); ours has a weight per source
and a smaller k, since the head of each list is what a slate shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.row_source import best_places, sum_by_product

Numbers = NDArray[np.int32]

DEFAULT_WEIGHTS = {
    "markov": 1.0,
    "sessions": 0.5,
    "slist": 0.6,
    "taste": 0.3,
    "item_to_item": 0.6,
    "bought_together": 0.2,
    "category_trending": 0.3,
    "trending": 0.1,
    "buy_again": 0.3,
    "revisits": 0.5,
    "attention": 1.0,
    "content": 0.2,
    "newcomers": 0.2,
}


class BlendConfig(msgspec.Struct, frozen=True, kw_only=True):
    weights: dict[str, float] = msgspec.field(default_factory=DEFAULT_WEIGHTS.copy)
    """Source → weight ≥ 0; a source not named has none. For lists that may show what the shopper knows."""
    k: Annotated[float, Meta(gt=0, le=100)] = 2.0
    """Ranks to add before inverting: small = the head of each list decides."""
    weights_new: dict[str, float] = {}
    """For lists of new products only, where habits say nothing and must not quieten the rest; empty: as `weights`."""
    k_new: Annotated[float, Meta(gt=0, le=100)] = 2.0
    """As `k`, beside `weights_new`."""
    n: Annotated[int, Meta(ge=1, le=1000)] = 150
    """Length of each source's list."""

    def weights_of(self, sources: Sequence[str]) -> tuple[float, ...]:
        """In the order of these sources."""
        return tuple(self.weights.get(source, 0.0) for source in sources)

    def for_new(self) -> "BlendConfig":
        """The mix for new products only, in the place of the other."""
        if not self.weights_new:
            return self
        return msgspec.structs.replace(self, weights=self.weights_new, k=self.k_new)


@dataclass(frozen=True, slots=True)
class Blended:
    """n distinct products, best first, ties by product_no."""

    product_no: Numbers
    score: NDArray[np.float32]
    origin: NDArray[np.int8]
    """Index into the lists: the one that gave the largest share."""
    place: NDArray[np.intp]
    """Where each stands in that list, from 0."""


def blend(lists: Sequence[Numbers], weights: Sequence[float], k: float, n: int) -> Blended:
    """Fuse ranked lists of distinct products, best first, into one of at most `n`."""
    used = [(source, found, weight) for source, (found, weight) in enumerate(zip(lists, weights, strict=True))]
    used = [entry for entry in used if len(entry[1]) and entry[2] > 0]
    if not used:
        return Blended(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int8), np.zeros(0, np.intp))
    lengths = np.array([len(found) for _, found, _ in used])
    ends = lengths.cumsum()
    rank = np.arange(1, ends[-1] + 1) - (ends - lengths).repeat(lengths)
    shares = np.array([weight for _, _, weight in used], np.float64).repeat(lengths) / (k + rank)
    told = sum_by_product(np.concatenate([found for _, found, _ in used]), shares)
    best = best_places(told.total, n)
    loudest = told.loudest(best)
    of = ends.searchsorted(loudest, side="right")
    return Blended(
        product_no=told.product_no[best],
        score=told.total[best].astype(np.float32),
        origin=np.array([source for source, _, _ in used], np.int8)[of],
        place=rank[loudest] - 1,
    )
