"""At request time: each source's ranked list for one moment of one shopper, drawn inside the eligible mask. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.view import ShelfView

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]

DAY = 86_400_000_000
"""µs"""
MAX_ANCHORS = 20
"""Newest distinct products that speak; more change nothing that is shown (measured on public data)."""
STEP_DECAY = 0.8
"""Weight of each older product relative to the one after it."""
HALF_LIFE = 30 * DAY
"""µs: age at which a product speaks half as loud as a fresh one, relative to the newest."""
LOOK_BACK = 200
"""Signs of the history that are looked at for anchors and for buying again."""
AGAIN_DECAY = 0.98
"""Per older sign, for buying again: habits are longer than moods."""
FOCUS_BACKGROUND = 0.3
"""On a product's page or in the basket, how loud the rest of the history speaks beside what lies before the shopper."""
PARTNER_CATEGORIES = 5
"""Categories that stand in where learned pairs are too few."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the sources may know."""

    eligible: Mask
    """(n_products,)"""
    history: Numbers
    """(n,), oldest first"""
    history_at: NDArray[np.int64]
    now: int
    focus: Numbers
    """The product looked at and the basket, most important last; empty on other pages."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """Distinct products that speak for the shopper, loudest first; parallel arrays."""

    product_no: Numbers
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One source's list."""

    product_no: Numbers
    """Distinct, eligible, best first."""
    because: Numbers
    """(n,): the anchor that contributed most, or -1."""


NOTHING = Drawn(np.zeros(0, np.int32), np.zeros(0, np.int32))


def anchors_of(moment: Moment) -> Anchors:
    """The newest distinct products, fading by step and age; what is in focus first and at full weight."""
    newest = moment.history[-LOOK_BACK:][::-1]
    product_no, first = np.unique(newest, return_index=True)
    order = np.argsort(first)[:MAX_ANCHORS]
    product_no, position = product_no[order], first[order]
    at = moment.history_at[-LOOK_BACK:][::-1][position]
    age = np.maximum(int(at[0]) - at, 0) if len(at) else at
    weight = np.asarray(STEP_DECAY ** np.arange(len(product_no)) * np.exp2(-age / HALF_LIFE), np.float64)
    if not len(moment.focus):
        return Anchors(product_no.astype(np.int32, copy=False), weight)
    focus = moment.focus[::-1][:MAX_ANCHORS]
    rest = ~np.isin(product_no, focus)
    return Anchors(
        np.concatenate((focus, product_no[rest])).astype(np.int32, copy=False)[:MAX_ANCHORS],
        np.concatenate((STEP_DECAY ** np.arange(len(focus)), FOCUS_BACKGROUND * weight[rest]))[:MAX_ANCHORS],
    )


