"""The merchant's caps as limits on a slate, and enough products of other kinds that they can hold."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from math import floor
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Candidates, CandidateSource, Numbers, Question
from smartshop.ai_agents.brought_in import joined, unargued
from smartshop.ai_agents.ladder import NOTHING
from smartshop.ai_agents.limits import Limit, Room
from smartshop.ai_agents.rules import ActiveRules
from smartshop.data_collection.schemas.rules import Cap, CapPer, MerchantRule

BROUGHT_IN = "brought_in"
"""Origin of what the catalogue's order brings in."""
MARGIN = 20
"""Candidates drawn beyond what is missing, so that scores still have a say."""


def caps_everywhere(active: ActiveRules, question: Question) -> list[Limit]:
    """The limits over the whole catalogue; costs its length per cap."""
    every = np.arange(question.shelf.n_products, dtype=np.int32)
    return [
        limit_of(active.rule(at), active.meant_everywhere(at, question.shelf, question.now), every, question)
        for at in active.cap_places
    ]


def limit_of(rule: MerchantRule, meant: NDArray[np.bool_], product_no: Numbers, question: Question) -> Limit:
    effect = rule.effect
    assert isinstance(effect, Cap)
    most = effect.at_most if effect.at_most is not None else floor((effect.share or 0.0) * question.limit)
    match effect.per:
        case CapPer.BRAND:
            codes = np.where(meant, question.shelf.brand[product_no], 0)
        case CapPer.CATEGORY:
            codes = np.where(meant, question.shelf.category[product_no], 0)
        case None:
            codes = meant
        case _:
            assert_never(effect.per)
    full = f"the shop shows at most {most} of its kind"
    return Limit(codes.astype(np.int32), most, rule.rule_id, firm=True, full=lambda _: full)


def with_others(
    candidates: Candidates,
    limits: Sequence[Limit],
    active: ActiveRules,
    question: Question,
    source: CandidateSource,
    pinned: Collection[int],
) -> Candidates:
    """More candidates of other kinds where caps leave too few: a cap holds as long as there are others to show."""
    numbers = candidates.product_no
    wanted = question.limit * _deepest(limits)
    everywhere = Room(caps_everywhere(active, question), question.shelf.n_products)
    for number in pinned:
        everywhere.take(number)
    placed = len(pinned) + _take_all(everywhere, [number for number in numbers.tolist() if number not in pinned])
    left = question.eligible.copy()
    left[numbers] = False
    if placed >= wanted or not (left & ~everywhere.closed).any():
        return candidates
    more = _drawn(source, replace(question, eligible=left & ~everywhere.closed), wanted - placed + MARGIN)
    left[more.product_no] = False
    placed += _take_all(everywhere, more.product_no.tolist())
    brought = list[int]()
    while placed + len(brought) < wanted:
        found = left & ~everywhere.closed
        number = int(found.argmax())
        if not found[number]:
            break
        brought.append(number)
        left[number] = False
        everywhere.take(number)
    candidates = joined(candidates, more)
    return joined(candidates, unargued(candidates, brought, BROUGHT_IN)) if brought else candidates


def fills(limits: Sequence[Limit], n_candidates: int, n_places: int) -> bool:
    """Whether these candidates fill the places within the limits, in whatever order they are taken.

    Where a product is under k limits, whom one takes first decides how many one can take, but by no more than k times
    (Korte & Hausmann 1978, on the greedy algorithm over k matroids): k times as many are enough.
    """
    under = np.stack([limit.codes > 0 for limit in limits])
    free = n_candidates - int(under.any(axis=0).sum())
    if free >= n_places:
        return True
    deepest = _deepest(limits)
    if deepest > 1:
        return _take_all(Room(limits, n_candidates), range(n_candidates)) >= deepest * n_places
    for limit in limits:
        counts = np.bincount(limit.codes)[1:]
        free += int(np.minimum(counts, limit.most).sum())
    return free >= n_places


def _deepest(limits: Sequence[Limit]) -> int:
    """Under how many limits a candidate is at most."""
    under = np.stack([limit.codes > 0 for limit in limits])
    return max(1, int(under.sum(axis=0).max(initial=0)))


def _take_all(room: Room, candidates: Iterable[int]) -> int:
    """Take whoever there is room for, in order; how many that were."""
    taken = 0
    for candidate in candidates:
        if not room.closed[candidate]:
            room.take(candidate)
            taken += 1
    return taken


def _drawn(source: CandidateSource, question: Question, n: int) -> Candidates:
    try:
        return source.candidates(question, n)
    except Exception:  # a source that fails the second time still gave what there is; the catalogue fills the rest
        return NOTHING
