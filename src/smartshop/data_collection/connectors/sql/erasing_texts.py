"""What is erased of a customer by reading: refused texts, dead letters, jobs, audiences and their deliveries.

Nothing new of theirs comes into these tables once their ids are marked, so they are read beside the writers, and only
what was found is written.
"""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from sqlalchemy import Connection

from smartshop.data_collection.connectors.named_ids import Named
from smartshop.data_collection.connectors.sql.audiences import customer_before
from smartshop.data_collection.connectors.sql.belongings import Belongings
from smartshop.data_collection.connectors.sql.bulk import ask, change_rows
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import decode_message, decode_texts, encode
from smartshop.data_collection.connectors.sql.refused_texts import refused_naming
from smartshop.data_collection.connectors.without_erased import message_without, rule_without
from smartshop.data_collection.schemas.audiences import Audience, AudiencePush

Change = Callable[[Connection], int]

_LETTER = "UPDATE dead_letters SET message = ?, error = ? WHERE letter_id = ?"
_JOB = "UPDATE jobs SET arguments = ?, note = ? WHERE job_id = ?"
_AUDIENCE = "UPDATE audiences SET payload = ? WHERE audience_id = ?"
_PUSH = "UPDATE audience_pushes SET payload = ? WHERE push_id = ?"
_decode_audience = msgspec.json.Decoder(Audience).decode
_decode_push = msgspec.json.Decoder(AudiencePush).decode


def changes_of(database: Database, belongings: Belongings) -> Iterator[tuple[str, Change]]:
    """(table, change) for every row found."""
    named = Named(belongings.ids)
    yield from _refused_texts(database, named)
    yield from _dead_letters(database, belongings, named)
    yield from _jobs(database, named)
    yield from _audiences(database, belongings)
    yield from _pushes(database, belongings)


def _refused_texts(database: Database, named: Named) -> Iterator[tuple[str, Change]]:
    for rows in refused_naming(database, named):
        yield "quarantine", partial(_delete_numbered, "quarantine", "row_id", [row.row_id for row in rows])


def _dead_letters(database: Database, belongings: Belongings, named: Named) -> Iterator[tuple[str, Change]]:
    def is_theirs(customer_id: str | None, anonymous_id: str | None) -> bool:
        return customer_id in belongings.customer_ids or anonymous_id in belongings.browsers

    with database.read() as connection:
        rows = ask(connection, "SELECT letter_id, message, error FROM dead_letters")
    for letter_id, message, error in rows:
        told = decode_message(message)
        left = message_without(told, is_theirs)
        if left is None:
            yield "dead_letters", partial(_delete_numbered, "dead_letters", "letter_id", [letter_id])
        elif left != told or named.is_in(error.encode()):
            kept = "" if named.is_in(error.encode()) else error
            yield "dead_letters", _update(_LETTER, encode(left), kept, letter_id)


def _jobs(database: Database, named: Named) -> Iterator[tuple[str, Change]]:
    with database.read() as connection:
        rows = ask(connection, "SELECT job_id, arguments, note FROM jobs")
    for job_id, arguments, note in rows:
        told = decode_texts(arguments)
        kept = {name: value for name, value in told.items() if not _names(named, value)}
        if kept != told or _names(named, note):
            yield "jobs", _update(_JOB, encode(kept), "" if _names(named, note) else note, job_id)


def _names(named: Named, text: str) -> bool:
    return text in named.ids or named.is_in(text.encode())


def _audiences(database: Database, belongings: Belongings) -> Iterator[tuple[str, Change]]:
    with database.read() as connection:
        rows = ask(connection, "SELECT audience_id, payload FROM audiences")
    for audience_id, payload in rows:
        audience = _decode_audience(payload)
        if rule_without(audience.definition, belongings.customer_ids.__contains__) != audience.definition:
            yield "audiences", partial(_shorten_audience, audience_id, belongings)


def _shorten_audience(audience_id: str, belongings: Belongings, connection: Connection) -> int:
    """Read again: a merchant may have saved it meanwhile."""
    take_turn(connection, Turn.AUDIENCE)
    for (payload,) in ask(connection, "SELECT payload FROM audiences WHERE audience_id = ?", audience_id):
        audience = _decode_audience(payload)
        shorter = rule_without(audience.definition, belongings.customer_ids.__contains__)
        audience = msgspec.structs.replace(audience, definition=shorter)
        return change_rows(connection, _AUDIENCE, encode(audience), audience_id)
    return 0


def _pushes(database: Database, belongings: Belongings) -> Iterator[tuple[str, Change]]:
    """A delivery remembers the last customer told of; it goes on behind the one before."""
    with database.read() as connection:
        rows = ask(connection, "SELECT push_id, payload FROM audience_pushes")
    for push_id, payload in rows:
        push = _decode_push(payload)
        if push.delivered_to in belongings.customer_ids:
            yield "audience_pushes", partial(_step_back, push_id, belongings)


def _step_back(push_id: str, belongings: Belongings, connection: Connection) -> int:
    for (payload,) in ask(connection, "SELECT payload FROM audience_pushes WHERE push_id = ?", push_id):
        push = _decode_push(payload)
        if push.delivered_to is None or push.delivered_to not in belongings.customer_ids:
            return 0
        push = msgspec.structs.replace(push, delivered_to=customer_before(connection, push.delivered_to))
        return change_rows(connection, _PUSH, encode(push), push_id)
    return 0


def _delete_numbered(table: str, column: str, numbers: list[int], connection: Connection) -> int:
    places = ", ".join("?" * len(numbers))
    return change_rows(connection, f"DELETE FROM {table} WHERE {column} IN ({places})", *numbers)  # noqa: S608


def _update(statement: str, *values: object) -> Change:
    return lambda connection: change_rows(connection, statement, *values)
