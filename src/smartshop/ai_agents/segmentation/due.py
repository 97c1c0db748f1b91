"""Whom to look at again: customers who ordered at once, those who browse after a run of events."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Traffic
from smartshop.data_collection.schemas.ids import CustomerId, Micros

AT_ONCE: frozenset[EventKind] = frozenset(
    {
        EventKind.ORDER_COMPLETED,
        EventKind.ORDER_REFUNDED,
        EventKind.ORDER_RETURNED,
        EventKind.IDENTIFIED,
        EventKind.CONSENT_CHANGED,
    }
)
"""One of these may change where a customer stands by itself."""
RUN = 8
"""Other events of one customer that make a run: about one visit's worth."""
BROWSING_PER_ROUND = 32
"""Customers looked at in one round because of a run: a flood of clicks must not keep orders waiting."""
REMEMBERED = 50_000
"""Customers with an unfinished run, and customers due; beyond, the oldest are forgotten."""


@dataclass(slots=True)
class Due:
    """Counts events until a customer is due. Losing it only delays a look until the next order or refit."""

    runs: dict[CustomerId, int] = field(default_factory=dict)
    waiting: dict[CustomerId, Micros] = field(default_factory=dict)
    """Due for a run, not yet looked at, with the newest event's time of arrival; longest waiting first."""

    def after(self, events: Iterable[StoredEvent]) -> dict[CustomerId, Micros]:
        """Customers to look at now → when the newest event that made them due was received; orders first."""
        now: dict[CustomerId, Micros] = {}
        for event in events:
            if event.customer_id is None or event.traffic is not Traffic.HUMAN:
                continue
            if event.kind in AT_ONCE:
                now[event.customer_id] = max(event.received_at, now.get(event.customer_id, event.received_at))
            else:
                self._count(event.customer_id, event.received_at)
        for customer_id in now:
            self.runs.pop(customer_id, None)
            now[customer_id] = max(now[customer_id], self.waiting.pop(customer_id, now[customer_id]))
        for customer_id in list(self.waiting)[:BROWSING_PER_ROUND]:
            now[customer_id] = self.waiting.pop(customer_id)
        return now

    def _count(self, customer_id: CustomerId, received_at: Micros) -> None:
        counted = self.runs.pop(customer_id, 0) + 1
        if counted >= RUN or customer_id in self.waiting:
            self.waiting[customer_id] = received_at
        else:
            self.runs[customer_id] = counted
        for counted_for in (self.runs, self.waiting):
            if len(counted_for) > REMEMBERED:
                del counted_for[next(iter(counted_for))]
