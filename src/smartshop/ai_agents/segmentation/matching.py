"""Who is who after a refit: segments found anew get the ids of those they continue; moves are told apart by reason."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.clusters import NOWHERE, Clusters
from smartshop.data_collection.schemas.segments import SegmentId

Labels = NDArray[np.int32]

LEAST_OVERLAP = 0.2
"""Customers shared over customers in either, below which a segment found anew is a new one."""


def numbered(new: Clusters, first: int) -> Clusters:
    """The segments with ids that nobody had: `b` and a number, from `first` on."""
    ids = tuple(SegmentId(f"b{first + place}") for place in range(len(new)))
    return replace(new, ids=ids, next_number=first + len(new))


def matched(new: Clusters, present: Clusters, before: Labels, now: Labels) -> Clusters:
    """Give each new segment the id of the present one it continues; the others get new ids.

    `before` and `now` (n,) are labels of the same customers under `present` and `new`. Pairs are those that share the
    most customers in all (assignment problem, Kuhn 1955), so of a segment that split the larger child goes on. A pair
    counts only where those shared are at least LEAST_OVERLAP of those in either.
    """
    from scipy.optimize import linear_sum_assignment  # heavy, and only a refit needs it

    both = (before >= 0) & (now >= 0)
    shared = np.zeros((len(present), len(new)))
    np.add.at(shared, (before[both], now[both]), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    ids: dict[int, SegmentId] = {}
    for old, place in zip(*linear_sum_assignment(-shared), strict=True):
        if shared[old, place] and shared[old, place] >= LEAST_OVERLAP * either[old, place]:
            ids[int(place)] = present.ids[old]
    number = present.next_number
    for place in range(len(new)):
        if place not in ids:
            ids[place] = SegmentId(f"b{number}")
            number += 1
    return replace(new, ids=tuple(ids[place] for place in range(len(new))), next_number=number)


def translated(labels: Labels, present: Clusters, new: Clusters) -> Labels:
    """Labels under `present` as labels under `new`; -1 where the segment is gone."""
    place = {segment_id: index for index, segment_id in enumerate(new.ids)}
    to_new = np.array([place.get(segment_id, NOWHERE) for segment_id in present.ids] + [NOWHERE], np.int32)
    return np.asarray(to_new[labels], np.int32)


@dataclass(frozen=True, slots=True)
class Moves:
    """Of the customers who had a segment before and have one now."""

    compared: int
    behaviour: int
    """Moved, and the present segments would have moved them, too: they behave differently."""
    model: int
    """Moved only because the segments changed."""


def moves(present: Clusters, previous: Labels, by_present: Labels | None, new: Clusters, labels: Labels) -> Moves:
    """Tell moves apart. `by_present` (n,): today's customers under the present segments.

    None where those cannot judge them, because the shop's topics are others: then every move is the model's.
    """
    compared = (previous >= 0) & (labels >= 0)
    moved = compared & (np.array([*present.ids, ""])[previous] != np.array([*new.ids, ""])[labels])
    for_behaviour = moved & (by_present != previous) if by_present is not None else np.zeros_like(moved)
    count = np.count_nonzero
    return Moves(int(count(compared)), int(count(for_behaviour)), int(count(moved & ~for_behaviour)))


CHANCE_ERRORS = 2.0
"""Standard errors that chance is allowed: of refits that move just the set share one in forty is held back."""


def most_moved(share: float, compared: int) -> float:
    """Customers who may move for the model's reasons: the share of them, and what chance adds in a small shop.

    Of n customers who each move with chance p, np ± √(np(1 − p)) do (binomial): a tenth is 22 ± 4.5 of 220 customers,
    and 3,000 ± 52 of 30,000.

    >>> round(most_moved(0.1, 220)), round(most_moved(0.1, 30_000))
    (31, 3104)
    """
    return share * compared + CHANCE_ERRORS * math.sqrt(share * (1 - share) * compared)
