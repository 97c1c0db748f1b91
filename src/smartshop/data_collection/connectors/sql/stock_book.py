"""Levels and movements within one transaction: read under lock, changed in memory by rules, written once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, insert, select, update

from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.tables import stock_levels, stock_movements
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.orders import Order, OrderLine, Return
from smartshop.data_collection.schemas.stock import (
    DEFAULT_LOCATION,
    MovementReason,
    StockCount,
    StockMovement,
)
from smartshop.errors import OutOfStock

Levels = dict[VariantId, dict[LocationId, int]]
STARTS_COUNTING = frozenset({MovementReason.RECEIPT, MovementReason.TRANSFER, MovementReason.COUNT})
"""Any other movement of a variant never counted is only recorded: the variant stays unlimited."""


@dataclass(slots=True)
class StockBook:
    """The working copy. Every method applies whole or not at all."""

    levels: Levels
    before: Levels
    movements: list[tuple[StockMovement, bool]] = field(default_factory=list)
    """With whether the movement changed a level."""

    def sell(self, order: Order) -> None:
        """Take an order's units: at its location, else at the default one and then wherever there are some.

        Raises:
            OutOfStock: a line asks for more than there is; nothing is taken.
        """
        planned: list[StockMovement] = []
        left: dict[tuple[VariantId, LocationId], int] = {}
        for index, line in enumerate(order.lines):
            planned.extend(self._plan_sale(order, index, line, left))
        for movement in planned:
            self._apply(movement)

    def _plan_sale(
        self, order: Order, index: int, line: OrderLine, left: dict[tuple[VariantId, LocationId], int]
    ) -> list[StockMovement]:
        levels = self.levels.get(line.variant_id)
        if levels is None or line.quantity <= 0:
            return []
        places = [order.location_id] if order.location_id is not None else _places(levels)
        planned, wanted, available = [], line.quantity, 0
        for place in places:
            here = left.get((line.variant_id, place), levels.get(place, 0))
            available += here
            taken = min(here, wanted)
            if taken > 0:
                left[line.variant_id, place] = here - taken
                wanted -= taken
                planned.append(_sale(order, index, place, taken))
        if wanted > 0:
            raise OutOfStock(line.variant_id, line.quantity, available)
        return planned

    def move(self, movement: StockMovement) -> None:
        """One movement.

        Raises:
            OutOfStock: the level would fall below zero; nothing changes.
        """
        self._apply(movement)

    def count(self, count: StockCount) -> None:
        """The level was found to be this; the movement is the difference."""
        present = self.levels.get(count.variant_id, {}).get(count.location_id, 0)
        self._apply(
            StockMovement(
                movement_id=count.movement_id,
                variant_id=count.variant_id,
                quantity=count.level - present,
                reason=MovementReason.COUNT,
                occurred_at=count.occurred_at,
                location_id=count.location_id,
            )
        )

    def _apply(self, movement: StockMovement) -> None:
        levels = self.levels.get(movement.variant_id)
        if levels is None:
            if movement.reason not in STARTS_COUNTING:
                self.movements.append((movement, False))
                return
            levels = {}
        level = levels.get(movement.location_id, 0) + movement.quantity
        if level < 0:
            raise OutOfStock(movement.variant_id, -movement.quantity, levels.get(movement.location_id, 0))
        levels[movement.location_id] = level
        self.levels[movement.variant_id] = levels
        self.movements.append((movement, True))

    def changed(self) -> list[VariantId]:
        return sorted({movement.variant_id for movement, applied in self.movements if applied})


def _places(levels: dict[LocationId, int]) -> list[LocationId]:
    return sorted(levels, key=lambda place: (place != DEFAULT_LOCATION, place))


def returned_units(goods: Return, sender: str, location_id: LocationId) -> list[StockMovement]:
    """What puts returned goods on the shelf again, a movement per line; the same return gives the same movements."""
    return [
        StockMovement(
            movement_id=f"return/{sender}/{goods.event_id}/{index}",
            variant_id=line.variant_id,
            quantity=line.quantity,
            reason=MovementReason.RETURN,
            occurred_at=goods.returned_at,
            location_id=location_id,
            reference=goods.order_id,
        )
        for index, line in enumerate(goods.lines)
        if line.quantity > 0
    ]


def _sale(order: Order, index: int, place: LocationId, units: int) -> StockMovement:
    return StockMovement(
        # No id from outside holds a slash, so these never meet a movement_id that somebody sent.
        movement_id=f"sale/{order.order_id}/{index}/{place}",
        variant_id=order.lines[index].variant_id,
        quantity=-units,
        reason=MovementReason.SALE,
        occurred_at=order.ordered_at,
        location_id=place,
        reference=order.order_id,
    )


def open_book(connection: Connection, variant_ids: Iterable[VariantId]) -> StockBook:
    """Read the levels of these variants and hold them until the transaction ends."""
    levels: Levels = {}
    # In one order, so that two writers wait for each other instead of deadlocking.
    for chunk in chunks(sorted(set(variant_ids))):
        rows = connection.execute(
            select(stock_levels.c.variant_id, stock_levels.c.location_id, stock_levels.c.level)
            .where(stock_levels.c.variant_id.in_(chunk))
            .order_by(stock_levels.c.variant_id, stock_levels.c.location_id)
            .with_for_update()
        )
        for variant_id, location_id, level in rows:
            levels.setdefault(variant_id, {})[location_id] = level
    return StockBook(levels=levels, before={variant: dict(places) for variant, places in levels.items()})


def write_book(connection: Connection, book: StockBook, now: Micros) -> None:
    """Write what changed: the levels once each, and every movement."""
    known, fresh = [], []
    for variant_id in book.changed():
        for location_id, level in book.levels[variant_id].items():
            row = {"a_variant": variant_id, "a_location": location_id, "a_level": level, "a_moment": now}
            if location_id not in book.before.get(variant_id, {}):
                fresh.append(row)
            elif book.before[variant_id][location_id] != level:
                known.append(row)
    if known:
        connection.execute(_UPDATE_LEVEL, known)
    if fresh:
        connection.execute(_INSERT_LEVEL, fresh)
    if book.movements:
        connection.execute(insert(stock_movements), [_movement_row(*moved) for moved in book.movements])


_UPDATE_LEVEL = (
    update(stock_levels)
    .where(stock_levels.c.variant_id == bindparam("a_variant"), stock_levels.c.location_id == bindparam("a_location"))
    .values(level=bindparam("a_level"), changed_at=bindparam("a_moment"))
)
_INSERT_LEVEL = insert(stock_levels).values(
    variant_id=bindparam("a_variant"),
    location_id=bindparam("a_location"),
    level=bindparam("a_level"),
    changed_at=bindparam("a_moment"),
)


def _movement_row(movement: StockMovement, applied: bool) -> dict[str, object]:
    return {
        "movement_id": movement.movement_id,
        "variant_id": movement.variant_id,
        "location_id": movement.location_id,
        "quantity": movement.quantity,
        "reason": movement.reason.value,
        "occurred_at": movement.occurred_at,
        "reference": movement.reference,
        "applied": applied,
    }


def known_movements(connection: Connection, movement_ids: Sequence[str]) -> set[str]:
    """Which of these were applied before."""
    known: set[str] = set()
    for chunk in chunks(movement_ids):
        known.update(
            connection.execute(
                select(stock_movements.c.movement_id).where(stock_movements.c.movement_id.in_(chunk))
            ).scalars()
        )
    return known
