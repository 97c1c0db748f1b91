"""Small numbers for segments and for what customers care for: given at first sight, never reused.

A shop has hundreds of segments and some ten thousand subjects, so every process keeps those it met.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, insert, select

from smartshop.data_collection.connectors.sql.codes import AFFINITY_CODES, AFFINITY_OF
from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.tables import affinity_subjects, segments
from smartshop.data_collection.schemas.segments import AffinityKind, SegmentId, Standing

Subject = tuple[AffinityKind, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The numbers of everything that some standings name."""

    segments: dict[SegmentId, int]
    subjects: dict[Subject, int]


@dataclass(frozen=True, slots=True)
class StandingNumbers:
    """What this process knows already. Only what is committed is remembered: a transaction may be undone."""

    segments: dict[SegmentId, int] = field(default_factory=dict)
    segment_ids: dict[int, SegmentId] = field(default_factory=dict)
    subjects: dict[Subject, int] = field(default_factory=dict)
    subject_names: dict[int, Subject] = field(default_factory=dict)

    def draw(
        self, connection: Connection, standings: Iterable[Standing], named: Iterable[SegmentId | None] = ()
    ) -> Drawn:
        """Numbers of the segments and subjects of these standings and of the segments `named`.

        Asked before anything else is written in a transaction that holds the standings' turn.
        """
        wanted_segments = dict.fromkeys(named)
        wanted_subjects: dict[Subject, None] = {}
        for standing in standings:
            wanted_segments[standing.rfm_group] = wanted_segments[standing.segment_id] = None
            for affinity in standing.affinities:
                wanted_subjects[(affinity.kind, affinity.subject)] = None
        wanted_segments.pop(None, None)
        return Drawn(
            segments=self._draw_segments(connection, [each for each in wanted_segments if each is not None]),
            subjects=self._draw_subjects(connection, wanted_subjects),
        )

    def _draw_segments(self, connection: Connection, wanted: list[SegmentId]) -> dict[SegmentId, int]:
        if any(segment_id not in self.segments for segment_id in wanted):
            self.read_segments(connection)
        drawn = {segment_id: self.segments.get(segment_id, 0) for segment_id in wanted}
        unknown = [segment_id for segment_id, number in drawn.items() if number == 0]
        if unknown:
            last = connection.execute(select(func.coalesce(func.max(segments.c.segment_no), 0))).scalar_one()
            drawn.update({segment_id: last + place for place, segment_id in enumerate(unknown, start=1)})
            rows = [{"segment_no": drawn[segment_id], "segment_id": segment_id} for segment_id in unknown]
            connection.execute(insert(segments), rows)
        return drawn

    def _draw_subjects(self, connection: Connection, wanted: Iterable[Subject]) -> dict[Subject, int]:
        drawn = {subject: self.subjects.get(subject, 0) for subject in wanted}
        if 0 in drawn.values():
            self._read_subjects(connection, [subject for subject, number in drawn.items() if number == 0])
            drawn = {subject: self.subjects.get(subject, 0) for subject in drawn}
        unknown = [subject for subject, number in drawn.items() if number == 0]
        if unknown:
            numbers = affinity_subjects.c.subject_no
            last = connection.execute(select(func.coalesce(func.max(numbers), 0))).scalar_one()
            drawn.update({subject: last + place for place, subject in enumerate(unknown, start=1)})
            rows = [
                {"subject_no": drawn[subject], "kind": AFFINITY_CODES[subject[0]], "subject": subject[1]}
                for subject in unknown
            ]
            connection.execute(insert(affinity_subjects), rows)
        return drawn

    def read_segments(self, connection: Connection) -> None:
        """Learn all; on a connection that has written none itself."""
        for segment_no, segment_id in connection.execute(select(segments.c.segment_no, segments.c.segment_id)):
            self.segments[SegmentId(segment_id)] = segment_no
            self.segment_ids[segment_no] = SegmentId(segment_id)

    def _read_subjects(self, connection: Connection, wanted: list[Subject]) -> None:
        columns = affinity_subjects.c
        for kind in AffinityKind:
            for chunk in chunks(subject for each, subject in wanted if each is kind):
                question = select(columns.subject, columns.subject_no).where(
                    columns.kind == AFFINITY_CODES[kind], columns.subject.in_(chunk)
                )
                for subject, subject_no in connection.execute(question):
                    self.subjects[(kind, subject)] = subject_no
                    self.subject_names[subject_no] = (kind, subject)

    def learn_names(self, connection: Connection, subject_nos: Iterable[int], segment_nos: Iterable[int]) -> None:
        """Make sure that these numbers can be named."""
        if any(segment_no not in self.segment_ids for segment_no in segment_nos):
            self.read_segments(connection)
        columns = affinity_subjects.c
        for chunk in chunks(number for number in subject_nos if number not in self.subject_names):
            for row in connection.execute(select(affinity_subjects).where(columns.subject_no.in_(chunk))):
                subject = (AFFINITY_OF[row.kind], row.subject)
                self.subjects[subject] = row.subject_no
                self.subject_names[row.subject_no] = subject
