"""What new events change for learning: the whole of each shopper concerned, as it was counted and as it is to count.

Learning counts shoppers, and one event can change much of one: it arrives late, stands between two others, tells an
earlier one again, gives a browser's past to a customer, takes an order back. So nothing is patched: every shopper that
a batch touches is arranged twice, by the same code as a training's, and the difference is what changed. Nothing is
remembered of shoppers in between, so whoever is erased is nowhere but in counts that the next training makes anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smartshop.data_collection.pipelines.identity import Owners, learning_owners
from smartshop.data_collection.pipelines.interaction_rows import InteractionRows, Owner
from smartshop.data_collection.pipelines.interactions import KIND_NUMBERS, KINDS, Interactions, arrange_rows
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, OrderId, ShopperKey

Numbered = tuple[int, StoredEvent]
"""(log number, event)"""
Merges = Mapping[CustomerId, CustomerId]
COUNTED_KINDS = (*KINDS, EventKind.ORDER_REFUNDED)
FOLLOWED_KINDS = (*COUNTED_KINDS, EventKind.IDENTIFIED)


class OwnedEvents(Protocol):
    """What is asked of the log's index; an unknown id is no error."""

    def events_of(
        self,
        customers: Collection[CustomerId],
        browsers: Collection[AnonymousId],
        kinds: Collection[EventKind],
        limit: int,
    ) -> list[Numbered]:
        """The newest `limit` events of each of these customers, and of these browsers those that name no customer."""

    def links_around(self, customers: Collection[CustomerId], browsers: Collection[AnonymousId]) -> list[IdentityLink]:
        """Every link of these browsers, and of each browser that one of these customers was ever linked to."""

    def links_since(self, received_at: Micros) -> list[IdentityLink]: ...
    def merges(self) -> dict[CustomerId, tuple[CustomerId, Micros]]:
        """Who was merged into whom, and when."""

    def buyers_of(self, orders: Collection[OrderId]) -> list[tuple[CustomerId | None, AnonymousId | None]]: ...
    def received_at(self, log_no: int) -> Micros | None:
        """When the newest event up to this log number was received."""


@dataclass(frozen=True, slots=True)
class Ties:
    """Links and merges that are counted by; those younger than the counts' beginning are remembered one by one."""

    until: Micros
    """Links received by then are counted by."""
    links: frozenset[IdentityLink] = frozenset()
    """And these."""
    merges: Merges = field(default_factory=dict)

    def hold(self, link: IdentityLink) -> bool:
        return link.received_at <= self.until or link in self.links

    def owners(self, links: Collection[IdentityLink]) -> Owners:
        return learning_owners([link for link in links if self.hold(link)], self.merges)

    def families(self, customers: Collection[CustomerId]) -> set[CustomerId]:
        """These customers with all whose events count as the same shopper's."""
        root_of = learning_owners((), self.merges).of_customer
        roots = {root_of(customer) for customer in customers}
        return {*customers, *roots, *(each for each in self.merges if root_of(each) in roots)}


@dataclass(frozen=True, slots=True)
class Place:
    """How far the log is counted, and by which ties."""

    log_no: int
    ties: Ties
    refunds: tuple[Numbered, ...] = ()
    """Told since the counts' beginning: a refund may be told under another id than its order."""


@dataclass(frozen=True, slots=True)
class OwnerChanges:
    """The shoppers concerned, as they were counted and as they are to count."""

    before: Interactions
    after: Interactions
    place: Place
    """To go on from."""


