"""The log as a table of customers: all of them for a refit, one of them a second after an order, by the same rules.

Whose an event is follows `docs/decisions/0004`, since a segment is told of one person: of a customer for whom anything
was vouched, their own vouched events count and the browsers that vouched links give them; of any other customer also
what is merely claimed, and every link.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from smartshop.data_collection.connectors.ports import Customers, EventLog
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.customer_activity_arrays import arrange_activity
from smartshop.data_collection.pipelines.customer_activity_rows import ACTIVITY_KINDS, ActivityRows, Whose
from smartshop.data_collection.pipelines.identity import Owners, learning_owners
from smartshop.data_collection.pipelines.newest_signs import MOST_SIGNS, newest_signs
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.customers import Consent, ConsentChange, Purpose, Shopper
from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import CustomerId, Micros

VOUCHING_KINDS = (EventKind.IDENTIFIED, EventKind.CONSENT_CHANGED)
"""They are no signs, but such an event may be all that was ever vouched for of a customer."""
EVENTS_AT_ONCE = 1_000
"""Read in a row; an order may have thousands of lines, and all of a batch stand in memory."""
ORDER_KINDS = tuple(kind for kind in ACTIVITY_KINDS if kind not in SIGN_KINDS)
MOST_ORDERS = 20_000
"""Orders, refunds and returns read of one customer, the newest: whoever has more moves by these until the refit."""
SIGNS_BEYOND = 20
"""Read besides: what ties with the oldest sign wanted, what robots did, what lies ahead of the present."""
MOST_SIGN_EVENTS = 20_000
"""No more are read where that is not enough, as where a robot did tens of thousands of things in somebody's name."""


@dataclass(frozen=True, slots=True)
class CustomerOwners:
    """Whose an event is, and how surely; made once per load, asked once per event."""

    told: Owners
    """From all links."""
    vouched: Owners
    """From vouched links only."""
    personalisation: Mapping[CustomerId, bool]
    """What customers said of it."""
    by_default: bool
    """What holds for those who said nothing."""

    def whose(self, event: StoredEvent) -> Whose | None:
        """None: no customer's, or of one who does not allow to be looked at."""
        whose = self._owner(event)
        if whose is None or not self.personalisation.get(whose.customer_id, self.by_default):
            return None
        return whose

    def _owner(self, event: StoredEvent) -> Whose | None:
        by_link = None
        if event.anonymous_id is not None and event.anonymous_id in self.vouched.since:
            by_link = self.vouched.of_anonymous(event.anonymous_id, event.received_at)
        if event.customer_id is not None:
            owner = self.told.of_customer(event.customer_id)
            return Whose(owner, is_vouched=event.trust is not Trust.CLIENT or by_link == owner)
        if by_link is not None:
            return Whose(by_link, is_vouched=True)
        if event.anonymous_id is None:
            return None
        claimed = self.told.of_anonymous(event.anonymous_id, event.received_at)
        return None if claimed is None else Whose(claimed, is_vouched=False)


def load_customer_activity(
    log: EventLog,
    customers: Customers,
    shelf: Shelf,
    *,
    currency: str,
    consent_default: Consent | None = None,
    until: Micros | None = None,
) -> CustomerActivity:
    """Read the log once, up to `until`: everything that customers who allow personalisation did, by human traffic.

    `currency` is the shop's. `consent_default` is what holds for a customer who was never asked (None: all is allowed).
    """
    links, merges = customers.links(), customers.merges()
    vouched_links = [link for link in links if link.trust is not Trust.CLIENT]
    owners = CustomerOwners(
        told=learning_owners(links, merges),
        vouched=learning_owners(vouched_links, merges),
        personalisation=personalisation_of(customers.consents_changed_since(Micros(0)), merges),
        by_default=consent_default is None or consent_default.personalisation,
    )
    rows = ActivityRows(
        number_of=shelf.number_of,
        whose=owners.whose,
        currency=currency,
        vouched={owners.told.of_customer(link.customer_id) for link in vouched_links},
    )
    for batch in log.scan(until=until, kinds=(*ACTIVITY_KINDS, *VOUCHING_KINDS), batch_size=EVENTS_AT_ONCE):
        for log_no, event in batch:
            rows.add(log_no, event)
    return arrange_activity(rows, shelf, until)


def one_customer_activity(
    log: EventLog, shopper: Shopper, shelf: Shelf, *, currency: str, as_of: Micros, most_signs: int = MOST_SIGNS
) -> CustomerActivity:
    """What `newest_signs` leaves of one customer in a whole load; nobody where they may not be looked at.

    Read are all their orders (the newest `MOST_ORDERS`) and as many of their newest signs as that needs. `log_no` is 0:
    what is read by shopper has no number.
    """
    if not shopper.consent.personalisation or shopper.erased or not shopper.customer_ids:
        return arrange_activity(ActivityRows(shelf.number_of, _always(shopper), currency), shelf, as_of)
    orders = log.recent(shopper, ORDER_KINDS, MOST_ORDERS)
    limit = most_signs + SIGNS_BEYOND
    while True:
        rows = ActivityRows(number_of=shelf.number_of, whose=_always(shopper), currency=currency)
        signs = log.recent(shopper, SIGN_KINDS, limit)
        for event in (*orders, *signs):
            if event.occurred_at <= as_of:
                rows.add(0, event)
        whole = arrange_activity(rows, shelf, as_of)
        newest = newest_signs(whole, most_signs)
        # Something older was left out, so what ties with the oldest one kept was read.
        if len(signs) < limit or newest is not whole or limit >= MOST_SIGN_EVENTS:
            return newest
        limit = min(limit * 4, MOST_SIGN_EVENTS)


def personalisation_of(
    changes: Iterable[ConsentChange], merges: Mapping[CustomerId, CustomerId]
) -> dict[CustomerId, bool]:
    """Customer after merges → the newest of their own words on personalisation; a browser's word is the browser's."""
    of_customer = learning_owners((), merges).of_customer
    words: dict[CustomerId, bool] = {}
    for change in sorted(changes, key=lambda change: change.received_at):
        if change.is_customer and Purpose.PERSONALISATION in change.changes:
            words[of_customer(CustomerId(change.shopper_key))] = change.changes[Purpose.PERSONALISATION]
    return words


def _always(shopper: Shopper) -> Callable[[StoredEvent], Whose]:
    """Every event that `recent` gives is the shopper's own; which claims count it has decided already."""
    customer_id = shopper.customer_ids[0] if shopper.customer_ids else CustomerId(shopper.shopper_key)
    whose = Whose(customer_id, is_vouched=True)
    return lambda event: whose
