"""The decision log over SQL."""

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import delete, func, select, tuple_

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.tables import decisions
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent
from smartshop.data_collection.schemas.ids import DecisionId, Micros
from smartshop.data_collection.schemas.slates import Decision

AT_ONCE = 1_000
# MessagePack, not JSON: a decision is mostly packed arrays, which JSON would blow up by a third.
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Decision).decode


class SqlDecisions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, told: Sequence[Decision]) -> None:
        """A decision written before stays as it was."""
        rows: list[dict[str, object]] = [
            {"decision_id": decision.decision_id, "decided_at": decision.decided_at, "payload": _encode(decision)}
            for decision in sorted(told, key=lambda decision: decision.decision_id)
        ]
        if rows:
            self._database.write(lambda connection: insert_if_absent(connection, decisions, rows))

    def get(self, decision_id: DecisionId) -> Decision | None:
        question = select(decisions.c.payload).where(decisions.c.decision_id == decision_id)
        with self._database.read() as connection:
            payload = connection.execute(question).scalar()
        return None if payload is None else _decode(payload)

    def scan(self, since: Micros, until: Micros) -> Iterator[list[Decision]]:
        """Decided at since ≤ t < until, oldest first, about 1,000 at a time."""
        place = (decisions.c.decided_at, decisions.c.decision_id)
        question = select(*place, decisions.c.payload).where(decisions.c.decided_at < until).order_by(*place)
        after: tuple[int, str] = (since, "")
        while True:
            with self._database.read() as connection:
                rows = connection.execute(question.where(tuple_(*place) > after).limit(AT_ONCE)).all()
            if not rows:
                return
            after = (rows[-1][0], rows[-1][1])
            yield [_decode(row[2]) for row in rows]

    def prune(self, before: Micros) -> int:
        """Drop what was decided before this, a little at a time so that writers hardly wait."""
        oldest = select(decisions.c.decision_id).where(decisions.c.decided_at < before).limit(AT_ONCE)
        statement = delete(decisions).where(decisions.c.decision_id.in_(oldest))
        dropped = 0
        while True:
            now_dropped = self._database.write(lambda connection: connection.execute(statement).rowcount)
            if now_dropped == 0:
                return dropped
            dropped += now_dropped

    def count(self) -> int:
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(decisions)).scalar_one())
