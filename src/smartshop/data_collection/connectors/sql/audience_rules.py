"""Rules as conditions on `standings`, for both engines. Every value goes as a parameter; no condition is ever NULL."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    SelectBase,
    TableValuedAlias,
    Text,
    and_,
    cast,
    column,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from smartshop.data_collection.connectors.sql.audience_consent import ConsentWords
from smartshop.data_collection.connectors.sql.codes import AFFINITY_CODES
from smartshop.data_collection.connectors.sql.customer_rows import fold_place
from smartshop.data_collection.connectors.sql.standing_rows import LARGEST, STRENGTH_UNITS
from smartshop.data_collection.connectors.sql.tables import affinities, affinity_subjects, customers, standings
from smartshop.data_collection.schemas.audiences import (
    AllOf,
    AnyOf,
    Between,
    CaresFor,
    Consents,
    InAudience,
    InSegment,
    Listed,
    LivesIn,
    Not,
    Number,
    Rule,
)
from smartshop.data_collection.schemas.catalogue import CATEGORY_SEPARATOR, format_category, parse_category
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import AffinityKind, SegmentId

Condition = ColumnElement[bool]

DAY = 86_400_000_000
"""µs."""
_BEHIND_SEPARATOR = CATEGORY_SEPARATOR[:-1] + chr(ord(CATEGORY_SEPARATOR[-1]) + 1)
"""Sorts behind everything that begins with the separator."""
_LARGEST_REAL = math.nextafter(float(LARGEST), 0)
_column = standings.c

# Any: some of these columns are nullable, others not.
AMOUNTS: dict[Number, ColumnElement[Any]] = {
    Number.ORDERS: _column.orders,
    Number.SPENT_MINOR: _column.spent_minor,
    Number.EXPECTED_VALUE_30_MINOR: _column.expected_value_30_minor,
    Number.EXPECTED_VALUE_90_MINOR: _column.expected_value_90_minor,
    Number.EXPECTED_VALUE_365_MINOR: _column.expected_value_365_minor,
}
"""Whole numbers, which everybody has."""
SCORES: dict[Number, ColumnElement[Any]] = {
    Number.RECENCY_SCORE: _column.recency_score,
    Number.FREQUENCY_SCORE: _column.frequency_score,
    Number.MONETARY_SCORE: _column.monetary_score,
}
"""Who never bought has none of them; it stands as 0."""
CHANCES: dict[Number, ColumnElement[Any]] = {
    Number.CHURN_RISK: _column.churn_risk,
    Number.P_ALIVE: _column.p_alive,
    Number.EXPECTED_ORDERS_90: _column.expected_orders_90,
}
DAYS_BACK: dict[Number, ColumnElement[Any]] = {
    Number.DAYS_SINCE_ORDER: _column.last_order_at,
    Number.DAYS_SINCE_SEEN: _column.last_seen_at,
    Number.DAYS_SINCE_FIRST_ORDER: _column.first_order_at,
}


@dataclass(frozen=True, slots=True)
class Asking:
    """What a rule needs besides itself."""

    now: Micros
    """The shop's present."""
    segment_nos: Mapping[SegmentId, int]
    words: ConsentWords
    is_postgres: bool


def condition(rule: Rule, asking: Asking) -> Condition:
    """Who matches; the audiences it names were written out before."""
    match rule:
        case AllOf():
            return and_(true(), *(condition(inner, asking) for inner in rule.rules))
        case AnyOf():
            return or_(false(), *(condition(inner, asking) for inner in rule.rules))
        case Not():
            return not_(condition(rule.of, asking))
        case InSegment():
            return _in_segment([asking.segment_nos.get(SegmentId(each), 0) for each in rule.segments])
        case Between():
            return _between(rule, asking.now)
        case CaresFor():
            return _cares_for(rule, asking.is_postgres)
        case LivesIn():
            return _lives_in(rule, asking)
        case Consents():
            return asking.words.word(rule.purpose).is_(rule.granted)
        case Listed():
            return _listed(rule.customer_ids, asking.is_postgres)
        case InAudience():
            raise AssertionError("audiences are written out before they are asked for")
        case _:
            assert_never(rule)


def _in_segment(numbers: Sequence[int]) -> Condition:
    in_behaviour = and_(_column.segment_no.is_not(None), _column.segment_no.in_(numbers))
    return or_(_column.rfm_no.in_(numbers), in_behaviour)


