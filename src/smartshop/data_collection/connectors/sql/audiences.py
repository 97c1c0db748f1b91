"""Audiences over SQL."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, case, delete, func, select, update

from smartshop.data_collection.connectors.sql.audience_consent import ConsentWords
from smartshop.data_collection.connectors.sql.audience_limits import (
    FindRule,
    audiences_named,
    check_amount,
    check_filled,
    check_rule,
    segments_named,
    written_out,
)
from smartshop.data_collection.connectors.sql.audience_rules import Asking, Condition, condition
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn, take_turn
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.standing_numbers import StandingNumbers
from smartshop.data_collection.connectors.sql.standing_rows import standings_of
from smartshop.data_collection.connectors.sql.tables import audience_pushes, segments, standings
from smartshop.data_collection.connectors.sql.tables import audiences as audience_rows
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent, insert_or_replace
from smartshop.data_collection.connectors.without_erased import rule_without
from smartshop.data_collection.schemas.audiences import (
    Audience,
    AudienceId,
    AudiencePush,
    AudienceSize,
    PushState,
    Rule,
)
from smartshop.data_collection.schemas.customers import Consent, Purpose
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import Standing
from smartshop.errors import Conflict, InvalidValue

MAX_COMPARED = 12
"""Audiences of one overlap."""

_decode_audience = msgspec.json.Decoder(Audience).decode
_decode_push = msgspec.json.Decoder(AudiencePush).decode


class SqlAudiences:
    """`consent_default` is what holds for a customer who was never asked. Nobody erased is named by what is stored."""

    def __init__(self, database: Database, consent_default: Consent, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased
        self._consent_default = consent_default
        self._numbers = StandingNumbers()

    def save(self, audience: Audience) -> None:
        check_rule(audience.definition)
        check_filled(audience.definition)
        self._database.write(lambda connection: _save(connection, audience, self._erased))

    def check(self, definition: Rule) -> None:
        check_rule(definition)
        check_filled(definition)
        with self._database.read() as connection:
            _check_named(connection, definition)

    def get(self, audience_id: AudienceId) -> Audience | None:
        with self._database.read() as connection:
            return _read(connection, audience_id)

    def all(self) -> list[Audience]:
        """By name."""
        with self._database.read() as connection:
            found = _read_all(connection)
        return sorted(found, key=lambda audience: (audience.name.casefold(), audience.audience_id))

    def delete(self, audience_id: AudienceId) -> bool:
        """Whether there was one; its pushes go with it."""
        return self._database.write(lambda connection: _delete(connection, audience_id))

    def size(self, definition: Rule, purpose: Purpose, now: Micros) -> AudienceSize:
        with self._database.read() as connection:
            asking = self._asking(connection, now)
            matches = _matching(connection, definition, asking)
            allows = asking.words.word(purpose).is_(True)
            told_of = asking.words.may_be_told_of()
            counts = select(func.count(), func.coalesce(func.sum(case((allows, 1), else_=0)), 0))
            question = counts.select_from(asking.words.joined_to_standings()).where(matches, told_of)
            matching, allowing = connection.execute(question).one()
        return AudienceSize(customers=int(allowing), withheld=int(matching) - int(allowing))

    def page(
        self, definition: Rule, purpose: Purpose, now: Micros, after: CustomerId | None, limit: int
    ) -> list[Standing]:
        with self._database.read() as connection:
            asking = self._asking(connection, now)
            matches = _matching(connection, definition, asking)
            allowed = (asking.words.word(purpose).is_(True), asking.words.may_be_told_of())
            place = standings.c.customer_id
            question = (
                select(*standings.columns)
                .select_from(asking.words.joined_to_standings())
                .where(matches, *allowed, place > (after or ""))
                .order_by(place)
                .limit(limit)
            )
            rows = [tuple(row) for row in connection.execute(question)]
            return standings_of(connection, rows, self._numbers)

    def overlap(self, definitions: Sequence[Rule], purpose: Purpose, now: Micros) -> list[list[int]]:
        if not definitions:
            return []
        if len(definitions) > MAX_COMPARED:
            raise InvalidValue(f"{len(definitions)} audiences were to be compared; at most {MAX_COMPARED} are at once.")
        with self._database.read() as connection:
            asking = self._asking(connection, now)
            matches = [_matching(connection, definition, asking) for definition in definitions]
            allowed = (asking.words.word(purpose).is_(True), asking.words.may_be_told_of())
            # Each rule is one bit, worked out once per customer: hence a table of its own, whatever the planner thinks.
            bits = [case((each, 1 << number), else_=0) for number, each in enumerate(matches)]
            marked = (
                select(sum(bits[1:], start=bits[0]).label("bits"))
                .select_from(asking.words.joined_to_standings())
                .where(*allowed)
                .cte("marked")
                .prefix_with("MATERIALIZED")
            )
            groups = connection.execute(select(marked.c.bits, func.count()).group_by(marked.c.bits)).all()
        among = range(len(definitions))
        return [[sum(count for bits, count in groups if bits >> i & bits >> j & 1) for j in among] for i in among]

    def start_push(self, push: AudiencePush) -> None:
        """Remember a push; one told again stays as it is."""
        self._database.write(lambda connection: _start(connection, push))

    def push_under_way(self, otherwise: AudiencePush) -> AudiencePush:
        return self._database.write(lambda connection: _under_way(connection, otherwise))

    def take_push(self, push_id: str, deliverer: str) -> AudiencePush | None:
        return self._database.write(lambda connection: _take(connection, push_id, deliverer))

    def report_push(self, push: AudiencePush) -> bool:
        """Replace what is known of a push; one that is gone, with its audience, stays gone."""
        return self._database.write(lambda connection: _report(connection, push, self._erased))

    def pushes(self, audience_id: AudienceId | None = None, limit: int = 20) -> list[AudiencePush]:
        with self._database.read() as connection:
            return _newest_pushes(connection, audience_id, limit)

    def _asking(self, connection: Connection, now: Micros) -> Asking:
        self._numbers.read_segments(connection)
        return Asking(
            now=now,
            segment_nos=self._numbers.segments,
            words=ConsentWords(self._consent_default),
            is_postgres=self._database.is_postgres,
        )


def _matching(connection: Connection, definition: Rule, asking: Asking) -> Condition:
    check_rule(definition)
    return condition(written_out(definition, _finder(connection)), asking)


def _finder(connection: Connection) -> FindRule:
    def find(audience_id: AudienceId) -> Rule | None:
        found = _read(connection, audience_id)
        return None if found is None else found.definition

    return find


def _read(connection: Connection, audience_id: AudienceId) -> Audience | None:
    question = select(audience_rows.c.payload).where(audience_rows.c.audience_id == audience_id)
    payload = connection.execute(question).scalar()
    return None if payload is None else _decode_audience(payload)


def _read_all(connection: Connection) -> list[Audience]:
    return [_decode_audience(payload) for payload in connection.execute(select(audience_rows.c.payload)).scalars()]


def _save(connection: Connection, audience: Audience, erased: ErasedKeys) -> None:
    # Two audiences saved at once could name each other.
    take_turn(connection, Turn.AUDIENCE)
    share_turn(connection, Turn.LOG)
    if erased.refresh_within(connection):
        audience = msgspec.structs.replace(audience, definition=rule_without(audience.definition, erased.holds))
    _check_named(connection, audience.definition, audience.audience_id)
    _check_naming(connection, audience)
    row: dict[str, object] = {"audience_id": audience.audience_id, "payload": encode(audience)}
    insert_or_replace(connection, audience_rows, [row])


def _check_named(connection: Connection, definition: Rule, own: AudienceId | None = None) -> None:
    """Raises:
    InvalidValue: an audience or a segment that the rule names is not there, audiences name each other, or all of it
        together is too much.
    """
    check_amount(written_out(definition, _finder(connection), own))
    known = set(connection.execute(select(segments.c.segment_id)).scalars())
    for segment_id in sorted(segments_named(definition) - known):
        raise InvalidValue(f"There is no segment {segment_id!r}; name one of those that customers are in.")


def _check_naming(connection: Connection, audience: Audience) -> None:
    """Raises:
    InvalidValue: an audience that names this one, itself or by way of others, would be too much with it.
    """
    if _read(connection, audience.audience_id) is None:
        return  # only what was saved is named
    saved = _read_all(connection)
    before = {each.audience_id: each.definition for each in saved}
    after = {**before, audience.audience_id: audience.definition}
    for other in saved:
        if other.audience_id == audience.audience_id:
            continue
        trouble = _trouble(other, after.get)
        # What was too much before is no reason to refuse what may make it less.
        if trouble and not _trouble(other, before.get):
            raise InvalidValue(f"With this the audience {other.name!r} would be too much: {trouble}")


def _trouble(audience: Audience, find: FindRule) -> str:
    """Why it could not be saved; empty where it could."""
    try:
        check_amount(written_out(audience.definition, find, audience.audience_id))
    except InvalidValue as error:
        return str(error)
    return ""


def _newest_pushes(connection: Connection, audience_id: AudienceId | None, limit: int) -> list[AudiencePush]:
    columns = audience_pushes.c
    question = select(columns.payload).order_by(columns.asked_at.desc(), columns.push_id.desc()).limit(limit)
    if audience_id is not None:
        question = question.where(columns.audience_id == audience_id)
    return [_decode_push(payload) for payload in connection.execute(question).scalars()]


def _start(connection: Connection, push: AudiencePush) -> None:
    row: dict[str, object] = {
        "push_id": push.push_id,
        "audience_id": push.audience_id,
        "asked_at": push.asked_at,
        "payload": encode(push),
    }
    insert_if_absent(connection, audience_pushes, [row])


def _under_way(connection: Connection, otherwise: AudiencePush) -> AudiencePush:
    take_turn(connection, Turn.AUDIENCE)
    for newest in _newest_pushes(connection, otherwise.audience_id, 1):
        if newest.state not in (PushState.DELIVERED, PushState.FAILED):
            return newest
    _start(connection, otherwise)
    return otherwise


def _locked_push(connection: Connection, push_id: str) -> AudiencePush | None:
    question = select(audience_pushes.c.payload).where(audience_pushes.c.push_id == push_id).with_for_update()
    payload = connection.execute(question).scalar()
    return None if payload is None else _decode_push(payload)


def _take(connection: Connection, push_id: str, deliverer: str) -> AudiencePush | None:
    push = _locked_push(connection, push_id)
    if push is None or push.state in (PushState.DELIVERED, PushState.FAILED):
        return push
    taken = msgspec.structs.replace(push, state=PushState.DELIVERING, deliverer=deliverer)
    of_push = update(audience_pushes).where(audience_pushes.c.push_id == push_id)
    connection.execute(of_push.values(payload=encode(taken)))
    return taken


def _report(connection: Connection, push: AudiencePush, erased: ErasedKeys) -> bool:
    share_turn(connection, Turn.LOG)
    known = _locked_push(connection, push.push_id)
    if known is not None and known.deliverer != push.deliverer:
        return False
    erased.refresh_within(connection)
    if push.delivered_to is not None and erased.holds(push.delivered_to):
        push = msgspec.structs.replace(push, delivered_to=customer_before(connection, push.delivered_to))
    of_push = update(audience_pushes).where(audience_pushes.c.push_id == push.push_id)
    connection.execute(of_push.values(payload=encode(push)))
    return True


def customer_before(connection: Connection, customer_id: CustomerId) -> CustomerId | None:
    """The last customer with a standing before this one, behind whom a delivery goes on just as well."""
    before = select(func.max(standings.c.customer_id)).where(standings.c.customer_id < customer_id)
    found = connection.execute(before).scalar()
    return None if found is None else CustomerId(found)


def _delete(connection: Connection, audience_id: AudienceId) -> bool:
    take_turn(connection, Turn.AUDIENCE)
    for other in _read_all(connection):
        if other.audience_id != audience_id and audience_id in audiences_named(other.definition):
            raise Conflict(f"Audience {other.name!r} names {audience_id} in its rule; change that one first.")
    connection.execute(delete(audience_pushes).where(audience_pushes.c.audience_id == audience_id))
    return connection.execute(delete(audience_rows).where(audience_rows.c.audience_id == audience_id)).rowcount > 0
