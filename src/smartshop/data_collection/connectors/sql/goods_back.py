"""Goods of customers' orders that come back, within the log's transaction: each unit once, to the shelf it came from.

What an order took from the shelf is known by its movements (`sale/{order}/…`). What of it came back is known by the
returns of it, which may be told before the order is, and by the movements of what was called off
(`back/{order}/called-off/…`). All of it moves by `back/{order}/…`; what is not sold again leaves once more by
`lost/{order}/…`. No id from outside holds a slash, so these never meet an id that somebody sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, select

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.codes import TRUST_CODES
from smartshop.data_collection.connectors.sql.locks import Turn, take_order_turns, take_turn
from smartshop.data_collection.connectors.sql.records import chunks, decode_return, encode
from smartshop.data_collection.connectors.sql.seen import SeenKey, sender_key
from smartshop.data_collection.connectors.sql.stock_book import known_movements, open_book, write_book
from smartshop.data_collection.connectors.sql.tables import goods_returns
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import LocationId, Micros, OrderId, VariantId
from smartshop.data_collection.schemas.orders import OrderLine, called_off_event
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION, MovementReason, StockMovement

ADDED, LEFT_AGAIN, TAKEN = "back", "lost", "sale"
ERASED_CLAIM = ".claim"
"""Ends the name under which the books keep what an erased shopper claimed."""
ORDERS_AT_ONCE = 100
"""Two ranges of the movements' key each; SQLite reads five hundred in one statement."""


@dataclass(frozen=True, slots=True)
class GoodsBack:
    """What one event says of goods, whichever way it says it."""

    order_id: OrderId | None
    event_id: str
    sender: str
    lines: tuple[OrderLine, ...]
    at: Micros
    restock: bool
    place: LocationId | None
    """Where they are now; None: where they were taken from."""
    only_taken: bool
    """Nothing came in through a door: what the order never took is not there."""


@dataclass(slots=True)
class Taken:
    """What orders took and has not come back yet; `give_back` takes it off."""

    places: dict[tuple[OrderId, VariantId], list[tuple[LocationId, int]]] = field(default_factory=dict)
    """In the order of taking; units may be 0."""
    returns: set[SeenKey] = field(default_factory=set)
    """Returns of these orders that the books hold; told again they move nothing."""

    def give_back(self, order_id: OrderId, variant_id: VariantId, units: int) -> list[tuple[LocationId, int]]:
        """Where so many units were taken from, at most as many as are left; each place once."""
        left, given = self.places.get((order_id, variant_id), []), dict[LocationId, int]()
        for number, (place, here) in enumerate(left):
            some = min(here, units - sum(given.values()))
            if some > 0:
                left[number] = (place, here - some)
                given[place] = given.get(place, 0) + some
        return list(given.items())


def take_goods_back(
    connection: Connection, entries: Mapping[int, LogEntry], now: Micros
) -> dict[int, tuple[VariantId, ...]]:
    """Write returns, and put on the shelf what is sold again; returns which variants moved, by the entry's index."""
    told = {index: goods for index, entry in entries.items() if (goods := _goods_of(entry)) is not None}
    # Ahead of writing them: what is told now is no part of what came back before.
    taken = _read_taken(connection, {goods.order_id for goods in told.values() if goods.order_id is not None})
    _write_returns(connection, entries)
    fresh = {index: goods for index, goods in told.items() if _key(goods) not in taken.returns}
    moved = {index: movements for index, goods in fresh.items() if (movements := _movements(goods, taken))}
    if not moved:
        return {}
    take_turn(connection, Turn.STOCK)
    every = [movement for movements in moved.values() for movement in movements]
    known = known_movements(connection, [movement.movement_id for movement in every])
    book = open_book(connection, (movement.variant_id for movement in every))
    changed: dict[int, tuple[VariantId, ...]] = {}
    for index, movements in moved.items():
        new = {movement.movement_id: movement for movement in movements if movement.movement_id not in known}
        for movement in new.values():
            book.move(movement)
        known.update(new)
        changed[index] = tuple(movement.variant_id for movement in new.values())
    write_book(connection, book, now)
    return changed


def take_turns_of_goods_back(connection: Connection, entries: Iterable[LogEntry]) -> None:
    """Wait for whoever writes one of the orders that these entries are of; before anything else is locked."""
    named = {order_id for entry in entries if (goods := _goods_of(entry)) is not None and (order_id := goods.order_id)}
    if named:
        told = (entry.order.order_id for entry in entries if entry.order is not None)
        take_order_turns(connection, named.union(told))


def read_order_movements(connection: Connection, order_id: OrderId) -> list[StockMovement]:
    """What the order took and what came back, by their ids."""
    return [
        StockMovement(
            movement_id=row.movement_id,
            variant_id=row.variant_id,
            quantity=row.quantity,
            reason=MovementReason(row.reason),
            occurred_at=row.occurred_at,
            location_id=row.location_id,
            reference=row.reference,
        )
        for row in _named(connection, [f"{kind}/{order_id}/" for kind in (ADDED, LEFT_AGAIN, TAKEN)])
    ]


def _goods_of(entry: LogEntry) -> GoodsBack | None:
    """None where no goods are told of, or not by the shop itself: only it knows what lies on its shelf."""
    event, sender = entry.event, sender_key(entry.event)
    if entry.called_off is not None:
        told = entry.called_off
        return GoodsBack(
            told.order_id, event.event_id, sender, told.lines, told.called_off_at, told.restock, None, only_taken=True
        )
    goods = entry.goods_return
    if goods is None or goods.trust is not Trust.SERVER:
        return None
    place = LocationId(event.location_id) if event.location_id else None
    return GoodsBack(
        goods.order_id, goods.event_id, sender, goods.lines, goods.returned_at, goods.restock, place, only_taken=False
    )


