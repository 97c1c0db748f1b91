"""Everybody's consent in memory: asked for every event, so it may cost no query."""

import msgspec

from smartshop.data_collection.connectors.ports import Customers
from smartshop.data_collection.schemas.customers import Consent, ConsentChange
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import Micros

OVERLAP = 10_000_000
"""µs re-read each time: a change stamped earlier may be committed later. Reading a state twice is harmless."""


class ConsentBook:
    """Who differs from the shop's default. Changes of this process count at once, of others at the next `refresh`."""

    def __init__(self, customers: Customers, default: Consent) -> None:
        self._customers = customers
        self._default = default
        self._different: dict[tuple[str, bool], Consent] = {}
        self._read_until = Micros(0)

    def refresh(self) -> None:
        """Blocking: one small query."""
        for change in self._customers.consents_changed_since(Micros(max(0, self._read_until - OVERLAP))):
            self.apply(change)
            self._read_until = max(self._read_until, change.received_at)

    def reload(self) -> None:
        """Forget what was applied ahead of a write that then failed. Blocking."""
        self._different.clear()
        self._read_until = Micros(0)
        self.refresh()

    def apply(self, change: ConsentChange) -> None:
        key = (change.shopper_key, change.is_customer)
        consent = msgspec.structs.replace(self._different.get(key, self._default), **change.changes)
        if consent == self._default:
            self._different.pop(key, None)
        else:
            self._different[key] = consent

    def forget(self, shopper_key: str, *, is_customer: bool) -> None:
        """As if never asked."""
        self._different.pop((shopper_key, is_customer), None)

    def of(self, shopper_key: str, *, is_customer: bool) -> Consent:
        return self._different.get((shopper_key, is_customer), self._default)

    def allows_analytics(self, event: StoredEvent) -> bool:
        """Neither the customer nor the browser may have said no."""
        if not self._different:
            return self._default.analytics
        known = [
            self._different.get((key, is_customer))
            for key, is_customer in ((event.customer_id, True), (event.anonymous_id, False))
            if key is not None
        ]
        said = [consent for consent in known if consent is not None]
        return all(consent.analytics for consent in said) if said else self._default.analytics
