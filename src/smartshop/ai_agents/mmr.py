"""Maximal marginal relevance: each next place to what is relevant and unlike what stands above (Carbonell & Goldstein
1998, equation 1), over the head of a list.

    next = argmax over the rest of  λ · relevance(i) − (1 − λ) · max over the chosen of likeness(i, j)

Relevance is the score, spread over 0 to 1 within the head, so that λ means the same for every model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Numbers
from smartshop.ai_agents.limits import Room
from smartshop.ai_agents.shelf import Shelf

POOL = 40
"""Candidates that are compared with each other; what stands further down waits."""
PLACES = 20
"""Places that are given out so; nobody compares the thirtieth with the third."""


class Likeness(Protocol):
    """How alike products are."""

    def between(self, shelf: Shelf, product_no: Numbers) -> NDArray[np.float32]:
        """(n, n), symmetric, 0 (nothing in common) to 1."""


@dataclass(frozen=True, slots=True)
class ShelfLikeness:
    """From the catalogue alone; what is not known of a product makes it like nobody. The weights sum to 1."""

    category: float = 0.6
    """Weight of the share of the category path in common, from the top."""
    brand: float = 0.25
    """Weight of being of one brand."""
    price: float = 0.15
    """Weight of the cheaper price over the dearer one: half at twice the price."""

    def between(self, shelf: Shelf, product_no: Numbers) -> NDArray[np.float32]:
        brand = shelf.brand[product_no]
        same_brand = (brand[:, None] == brand[None, :]) & (brand > 0)[:, None]
        price = np.maximum(shelf.price_minor[product_no], 0).astype(np.float32)
        dearer = np.maximum(price[:, None], price[None, :])
        cheaper = np.minimum(price[:, None], price[None, :])
        near = np.divide(cheaper, dearer, out=np.zeros_like(dearer), where=dearer > 0)
        alike = self.category * _path_overlap(shelf, product_no) + self.brand * same_brand + self.price * near
        return np.asarray(alike, dtype=np.float32)


def _path_overlap(shelf: Shelf, product_no: Numbers) -> NDArray[np.float32]:
    """(n, n): common beginning of two category paths over the longer one's length; 0 without a category."""
    codes, place = np.unique(shelf.category[product_no], return_inverse=True)
    paths = [shelf.categories[code] for code in codes.tolist()]
    deepest = max((len(path) for path in paths), default=0)
    if deepest == 0:
        return np.zeros((len(product_no), len(product_no)), dtype=np.float32)
    number_of: dict[tuple[str, ...], int] = {}
    beginnings = np.zeros((len(paths), deepest), dtype=np.int32)  # 0: the path ended before
    for row, path in enumerate(paths):
        for depth in range(len(path)):
            beginnings[row, depth] = number_of.setdefault(path[: depth + 1], len(number_of) + 1)
    # Equal beginnings are equal at every depth above, so that counting equals is enough.
    common = ((beginnings[:, None] == beginnings[None]) & (beginnings > 0)[:, None]).sum(axis=2)
    length = (beginnings > 0).sum(axis=1)
    longer = np.maximum(np.maximum(length[:, None], length[None, :]), 1)
    return np.asarray((common / longer)[place[:, None], place[None, :]], dtype=np.float32)


def spread_relevance(scores: NDArray[np.float64], shift: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """0 to 1, lowest to highest score; all 1 where they do not differ.

    `shift` is added in the scores' own measure and may lead outside: one product that a shop raises by much must not
    press the differences between all others together.
    """
    if not len(scores):
        return scores
    low, high = float(scores.min()), float(scores.max())
    span = high - low if high > low else 1.0
    relevance = (scores - low) / span if high > low else np.ones_like(scores)
    return relevance if shift is None else relevance + shift / span


def choose(
    relevance: NDArray[np.float64],
    likeness: NDArray[np.float32],
    n_places: int,
    weight: float,
    *,
    chosen: Sequence[int] = (),
    room: Room | None = None,
    candidates: Sequence[int] = (),
) -> list[int]:
    """Members of the pool for the next `n_places`, in order; fewer where all that are left are closed.

    `relevance`: (n,) 0 to 1; `likeness`: (n + n_chosen, n), the rows of those `chosen` before (pins) behind the pool's;
    `weight`: λ, 1 is relevance alone. `room` closes `candidates` (pool member → candidate).
    """
    n = len(relevance)
    gain = weight * relevance
    nearest = likeness[n:].max(axis=0) if len(chosen) else np.zeros(n, dtype=np.float32)
    waiting = np.ones(n, dtype=np.bool_)
    pool = np.array(candidates, dtype=np.intp)
    picked = list[int]()
    for _ in range(min(n_places, n)):
        open_now = waiting if room is None else waiting & ~room.closed[pool]
        if not open_now.any():
            break
        best = int(np.argmax(np.where(open_now, gain - (1.0 - weight) * nearest, -np.inf)))
        picked.append(best)
        waiting[best] = False
        nearest = np.maximum(nearest, likeness[best])
        if room is not None:
            room.take(candidates[best])
    return picked


# ----------------------------------------------------------------------------------- what diversity costs
@dataclass(frozen=True, slots=True)
class RankedQuestion:
    """One held-out question: what a model would show, best first, and what was wanted."""

    product_no: Numbers
    scores: NDArray[np.float64]
    targets: Numbers


@dataclass(frozen=True, slots=True)
class TradeOff:
    """(n_questions,) each, over the first ten places."""

    weight: float
    ndcg: NDArray[np.float64]
    diversity: NDArray[np.float64]
    """Intra-list: mean of 1 − likeness over pairs (Ziegler et al. 2005)."""
    leaf_categories: NDArray[np.float64]
    """Different ones."""


def trade_off(
    questions: Sequence[RankedQuestion],
    shelf: Shelf,
    weights: Sequence[float],
    likeness: Likeness,
    *,
    n_places: int = 10,
) -> list[TradeOff]:
    """What each λ costs in NDCG and gains in diversity, on the same questions."""
    table = np.zeros((len(weights), 3, len(questions)))
    for number, question in enumerate(questions):
        head = question.product_no[:POOL]
        alike = likeness.between(shelf, head)
        relevance = spread_relevance(np.asarray(question.scores[:POOL], dtype=np.float64))
        for row, weight in enumerate(weights):
            picked = choose(relevance, alike, n_places, weight)
            table[row, 0, number] = _ndcg(head[picked], question.targets, n_places)
            table[row, 1, number] = _unlikeness(alike[np.ix_(picked, picked)])
            table[row, 2, number] = len(np.unique(shelf.category[head[picked]]))
    return [TradeOff(weight, *table[row]) for row, weight in enumerate(weights)]


def _ndcg(shown: Numbers, targets: Numbers, n_places: int) -> float:
    """Binary gains (Järvelin & Kekäläinen 2002)."""
    discount = 1.0 / np.log2(np.arange(2, n_places + 2))
    hits = np.isin(shown, targets)
    ideal = discount[: min(len(targets), n_places)].sum()
    return float((hits * discount[: len(hits)]).sum() / ideal) if ideal else 0.0


def _unlikeness(alike: NDArray[np.float32]) -> float:
    n = len(alike)
    if n < 2:
        return 0.0
    return float(1.0 - (alike.sum() - np.trace(alike)) / (n * (n - 1)))
