"""What the ranker looks at: one row per candidate, made by the same function when learning and when serving."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.recommendation.anchors import anchors_of
from smartshop.ai_agents.recommendation.mixing import Mixed
from smartshop.ai_agents.recommendation.ranker_columns import FROM_BLEND, feature_names
from smartshop.ai_agents.recommendation.source import Anchors, ShelfView
from smartshop.ai_agents.recommendation.sources import HANDED_ON, SOURCES
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Surface

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]

HOUR = 3_600_000_000
"""µs"""
DAY = 24 * HOUR
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""
SURFACES = {surface: float(number) for number, surface in enumerate(Surface)}
DEVICES = {"mobile": 1.0, "desktop": 2.0, "tablet": 3.0}
"""Others and unknown ones: 0."""


@dataclass(frozen=True, slots=True)
class ShelfFacts:
    """What is the same for every question on one catalogue; all (n_products,)."""

    of: Shelf
    price: Floats
    """ln of the price in minor units; NaN without one."""
    price_level: Floats
    """ln of the price against the median of the leaf category; NaN without one."""
    family: Numbers
    """Code of the category path without its last part."""

    def fits(self, shelf: Shelf) -> bool:
        """Whether this is still true of a shelf: a change of stock makes no difference."""
        return self.of.price_minor is shelf.price_minor and self.of.category is shelf.category


def shelf_facts(shelf: Shelf) -> ShelfFacts:
    priced = shelf.price_minor > 0
    price = np.full(shelf.n_products, np.nan)
    price[priced] = np.log(shelf.price_minor[priced])
    median = np.full(len(shelf.categories), np.nan)
    rows = np.flatnonzero(priced)
    rows = rows[np.lexsort((price[rows], shelf.category[rows]))]
    category, first, count = np.unique(shelf.category[rows], return_index=True, return_counts=True)
    lower, upper = price[rows][first + (count - 1) // 2], price[rows][first + count // 2]
    median[category] = (lower + upper) / 2
    families: dict[tuple[str, ...], int] = {}
    code = np.array([families.setdefault(path[:-1], len(families)) for path in shelf.categories], np.int32)
    return ShelfFacts(
        of=shelf,
        price=price.astype(np.float32),
        price_level=(price - median[shelf.category]).astype(np.float32),
        family=code[shelf.category] if len(code) else np.zeros(0, np.int32),
    )


def features_of(
    question: Question,
    view: ShelfView,
    facts: ShelfFacts,
    mixed: Mixed,
    product_no: Numbers,
    log_odds: NDArray[np.floating],
    *,
    sources: Sequence[str] = SOURCES,
) -> Floats:
    """(n, f) float32 C-contiguous, columns as `feature_names(sources)`. `log_odds`: (n,) the blend's.

    `product_no`: (n,) distinct. `sources`: those that the ranker learned with; one unknown here listed nothing.
    """
    listed = [_listed(mixed, name) for name in sources]
    places = _places(product_no, [*listed, mixed.blended.product_no])
    table = np.empty((len(product_no), len(feature_names(sources))), np.float32)
    n = len(sources)
    table[:, :n] = places[:, :n]
    table[:, n] = log_odds
    table[:, n + 1] = places[:, n]
    table[:, n + 2] = np.count_nonzero(places[:, :n], axis=1)
    anchors = anchors_of(mixed.moment)
    columns: list[Floats | float] = [
        *_of_product(question, view, facts, product_no),
        *_of_match(question, facts, anchors, product_no),
        *_of_shopper(question, facts, anchors, mixed),
        *_of_context(question),
    ]
    for number, column in enumerate(columns, start=n + len(FROM_BLEND)):
        table[:, number] = column
    return table


def _listed(mixed: Mixed, source: str) -> Numbers:
    """Nothing of what no logged slate can tell of, or the ranker would meet at requests what it never learned from."""
    if source not in SOURCES or source in HANDED_ON:
        return np.zeros(0, np.int32)
    return mixed.drawn[SOURCES.index(source)].product_no


def _places(product_no: Numbers, lists: Sequence[Numbers]) -> Floats:
    """(n, n_lists): 1 ÷ place of each product in each list, 0 where it is not in it."""
    found = np.zeros((len(product_no), len(lists)), np.float32)
    sizes = [len(each) for each in lists]
    if not len(product_no) or not sum(sizes):
        return found
    order = np.argsort(product_no)
    ascending = product_no[order]
    everything = np.concatenate(lists)
    at = np.minimum(np.searchsorted(ascending, everything), len(order) - 1)
    hit = np.flatnonzero(ascending[at] == everything)
    place = np.concatenate([np.arange(1, size + 1) for size in sizes])
    found[order[at[hit]], np.repeat(np.arange(len(lists)), sizes)[hit]] = 1.0 / place[hit]
    return found


def _of_product(question: Question, view: ShelfView, facts: ShelfFacts, product_no: Numbers) -> Sequence[Floats]:
    shelf = question.shelf
    published, available = shelf.published_at[product_no], shelf.available[product_no]
    days = np.where(published > 0, np.maximum(question.now - published, 0) / DAY, np.nan)
    return (
        facts.price[product_no],
        facts.price_level[product_no],
        np.log1p(days),
        np.log1p(view.demand[product_no]),
        np.where(available >= 0, np.log1p(np.maximum(available, 0)), np.nan),
    )


def _of_match(question: Question, facts: ShelfFacts, anchors: Anchors, product_no: Numbers) -> Sequence[Floats]:
    shelf, n = question.shelf, len(product_no)
    price, level = _liked(facts.price, anchors), _liked(facts.price_level, anchors)
    if len(anchors.product_no):
        share = (anchors.weight / anchors.weight.sum()).astype(np.float32)
        category, family, brand = (
            (code[product_no][:, None] == code[anchors.product_no]) @ share
            for code in (shelf.category, facts.family, shelf.brand)
        )
        loudest = shelf.category[product_no] == shelf.category[anchors.product_no[0]]
    else:
        category = family = brand = loudest = np.full(n, np.nan, np.float32)
    times, bought, since = _known(question, product_no)
    return (
        facts.price[product_no] - price,
        facts.price_level[product_no] - level,
        category,
        family,
        brand,
        loudest,
        times,
        bought,
        since,
    )


def _known(question: Question, product_no: Numbers) -> tuple[Floats, Floats, Floats]:
    """(n,) each: signs of the shopper's history about the product, orders among them, ln of days since the last."""
    n, history = len(product_no), question.history
    if not n or not len(history):
        nothing = np.zeros(n, np.float32)
        return nothing, nothing, np.full(n, np.nan, np.float32)
    order = np.argsort(product_no)
    ascending = product_no[order]
    at = np.minimum(np.searchsorted(ascending, history), n - 1)
    hit = np.flatnonzero(ascending[at] == history)
    row = order[at[hit]]
    bought = question.history_bought[hit] if len(question.history_bought) else np.zeros(len(hit))
    newest = np.zeros(n, np.int64)
    np.maximum.at(newest, row, question.history_at[hit])
    since = np.where(newest > 0, np.log1p(np.maximum(question.now - newest, 0) / DAY), np.nan)
    return (
        np.bincount(row, minlength=n).astype(np.float32),
        np.bincount(row, weights=bought, minlength=n).astype(np.float32),
        since.astype(np.float32),
    )


def _of_shopper(question: Question, facts: ShelfFacts, anchors: Anchors, mixed: Mixed) -> Sequence[float]:
    at = question.history_at
    since = np.log1p(max(int(question.now) - int(at[-1]), 0) / DAY) if len(at) else np.nan
    return (
        float(np.log1p(len(question.history))),
        float(since),
        _liked(facts.price, anchors),
        _liked(facts.price_level, anchors),
        float(len(mixed.moment.focus)),
    )


def _of_context(question: Question) -> Sequence[float]:
    """The hour is UTC's: which hours are one shop's evening is for the trees to find."""
    hours = int(question.now) // HOUR
    return (
        SURFACES[question.surface],
        DEVICES.get(question.context.device or "", 0.0),
        float(hours % 24),
        float((hours // 24 + EPOCH_WEEKDAY) % 7),
    )


def _liked(values: Floats, anchors: Anchors) -> float:
    """Weighted mean over the shopper's products; NaN where none has a value."""
    of = values[anchors.product_no]
    weight = np.where(np.isnan(of), 0.0, anchors.weight)
    total = float(weight.sum())
    return float(np.where(np.isnan(of), 0.0, of) @ weight) / total if total > 0 else float("nan")
