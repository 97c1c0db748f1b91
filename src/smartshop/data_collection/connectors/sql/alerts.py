"""Alerts of stock and supply over SQL: a look reads what stands, and writes what became of it, in one transaction."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import chunks, encode
from smartshop.data_collection.connectors.sql.tables import supply_alerts
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.alerts import (
    Alert,
    AlertChange,
    AlertFilter,
    AlertId,
    AlertKind,
    AlertState,
    FoundAlert,
    Severity,
)
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import Conflict, NotFound

RANKS = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
"""The worst first. A number once given never changes."""

_decode = msgspec.json.Decoder(Alert).decode
_columns = supply_alerts.c


class SqlAlerts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, found: Sequence[FoundAlert], kinds: Collection[AlertKind], now: Micros) -> AlertChange:
        return self._database.write(lambda connection: _look(connection, found, kinds, now))

    def open_ids(self) -> frozenset[AlertId]:
        with self._database.read() as connection:
            rows = connection.execute(select(_columns.alert_id).where(_columns.closed_at.is_(None)))
            return frozenset(AlertId(row) for row in rows.scalars())

    def get(self, alert_id: AlertId) -> Alert | None:
        with self._database.read() as connection:
            return next(iter(_read(connection, [alert_id]).values()), None)

    def page(self, asked: AlertFilter, now: Micros, *, offset: int = 0, limit: int = 100) -> list[Alert]:
        question = (
            select(_columns.payload)
            .where(*_wanted(asked, now))
            .order_by(_columns.severity, _columns.worth_minor.desc(), _columns.alert_id)
        )
        with self._database.read() as connection:
            return [_decode(row) for row in connection.execute(question.offset(offset).limit(limit)).scalars()]

    def acknowledge(self, alert_id: AlertId, until: Micros | None, note: str, now: Micros) -> Alert:
        return self._database.write(lambda connection: _acknowledge(connection, alert_id, until, note, now))

    def raised_after(self, number: int | None) -> tuple[int, list[Alert]]:
        newest = select(func.max(_columns.raised_no))
        with self._database.read() as connection:
            last = int(connection.execute(newest).scalar() or 0)
            if number is None or last <= number:
                return last, []
            question = (
                select(_columns.payload)
                .where(_columns.raised_no > number, _columns.raised_no <= last, _columns.closed_at.is_(None))
                .order_by(_columns.raised_no, _columns.severity, _columns.alert_id)
            )
            return last, [_decode(row) for row in connection.execute(question).scalars()]

    def prune(self, before: Micros) -> int:
        # The row with the newest number stays: numbers begin anew behind it.
        newest = select(func.max(_columns.raised_no)).scalar_subquery()
        gone = delete(supply_alerts).where(_columns.closed_at < before, _columns.raised_no < newest)
        return self._database.write(lambda connection: connection.execute(gone).rowcount)


def _look(
    connection: Connection, found: Sequence[FoundAlert], kinds: Collection[AlertKind], now: Micros
) -> AlertChange:
    take_turn(connection, Turn.ALERT)
    told = {one.alert_id: one for one in found}
    numbers = _numbers(connection, told)
    before = _read(connection, told)
    raised = int(connection.execute(select(func.max(_columns.raised_no))).scalar() or 0) + 1
    seen = [_seen(before.get(alert_id), one, now) for alert_id, one in told.items()]
    opened = [one for one in seen if _is_news(before.get(one.found.alert_id), one)]
    over = [
        msgspec.structs.replace(one, closed_at=now)
        for one in _open_of(connection, kinds)
        if one.found.alert_id not in told
    ]
    numbers.update(_numbers(connection, [one.found.alert_id for one in over]))
    numbers.update(dict.fromkeys((one.found.alert_id for one in opened), raised))
    for chunk in chunks([*seen, *over]):
        insert_or_replace(connection, supply_alerts, [_row(one, numbers[one.found.alert_id]) for one in chunk])
    return AlertChange(opened=tuple(opened), still=len(seen) - len(opened), closed=len(over))


def _is_news(before: Alert | None, now: Alert) -> bool:
    """Opened, or graver than what an operator said to know."""
    was_known = before is not None and before.acknowledged_at is not None
    return before is None or before.closed_at is not None or (was_known and now.acknowledged_at is None)


def _seen(before: Alert | None, found: FoundAlert, now: Micros) -> Alert:
    """What it is after being seen again, or the first time. Who asked for peace until a date has it until then."""
    if before is None:
        return Alert(found=found, opened_at=now, seen_at=now)
    if before.closed_at is None:
        found = msgspec.structs.replace(found, since=min(before.found.since, found.since))
        seen = msgspec.structs.replace(before, found=found, seen_at=now)
        is_graver = before.acknowledged_as is not None and RANKS[found.severity] < RANKS[before.acknowledged_as]
        return _unknown(seen) if is_graver else seen
    again = msgspec.structs.replace(
        before, found=found, opened_at=now, seen_at=now, closed_at=None, times_opened=before.times_opened + 1
    )
    keeps_quiet = before.snoozed_until is not None and now < before.snoozed_until
    return again if keeps_quiet else _unknown(again)


def _unknown(one: Alert) -> Alert:
    """To the operator, who has to look at it; what they noted stays."""
    return msgspec.structs.replace(one, acknowledged_at=None, snoozed_until=None, acknowledged_as=None)


def _acknowledge(connection: Connection, alert_id: AlertId, until: Micros | None, note: str, now: Micros) -> Alert:
    take_turn(connection, Turn.ALERT)
    before = _read(connection, [alert_id]).get(alert_id)
    if before is None:
        raise NotFound(f"There is no alert {alert_id!r}; /v1/stock/alerts lists them.")
    if before.closed_at is not None:
        raise Conflict(f"The alert {alert_id!r} is closed: it is no longer so, and nothing is left to acknowledge.")
    is_same = before.acknowledged_at is not None and (before.snoozed_until, before.note) == (until, note)
    if is_same:
        return before
    known = msgspec.structs.replace(
        before, acknowledged_at=now, snoozed_until=until, note=note, acknowledged_as=before.found.severity
    )
    number = _numbers(connection, [alert_id])[alert_id]
    insert_or_replace(connection, supply_alerts, [_row(known, number)])
    return known


def _read(connection: Connection, alert_ids: Iterable[AlertId]) -> dict[AlertId, Alert]:
    rows = (
        _decode(payload)
        for chunk in chunks(alert_ids)
        for payload in connection.execute(select(_columns.payload).where(_columns.alert_id.in_(chunk))).scalars()
    )
    return {one.found.alert_id: one for one in rows}


def _numbers(connection: Connection, alert_ids: Iterable[AlertId]) -> dict[AlertId, int]:
    question = select(_columns.alert_id, _columns.raised_no)
    return {
        AlertId(row[0]): int(row[1])
        for chunk in chunks(alert_ids)
        for row in connection.execute(question.where(_columns.alert_id.in_(chunk)))
    }


def _open_of(connection: Connection, kinds: Collection[AlertKind]) -> list[Alert]:
    question = select(_columns.payload).where(
        _columns.closed_at.is_(None), _columns.kind.in_([kind.value for kind in kinds])
    )
    return [_decode(row) for row in connection.execute(question).scalars()]


def _row(one: Alert, number: int) -> dict[str, object]:
    subject = one.found.subject
    return {
        "alert_id": one.found.alert_id,
        "kind": one.found.kind.value,
        "severity": RANKS[one.found.severity],
        "worth_minor": one.found.worth_minor,
        "location_id": subject.location_id,
        "supplier_id": subject.supplier_id,
        "closed_at": one.closed_at,
        "acknowledged": one.acknowledged_at is not None,
        "snoozed_until": one.snoozed_until,
        "raised_no": number,
        "payload": encode(one),
    }


def _wanted(asked: AlertFilter, now: Micros) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.kind is not None:
        found.append(_columns.kind == asked.kind.value)
    if asked.severity is not None:
        found.append(_columns.severity == RANKS[asked.severity])
    if asked.location_id is not None:
        found.append(_columns.location_id == asked.location_id)
    if asked.supplier_id is not None:
        found.append(_columns.supplier_id == asked.supplier_id)
    is_open = _columns.closed_at.is_(None)
    is_known = and_(_columns.acknowledged, or_(_columns.snoozed_until.is_(None), _columns.snoozed_until > now))
    match asked.state:
        case AlertState.OPEN:
            found += [is_open, ~is_known]
        case AlertState.ACKNOWLEDGED:
            found += [is_open, is_known]
        case AlertState.CLOSED:
            found.append(_columns.closed_at.is_not(None))
        case None:
            pass
    return found
