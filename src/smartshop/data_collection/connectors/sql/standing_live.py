"""Standings that change one by one, between refits: written and dropped inside a transaction of the caller's."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.bulk import ask, change_rows, insert_rows, tell
from smartshop.data_collection.connectors.sql.codes import SEGMENT_KIND_CODES
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.standing_consent import without_standing
from smartshop.data_collection.connectors.sql.standing_numbers import Drawn, StandingNumbers
from smartshop.data_collection.connectors.sql.standing_rows import (
    PACKED_AFFINITIES,
    UPDATE_STANDING,
    standing_row,
    unpacked_affinities,
)
from smartshop.data_collection.connectors.sql.tables import standings
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import SegmentKind, SegmentMove, Standing

ERASED = "erased"
"""The cause that leaves no trace."""
REMOVE_AFFINITY = "DELETE FROM affinities WHERE subject_no = ? AND customer_no = ?"
# Where a refit was cut off, the table may hold more than the standing says.
ADD_AFFINITY = (
    "INSERT INTO affinities VALUES (?, ?, ?)"
    " ON CONFLICT (subject_no, customer_no) DO UPDATE SET strength = excluded.strength"
)
_ADD_MOVE = "INSERT INTO segment_moves VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class Known(NamedTuple):
    """What stands of a customer already."""

    customer_no: int
    log_no: int
    affinities: bytes
    rfm_no: int
    segment_no: int | None


def known_standings(connection: Connection, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, Known]:
    statement = (
        "SELECT customer_id, customer_no, log_no, affinities, rfm_no, segment_no FROM standings"  # noqa: S608
        f" WHERE customer_id IN ({', '.join('?' * len(customer_ids))})"
    )
    return {CustomerId(row[0]): Known(*row[1:]) for row in ask(connection, statement, *customer_ids)}


def put_standings(
    connection: Connection,
    told: Sequence[Standing],
    moves: Sequence[SegmentMove],
    *,
    numbers: StandingNumbers,
    consent_default: Consent,
    erased: ErasedKeys,
) -> None:
    """Write live standings and moves, but for those of customers who have a newer one or may have none."""
    take_turn(connection, Turn.STANDING)
    newest = {standing.customer_id: standing for standing in sorted(told, key=lambda standing: standing.log_no)}
    ends = [end for move in moves for end in (move.from_segment, move.to_segment)]
    drawn = numbers.draw(connection, newest.values(), ends)
    known: dict[CustomerId, Known] = {}
    barred: set[CustomerId] = set()
    for chunk in chunks([*newest, *(move.customer_id for move in moves)]):
        known.update(known_standings(connection, chunk))
        barred |= without_standing(connection, chunk, consent_default, erased)
    barred |= {each for each, standing in newest.items() if each in known and known[each].log_no > standing.log_no}
    fresh = [standing for standing in newest.values() if standing.customer_id not in barred]
    touched = _write(connection, fresh, known, drawn)
    note_touched(connection, touched)
    write_moves(connection, (move for move in moves if move.customer_id not in barred), drawn)


def _write(
    connection: Connection, fresh: Sequence[Standing], known: dict[CustomerId, Known], drawn: Drawn
) -> list[int]:
    """Write standings with their affinities; return the customers' numbers."""
    last_no = take_customer_nos(connection, sum(standing.customer_id not in known for standing in fresh))
    inserted, replaced, gone, leaning, touched = [], [], [], [], []
    for standing in fresh:
        before = known.get(standing.customer_id)
        last_no += before is None
        customer_no = last_no if before is None else before.customer_no
        row = standing_row(standing, customer_no, drawn)
        present = unpacked_affinities(row[PACKED_AFFINITIES])
        stored = {} if before is None else unpacked_affinities(before.affinities)
        gone += [(subject_no, customer_no) for subject_no in stored if subject_no not in present]
        leaning += [
            (subject_no, customer_no, strength)
            for subject_no, strength in present.items()
            if stored.get(subject_no) != strength
        ]
        touched.append(customer_no)
        if before is None:
            inserted.append(row)
        else:
            replaced.append((*row[1:], customer_no))
    insert_rows(connection, standings, inserted)
    tell(connection, UPDATE_STANDING, replaced)
    tell(connection, REMOVE_AFFINITY, gone)
    tell(connection, ADD_AFFINITY, leaning)
    return touched


