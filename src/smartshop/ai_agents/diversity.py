"""No slate of one kind: places go to what is relevant and unlike what stands above, within limits per kind.

The head of the list is chosen by maximal marginal relevance (`mmr`), the rest in order of score, and never more of one
category, brand or merchant's cap than its limit while others wait. What waited comes next, in order: a list is never
shortened. Where all that is left is over a limit, the surface's own limits give way first, the merchant's caps last.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Numbers
from smartshop.ai_agents.limits import Limit, Room
from smartshop.ai_agents.mmr import PLACES, POOL, Likeness, ShelfLikeness, choose, spread_relevance
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Adjustment, Surface

DIVERSITY = "diversity"


@dataclass(frozen=True, slots=True)
class Caps:
    category_share: float = 1.0
    """Share of the places that one leaf category may take, above 0 to 1; 1 is no cap."""
    brand_share: float = 1.0
    """The same for one brand."""


NO_CAPS = Caps()
SURFACE_CAPS: dict[Surface, Caps] = {
    Surface.HOME: Caps(category_share=0.34, brand_share=0.5),
    Surface.EMAIL: Caps(category_share=0.34, brand_share=0.5),
    Surface.BASKET: Caps(category_share=0.5, brand_share=0.67),
    Surface.ORDER: Caps(category_share=0.5, brand_share=0.67),
    Surface.CATEGORY: Caps(category_share=0.5, brand_share=0.5),
}
"""Surfaces not named have none: beside a product or under a search, more of the same is what was asked for.

