"""What the merchant's rules do to one slate: pins, a shift of the scores, and caps.

Rules act on what may be shown and on nothing else: whatever they name outside the mask is passed over. Boosts and
buries move candidates; pins and caps may also bring eligible products in that no source drew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Candidates, CandidateSource, Numbers, Question
from smartshop.ai_agents.ladder import NOTHING
from smartshop.ai_agents.limits import Limit, Room
from smartshop.ai_agents.rules import ActiveRules
from smartshop.data_collection.schemas.rules import MAX_STRENGTH, Cap, CapPer, MerchantRule, Pin, RuleId
from smartshop.data_collection.schemas.slates import Adjustment

TOLD_RULES = 5
"""Boosts and buries of one item that are told one by one."""
PINNED, BROUGHT_IN = "pinned", "brought_in"
"""Origins of candidates that no source drew."""
NO_NUMBERS = np.empty(0, dtype=np.int32)
MARGIN = 20
"""Candidates drawn beyond what is missing, so that scores still have a say."""


@dataclass(frozen=True, slots=True)
class Pinned:
    product_no: int
    position: int
    """From 0, as the rule says."""
    rule_id: RuleId


@dataclass(frozen=True, slots=True)
class Prepared:
    """Candidates as the rules want them, before anybody argues."""

    candidates: Candidates
    pins: Sequence[Pinned]
    meant: NDArray[np.bool_]
    """(n_candidates, n_active)"""
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one slate's candidates."""

    pins: Mapping[int, int]
    """Place → candidate."""
    shift: NDArray[np.float64]
    """(n_candidates,) log-odds, added for the order alone: a score stays what the advisors said."""
    limits: tuple[Limit, ...]
    told_of: Callable[[int], list[Adjustment]]
    """Candidate → what was done to it; asked only of those shown."""


def prepare(active: ActiveRules, question: Question, candidates: Candidates, source: CandidateSource) -> Prepared:
    """Bring in what is pinned, and enough others where caps would leave the slate short."""
    pins = _wanted_pins(active, question) if active.compiled.pins.any() else []
    candidates = _with_pinned(candidates, pins)
    meant, limits = _read(active, candidates.product_no, question)
    if limits and not _fills(limits, len(candidates.product_no), question.limit):
        candidates = _with_others(candidates, active, question, source, pins)
        meant, limits = _read(active, candidates.product_no, question)
    return Prepared(candidates, pins, meant, limits)


def _read(active: ActiveRules, numbers: Numbers, question: Question) -> tuple[NDArray[np.bool_], tuple[Limit, ...]]:
    meant = active.meant(numbers, question.shelf, question.now)
    limits = [
        _limit(active.rule(at), meant[:, at], numbers, question) for at in active.cap_places if meant[:, at].any()
    ]
    return meant, tuple(limits)


def rule_on(active: ActiveRules, question: Question, prepared: Prepared, scores: NDArray[np.float64]) -> Ruling:
    """What the rules that hold do to these candidates, once they have scores."""
    numbers = prepared.candidates.product_no
    shift = np.clip(prepared.meant @ active.strength, -MAX_STRENGTH, MAX_STRENGTH)
    placed = _places_of(prepared.pins, min(question.limit, len(numbers)))
    where = {number: index for index, number in enumerate(numbers.tolist())} if placed else {}
    pins = {place: where[pin.product_no] for place, pin in placed.items()}
    pinned_by = {where[pin.product_no]: Adjustment(pin.rule_id, f"Pinned to place {place + 1} by the shop.")
                 for place, pin in placed.items()}  # fmt: skip
    moved = _Shifted(active, prepared.meant, shift, scores)

    def told_of(candidate: int) -> list[Adjustment]:
        return [pinned_by[candidate]] if candidate in pinned_by else moved.told_of(candidate)

    return Ruling(pins, shift, prepared.limits, told_of)


def no_ruling(scores: NDArray[np.float64]) -> Ruling:
    return Ruling({}, np.zeros_like(scores), (), lambda _: [])


