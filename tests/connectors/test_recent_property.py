"""`EventLog.recent` against the rule in plain words, over made-up links, claims and ties."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.data_collection.connectors.ownership import windows_of
from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.customers import IdentityLink
from smartshop.data_collection.schemas.events import EventKind, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId
from tests.connectors.told import at, event, link

KINDS = (EventKind.PRODUCT_VIEWED, EventKind.SEARCHED)
Told = tuple[int, str | None, str | None, Trust, int, int, EventKind]

names = st.sampled_from(["ada", "bob", None])
browsers = st.sampled_from(["b1", "b2", None])
told_events = st.lists(
    st.tuples(
        st.integers(0, 8),
        names,
        browsers,
        st.sampled_from(Trust),
        st.integers(0, 4),
        st.integers(0, 9),
        st.sampled_from([*KINDS, EventKind.PAGE_VIEWED]),
    ).filter(lambda told: told[1] is not None or told[2] is not None),
    min_size=5,
    max_size=30,
)
told_links = st.lists(
    st.tuples(
        st.sampled_from(["b1", "b2"]), st.sampled_from(["ada", "bob"]), st.integers(0, 9), st.sampled_from(Trust)
    ),
    max_size=5,
)
worlds = count()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStores]:
    folder: Path = tmp_path_factory.mktemp("property")
    opened = open_stores("", folder, folder / "models")
    yield opened
    opened.close()


def make_event(world: str, told: Told) -> StoredEvent:
    number, customer, browser, trust, occurred, received, kind = told
    return event(
        f"e{number}",
        kind=kind,
        trust=trust,
        occurred_at=at(occurred),
        received_at=at(received),
        customer_id=customer and world + customer,
        anonymous_id=browser and world + browser,
        shopper_key=world + (customer or browser or ""),
    )


def belongs(
    told: StoredEvent, links: Sequence[IdentityLink], customer: str | None, browser: str | None, claims: bool
) -> bool:
    """The rule of `schemas.customers.Shopper`, event by event."""
    if customer is None:
        return browser is not None and told.anonymous_id == browser and _loose(told)
    if told.customer_id == customer and (told.trust is not Trust.CLIENT or claims):
        return True
    vouched = [each for each in links if each.trust is not Trust.CLIENT]
    own = told.customer_id is None or (told.customer_id == customer and told.trust is Trust.CLIENT)
    for window in windows_of(vouched, [CustomerId(customer)]):
        inside = window.since <= told.received_at and (window.until is None or told.received_at < window.until)
        if window.anonymous_id == told.anonymous_id and inside and own:
            return True
    anothers = any(each.anonymous_id == browser and each.customer_id != customer for each in vouched)
    return browser is not None and not anothers and told.anonymous_id == browser and _loose(told)


def _loose(told: StoredEvent) -> bool:
    return told.customer_id is None or told.trust is Trust.CLIENT


@settings(max_examples=250)  # about 4 ms each
@given(told_events, told_links, names, browsers, st.integers(1, 5))
def test_exactly_the_newest_of_the_shoppers_own_events(
    stores: SqlStores,
    told: list[Told],
    linked: list[tuple[str, str, int, Trust]],
    asking: str | None,
    using: str | None,
    limit: int,
) -> None:
    world = f"w{next(worlds)}-"
    customer = None if asking is None else CustomerId(world + asking)
    browser = None if using is None else AnonymousId(world + using)
    links = [link(world + used, world + by, moment, trust) for used, by, moment, trust in linked]
    stored = _store(stores, [make_event(world, each) for each in told], links)
    shopper = stores.customers.shopper(customer, browser, vouched=True)
    vouched_for = [each for each in stored if each.customer_id == customer and each.trust is not Trust.CLIENT]
    vouched_links = [each for each in links if each.customer_id == customer and each.trust is not Trust.CLIENT]
    claims = not vouched_for and not vouched_links
    own = [each for each in stored if each.kind in KINDS and belongs(each, links, customer, browser, claims)]
    wanted = _newest(own, limit)
    found = stores.log.recent(shopper, KINDS, limit)
    assert [_order(each) for each in found] == [_order(each) for each in wanted]
    assert all(each in own for each in found)


def _store(stores: SqlStores, events: list[StoredEvent], links: list[IdentityLink]) -> list[StoredEvent]:
    for each in links:
        stores.customers.link(each)
    (outcomes,), _ = stores.log.append([[LogEntry(event=each) for each in events]])
    return [each for each, outcome in zip(events, outcomes, strict=True) if outcome.stored]


def _newest(events: list[StoredEvent], limit: int) -> list[StoredEvent]:
    best: dict[str, StoredEvent] = {}
    for each in sorted(events, key=lambda each: (list(Trust).index(each.trust), each.occurred_at)):
        best[each.event_id] = each
    return sorted(best.values(), key=_order)[-limit:]


def _order(told: StoredEvent) -> tuple[int, str]:
    return told.occurred_at, told.event_id
