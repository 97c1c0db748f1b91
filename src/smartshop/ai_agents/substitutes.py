"""What to take instead of a product that cannot be had now: the nearest of its own leaf category lead the list.

Near is what costs about as much, is called and described alike, and was chosen alike. It is read off the shelf, and off
the model's list of similar products where there is a model. A product of which one variant is sold out is not sold out:
its page offers the others.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Advice, Candidates, FallbackRecommender, Mask, Numbers, Question, Recommender
from smartshop.ai_agents.brought_in import joined
from smartshop.ai_agents.ladder import RECOMMENDATION
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Reason, Surface

SUBSTITUTE = "substitute"
LEAD = 6.0
"""Log-odds between the last substitute and the best of the rest: more than what advisors usually say together, so that
they order the substitutes by this shopper and nothing passes them."""
LOOKED_AT = 200
"""Of a large category those nearest in price, and those chosen alike."""
PER_LINE = 4
"""Substitutes for each line of a basket; the rest of such a slate completes what can be had."""
MOST_LINES = 5
"""Of a basket that are looked at: each costs a list of similar products."""
PRICE_SCALE = 0.4
"""Of the log of the ratio of two prices: at 1.5 times as much, or at two thirds, a third of that likeness is left."""
PRICE, WORDS, ATTRIBUTES, CHOSEN, BRAND = 1.0, 1.0, 0.5, 1.0, 0.25
"""What each likeness, 0 to 1, counts: by intention, since no shop has told yet what its customers took instead."""
HALF_CHOSEN = 10
"""Place in the list of similar products at which half of that likeness is left."""
MUCH_THE_SAME = 0.1
"""Of the price; a smaller difference is no news."""


def sold_out(question: Question) -> Numbers:
    """Products of this page or basket that cannot be had now; empty on pages of many products."""
    match question.surface:
        case Surface.PRODUCT if question.anchor is not None and not question.shelf.sellable[question.anchor]:
            return np.array([question.anchor], np.int32)
        case Surface.BASKET:
            gone = question.basket[~question.shelf.sellable[question.basket]]
            return np.asarray(gone[:MOST_LINES], np.int32)
        case _:
            return np.zeros(0, np.int32)


class Substitutes:
    """Another source's candidates, and before them what stands in for products that cannot be had."""

    name: ClassVar[str] = RECOMMENDATION

    def __init__(self, source: FallbackRecommender, gone: Numbers, recommender: Recommender | None) -> None:
        """`recommender` tells what was chosen alike; without one the shelf alone is read."""
        self._source, self._gone, self._recommender = source, gone, recommender

    def candidates(self, question: Question, n: int) -> Candidates:
        """The source's, those that stand in moved before them: a whole page of them, or some for each line."""
        rest = self._source.candidates(question, n)
        most = question.limit if question.surface is Surface.PRODUCT else PER_LINE
        leading = self._leading(question, most)
        kept = ~np.isin(rest.product_no, leading.product_no)
        together = joined(leading, _some(rest, kept)) if kept.any() else leading
        return replace(together, missing=rest.missing, newcomers=rest.newcomers)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        """The source's own for its own; those that stand in lie `LEAD` above them, nearest first."""
        code = candidates.origins.index(SUBSTITUTE) if SUBSTITUTE in candidates.origins else -1
        stands_in = candidates.origin == code
        others = np.flatnonzero(~stands_in)
        said = self._source.advise(question, _some(candidates, ~stands_in))
        log_odds = np.zeros(len(candidates.product_no), np.float32)
        log_odds[others] = said.log_odds
        floor = float(said.log_odds.max()) + LEAD if len(others) else 0.0
        log_odds[stands_in] = floor + candidates.relevance[stands_in]
        place_of = {index: place for place, index in enumerate(others.tolist())}

        def reason(index: int) -> Reason | None:
            if index in place_of:
                return said.reason(place_of[index])
            return instead_of(question.shelf, int(candidates.because[index]), int(candidates.product_no[index]))

        return Advice(log_odds, reason)

    def _leading(self, question: Question, most: int) -> Candidates:
        """Up to so many for each product; one that stands in for two counts with the first."""
        left = question.eligible & question.shelf.sellable
        numbers, because, closeness = list[int](), list[int](), list[float]()
        for gone in self._gone.tolist():
            found, near = self._nearest(question, gone, left, most)
            left[found] = False
            numbers += found.tolist()
            because += [gone] * len(found)
            closeness += near.tolist()
        return Candidates(
            product_no=np.array(numbers, np.int32),
            relevance=np.array(closeness, np.float32),
            origin=np.zeros(len(numbers), np.int8),
            because=np.array(because, np.int32),
            origins=(SUBSTITUTE,),
        )

    def _nearest(self, question: Question, gone: int, eligible: Mask, most: int) -> tuple[Numbers, NDArray[np.float64]]:
        shelf = question.shelf
        if not shelf.categories[int(shelf.category[gone])]:
            return np.zeros(0, np.int32), np.zeros(0)
        alike = eligible & (shelf.category == shelf.category[gone])
        chosen = np.zeros(0, np.int32)
        if self._recommender is not None and alike.any():
            asked = replace(question, surface=Surface.PRODUCT, anchor=gone, eligible=alike, limit=LOOKED_AT)
            chosen = self._recommender.similar(asked, LOOKED_AT).product_no
        pool = np.flatnonzero(alike)
        if len(pool) > LOOKED_AT:
            distance = _price_distance(shelf, gone, pool)
            pool = np.union1d(pool[np.argsort(distance, kind="stable")[:LOOKED_AT]], chosen)
        near = closeness(shelf, gone, pool, chosen)
        order = np.argsort(-near, kind="stable")[:most]
        return np.asarray(pool[order], np.int32), near[order]


