"""Jobs and heartbeats over SQL."""

from collections.abc import Collection

from sqlalchemy import Connection, Row, Select, and_, insert, or_, select, update

from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.records import decode_texts, encode
from smartshop.data_collection.connectors.sql.tables import heartbeats, jobs
from smartshop.data_collection.connectors.sql.upsert import insert_or_replace
from smartshop.data_collection.schemas.ids import Micros

SILENT_FOR = 600_000_000
"""After ten minutes without news a running job is free again: its worker is gone."""


class SqlJobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, job: JobRecord) -> int:
        statement = insert(jobs).values(
            name=job.name,
            arguments=encode(job.arguments),
            state="queued",
            progress=0.0,
            note=job.note,
            queued_at=job.queued_at,
        )
        numbered = statement.returning(jobs.c.job_id)
        return self._database.write(lambda connection: int(connection.execute(numbered).scalar_one()))

    def claim(self, now: Micros, *, only: Collection[str] = (), but: Collection[str] = ()) -> JobRecord | None:
        return self._database.write(lambda connection: _claim(connection, _oldest_free(now, only, but), now))

    def report(self, job_id: int, progress: float, note: str, now: Micros) -> None:
        statement = update(jobs).where(jobs.c.job_id == job_id, jobs.c.state == "running")
        values = {"progress": progress, "note": note, "news_at": now}
        self._database.write(lambda connection: connection.execute(statement.values(values)))

    def finish(self, job_id: int, state: str, note: str, now: Micros) -> None:
        values: dict[str, object] = {"state": state, "note": note, "finished_at": now, "news_at": now}
        if state == "done":
            values["progress"] = 1.0
        statement = update(jobs).where(jobs.c.job_id == job_id).values(values)
        self._database.write(lambda connection: connection.execute(statement))

    def get(self, job_id: int) -> JobRecord | None:
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
        return None if row is None else _job(row)

    def recent(self, limit: int = 50) -> list[JobRecord]:
        """Newest first."""
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(select(jobs).order_by(jobs.c.job_id.desc()).limit(limit))]

    def alive(self) -> list[JobRecord]:
        question = select(jobs).where(jobs.c.state.in_(("queued", "running"))).order_by(jobs.c.job_id)
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(question)]

    def newest(self, name: str) -> JobRecord | None:
        question = select(jobs).where(jobs.c.name == name).order_by(jobs.c.job_id.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(question).one_or_none()
        return None if row is None else _job(row)

    def beat(self, process: str, now: Micros, note: str = "") -> None:
        row: dict[str, object] = {"process": process, "beat_at": now, "note": note}
        self._database.write(lambda connection: insert_or_replace(connection, heartbeats, [row]))

    def beats(self) -> dict[str, tuple[Micros, str]]:
        with self._database.read() as connection:
            rows = connection.execute(select(heartbeats).order_by(heartbeats.c.process)).all()
        return {row.process: (Micros(row.beat_at), row.note) for row in rows}


JobRow = Row[int, str, bytes, str, float, str, int, int | None, int | None, int | None]


def _claim(connection: Connection, oldest_free: Select[int], now: Micros) -> JobRecord | None:
    row = connection.execute(oldest_free).one_or_none()
    if row is None:
        return None
    values = {"state": "running", "started_at": now, "news_at": now, "finished_at": None}
    connection.execute(update(jobs).where(jobs.c.job_id == row.job_id).values(values))
    return _job(connection.execute(select(jobs).where(jobs.c.job_id == row.job_id)).one())


def _oldest_free(now: Micros, only: Collection[str], but: Collection[str]) -> Select[int]:
    left_behind = and_(jobs.c.state == "running", jobs.c.news_at < now - SILENT_FOR)
    question = select(jobs.c.job_id).where(or_(jobs.c.state == "queued", left_behind)).order_by(jobs.c.job_id).limit(1)
    if only:
        question = question.where(jobs.c.name.in_(only))
    if but:
        question = question.where(jobs.c.name.not_in(but))
    # Skipping what another worker is just taking; SQLite, with one writer at a time, needs and knows no such words.
    return question.with_for_update(skip_locked=True)


def _job(row: JobRow) -> JobRecord:
    return JobRecord(
        job_id=row.job_id,
        name=row.name,
        arguments=decode_texts(row.arguments),
        state=row.state,
        progress=row.progress,
        note=row.note,
        queued_at=Micros(row.queued_at),
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
