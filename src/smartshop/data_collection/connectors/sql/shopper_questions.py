"""The small questions behind "who is asking?": once per slate, so each is one indexed statement of one fixed shape."""

from sqlalchemy import Connection, Row, text

from smartshop.data_collection.connectors.sql.codes import TRUST_OF
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros

_INTO = text("SELECT into_customer FROM customer_merges WHERE from_customer = :customer")
_FROM = text("SELECT from_customer FROM customer_merges WHERE into_customer = :customer")
_ANY_MERGE = text("SELECT 1 FROM customer_merges WHERE from_customer = :customer OR into_customer = :customer LIMIT 1")
_LINKS = text(
    "SELECT anonymous_id, customer_id, received_at, trust FROM identity_links WHERE trust > 0 AND anonymous_id IN ("
    " SELECT anonymous_id FROM identity_links WHERE customer_id = :customer AND trust > 0)"
)
_LINKS_OF_BROWSER = text(
    "SELECT anonymous_id, customer_id, received_at, trust FROM identity_links"
    " WHERE trust > 0 AND anonymous_id = :browser"
)
_VOUCHED = text("SELECT 1 FROM events WHERE customer_id = :customer AND trust > 0 LIMIT 1")
_CONSENT = text(
    "SELECT purpose, granted, received_at FROM consents WHERE shopper_key = :shopper AND is_customer = :is_customer"
)


def family_of(connection: Connection, customer_id: CustomerId) -> tuple[CustomerId, ...]:
    """The customer that everything was merged into, then those merged into it, by id; mostly just the one asked for."""
    if connection.execute(_ANY_MERGE, {"customer": customer_id}).scalar() is None:
        return (customer_id,)
    root = customer_id
    # Merges are refused where they would close a circle, so this ends.
    while (into := connection.execute(_INTO, {"customer": root}).scalar()) is not None:
        root = CustomerId(into)
    merged: list[CustomerId] = []
    for each in (waiting := [root]):
        found = connection.execute(_FROM, {"customer": each}).scalars().all()
        merged.extend(found)
        waiting.extend(found)
    return (root, *sorted(merged))


def vouched_links_around(
    connection: Connection, family: tuple[CustomerId, ...], anonymous_id: AnonymousId | None
) -> set[IdentityLink]:
    """Every vouched link of each browser that one of these customers used, and of the browser asking."""
    rows: list[Row[AnonymousId, CustomerId, int, int]] = []
    for customer_id in family:
        rows.extend(connection.execute(_LINKS, {"customer": customer_id}).all())
    if anonymous_id is not None and all(row.anonymous_id != anonymous_id for row in rows):
        rows.extend(connection.execute(_LINKS_OF_BROWSER, {"browser": anonymous_id}).all())
    return {
        IdentityLink(
            anonymous_id=row.anonymous_id,
            customer_id=row.customer_id,
            received_at=Micros(row.received_at),
            trust=TRUST_OF[row.trust],
        )
        for row in rows
    }


def anything_vouched(connection: Connection, family: tuple[CustomerId, ...]) -> bool:
    return any(connection.execute(_VOUCHED, {"customer": customer_id}).scalar() is not None for customer_id in family)


def told_consent(
    connection: Connection, family: tuple[CustomerId, ...], anonymous_id: AnonymousId | None
) -> dict[str, bool]:
    """Purpose → the newest word on it. A customer's own word outweighs the browser's, which anybody may have sent."""
    told: dict[str, bool] = {}
    if anonymous_id is not None:
        rows = connection.execute(_CONSENT, {"shopper": anonymous_id, "is_customer": False}).all()
        told.update({purpose: bool(granted) for purpose, granted, _ in rows})
    own: list[Row[str, bool, int]] = []
    for customer_id in family:
        own.extend(connection.execute(_CONSENT, {"shopper": customer_id, "is_customer": True}).all())
    told.update({purpose: bool(granted) for purpose, granted, _ in sorted(own, key=lambda row: row.received_at)})
    return told
