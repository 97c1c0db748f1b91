"""What is stored under which ids of one customer: the customers that are them, their browsers, their stretches."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from smartshop.data_collection.connectors.ownership import windows_of
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.codes import TRUST_OF
from smartshop.data_collection.connectors.sql.erased_keys import browser_key
from smartshop.data_collection.connectors.sql.shopper_questions import family_of
from smartshop.data_collection.schemas.customers import AnonymousWindow, IdentityLink
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros

Place = tuple[str, tuple[object, ...]]
"""A condition on the log and its values."""

END_OF_TIME = (1 << 63) - 1
_LINKS = (
    "SELECT anonymous_id, customer_id, received_at, trust FROM identity_links WHERE anonymous_id IN ("
    " SELECT anonymous_id FROM identity_links WHERE customer_id = ?)"
)
_CUSTOMERS_ON = "SELECT DISTINCT customer_id FROM events WHERE anonymous_id = ? AND customer_id IS NOT NULL"


class Belongings(msgspec.Struct, frozen=True, kw_only=True):
    customer_ids: tuple[CustomerId, ...]
    """The customer that everything was merged into, then those merged into it."""
    browsers: tuple[AnonymousId, ...] = ()
    """Theirs alone."""
    windows: tuple[AnonymousWindow, ...] = ()
    """Their stretches of browsers that others use as well."""

    @property
    def keys(self) -> tuple[str, ...]:
        """As `seen.sender_key` spells them."""
        return (*self.customer_ids, *(browser_key(browser) for browser in self.browsers))

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.customer_ids, *self.browsers)))


def belongings_of(connection: Connection, customer_id: CustomerId) -> Belongings:
    """What vouched links give; a browser that nobody vouched for belongs to whom it was claimed for."""
    family = family_of(connection, customer_id)
    browsers: list[AnonymousId] = []
    windows: list[AnonymousWindow] = []
    for browser, links in sorted(_links_by_browser(connection, family).items()):
        vouched = [link for link in links if link.trust is not Trust.CLIENT]
        own = windows_of(vouched or links, family)
        if not own:
            continue
        users = {link.customer_id for link in links} | _customers_on(connection, browser)
        if users <= set(family):
            browsers.append(browser)
        else:
            windows.extend(own)
    return Belongings(customer_ids=family, browsers=tuple(browsers), windows=tuple(windows))


def places_of(belongings: Belongings) -> list[Place]:
    """Where events of theirs stand; each condition is answered by an index, so trust stands literally."""
    places: list[Place] = []
    for customer_id in belongings.customer_ids:
        places += [("customer_id = ? AND trust > 0", (customer_id,)), ("customer_id = ? AND trust = 0", (customer_id,))]
    places += [("anonymous_id = ?", (browser,)) for browser in belongings.browsers]
    for window in belongings.windows:
        condition, values = "anonymous_id = ? AND customer_id IS NULL AND received_at >= ?", (window.since,)
        if window.until is None:
            places.append((condition, (window.anonymous_id, *values)))
        else:
            places.append((f"{condition} AND received_at < ?", (window.anonymous_id, *values, window.until)))
    return places


def waits_in_windows(belongings: Belongings) -> list[Place]:
    """Conditions on `stock_waits`: what they asked for on browsers that others use as well."""
    return [
        (
            "shopper_key = ? AND asked_at >= ? AND asked_at < ?",
            (browser_key(window.anonymous_id), window.since, END_OF_TIME if window.until is None else window.until),
        )
        for window in belongings.windows
    ]


def _links_by_browser(connection: Connection, family: Sequence[CustomerId]) -> dict[AnonymousId, set[IdentityLink]]:
    found: dict[AnonymousId, set[IdentityLink]] = defaultdict(set)
    for customer_id in family:
        for browser, customer, received_at, trust in ask(connection, _LINKS, customer_id):
            link = IdentityLink(
                anonymous_id=AnonymousId(browser),
                customer_id=CustomerId(customer),
                received_at=Micros(received_at),
                trust=TRUST_OF[trust],
            )
            found[link.anonymous_id].add(link)
    return found


def _customers_on(connection: Connection, browser: AnonymousId) -> set[CustomerId]:
    """Who did something on a browser, or is said to have."""
    return {CustomerId(row[0]) for row in ask(connection, _CUSTOMERS_ON, browser)}
