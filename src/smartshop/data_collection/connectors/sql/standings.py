"""Standings over SQL."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import isfinite

import msgspec
from sqlalchemy import Connection, delete, select, tuple_

from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.codes import SEGMENT_KIND_OF
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.records import chunks, encode
from smartshop.data_collection.connectors.sql.segment_rows import read_segments, rename_segment, write_segments
from smartshop.data_collection.connectors.sql.standing_live import drop_standings, put_standings
from smartshop.data_collection.connectors.sql.standing_numbers import StandingNumbers
from smartshop.data_collection.connectors.sql.standing_refill import (
    Refill,
    Turns,
    begin_refill,
    end_refill,
    store_refit_moves,
)
from smartshop.data_collection.connectors.sql.standing_rows import standings_of
from smartshop.data_collection.connectors.sql.tables import refits, segment_moves
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import (
    Refit,
    Segment,
    SegmentFigures,
    SegmentId,
    SegmentMove,
    Standing,
)

MOVES_AT_ONCE = 2_000

_decode_refit = msgspec.json.Decoder(Refit).decode
# Averages, since sums of the largest amounts would not fit.
_FIGURES = (
    "SELECT {kind}, count(*), avg(spent_minor), avg(churn_risk), avg(expected_value_90_minor) FROM standings"
    " WHERE {kind} IS NOT NULL GROUP BY {kind}"
)
_KINDS = ("rfm_no", "segment_no")


class SqlStandings:
    """`consent_default` is what holds for a customer who was never asked."""

    def __init__(self, database: Database, consent_default: Consent, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased
        self._consent_default = consent_default
        self._numbers = StandingNumbers()

    def replace_all(
        self,
        standings: Iterable[Standing],
        refit: Refit,
        segments: Sequence[Segment],
        moves: Iterable[SegmentMove] = (),
    ) -> None:
        turns = Turns(self._database, self._database.write(begin_refill))
        turns.write(partial(write_segments, numbers=self._numbers, segments=segments))
        refill = Refill(turns, self._numbers, self._consent_default, self._erased)
        refill.fill(standings)
        refill.remove_unnamed(refit.log_no or refill.newest_log_no)
        refill.fill_affinities()
        store_refit_moves(turns, self._numbers, moves, self._erased)
        turns.write(partial(_finish, refit=refit))

    def add_refit(self, refit: Refit) -> None:
        self._database.write(partial(_write_refit, refit=refit))

    def refits(self, limit: int = 24) -> list[Refit]:
        question = select(refits.c.payload).order_by(refits.c.refitted_at.desc(), refits.c.version.desc()).limit(limit)
        with self._database.read() as connection:
            return [_decode_refit(payload) for payload in connection.execute(question).scalars()]

    def segments(self) -> list[Segment]:
        """In the order in which they were first named, retired ones too."""
        with self._database.read() as connection:
            return read_segments(connection)

    def rename(self, segment_id: SegmentId, name: str, now: Micros) -> bool:
        return self._database.write(partial(rename_segment, segment_id=segment_id, name=name, now=now))

    def sizes(self) -> dict[SegmentId, int]:
        with self._database.read() as connection:
            counted = [
                *ask(connection, "SELECT rfm_no, count(*) FROM standings GROUP BY rfm_no"),
                *ask(
                    connection,
                    "SELECT segment_no, count(*) FROM standings WHERE segment_no IS NOT NULL GROUP BY segment_no",
                ),
            ]
            self._numbers.learn_names(connection, (), [number for number, _ in counted])
        return {self._numbers.segment_ids[number]: customers for number, customers in counted}

    def figures(self) -> dict[SegmentId, SegmentFigures]:
        """Looks at every standing: 1.5 s at a million, so for a page now and then and not for every request."""
        with self._database.read() as connection:
            groups = [group for kind in _KINDS for group in ask(connection, _FIGURES.format(kind=kind))]
            self._numbers.learn_names(connection, (), [group[0] for group in groups])
        return {self._numbers.segment_ids[number]: _figures(*figures) for number, *figures in groups}

    def put(self, standings: Sequence[Standing], moves: Sequence[SegmentMove]) -> None:
        self._database.write(
            lambda connection: put_standings(
                connection,
                standings,
                moves,
                numbers=self._numbers,
                consent_default=self._consent_default,
                erased=self._erased,
            )
        )

    def get(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, Standing]:
        found: dict[CustomerId, Standing] = {}
        with self._database.read() as connection:
            for chunk in chunks(customer_ids):
                asked = f"SELECT * FROM standings WHERE customer_id IN ({', '.join('?' * len(chunk))})"  # noqa: S608
                rows = ask(connection, asked, *chunk)
                found.update((each.customer_id, each) for each in standings_of(connection, rows, self._numbers))
        return found

    def drop(self, customer_ids: Sequence[CustomerId], cause: str, now: Micros) -> None:
        self._database.write(lambda connection: drop_standings(connection, customer_ids, cause, now))

    def scan(self, batch_size: int = 5_000) -> Iterator[list[Standing]]:
        after = ""
        while True:
            with self._database.read() as connection:
                rows = ask(
                    connection,
                    "SELECT * FROM standings WHERE customer_id > ? ORDER BY customer_id LIMIT ?",
                    after,
                    batch_size,
                )
                batch = standings_of(connection, rows, self._numbers)
            if not batch:
                return
            after = batch[-1].customer_id
            yield batch

    def page(self, segment_id: SegmentId, after: CustomerId | None, limit: int) -> list[Standing]:
        with self._database.read() as connection:
            if segment_id not in self._numbers.segments:
                self._numbers.read_segments(connection)
            segment_no = self._numbers.segments.get(segment_id)
            # A number is of one kind, so one of the two finds nothing.
            rows = [
                row
                for column in _KINDS
                for row in ask(
                    connection,
                    f"SELECT * FROM standings WHERE {column} = ? AND customer_id > ?"  # noqa: S608
                    " ORDER BY customer_id LIMIT ?",
                    segment_no,
                    after or "",
                    limit,
                )
            ]
            return standings_of(connection, rows, self._numbers)

    def moves(self, customer_id: CustomerId | None = None, limit: int = 100) -> list[SegmentMove]:
        columns = segment_moves.c
        question = select(segment_moves).order_by(columns.moved_at.desc(), columns.customer_id, columns.kind)
        if customer_id is not None:
            question = question.where(columns.customer_id == customer_id)
        with self._database.read() as connection:
            rows = connection.execute(question.limit(limit)).all()
            ends = {end for row in rows for end in (row.from_no, row.to_no) if end is not None}
            self._numbers.learn_names(connection, (), ends)
        names = self._numbers.segment_ids
        return [
            SegmentMove(
                customer_id=CustomerId(row.customer_id),
                kind=SEGMENT_KIND_OF[row.kind],
                from_segment=None if row.from_no is None else names[row.from_no],
                to_segment=None if row.to_no is None else names[row.to_no],
                cause=row.cause,
                moved_at=Micros(row.moved_at),
            )
            for row in rows
        ]

    def prune_moves(self, before: Micros) -> int:
        columns = segment_moves.c
        key = (columns.customer_id, columns.moved_at, columns.kind)
        oldest = select(*key).where(columns.moved_at < before).limit(MOVES_AT_ONCE)
        statement = delete(segment_moves).where(tuple_(*key).in_(oldest))
        pruned = 0
        while gone := self._database.write(lambda connection: connection.execute(statement).rowcount):
            pruned += gone
        return pruned


def _figures(customers: int, spent: float, churn_risk: float | None, expected_value_90: float) -> SegmentFigures:
    """Of one group; PostgreSQL tells averages of whole numbers as decimals."""
    return SegmentFigures(
        customers=customers,
        mean_spent_minor=float(spent),
        mean_churn_risk=churn_risk,
        mean_expected_value_90_minor=float(expected_value_90),
    )


def _write_refit(connection: Connection, refit: Refit) -> None:
    # What could not be measured is left out: JSON would say null for it, which reads as no number any more.
    measures = {name: measured for name, measured in refit.measures.items() if isfinite(measured)}
    row: dict[str, object] = {
        "version": refit.version,
        "refitted_at": refit.refitted_at,
        "payload": encode(msgspec.structs.replace(refit, measures=measures)),
    }
    insert_or_replace(connection, refits, [row])


def _finish(connection: Connection, refit: Refit) -> None:
    _write_refit(connection, refit)
    end_refill(connection)
