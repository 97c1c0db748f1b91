"""What a shop's products are about: its leaf categories, or families learned from what is bought and how it is called.

Topics are the axes of taste. They are frozen: products that come later join the topic of their category or title.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.reference import Reference, learn_reference
from smartshop.ai_agents.segmentation.title_words import words_of
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.errors import ModelRefused

MAX_TOPICS = 150
MIN_LINES = 25
MIN_SHARE = 0.005
"""A category with less than so many order lines, and less than this share of all, is folded into the one above it."""
_SIGNS_PER_LINE = 4
"""As `INTEREST_WEIGHT` has it: an order says four times what a view does."""
MIN_CATEGORISED = 0.5
"""Least share of what is bought and looked at that must have a category; else families are learned."""
TOPICS_NAME = "topics.json"

CategoryPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topics:
    """t topics over p products. Axis 0 of `topic_of_product` is `product_no`."""

    topic_of_product: NDArray[np.int32]
    """(p,) -1: none."""
    names: tuple[str, ...]
    """(t,) short, distinct, for people: the leaf of the category, or a family's most telling words."""
    paths: tuple[CategoryPath, ...]
    """(t,) category paths; empty tuples for learned families."""
    median_price_minor: NDArray[np.float64]
    """(t,) of the order lines' unit prices; NaN where nothing was sold."""
    words: tuple[str, ...]
    """(w,) what titles are recognised by; empty in shops with categories."""
    word_weights: NDArray[np.float32]
    """(w, t) how much a word in a title speaks for a family."""
    reference: Reference

    def __len__(self) -> int:
        return len(self.names)

    def save(self, folder: Path) -> None:
        np.save(folder / "topics.topic_of_product.npy", self.topic_of_product, allow_pickle=False)
        np.save(folder / "topics.median_price_minor.npy", self.median_price_minor, allow_pickle=False)
        np.save(folder / "topics.word_weights.npy", self.word_weights, allow_pickle=False)
        manifest = _Manifest(names=self.names, paths=self.paths, words=self.words, reference=self.reference)
        (folder / TOPICS_NAME).write_bytes(msgspec.json.encode(manifest))


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]
    paths: tuple[CategoryPath, ...]
    words: tuple[str, ...]
    reference: Reference


def load_topics(folder: Path) -> Topics:
    """Read what `Topics.save` wrote.

    Raises:
        ModelRefused: a part is missing, cut, or does not fit the others.
    """
    try:
        manifest = msgspec.json.decode((folder / TOPICS_NAME).read_bytes(), type=_Manifest)
        topic_of_product, median_price_minor, word_weights = (
            np.load(folder / f"topics.{part}.npy", allow_pickle=False)
            for part in ("topic_of_product", "median_price_minor", "word_weights")
        )
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ModelRefused(f"The topics in {folder.name} cannot be read ({error}); train again.") from None
    n = len(manifest.names)
    if len(manifest.paths) != n or median_price_minor.shape != (n,) or word_weights.shape != (len(manifest.words), n):
        raise ModelRefused(f"The topics in {folder.name} do not fit each other; train again.")
    return Topics(
        topic_of_product=topic_of_product,
        names=manifest.names,
        paths=manifest.paths,
        median_price_minor=median_price_minor,
        words=manifest.words,
        word_weights=word_weights,
        reference=manifest.reference,
    )


def make_topics(activity: CustomerActivity, shelf: Shelf, rng: np.random.Generator, *, timezone: str = "UTC") -> Topics:
    """Learn the shop's topics: its categories where it has at least two, else families of products.

    `timezone`: the shop's own, kept in `reference` for the features.
    """
    reference = learn_reference(activity, timezone)
    weight = _weight_of_products(activity, shelf.n_products)
    if _has_categories(shelf, weight):
        topics = _from_categories(shelf, weight, reference)
    else:
        # scikit-learn loads only where families are learned: a live process reads topics and never makes them.
        from smartshop.ai_agents.segmentation.families import learn_families

        families = learn_families(activity, shelf, rng)
        topics = Topics(
            topic_of_product=families.of_product,
            names=families.names,
            paths=((),) * len(families.names),
            median_price_minor=np.empty(0),
            words=families.words,
            word_weights=families.word_weights,
            reference=reference,
        )
    return replace(topics, median_price_minor=_median_prices(activity, topics))


def extend_topics(topics: Topics, shelf: Shelf) -> Topics:
    """The same topics with products that came later: by category where topics are categories, else by title words."""
    known = len(topics.topic_of_product)
    if shelf.n_products <= known:
        return topics
    if topics.words:
        later = topics_of_titles(shelf.titles[known:], topics.words, topics.word_weights)
    else:
        later = _topics_of_paths(shelf.categories, topics.paths)[shelf.category[known:]]
    return replace(topics, topic_of_product=np.concatenate((topics.topic_of_product, later)))


def topics_of_titles(
    titles: Sequence[str], words: tuple[str, ...], word_weights: NDArray[np.float32]
) -> NDArray[np.int32]:
    """(n_titles,): the family for which a title's known words speak most; -1 where no word is known."""
    place = {word: index for index, word in enumerate(words)}
    found = np.full(len(titles), -1, np.int32)
    for number, title in enumerate(titles):
        known = [place[word] for word in words_of(title) if word in place]
        if known:
            found[number] = int(word_weights[known].sum(axis=0).argmax())
    return found


