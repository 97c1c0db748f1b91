"""Quarantine over SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, update

from smartshop.data_collection.connectors.ports import QuarantinedRow
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn
from smartshop.data_collection.connectors.sql.tables import quarantine
from smartshop.data_collection.schemas.ids import Micros


class SqlQuarantine:
    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    def add(self, rows: Sequence[QuarantinedRow]) -> None:
        """Keep them, but for what names somebody erased: of that nothing is kept."""
        if rows:
            self._database.write(lambda connection: self._insert(connection, rows))

    def _insert(self, connection: Connection, rows: Sequence[QuarantinedRow]) -> None:
        share_turn(connection, Turn.LOG)
        self._erased.refresh_within(connection)
        told = [
            {
                "source": row.source,
                "code": row.reason.partition(":")[0],
                "reason": row.reason,
                "raw": row.raw,
                "received_at": row.received_at,
                "trust": row.trust,
                "replayed_at": row.replayed_at,
            }
            for row in rows
            if not self._erased.are_named_in(row.raw)
        ]
        if told:
            connection.execute(insert(quarantine), told)

    def page(self, after: int = 0, limit: int = 100, source: str | None = None) -> list[QuarantinedRow]:
        waiting = quarantine.c.replayed_at.is_(None)
        question = select(quarantine).where(quarantine.c.row_id > after, waiting).order_by(quarantine.c.row_id)
        if source is not None:
            question = question.where(quarantine.c.source == source)
        with self._database.read() as connection:
            rows = connection.execute(question.limit(limit)).all()
        return [
            QuarantinedRow(
                row_id=row.row_id,
                source=row.source,
                reason=row.reason,
                raw=bytes(row.raw),
                received_at=row.received_at,
                trust=row.trust,
            )
            for row in rows
        ]

    def mark_replayed(self, row_ids: Sequence[int], now: Micros) -> None:
        if not row_ids:
            return
        statement = update(quarantine).where(quarantine.c.row_id == bindparam("a_row")).values(replayed_at=now)
        told = [{"a_row": row_id} for row_id in row_ids]
        self._database.write(lambda connection: connection.execute(statement, told))

    def counts(self) -> dict[str, int]:
        waiting = quarantine.c.replayed_at.is_(None)
        question = select(quarantine.c.code, func.count()).where(waiting).group_by(quarantine.c.code)
        with self._database.read() as connection:
            return {code: int(rows) for code, rows in connection.execute(question)}
