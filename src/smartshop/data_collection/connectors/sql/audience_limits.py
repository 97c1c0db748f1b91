"""What a rule may be, and what it comes to once the audiences it names are written out: pure."""

import math
from collections.abc import Callable, Iterator
from typing import assert_never

from smartshop.data_collection.schemas.audiences import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_LISTED,
    AllOf,
    AnyOf,
    AudienceId,
    Between,
    CaresFor,
    Consents,
    InAudience,
    InSegment,
    Listed,
    LivesIn,
    Not,
    Rule,
)
from smartshop.data_collection.schemas.segments import SegmentId
from smartshop.errors import InvalidValue

MAX_NAMED = 200
"""Segments, subjects or places of one condition."""
MAX_NAMED_IN_ALL = 2_000
"""Of all conditions together: ten of the widest, so that 100,000 customers are asked in a second or two."""
MAX_WRITTEN_OUT = 400
"""Conditions, together with those of the audiences named: both engines still plan it in milliseconds."""
MAX_LISTED_IN_ALL = 5 * MAX_LISTED
MAX_TEXT = 500
"""Characters of a subject or place; category paths are the longest."""

FindRule = Callable[[AudienceId], Rule | None]


def check_rule(rule: Rule) -> None:
    """Look at a rule as it was told.

    Raises:
        InvalidValue: too deep, too long, or a condition that cannot be asked.
    """
    _check_depth(rule, 0)
    leaves = list(conditions(rule))
    if len(leaves) > MAX_CONDITIONS:
        raise InvalidValue(f"The rule has {len(leaves)} conditions; at most {MAX_CONDITIONS} are asked at once.")
    for leaf in leaves:
        _check_condition(leaf)


def check_filled(rule: Rule) -> None:
    """Raises:
    InvalidValue: an all or any holds no rule, and so would match everybody or nobody.
    """
    match rule:
        case AllOf() | AnyOf():
            if not rule.rules:
                raise InvalidValue("An all or any holds no rule; name at least one, or leave it out.")
            for inner in rule.rules:
                check_filled(inner)
        case Not():
            check_filled(rule.of)
        case _:
            return


def written_out(rule: Rule, find: FindRule, own: AudienceId | None = None) -> Rule:
    """The rule with the definitions of audiences in place of their names; `own` is the audience whose rule it is.

    Raises:
        InvalidValue: an audience is not there, leads back to itself, or the conditions of all are too many.
    """
    return _write_out(rule, find, () if own is None else (own,), _Budget())


def conditions(rule: Rule) -> Iterator[Rule]:
    """The leaves, in the order told."""
    match rule:
        case AllOf() | AnyOf():
            for inner in rule.rules:
                yield from conditions(inner)
        case Not():
            yield from conditions(rule.of)
        case _:
            yield rule


def segments_named(rule: Rule) -> set[SegmentId]:
    return {SegmentId(each) for leaf in conditions(rule) if isinstance(leaf, InSegment) for each in leaf.segments}


def audiences_named(rule: Rule) -> set[AudienceId]:
    return {leaf.audience_id for leaf in conditions(rule) if isinstance(leaf, InAudience)}


class _Budget:
    """Counts conditions while they are written out, so that audiences of audiences end before they fill the memory."""

    left = MAX_WRITTEN_OUT

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InvalidValue(
                f"With the audiences that it names the rule has more than {MAX_WRITTEN_OUT} conditions; name fewer."
            )


def _write_out(rule: Rule, find: FindRule, way: tuple[AudienceId, ...], budget: _Budget) -> Rule:
    match rule:
        case AllOf():
            return AllOf(tuple(_write_out(inner, find, way, budget) for inner in rule.rules))
        case AnyOf():
            return AnyOf(tuple(_write_out(inner, find, way, budget) for inner in rule.rules))
        case Not():
            return Not(_write_out(rule.of, find, way, budget))
        case InAudience():
            budget.spend()
            return _write_out(_named(rule.audience_id, find, way), find, (*way, rule.audience_id), budget)
        case _:
            budget.spend()
            return rule


