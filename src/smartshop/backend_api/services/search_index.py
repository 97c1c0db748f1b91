"""Words to products: an inverted index over title, brand and category, in memory and immutable.

BM25 (Robertson & Zaragoza 2009, eq. 3.15) with k1 = 1.2 and b = 0 (titles are all about as long), each field's words
counted with a weight. A word also finds the words it begins (`ten` → tent, tents) at a discount. Libraries were looked
at first: bm25s knows no prefixes and tantivy keeps an index of its own on disk; facets and filters are arrays here
anyway.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.shelf import Shelf

TITLE_WEIGHT, BRAND_WEIGHT, CATEGORY_WEIGHT = 3.0, 2.0, 1.5
SATURATION = 1.2
PREFIX_DISCOUNT = 0.6
MAX_QUERY_WORDS = 16
MAX_PREFIX_WORDS = 200
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Postings:
    product_no: NDArray[np.int32]
    weight: NDArray[np.float32]
    """(n,): saturated term frequency × idf."""


@dataclass(frozen=True, slots=True)
class SearchIndex:
    n_products: int
    vocabulary: tuple[str, ...]
    """Sorted, so that the words beginning with a prefix stand together."""
    postings: tuple[Postings, ...]

    def scores(self, query: str) -> NDArray[np.float32]:
        """(n_products,): how well each product answers; 0 where it does not.

        A product must answer every word; when none does, those that answer most words win.
        """
        words = list(dict.fromkeys(words_of(query)))[:MAX_QUERY_WORDS]
        total = np.zeros(self.n_products, np.float32)
        answered = np.zeros(self.n_products, np.int32)
        for word in words:
            score = self._score_of(word)
            total += score
            answered += score > 0
        if not words:
            return total
        most = answered.max(initial=0)
        return np.where(answered == most, total, 0).astype(np.float32)

    def _score_of(self, word: str) -> NDArray[np.float32]:
        score = np.zeros(self.n_products, np.float32)
        start = bisect_left(self.vocabulary, word)
        for at in range(start, min(start + MAX_PREFIX_WORDS, len(self.vocabulary))):
            found = self.vocabulary[at]
            if not found.startswith(word):
                break
            share = 1.0 if found == word else PREFIX_DISCOUNT
            postings = self.postings[at]
            score[postings.product_no] = np.maximum(score[postings.product_no], postings.weight * share)
        return score


def words_of(text: str) -> Iterator[str]:
    """Words in lower case without accents, a plural's s dropped.

    >>> list(words_of("Crème brûlée SETS, 2-person"))
    ['creme', 'brulee', 'set', '2', 'person']
    """
    folded = text.lower() if text.isascii() else _without_accents(text)
    for word in _WORD.findall(folded):
        yield word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def build_index(shelf: Shelf) -> SearchIndex:
    """Read every living product's words once."""
    category_words = [_weighted(" ".join(path), CATEGORY_WEIGHT) for path in shelf.categories]
    brand_words = [_weighted(brand, BRAND_WEIGHT) for brand in shelf.brands]
    found: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    for number in np.flatnonzero(shelf.alive).tolist():
        counts = _weighted(shelf.titles[number], TITLE_WEIGHT)
        for more in (category_words[shelf.category[number]], brand_words[shelf.brand[number]]):
            for word, weight in more.items():
                counts[word] = counts.get(word, 0.0) + weight
        for word, weight in counts.items():
            numbers, weights = found[word]
            numbers.append(number)
            weights.append(weight)
    vocabulary = tuple(sorted(found))
    n_alive = int(shelf.alive.sum())
    return SearchIndex(shelf.n_products, vocabulary, tuple(_postings(*found[word], n_alive) for word in vocabulary))


def _postings(numbers: list[int], weights: list[float], n_alive: int) -> Postings:
    frequency = np.asarray(weights, np.float32)
    idf = np.log1p((n_alive - len(numbers) + 0.5) / (len(numbers) + 0.5))
    saturated = frequency * (SATURATION + 1) / (frequency + SATURATION)
    return Postings(np.asarray(numbers, np.int32), (idf * saturated).astype(np.float32))


def _weighted(text: str, weight: float) -> dict[str, float]:
    counts: dict[str, float] = {}
    for word in words_of(text):
        counts[word] = counts.get(word, 0.0) + weight
    return counts


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
