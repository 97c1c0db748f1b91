"""A shopper's newest events, from every place where events of theirs may stand, by index, in one statement.

The places: their own vouched events, claims while nothing was vouched, the windows that links give them, and the
browser asking. Never another customer's.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.bulk import driver_cursor
from smartshop.data_collection.connectors.sql.codes import KIND_CODES, kind_mask
from smartshop.data_collection.connectors.sql.records import decode_event
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import CustomerId

EventRow = tuple[int, int, str, int, bytes]
"""Place, occurred_at, event_id, trust, payload."""
_PLACE, _EVENT_ID, _ORDER = itemgetter(0), itemgetter(2), itemgetter(1, 2)

_END_OF_TIME = (1 << 63) - 1
# The order is the index's own, so the newest are read without sorting. What ties with the oldest of them is seen to.
_NEWEST = "ORDER BY occurred_at DESC, kind DESC, log_no DESC LIMIT ?"
_IN_MASK = "(CAST(? AS BIGINT) >> kind) & 1 = 1"
"""For SQLite, which reads the kind from the index: 0.1 µs for each event of another kind."""
_IN_LIST = "kind = ANY(?)"
"""For PostgreSQL, which can look up a list in the index, and tells by its statistics how rare the kinds are. Of a mask
it knows nothing, and reads everything that a customer ever did.
"""
# Trust stands literally, for the planners to see that the partial indexes apply.
_VOUCHED = "customer_id = ? AND trust > 0"
_CLAIMED = "customer_id = ? AND trust = 0"
_WINDOW = "anonymous_id = ? AND customer_id IS NULL AND received_at >= ? AND received_at < ?"
_WINDOW_CLAIM = "customer_id = ? AND trust = 0 AND anonymous_id = ? AND received_at >= ? AND received_at < ?"
# Vouched events of the browser's customer are among that customer's own.
_BROWSER = "anonymous_id = ? AND (customer_id IS NULL OR trust = 0)"

Place = tuple[str, tuple[object, ...]]
"""A condition and its values."""


def read_recent(connection: Connection, shopper: Shopper, kinds: Sequence[EventKind], limit: int) -> list[StoredEvent]:
    """The newest `limit` events of these kinds, newest last, each event_id once, vouched before claimed."""
    if not _places(shopper):
        return []
    is_postgres = connection.dialect.name == "postgresql"
    most = limit + 1  # one more, to see that nothing ties with the oldest wanted
    while True:
        statement, values = newest_of_places(shopper, kinds, most, is_postgres=is_postgres)
        rows: list[EventRow] = driver_cursor(connection).execute(statement, values).fetchall()
        newest = sorted(_each_once(rows), key=_ORDER)[-limit:]
        if len(rows) < most or not _may_be_missing(rows, most, newest[0][1] if len(newest) == limit else 0):
            return [decode_event(row[4]) for row in newest]
        most *= 2


def newest_of_places(
    shopper: Shopper, kinds: Sequence[EventKind], most: int, *, is_postgres: bool
) -> tuple[str, list[object]]:
    """The statement that reads the newest `most` of each of the shopper's places, and its values."""
    places = _places(shopper)
    wanted = [KIND_CODES[kind] for kind in kinds] if is_postgres else kind_mask(tuple(kinds))
    statement = _statement(tuple(condition for condition, _ in places), is_postgres=is_postgres)
    return statement, [value for _, told in places for value in (*told, wanted, most)]


def _each_once(rows: Sequence[EventRow]) -> Iterable[EventRow]:
    """Of several tellings of an event the vouched one, then the later one."""
    if len(set(map(_EVENT_ID, rows))) == len(rows):
        return rows
    kept: dict[str, EventRow] = {}
    for row in rows:
        present = kept.setdefault(row[2], row)
        if present is not row and (row[3], row[1]) > (present[3], present[1]):
            kept[row[2]] = row
    return kept.values()


def _may_be_missing(rows: Sequence[EventRow], most: int, oldest_wanted: int) -> bool:
    """Whether a place that gave its full share may hold more that is as new as the oldest wanted."""
    full = {place for place, given in Counter(map(_PLACE, rows)).items() if given >= most}
    return any(min(row[1] for row in rows if row[0] == place) >= oldest_wanted for place in full)


def _places(shopper: Shopper) -> list[Place]:
    places: list[Place] = [(_VOUCHED, (customer,)) for customer in shopper.customer_ids]
    if shopper.include_claims:
        places += [(_CLAIMED, (customer,)) for customer in shopper.customer_ids]
    for window in shopper.windows:
        # The asking browser's own place below holds all of its windows.
        if window.anonymous_id != shopper.anonymous_id:
            until = _END_OF_TIME if window.until is None else window.until
            places += _of_window((window.anonymous_id, window.since, until), shopper.customer_ids)
    if shopper.anonymous_id is not None:
        places.append((_BROWSER, (shopper.anonymous_id,)))
    return places


def _of_window(window: tuple[object, ...], customer_ids: Sequence[CustomerId]) -> list[Place]:
    return [(_WINDOW, window), *((_WINDOW_CLAIM, (customer, *window)) for customer in customer_ids)]


@lru_cache(maxsize=256)
def _statement(conditions: tuple[str, ...], *, is_postgres: bool) -> str:
    """One text per kind and number of places; everything of the shopper's is a value."""
    is_wanted = _IN_LIST if is_postgres else _IN_MASK
    questions = [
        f"SELECT * FROM (SELECT {number} AS place, occurred_at, event_id, trust, payload"  # noqa: S608
        f" FROM events WHERE {condition} AND {is_wanted} {_NEWEST}) AS place_{number}"
        for number, condition in enumerate(conditions)
    ]
    statement = " UNION ALL ".join(questions)
    return statement.replace("?", "%s") if is_postgres else statement