def _between(rule: Between, now: Micros) -> Condition:
    number = rule.number
    if number in AMOUNTS:
        return _whole_between(AMOUNTS[number], rule.min, rule.max)
    if number in SCORES:
        return and_(SCORES[number] > 0, _whole_between(SCORES[number], rule.min, rule.max))
    if number in DAYS_BACK:
        earliest = None if rule.max is None else now - rule.max * DAY
        latest = None if rule.min is None else now - rule.min * DAY
        return and_(DAYS_BACK[number].is_not(None), _whole_between(DAYS_BACK[number], earliest, latest))
    if number is Number.DAYS_UNTIL_NEXT_ORDER:
        ahead = [None if bound is None else now + bound * DAY for bound in (rule.min, rule.max)]
        return and_(_column.next_order_at.is_not(None), _whole_between(_column.next_order_at, *ahead))
    if number is Number.AVERAGE_ORDER_MINOR:
        average = cast(_column.spent_minor, Float) / func.nullif(_column.orders, 0)
        return and_(_column.orders > 0, _real_between(average, rule.min, rule.max))
    return and_(CHANCES[number].is_not(None), _real_between(CHANCES[number], rule.min, rule.max))


def _whole_between(value: ColumnElement[Any], least: float | None, most: float | None) -> Condition:
    return and_(
        true() if least is None else value >= math.ceil(_fitting(least)),
        true() if most is None else value <= math.floor(_fitting(most)),
    )


def _real_between(value: ColumnElement[Any], least: float | None, most: float | None) -> Condition:
    return and_(
        true() if least is None else value >= literal(least, Float),
        true() if most is None else value <= literal(most, Float),
    )


def _fitting(bound: float) -> float:
    """Nobody has more than a column holds, so a bound beyond says the same as the last that fits."""
    return bound if abs(bound) < LARGEST else math.copysign(1, bound) * _LARGEST_REAL


def _cares_for(rule: CaresFor, is_postgres: bool) -> Condition:
    # A strength is kept to so many decimals: who was told to lean .7 leans at least .7.
    least = round(rule.min_strength * STRENGTH_UNITS)
    leaning = select(affinities.c.customer_no).where(
        affinities.c.subject_no.in_(_subjects(rule, is_postgres)), affinities.c.strength >= least
    )
    return _column.customer_no.in_(leaning)


def _subjects(rule: CaresFor, is_postgres: bool) -> SelectBase:
    """Numbers of the subjects named and, of categories, of those below."""
    name, kind = affinity_subjects.c.subject, affinity_subjects.c.kind == AFFINITY_CODES[rule.affinity]
    is_category = rule.affinity is AffinityKind.CATEGORY
    told = [format_category(parse_category(each)) for each in rule.subjects] if is_category else rule.subjects
    each = _rows_of(told, is_postgres)
    named = select(affinity_subjects.c.subject_no).where(kind, name.in_(select(each.c.value)))
    if not is_category:
        return named
    # The two apart: those named are found in the index, which an "or" would keep both engines from.
    is_below = and_(name >= each.c.value + CATEGORY_SEPARATOR, name < each.c.value + _BEHIND_SEPARATOR)
    below = select(affinity_subjects.c.subject_no).select_from(each.join(affinity_subjects, is_below)).where(kind)
    return named.union_all(below)


def _lives_in(rule: LivesIn, asking: Asking) -> Condition:
    """Asked once for all, not once per customer."""
    places = ((customers.c.country, rule.countries), (customers.c.city, rule.cities))
    inside = [
        column.in_(select(_rows_of([fold_place(each) or each for each in told], asking.is_postgres).c.value))
        for column, told in places
        if told
    ]
    return _column.customer_id.in_(select(customers.c.customer_id).where(*inside))


def _listed(customer_ids: Sequence[CustomerId], is_postgres: bool) -> Condition:
    return _column.customer_id.in_(select(_rows_of(customer_ids, is_postgres).c.value))


def _rows_of(texts: Sequence[str], is_postgres: bool) -> TableValuedAlias:
    """One parameter however many there are: both engines take only so many."""
    told = msgspec.json.encode(texts).decode()
    rows = func.jsonb_array_elements_text(cast(literal(told), JSONB)) if is_postgres else func.json_each(told)
    return rows.table_valued(column("value", Text))