def changes_of(
    batch: Sequence[Numbered], place: Place, store: OwnedEvents, shelf: Shelf, *, limit: int, news: Ties | None = None
) -> OwnerChanges:
    """What these events (of `FOLLOWED_KINDS`, the next of the log) and `news` of links and merges change.

    Of each customer and browser the newest `limit` events are looked at, for both sides alike.
    """
    reached = batch[-1][0] if batch else place.log_no
    refunds = [numbered for numbered in batch if numbered[1].kind is EventKind.ORDER_REFUNDED]
    customers, browsers = _named_in([event for _, event in batch])
    buyers = store.buyers_of({event.order_id for _, event in refunds if event.order_id is not None})
    customers |= {customer for customer, _ in buyers if customer is not None}
    bought_at = {browser for _, browser in buyers if browser is not None}
    browsers |= bought_at
    told, merges = (news.links, news.merges) if news is not None else (frozenset(), place.ties.merges)
    customers |= _merged_otherwise(place.ties.merges, merges)
    around = store.links_around(place.ties.families(customers), browsers)
    fresh = {link for link in (*around, *told) if not place.ties.hold(link)}
    now = Ties(place.ties.until, place.ties.links | fresh if fresh else place.ties.links, merges)
    # A browser with a new link changes hands, so every customer it was ever linked to is concerned.
    moved = {link.anonymous_id for link in fresh}
    browsers |= moved
    customers |= {link.customer_id for link in store.links_around((), moved | bought_at)}
    for ties in (place.ties, now):
        customers |= _customers_behind(batch, ties.owners(around))
    families = place.ties.families(customers) | now.families(customers)
    links = store.links_around(families, browsers)
    used = browsers | {link.anonymous_id for link in links}
    events = store.events_of(families, used, COUNTED_KINDS, limit)
    known = [*place.refunds, *refunds]
    arrange = _Arrangement(events, known, families, browsers, shelf)
    return OwnerChanges(
        before=arrange.up_to(place.log_no, place.ties.owners(links)),
        after=arrange.up_to(reached, now.owners(links)),
        place=Place(reached, now, tuple(known)),
    )


@dataclass(frozen=True, slots=True)
class _Arrangement:
    """Events read once, arranged as of two moments."""

    events: Sequence[Numbered]
    refunds: Sequence[Numbered]
    customers: Collection[CustomerId]
    browsers: Collection[AnonymousId]
    shelf: Shelf

    def up_to(self, log_no: int, owners: Owners) -> Interactions:
        rows = InteractionRows(number_of=self.shelf.number_of, owner_of=owners.of_event, kind_numbers=KIND_NUMBERS)
        is_concerned = self._is_concerned(owners)
        for number, event in self.events:
            if number <= log_no and event.kind is not EventKind.ORDER_REFUNDED and is_concerned(event):
                rows.add(number, event)
        refunds = dict(self.refunds) | {
            number: event for number, event in self.events if event.kind is EventKind.ORDER_REFUNDED
        }
        for number, event in refunds.items():
            if number <= log_no:
                rows.add(number, event)
        return arrange_rows(rows, n_products=self.shelf.n_products)

    def _is_concerned(self, owners: Owners) -> Callable[[StoredEvent], bool]:
        """A browser's events are read whole; stretches of it may belong to customers of whom nothing else was read."""
        concerned: set[Owner] = {(True, ShopperKey(owners.of_customer(customer))) for customer in self.customers}
        concerned.update((False, ShopperKey(browser)) for browser in self.browsers)
        return lambda event: owners.of_event(event) in concerned


def _named_in(events: Sequence[StoredEvent]) -> tuple[set[CustomerId], set[AnonymousId]]:
    customers = {event.customer_id for event in events if event.customer_id is not None}
    browsers = {event.anonymous_id for event in events if event.anonymous_id is not None}
    return customers, browsers


def _customers_behind(batch: Sequence[Numbered], owners: Owners) -> set[CustomerId]:
    found = {owners.of_event(event) for _, event in batch}
    return {CustomerId(key) for is_customer, key in found if is_customer}


def _merged_otherwise(before: Merges, now: Merges) -> set[CustomerId]:
    """Customers who are merged now and were not, or the other way round, or into somebody else."""
    changed = {each for each in {*before, *now} if before.get(each) != now.get(each)}
    return changed | {into for each in changed for into in (before.get(each), now.get(each)) if into is not None}
