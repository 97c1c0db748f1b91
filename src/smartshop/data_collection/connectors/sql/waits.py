"""Who waits for what is sold out, over SQL."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn, take_named_turns
from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.tables import stock_waits
from smartshop.data_collection.schemas.ids import Micros, ProductId
from smartshop.data_collection.schemas.waits import MAX_WAITS, WAIT_LASTS, Returned, Wait
from smartshop.errors import Conflict, Erased

TOLD_AT_ONCE = 5_000
"""People of one transaction; the others have their turn at the next look."""
SHOPPERS_SWEPT_AT_ONCE = 500
TOLD_KEPT = Micros(30 * 86_400_000_000)
"""µs: an answered asking is of no use after that."""

_columns = stock_waits.c
_OF_WAIT = (
    *(_columns.shopper_key, _columns.item_id, _columns.product_id, _columns.variant_id, _columns.asked_at),
    *(_columns.told_at, _columns.told_variant_id, _columns.notice_id),
)


class TooManyWaits(Conflict):
    code = "too_many_waits"


class SqlWaits:
    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    # ---------------------------------------------------------------------------------- asking
    def ask(self, wait: Wait, now: Micros) -> Wait:
        return self._database.write(lambda connection: _ask(connection, wait, now, self._erased))

    def give_up(self, shopper_keys: Collection[str], item_id: str) -> bool:
        own = delete(stock_waits).where(_columns.shopper_key.in_(shopper_keys), _columns.item_id == item_id)
        return self._database.write(lambda connection: connection.execute(own).rowcount > 0)

    def of_shopper(self, shopper_keys: Collection[str], now: Micros) -> list[Wait]:
        question = (
            select(*_OF_WAIT)
            .where(_columns.shopper_key.in_(shopper_keys), _columns.asked_at > now - WAIT_LASTS)
            .order_by(_columns.asked_at.desc(), _columns.item_id, _columns.shopper_key)
        )
        return self._read(question)

    def awaited(self, now: Micros, product_ids: Sequence[ProductId] | None = None) -> set[ProductId]:
        question = select(_columns.product_id).distinct().where(*_is_open(now))
        asked = [question]
        if product_ids is not None:
            asked = [question.where(_columns.product_id.in_(chunk)) for chunk in chunks(product_ids)]
        with self._database.read() as connection:
            return {product_id for each in asked for product_id in connection.execute(each).scalars()}

    # --------------------------------------------------------------------------------- telling
    def tell(self, returned: Returned, now: Micros) -> list[Wait]:
        return self._database.write(lambda connection: _tell(connection, returned, now))

    def told_since(self, since: Micros) -> list[Wait]:
        question = select(*_OF_WAIT).where(_columns.told_at.is_not(None), _columns.told_at >= since)
        return self._read(question.order_by(_columns.told_at, _columns.asked_at, _columns.shopper_key))

    def unseen(self, shopper_keys: Collection[str], since: Micros) -> list[Wait]:
        question = select(*_OF_WAIT).where(
            _columns.shopper_key.in_(shopper_keys), _columns.told_at >= since, _columns.seen_at.is_(None)
        )
        return self._read(question.order_by(_columns.told_at, _columns.asked_at, _columns.item_id))

    def mark_seen(self, shopper_keys: Collection[str], product_id: ProductId, now: Micros) -> None:
        seen = update(stock_waits).where(
            _columns.shopper_key.in_(shopper_keys),
            _columns.product_id == product_id,
            _columns.told_at.is_not(None),
            _columns.seen_at.is_(None),
        )
        self._database.write(lambda connection: connection.execute(seen.values(seen_at=now)))

    def unsent(self, since: Micros, limit: int) -> list[Wait]:
        """All of the oldest notice that nobody took yet, up to the limit."""
        open_ones = (_columns.told_at >= since, _columns.sent_at.is_(None))
        oldest = select(_columns.notice_id).where(*open_ones).order_by(_columns.told_at, _columns.notice_id).limit(1)
        question = select(*_OF_WAIT).where(*open_ones, _columns.notice_id == oldest.scalar_subquery())
        return self._read(question.order_by(_columns.asked_at, _columns.shopper_key).limit(limit))

    def mark_sent(self, waits: Sequence[Wait], now: Micros) -> None:
        def work(connection: Connection) -> None:
            for wait in waits:
                # Asked again meanwhile, it is another asking, with nothing to send yet.
                own = (_columns.shopper_key == wait.shopper_key, _columns.item_id == wait.item_id)
                sent = update(stock_waits).where(*own, _columns.notice_id == wait.notice_id)
                connection.execute(sent.values(sent_at=now))

        self._database.write(work)

    def sweep(self, now: Micros) -> int:
        swept = 0
        while gone := self._database.write(lambda connection: _sweep(connection, now)):
            swept += gone
        return swept

    def _read(self, question: Any) -> list[Wait]:  # noqa: ANN401  a SELECT's type names all its columns
        with self._database.read() as connection:
            return [_wait(row) for row in connection.execute(question)]


def _wait(row: Row[*tuple[Any, ...]]) -> Wait:  # Any: the columns of `_OF_WAIT`
    return Wait(**row._mapping)


def _is_open(now: Micros) -> tuple[ColumnElement[bool], ...]:
    return _columns.told_at.is_(None), _columns.asked_at > now - WAIT_LASTS


def _ask(connection: Connection, wait: Wait, now: Micros, erased: ErasedKeys) -> Wait:
    share_turn(connection, Turn.LOG)
    # A shopper's turn: two pages at once must not both be the last one allowed.
    take_named_turns(connection, Turn.WAIT, [wait.shopper_key])
    erased.refresh_within(connection)
    if erased.holds(wait.shopper_key):
        raise Erased
    own = (_columns.shopper_key == wait.shopper_key, _columns.item_id == wait.item_id)
    first = connection.execute(select(*_OF_WAIT).where(*own)).first()
    if first is not None and first.told_at is None and first.asked_at > now - WAIT_LASTS:
        return _wait(first)
    theirs = select(func.count()).where(_columns.shopper_key == wait.shopper_key, *_is_open(now))
    if connection.execute(theirs).scalar_one() >= MAX_WAITS:
        raise TooManyWaits(f"This shopper waits for {MAX_WAITS} things, and more are not kept; give one up first.")
    connection.execute(delete(stock_waits).where(*own))
    row = {"shopper_key": wait.shopper_key, "item_id": wait.item_id, "product_id": wait.product_id}
    connection.execute(insert(stock_waits), {**row, "variant_id": wait.variant_id, "asked_at": wait.asked_at})
    return wait


def _tell(connection: Connection, returned: Returned, now: Micros) -> list[Wait]:
    take_named_turns(connection, Turn.WAIT, [f"/{returned.product_id}"])
    already = select(func.count(_columns.shopper_key.distinct())).where(
        _columns.told_variant_id == returned.variant_id, _columns.told_at >= returned.since
    )
    most = min(TOLD_AT_ONCE, returned.people - connection.execute(already).scalar_one())
    if most <= 0:
        return []
    any_will_do = or_(_columns.variant_id.is_(None), _columns.variant_id == returned.variant_id)
    theirs = (_columns.product_id == returned.product_id, any_will_do, *_is_open(now))
    in_line = select(_columns.shopper_key).where(*theirs).group_by(_columns.shopper_key)
    first_ones = in_line.order_by(func.min(_columns.asked_at), _columns.shopper_key).limit(most)
    told_now = {"told_at": now, "told_variant_id": returned.variant_id, "notice_id": _notice_id(returned, now)}
    told: list[Wait] = []
    for chunk in chunks(connection.execute(first_ones).scalars().all()):
        mine = (_columns.shopper_key.in_(chunk), *theirs)
        told.extend(_wait(row) for row in connection.execute(select(*_OF_WAIT).where(*mine)))
        connection.execute(update(stock_waits).where(*mine).values(**told_now, seen_at=None, sent_at=None))
    in_order = sorted(told, key=lambda wait: (wait.asked_at, wait.shopper_key, wait.item_id))
    return [replace(wait, **told_now) for wait in in_order]


def _notice_id(returned: Returned, now: Micros) -> str:
    what = f"{returned.product_id}/{returned.variant_id}"
    return f"back-{now}-{sha256(what.encode()).hexdigest()[:16]}"


def _sweep(connection: Connection, now: Micros) -> int:
    over = or_(_columns.asked_at <= now - WAIT_LASTS, _columns.told_at <= now - TOLD_KEPT)
    some = select(_columns.shopper_key).where(over).distinct().limit(SHOPPERS_SWEPT_AT_ONCE).scalar_subquery()
    return connection.execute(delete(stock_waits).where(over, _columns.shopper_key.in_(some))).rowcount
