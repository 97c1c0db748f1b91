"""Item-to-item weights in closed form, learned from whole histories and from what came next in them at once.

SLIST (Choi, Kim, Lee, Shim & Lee 2021, "Session-aware linear item-item models", eqs. 5-13) is one ridge regression of
targets on inputs, min α‖X − X·B‖² + (1 − α)‖T − S·B‖² + λ‖B‖². X holds what each shopper chose. S and T have one row
for every step from one moment to the next: in S the products up to there, in T those after it, both fading with the
distance from the step. With P = (αXᵀX + (1 − α)SᵀS + λI)⁻¹ and A = αXᵀX + (1 − α)SᵀT the answer is
B = P·A − P·diag(μ), μ such that the diagonal is zero: no product argues for itself.

Old steps and choices count less (the paper's weight by age; here of each choice in X, not of each shopper).

What we changed: the lines of an order are one moment, not a sequence; λ is told relative to the data; and rows are cut
to their `n` greatest weights among products that some shopper chose together with the row's, so that every entry has
shoppers to show for it.

The work is cubic in the number of products, so only the head is solved, those chosen most; the tail is left to the
other sources. One core took 24 s for 12,100 products and 150,000 signs, 31 s for 9,700 and 1 million, and 69 s for the
12,500 most chosen of 200,000 and 7.6 million; 2 GB at its peak, whatever the catalogue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.anchors import newest_distinct
from smartshop.ai_agents.recommendation.ease import add_product, inverse_in_place
from smartshop.ai_agents.recommendation.pair_counts import co_occurrences, freshness, incidence, with_entries
from smartshop.ai_agents.recommendation.row_source import RowSource, draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows, join_rows, top_rows
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import Anchors, Asked, Drawn, ShelfView
from smartshop.ai_agents.recommendation.steps import moment_starts, steps

PORTION = 500_000
"""Signs whose steps are held at once: some 100 MB."""
SPARSE_BELOW = 0.05
"""Share of non-zero targets below which a sparse product is faster than a dense one (measured, one core)."""
LOOK_BACK = 200
"""Signs of the history that are looked at for speakers."""
MAX_SPEAKERS = 100
"""Newest distinct products that speak; 400 did no better on a wholesaler's baskets."""
MOMENT_DECAY = 0.6
"""Weight of each earlier moment relative to the one after it, while asking."""
DAY = 86_400_000_000
"""µs"""
HALF_LIFE = 60 * DAY
"""µs: age, relative to the newest sign, at which a product speaks half as loud."""


