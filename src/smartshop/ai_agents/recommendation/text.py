"""What is written of a product, as one text, and what turns such texts into short vectors.

There are two encoders: `text_network` understands meaning and needs an extra, `text_words` counts words and parts of
words and needs nothing. A vector has `SIZE` numbers and length 1; one of a product without any word is nought.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.shelf import Shelf

Vectors = NDArray[np.float32]

SIZE = 64
"""Numbers per vector: 128 bytes a product as float16, 12.8 MB per 100,000."""
MOST_ATTRIBUTES = 6
"""The first by name: what a shop says of a product shortest is what it filters by."""
LONGEST_ATTRIBUTE = 60
"""Characters; longer ones are prose or addresses."""
LONGEST_TEXT = 400
"""Characters that are read: titles and what stands beside them are shorter."""


class Encoder(Protocol):
    """Fitted on a catalogue's texts; the same text gives the same vector whatever stands beside it."""

    name: ClassVar[str]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, SIZE), each of length 1, or nought where there is no word."""

    def save(self, folder: Path, stem: str) -> None:
        """Write plain arrays and the like, every file's name beginning with `stem`."""


def texts_of(shelf: Shelf, products: Iterable[int]) -> list[str]:
    """Title, category path, brand and a few attributes, lower case; empty where the shop wrote no letter."""
    return [_text_of(shelf, number) for number in products]


def _text_of(shelf: Shelf, number: int) -> str:
    title = shelf.titles[number]
    parts = [title] if any(letter.isalpha() for letter in title) else []
    parts += [*shelf.categories[shelf.category[number]], shelf.brands[shelf.brand[number]]]
    if number < len(shelf.attributes):
        parts += _short_words(shelf.attributes[number])
    return ", ".join(part for part in parts if part)[:LONGEST_TEXT].lower()


def _short_words(attributes: Mapping[str, Any]) -> list[str]:
    """Any: whatever JSON the shop keeps."""
    found: list[str] = []
    for name in sorted(attributes):
        value = attributes[name]
        words = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        joined = " ".join(words)
        if any(letter.isalpha() for letter in joined) and len(joined) <= LONGEST_ATTRIBUTE:
            found.append(joined)
    return found[:MOST_ATTRIBUTES]


def unit_rows(vectors: NDArray[np.floating], has_text: NDArray[np.bool_]) -> Vectors:
    """(n, SIZE): each row at length 1; nought where there is no text, or nothing in it that was ever seen."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    told = has_text & (length > 1e-6)
    scaled = np.zeros((len(vectors), SIZE), np.float32)
    scaled[told, : vectors.shape[1]] = vectors[told] / length[told, None]
    return scaled
