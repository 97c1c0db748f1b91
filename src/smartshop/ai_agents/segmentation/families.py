"""Families of products for shops without categories: what is called alike and bought together belongs together.

Titles give a TF-IDF space, orders another (which orders hold the product); both are reduced by truncated singular value
decomposition (latent semantic analysis: Deerwester et al. 1990), set side by side and parted by k-means.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.segmentation.family_names import name_families
from smartshop.ai_agents.segmentation.title_words import DESCRIBING, words_of
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity

PRODUCTS_PER_FAMILY = 100
FEWEST, MOST = 10, 40
"""A shop with fewer different titles than the fewest has no families."""
MIN_TITLES = 2
"""Titles in which a word must stand to count: else it is a name, and groups nothing."""
DESCRIBING_WEIGHT = 0.2
"""Of a colour, size or pack word in a title, beside 1 for a word that says what it is."""
TITLE_DIMENSIONS = 48
ORDER_DIMENSIONS = 32
ORDER_WEIGHT = 0.6
"""Length of a product's vector of orders, beside 1 for its title."""
MAX_ORDER_LINES = 200
"""Larger orders are a wholesaler's whole range and say nothing of what goes together."""
MAX_ORDERS = 100_000
"""The newest so many orders are learned from."""
MAX_PRODUCTS = 100_000
"""k-means is fitted on the most bought so many; the rest join by title."""
STARTS = 3


@dataclass(frozen=True, slots=True)
class Families:
    of_product: NDArray[np.int32]
    """(n_products,) -1: not sold as a product, or its title says nothing."""
    names: tuple[str, ...]
    words: tuple[str, ...]
    word_weights: NDArray[np.float32]
    """(n_words, n_families): mean TF-IDF weight of the word in the family's titles."""


def learn_families(activity: CustomerActivity, shelf: Shelf, rng: np.random.Generator) -> Families:
    """The same activity, shelf and generator state give the same families."""
    titles = [words_of(title) if alive else [] for title, alive in zip(shelf.titles, shelf.alive.tolist(), strict=True)]
    words, tf_idf = _tf_idf(titles)
    told = np.flatnonzero(np.diff(tf_idf.indptr) > 0)
    distinct = len({frozenset(titles[number]) for number in told.tolist()})
    n_families = min(max(len(told) // PRODUCTS_PER_FAMILY, FEWEST), MOST, distinct)
    if distinct < FEWEST:
        return _none(shelf.n_products)
    lines = np.bincount(activity.line_product[activity.line_product >= 0], minlength=shelf.n_products)
    lines = lines[: shelf.n_products]
    fitted = np.sort(told[np.argsort(-lines[told], kind="stable")[:MAX_PRODUCTS]])
    # One thread: the order of additions, and with it the families, must not depend on the machine's cores.
    with threadpool_limits(limits=1):
        vectors = _vectors(activity, tf_idf, fitted, rng)
        seed = int(rng.integers(2**31))
        weight = 1.0 + np.log1p(lines[fitted])
        labels = KMeans(n_families, n_init=STARTS, random_state=seed).fit(vectors, sample_weight=weight).labels_
    labels = _by_size(labels, weight)
    of_product = np.full(shelf.n_products, -1, np.int32)
    of_product[fitted] = labels
    member = scipy.sparse.csr_array(
        (np.ones(len(fitted)), (labels, np.arange(len(fitted)))), shape=(int(labels.max()) + 1, len(fitted))
    )
    per_family = np.asarray(member.sum(axis=1)).ravel()
    word_weights = ((member @ tf_idf[fitted]).toarray() / per_family[:, None]).T.astype(np.float32)
    rest = np.setdiff1d(told, fitted)
    if len(rest):
        of_product[rest] = np.asarray(tf_idf[rest] @ word_weights).argmax(axis=1)
    names = name_families([shelf.titles[number] for number in fitted.tolist()], labels, weight)
    return Families(of_product=of_product, names=names, words=words, word_weights=word_weights)


def _none(n_products: int) -> Families:
    return Families(np.full(n_products, -1, np.int32), (), (), np.empty((0, 0), np.float32))


def _tf_idf(titles: list[list[str]]) -> tuple[tuple[str, ...], "scipy.sparse.csr_array"]:
    """The words that at least two titles share, and (n_titles, n_words) rows of length 1 (or empty)."""
    in_titles = Counter(word for title in titles for word in set(title))
    words = tuple(sorted(word for word, count in in_titles.items() if count >= MIN_TITLES))
    place = {word: index for index, word in enumerate(words)}
    known = [sorted({place[word] for word in title if word in place}) for title in titles]
    rows = np.repeat(np.arange(len(titles)), [len(columns) for columns in known])
    columns = np.array([column for columns in known for column in columns], np.int64)
    counts = scipy.sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(titles), len(words)))
    n_told = max(sum(1 for title in titles if title), 1)
    describing = np.array([word in DESCRIBING for word in words], np.bool_)
    idf = np.log((1 + n_told) / (1 + np.array([in_titles[word] for word in words], np.float64))) + 1.0
    idf *= np.where(describing, DESCRIBING_WEIGHT, 1.0)
    return words, _unit_rows((counts @ scipy.sparse.diags_array(idf)).tocsr())


