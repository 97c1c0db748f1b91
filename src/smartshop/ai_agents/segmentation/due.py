"""Whom to look at again: customers who ordered at once, those who browse after a run of events."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Traffic
from smartshop.data_collection.schemas.ids import CustomerId

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
    """Counts events until a customer is due. Only a memory aid: losing it delays a look until the next event or refit."""

    runs: dict[CustomerId, int] = field(default_factory=dict)
    waiting: dict[CustomerId, None] = field(default_factory=dict)
    """Due for a run, not yet looked at; oldest first."""

    def after(self, events: Iterable[StoredEvent]) -> list[CustomerId]:
        """Customers to look at now, each once; those with an order first."""
        now: dict[CustomerId, None] = {}
        for event in events:
            if event.customer_id is None or event.traffic is not Traffic.HUMAN:
                continue
            if event.kind in AT_ONCE:
                now[event.customer_id] = None
            else:
                self._count(event.customer_id)
        for customer_id in now:
            self.runs.pop(customer_id, None)
            self.waiting.pop(customer_id, None)
        for customer_id in list(self.waiting)[:BROWSING_PER_ROUND]:
            del self.waiting[customer_id]
            now[customer_id] = None
        return list(now)

    def _count(self, customer_id: CustomerId) -> None:
        counted = self.runs.pop(customer_id, 0) + 1
        counted_for = self.waiting if counted >= RUN else self.runs
        if counted >= RUN:
            self.waiting[customer_id] = None
        else:
            self.runs[customer_id] = counted
        if len(counted_for) > REMEMBERED:
            del counted_for[next(iter(counted_for))]
