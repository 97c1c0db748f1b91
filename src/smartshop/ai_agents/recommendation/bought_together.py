"""What completes what: products bought in one order beyond chance, without those that merely replace each other.

Where too few pairs were learned, the most wanted products of categories bought with theirs stand in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.beyond_chance import Block, Pairs, beyond_chance
from smartshop.ai_agents.recommendation.pair_counts import incidence
from smartshop.ai_agents.recommendation.row_source import draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows, join_rows, load_rows, map_array, top_rows
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import NOTHING, Anchors, Asked, Drawn, Mask, ShelfView

PARTNER_CATEGORIES = 5
"""Categories that stand in where learned pairs are too few."""


class BoughtTogetherConfig(msgspec.Struct, frozen=True, kw_only=True):
    max_unit_size: Annotated[int, Meta(ge=2, le=10_000)] = 200
    """Distinct products of one order that count."""
    min_support: Annotated[int, Meta(ge=1)] = 3
    """Orders that must hold both products."""
    min_ratio: Annotated[float, Meta(ge=0)] = 10.83
    """Least log-likelihood ratio; 10.83 is one chance in a thousand of χ² with one degree of freedom."""
    min_category_support: Annotated[int, Meta(ge=1)] = 10
    """Orders that must hold both categories, for the back-off."""
    n: Annotated[int, Meta(ge=1, le=1000)] = 50
    """Partners kept per product."""
    n_counted: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """Partners whose orders are counted per product, so that a later order is added to them."""


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """How many orders hold what; sums over orders, so that what was counted apart can be added."""

    n_units: int
    held: NDArray[np.int64]
    """(n,): orders that hold each."""
    both: "scipy.sparse.csr_array"
    """(n, n) int64: orders that hold both; its diagonal is `held`."""


@dataclass(frozen=True, slots=True)
class TogetherCounts:
    """What learned pairs were judged by: kept beside them, so that later orders can be added."""

    n_units: int
    held: NDArray[np.int64]
    """(n,): orders that hold each."""
    kept: Rows
    """Most frequent partners of each; weights and evidence: orders that hold both."""
    added: "scipy.sparse.csr_array | None" = None
    """(n, n) int64: orders that hold both, told since."""

    def save(self, folder: Path, name: str) -> None:
        self.kept.save(folder, name)
        np.save(folder / f"{name}.held.npy", self.held, allow_pickle=False)
        np.save(folder / f"{name}.n_units.npy", self.n_units, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        held, n_units = map_array(folder / f"{name}.held.npy"), map_array(folder / f"{name}.n_units.npy")
        return cls(int(n_units), held, load_rows(folder, name))


@dataclass(frozen=True, slots=True)
class PartnerCounts:
    products: TogetherCounts
    categories: TogetherCounts
    category: NDArray[np.int32]
    """(n_products,): leaf codes as the model numbers them."""
    looked: Rows
    """(n_products, n_products): products of one leaf category looked at together; weights: lift."""

    def save(self, folder: Path) -> None:
        self.products.save(folder, f"{COUNTS_NAME}_products")
        self.categories.save(folder, f"{COUNTS_NAME}_categories")
        self.looked.save(folder, f"{COUNTS_NAME}_looked")
        np.save(folder / f"{COUNTS_NAME}.category.npy", self.category, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(
            products=TogetherCounts.load(folder, f"{COUNTS_NAME}_products"),
            categories=TogetherCounts.load(folder, f"{COUNTS_NAME}_categories"),
            category=map_array(folder / f"{COUNTS_NAME}.category.npy"),
            looked=load_rows(folder, f"{COUNTS_NAME}_looked"),
        )


@dataclass(frozen=True, slots=True)
class BoughtTogether:
    name: ClassVar[str] = "bought_together"

    products: Rows
    """(n_products, n_products); evidence: orders with both."""
    categories: Rows
    """(n_categories, n_categories), over the model's leaf category codes; evidence: orders with both."""
    counts: PartnerCounts | None = None
    """None in a model of before there were any; such a one learns by training alone."""

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_partners(self, view, asked.completing, asked.eligible, n)

    def save(self, folder: Path) -> None:
        self.products.save(folder, self.name)
        self.categories.save(folder, f"{self.name}_categories")
        if self.counts is not None:
            self.counts.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        counts = PartnerCounts.load(folder) if (folder / f"{COUNTS_NAME}.category.npy").exists() else None
        return cls(load_rows(folder, cls.name), load_rows(folder, f"{cls.name}_categories"), counts)


