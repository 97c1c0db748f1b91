"""Levels and movements within one transaction: read under lock, changed in memory by rules, written once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, insert, select, update

from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.stock_holds import Holds, Levels, end_holds, no_holds, read_holds
from smartshop.data_collection.connectors.sql.tables import stock_levels, stock_movements
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.orders import Order
from smartshop.data_collection.schemas.stock import (
    DEFAULT_LOCATION,
    MovementReason,
    StockCount,
    StockMovement,
    StockTransfer,
)
from smartshop.errors import OutOfStock

Left = dict[tuple[VariantId, LocationId], int]
STARTS_COUNTING = frozenset({MovementReason.RECEIPT, MovementReason.TRANSFER, MovementReason.COUNT})
"""Any other movement of a variant never counted is only recorded: the variant stays unlimited."""
DONE = {MovementReason.WRITE_OFF: "written off", MovementReason.TRANSFER: "carried away"}
"""What cannot be done with units that are not there; else they cannot be sold."""


@dataclass(slots=True)
class StockBook:
    """The working copy. Every method applies whole or not at all."""

    levels: Levels
    before: Levels
    movements: list[tuple[StockMovement, bool]] = field(default_factory=list)
    """With whether the movement changed a level."""
    holds: Holds = field(default_factory=no_holds)
    """What open baskets keep; known only to a book that was opened for selling."""

    def sell(self, order: Order) -> None:
        """Take an order's units: at its location, else where they are kept for it, at the default one, then wherever
        there are some. What is kept for others is not there. Its reservations end with it.

        Raises:
            OutOfStock: a line asks for more than there is; nothing is taken.
        """
        planned: list[StockMovement] = []
        left: Left = {}
        own = self.holds.of_order(order)
        for index, line in enumerate(order.lines):
            taken = self.allot(line.variant_id, line.quantity, order.location_id, own, left)
            planned.extend(_sale(order, index, place, units) for place, units in taken)
        for movement in planned:
            self._apply(movement)
        self.holds.end_of_order(order)

    def allot(
        self, variant_id: VariantId, units: int, location_id: LocationId | None, own: Levels, left: Left
    ) -> list[tuple[LocationId, int]]:
        """Where so many units come from; none for a variant never counted. `left` is what the lines before leave.

        Raises:
            OutOfStock: fewer can be had.
        """
        levels = self.levels.get(variant_id)
        if levels is None or units <= 0:
            return []
        kept = own.get(variant_id, {})
        allotted, wanted, available = [], units, 0
        for place in [location_id] if location_id is not None else _places(levels, kept):
            here = left.get((variant_id, place))
            if here is None:
                here = self.holds.free(variant_id, place, levels.get(place, 0), kept.get(place, 0))
            available += here
            taken = min(here, wanted)
            if taken > 0:
                left[variant_id, place] = here - taken
                wanted -= taken
                allotted.append((place, taken))
        if wanted > 0:
            raise OutOfStock(variant_id, units, available)
        return allotted

    def transfer(self, transfer: StockTransfer) -> None:
        """Carry units that nobody has reserved from one location to another.

        Raises:
            OutOfStock: fewer can be carried; nothing changes.
        """
        variant_id, source = transfer.variant_id, transfer.from_location
        free = self.holds.free(variant_id, source, self.levels.get(variant_id, {}).get(source, 0), 0)
        if free < transfer.units:
            raise OutOfStock(variant_id, transfer.units, free, DONE[MovementReason.TRANSFER])
        for movement in transfer_movements(transfer):
            self._apply(movement)

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
            here, done = levels.get(movement.location_id, 0), DONE.get(movement.reason, "sold")
            raise OutOfStock(movement.variant_id, -movement.quantity, here, done)
        levels[movement.location_id] = level
        self.levels[movement.variant_id] = levels
        self.movements.append((movement, True))

    def changed(self) -> list[VariantId]:
        return sorted({movement.variant_id for movement, applied in self.movements if applied})


def _places(levels: dict[LocationId, int], kept: dict[LocationId, int]) -> list[LocationId]:
    return sorted(levels, key=lambda place: (place not in kept, place != DEFAULT_LOCATION, place))


def transfer_movements(transfer: StockTransfer) -> tuple[StockMovement, StockMovement]:
    """Out here, in there; the same transfer gives the same movements, whose ids nobody can send."""
    out, into = (
        StockMovement(
            movement_id=f"transfer/{transfer.transfer_id}/{side}",
            variant_id=transfer.variant_id,
            quantity=units,
            reason=MovementReason.TRANSFER,
            occurred_at=transfer.occurred_at,
            location_id=place,
            reference=transfer.reference or transfer.transfer_id,
        )
        for side, units, place in (
            ("out", -transfer.units, transfer.from_location),
            ("in", transfer.units, transfer.to_location),
        )
    )
    return out, into


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


def open_selling_book(
    connection: Connection,
    variant_ids: Iterable[VariantId],
    now: Micros,
    reservation_ids: Iterable[str] = (),
    shopper_keys: Iterable[str] = (),
) -> StockBook:
    """A book that also knows what open baskets keep of these variants, and what for these baskets and shoppers."""
    variants = sorted(set(variant_ids))
    book = open_book(connection, variants)
    # Behind the levels' locks: whoever keeps or takes units of these variants has committed, or waits for us.
    book.holds = read_holds(connection, variants, now, reservation_ids, shopper_keys)
    return book


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
    end_holds(connection, book.holds)


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