def _unit_rows(matrix: "scipy.sparse.csr_array") -> "scipy.sparse.csr_array":
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (scipy.sparse.diags_array(1.0 / np.where(length > 0, length, 1.0)) @ matrix).tocsr()


def _vectors(
    activity: CustomerActivity, tf_idf: "scipy.sparse.csr_array", fitted: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """(n_fitted, dimensions): titles and, where there are orders, who was bought with whom."""
    by_title = _reduced(tf_idf[fitted], TITLE_DIMENSIONS, rng)
    orders = _orders(activity, tf_idf.shape[0])
    if min(orders.shape) <= ORDER_DIMENSIONS:
        return by_title
    return np.hstack((by_title, ORDER_WEIGHT * _reduced(orders[fitted], ORDER_DIMENSIONS, rng)))


def _reduced(matrix: "scipy.sparse.csr_array", dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rows of length 1 (or 0) in at most so many dimensions."""
    n = min(dimensions, min(matrix.shape) - 1)
    reduced = TruncatedSVD(max(n, 1), n_iter=4, random_state=int(rng.integers(2**31))).fit_transform(matrix)
    length = np.linalg.norm(reduced, axis=1, keepdims=True)
    return np.asarray(reduced / np.where(length > 0, length, 1.0), np.float64)


def _orders(activity: CustomerActivity, n_products: int) -> "scipy.sparse.csr_array":
    """(n_products, n_orders) which orders hold the product, an order counting less the more it holds."""
    size = np.bincount(activity.line_order, minlength=len(activity.order_at))
    newest = np.argsort(-activity.order_at, kind="stable")[:MAX_ORDERS]
    counts = np.zeros(len(size), np.bool_)
    counts[newest] = True
    counts &= (size > 1) & (size <= MAX_ORDER_LINES)
    kept = counts[activity.line_order] & (activity.line_product >= 0) & (activity.line_product < n_products)
    distinct = np.unique(activity.line_product[kept].astype(np.int64) << 32 | activity.line_order[kept])
    product, order = distinct >> 32, distinct & (2**32 - 1)
    numbers, column = np.unique(order, return_inverse=True)
    weight = 1.0 / np.sqrt(size[order])
    return _unit_rows(scipy.sparse.csr_array((weight, (product, column)), shape=(n_products, len(numbers))))


def _by_size(labels: NDArray[np.int32], weight: NDArray[np.float64]) -> NDArray[np.int32]:
    """Families numbered from the most bought on, empty ones left out."""
    _, family = np.unique(labels, return_inverse=True)
    order = np.argsort(-np.bincount(family, weights=weight), kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    return rank[family]
