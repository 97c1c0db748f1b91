"""What lists are beside right: how much of the catalogue they show, how unknown and how unlike their products are."""

import numpy as np
import scipy  # its parts load when first used, which is when judging
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.metrics import Bootstrap, Interval
from smartshop.ai_agents.shelf import Shelf

Numbers = NDArray[np.int32]
Floats = NDArray[np.float64]

NONE = -1
"""Stands in lists for places that were left empty."""
COVERAGE_RESAMPLES = 200
"""Enough for a standard error."""
NORMAL_95 = 1.959964
"""Standard errors on either side that hold 95 % of a normal distribution."""


def surprise_of(shoppers: NDArray[np.integer], n_shoppers: int) -> Floats:
    """(n_products,) bits: −log2 of the share of shoppers who know a product (Vargas & Castells 2011, eq. 1).

    `shoppers`: (n_products,) who know it. One more shopper knows everything, so that the unknown is finite.
    """
    return np.asarray(-np.log2((shoppers + 1.0) / (n_shoppers + 1.0)))


def novelty(shown: Numbers, surprise: Floats) -> Floats:
    """(n_questions,) mean surprise of each list; NaN for an empty one.

    `shown`: (n_questions, cut) products, `NONE` where a place is empty; `surprise`: (n_products,).
    """
    stands = shown != NONE
    total = np.where(stands, surprise[np.where(stands, shown, 0)], 0.0).sum(axis=1)
    return _over(total, stands.sum(axis=1))


def diversity(shown: Numbers, shelf: Shelf) -> Floats | None:
    """(n_questions,) mean over the pairs of each list of 1 − similarity; NaN for fewer than two products.

    Similarity is the mean of what the shop has: the shared part of both category paths (over the longer one), and the
    same brand. None where the shop has neither categories nor brands (intra-list distance, Ziegler et al. 2005).
    """
    paths = _path_codes(shelf)
    has_brands = len(shelf.brands) > 1
    if not paths.shape[1] and not has_brands:
        return None
    total, pairs = np.zeros(len(shown)), np.zeros(len(shown))
    for first in range(shown.shape[1]):
        for second in range(first + 1, shown.shape[1]):
            both = (shown[:, first] != NONE) & (shown[:, second] != NONE)
            one, other = shown[both, first], shown[both, second]
            alike = []
            if paths.shape[1]:
                alike.append(_shared(paths[shelf.category[one]], paths[shelf.category[other]]))
            if has_brands:
                alike.append(((shelf.brand[one] == shelf.brand[other]) & (shelf.brand[one] != 0)).astype(np.float64))
            total[both] += 1.0 - np.mean(alike, axis=0)
            pairs[both] += 1
    return _over(total, pairs)


def coverage(shown: Numbers, alive: NDArray[np.bool_], bootstrap: Bootstrap) -> Interval:
    """Share of the living products that stand in at least one list, ± 1.96 bootstrap standard errors over shoppers.

    Not a percentile interval: a resample holds fewer distinct shoppers, so it always covers less than the sample did.
    """
    n_living = max(int(alive.sum()), 1)
    n_shoppers = bootstrap.drawn.shape[1]
    stands = shown != NONE
    rows = np.repeat(bootstrap.group, stands.sum(axis=1))
    holds = scipy.sparse.csr_array((np.ones(len(rows), np.float32), (rows, shown[stands])), (n_shoppers, len(alive)))
    share = float((holds.sum(axis=0) > 0).sum()) / n_living
    drawn = scipy.sparse.csr_array((bootstrap.drawn[:COVERAGE_RESAMPLES] > 0).astype(np.float32))
    counts = np.diff((drawn @ holds).tocsr().indptr)
    error = NORMAL_95 * float(np.std(counts)) / n_living
    return Interval(mean=share, low=max(share - error, 0.0), high=min(share + error, 1.0))


def _over(total: Floats, count: NDArray[np.number]) -> Floats:
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _path_codes(shelf: Shelf) -> NDArray[np.int32]:
    """(n_categories, depth): a code for every beginning of each path, `NONE` beyond its end."""
    depth = max((len(path) for path in shelf.categories), default=0)
    codes = np.full((len(shelf.categories), depth), NONE, np.int32)
    known: dict[tuple[str, ...], int] = {}
    for row, path in enumerate(shelf.categories):
        for length in range(1, len(path) + 1):
            codes[row, length - 1] = known.setdefault(path[:length], len(known))
    return codes


def _shared(one: NDArray[np.int32], other: NDArray[np.int32]) -> Floats:
    """(n,): levels in common over the levels of the longer path. Both: (n, depth)."""
    longer = np.maximum((one != NONE).sum(axis=1), (other != NONE).sum(axis=1))
    common = ((one == other) & (one != NONE)).sum(axis=1)
    return np.asarray(common / np.maximum(longer, 1))
