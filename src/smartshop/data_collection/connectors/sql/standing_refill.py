"""A refit's standings take the place of those before, beside a shop that goes on: a million in many short transactions.

First every standing, in the order told; then, sorted, what customers care for, so that each page of that table is
written once and not once per transaction. A live change beside this notes whom it touched: theirs is left alone.
"""

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.affinity_pages import GONE, Changes, affinity_changes, affinity_keys
from smartshop.data_collection.connectors.sql.bulk import ask, insert_rows, tell
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.standing_consent import erased_of, without_standing
from smartshop.data_collection.connectors.sql.standing_live import (
    ADD_AFFINITY,
    REMOVE_AFFINITY,
    known_standings,
    take_customer_nos,
    write_moves,
)
from smartshop.data_collection.connectors.sql.standing_numbers import StandingNumbers
from smartshop.data_collection.connectors.sql.standing_rows import (
    PACKED_AFFINITIES,
    UPDATE_STANDING,
    Row,
    standing_row,
    unpacked_affinities,
)
from smartshop.data_collection.connectors.sql.tables import affinities, standings
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.segments import SegmentMove, Standing
from smartshop.errors import Conflict

Result = TypeVar("Result")
Item = TypeVar("Item")

STANDINGS_AT_ONCE = 300
AFFINITIES_AT_ONCE = 2_500
MOVES_AT_ONCE = 2_000
READ_AT_ONCE = 20_000
"""Rows per question of those that nobody waits for."""
REST_SECONDS = 0.001
"""After each transaction: whoever waits in this process gets its turn."""
REST_SHARE = 4.0
"""Of the time worked, rested while another process writes, too: under SQLite who waits only looks again now and then,
so what matters is how much of the time the file is free."""
BUSY_SECONDS = 1.0
"""So long after another process wrote it is taken to go on writing."""


@dataclass(slots=True)
class Turns:
    """The transactions of one refit; the first of another one ends them."""

    database: Database
    refill_no: int
    data_version: int | None = None
    busy_until: float = 0.0

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """One transaction, and a rest behind it.

        Raises:
            Conflict: another refit began meanwhile.
        """
        started = time.perf_counter()
        result, data_version = self.database.write(lambda connection: self._checked(connection, work))
        ended = time.perf_counter()
        if self.data_version not in (None, data_version):
            self.busy_until = ended + BUSY_SECONDS
        self.data_version = data_version
        is_busy = ended < self.busy_until
        time.sleep(max(REST_SECONDS, (ended - started) * REST_SHARE if is_busy else 0.0))
        return result

    def _checked(self, connection: Connection, work: Callable[[Connection], Result]) -> tuple[Result, int]:
        take_turn(connection, Turn.STANDING)
        if ask(connection, "SELECT refill_no FROM standings_state WHERE slot = 0") != [(self.refill_no,)]:
            raise Conflict("Another refit began to be stored meanwhile; look at its outcome instead of this one's.")
        return work(connection), _data_version(connection)


def _data_version(connection: Connection) -> int:
    """Changes when another connection wrote; under PostgreSQL writers do not wait for each other and it stays 0."""
    if connection.dialect.name == "postgresql":
        return 0
    return int(ask(connection, "PRAGMA data_version")[0][0])


def begin_refill(connection: Connection) -> int:
    """Announce a refit; its number."""
    take_turn(connection, Turn.STANDING)
    take_customer_nos(connection, 0)
    tell(connection, "UPDATE standings_state SET refill_no = refill_no + 1, refilling = ? WHERE slot = 0", [(True,)])
    tell(connection, "DELETE FROM standings_touched WHERE touch_no > ?", [(0,)])
    return int(ask(connection, "SELECT refill_no FROM standings_state WHERE slot = 0")[0][0])


def end_refill(connection: Connection) -> None:
    tell(connection, "UPDATE standings_state SET refilling = ? WHERE slot = 0", [(False,)])
    tell(connection, "DELETE FROM standings_touched WHERE touch_no > ?", [(0,)])


@dataclass(frozen=True, slots=True)
class _Written:
    """Of one transaction."""

    named: list[int] = field(default_factory=list)
    """Customer numbers."""
    newer: list[int] = field(default_factory=list)
    """Of them, those with a newer standing, which stays."""
    packed: list[tuple[int, bytes]] = field(default_factory=list)
    """Of the others: number and affinities."""


