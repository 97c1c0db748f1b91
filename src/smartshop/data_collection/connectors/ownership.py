"""Whose an anonymous id's events are, from identity links alone: pure, and the same for links in any order.

The first customer to identify on an id owns what came before as well; from then on whoever identified last owns it,
until somebody else does. Moments are `received_at`: what the server saw, never a client's clock.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from smartshop.data_collection.schemas.customers import AnonymousWindow, IdentityLink
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros

BEGINNING = Micros(0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """since ≤ received_at < until (None: open end) of one anonymous id belongs to this customer."""

    since: Micros
    until: Micros | None
    customer_id: CustomerId


def stretches(links: Iterable[IdentityLink]) -> dict[AnonymousId, list[Stretch]]:
    """Every anonymous id's whole time, cut at each change of owner, oldest first, without gaps."""
    by_id: dict[AnonymousId, list[tuple[Micros, CustomerId]]] = defaultdict(list)
    for link in links:
        by_id[link.anonymous_id].append((link.received_at, link.customer_id))
    return {anonymous_id: _cut(sorted(moments)) for anonymous_id, moments in by_id.items()}


def _cut(moments: Sequence[tuple[Micros, CustomerId]]) -> list[Stretch]:
    """Of two links at the same moment the greater customer id counts last, so that order never matters."""
    changes = [moments[0]]
    for moment in moments[1:]:
        if moment[1] != changes[-1][1]:
            changes.append(moment)
    cut = []
    for index, (since, customer_id) in enumerate(changes):
        until = changes[index + 1][0] if index + 1 < len(changes) else None
        cut.append(Stretch(BEGINNING if index == 0 else since, until, customer_id))
    return cut


def windows_of(links: Iterable[IdentityLink], customer_ids: Collection[CustomerId]) -> tuple[AnonymousWindow, ...]:
    """The anonymous windows that belong to these customers (one customer and those merged into it).

    `links` must hold every link of the anonymous ids concerned, other customers' too.
    """
    return tuple(
        AnonymousWindow(anonymous_id, stretch.since, stretch.until)
        for anonymous_id, owned in sorted(stretches(links).items())
        for stretch in owned
        if stretch.customer_id in customer_ids and stretch.since != stretch.until
    )
