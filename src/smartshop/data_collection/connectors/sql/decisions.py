"""The decision log over SQL."""

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, delete, func, select, tuple_

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys, browser_key
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn
from smartshop.data_collection.connectors.sql.tables import decisions
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent
from smartshop.data_collection.schemas.ids import DecisionId, Micros
from smartshop.data_collection.schemas.slates import Decision

AT_ONCE = 1_000
# MessagePack, not JSON: a decision is mostly packed arrays, which JSON would blow up by a third.
_encode = msgspec.msgpack.Encoder().encode
decode_decision = msgspec.msgpack.Decoder(Decision).decode


def shopper_of_decision(decision: Decision) -> str:
    """As keys spell shoppers (`seen.sender_key`); empty for a decision that is tied to nobody."""
    if decision.is_customer or not decision.shopper_key:
        return decision.shopper_key
    return browser_key(decision.shopper_key)


class SqlDecisions:
    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    def write(self, told: Sequence[Decision]) -> None:
        """A decision written before stays as it was; one for somebody erased meanwhile is left out."""
        rows: list[dict[str, object]] = [
            {
                "decision_id": decision.decision_id,
                "decided_at": decision.decided_at,
                "payload": _encode(decision),
                "shopper_key": shopper_of_decision(decision),
            }
            for decision in sorted(told, key=lambda decision: decision.decision_id)
        ]
        if rows:
            self._database.write(lambda connection: self._insert(connection, rows))

    def _insert(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        # Holding its turn: an erasure either finds these rows, or is found here.
        share_turn(connection, Turn.DECISION)
        self._erased.refresh()
        insert_if_absent(
            connection, decisions, [row for row in rows if not self._erased.holds(str(row["shopper_key"]))]
        )

    def get(self, decision_id: DecisionId) -> Decision | None:
        question = select(decisions.c.payload).where(decisions.c.decision_id == decision_id)
        with self._database.read() as connection:
            payload = connection.execute(question).scalar()
        return None if payload is None else decode_decision(payload)

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
            yield [decode_decision(row[2]) for row in rows]

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
