"""Vectors from words and parts of words, where no language network is installed: hashed, weighted by rarity, reduced.

Words and pairs of words, and all runs of three and four letters within a word, each counted into a bucket by its hash;
1 + ln(count) times the inverse document frequency (Salton & Buckley 1988); the two halves at length 1 each; then the
leading singular directions of the catalogue (latent semantic analysis, Deerwester et al. 1990), found by random
projection (Halko, Martinsson & Tropp 2011). Nothing of the words themselves is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.text import SIZE, Vectors, unit_rows

BUCKETS = 2**15
"""Of each half: at 100,000 products of 20,000 words two frequent words seldom share one."""
PORTION = 20_000
"""Texts that are held as counts at once: some 50 MB."""
LEARNED_FROM = 20_000
"""Texts, evenly spread over the catalogue, that the directions are found in; more change little."""
WORD = r"(?u)\b\w+\b"
POWER_STEPS = 4
"""Of the random projection: each sharpens the directions."""


@dataclass(frozen=True, slots=True)
class WordEncoder:
    rarity: NDArray[np.float32]
    """(2·BUCKETS,): inverse document frequency."""
    directions: NDArray[np.float16]
    """(2·BUCKETS, SIZE)"""
    name: ClassVar[str] = "words"

    def encode(self, texts: Sequence[str]) -> Vectors:
        directions = self.directions.astype(np.float32)
        parts = [
            _weighed(_counted(texts[first : first + PORTION]), self.rarity) @ directions
            for first in range(0, len(texts), PORTION)
        ]
        found = np.concatenate(parts) if parts else np.zeros((0, SIZE), np.float32)
        return unit_rows(found, np.array([bool(text) for text in texts], np.bool_))

    def save(self, folder: Path, stem: str) -> None:
        np.save(folder / f"{stem}.word_rarity.npy", self.rarity, allow_pickle=False)
        np.save(folder / f"{stem}.word_directions.npy", self.directions, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, stem: str) -> Self:
        return cls(map_array(folder / f"{stem}.word_rarity.npy"), map_array(folder / f"{stem}.word_directions.npy"))


def fit_words(texts: Sequence[str], seed: int) -> WordEncoder:
    """Learn which words are rare in this catalogue, and the directions in which its texts differ."""
    from sklearn.utils.extmath import randomized_svd  # a second to import, which only learning pays

    step = max(1, len(texts) // LEARNED_FROM)
    learned_from = [text for text in texts[::step] if text]
    counts = _counted(learned_from)
    holding = np.bincount(counts.indices, minlength=2 * BUCKETS)
    rarity = (np.log((1 + len(learned_from)) / (1 + holding)) + 1).astype(np.float32)
    directions = np.zeros((2 * BUCKETS, SIZE), np.float16)
    used = np.flatnonzero(holding)
    n_directions = min(SIZE, len(learned_from), len(used))
    if n_directions:
        table = _weighed(counts, rarity)[:, used]
        _, _, found = randomized_svd(table, n_components=n_directions, n_iter=POWER_STEPS, random_state=seed)
        directions[used, :n_directions] = found.T
    return WordEncoder(rarity, directions)


def _counted(texts: Sequence[str]) -> "scipy.sparse.csr_array":
    """(n_texts, 2·BUCKETS) counts: whole words and pairs in the first half, runs of letters in the second."""
    from sklearn.feature_extraction.text import HashingVectorizer  # a second to import, off the request path

    words = HashingVectorizer(
        n_features=BUCKETS, ngram_range=(1, 2), token_pattern=WORD, alternate_sign=False, norm=None
    )
    letters = HashingVectorizer(
        n_features=BUCKETS, ngram_range=(3, 4), analyzer="char_wb", alternate_sign=False, norm=None
    )
    if not len(texts):
        return scipy.sparse.csr_array((0, 2 * BUCKETS), dtype=np.float32)
    halves = [each.transform(texts).astype(np.float32) for each in (words, letters)]
    return scipy.sparse.csr_array(scipy.sparse.hstack(halves, format="csr"))


def _weighed(counts: "scipy.sparse.csr_array", rarity: NDArray[np.float32]) -> "scipy.sparse.csr_array":
    weighed = counts.copy()
    weighed.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    half = 2 * row + (counts.indices >= BUCKETS)
    square = np.bincount(half, weights=weighed.data**2, minlength=2 * counts.shape[0])
    weighed.data = (weighed.data / np.sqrt(np.maximum(square, 1e-12))[half]).astype(np.float32)
    return weighed
