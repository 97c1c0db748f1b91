"""What slates showed and what came of it: the decision log joined with what the same shoppers did afterwards.

A slate is learned from only where somebody saw it: its client reported what came into view, or something of it was
clicked. A click, an addition or an order counts for the slate that it names by `decision_id`; where it names none, for
the newest slate of the same shopper within a day before it that had the product in view.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.connectors.ports import Customers, Decisions, EventLog
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.identity import Owners, learning_owners
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind, StoredEvent, Traffic
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, DecisionId, Micros, ProductId, ShopperKey
from smartshop.data_collection.schemas.profiles import INTEREST_LIMIT
from smartshop.data_collection.schemas.slates import Decision, Surface

Numbers = NDArray[np.int32]
Owner = tuple[bool, ShopperKey]
"""(is a customer, key)"""

MOST_SLATES = 30_000
"""The newest decisions that are read; they hold more clicks than the ranker can use."""
ATTRIBUTED_WITHIN = DAY
"""µs between a slate and what is still held for its doing; what names the slate counts without limit."""
BASKET_LASTS = DAY
"""µs: an older basket is taken for forgotten, as when slates are asked for."""
LIKED_FROM = 3.0
"""A rating of so many stars and more is a sign of liking, as when slates are asked for."""


class Outcome(IntEnum):
    """What became of a shown product at most."""

    NOTHING = 0
    CLICKED = 1
    ADDED = 2
    ORDERED = 3


WINDOWS = frozenset({Surface.HOME, Surface.EMAIL})
"""Surfaces that are about nothing that lies before the shopper: no basket is meant there."""
OUTCOME_OF = {
    EventKind.RECOMMENDATION_CLICKED: Outcome.CLICKED,
    EventKind.PRODUCT_CLICKED: Outcome.CLICKED,
    EventKind.PRODUCT_ADDED: Outcome.ADDED,
    EventKind.WISHLISTED: Outcome.ADDED,
    EventKind.ORDER_COMPLETED: Outcome.ORDERED,
}
KINDS: tuple[EventKind, ...] = (*INTEREST_WEIGHT, EventKind.RECOMMENDATION_SHOWN)


@dataclass(frozen=True, slots=True)
class ShownSlate:
    """One slate as its shopper saw it, and what was known of the shopper when it was decided."""

    shopper: int
    """Dense number of the owner after identity links; not stable between loads."""
    surface: Surface
    decided_at: Micros
    device: str | None
    anchor: int | None
    """The product whose page it was."""
    entries: Numbers
    """All products that the decision keeps: shown ones first, then the runners-up, which nobody saw."""
    product_no: Numbers
    """(n,) the places that came into view, from the top."""
    propensity: NDArray[np.float64]
    """(n,) chance with which each stood at its place."""
    argued: NDArray[np.float64]
    """(n,) what the advisors said of each: Σ weight × log-odds."""
    outcome: NDArray[np.int8]
    """(n,) `Outcome`"""
    named: NDArray[np.bool_]
    """(n,) whether something that was done there named this slate."""
    history: Numbers
    """(h,) products of positive interest strictly before `decided_at`, oldest first."""
    history_at: NDArray[np.int64]
    history_bought: NDArray[np.bool_]
    basket: Numbers
    """Put in within a day before, and neither taken out nor ordered since, as far as events tell; empty where the
    slate itself shows that its request named no basket."""


@dataclass(slots=True)
class _Sign:
    """One product of one event."""

    at: int
    kind: EventKind
    product: int
    decision_id: DecisionId | None
    likes: bool


@dataclass(slots=True)
class _Given:
    """A decision, and what is found out about it."""

    decision: Decision
    owner: Owner
    in_view: int = 0
    device: str | None = None
    outcome: dict[int, int] = field(default_factory=dict)
    """Place → outcome."""
    named: set[int] = field(default_factory=set)
    """Places of which something that was done named this slate."""


def load_shown_slates(
    log: EventLog, customers: Customers, decisions: Decisions, shelf: Shelf, *, since: Micros, until: Micros
) -> tuple[ShownSlate, ...]:
    """Slates decided at since ≤ t < until that somebody saw, oldest first, at most the newest `MOST_SLATES`.

    The log is read only where there are decisions: an imported history costs nothing.
    """
    owners = learning_owners(customers.links(), customers.merges())
    newest: deque[Decision] = deque(maxlen=MOST_SLATES)
    for batch in decisions.scan(since, until):
        newest.extend(batch)
    if not newest:
        return ()
    given = {decision.decision_id: _Given(decision, _owner_of(decision, owners)) for decision in newest}
    signs = _read_signs(log, owners, shelf, given)
    of_owner: dict[Owner, list[_Given]] = {}
    for each in given.values():
        of_owner.setdefault(each.owner, []).append(each)
    for owner, slates in of_owner.items():
        _attribute(slates, signs.get(owner, []), given)
    numbers = {owner: number for number, owner in enumerate(of_owner)}
    return tuple(_shown(each, numbers[each.owner], signs.get(each.owner, []), shelf) for each in _seen(given, shelf))


def _owner_of(decision: Decision, owners: Owners) -> Owner:
    if decision.is_customer:
        return True, ShopperKey(owners.of_customer(CustomerId(decision.shopper_key)))
    customer = owners.of_anonymous(AnonymousId(decision.shopper_key), decision.decided_at)
    return (False, decision.shopper_key) if customer is None else (True, ShopperKey(customer))


def _read_signs(
    log: EventLog, owners: Owners, shelf: Shelf, given: Mapping[DecisionId, _Given]
) -> dict[Owner, list[_Sign]]:
    """What everybody did to whom a slate was given, oldest first; what came into view is noted on the slates."""
    wanted = {each.owner for each in given.values()}
    signs: dict[Owner, list[_Sign]] = {}
    told: set[tuple[Owner, str]] = set()
    for batch in log.scan(kinds=KINDS):
        for _, event in batch:
            if event.traffic is not Traffic.HUMAN:
                continue
            owner = owners.of_event(event)
            if owner not in wanted or (owner, event.event_id) in told:
                continue
            told.add((owner, event.event_id))
            if event.kind is EventKind.RECOMMENDATION_SHOWN:
                _note_view(event, given)
            elif event.kind is not EventKind.ORDER_COMPLETED or event.is_shops_word:
                signs.setdefault(owner, []).extend(_signs_of(event, shelf))
    for found in signs.values():
        found.sort(key=_at)  # stable: within a moment the log's order stays
    return signs


def _note_view(event: StoredEvent, given: Mapping[DecisionId, _Given]) -> None:
    each = given.get(event.decision_id) if event.decision_id is not None else None
    if each is None:
        return
    lowest = max((line.position for line in event.products if line.position is not None), default=-1)
    each.in_view = max(each.in_view, lowest + 1 if lowest >= 0 else len(event.products))
    if event.context is not None:
        each.device = event.context.device


def _at(sign: _Sign) -> int:
    return sign.at


def _signs_of(event: StoredEvent, shelf: Shelf) -> Iterator[_Sign]:
    likes = INTEREST_WEIGHT.get(event.kind, 0.0) > 0
    if event.kind is EventKind.RATED and event.rating is not None:
        likes = event.rating >= LIKED_FROM
    found = dict[int, None]()
    for line in event.products:
        number = shelf.number_of.get(line.product_id) if line.product_id is not None else None
        if number is None and line.variant_id is not None:
            number = shelf.number_of.get(ProductId(line.variant_id))
        if number is not None:
            found[int(number)] = None
    for product in found:
        yield _Sign(int(event.occurred_at), event.kind, product, event.decision_id, likes)


def _attribute(slates: Sequence[_Given], signs: Sequence[_Sign], given: Mapping[DecisionId, _Given]) -> None:
    """Note on these slates of one owner, oldest first, what came of them; first what names its slate."""
    for sign in signs:
        named = given.get(sign.decision_id) if sign.decision_id is not None else None
        if named is not None and sign.kind in OUTCOME_OF:
            place = _place(named.decision, sign.product)
            if place is not None:
                named.in_view = max(named.in_view, place + 1)
                named.named.add(place)
                _raise(named, place, OUTCOME_OF[sign.kind])
    decided = [each.decision.decided_at for each in slates]
    for sign in signs:
        if sign.kind not in OUTCOME_OF or (sign.decision_id is not None and sign.decision_id in given):
            continue
        for number in range(bisect_left(decided, sign.at) - 1, -1, -1):
            if sign.at - decided[number] > ATTRIBUTED_WITHIN:
                break
            place = _place(slates[number].decision, sign.product)
            if place is not None and place < slates[number].in_view:
                _raise(slates[number], place, OUTCOME_OF[sign.kind])
                break


def _place(decision: Decision, product: int) -> int | None:
    try:
        return decision.product_no.index(product, 0, decision.shown)  # type: ignore[arg-type]  # a number is a number
    except ValueError:
        return None


def _raise(given: _Given, place: int, outcome: Outcome) -> None:
    given.outcome[place] = max(given.outcome.get(place, 0), int(outcome))


def _seen(given: Mapping[DecisionId, _Given], shelf: Shelf) -> Iterator[_Given]:
    for each in given.values():
        known = max(each.decision.product_no, default=-1) < shelf.n_products
        if each.in_view and each.decision.shown and known:
            yield each


def _shown(given: _Given, shopper: int, signs: Sequence[_Sign], shelf: Shelf) -> ShownSlate:
    decision = given.decision
    n = min(given.in_view, decision.shown)
    earlier = signs[: bisect_left(signs, int(decision.decided_at), key=_at)]
    liked = [sign for sign in earlier[-4 * INTEREST_LIMIT :] if sign.likes][-INTEREST_LIMIT:]
    outcome = np.zeros(n, np.int8)
    for place, what in given.outcome.items():
        outcome[place] = what
    anchor = decision.anchor_product_id
    return ShownSlate(
        shopper=shopper,
        surface=decision.surface,
        decided_at=decision.decided_at,
        device=given.device,
        anchor=None if anchor is None else shelf.number_of.get(anchor),
        entries=np.array(decision.product_no, np.int32),
        product_no=np.array(decision.product_no[:n], np.int32),
        propensity=np.array(decision.propensity[:n], np.float64),
        argued=_argued(decision)[:n],
        outcome=outcome,
        named=np.isin(np.arange(n), list(given.named)),
        history=np.array([sign.product for sign in liked], np.int32),
        history_at=np.array([sign.at for sign in liked], np.int64),
        history_bought=np.array([sign.kind is EventKind.ORDER_COMPLETED for sign in liked], np.bool_),
        basket=_basket(earlier, decision),
    )


def _argued(decision: Decision) -> NDArray[np.float64]:
    total = np.zeros(len(decision.product_no))
    for advisor, packed in zip(decision.advisors, decision.log_odds, strict=True):
        total += decision.policy.weights.get(advisor, 1.0) * np.frombuffer(packed, "<f4").astype(np.float64)
    return total


def _basket(earlier: Sequence[_Sign], decision: Decision) -> Numbers:
    if decision.surface in WINDOWS:
        return np.zeros(0, np.int32)
    inside: dict[int, None] = {}
    for sign in earlier[bisect_left(earlier, decision.decided_at - BASKET_LASTS, key=_at) :]:
        if sign.kind is EventKind.PRODUCT_ADDED:
            inside[sign.product] = None
        elif sign.kind in (EventKind.PRODUCT_REMOVED, EventKind.ORDER_COMPLETED):
            inside.pop(sign.product, None)
    # What lies in the basket that a request names is never shown.
    return np.array([] if inside.keys() & set(decision.product_no) else list(inside), np.int32)
