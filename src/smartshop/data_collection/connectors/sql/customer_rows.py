"""Customers, links and consent as rows, written inside whichever transaction they belong to."""

import unicodedata
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from smartshop.data_collection.connectors.sql.codes import TRUST_CODES
from smartshop.data_collection.connectors.sql.records import chunks, decode_customer, encode
from smartshop.data_collection.connectors.sql.tables import consents, customers, identity_links
from smartshop.data_collection.connectors.sql.upsert import insert_for, insert_if_absent, insert_or_replace
from smartshop.data_collection.schemas.customers import ConsentChange, Customer, IdentityLink, Purpose
from smartshop.data_collection.schemas.ids import CustomerId, Micros


def write_links(connection: Connection, links: Iterable[IdentityLink]) -> None:
    """Add links; one told again is the same link."""
    rows: list[dict[str, object]] = [
        {
            "anonymous_id": link.anonymous_id,
            "received_at": link.received_at,
            "customer_id": link.customer_id,
            "trust": TRUST_CODES[link.trust],
        }
        for link in links
    ]
    insert_if_absent(connection, identity_links, rows)


def write_consent(connection: Connection, changes: Iterable[ConsentChange]) -> None:
    """Apply changes in the order received: an older one never undoes a newer one, however late it comes."""
    newest: dict[tuple[str, bool, str], dict[str, object]] = {}
    for change in sorted(changes, key=lambda change: change.received_at):
        for purpose in Purpose:
            if purpose in change.changes:
                newest[change.shopper_key, change.is_customer, purpose.value] = {
                    "shopper_key": change.shopper_key,
                    "is_customer": change.is_customer,
                    "purpose": purpose.value,
                    "granted": change.changes[purpose],
                    "received_at": change.received_at,
                }
    if not newest:
        return
    statement = insert_for(connection, consents)
    told = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["shopper_key", "is_customer", "purpose"],
            set_={"granted": told.granted, "received_at": told.received_at},
            where=told.received_at >= consents.c.received_at,
        ),
        [newest[key] for key in sorted(newest)],
    )


def merge_customers(connection: Connection, told: Sequence[Customer], now: Micros) -> None:
    """What is told of customers joins what is known: named fields replace, preferences and traits are joined."""
    merged = read_customers(connection, [customer.customer_id for customer in told], hold=True)
    for customer in told:
        known = merged.get(customer.customer_id)
        merged[customer.customer_id] = customer if known is None else _join(known, customer)
    rows: list[dict[str, object]] = [
        {
            "customer_id": customer_id,
            "changed_at": now,
            "payload": encode(customer),
            "country": fold_place(customer.country),
            "city": fold_place(customer.city),
        }
        for customer_id, customer in sorted(merged.items())
    ]
    insert_or_replace(connection, customers, rows)


def read_customers(
    connection: Connection, customer_ids: Iterable[CustomerId], *, hold: bool = False
) -> dict[CustomerId, Customer]:
    """Those of these customers that are known; held against other writers until the transaction ends if asked."""
    found: dict[CustomerId, Customer] = {}
    for chunk in chunks(sorted(set(customer_ids))):
        question = (
            select(customers.c.payload).where(customers.c.customer_id.in_(chunk)).order_by(customers.c.customer_id)
        )
        for payload in connection.execute(question.with_for_update() if hold else question).scalars():
            customer = decode_customer(payload)
            found[customer.customer_id] = customer
    return found


def fold_place(place: str | None) -> str | None:
    """A country or city as it is asked for: `ZÜRICH ` and `Zürich` are one place, in both engines.

    >>> fold_place(" ZÜRICH ")
    'zürich'
    """
    return unicodedata.normalize("NFKC", place).strip().casefold() or None if place else None


def _join(known: Customer, told: Customer) -> Customer:
    return Customer(
        customer_id=known.customer_id,
        email_sha256=told.email_sha256 or known.email_sha256,
        country=told.country or known.country,
        city=told.city or known.city,
        birth_year=told.birth_year or known.birth_year,
        preferences={**known.preferences, **told.preferences},
        traits={**known.traits, **told.traits},
    )
