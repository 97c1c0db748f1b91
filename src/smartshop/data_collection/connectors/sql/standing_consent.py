"""Who may have no standing: merged into another customer, erased, or personalisation not allowed."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.shopper_questions import family_of, told_consent
from smartshop.data_collection.schemas.customers import Consent, Purpose
from smartshop.data_collection.schemas.ids import CustomerId

_MERGED = "SELECT from_customer FROM customer_merges WHERE from_customer IN "
_ENDS_OF_MERGES = "SELECT DISTINCT into_customer FROM customer_merges WHERE into_customer IN "
_WORDS = "SELECT shopper_key, granted FROM consents WHERE is_customer = ? AND purpose = ? AND shopper_key IN "


def erased_of(connection: Connection, customer_ids: Iterable[CustomerId], erased: ErasedKeys) -> set[CustomerId]:
    """Those of these customers who were erased by now; the caller holds the standings' turn, as an erasure does."""
    if not erased.refresh_within(connection):
        return set()
    return {each for each in customer_ids if erased.holds(each)}


def without_standing(
    connection: Connection, customer_ids: Sequence[CustomerId], default: Consent, erased: ErasedKeys
) -> set[CustomerId]:
    """Those of these customers (some hundred at a time) who may have none now.

    `default` holds for who was never asked. What was said by any of a merged family counts, the newest word first.
    """
    if not customer_ids:
        return set()
    listed = f"({', '.join('?' * len(customer_ids))})"
    said = {
        CustomerId(customer_id): bool(granted)
        for customer_id, granted in ask(connection, _WORDS + listed, True, Purpose.PERSONALISATION.value, *customer_ids)
    }
    for row in ask(connection, _ENDS_OF_MERGES + listed, *customer_ids):
        customer_id = CustomerId(row[0])
        word = told_consent(connection, family_of(connection, customer_id), None).get(Purpose.PERSONALISATION)
        if word is not None:
            said[customer_id] = word
    merged = {CustomerId(row[0]) for row in ask(connection, _MERGED + listed, *customer_ids)}
    merged |= erased_of(connection, customer_ids, erased)
    return merged | {each for each in customer_ids if not said.get(each, default.personalisation)}