COUNTS_NAME = "bought_together_counts"


def fit_bought_together(
    sequences: Sequences, category: NDArray[np.int32], n_categories: int, config: BoughtTogetherConfig
) -> BoughtTogether:
    """Learn from orders only. `category`: (n_products,) leaf codes; code 0 is "no category" and pairs with nothing."""
    if not len(sequences):
        return _nothing_yet(category, n_categories)
    baskets, by_category = order_units(sequences, category, n_categories, config)
    looked = _looked_at_together(sequences.take(sequences.order < 0), category, config)

    def completes(pairs: Pairs) -> Mask:
        return np.logical_not(substitutes(pairs, looked, category))

    products, of_products = _partners(baskets, config.min_support, completes, config)
    categories, of_categories = _partners(by_category, config.min_category_support, _have_names, config)
    counts = PartnerCounts(products=of_products, categories=of_categories, category=category, looked=looked)
    return BoughtTogether(products=products, categories=categories, counts=counts)


def _nothing_yet(category: NDArray[np.int32], n_categories: int) -> BoughtTogether:
    of_products, of_categories = empty_rows(len(category)), empty_rows(n_categories)
    return BoughtTogether(
        products=of_products,
        categories=of_categories,
        counts=PartnerCounts(
            products=TogetherCounts(0, np.zeros(len(category), np.int64), of_products),
            categories=TogetherCounts(0, np.zeros(n_categories, np.int64), of_categories),
            category=category,
            looked=of_products,
        ),
    )


def order_units(
    sequences: Sequences, category: NDArray[np.int32], n_categories: int, config: BoughtTogetherConfig
) -> tuple["scipy.sparse.csr_array", "scipy.sparse.csr_array"]:
    """Which order holds which product, and which category: (n_orders, n_products), (n_orders, n_categories) of 0, 1."""
    bought = sequences.take(sequences.order >= 0)
    baskets = incidence(bought.order, bought.product, sequences.n_products, config.max_unit_size)
    of_category = scipy.sparse.csr_array(
        (np.ones(len(category)), (np.arange(len(category)), category)), shape=(len(category), n_categories)
    )
    return baskets, _zero_one((baskets @ of_category).tocsr())


def count_units(units: "scipy.sparse.csr_array") -> UnitCounts:
    """Sums over orders: no order's count depends on another's. `units`: (n_orders, n) of 0 and 1."""
    both = (units.T @ units).tocsr().astype(np.int64)
    return UnitCounts(n_units=units.shape[0], held=_held(units), both=both)


def _held(units: "scipy.sparse.csr_array") -> NDArray[np.int64]:
    return np.asarray(units.sum(axis=0)).ravel().astype(np.int64)


def _have_names(pairs: Pairs) -> Mask:
    """Category 0 is none."""
    return np.asarray((pairs.first != 0) & (pairs.second != 0), np.bool_)


def _partners(
    units: "scipy.sparse.csr_array", min_support: int, keep: Callable[[Pairs], Mask], config: BoughtTogetherConfig
) -> tuple[Rows, TogetherCounts]:
    """The best partners, and what all were counted by, in one walk over the pairs."""
    learned, counted = [], []
    for block in beyond_chance(units, min_support, config.min_ratio):
        learned.append(block.pairs.take(keep(block.pairs)).rows(config.n, block.among))
        counted.append(top_rows(_without_itself(block), block.both.astype(np.int64), config.n_counted))
    kept = join_rows(counted) if counted else empty_rows(units.shape[1])
    rows = join_rows(learned) if learned else empty_rows(units.shape[1])
    return rows, TogetherCounts(n_units=units.shape[0], held=_held(units), kept=kept)


