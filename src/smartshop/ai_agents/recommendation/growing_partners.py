"""Bought-together takes orders placed since its training: exact counts, and rows judged anew where they changed. Pure.

Every order changes a little of everything, since significance is measured against all orders. Rows of products that
no new order holds keep the weights of their last judgement; their evidence cannot have changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import scipy  # its parts load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.beyond_chance import Pairs, judge_pairs
from smartshop.ai_agents.recommendation.bought_together import (
    BoughtTogether,
    BoughtTogetherConfig,
    PartnerCounts,
    TogetherCounts,
    UnitCounts,
    count_units,
    order_units,
    substitutes,
)
from smartshop.ai_agents.recommendation.growing_steps import resized
from smartshop.ai_agents.recommendation.rows import Row, Rows, best_first
from smartshop.ai_agents.recommendation.sequences import Sequences

Keep = Callable[[Pairs], NDArray[np.bool_]]


def grow_partners(
    learned: BoughtTogether,
    before: Sequences,
    after: Sequences,
    category: NDArray[np.int32],
    config: BoughtTogetherConfig,
) -> BoughtTogether:
    """Put `after` in the place of `before`, both whole shoppers. `category`: (n_products,) by the model's own codes.

    The same source where no counts were kept. What is a substitute is judged by what was looked at up to the training.
    """
    counts = learned.counts
    if counts is None:
        return learned
    n_categories = len(counts.categories.held)
    told, told_categories = order_units(after, category, n_categories, config)
    gone, gone_categories = order_units(before, category, n_categories, config)
    # A wholesaler's hundred older orders cancel out, and pairs are quadratic in an order's size.
    came, went = _unmatched(told, gone), _unmatched(gone, told)
    of_products = _difference(count_units(told[came]), count_units(gone[went]))
    of_categories = _difference(count_units(told_categories[came]), count_units(gone_categories[went]))
    if not of_products.both.nnz and not of_products.n_units:
        return learned
    products, categories = _added(counts.products, of_products), _added(counts.categories, of_categories)
    looked = counts.looked

    def completes(pairs: Pairs) -> NDArray[np.bool_]:
        return np.logical_not(substitutes(pairs, looked, category))

    return BoughtTogether(
        products=_judged(learned.products, products, of_products, config.min_support, completes, config),
        categories=_judged(learned.categories, categories, of_categories, config.min_category_support, _named, config),
        counts=PartnerCounts(products, categories, category, looked),
    )


def _unmatched(mine: "scipy.sparse.csr_array", theirs: "scipy.sparse.csr_array") -> NDArray[np.intp]:
    """Orders of `mine` that have no equal in `theirs`; equal ones are matched one to one."""
    own, other = _prints(mine), np.sort(_prints(theirs))
    order = np.argsort(own, kind="stable")
    place = np.arange(len(own)) - np.searchsorted(own[order], own[order])
    equals = np.searchsorted(other, own[order], side="right") - np.searchsorted(other, own[order])
    return order[place >= equals]


def _prints(units: "scipy.sparse.csr_array") -> NDArray[np.uint64]:
    """One number for each order's products: a sum of mixed product numbers, equal by chance once in 2⁶⁴."""
    mixed = (units.indices.astype(np.uint64) + np.uint64(1)) * GOLDEN
    mixed = (mixed ^ (mixed >> HALF)) * ODD
    mixed ^= mixed >> HALF
    return np.add.reduceat(mixed, units.indptr[:-1]) if units.shape[0] else np.zeros(0, np.uint64)


GOLDEN, ODD, HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93), np.uint64(32)
"""An odd number near 2⁶⁴ divided by the golden ratio (Knuth 1973, 6.4), and one more, to spread numbers evenly."""


def _named(pairs: Pairs) -> NDArray[np.bool_]:
    """Category 0 is none."""
    return np.asarray((pairs.first != 0) & (pairs.second != 0), np.bool_)


def _difference(after: UnitCounts, before: UnitCounts) -> UnitCounts:
    both = (after.both - before.both).tocsr()
    both.eliminate_zeros()
    return UnitCounts(after.n_units - before.n_units, after.held - before.held, both)


def _added(counts: TogetherCounts, change: UnitCounts) -> TogetherCounts:
    n = len(change.held)
    held = change.held.copy()
    held[: len(counts.held)] += counts.held
    both = change.both if counts.added is None else (resized(counts.added, n) + change.both).tocsr()
    return TogetherCounts(counts.n_units + change.n_units, held, counts.kept, both)


def together(counts: TogetherCounts, rows: NDArray[np.integer]) -> Pairs:
    """Every pair counted of these rows, both in `support`; nothing is judged yet."""
    kept, support, lengths = counts.kept.entries_of(rows.astype(np.int32))
    first, second, both = [np.repeat(rows, lengths)], [kept], [support.astype(np.float64)]
    if counts.added is not None:
        added = counts.added[rows]
        first.append(np.repeat(rows, np.diff(added.indptr)))
        second.append(added.indices)
        both.append(added.data.astype(np.float64))
    size = len(counts.held)
    key, place = np.unique(np.concatenate(first).astype(np.int64) * size + np.concatenate(second), return_inverse=True)
    total = np.rint(np.bincount(place, weights=np.concatenate(both), minlength=len(key)))
    return judge_pairs(key // size, key % size, total, counts.held, float(counts.n_units), 1)


def _judged(
    rows: Rows, counts: TogetherCounts, change: UnitCounts, min_support: int, keep: Keep, config: BoughtTogetherConfig
) -> Rows:
    changed = np.union1d(np.flatnonzero(np.diff(change.both.indptr)), np.flatnonzero(change.held))
    pairs = together(counts, changed)
    pairs = pairs.take(pairs.support >= min_support).take_ratio(config.min_ratio)
    pairs = pairs.take(keep(pairs))
    return replace(rows, newer={**rows.newer, **_cut(pairs, changed, config.n)})


def _cut(pairs: Pairs, changed: NDArray[np.integer], n: int) -> Mapping[int, Row]:
    """Each changed row's best partners; empty where none is left. `pairs` stand by first, then second."""
    starts = np.searchsorted(pairs.first, changed)
    ends = np.searchsorted(pairs.first, changed, side="right")
    cut = {}
    for row, start, end in zip(changed.tolist(), starts.tolist(), ends.tolist(), strict=True):
        best = start + best_first(pairs.ratio[start:end], n)
        cut[row] = Row(
            pairs.second[best].astype(np.int32),
            pairs.ratio[best].astype(np.float32),
            pairs.support[best].astype(np.int32),
        )
    return cut