def take_customer_nos(connection: Connection, wanted: int) -> int:
    """Take the next so many numbers, which nobody ever had; the last one taken before."""
    found = ask(connection, "SELECT last_customer_no FROM standings_state WHERE slot = 0")
    if not found:
        tell(connection, "INSERT INTO standings_state VALUES (0, ?, 0, ?)", [(wanted, False)])
        return 0
    if wanted:
        tell(
            connection,
            "UPDATE standings_state SET last_customer_no = last_customer_no + ? WHERE slot = 0",
            [(wanted,)],
        )
    return int(found[0][0])


def note_touched(connection: Connection, customer_nos: Iterable[int]) -> None:
    """Tell a refit that is being stored whose affinities to leave alone."""
    if ask(connection, "SELECT 1 FROM standings_state WHERE refilling"):
        tell(connection, "INSERT INTO standings_touched (customer_no) VALUES (?)", [(each,) for each in customer_nos])


def write_moves(connection: Connection, moves: Iterable[SegmentMove], drawn: Drawn) -> None:
    """Keep moves; one told again is the same move."""
    rows = [
        (
            move.customer_id,
            move.moved_at,
            SEGMENT_KIND_CODES[move.kind],
            None if move.from_segment is None else drawn.segments[move.from_segment],
            None if move.to_segment is None else drawn.segments[move.to_segment],
            move.cause,
        )
        for move in moves
    ]
    tell(connection, _ADD_MOVE, rows)


def drop_standings(connection: Connection, customer_ids: Iterable[CustomerId], cause: str, now: Micros) -> None:
    """Remove standings with their affinities. Moves out of the segments stay with that cause; if erased, none at all.

    For erasure, this belongs into the transaction in which everything else of the customer goes.
    """
    take_turn(connection, Turn.STANDING)
    for chunk in chunks(customer_ids):
        known = known_standings(connection, chunk)
        numbers = [(each.customer_no,) for each in known.values()]
        tell(
            connection,
            REMOVE_AFFINITY,
            [
                (subject, each.customer_no)
                for each in known.values()
                for subject in unpacked_affinities(each.affinities)
            ],
        )
        tell(connection, "DELETE FROM standings WHERE customer_no = ?", numbers)
        note_touched(connection, [number for (number,) in numbers])
        if cause == ERASED:
            tell(connection, "DELETE FROM segment_moves WHERE customer_id = ?", [(each,) for each in chunk])
            continue
        _move_out(connection, known, cause, now)


def drop_affinities(connection: Connection, customer_id: CustomerId) -> int:
    """Of one customer, whose standing goes next; how many there were."""
    take_turn(connection, Turn.STANDING)
    known = known_standings(connection, [customer_id]).get(customer_id)
    if known is None:
        return 0
    subjects = unpacked_affinities(known.affinities)
    return sum(change_rows(connection, REMOVE_AFFINITY, subject, known.customer_no) for subject in subjects)


def _move_out(connection: Connection, known: dict[CustomerId, Known], cause: str, now: Micros) -> None:
    rfm, behaviour = SEGMENT_KIND_CODES[SegmentKind.RFM], SEGMENT_KIND_CODES[SegmentKind.BEHAVIOUR]
    rows: list[tuple[object, ...]] = []
    for customer_id, each in known.items():
        rows.append((customer_id, now, rfm, each.rfm_no, None, cause))
        if each.segment_no is not None:
            rows.append((customer_id, now, behaviour, each.segment_no, None, cause))
    tell(connection, _ADD_MOVE, rows)
