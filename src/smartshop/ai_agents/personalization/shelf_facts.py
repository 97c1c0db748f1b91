"""What the advice needs of a shelf beyond its arrays, worked out once per catalogue."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.shelf import Shelf

_WORD = re.compile(r"\w+")


def words_of(text: str) -> frozenset[str]:
    """Words without case and plural ending, of two letters and more, and numbers.

    >>> sorted(words_of("Two TENTS, 1 stove"))
    ['1', 'stove', 'tent', 'two']
    """
    found = (word.rstrip("s") for word in _WORD.findall(text.casefold()))
    return frozenset(word for word in found if len(word) > 1 or word.isdigit())


class ShelfFacts:
    """Facts of one catalogue; a shelf on which only stock moved shares them."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._words: dict[int, frozenset[str]] = {}

    def serves(self, shelf: Shelf) -> bool:
        mine = self._shelf
        return mine.titles is shelf.titles and mine.category is shelf.category and mine.price_minor is shelf.price_minor

    def words(self, numbers: Sequence[int]) -> list[frozenset[str]]:
        """Words of each product's title, category path and brand; remembered from the first asking on."""
        known = self._words
        return [known.get(number) or self._read(number) for number in numbers]

    def _read(self, number: int) -> frozenset[str]:
        shelf = self._shelf
        path, brand = shelf.categories[int(shelf.category[number])], shelf.brands[int(shelf.brand[number])]
        found = self._words[number] = words_of(" ".join((shelf.titles[number], *path, brand)))
        return found

    @cached_property
    def department_of(self) -> NDArray[np.int32]:
        """(n_categories,): code of the first step of the path; 0 for the empty path."""
        codes: dict[str, int] = {}
        found = [codes.setdefault(path[0], len(codes) + 1) if path else 0 for path in self._shelf.categories]
        return np.array(found, dtype=np.int32)

    @cached_property
    def price_level(self) -> NDArray[np.float32]:
        """(n_products,): log of price over the typical price of its category; NaN where there is no price."""
        shelf = self._shelf
        price = shelf.price_minor.astype(np.float64)
        level = np.log(price, out=np.full(len(price), np.nan), where=price > 0)
        priced = np.isfinite(level)
        n_categories = len(shelf.categories)
        count = np.bincount(shelf.category[priced], minlength=n_categories)
        total = np.bincount(shelf.category[priced], weights=level[priced], minlength=n_categories)
        return (level - (total / np.maximum(count, 1))[shelf.category]).astype(np.float32)