def draw_from_rows(rows: Rows, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """Sum the anchors' rows and take the n best eligible products; ties by product_no."""
    known = anchors.product_no < rows.n_rows
    products, weight = anchors.product_no[known], anchors.weight[known]
    starts, ends = rows.indptr[products], rows.indptr[products + 1]
    lengths = ends - starts
    total = int(lengths.sum())
    if not total:
        return NOTHING
    before = np.cumsum(lengths) - lengths
    entry = np.arange(total) + np.repeat(starts - before, lengths)
    neighbour = rows.indices[entry]
    share = rows.weights[entry] * np.repeat(weight, lengths)
    # Rows of a model may name products that are gone from a smaller shelf.
    inside = neighbour < len(eligible)
    if not inside.all():
        share = np.where(inside, share, 0.0)
        neighbour = np.where(inside, neighbour, 0)
    score = np.bincount(neighbour, weights=share, minlength=len(eligible))
    found = np.flatnonzero(score)
    found = found[eligible[found]]
    if len(found) > n:
        found = np.sort(found[np.argpartition(score[found], len(found) - n)[len(found) - n :]])
    best = found[np.argsort(-score[found], kind="stable")]
    speaker = np.repeat(np.arange(len(products)), lengths)
    return Drawn(best.astype(np.int32), _loudest(best, neighbour, share, speaker, products))


def _loudest(
    best: NDArray[np.intp],
    neighbour: Numbers,
    share: NDArray[np.float64],
    speaker: NDArray[np.intp],
    products: Numbers,
) -> Numbers:
    """For each product of a list the anchor whose row gave the largest share."""
    place = np.full(int(neighbour.max()) + 1, -1)
    place[best] = np.arange(len(best))
    at = place[neighbour]
    listed = at >= 0
    shares = np.zeros((len(products), len(best)))
    shares[speaker[listed], at[listed]] = share[listed]
    return np.asarray(products[shares.argmax(axis=0)], np.int32)


def draw_trending(view: ShelfView, eligible: Mask, n: int) -> Drawn:
    """The most wanted eligible products."""
    wanted = view.by_demand[: view.n_in_demand]
    found = wanted[eligible[wanted]][:n]
    return Drawn(found, np.full(len(found), -1, np.int32))


def draw_category_trending(view: ShelfView, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """The most wanted of the shopper's own categories: demand × how loud the category's anchors are."""
    category = view.category[anchors.product_no]
    affinity = np.bincount(category, weights=anchors.weight, minlength=len(view.code_in_model))
    affinity[0] = 0.0
    if not affinity.any():
        return NOTHING
    wanted = view.by_demand[: view.n_in_demand]
    liked = affinity[view.category[wanted]]
    listed = np.flatnonzero((liked > 0) & eligible[wanted])
    score = view.demand[wanted[listed]] * liked[listed]
    best = np.argsort(-score, kind="stable")[:n]
    found = wanted[listed[best]]
    return Drawn(found, _newest_of_category(view.category[found], category, anchors.product_no))


def _newest_of_category(wanted: Numbers, category: Numbers, anchors: Numbers) -> Numbers:
    same = wanted[:, None] == category[None, :]
    return np.asarray(anchors[same.argmax(axis=1)], np.int32)


def draw_again(moment: Moment, n: int) -> Drawn:
    """What the shopper came back to most, lately: Σ decay^position over the signs of each product."""
    newest = moment.history[-LOOK_BACK:][::-1]
    if not len(newest) or not moment.eligible[newest].any():
        return NOTHING
    score = np.bincount(newest, weights=AGAIN_DECAY ** np.arange(len(newest)))
    found = np.flatnonzero(score)
    found = found[moment.eligible[found]]
    best = found[np.argsort(-score[found], kind="stable")][:n].astype(np.int32)
    return Drawn(best, best)


def draw_partners(model: RecommendationModel, view: ShelfView, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """What completes the anchors: learned pairs first, then the most wanted of categories bought with theirs."""
    pairs = draw_from_rows(model.bought_together.products, anchors, eligible, n)
    if len(pairs.product_no) >= n:
        return pairs
    spare = eligible.copy()
    spare[pairs.product_no] = False
    backed_off = _draw_category_partners(model, view, anchors, spare, n - len(pairs.product_no))
    return Drawn(
        np.concatenate((pairs.product_no, backed_off.product_no)),
        np.concatenate((pairs.because, backed_off.because)),
    )


def _draw_category_partners(
    model: RecommendationModel, view: ShelfView, anchors: Anchors, eligible: Mask, n: int
) -> Drawn:
    codes = view.code_in_model[view.category[anchors.product_no]]
    learned = codes >= 0
    speakers = Anchors(codes[learned], anchors.weight[learned])
    products = anchors.product_no[learned]
    rows = model.bought_together.categories
    everything = np.ones(len(model.categories), np.bool_)
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
    wanted = view.by_demand[: view.n_in_demand]
    liked = loudness[view.category[wanted]]
    listed = np.flatnonzero((liked > 0) & eligible[wanted])
    score = view.demand[wanted[listed]] * liked[listed]
    found = wanted[listed[np.argsort(-score, kind="stable")[:n]]]
    return Drawn(found, speaker_of[view.category[found]])


def draw_all(model: RecommendationModel, view: ShelfView, moment: Moment, n: int) -> tuple[Drawn, ...]:
    """Every source's list, in the order of `blend.SOURCES`."""
    anchors = anchors_of(moment)
    completing = Anchors(moment.focus[::-1], np.ones(len(moment.focus))) if len(moment.focus) else anchors
    return (
        draw_from_rows(model.markov, anchors, moment.eligible, n),
        draw_from_rows(model.item_to_item, anchors, moment.eligible, n),
        draw_partners(model, view, completing, moment.eligible, n),
        draw_category_trending(view, anchors, moment.eligible, n),
        draw_trending(view, moment.eligible, n),
        draw_again(moment, n),
    )