def closeness(shelf: Shelf, gone: int, pool: Numbers | NDArray[np.int64], chosen: Numbers) -> NDArray[np.float64]:
    """(m,) how well each of the pool stands in, 0 to 3.75. `chosen`: products chosen alike, most alike first."""
    near = PRICE * np.exp(-_price_distance(shelf, gone, pool) / PRICE_SCALE)
    near += BRAND * ((shelf.brand[pool] == shelf.brand[gone]) & (shelf.brand[pool] > 0))
    place_of = {number: place for place, number in enumerate(chosen.tolist())}
    words, wanted = _words(shelf.titles[gone]), _attributes(shelf, gone)
    for at, number in enumerate(pool.tolist()):
        own = _words(shelf.titles[number])
        near[at] += WORDS * len(words & own) / max(len(words | own), 1)
        near[at] += ATTRIBUTES * len(_shared(wanted, _attributes(shelf, number))) / max(len(wanted), 1)
        if number in place_of:
            near[at] += CHOSEN * HALF_CHOSEN / (HALF_CHOSEN + place_of[number])
    return np.asarray(near, np.float64)


def instead_of(shelf: Shelf, gone: int, number: int) -> Reason:
    """Why it stands in, by what can be read on both."""
    path = shelf.categories[int(shelf.category[number])]
    evidence: dict[str, Any] = {"product_id": shelf.product_ids[gone], "category": list(path)}
    told = [f"also in {path[-1]}"]
    theirs, ours = int(shelf.price_minor[gone]), int(shelf.price_minor[number])
    if theirs > 0 and ours > 0:
        difference = ours / theirs - 1.0
        evidence["price_difference"] = round(difference, 3)
        how = f"{abs(difference):.0%} {'dearer' if difference > 0 else 'cheaper'}"
        told.append("for much the same price" if abs(difference) <= MUCH_THE_SAME else how)
    if shared := _shared(_attributes(shelf, gone), _attributes(shelf, number)):
        evidence["attributes"] = shared
    if shelf.available[number] > 0:
        evidence["available"] = int(shelf.available[number])
    return Reason(SUBSTITUTE, f"In place of {shelf.titles[gone]}: {', '.join(told)}", evidence)


def _price_distance(shelf: Shelf, gone: int, pool: Numbers | NDArray[np.int64]) -> NDArray[np.float64]:
    """(m,) absolute log of the ratio of prices; 1 where one of them is not known."""
    ours, theirs = shelf.price_minor[pool].astype(np.float64), float(shelf.price_minor[gone])
    known = (ours > 0) & (theirs > 0)
    return np.where(known, np.abs(np.log(np.where(known, ours, 1.0) / max(theirs, 1.0))), 1.0)


def _words(title: str) -> frozenset[str]:
    return frozenset(title.casefold().split())


def _attributes(shelf: Shelf, number: int) -> Mapping[str, Any]:
    """None where the shelf holds none at all. Any: the shop's own JSON."""
    return shelf.attributes[number] if shelf.attributes else {}


def _shared(wanted: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes in which a product is as wanted. Any: the shop's own JSON."""
    return {name: value for name, value in wanted.items() if name in own and own[name] == value}


def _some(candidates: Candidates, kept: Mask) -> Candidates:
    return replace(
        candidates,
        product_no=candidates.product_no[kept],
        relevance=candidates.relevance[kept],
        origin=candidates.origin[kept],
        because=candidates.because[kept],
    )
