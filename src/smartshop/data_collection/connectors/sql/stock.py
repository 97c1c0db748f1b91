"""Stock over SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.locks import Turn, take_turn
from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.stock_book import (
    known_movements,
    open_book,
    open_selling_book,
    transfer_movements,
    write_book,
)
from smartshop.data_collection.connectors.sql.stock_holds import kept_units
from smartshop.data_collection.connectors.sql.tables import stock_levels, stock_movements
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import (
    MovementReason,
    StockCount,
    StockLevel,
    StockMovement,
    StockPlace,
    StockTransfer,
)


class SqlStock:
    """Counting of a variant begins with a receipt, a transfer or a count; anything before is only recorded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def move(self, movements: Sequence[StockMovement], now: Micros) -> int:
        return self._database.write(lambda connection: _move(connection, movements, now))

    def count(self, counts: Sequence[StockCount], now: Micros) -> int:
        """Set levels; known movement_ids are skipped. Returns how many were new."""
        return self._database.write(lambda connection: _count(connection, counts, now))

    def transfer(self, transfers: Sequence[StockTransfer], now: Micros) -> int:
        return self._database.write(lambda connection: _transfer(connection, transfers, now))

    def levels(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, dict[LocationId, int]]:
        """Variants never counted are absent."""
        found: dict[VariantId, dict[LocationId, int]] = {}
        with self._database.read() as connection:
            for chunk in chunks(variant_ids):
                question = select(stock_levels.c.variant_id, stock_levels.c.location_id, stock_levels.c.level)
                for variant_id, location_id, level in connection.execute(
                    question.where(stock_levels.c.variant_id.in_(chunk))
                ):
                    found.setdefault(variant_id, {})[location_id] = level
        return found

    def changed_since(self, since: Micros) -> list[StockLevel]:
        # Put in order here: asked for an order, SQLite walks the whole table by its key and not the few by the index.
        question = select(stock_levels).where(stock_levels.c.changed_at >= since)
        with self._database.read() as connection:
            found = [
                StockLevel(
                    variant_id=row.variant_id,
                    location_id=row.location_id,
                    level=row.level,
                    changed_at=Micros(row.changed_at),
                )
                for row in connection.execute(question)
            ]
        return sorted(found, key=lambda level: (level.variant_id, level.location_id))

    def page(
        self,
        after: tuple[VariantId, LocationId] | None,
        limit: int,
        now: Micros,
        variant_ids: Sequence[VariantId] | None = None,
    ) -> list[StockPlace]:
        columns = stock_levels.c
        question = select(stock_levels).order_by(columns.variant_id, columns.location_id).limit(limit)
        if variant_ids is not None:
            question = question.where(columns.variant_id.in_(variant_ids))
        if after is not None:
            # Spelled out: SQLite does not use the key for a comparison of rows beside an IN list.
            later_place = and_(columns.variant_id == after[0], columns.location_id > after[1])
            question = question.where(columns.variant_id >= after[0], or_(columns.variant_id > after[0], later_place))
        with self._database.read() as connection:
            rows = connection.execute(question).all()
            kept = kept_units(connection, now, [row.variant_id for row in rows])
        return [_place(row, kept.get(row.variant_id, {}).get(row.location_id, 0)) for row in rows]

    def movements(self, variant_id: VariantId, limit: int = 100) -> list[StockMovement]:
        """Newest first."""
        columns = stock_movements.c
        question = (
            select(stock_movements)
            .where(columns.variant_id == variant_id)
            .order_by(columns.occurred_at.desc(), columns.movement_id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_movement(row) for row in connection.execute(question)]

    def histories(self, variant_ids: Sequence[VariantId]) -> dict[VariantId, list[StockMovement]]:
        columns = stock_movements.c
        question = select(stock_movements).order_by(
            columns.variant_id, columns.occurred_at.desc(), columns.movement_id.desc()
        )
        found: dict[VariantId, list[StockMovement]] = {}
        with self._database.read() as connection:
            for chunk in chunks(variant_ids):
                for row in connection.execute(question.where(columns.variant_id.in_(chunk))):
                    found.setdefault(VariantId(row.variant_id), []).append(_movement(row))
        return found


# Any: a row's columns have types of their own.
def _movement(row: Row[*tuple[Any, ...]]) -> StockMovement:
    return StockMovement(
        movement_id=row.movement_id,
        variant_id=row.variant_id,
        quantity=row.quantity,
        reason=MovementReason(row.reason),
        occurred_at=Micros(row.occurred_at),
        location_id=row.location_id,
        reference=row.reference,
    )


def _place(row: Row[tuple[object, ...]], reserved: int) -> StockPlace:
    return StockPlace(
        variant_id=row.variant_id,
        location_id=row.location_id,
        level=row.level,
        reserved=reserved,
        changed_at=Micros(row.changed_at),
    )


def _transfer(connection: Connection, transfers: Sequence[StockTransfer], now: Micros) -> int:
    take_turn(connection, Turn.STOCK)
    sides = {transfer.transfer_id: transfer_movements(transfer) for transfer in reversed(transfers)}
    known = known_movements(connection, [movement.movement_id for both in sides.values() for movement in both])
    fresh = {
        transfer.transfer_id: transfer
        for transfer in reversed(transfers)
        if sides[transfer.transfer_id][0].movement_id not in known
    }
    book = open_selling_book(connection, (transfer.variant_id for transfer in fresh.values()), now)
    for transfer in reversed(fresh.values()):
        book.transfer(transfer)
    write_book(connection, book, now)
    return len(fresh)


def _move(connection: Connection, movements: Sequence[StockMovement], now: Micros) -> int:
    take_turn(connection, Turn.STOCK)
    known = known_movements(connection, [movement.movement_id for movement in movements])
    fresh = {movement.movement_id: movement for movement in reversed(movements) if movement.movement_id not in known}
    book = open_book(connection, (movement.variant_id for movement in fresh.values()))
    for movement in reversed(fresh.values()):
        book.move(movement)
    write_book(connection, book, now)
    return len(fresh)


def _count(connection: Connection, counts: Sequence[StockCount], now: Micros) -> int:
    take_turn(connection, Turn.STOCK)
    known = known_movements(connection, [count.movement_id for count in counts])
    fresh = {count.movement_id: count for count in reversed(counts) if count.movement_id not in known}
    book = open_book(connection, (count.variant_id for count in fresh.values()))
    for count in reversed(fresh.values()):
        book.count(count)
    write_book(connection, book, now)
    return len(fresh)