class _Shifted:
    """Which rules raised or lowered a candidate, and from where to where."""

    def __init__(
        self, active: ActiveRules, meant: NDArray[np.bool_], shift: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> None:
        self._active, self._meant, self._shift = active, meant, shift
        self._strength = active.strength
        self._is_any = bool(shift.any())
        self._before, self._after = (_ranks(scores), _ranks(scores + shift)) if self._is_any else ([], [])

    def told_of(self, candidate: int) -> list[Adjustment]:
        pulls = np.where(self._meant[candidate], self._strength, 0.0)
        pulling = np.flatnonzero(pulls).tolist()
        if not pulling:
            return []
        was, now = (self._before[candidate] + 1, self._after[candidate] + 1) if self._is_any else (0, 0)
        places = f", from place {was} to {now}" if was != now else ""
        told = [
            Adjustment(self._active.rule(at).rule_id, f"{_did(float(pulls[at]))} by the shop{places}.")
            for at in pulling[:TOLD_RULES]
        ]
        if len(pulling) > TOLD_RULES:
            more, total = len(pulling) - TOLD_RULES, float(self._shift[candidate])
            told.append(Adjustment("rules", f"{more} more rules of the shop; all together {total:+.2f} log-odds."))
        return told


def _did(pull: float) -> str:
    return f"{'Raised' if pull > 0 else 'Lowered'} by {abs(pull):.2f} log-odds"


def _ranks(scores: NDArray[np.float64]) -> list[int]:
    ranks = np.empty(len(scores), dtype=np.intp)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return list(ranks.tolist())


# ------------------------------------------------------------------------------------------------- pins
def _wanted_pins(active: ActiveRules, question: Question) -> list[Pinned]:
    """Products that rules want at a place of this slate and that may be shown, the most important rule's first."""
    pinning = active.pins
    named = [_eligible(pinning.named(place), question) for place in range(len(pinning.numbers))]
    meant = pinning.meant(np.concatenate([NO_NUMBERS, *named]), question.shelf, question.now)
    wanted: dict[int, Pinned] = {}
    start = 0
    for place, numbers in enumerate(named):
        rule = pinning.rule(place)
        assert isinstance(rule.effect, Pin)
        kept = numbers[meant[start : start + len(numbers), place]][: max(0, question.limit - rule.effect.position)]
        start += len(numbers)
        for offset, number in enumerate(kept.tolist()):
            wanted.setdefault(number, Pinned(number, rule.effect.position + offset, rule.rule_id))
    return list(wanted.values())


def _eligible(numbers: Numbers, question: Question) -> Numbers:
    numbers = numbers[numbers < len(question.eligible)]
    return numbers[question.eligible[numbers]]


def _with_pinned(candidates: Candidates, pins: Sequence[Pinned]) -> Candidates:
    """The same, and behind them the pinned products that no source drew."""
    drawn = set(candidates.product_no.tolist())
    numbers = [pin.product_no for pin in pins if pin.product_no not in drawn]
    return candidates if not numbers else _joined(candidates, _unargued(candidates, numbers, PINNED))


def _places_of(pins: Sequence[Pinned], n_places: int) -> dict[int, Pinned]:
    """Each pin's place: its own, else the next free one, else the last free one (a short shelf gives a short slate)."""
    placed: dict[int, Pinned] = {}
    for pin in pins:
        free = [place for place in range(n_places) if place not in placed]
        if not free:
            break
        placed[next((place for place in free if place >= pin.position), free[-1])] = pin
    return placed


# ------------------------------------------------------------------------------------------------- caps
def _caps_everywhere(active: ActiveRules, question: Question) -> list[Limit]:
    """The limits over the whole catalogue; costs its length per cap."""
    every = np.arange(question.shelf.n_products, dtype=np.int32)
    return [
        _limit(active.rule(at), active.meant_everywhere(at, question.shelf, question.now), every, question)
        for at in active.cap_places
    ]


def _limit(rule: MerchantRule, meant: NDArray[np.bool_], product_no: Numbers, question: Question) -> Limit:
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


def _with_others(
    candidates: Candidates, active: ActiveRules, question: Question, source: CandidateSource, pins: Sequence[Pinned]
) -> Candidates:
    """More candidates of other kinds where caps leave too few: a cap holds as long as there are others to show.

    (Where one product is under several caps, which of them a slate is filled with can leave one that others would not.)
    """
    numbers = candidates.product_no
    everywhere = Room(_caps_everywhere(active, question), question.shelf.n_products)
    for pin in pins:
        everywhere.take(pin.product_no)
    pinned = {pin.product_no for pin in pins}
    placed = len(pins) + _take_all(everywhere, [number for number in numbers.tolist() if number not in pinned])
    left = question.eligible.copy()
    left[numbers] = False
    if placed >= question.limit or not (left & ~everywhere.closed).any():
        return candidates
    more = _drawn(source, replace(question, eligible=left & ~everywhere.closed), question.limit - placed + MARGIN)
    left[more.product_no] = False
    placed += _take_all(everywhere, more.product_no.tolist())
    brought = list[int]()
    while placed + len(brought) < question.limit:
        found = left & ~everywhere.closed
        number = int(found.argmax())
        if not found[number]:
            break
        brought.append(number)
        left[number] = False
        everywhere.take(number)
    joined = _joined(candidates, more)
    return _joined(joined, _unargued(joined, brought, BROUGHT_IN)) if brought else joined


def _fills(limits: Sequence[Limit], n_candidates: int, n_places: int) -> bool:
    """Whether these candidates fill the places within the limits, in whatever order they are taken."""
    codes = np.stack([limit.codes for limit in limits])
    under = codes > 0
    free = n_candidates - int(under.any(axis=0).sum())
    if free >= n_places:
        return True
    if (under.sum(axis=0) > 1).any():
        return _take_all(Room(limits, n_candidates), range(n_candidates)) >= n_places
    for limit in limits:
        counts = np.bincount(limit.codes)[1:]
        free += int(np.minimum(counts, limit.most).sum())
    return free >= n_places


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


# -------------------------------------------------------------------------------------------- candidates
def _unargued(candidates: Candidates, numbers: Sequence[int], origin: str) -> Candidates:
    """Products that no source drew, as relevant as the least of those drawn."""
    least = float(candidates.relevance.min()) if len(candidates.relevance) else 0.0
    return Candidates(
        product_no=np.array(numbers, dtype=np.int32),
        relevance=np.full(len(numbers), least, dtype=np.float32),
        origin=np.zeros(len(numbers), dtype=np.int8),
        because=np.full(len(numbers), -1, dtype=np.int32),
        origins=(origin,),
    )


def _joined(candidates: Candidates, more: Candidates) -> Candidates:
    """Both, one behind the other; they have no product in common."""
    if not len(more.product_no):
        return candidates
    origins = (*candidates.origins, *(name for name in more.origins if name not in candidates.origins))
    code_of = np.array([origins.index(name) for name in more.origins], dtype=np.int8)
    return Candidates(
        product_no=np.concatenate([candidates.product_no, more.product_no]),
        relevance=np.concatenate([candidates.relevance, more.relevance]),
        origin=np.concatenate([candidates.origin, code_of[more.origin]]),
        because=np.concatenate([candidates.because, more.because]),
        origins=origins,
        missing=candidates.missing,
    )