def topics_at(products: NDArray[np.int32], topics: Topics) -> NDArray[np.int32]:
    """The topic of each product_no; -1 for products of none, unknown ones (-1) and those that came after `topics`."""
    known = (products >= 0) & (products < len(topics.topic_of_product))
    if not len(topics.topic_of_product):
        return np.full(len(products), -1, np.int32)
    return np.where(known, topics.topic_of_product[np.where(known, products, 0)], -1).astype(np.int32)


def _weight_of_products(activity: CustomerActivity, n_products: int) -> NDArray[np.float64]:
    """(n_products,): order lines, and signs about products at a quarter of one."""
    lines = activity.line_product[(activity.line_product >= 0) & (activity.line_product < n_products)]
    signs = activity.sign_product[(activity.sign_product >= 0) & (activity.sign_product < n_products)]
    counts = np.bincount(lines, minlength=n_products) + np.bincount(signs, minlength=n_products) / _SIGNS_PER_LINE
    return np.asarray(counts, np.float64)


def _has_categories(shelf: Shelf, weight: NDArray[np.float64]) -> bool:
    named = np.array([bool(path) for path in shelf.categories], np.bool_)[shelf.category]
    counted = weight if weight.sum() else shelf.alive.astype(np.float64)
    used = {shelf.categories[code] for code in np.unique(shelf.category[named]).tolist()}
    return len(used) > 1 and float(counted[named].sum()) >= MIN_CATEGORISED * float(counted.sum())


def _from_categories(shelf: Shelf, weight: NDArray[np.float64], reference: Reference) -> Topics:
    of_code = np.bincount(shelf.category, weights=weight, minlength=len(shelf.categories))
    present = np.bincount(shelf.category, minlength=len(shelf.categories)) > 0
    weights = {path: float(of_code[code]) for code, path in enumerate(shelf.categories) if path and present[code]}
    paths = tuple(sorted(fold_rare(weights, min_weight=min(MIN_LINES, MIN_SHARE * sum(weights.values())))))
    topic_of_code = _topics_of_paths(shelf.categories, paths)
    return Topics(
        topic_of_product=topic_of_code[shelf.category],
        names=leaf_names(paths),
        paths=paths,
        median_price_minor=np.empty(0),
        words=(),
        word_weights=np.empty((0, len(paths)), np.float32),
        reference=reference,
    )


def fold_rare(
    weights: dict[CategoryPath, float], *, min_weight: float = MIN_LINES, max_topics: int = MAX_TOPICS
) -> list[CategoryPath]:
    """Fold rare paths into those above them, the deepest first; then the rarest, until all are few enough.

    A department is never folded; where departments alone are too many, the rarest are left out.
    """
    kept = dict(weights)
    for depth in range(max(map(len, kept), default=1), 1, -1):
        for path in [path for path, weight in kept.items() if len(path) == depth and weight < min_weight]:
            kept[path[:-1]] = kept.get(path[:-1], 0.0) + kept.pop(path)
    queue = [(weight, path) for path, weight in kept.items() if len(path) > 1]
    heapq.heapify(queue)
    while queue and len(kept) > max_topics:
        weight, path = heapq.heappop(queue)
        if kept.get(path) != weight:
            continue  # it has grown since by what was folded into it, and waits further back
        kept[path[:-1]] = kept.get(path[:-1], 0.0) + kept.pop(path)
        if len(path) > 2:
            heapq.heappush(queue, (kept[path[:-1]], path[:-1]))
    return sorted(kept, key=lambda path: (-kept[path], path))[:max_topics]


def leaf_names(paths: Sequence[CategoryPath]) -> tuple[str, ...]:
    """Names by the last word of the path; where two are alike, with as much of the path as tells them apart.

    >>> leaf_names([("Garden", "Tools"), ("Kitchen", "Tools"), ("Kitchen", "Pans")])
    ('Tools (Garden)', 'Tools (Kitchen)', 'Pans')
    """
    alike = Counter(path[-1].casefold() for path in paths)
    names = [path[-1] if alike[path[-1].casefold()] == 1 else _with_parent(path) for path in paths]
    again = Counter(names)
    return tuple(name if again[name] == 1 else " > ".join(path) for name, path in zip(names, paths, strict=True))


def _with_parent(path: CategoryPath) -> str:
    return f"{path[-1]} ({path[-2]})" if len(path) > 1 else path[-1]


def _topics_of_paths(wanted: Sequence[CategoryPath], paths: Sequence[CategoryPath]) -> NDArray[np.int32]:
    """(n_wanted,): the topic that is the path, or the nearest one above it; -1 for none."""
    places = {path: index for index, path in enumerate(paths)}
    found = np.full(len(wanted), -1, np.int32)
    for number, path in enumerate(wanted):
        nearest = (places[path[:length]] for length in range(len(path), 0, -1) if path[:length] in places)
        found[number] = next(nearest, -1)
    return found


def _median_prices(activity: CustomerActivity, topics: Topics) -> NDArray[np.float64]:
    topic = topics_at(activity.line_product, topics)
    priced = (topic >= 0) & (activity.line_units > 0) & (activity.line_value_minor > 0)
    topic, price = topic[priced], (activity.line_value_minor[priced] / activity.line_units[priced])
    order = np.lexsort((price, topic))
    topic, price = topic[order], price[order]
    counts = np.bincount(topic, minlength=len(topics))
    start = np.cumsum(counts) - counts
    medians = np.full(len(topics), np.nan)
    sold = counts > 0
    low, high = start[sold] + (counts[sold] - 1) // 2, start[sold] + counts[sold] // 2
    medians[sold] = (price[low] + price[high]) / 2
    return medians
