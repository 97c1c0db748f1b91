"""The segments themselves as rows: what refits found, and the names that the shop gave them."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select, update

from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.standing_numbers import StandingNumbers
from smartshop.data_collection.connectors.sql.tables import segments as rows
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import Segment, SegmentId, SegmentKind
from smartshop.errors import Conflict

_decode_segment = msgspec.json.Decoder(Segment).decode


def read_segments(connection: Connection) -> list[Segment]:
    """In the order in which they were first named, retired ones too."""
    told = select(rows.c.payload).where(rows.c.payload.is_not(None)).order_by(rows.c.segment_no)
    return [_decode_segment(payload) for payload in connection.execute(told).scalars() if payload is not None]


def write_segments(connection: Connection, numbers: StandingNumbers, segments: Sequence[Segment]) -> None:
    """Add or replace. A behavioural segment keeps the name that stands: it may be newer than the refit's reading."""
    take_turn(connection, Turn.STANDING)
    stands = {one.segment_id: one.name for one in read_segments(connection) if one.kind is SegmentKind.BEHAVIOUR}
    drawn = numbers.draw(connection, (), [segment.segment_id for segment in segments])
    insert_or_replace(
        connection,
        rows,
        [
            {
                "segment_no": drawn.segments[segment.segment_id],
                "segment_id": segment.segment_id,
                "payload": encode(msgspec.structs.replace(segment, name=stands.get(segment.segment_id, segment.name))),
            }
            for segment in segments
        ],
    )


def rename_segment(connection: Connection, segment_id: SegmentId, name: str, now: Micros) -> bool:
    """As `Standings.rename` says."""
    take_turn(connection, Turn.STANDING)  # two segments renamed at once could get one name
    segments = {segment.segment_id: segment for segment in read_segments(connection)}
    segment = segments.pop(segment_id, None)
    if segment is None:
        return False
    if segment.kind is SegmentKind.RFM:
        raise Conflict(f"{segment.name!r} is an RFM group, whose name is fixed; rename a behavioural segment.")
    if not _lives(segment, now):
        raise Conflict(f"{segment.name!r} ended, and nobody will be in it again; rename a segment that lives.")
    for other in segments.values():
        if _lives(other, now) and other.name.casefold() == name.casefold():
            raise Conflict(f"{other.segment_id} is named {other.name!r} already; give {segment_id} a name of its own.")
    payload = encode(msgspec.structs.replace(segment, name=name))
    connection.execute(update(rows).where(rows.c.segment_id == segment_id).values(payload=payload))
    return True


def _lives(segment: Segment, now: Micros) -> bool:
    return segment.retired_at is None or segment.retired_at > now
