"""EventLog over SQL."""

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, delete, func, literal, select, tuple_

from smartshop.data_collection.connectors.ports import LogEntry, LogSize, Outcome, PendingBatch
from smartshop.data_collection.connectors.sql.append import append_batches, prepare
from smartshop.data_collection.connectors.sql.codes import kind_mask
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.log_numbers import read_size
from smartshop.data_collection.connectors.sql.recent import read_recent
from smartshop.data_collection.connectors.sql.records import chunks, decode_event, decode_messages, decode_numbers
from smartshop.data_collection.connectors.sql.tables import event_seen, events, outbox
from smartshop.data_collection.connectors.sql.tallies import read_tallies
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.messages import EventsAccepted, Message

PRUNED_AT_ONCE = 5_000
"""Keys forgotten per transaction, so that writers of events hardly wait."""


class SqlEventLog:
    """The durable log on SQLite or PostgreSQL."""

    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    def append(self, batches: Sequence[Sequence[LogEntry]]) -> tuple[list[list[Outcome]], list[int]]:
        prepared = [prepare(entry) for batch in batches for entry in batch]
        sizes = [len(batch) for batch in batches]
        if not prepared:
            return [[] for _ in batches], [0] * len(sizes)
        now = self._database.now()
        appended = self._database.write(
            lambda connection: append_batches(
                connection, prepared, sizes, now, erased=self._erased, always_takes_stock=False
            )
        )
        outcomes = iter(appended.outcomes)
        return [[next(outcomes) for _ in batch] for batch in batches], appended.batch_ids

    def pending(self, older_than: Micros, limit: int = 100) -> list[PendingBatch]:
        question = select(outbox).where(outbox.c.committed_at < older_than).order_by(outbox.c.batch_id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(question).all()
        return [self._pending_batch(row.batch_id, decode_numbers(row.log_nos), row.messages) for row in rows]

    def _pending_batch(self, batch_id: int, numbers: list[int], messages: bytes) -> PendingBatch:
        stored: list[StoredEvent] = []
        with self._database.read() as connection:
            for chunk in chunks(numbers):
                question = select(events.c.payload).where(events.c.log_no.in_(chunk)).order_by(events.c.log_no)
                stored.extend(decode_event(payload) for payload in connection.execute(question).scalars())
        accepted: tuple[Message, ...] = (EventsAccepted(events=tuple(stored)),) if stored else ()
        return PendingBatch(batch_id=batch_id, messages=accepted + decode_messages(messages))

    def mark_published(self, batch_ids: Sequence[int]) -> None:
        published = [{"a_batch": batch_id} for batch_id in batch_ids if batch_id]
        if published:
            statement = delete(outbox).where(outbox.c.batch_id == bindparam("a_batch"))
            self._database.write(lambda connection: connection.execute(statement, published))

    def recent(self, shopper: Shopper, kinds: Sequence[EventKind], limit: int) -> list[StoredEvent]:
        if not kinds or limit <= 0:
            return []
        with self._database.read() as connection:
            return read_recent(connection, shopper, kinds, limit)

    def scan(
        self, after: int = 0, until: Micros | None = None, kinds: Sequence[EventKind] = (), batch_size: int = 10_000
    ) -> Iterator[list[tuple[int, StoredEvent]]]:
        last = self._last_visible_no()
        question = select(events.c.log_no, events.c.payload).order_by(events.c.log_no).limit(batch_size)
        if until is not None:
            question = question.where(events.c.occurred_at <= until)
        if kinds:
            question = question.where(_is_any_of(kind_mask(tuple(kinds))))
        while after < last:
            # A read of its own per batch: a reader that stays open would keep SQLite's log from being checkpointed.
            with self._database.read() as connection:
                page = question.where(events.c.log_no > after, events.c.log_no <= last)
                rows = connection.execute(page).all()
            if not rows:
                return
            after = rows[-1][0]
            yield [(number, decode_event(payload)) for number, payload in rows]

    def size(self) -> LogSize:
        with self._database.read() as connection:
            return read_size(connection)

    def tallies(self) -> dict[str, int]:
        with self._database.read() as connection:
            return read_tallies(connection)

    def prune(self, before: Micros) -> int:
        forgotten, after = 0, ("", "", -1)
        while True:
            question = _SEEN_BEFORE.where(tuple_(*_KEY) > after, event_seen.c.seen_at < before)
            with self._database.read() as connection:
                keys = connection.execute(question).all()
            if not keys:
                return forgotten
            parameters = [{"a_shopper": key[0], "an_event": key[1], "a_trust": key[2]} for key in keys]
            self._database.write(partial(_forget, parameters=parameters))
            forgotten, after = forgotten + len(keys), tuple(keys[-1])

    def _last_visible_no(self) -> int:
        if self._database.is_postgres:
            return self._database.write(_last_settled_no)
        with self._database.read() as connection:
            return _last_no(connection)


def _last_no(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(events.c.log_no), 0))).scalar_one())


def _last_settled_no(connection: Connection) -> int:
    """The highest number when nobody who drew a lower one is still to commit: PostgreSQL commits out of order."""
    take_turn(connection, Turn.LOG)
    return _last_no(connection)


def _is_any_of(mask: int) -> ColumnElement[bool]:
    return literal(mask, BigInteger).op(">>")(events.c.kind).op("&")(1) == 1


_KEY = (event_seen.c.shopper_key, event_seen.c.event_id, event_seen.c.trust)
_SEEN_BEFORE = select(*_KEY).order_by(*_KEY).limit(PRUNED_AT_ONCE)
_FORGET = delete(event_seen).where(
    event_seen.c.shopper_key == bindparam("a_shopper"),
    event_seen.c.event_id == bindparam("an_event"),
    event_seen.c.trust == bindparam("a_trust"),
)


def _forget(connection: Connection, parameters: list[dict[str, object]]) -> None:
    connection.execute(_FORGET, parameters)
