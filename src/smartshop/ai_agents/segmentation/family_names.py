"""What a family of products is called: its two most telling title words, as titles write them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.title_words import (
    DESCRIBING,
    as_name,
    english_plural,
    is_english,
    stem,
    surface_words,
)

_CANDIDATES = 12
"""Words of a family that are tried as its name."""


def name_families(titles: Sequence[str], labels: NDArray[np.int32], weight: NDArray[np.float64]) -> tuple[str, ...]:
    """Distinct names, family 0 choosing first.

    A word tells the more, the larger the share of the family's titles that have it, and the rarer it is elsewhere:
    share · ln(share / share in the shop). The second word is the one that, among the titles with the first, adds most.

    Args:
        titles: (n,), of the products that were parted.
        labels: (n,) family of each.
        weight: (n,) how much a product counts, its sales for instance.
    """
    written = [surface_words(title) for title in titles]
    stems = [[stem(word) for word in words] for words in written]
    in_shop, total = _weights(stems, weight), float(weight.sum())
    surfaces = _surfaces(written, stems, is_english(titles))
    taken: set[str] = set()
    names = []
    for family in range(int(labels.max()) + 1):
        of_family = np.flatnonzero(labels == family)
        name = _name([stems[i] for i in of_family], weight[of_family], in_shop, total, surfaces, taken)
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def _weights(stems: Sequence[list[str]], weight: NDArray[np.float64]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for words, one in zip(stems, weight.tolist(), strict=True):
        for word in dict.fromkeys(words):
            sums[word] += one
    return sums


@dataclass(frozen=True, slots=True)
class Surface:
    """How titles write a word."""

    commonest: str
    plural: str
    """As any title has it; else by the rules of English where titles are English; else the commonest."""


def _surfaces(written: Sequence[list[str]], stems: Sequence[list[str]], english: bool) -> dict[str, Surface]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for words, bare in zip(written, stems, strict=True):
        for word, one in zip(words, bare, strict=True):
            counts[one][word.lower()] += 1
    return {one: _surface(one, counter, english) for one, counter in counts.items()}


def _surface(one: str, counter: Counter[str], english: bool) -> Surface:
    commonest = min(counter, key=lambda word: (-counter[word], word))
    if counter[f"{one}s"]:
        return Surface(commonest, f"{one}s")
    return Surface(commonest, english_plural(commonest) if english else commonest)


def _name(
    stems: Sequence[list[str]],
    weight: NDArray[np.float64],
    in_shop: dict[str, float],
    total: float,
    surfaces: dict[str, Surface],
    taken: set[str],
) -> str:
    inside, size = _weights(stems, weight), float(weight.sum())
    telling = {word: value / size * np.log((value / size) / (in_shop[word] / total)) for word, value in inside.items()}
    best = sorted(telling, key=lambda word: (word in DESCRIBING or is_sensitive(word), -telling[word], word))[
        :_CANDIDATES
    ]
    for first in best:
        together = _weights([words if first in words else [] for words in stems], weight)
        for second in sorted(best, key=lambda word: (-together.get(word, 0.0) * telling[word], word)):
            if second == first or together.get(second, 0.0) <= 0:
                continue
            name = _in_order(first, second, stems, surfaces)
            if name.casefold() not in taken:
                return name
    alone = next(
        (name for name in (as_name(surfaces[word].plural) for word in best) if name.casefold() not in taken),
        "Others",
    )
    return alone if alone.casefold() not in taken else f"{alone} {len(taken) + 1}"


def _in_order(first: str, second: str, stems: Sequence[list[str]], surfaces: dict[str, Surface]) -> str:
    """As titles mostly say it: `Lunch bag`, not `Bag lunch`."""
    ahead = sum(
        1 if words.index(first) < words.index(second) else -1 for words in stems if first in words and second in words
    )
    one, other = (first, second) if ahead >= 0 else (second, first)
    return as_name(f"{surfaces[one].commonest} {surfaces[other].plural}")