@dataclass(slots=True)
class Refill:
    """What a refit has to remember between its transactions; about 10 bytes per affinity."""

    turns: Turns
    numbers: StandingNumbers
    consent_default: Consent
    erased: ErasedKeys
    newest_log_no: int = 0
    """The highest told."""
    named: bytearray = field(default_factory=bytearray)
    """By customer number: 1 where a standing was told."""
    asked_for: set[int] = field(default_factory=set)
    """Customers whose affinities are those of the standing that is stored, not of the one told here."""
    last_touch: int = 0
    wanted: "array[int]" = field(default_factory=lambda: array("Q"))

    def fill(self, told: Iterable[Standing]) -> None:
        """Write every standing told."""
        for chunk in _slices(told, STANDINGS_AT_ONCE):
            written = self.turns.write(partial(self._write, told=chunk))
            self.newest_log_no = max(self.newest_log_no, *(standing.log_no for standing in chunk))
            self.asked_for.update(written.newer)
            self.asked_for.update(number for number in written.named if self._is_named(number))
            self._mark(written.named)
            self.wanted.frombytes(affinity_keys(written.packed).tobytes())

    def _is_named(self, customer_no: int) -> bool:
        return customer_no < len(self.named) and self.named[customer_no] == 1

    def _mark(self, customer_nos: Sequence[int]) -> None:
        missing = max(customer_nos, default=0) + 1 - len(self.named)
        if missing > 0:
            self.named.extend(bytes(missing + len(self.named)))
        for customer_no in customer_nos:
            self.named[customer_no] = 1

    def _write(self, connection: Connection, told: Sequence[Standing]) -> _Written:
        newest = {standing.customer_id: standing for standing in told}
        drawn = self.numbers.draw(connection, newest.values())
        known = known_standings(connection, list(newest))
        for barred in without_standing(connection, list(newest), self.consent_default, self.erased):
            del newest[barred]
        last_no = take_customer_nos(connection, sum(customer_id not in known for customer_id in newest))
        written = _Written()
        inserted: list[Row] = []
        replaced: list[Row] = []
        for customer_id, standing in newest.items():
            before = known.get(customer_id)
            last_no += before is None
            customer_no = last_no if before is None else before.customer_no
            written.named.append(customer_no)
            if before is not None and before.log_no > standing.log_no:
                written.newer.append(customer_no)
                continue
            row = standing_row(standing, customer_no, drawn)
            written.packed.append((customer_no, row[PACKED_AFFINITIES]))
            if before is None:
                inserted.append(row)
            else:
                replaced.append((*row[1:], customer_no))
        insert_rows(connection, standings, inserted)
        tell(connection, UPDATE_STANDING, replaced)
        return written

    def remove_unnamed(self, log_no: int) -> None:
        """Remove standings that were not told and are not newer than `log_no`."""
        statement = "SELECT customer_no, log_no FROM standings WHERE customer_no > ? ORDER BY customer_no LIMIT ?"
        after = 0
        while True:
            with self.turns.database.read() as connection:
                rows = ask(connection, statement, after, READ_AT_ONCE)
            if not rows:
                return
            after = rows[-1][0]
            unnamed = [row for row in rows if not self._is_named(row[0])]
            self.asked_for.update(number for number, its_log_no in unnamed if its_log_no > log_no)
            gone = [(number, log_no) for number, its_log_no in unnamed if its_log_no <= log_no]
            for chunk in _slices(gone, STANDINGS_AT_ONCE):
                # A live change may have given one a newer standing since it was read.
                self.turns.write(
                    partial(tell, statement="DELETE FROM standings WHERE customer_no = ? AND log_no <= ?", rows=chunk)
                )

    def fill_affinities(self) -> None:
        """Bring the table of what customers care for in step with the standings, in its own order."""
        wanted = np.frombuffer(self.wanted, dtype=np.uint64)
        wanted.sort()
        for changes in affinity_changes(self.turns.database, wanted, READ_AT_ONCE):
            for start in range(0, len(changes), AFFINITIES_AT_ONCE):
                self.turns.write(partial(self._change, changes=changes[start : start + AFFINITIES_AT_ONCE]))

    def _change(self, connection: Connection, changes: Changes) -> None:
        touched = ask(
            connection, "SELECT touch_no, customer_no FROM standings_touched WHERE touch_no > ?", self.last_touch
        )
        self.asked_for.update(customer_no for _, customer_no in touched)
        self.last_touch = max([self.last_touch, *(touch_no for touch_no, _ in touched)])
        gone, changed, new, unsure = [], [], [], []
        for subject_no, customer_no, strength, held in changes.tolist():
            if customer_no in self.asked_for:
                unsure.append((subject_no, customer_no, strength))
            elif strength == GONE:
                gone.append((subject_no, customer_no))
            elif held:
                changed.append((strength, subject_no, customer_no))
            else:
                new.append((subject_no, customer_no, strength))
        sure_gone, sure = _checked(connection, unsure)
        tell(connection, REMOVE_AFFINITY, gone + sure_gone)
        tell(connection, "UPDATE affinities SET strength = ? WHERE subject_no = ? AND customer_no = ?", changed)
        insert_rows(connection, affinities, new)
        tell(connection, ADD_AFFINITY, sure)


def _checked(
    connection: Connection, unsure: Sequence[tuple[int, int, int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """Of changes to customers with another standing than the one told: those to remove, and those to add or change,
    that the standing stored now agrees with."""
    stored: dict[int, dict[int, int]] = {}
    for customer_no in {customer_no for _, customer_no, _ in unsure}:
        found = ask(connection, "SELECT affinities FROM standings WHERE customer_no = ?", customer_no)
        stored[customer_no] = unpacked_affinities(found[0][0]) if found else {}
    gone = [(subject, customer) for subject, customer, _ in unsure if subject not in stored[customer]]
    right = [each for each in unsure if stored[each[1]].get(each[0]) == each[2]]
    return gone, right


def _slices(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def store_refit_moves(turns: Turns, numbers: StandingNumbers, moves: Iterable[SegmentMove], erased: ErasedKeys) -> None:
    for chunk in _slices(moves, MOVES_AT_ONCE):
        turns.write(partial(_write_moves, numbers=numbers, moves=chunk, erased=erased))


def _write_moves(
    connection: Connection, numbers: StandingNumbers, moves: Sequence[SegmentMove], erased: ErasedKeys
) -> None:
    gone = erased_of(connection, (move.customer_id for move in moves), erased)
    moves = [move for move in moves if move.customer_id not in gone]
    ends = [end for move in moves for end in (move.from_segment, move.to_segment)]
    write_moves(connection, moves, numbers.draw(connection, (), ends))