The figures are a shopkeeper's choice: of a home row of twelve, five of one category at most.
"""
SURFACE_RELEVANCE: dict[Surface, float] = {
    Surface.HOME: 0.85,
    Surface.EMAIL: 0.85,
}
"""λ of each surface; those not named have 1, relevance alone. Chosen where it costs little (docs/rules.md)."""
FEWEST = 2
"""No cap of a surface is below this: of a row of four, two may be alike."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """How slates are spread, per surface."""

    caps: Mapping[Surface, Caps] = field(default_factory=lambda: SURFACE_CAPS)
    relevance: Mapping[Surface, float] = field(default_factory=lambda: SURFACE_RELEVANCE)
    """λ, above 0 to 1."""
    likeness: Likeness = field(default_factory=ShelfLikeness)


NO_DIVERSITY = Diversity(caps={}, relevance={})


@dataclass(frozen=True, slots=True)
class Head:
    """The places to give out."""

    order: Sequence[int]
    """Candidate indices, best first, without those pinned."""
    scores: NDArray[np.float64]
    """(n_candidates,): what the advisors said."""
    shift: NDArray[np.float64]
    """(n_candidates,): what rules add to it."""
    product_no: Numbers
    """(n_candidates,)"""
    n_places: int
    """Without the pinned ones."""
    pinned: Sequence[int] = ()
    """Candidates that have their places already; they count."""


@dataclass(frozen=True, slots=True)
class Spread:
    order: list[int]
    """Candidate indices, all of `Head.order`."""
    before: Mapping[int, int]
    """Candidate → its place in `Head.order`."""
    kept_back_by: Mapping[int, Limit]
    """Candidates that waited for a limit → whose."""


def surface_limits(caps: Caps, product_no: Numbers, shelf: Shelf, limit: int) -> list[Limit]:
    """The limits of a surface for a slate of `limit`. Products without category or brand are not alike for that."""
    limits = list[Limit]()
    if caps.category_share < 1.0:
        most = max(FEWEST, ceil(caps.category_share * limit))
        limits.append(
            Limit(
                shelf.category[product_no],
                most,
                DIVERSITY,
                firm=False,
                full=lambda code: f"enough of {shelf.categories[code][-1]} stands above",
            )
        )
    if caps.brand_share < 1.0:
        most = max(FEWEST, ceil(caps.brand_share * limit))
        limits.append(
            Limit(
                shelf.brand[product_no],
                most,
                DIVERSITY,
                firm=False,
                full=lambda code: f"enough of {shelf.brands[code]} stands above",
            )
        )
    return limits


def spread(head: Head, shelf: Shelf, limits: Sequence[Limit], weight: float, likeness: Likeness) -> Spread:
    """Give out the places: by marginal relevance first (λ = `weight` below 1), then in order, within the limits."""
    room = _room(limits, head)
    ahead = _by_relevance(head, shelf, room, weight, likeness) if weight < 1.0 and len(head.order) > 1 else []
    _fill(ahead, head, room)
    kept_back = _kept_back(ahead, head, room) if limits else {}
    firm = [limit for limit in limits if limit.firm]
    if len(ahead) < head.n_places and firm:
        relaxed = _room(firm, head)
        for candidate in ahead:
            relaxed.take(candidate)
        _fill(ahead, head, relaxed)
    taken = set(ahead)
    order = [*ahead, *(candidate for candidate in head.order if candidate not in taken)]
    return Spread(order, {candidate: place for place, candidate in enumerate(head.order)}, kept_back)


def _room(limits: Sequence[Limit], head: Head) -> Room:
    room = Room(limits, len(head.scores))
    for candidate in head.pinned:
        room.take(candidate)
    return room


def _by_relevance(head: Head, shelf: Shelf, room: Room, weight: float, likeness: Likeness) -> list[int]:
    pool = list(head.order[:POOL])
    compared = np.array([*pool, *head.pinned], dtype=np.intp)
    alike = likeness.between(shelf, head.product_no[compared])[:, : len(pool)]
    picked = choose(
        spread_relevance(head.scores[pool], head.shift[pool]),
        alike,
        min(head.n_places, PLACES),
        weight,
        chosen=head.pinned,
        room=room,
        candidates=pool,
    )
    return [pool[member] for member in picked]


def _fill(ahead: list[int], head: Head, room: Room) -> None:
    """Add to `ahead`, in order, whoever there is room for, until the places are given out."""
    taken, closed = set(ahead), room.closed
    for candidate in head.order:
        if len(ahead) >= head.n_places:
            return
        if candidate in taken or closed[candidate]:
            continue
        ahead.append(candidate)
        room.take(candidate)


def _kept_back(ahead: Sequence[int], head: Head, room: Room) -> dict[int, Limit]:
    """Whoever stood before the last place given out, and whose kind is full."""
    last = {candidate: place for place, candidate in enumerate(head.order)}
    reached = max((last[candidate] for candidate in ahead), default=len(head.order))
    chosen = set(ahead)
    waiting = (candidate for candidate in head.order[: reached + 1] if candidate not in chosen)
    return {candidate: limit for candidate in waiting if (limit := room.closed_by(candidate)) is not None}


def moves(spread_out: Spread, shown: Sequence[int], pins: Collection[int]) -> dict[int, Adjustment]:
    """Candidate → how it was moved, for those shown. `pins`: places that are not given out."""
    now = {candidate: place for place, candidate in enumerate(spread_out.order)}
    firm = next((limit for limit in spread_out.kept_back_by.values() if limit.firm), None)
    taken = sorted(pins)
    found: dict[int, Adjustment] = {}
    for candidate in shown:
        if candidate not in now or now[candidate] == spread_out.before[candidate]:
            continue
        was, place = _among_pins(spread_out.before[candidate], taken), _among_pins(now[candidate], taken)
        moved = f"Moved from place {was + 1} to {place + 1}"
        limit = spread_out.kept_back_by.get(candidate)
        if place > was and limit is not None:
            found[candidate] = Adjustment(limit.rule, f"{moved}: {limit.full(int(limit.codes[candidate]))}.")
        elif place > was:
            found[candidate] = Adjustment(DIVERSITY, f"{moved}, to make room for another kind.")
        elif firm is not None:
            found[candidate] = Adjustment(firm.rule, f"{moved}: a cap of the shop kept others back.")
        else:
            found[candidate] = Adjustment(DIVERSITY, f"{moved}, so that the slate is not all of one kind.")
    return found


def _among_pins(place: int, pins: Sequence[int]) -> int:
    """The place in the slate of what is at `place` of those not pinned. `pins` rise.

    >>> [_among_pins(place, [1, 2]) for place in range(3)]
    [0, 3, 4]
    """
    for pin in pins:
        place += pin <= place
    return place
