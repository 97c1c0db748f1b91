"""Reservations over SQL: planned on the same book that orders take from, so that no unit is promised twice."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.locks import Turn, take_named_turns
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.stock_book import Left, open_selling_book
from smartshop.data_collection.connectors.sql.stock_holds import Levels, decode_reservation, end_holds, kept_units
from smartshop.data_collection.connectors.sql.tables import stock_reservations, stock_reserved
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import MAX_RESERVED_SECONDS, Reservation
from smartshop.errors import Conflict, Erased, InvalidValue, NotFound

SWEPT_AT_ONCE = 2_000
"""Rows of one transaction of the sweep, so that buyers hardly wait for it."""


class TooManyReservations(Conflict):
    code = "too_many_reservations"


class SqlReservations:
    """A process's clock says when a reservation is over; those of machines side by side may differ by little."""

    def __init__(self, database: Database, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased

    def reserve(self, reservation: Reservation, now: Micros, *, most_of_shopper: int | None = None) -> Reservation:
        if not reservation.is_live(now):
            raise InvalidValue(
                f"The reservation {reservation.reservation_id!r} ends at {reservation.expires_at} µs, which is not"
                f" within the {MAX_RESERVED_SECONDS} seconds from now; give it a time to end in between."
            )
        return self._database.write(
            lambda connection: _reserve(connection, reservation, now, self._erased, most_of_shopper)
        )

    def renew(self, reservation_id: str, expires_at: Micros, now: Micros) -> Reservation:
        return self._database.write(lambda connection: _renew(connection, reservation_id, expires_at, now))

    def release(self, reservation_id: str) -> bool:
        return self._database.write(lambda connection: _release(connection, reservation_id))

    def get(self, reservation_id: str, now: Micros) -> Reservation | None:
        with self._database.read() as connection:
            return _live(connection, reservation_id, now)

    def kept(self, now: Micros, variant_ids: Sequence[VariantId] | None = None) -> Levels:
        with self._database.read() as connection:
            return kept_units(connection, now, variant_ids)

    def sweep(self, before: Micros) -> int:
        swept = 0
        while gone := self._database.write(lambda connection: _sweep(connection, before)):
            swept += gone
        return swept


def _reserve(
    connection: Connection, told: Reservation, now: Micros, erased: ErasedKeys, most_of_shopper: int | None
) -> Reservation:
    # A shopper's turn, too: two baskets opened at once must not both be the last one allowed.
    take_named_turns(connection, Turn.RESERVATION, [told.reservation_id, told.shopper_key or ""])
    if erased.refresh_within(connection) and told.shopper_key is not None and erased.holds(told.shopper_key):
        raise Erased
    first = _live(connection, told.reservation_id, now)
    if first is not None:
        if (first.lines, first.shopper_key) != (told.lines, told.shopper_key):
            raise Conflict(
                f"The reservation {told.reservation_id!r} keeps other units already; renew or end it, or choose"
                " another id."
            )
        return first
    if most_of_shopper is not None:
        _check_number(connection, told, now, most_of_shopper)
    _remove(connection, told.reservation_id)
    _keep(connection, told, {}, now)
    return told


def _check_number(connection: Connection, told: Reservation, now: Micros, most: int) -> None:
    columns = stock_reservations.c
    theirs = select(func.count()).where(columns.shopper_key == told.shopper_key, columns.expires_at > now)
    if connection.execute(theirs).scalar_one() >= most:
        raise TooManyReservations(
            f"This shopper has {most} live reservations, and more are not kept; end one of them first."
        )


def _renew(connection: Connection, reservation_id: str, expires_at: Micros, now: Micros) -> Reservation:
    take_named_turns(connection, Turn.RESERVATION, [reservation_id])
    before = _live(connection, reservation_id, now)
    if before is None:
        raise NotFound(f"There is no live reservation {reservation_id!r} to renew; reserve again.")
    variants = [line.variant_id for line in before.lines]
    book = open_selling_book(connection, variants, now, [reservation_id])
    own = book.holds.named.get(reservation_id)
    if own is None:  # an order took it while we waited for its stock
        raise NotFound(f"There is no live reservation {reservation_id!r} to renew; reserve again.")
    units = {variant_id: dict(places) for variant_id, places in own.units.items()}
    book.holds.end(reservation_id)
    end_holds(connection, book.holds)
    renewed = msgspec.structs.replace(before, expires_at=expires_at)
    _keep(connection, renewed, units, now)
    return renewed


def _keep(connection: Connection, told: Reservation, places_before: Levels, now: Micros) -> None:
    """Write a reservation with the units it keeps, where it kept them before if they are still there."""
    book = open_selling_book(connection, (line.variant_id for line in told.lines), now)
    left: Left = {}
    units: dict[tuple[VariantId, LocationId], int] = {}
    for line in told.lines:
        preferred = {line.variant_id: dict.fromkeys(places_before.get(line.variant_id, {}), 0)}
        for place, taken in book.allot(line.variant_id, line.quantity, line.location_id, preferred, left):
            units[line.variant_id, place] = units.get((line.variant_id, place), 0) + taken
    connection.execute(
        insert(stock_reservations),
        {
            "reservation_id": told.reservation_id,
            "shopper_key": told.shopper_key,
            "expires_at": told.expires_at,
            "payload": encode(told),
        },
    )
    rows = [
        {
            "reservation_id": told.reservation_id,
            "variant_id": variant_id,
            "location_id": place,
            "units": taken,
            "expires_at": told.expires_at,
        }
        for (variant_id, place), taken in units.items()
    ]
    if rows:
        connection.execute(insert(stock_reserved), rows)


def _live(connection: Connection, reservation_id: str, now: Micros) -> Reservation | None:
    question = select(stock_reservations.c.payload).where(stock_reservations.c.reservation_id == reservation_id)
    payload = connection.execute(question).scalar()
    found = None if payload is None else decode_reservation(payload)
    return found if found is not None and found.is_live(now) else None


def _release(connection: Connection, reservation_id: str) -> bool:
    take_named_turns(connection, Turn.RESERVATION, [reservation_id])
    return _remove(connection, reservation_id)


def _remove(connection: Connection, reservation_id: str) -> bool:
    """Whether it was there."""
    connection.execute(delete(stock_reserved).where(stock_reserved.c.reservation_id == reservation_id))
    gone = delete(stock_reservations).where(stock_reservations.c.reservation_id == reservation_id)
    return connection.execute(gone).rowcount > 0


def _sweep(connection: Connection, before: Micros) -> int:
    over = (
        select(stock_reservations.c.reservation_id)
        .where(stock_reservations.c.expires_at <= before)
        .order_by(stock_reservations.c.reservation_id)
        .limit(SWEPT_AT_ONCE)
    )
    ids = list(connection.execute(over).scalars())
    gone = 0
    for table in (stock_reserved, stock_reservations):
        # Its time again: one of such an id may have been made anew since we looked.
        gone = connection.execute(
            delete(table).where(table.c.reservation_id.in_(ids), table.c.expires_at <= before)
        ).rowcount
    return gone
