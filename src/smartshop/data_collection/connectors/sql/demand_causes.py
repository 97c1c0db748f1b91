"""What is known of days, over SQL: a row per name, day and place, and one per name that says its kind."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.tables import demand_cause_names, demand_causes
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent, insert_or_replace
from smartshop.data_collection.schemas.demand_causes import (
    MOST_NAMES,
    CauseFilter,
    CauseKind,
    DemandCause,
    NamedCause,
    TooManyNames,
    other_kind,
)
from smartshop.data_collection.schemas.ids import LocationId

EVERYWHERE = ""

_columns = demand_causes.c
_kinds = select(demand_cause_names.c.name, demand_cause_names.c.kind)
_in_order = (_columns.name, _columns.day, _columns.location_id)
_whole = select(demand_causes, demand_cause_names.c.kind).join(
    demand_cause_names, demand_cause_names.c.name == _columns.name
)


class SqlDemandCauses:
    def __init__(self, database: Database) -> None:
        self._database = database

    def tell(self, causes: Sequence[DemandCause]) -> list[str | None]:
        return self._database.write(lambda connection: _tell(connection, causes))

    def names(self) -> dict[str, CauseKind]:
        with self._database.read() as connection:
            return _names(connection)

    def summary(self) -> list[NamedCause]:
        names = demand_cause_names.c
        told = select(names.name, names.kind, func.count(), func.min(_columns.day), func.max(_columns.day))
        by_name = told.join(demand_causes, _columns.name == names.name).group_by(names.name, names.kind)
        with self._database.read() as connection:
            rows = connection.execute(by_name.order_by(names.name)).all()
        return [
            NamedCause(
                name=name,
                kind=CauseKind(kind),
                days=days,
                first_day=date.fromordinal(first),
                last_day=date.fromordinal(last),
            )
            for name, kind, days, first, last in rows
        ]

    def page(self, asked: CauseFilter, *, offset: int = 0, limit: int = 100) -> list[DemandCause]:
        question = _whole.where(*_wanted(asked)).order_by(*_in_order).offset(offset).limit(limit)
        with self._database.read() as connection:
            return [_cause(row) for row in connection.execute(question)]

    def scan(self, batch_size: int = 10_000) -> Iterator[list[DemandCause]]:
        with self._database.read() as connection:
            rows = connection.execution_options(yield_per=batch_size).execute(_whole.order_by(*_in_order))
            for batch in rows.partitions(batch_size):
                yield [_cause(row) for row in batch]

    def forget(self, asked: CauseFilter) -> int:
        return self._database.write(lambda connection: _forget(connection, asked))


def _tell(connection: Connection, causes: Sequence[DemandCause]) -> list[str | None]:
    take_turn(connection, Turn.CAUSE)
    kinds = _names(connection)
    known = dict(kinds)
    refusals: list[str | None] = []
    rows: dict[tuple[str, int, str], dict[str, object]] = {}
    for cause in causes:
        kind = kinds.setdefault(cause.name, cause.kind)
        refusals.append(None if kind is cause.kind else other_kind(cause, kind))
        if kind is cause.kind:
            row = _row(cause)
            rows[str(row["name"]), cause.day.toordinal(), str(row["location_id"])] = row
    _check_names(kinds)
    new: list[dict[str, object]] = [
        {"name": name, "kind": kind.value} for name, kind in kinds.items() if name not in known
    ]
    insert_if_absent(connection, demand_cause_names, new)
    insert_or_replace(connection, demand_causes, list(rows.values()))
    return refusals


def _check_names(kinds: Mapping[str, CauseKind]) -> None:
    for kind, names in Counter(kinds.values()).items():
        if names > MOST_NAMES[kind]:
            raise TooManyNames(kind, names)


def _forget(connection: Connection, asked: CauseFilter) -> int:
    take_turn(connection, Turn.CAUSE)
    gone = connection.execute(delete(demand_causes).where(*_wanted(asked))).rowcount
    left = select(_columns.name).where(_columns.name == demand_cause_names.c.name)
    connection.execute(delete(demand_cause_names).where(~left.exists()))
    return gone


def _names(connection: Connection) -> dict[str, CauseKind]:
    return {name: CauseKind(kind) for name, kind in connection.execute(_kinds)}


def _wanted(asked: CauseFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.name is not None:
        found.append(_columns.name == asked.name)
    if asked.first_day is not None:
        found.append(_columns.day >= asked.first_day.toordinal())
    if asked.last_day is not None:
        found.append(_columns.day <= asked.last_day.toordinal())
    return found


def _row(cause: DemandCause) -> dict[str, object]:
    return {
        "name": cause.name,
        "day": cause.day.toordinal(),
        "location_id": cause.location_id or EVERYWHERE,
        "value": cause.value,
    }


def _cause(row: Row[*tuple[Any, ...]]) -> DemandCause:  # Any: a row of all columns
    return DemandCause(
        name=row.name,
        kind=CauseKind(row.kind),
        day=date.fromordinal(row.day),
        value=row.value,
        location_id=LocationId(row.location_id) if row.location_id else None,
    )
