"""What the merchant's rules do to one slate: pins, a shift of the scores, and caps.

Rules act on what may be shown and on nothing else: whatever they name outside the mask is passed over. Boosts and
buries move candidates; pins and caps may also bring eligible products in that no source drew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Candidates, CandidateSource, Numbers, Question
from smartshop.ai_agents.brought_in import joined, unargued
from smartshop.ai_agents.limits import Limit
from smartshop.ai_agents.rule_caps import fills, limit_of, with_others
from smartshop.ai_agents.rules import ActiveRules
from smartshop.data_collection.schemas.rules import MAX_STRENGTH, Pin, RuleId
from smartshop.data_collection.schemas.slates import Adjustment

TOLD_RULES = 5
"""Boosts and buries of one item that are told one by one."""
TOGETHER = "rules"
"""What adjustments call several of them."""
PINNED = "pinned"
"""Origin of pinned candidates that no source drew."""
NO_NUMBERS = np.empty(0, dtype=np.int32)


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
    told_of: Callable[[Sequence[int]], Mapping[int, list[Adjustment]]]
    """Candidates → what was done to those of them to which something was; asked only of those shown."""


def prepare(active: ActiveRules, question: Question, candidates: Candidates, source: CandidateSource) -> Prepared:
    """Bring in what is pinned, and enough others where caps would leave the slate short."""
    pins = _wanted_pins(active, question) if active.compiled.pins.any() else []
    candidates = _with_pinned(candidates, pins)
    meant, limits = _read(active, candidates.product_no, question)
    if limits and not fills(limits, len(candidates.product_no), question.limit):
        candidates = with_others(candidates, limits, active, question, source, [pin.product_no for pin in pins])
        meant, limits = _read(active, candidates.product_no, question)
    return Prepared(candidates, pins, meant, limits)


def _read(active: ActiveRules, numbers: Numbers, question: Question) -> tuple[NDArray[np.bool_], tuple[Limit, ...]]:
    meant = active.meant(numbers, question.shelf, question.now)
    limits = [
        limit_of(active.rule(at), meant[:, at], numbers, question) for at in active.cap_places if meant[:, at].any()
    ]
    return meant, tuple(limits)


def rule_on(active: ActiveRules, question: Question, prepared: Prepared, scores: NDArray[np.float64]) -> Ruling:
    """What the rules that hold do to these candidates, once they have scores."""
    numbers = prepared.candidates.product_no
    shift = np.clip(prepared.meant @ active.strength, -MAX_STRENGTH, MAX_STRENGTH)
    placed = _places_of(prepared.pins, min(question.limit, len(numbers)))
    where = {number: index for index, number in enumerate(numbers.tolist())} if placed else {}
    pins = {place: where[pin.product_no] for place, pin in placed.items()}
    pinned_by = {where[pin.product_no]: [Adjustment(pin.rule_id, f"Pinned to place {place + 1} by the shop.")]
                 for place, pin in placed.items()}  # fmt: skip
    return Ruling(
        pins,
        shift,
        prepared.limits,
        lambda shown: {**_shifted(active, prepared.meant, shift, scores, shown), **pinned_by},
    )


def no_ruling(scores: NDArray[np.float64]) -> Ruling:
    return Ruling({}, np.zeros_like(scores), (), lambda _: {})


def _shifted(
    active: ActiveRules,
    meant: NDArray[np.bool_],
    shift: NDArray[np.float64],
    scores: NDArray[np.float64],
    shown: Sequence[int],
) -> dict[int, list[Adjustment]]:
    """Candidate → which rules raised or lowered it, and from where to where."""
    strength = active.strength
    rows, columns = np.nonzero(meant[list(shown)] & (strength != 0))
    if not len(rows):
        return {}
    before, after = _ranks(scores), _ranks(scores + shift)
    pulling: dict[int, list[int]] = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        pulling.setdefault(shown[row], []).append(column)
    told: dict[int, list[Adjustment]] = {}
    for candidate, rules in pulling.items():
        was, now = before[candidate] + 1, after[candidate] + 1
        places = f", from place {was} to {now}" if was != now else ""
        alone = places if len(rules) == 1 else ""
        told[candidate] = [
            Adjustment(active.rule(at).rule_id, f"{_did(float(strength[at]))} by the shop{alone}.")
            for at in rules[:TOLD_RULES]
        ]
        if len(rules) > 1:
            total = f"{len(rules)} rules of the shop together: {float(shift[candidate]):+.2f} log-odds{places}."
            told[candidate].append(Adjustment(TOGETHER, total))
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
    return candidates if not numbers else joined(candidates, unargued(candidates, numbers, PINNED))


def _places_of(pins: Sequence[Pinned], n_places: int) -> dict[int, Pinned]:
    """Each pin's place: its own, else the next free one, else the last free one (a short shelf gives a short slate)."""
    placed: dict[int, Pinned] = {}
    for pin in pins:
        free = [place for place in range(n_places) if place not in placed]
        if not free:
            break
        placed[next((place for place in free if place >= pin.position), free[-1])] = pin
    return placed