def _named(audience_id: AudienceId, find: FindRule, way: tuple[AudienceId, ...]) -> Rule:
    if audience_id in way:
        circle = " → ".join((*way[way.index(audience_id) :], audience_id))
        raise InvalidValue(f"Audience {audience_id} leads back to itself ({circle}); an audience cannot be in itself.")
    if len(way) > MAX_DEPTH:
        raise InvalidValue(f"Audiences name each other {len(way)} deep; at most {MAX_DEPTH} are followed.")
    found = find(audience_id)
    if found is None:
        raise InvalidValue(f"There is no audience {audience_id!r}; name one that was saved.")
    return found


def _check_depth(rule: Rule, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidValue(f"The rule nests `all`, `any` and `not` more than {MAX_DEPTH} deep; say it with fewer.")
    match rule:
        case AllOf() | AnyOf():
            for inner in rule.rules:
                _check_depth(inner, depth + 1)
        case Not():
            _check_depth(rule.of, depth + 1)
        case _:
            return


def check_amount(whole: Rule) -> None:
    """Look at a rule written out before it is saved; what was saved while more was allowed can still be asked.

    Raises:
        InvalidValue: it names or lists too much.
    """
    leaves = list(conditions(whole))
    named = sum(len(_named_by(leaf)) for leaf in leaves)
    if named > MAX_NAMED_IN_ALL:
        raise InvalidValue(
            f"The rule, with the audiences in it, names {named} segments, subjects and places; at most "
            f"{MAX_NAMED_IN_ALL} are asked for at once. What lies below a category need not be named."
        )
    listed = sum(len(leaf.customer_ids) for leaf in leaves if isinstance(leaf, Listed))
    if listed > MAX_LISTED_IN_ALL:
        raise InvalidValue(f"The rule lists {listed} customers; at most {MAX_LISTED_IN_ALL} fit.")


def _named_by(leaf: Rule) -> tuple[str, ...]:
    match leaf:
        case InSegment():
            return leaf.segments
        case CaresFor():
            return leaf.subjects
        case LivesIn():
            return (*leaf.countries, *leaf.cities)
        case _:
            return ()


def _check_condition(leaf: Rule) -> None:
    match leaf:
        case InSegment():
            _check_texts(leaf.segments, "segments")
        case CaresFor():
            _check_texts(leaf.subjects, "subjects")
            if not 0.0 <= leaf.min_strength <= 1.0:
                raise InvalidValue(f"The least strength {leaf.min_strength} is no share; write one from 0 to 1.")
        case LivesIn():
            if not leaf.countries and not leaf.cities:
                raise InvalidValue("The place names no country and no city; name at least one.")
            _check_texts(_named_by(leaf), "places")
        case Between():
            _check_bounds(leaf)
        case Listed():
            if len(leaf.customer_ids) > MAX_LISTED:
                raise InvalidValue(f"A list has {len(leaf.customer_ids)} customers; at most {MAX_LISTED} fit into one.")
            _check_characters(leaf.customer_ids)
        case InAudience():
            _check_characters((leaf.audience_id,))
        case Consents():
            return
        case AllOf() | AnyOf() | Not():
            raise AssertionError("these hold conditions and are none")
        case _:
            assert_never(leaf)


def _check_bounds(leaf: Between) -> None:
    if leaf.min is None and leaf.max is None:
        raise InvalidValue(f"The condition on {leaf.number} has no bounds; give min, max or both.")
    for bound in (leaf.min, leaf.max):
        if bound is not None and not math.isfinite(bound):
            raise InvalidValue(f"The bound {bound} of {leaf.number} is no number to compare with; leave it out.")
    if leaf.min is not None and leaf.max is not None and leaf.min > leaf.max:
        raise InvalidValue(
            f"The condition on {leaf.number} asks for at least {leaf.min:g} and at most {leaf.max:g}, which nobody "
            "has; exchange them."
        )


def _check_texts(texts: tuple[str, ...], what: str) -> None:
    if not 1 <= len(texts) <= MAX_NAMED:
        raise InvalidValue(f"A condition names {len(texts)} {what}; 1 to {MAX_NAMED} can be asked for.")
    for text in texts:
        if not text.strip() or len(text) > MAX_TEXT:
            raise InvalidValue(f"{text[:40]!r} among the {what} is empty or too long; 1 to {MAX_TEXT} characters fit.")
    _check_characters(texts)


def _check_characters(texts: tuple[str, ...]) -> None:
    for text in texts:
        if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise InvalidValue(f"{text[:40]!r} holds characters that no name has; leave them out.")
