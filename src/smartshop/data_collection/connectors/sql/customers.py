"""Customers over SQL."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from smartshop.data_collection.connectors.ownership import windows_of
from smartshop.data_collection.connectors.sql.codes import TRUST_OF
from smartshop.data_collection.connectors.sql.customer_rows import (
    merge_customers,
    read_customers,
    write_consent,
    write_links,
)
from smartshop.data_collection.connectors.sql.engine import Database
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys, browser_key
from smartshop.data_collection.connectors.sql.locks import Turn, share_turn, take_turn
from smartshop.data_collection.connectors.sql.shopper_questions import (
    anything_vouched,
    family_of,
    told_consent,
    vouched_links_around,
)
from smartshop.data_collection.connectors.sql.tables import consents, customer_merges, identity_links
from smartshop.data_collection.schemas.customers import Consent, ConsentChange, Customer, IdentityLink, Shopper
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ShopperKey
from smartshop.errors import Conflict, Erased


class SqlCustomers:
    """`consent_default` is what holds for a shopper who was never asked. Nothing is written of who was erased."""

    def __init__(self, database: Database, consent_default: Consent, erased: ErasedKeys) -> None:
        self._database, self._erased = database, erased
        self._consent_default = consent_default

    def shopper(self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None, vouched: bool) -> Shopper:
        if self._erased.holds_any(None, anonymous_id):
            if customer_id is None or not vouched:
                return self._nobody()
            anonymous_id = None
        if customer_id is not None and vouched and self._erased.holds(customer_id):
            return self._nobody()
        with self._database.read() as connection:
            if customer_id is None or not vouched:
                return self._anonymous(connection, anonymous_id)
            return self._customer(connection, customer_id, anonymous_id)

    def _nobody(self) -> Shopper:
        return Shopper(shopper_key=ShopperKey(""), consent=self._consent_default, erased=True)

    def _anonymous(self, connection: Connection, anonymous_id: AnonymousId | None) -> Shopper:
        if anonymous_id is None:
            return Shopper(shopper_key=ShopperKey(""), consent=self._consent_default)
        told = told_consent(connection, (), anonymous_id)
        return Shopper(
            shopper_key=ShopperKey(anonymous_id),
            anonymous_id=anonymous_id,
            consent=_consent(self._consent_default, told),
        )

    def _customer(self, connection: Connection, customer_id: CustomerId, anonymous_id: AnonymousId | None) -> Shopper:
        family = family_of(connection, customer_id)
        links = vouched_links_around(connection, family, anonymous_id)
        windows = windows_of(links, family)
        own_link = any(link.customer_id in family for link in links)
        # A browser that was vouched for as somebody else's is not this customer's by merely asking with it.
        anothers = any(link.anonymous_id == anonymous_id and link.customer_id not in family for link in links)
        return Shopper(
            shopper_key=ShopperKey(customer_id),
            customer_ids=family,
            windows=windows,
            anonymous_id=None if anothers else anonymous_id,
            include_claims=not own_link and not anything_vouched(connection, family),
            consent=_consent(self._consent_default, told_consent(connection, family, anonymous_id)),
        )

    def get(self, customer_id: CustomerId) -> Customer | None:
        if self._erased.holds(customer_id):
            return None
        with self._database.read() as connection:
            return read_customers(connection, [customer_id]).get(customer_id)

    def upsert(self, customers: Sequence[Customer], now: Micros) -> None:
        """Join what is told with what is known; who was erased is left out."""

        def write(connection: Connection) -> None:
            share_turn(connection, Turn.LOG)
            self._erased.refresh_within(connection)
            living = [customer for customer in customers if not self._erased.holds(customer.customer_id)]
            merge_customers(connection, living, now)

        self._database.write(write)

    def _write_unless_erased(self, keys: Iterable[str], work: Callable[[Connection], object]) -> None:
        def write(connection: Connection) -> None:
            share_turn(connection, Turn.LOG)
            self._erased.refresh_within(connection)
            if any(self._erased.holds(key) for key in keys):
                raise Erased
            work(connection)

        self._database.write(write)

    def has_identified(self, anonymous_id: AnonymousId) -> bool:
        question = select(1).where(identity_links.c.anonymous_id == anonymous_id).limit(1)
        with self._database.read() as connection:
            return connection.execute(question).scalar() is not None

    def link(self, link: IdentityLink) -> None:
        """
        Raises:
            Erased: the customer or the browser was.
        """
        keys = (link.customer_id, browser_key(link.anonymous_id))
        self._write_unless_erased(keys, lambda connection: write_links(connection, [link]))

    def links(self) -> list[IdentityLink]:
        columns = identity_links.c
        question = select(identity_links).order_by(
            columns.received_at, columns.anonymous_id, columns.customer_id, columns.trust
        )
        with self._database.read() as connection:
            return [
                IdentityLink(
                    anonymous_id=row.anonymous_id,
                    customer_id=row.customer_id,
                    received_at=Micros(row.received_at),
                    trust=TRUST_OF[row.trust],
                )
                for row in connection.execute(question)
            ]

    def set_consent(self, change: ConsentChange) -> Consent:
        """
        Raises:
            Erased: whoever decided was.
        """
        key = change.shopper_key if change.is_customer else browser_key(change.shopper_key)
        self._write_unless_erased((key,), lambda connection: write_consent(connection, [change]))
        return self.consent(change.shopper_key, change.is_customer)

    def consent(self, shopper_key: str, is_customer: bool) -> Consent:
        with self._database.read() as connection:
            if not is_customer:
                return _consent(self._consent_default, told_consent(connection, (), AnonymousId(shopper_key)))
            family = family_of(connection, CustomerId(shopper_key))
            return _consent(self._consent_default, told_consent(connection, family, None))

    def consents_changed_since(self, since: Micros) -> list[ConsentChange]:
        question = select(consents).where(consents.c.received_at >= since).order_by(consents.c.received_at)
        with self._database.read() as connection:
            return [
                ConsentChange(
                    shopper_key=ShopperKey(row.shopper_key),
                    is_customer=row.is_customer,
                    changes={row.purpose: row.granted},
                    received_at=Micros(row.received_at),
                )
                for row in connection.execute(question)
            ]

    def merge(self, from_customer: CustomerId, into: CustomerId, now: Micros) -> None:
        """From now on both are one customer; nothing stored is rewritten, so it can be undone.

        Raises:
            Conflict: the customer is merged already, or into itself.
            Erased: one of them was.
        """
        self._write_unless_erased(
            (from_customer, into), lambda connection: _merge(connection, from_customer, into, now)
        )

    def undo_merge(self, from_customer: CustomerId, now: Micros) -> bool:
        """Whether there was a merge to undo."""
        statement = delete(customer_merges).where(customer_merges.c.from_customer == from_customer)
        return self._database.write(lambda connection: connection.execute(statement).rowcount > 0)

    def merges(self) -> dict[CustomerId, CustomerId]:
        question = select(customer_merges.c.from_customer, customer_merges.c.into_customer)
        with self._database.read() as connection:
            return dict(connection.execute(question).all())


def _consent(default: Consent, told: dict[str, bool]) -> Consent:
    return Consent(
        analytics=told.get("analytics", default.analytics),
        personalisation=told.get("personalisation", default.personalisation),
        marketing=told.get("marketing", default.marketing),
    )


def _merge(connection: Connection, from_customer: CustomerId, into: CustomerId, now: Micros) -> None:
    take_turn(connection, Turn.MERGE)
    merges = dict(connection.execute(select(customer_merges.c.from_customer, customer_merges.c.into_customer)).all())
    present = merges.get(from_customer)
    if present == into:
        return
    if present is not None:
        raise Conflict(f"Customer {from_customer} is already merged into {present}; undo that merge first.")
    end: str = into
    while end in merges:
        end = merges[end]
    if end == from_customer:
        raise Conflict(f"Customer {from_customer} cannot be merged into {into}, which is the same customer already.")
    connection.execute(
        insert(customer_merges), {"from_customer": from_customer, "into_customer": into, "merged_at": now}
    )
