"""A shopper's newest events, from every place where events of theirs may stand, by index, in one statement.

The places: their own vouched events, claims while nothing was vouched, the windows that links give them, and the
browser asking. Never another customer's.
"""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import BigInteger, Connection, Row, TextClause, bindparam, text

from smartshop.data_collection.connectors.sql.records import decode_event
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import EventId

EventRow = Row[int, EventId, int, bytes]
"""occurred_at, event_id, trust, payload."""

_END_OF_TIME = (1 << 63) - 1
_NEWEST = "AND (:kinds >> kind) & 1 = 1 ORDER BY occurred_at DESC, event_id DESC, trust DESC LIMIT :most"
# The conditions on trust stand literally: only so the planners see that the partial indexes apply.
_VOUCHED = "customer_id = :customer_{n} AND trust > 0"
_CLAIMED = "customer_id = :customer_{n} AND trust = 0"
_WINDOW = (
    "anonymous_id = :window_{n} AND customer_id IS NULL AND received_at >= :since_{n} AND received_at < :until_{n}"
)
_WINDOW_CLAIM = (
    "customer_id = :customer_{customer} AND trust = 0 AND anonymous_id = :window_{n}"
    " AND received_at >= :since_{n} AND received_at < :until_{n}"
)
_BROWSER = "anonymous_id = :browser AND (customer_id IS NULL OR trust = 0)"
"""Vouched events of the browser's customer are among that customer's own."""


def read_recent(connection: Connection, shopper: Shopper, kinds: int, limit: int) -> list[StoredEvent]:
    """The newest `limit` events of these kinds (a mask), newest last, each event_id once, vouched before claimed."""
    parameters = _parameters(shopper)
    statement = _statement(
        len(shopper.customer_ids), len(shopper.windows), shopper.anonymous_id is not None, shopper.include_claims
    )
    if statement is None:
        return []
    most = limit
    while True:
        rows = connection.execute(statement, {**parameters, "kinds": kinds, "most": most}).all()
        kept = _each_once(rows)
        # Several tellings of the same events may have filled a place's share; only then there can be more behind.
        if len(kept) >= limit or len(rows) < most:
            break
        most *= 2
    newest = sorted(kept.values(), key=lambda row: (row.occurred_at, row.event_id))[-limit:]
    return [decode_event(row.payload) for row in newest]


def _each_once(rows: Iterable[EventRow]) -> dict[EventId, EventRow]:
    """By event_id; of several tellings the vouched one, then the later one."""
    kept: dict[EventId, EventRow] = {}
    for row in rows:
        present = kept.get(row.event_id)
        if present is None or (row.trust, row.occurred_at) > (present.trust, present.occurred_at):
            kept[row.event_id] = row
    return kept


def _parameters(shopper: Shopper) -> dict[str, object]:
    parameters: dict[str, object] = {f"customer_{n}": customer for n, customer in enumerate(shopper.customer_ids)}
    for n, window in enumerate(shopper.windows):
        parameters[f"window_{n}"] = window.anonymous_id
        parameters[f"since_{n}"] = window.since
        parameters[f"until_{n}"] = _END_OF_TIME if window.until is None else window.until
    if shopper.anonymous_id is not None:
        parameters["browser"] = shopper.anonymous_id
    return parameters


@lru_cache(maxsize=256)
def _statement(customers: int, windows: int, browser: bool, claims: bool) -> TextClause | None:
    """One shape per number of places; the shopper's own ids are parameters."""
    places = [_VOUCHED.format(n=n) for n in range(customers)]
    if claims:
        places += [_CLAIMED.format(n=n) for n in range(customers)]
    for n in range(windows):
        places.append(_WINDOW.format(n=n))
        places += [_WINDOW_CLAIM.format(n=n, customer=customer) for customer in range(customers)]
    if browser:
        places.append(_BROWSER)
    if not places:
        return None
    columns = "occurred_at, event_id, trust, payload"
    questions = [f"SELECT * FROM (SELECT {columns} FROM events WHERE {place} {_NEWEST}) AS place" for place in places]  # noqa: S608
    return text(" UNION ALL ".join(questions)).bindparams(bindparam("kinds", type_=BigInteger))
