"""Who an event is learned from: its customer, else the owner of its anonymous id at that moment, merges followed.

Learning uses every link; serving only the vouched ones (`connectors.ownership.windows_of`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smartshop.data_collection.connectors.ownership import Stretch, stretches
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ShopperKey


@dataclass(frozen=True, slots=True)
class Owners:
    """Answers whose an event is; made once per load, asked once per event."""

    since: dict[AnonymousId, list[Micros]]
    """Beginnings of the stretches of an anonymous id, oldest first."""
    owned: dict[AnonymousId, list[Stretch]]
    merged_into: dict[CustomerId, CustomerId]
    """Only customers that were merged; every chain already followed to its end."""

    def of_customer(self, customer_id: CustomerId) -> CustomerId:
        return self.merged_into.get(customer_id, customer_id)

    def of_anonymous(self, anonymous_id: AnonymousId, received_at: Micros) -> CustomerId | None:
        """The customer to whom this id's events belonged when this one was received; None: to nobody known."""
        beginnings = self.since.get(anonymous_id)
        if beginnings is None:
            return None
        index = max(bisect_right(beginnings, received_at) - 1, 0)
        return self.of_customer(self.owned[anonymous_id][index].customer_id)

    def of_event(self, event: StoredEvent) -> tuple[bool, ShopperKey]:
        """(is a customer, key): a customer and an anonymous id of the same text stay two shoppers."""
        if event.customer_id is not None:
            return True, ShopperKey(self.of_customer(event.customer_id))
        if event.anonymous_id is None:
            return False, event.shopper_key
        owner = self.of_anonymous(event.anonymous_id, event.received_at)
        if owner is None:
            return False, ShopperKey(event.anonymous_id)
        return True, ShopperKey(owner)


def learning_owners(links: Iterable[IdentityLink], merges: Mapping[CustomerId, CustomerId] | None = None) -> Owners:
    """Owners from all links and merges (from → into), whatever the order they are given in."""
    owned = stretches(links)
    since = {anonymous_id: [stretch.since for stretch in cut] for anonymous_id, cut in owned.items()}
    return Owners(since=since, owned=owned, merged_into=_follow(merges or {}))


def _follow(merges: Mapping[CustomerId, CustomerId]) -> dict[CustomerId, CustomerId]:
    ends: dict[CustomerId, CustomerId] = {}
    for start in merges:
        walked = {start}
        end = merges[start]
        while end in merges and end not in walked:
            walked.add(end)
            end = merges[end]
        ends[start] = end
    return ends