class SlistConfig(msgspec.Struct, frozen=True, kw_only=True):
    most_products: Annotated[int, Meta(ge=1, le=40_000)] = 12_500
    """The head that is solved: time grows with its cube, memory with its square (8 bytes per pair)."""
    whole_share: Annotated[float, Meta(ge=0, le=1)] = 0.4
    """α: how much whole histories count beside the steps within them."""
    window: Annotated[int, Meta(ge=1, le=50)] = 4
    """Moments before and after a step that count."""
    decay: Annotated[float, Meta(gt=0, le=1)] = 0.4
    """Weight of each further moment from a step, relative to the one nearer to it."""
    half_life: Annotated[int, Meta(gt=0)] | None = 60 * DAY
    """µs, relative to the newest sign, after which a step or a choice counts half; None: all count alike."""
    regularisation: Annotated[float, Meta(gt=0)] = 8.0
    """λ, as a multiple of the Gram matrix's mean diagonal: of how much there is to learn from per product."""
    max_unit_size: Annotated[int, Meta(ge=2, le=10_000)] = 200
    """Newest distinct products that count of a shopper's whole history, and of one moment."""
    n: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Neighbours kept per product."""


@dataclass(frozen=True, slots=True)
class Slist(RowSource):
    name: ClassVar[str] = "slist"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_from_rows(self.rows, speakers_of(asked), asked.eligible, n)


def speakers_of(asked: Asked) -> Anchors:
    """Where nothing is in focus, the newest distinct products, fading by moments and age; else as for all sources.

    A linear model weighs its inputs against each other, so that all products of an order may speak, equally loud.
    """
    moment = asked.moment
    if len(moment.focus) or not len(moment.history):
        return asked.anchors
    at = moment.history_at[-LOOK_BACK:][::-1]
    moments_ago = np.concatenate(([0], np.cumsum(at[1:] != at[:-1])))
    product_no, first = newest_distinct(moment.history[-LOOK_BACK:])
    product_no, first = product_no[:MAX_SPEAKERS], first[:MAX_SPEAKERS]
    age = np.maximum(at[0] - at[first], 0)
    weight = MOMENT_DECAY ** moments_ago[first] * np.exp2(-age / HALF_LIFE)
    return Anchors(product_no, np.asarray(weight, np.float64))


def fit_slist(sequences: Sequences, config: SlistConfig) -> Rows:
    """Solve the head, other rows are empty; the evidence of a pair is the number of shoppers who chose both."""
    head = most_chosen(sequences.product, sequences.n_products, config.most_products)
    if not len(head):
        return empty_rows(sequences.n_products)
    known = renumbered(sequences, head)
    gram, target = _moments(known, config)
    regularisation = config.regularisation * float(gram.diagonal().mean(dtype=np.float64))
    if not regularisation:
        return empty_rows(sequences.n_products)
    across = _thinned(target)
    del target
    inverse = inverse_in_place(gram, regularisation)
    zeroing = _zeroing(inverse, across)
    held = incidence(known.shopper, known.product, known.n_products, config.max_unit_size)
    parts = []
    for first, together in co_occurrences(held, held):
        of_block = inverse[first : first + together.shape[0]]
        # Transposed, since a sparse Aᵀ multiplies from the left; of P, which is symmetric, rows stand for columns.
        weights = across @ np.ascontiguousarray(of_block.T) - zeroing[:, None] * of_block.T
        row = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
        others = np.where(first + row == together.indices, 0.0, weights[together.indices, row])
        similarity = with_entries(together, others)
        parts.append(top_rows(similarity, together, config.n))
    return spread(join_rows(parts), head, sequences.n_products)


def most_chosen(product: NDArray[np.int32], n_products: int, most: int) -> NDArray[np.int64]:
    """The `most` products with most signs, in rising order of their number; ties go to the smaller one."""
    counts = np.bincount(product, minlength=n_products)
    by_count = np.argsort(-counts, kind="stable")[:most]
    return np.sort(by_count[counts[by_count] > 0])


def renumbered(sequences: Sequences, head: NDArray[np.int64]) -> Sequences:
    """The signs of these products alone, each under its place in `head`, (n_head,) rising."""
    place = np.full(sequences.n_products, -1, np.int32)
    place[head] = np.arange(len(head), dtype=np.int32)
    known = sequences.take(place[sequences.product] >= 0)
    return Sequences(
        shopper=known.shopper,
        product=place[known.product],
        occurred_at=known.occurred_at,
        order=known.order,
        session=known.session,
        weight=known.weight,
        n_shoppers=known.n_shoppers,
        n_products=len(head),
    )


def spread(rows: Rows, head: NDArray[np.int64], n_rows: int) -> Rows:
    """Rows over places in `head` as rows over all products, empty for those outside it."""
    lengths = np.zeros(n_rows, np.int64)
    lengths[head] = np.diff(rows.indptr)
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        indices=head[rows.indices].astype(np.int32),
        weights=rows.weights,
        evidence=rows.evidence,
    )


def _moments(known: Sequences, config: SlistConfig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The Gram matrix αXᵀX + (1 − α)SᵀS and the target A = αXᵀX + (1 − α)SᵀT, (n_products, n_products) each."""
    gram, target = (np.zeros((known.n_products, known.n_products), np.float32) for _ in range(2))
    fresh = freshness(known.occurred_at, config.half_life)
    for signs in _portions(known):
        portion, loudness = known.take(signs), np.sqrt(fresh[signs])
        whole = incidence(portion.shopper, portion.product, portion.n_products, config.max_unit_size, loudness)
        past, future = steps(portion, window=config.window, decay=config.decay, max_unit_size=config.max_unit_size)
        whole *= np.sqrt(config.whole_share)
        share = scipy.sparse.diags_array(np.sqrt(1 - config.whole_share) * loudness[moment_starts(portion)])
        inputs = scipy.sparse.vstack([whole, share @ past], format="csr", dtype=np.float32)
        add_product(gram, inputs, inputs)
        add_product(target, inputs, scipy.sparse.vstack([whole, share @ future], format="csr", dtype=np.float32))
    return gram, target


def _portions(sequences: Sequences) -> Iterator[NDArray[np.bool_]]:
    """Masks of whole shoppers, about `PORTION` signs at a time."""
    starts = np.flatnonzero(np.r_[True, np.diff(sequences.shopper) != 0][: len(sequences)])
    begin = 0
    while begin < len(sequences):
        after = starts[np.searchsorted(starts, begin + PORTION) :]
        end = int(after[0]) if len(after) else len(sequences)
        signs = np.zeros(len(sequences), np.bool_)
        signs[begin:end] = True
        yield signs
        begin = end


def _thinned(target: NDArray[np.float32]) -> "NDArray[np.float32] | scipy.sparse.csr_array":
    """Aᵀ, sparse where that makes the products with it faster."""
    is_sparse = np.count_nonzero(target) < SPARSE_BELOW * target.size
    return scipy.sparse.csr_array(target.T) if is_sparse else target.T


def _zeroing(
    inverse: NDArray[np.float32], across: "NDArray[np.float32] | scipy.sparse.csr_array"
) -> NDArray[np.float32]:
    """μ: (n_products,), what makes the diagonal of P·A − P·diag(μ) zero. `across`: Aᵀ."""
    if isinstance(across, np.ndarray):
        own = np.einsum("jk,jk->j", inverse, across)
    else:
        own = np.asarray(across.multiply(inverse).sum(axis=1)).ravel()
    return np.asarray(own / inverse.diagonal(), np.float32)
