"""Units that open baskets keep, within one transaction: what is free beside them, and whose they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, delete, func, select

from smartshop.data_collection.connectors.sql.erased_keys import browser_key
from smartshop.data_collection.connectors.sql.records import chunks
from smartshop.data_collection.connectors.sql.tables import stock_reservations, stock_reserved
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.orders import Order
from smartshop.data_collection.schemas.stock import MAX_RESERVED_SECONDS, Reservation

Levels = dict[VariantId, dict[LocationId, int]]

decode_reservation = msgspec.json.Decoder(Reservation).decode


@dataclass(slots=True)
class Hold:
    """What one live reservation keeps."""

    shopper_key: str | None
    units: Levels = field(default_factory=dict)


@dataclass(slots=True)
class Holds:
    units: Levels
    """Of all live reservations together."""
    named: dict[str, Hold]
    """The live ones that were asked for by name, or as a shopper's."""
    ended: list[str] = field(default_factory=list)

    def free(self, variant_id: VariantId, place: LocationId, level: int, own: int) -> int:
        """Units free here for whom `own` are kept. Where losses left less than is kept, who comes first has theirs."""
        others = self.units.get(variant_id, {}).get(place, 0) - own
        return min(level, max(own, level - others))

    def of_order(self, order: Order) -> Levels:
        """What is kept for this order; nothing where its reservation is over, or another shopper's."""
        kept: Levels = {}
        for reservation_id in self._of_order(order):
            for variant_id, places in self.named[reservation_id].units.items():
                here = kept.setdefault(variant_id, {})
                for place, units in places.items():
                    here[place] = here.get(place, 0) + units
        return kept

    def end_of_order(self, order: Order) -> None:
        """From now on its reservations keep nothing."""
        for reservation_id in self._of_order(order):
            self.end(reservation_id)

    def end(self, reservation_id: str) -> None:
        for variant_id, places in self.named.pop(reservation_id).units.items():
            kept = self.units.setdefault(variant_id, {})
            for place, units in places.items():
                kept[place] = max(0, kept.get(place, 0) - units)
        self.ended.append(reservation_id)

    def _of_order(self, order: Order) -> list[str]:
        """The one it names, else those of its shopper that keep any of what it buys."""
        keys = order_keys(order)
        if order.reservation_id is not None:
            hold = self.named.get(order.reservation_id)
            is_its = hold is not None and (hold.shopper_key is None or hold.shopper_key in keys)
            return [order.reservation_id] if is_its else []
        bought = {line.variant_id for line in order.lines}
        return sorted(
            reservation_id
            for reservation_id, hold in self.named.items()
            if hold.shopper_key in keys and not bought.isdisjoint(hold.units)
        )


def order_keys(order: Order) -> tuple[str, ...]:
    """Whose baskets an order may be: its customer's, and its browser's."""
    browser = None if order.anonymous_id is None else browser_key(order.anonymous_id)
    return tuple(key for key in (order.customer_id, browser) if key is not None)


def no_holds() -> Holds:
    return Holds({}, {})


def read_holds(
    connection: Connection,
    variant_ids: Sequence[VariantId],
    now: Micros,
    reservation_ids: Iterable[str] = (),
    shopper_keys: Iterable[str] = (),
) -> Holds:
    """What is kept of these variants at `now`; these reservations, and those of these shoppers, where they are live."""
    theirs = _ids_of(connection, sorted(set(shopper_keys)), now)
    ids = list(dict.fromkeys([*reservation_ids, *theirs]))
    return Holds(kept_units(connection, now, variant_ids), _named(connection, ids, now))


def kept_units(connection: Connection, now: Micros, variant_ids: Sequence[VariantId] | None = None) -> Levels:
    """Units that live reservations keep, of these variants or (None) of all."""
    columns = stock_reserved.c
    place = (columns.variant_id, columns.location_id)
    latest = now + MAX_RESERVED_SECONDS * 1_000_000
    question = (
        select(*place, func.sum(columns.units))
        .where(columns.expires_at > now, columns.expires_at <= latest)
        .group_by(*place)
    )
    asked = (
        [question] if variant_ids is None else [question.where(columns.variant_id.in_(c)) for c in chunks(variant_ids)]
    )
    kept: Levels = {}
    for each in asked:
        for variant_id, location_id, units in connection.execute(each):
            kept.setdefault(variant_id, {})[location_id] = int(units)  # PostgreSQL sums int8 to a decimal
    return kept


def _ids_of(connection: Connection, shopper_keys: Sequence[str], now: Micros) -> list[str]:
    columns, ids = stock_reservations.c, list[str]()
    for chunk in chunks(shopper_keys):
        question = select(columns.reservation_id).where(columns.shopper_key.in_(chunk), columns.expires_at > now)
        ids.extend(connection.execute(question).scalars())
    return ids


def _named(connection: Connection, reservation_ids: Iterable[str], now: Micros) -> dict[str, Hold]:
    named: dict[str, Hold] = {}
    for chunk in chunks(reservation_ids):
        payloads = select(stock_reservations.c.payload).where(stock_reservations.c.reservation_id.in_(chunk))
        for payload in connection.execute(payloads).scalars():
            reservation = decode_reservation(payload)
            if reservation.is_live(now):
                named[reservation.reservation_id] = Hold(reservation.shopper_key)
        rows = select(stock_reserved).where(stock_reserved.c.reservation_id.in_(list(named)))
        for row in connection.execute(rows) if named else ():
            named[row.reservation_id].units.setdefault(row.variant_id, {})[row.location_id] = row.units
    return named


def end_holds(connection: Connection, holds: Holds) -> None:
    """Remove the reservations that ended."""
    for chunk in chunks(holds.ended):
        for table in (stock_reserved, stock_reservations):
            connection.execute(delete(table).where(table.c.reservation_id.in_(chunk)))