def _without_itself(block: Block) -> "scipy.sparse.csr_array":
    row = block.among.start + np.repeat(np.arange(block.both.shape[0]), np.diff(block.both.indptr))
    others = block.both.copy()
    others.data[row == block.both.indices] = 0.0
    return others


def _looked_at_together(viewed: Sequences, category: NDArray[np.int32], config: BoughtTogetherConfig) -> Rows:
    """Products of one leaf category that are looked at in one session far beyond chance; weights: lift."""
    if not len(viewed):
        return empty_rows(viewed.n_products)
    sessions = incidence(viewed.session, viewed.product, viewed.n_products, config.max_unit_size)
    parts = []
    for block in beyond_chance(sessions, config.min_support, config.min_ratio):
        pairs = block.pairs
        same = (category[pairs.first] == category[pairs.second]) & (category[pairs.first] != 0)
        parts.append(pairs.take(same).rows_by_lift(config.n_counted, block.among))
    return join_rows(parts)


def substitutes(pairs: Pairs, looked: Rows, category: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n_pairs,): same leaf category, and looked at together more strongly than bought together.

    Two tents are compared in one session far beyond chance; that a few orders hold both does not make them partners.
    """
    same = (category[pairs.first] == category[pairs.second]) & (category[pairs.first] != 0)
    first, place = np.unique(pairs.first, return_inverse=True)
    neighbour, lift, lengths = looked.entries_of(first.astype(np.int32))
    key = np.repeat(np.arange(len(first)), lengths) * pairs.size + neighbour
    order = np.argsort(key)
    wanted = place * pairs.size + pairs.second
    at = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    view_lift = np.zeros(len(wanted), np.float32)
    if len(key):
        view_lift = np.where(key[order][at] == wanted, lift[order][at], np.float32(0.0))
    return np.asarray(same & (view_lift >= pairs.lift.astype(np.float32)), np.bool_)


def _zero_one(matrix: "scipy.sparse.csr_array") -> "scipy.sparse.csr_array":
    matrix.data[:] = 1.0
    return matrix


def draw_partners(learned: BoughtTogether, view: ShelfView, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """What completes the anchors: learned pairs first, then the most wanted of categories bought with theirs."""
    pairs = draw_from_rows(learned.products, anchors, eligible, n)
    if len(pairs.product_no) >= n:
        return pairs
    spare = eligible.copy()
    spare[pairs.product_no] = False
    backed_off = _draw_category_partners(learned, view, anchors, spare, n - len(pairs.product_no))
    return Drawn(
        np.concatenate((pairs.product_no, backed_off.product_no)),
        np.concatenate((pairs.because, backed_off.because)),
    )


def _draw_category_partners(
    learned: BoughtTogether, view: ShelfView, anchors: Anchors, eligible: Mask, n: int
) -> Drawn:
    codes = view.code_in_model[view.category[anchors.product_no]]
    known = codes >= 0
    speakers = Anchors(codes[known], anchors.weight[known])
    products = anchors.product_no[known]
    rows = learned.categories
    everything = np.ones(rows.n_rows, np.bool_)
    partners = draw_from_rows(rows, speakers, everything, PARTNER_CATEGORIES)
    if not len(partners.product_no):
        return NOTHING
    loudness = np.zeros(len(view.code_in_model))
    speaker_of = np.full(len(view.code_in_model), -1, np.int32)
    for rank, (code, because) in enumerate(zip(partners.product_no.tolist(), partners.because.tolist(), strict=True)):
        on_shelf = int(view.code_on_shelf[code])
        if on_shelf > 0:
            loudness[on_shelf] = 1.0 / (1 + rank)
            speaker_of[on_shelf] = products[int(np.flatnonzero(speakers.product_no == because)[0])]
    found = view.of_category.best(loudness, eligible, n)
    return Drawn(found, speaker_of[view.category[found]])
