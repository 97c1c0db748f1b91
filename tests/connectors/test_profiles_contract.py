"""What every Profiles promises, over the log."""

import asyncio

import pytest

from smartshop.data_collection.connectors.log_profiles import FIRST_LOOK, LogProfiles
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, ProductId
from smartshop.data_collection.schemas.profiles import Profile
from tests.connectors.told import append, at, event, link


class Watch:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def profiles(stores: SqlStores, watch: Watch) -> LogProfiles:
    return LogProfiles(stores.log, fold, monotonic=watch)


def browser(stores: SqlStores, name: str = "browser") -> Shopper:
    return stores.customers.shopper(None, AnonymousId(name), vouched=False)


async def store(stores: SqlStores, profiles: LogProfiles, *events: StoredEvent) -> None:
    """As ingest does: durable first, then folded."""
    append(stores, *events)
    await profiles.fold(events)


class TestProfiles:
    async def test_what_was_folded_is_in_the_next_read(self, stores: SqlStores, profiles: LogProfiles) -> None:
        shopper = browser(stores)
        assert await profiles.read(shopper) == Profile()
        await store(stores, profiles, event("e1"))
        assert [sign.event_id for sign in (await profiles.read(shopper)).interest] == ["e1"]
        await store(stores, profiles, event("e2", occurred_at=at(-5)), event("e1"))
        assert [sign.event_id for sign in (await profiles.read(shopper)).interest] == ["e2", "e1"]

    async def test_an_event_of_a_customers_browser_is_seen_at_once(
        self, stores: SqlStores, profiles: LogProfiles
    ) -> None:
        stores.customers.link(link("browser", "ada", 0))
        shopper = stores.customers.shopper(CustomerId("ada"), None, vouched=True)
        assert await profiles.read(shopper) == Profile()
        await store(stores, profiles, event("e1", received_at=at(5)))
        assert len((await profiles.read(shopper)).interest) == 1
        await store(stores, profiles, event("e2", customer_id="ada", trust=Trust.SERVER))
        assert len((await profiles.read(shopper)).interest) == 2

    async def test_another_process_shows_within_a_second(
        self, stores: SqlStores, profiles: LogProfiles, watch: Watch
    ) -> None:
        shopper = browser(stores)
        await profiles.read(shopper)
        append(stores, event("e1"))
        watch.seconds = 0.9
        assert await profiles.read(shopper) == Profile()
        watch.seconds = 1.0
        assert len((await profiles.read(shopper)).interest) == 1

    async def test_a_long_history_is_the_same_as_folding_all_of_it(
        self, stores: SqlStores, profiles: LogProfiles
    ) -> None:
        kinds = (EventKind.PRODUCT_VIEWED, EventKind.RECOMMENDATION_SHOWN, EventKind.ORDER_COMPLETED)
        events = [
            event(
                f"e{n:04}",
                kind=kinds[0] if n % 9 else kinds[1 + n % 2],
                occurred_at=at(n * 7 % 1000),
                products=(ProductLine(product_id=ProductId(f"p{n % 50}"), quantity=1),),
            )
            for n in range(FIRST_LOOK * 3)
        ]
        await store(stores, profiles, *events)
        assert await profiles.read(browser(stores)) == fold(events)

    async def test_forgetting_and_a_bound_only_cost_another_read(self, stores: SqlStores, watch: Watch) -> None:
        profiles = LogProfiles(stores.log, fold, capacity=2, monotonic=watch)
        append(stores, event("e1"))
        for name in ("browser", "b2", "b3", "browser"):
            await profiles.read(browser(stores, name))
        await profiles.forget(browser(stores))
        await profiles.forget(browser(stores, "unknown"))
        assert len((await profiles.read(browser(stores))).interest) == 1

    async def test_readers_at_once_share_a_read_and_never_get_an_older_one(
        self, stores: SqlStores, profiles: LogProfiles
    ) -> None:
        shopper = browser(stores)
        for n in range(10):
            reading = [asyncio.create_task(profiles.read(shopper)) for _ in range(4)]
            await asyncio.sleep(0)
            await store(stores, profiles, event(f"e{n}", occurred_at=at(n)))
            assert len((await profiles.read(shopper)).interest) == n + 1
            assert all(len(profile.interest) in (n, n + 1) for profile in await asyncio.gather(*reading))
