"""The small questions behind "who is asking?": once per slate, so each is one indexed statement of one fixed shape.

They go to the driver as they stand: what SQLAlchemy does around a statement costs more than these do.
"""

from typing import Any

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.bulk import driver_cursor
from smartshop.data_collection.connectors.sql.codes import TRUST_OF
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros

_INTO = "SELECT into_customer FROM customer_merges WHERE from_customer = ?"
_FROM = "SELECT from_customer FROM customer_merges WHERE into_customer = ?"
_ANY_MERGE = "SELECT 1 FROM customer_merges WHERE from_customer = ? OR into_customer = ? LIMIT 1"
_LINKS = (
    "SELECT anonymous_id, customer_id, received_at, trust FROM identity_links WHERE trust > 0 AND anonymous_id IN ("
    " SELECT anonymous_id FROM identity_links WHERE customer_id = ? AND trust > 0)"
)
_LINKS_OF_BROWSER = (
    "SELECT anonymous_id, customer_id, received_at, trust FROM identity_links WHERE trust > 0 AND anonymous_id = ?"
)
_VOUCHED = "SELECT 1 FROM events WHERE customer_id = ? AND trust > 0 LIMIT 1"
_CONSENT = "SELECT purpose, granted, received_at FROM consents WHERE shopper_key = ? AND is_customer = ?"


def family_of(connection: Connection, customer_id: CustomerId) -> tuple[CustomerId, ...]:
    """The customer that everything was merged into, then those merged into it, by id; mostly just the one asked for."""
    if not _ask(connection, _ANY_MERGE, customer_id, customer_id):
        return (customer_id,)
    root = customer_id
    # Merges are refused where they would close a circle, so this ends.
    while into := _ask(connection, _INTO, root):
        root = CustomerId(into[0][0])
    merged: list[CustomerId] = []
    for each in (waiting := [root]):
        found = [CustomerId(row[0]) for row in _ask(connection, _FROM, each)]
        merged.extend(found)
        waiting.extend(found)
    return (root, *sorted(merged))


def vouched_links_around(
    connection: Connection, family: tuple[CustomerId, ...], anonymous_id: AnonymousId | None
) -> set[IdentityLink]:
    """Every vouched link of each browser that one of these customers used, and of the browser asking."""
    rows = [row for customer_id in family for row in _ask(connection, _LINKS, customer_id)]
    if anonymous_id is not None and all(browser != anonymous_id for browser, *_ in rows):
        rows.extend(_ask(connection, _LINKS_OF_BROWSER, anonymous_id))
    return {
        IdentityLink(
            anonymous_id=AnonymousId(browser),
            customer_id=CustomerId(customer),
            received_at=Micros(received_at),
            trust=TRUST_OF[trust],
        )
        for browser, customer, received_at, trust in rows
    }


def anything_vouched(connection: Connection, family: tuple[CustomerId, ...]) -> bool:
    return any(_ask(connection, _VOUCHED, customer_id) for customer_id in family)


def told_consent(
    connection: Connection, family: tuple[CustomerId, ...], anonymous_id: AnonymousId | None
) -> dict[str, bool]:
    """Purpose → the newest word on it. A customer's own word outweighs the browser's, which anybody may have sent."""
    told: dict[str, bool] = {}
    if anonymous_id is not None:
        told.update({purpose: bool(granted) for purpose, granted, _ in _ask(connection, _CONSENT, anonymous_id, False)})
    own = [row for customer_id in family for row in _ask(connection, _CONSENT, customer_id, True)]
    told.update({purpose: bool(granted) for purpose, granted, _ in sorted(own, key=_received_at)})
    return told


def _received_at(row: tuple[Any, ...]) -> int:
    """Of a row of `_CONSENT`."""
    return int(row[2])


def _ask(connection: Connection, statement: str, *values: str | bool) -> list[tuple[Any, ...]]:
    """The rows. Any: columns of different types."""
    if connection.dialect.name == "postgresql":
        statement = statement.replace("?", "%s")
    rows: list[tuple[Any, ...]] = driver_cursor(connection).execute(statement, values).fetchall()
    return rows
