"""What completes what: products bought in one order beyond chance, without those that merely replace each other.

Where too few pairs were learned, the most wanted products of categories bought with theirs stand in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.beyond_chance import Pairs, beyond_chance
from smartshop.ai_agents.recommendation.pair_counts import incidence
from smartshop.ai_agents.recommendation.row_source import draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows, load_rows
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


@dataclass(frozen=True, slots=True)
class BoughtTogether:
    name: ClassVar[str] = "bought_together"

    products: Rows
    """(n_products, n_products); evidence: orders with both."""
    categories: Rows
    """(n_categories, n_categories), over the model's leaf category codes; evidence: orders with both."""

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_partners(self, view, asked.completing, asked.eligible, n)

    def save(self, folder: Path) -> None:
        self.products.save(folder, self.name)
        self.categories.save(folder, f"{self.name}_categories")

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(products=load_rows(folder, cls.name), categories=load_rows(folder, f"{cls.name}_categories"))


def fit_bought_together(
    sequences: Sequences, category: NDArray[np.int32], n_categories: int, config: BoughtTogetherConfig
) -> BoughtTogether:
    """Learn from orders only. `category`: (n_products,) leaf codes; code 0 is "no category" and pairs with nothing."""
    bought = sequences.take(sequences.order >= 0)
    if not len(bought):
        return BoughtTogether(products=empty_rows(sequences.n_products), categories=empty_rows(n_categories))
    baskets = incidence(bought.order, bought.product, sequences.n_products, config.max_unit_size)
    pairs = beyond_chance(baskets, config.min_support, config.min_ratio)
    viewed = sequences.take(sequences.order < 0)
    pairs = pairs.take(~_substitutes(pairs, viewed, category, config))
    of_category = scipy.sparse.csr_array(
        (np.ones(len(category)), (np.arange(len(category)), category)), shape=(len(category), n_categories)
    )
    by_category = _zero_one((baskets @ of_category).tocsr())
    between = beyond_chance(by_category, config.min_category_support, config.min_ratio)
    between = between.take((between.first != 0) & (between.second != 0))
    return BoughtTogether(products=pairs.rows(config.n), categories=between.rows(config.n))


def _substitutes(
    pairs: Pairs, viewed: Sequences, category: NDArray[np.int32], config: BoughtTogetherConfig
) -> NDArray[np.bool_]:
    """(n_pairs,): same leaf category, and looked at together more strongly than bought together.

    Two tents are compared in one session far beyond chance; that a few orders hold both does not make them partners.
    """
    if not len(viewed) or not len(pairs.first):
        return np.zeros(len(pairs.first), np.bool_)
    looked = beyond_chance(
        incidence(viewed.session, viewed.product, viewed.n_products, config.max_unit_size),
        config.min_support,
        config.min_ratio,
    )
    key = looked.first * looked.size + looked.second
    order = np.argsort(key)
    wanted = pairs.first * pairs.size + pairs.second
    at = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    view_lift = np.zeros(len(wanted))
    if len(key):
        view_lift = np.where(key[order][at] == wanted, looked.lift[order][at], 0.0)
    same = (category[pairs.first] == category[pairs.second]) & (category[pairs.first] != 0)
    return np.asarray(same & (view_lift >= pairs.lift), np.bool_)


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
    wanted = view.in_demand
    liked = loudness[view.category[wanted]]
    listed = np.flatnonzero((liked > 0) & eligible[wanted])
    score = view.demand[wanted[listed]] * liked[listed]
    found = wanted[listed[np.argsort(-score, kind="stable")[:n]]]
    return Drawn(found, speaker_of[view.category[found]])