def _movements(goods: GoodsBack, taken: Taken) -> list[StockMovement]:
    """Of what an order took: in, and out again where it is not sold again. Anything else comes in as it was told."""
    found: list[StockMovement] = []
    for index, line in enumerate(goods.lines):
        if line.quantity <= 0:
            continue
        of_order = goods.order_id is not None and (goods.order_id, line.variant_id) in taken.places
        if of_order and goods.order_id is not None:
            for place, units in taken.give_back(goods.order_id, line.variant_id, line.quantity):
                found += _of_taken(goods, index, goods.place or place, units, came_from=place)
        elif goods.restock and not goods.only_taken:
            name = f"return/{goods.sender}/{goods.event_id}/{index}"
            place = goods.place or DEFAULT_LOCATION
            found.append(_movement(goods, index, name, place, line.quantity, MovementReason.RETURN))
    return found


def _of_taken(
    goods: GoodsBack, index: int, place: LocationId, units: int, came_from: LocationId
) -> list[StockMovement]:
    # Two senders may use one event_id; that of a calling off is the order's own.
    told = goods.event_id if goods.only_taken else f"{goods.sender}/{goods.event_id}"
    name = f"{goods.order_id}/{told}/{index}/{came_from}"
    back = _movement(goods, index, f"{ADDED}/{name}", place, units, MovementReason.RETURN)
    if goods.restock:
        return [back]
    return [back, _movement(goods, index, f"{LEFT_AGAIN}/{name}", place, -units, MovementReason.WRITE_OFF)]


def _movement(
    goods: GoodsBack, index: int, name: str, place: LocationId, units: int, reason: MovementReason
) -> StockMovement:
    return StockMovement(
        movement_id=name,
        variant_id=goods.lines[index].variant_id,
        quantity=units,
        reason=reason,
        occurred_at=goods.at,
        location_id=place,
        reference=goods.order_id,
    )


def _read_taken(connection: Connection, order_ids: Iterable[OrderId]) -> Taken:
    taken = Taken()
    for chunk in chunks(sorted(order_ids), ORDERS_AT_ONCE):
        came_back: list[tuple[OrderId, VariantId, int]] = []
        sold = [f"{TAKEN}/{order_id}/" for order_id in chunk]
        called_off = [f"{ADDED}/{order_id}/{called_off_event(order_id, '')}" for order_id in chunk]
        for row in _named(connection, sold + called_off):
            if row.movement_id.startswith(f"{TAKEN}/"):
                taken.places.setdefault((row.reference, row.variant_id), []).append((row.location_id, -row.quantity))
            else:
                came_back.append((row.reference, row.variant_id, row.quantity))
        came_back += _read_returns(connection, chunk, taken.returns)
        for order_id, variant_id, units in came_back:
            taken.give_back(order_id, variant_id, units)
    return taken


def _read_returns(
    connection: Connection, order_ids: Sequence[OrderId], known: set[SeenKey]
) -> Iterator[tuple[OrderId, VariantId, int]]:
    """What the shop itself said came back of these orders, also before they were told; their keys go into `known`."""
    question = select(goods_returns).where(
        goods_returns.c.order_id.in_(order_ids), goods_returns.c.trust == TRUST_CODES[Trust.SERVER]
    )
    for row in connection.execute(question):
        known.add(SeenKey(row.shopper_key, row.event_id, row.trust))
        # What was claimed counts for customers' value once they are erased; on the shelf it never was.
        if not (row.shopper_key.startswith("~") and row.shopper_key.endswith(ERASED_CLAIM)):
            for line in decode_return(row.payload).lines:
                yield row.order_id, line.variant_id, line.quantity


def _key(goods: GoodsBack) -> SeenKey:
    return SeenKey(goods.sender, goods.event_id, TRUST_CODES[Trust.SERVER])


class _Row(NamedTuple):
    movement_id: str
    variant_id: VariantId
    location_id: LocationId
    quantity: int
    reason: str
    occurred_at: Micros
    reference: OrderId


MOVEMENTS_NAMED = f"SELECT {', '.join(_Row._fields)} FROM stock_movements WHERE movement_id >= ? AND movement_id < ?"  # noqa: S608
"""Joined by UNION ALL, not by OR: of several ranges SQLite would read the whole table."""


def _named(connection: Connection, beginnings: Sequence[str]) -> list[_Row]:
    """Movements whose names begin so, by name; each beginning ends with a slash."""
    places = [place for start in beginnings for place in (start, f"{start[:-1]}0")]  # "0" is the sign behind "/"
    rows = ask(connection, " UNION ALL ".join([MOVEMENTS_NAMED] * len(beginnings)), *places)
    return sorted(_Row(*row) for row in rows)


def _write_returns(connection: Connection, entries: Mapping[int, LogEntry]) -> None:
    rows: list[dict[str, object]] = [
        {
            "shopper_key": sender_key(entry.event),
            "event_id": entry.event.event_id,
            "trust": TRUST_CODES[goods.trust],
            "order_id": goods.order_id,
            "returned_at": goods.returned_at,
            "payload": encode(goods),
        }
        for entry in entries.values()
        if (goods := entry.goods_return) is not None
    ]
    insert_if_absent(connection, goods_returns, rows)
