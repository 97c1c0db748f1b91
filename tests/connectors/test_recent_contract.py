"""Whose events a shopper's present is made of: `EventLog.recent` with `Customers.shopper`."""

import pytest

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId
from tests.connectors.told import append, at, event, link

KINDS = tuple(EventKind)


def seen_by(stores: SqlStores, customer: str | None, browser: str | None, vouched: bool = True) -> list[str]:
    shopper = stores.customers.shopper(
        None if customer is None else CustomerId(customer), None if browser is None else AnonymousId(browser), vouched
    )
    return names(stores, shopper)


def names(stores: SqlStores, shopper: Shopper, limit: int = 100) -> list[str]:
    return [found.event_id for found in stores.log.recent(shopper, KINDS, limit)]


class TestRecent:
    def test_newest_last_by_time_then_id_and_no_more_than_the_limit(self, stores: SqlStores) -> None:
        append(stores, event("b", occurred_at=at(1)), event("c", occurred_at=at(3)), event("a", occurred_at=at(1)))
        assert seen_by(stores, None, "browser") == ["a", "b", "c"]
        shopper = stores.customers.shopper(None, AnonymousId("browser"), vouched=False)
        assert names(stores, shopper, limit=2) == ["b", "c"]
        assert stores.log.recent(shopper, [], 10) == []
        assert stores.log.recent(shopper, [EventKind.SEARCHED], 10) == []

    def test_an_unknown_shopper_has_nothing(self, stores: SqlStores) -> None:
        assert seen_by(stores, "nobody", "nowhere") == []
        assert seen_by(stores, None, None) == []

    def test_a_customers_vouched_events_are_theirs(self, stores: SqlStores) -> None:
        append(stores, event("mine", customer_id="ada", trust=Trust.SERVER))
        append(stores, event("other", customer_id="bob", trust=Trust.SERVER))
        assert seen_by(stores, "ada", None) == ["mine"]

    def test_a_customer_is_not_looked_at_without_a_voucher(self, stores: SqlStores) -> None:
        append(stores, event("mine", customer_id="ada", trust=Trust.SERVER))
        assert seen_by(stores, "ada", None, vouched=False) == []
        append(stores, event("own", anonymous_id="browser"))
        assert seen_by(stores, "ada", "browser", vouched=False) == ["own"]

    def test_claims_count_only_while_nothing_was_vouched_for(self, stores: SqlStores) -> None:
        append(stores, event("claim", customer_id="ada", trust=Trust.CLIENT))
        assert seen_by(stores, "ada", None) == ["claim"]
        append(stores, event("mine", customer_id="ada", trust=Trust.SHOPPER))
        assert seen_by(stores, "ada", None) == ["mine"]

    def test_a_vouched_link_ends_claims_too(self, stores: SqlStores) -> None:
        append(stores, event("claim", customer_id="ada", trust=Trust.CLIENT))
        stores.customers.link(link("browser", "ada", 1))
        assert seen_by(stores, "ada", None) == []

    def test_a_flood_of_claims_does_not_push_vouched_events_out(self, stores: SqlStores) -> None:
        append(stores, event("mine", customer_id="ada", trust=Trust.SERVER, occurred_at=at(0)))
        append(stores, *(event(f"c{n}", customer_id="ada", occurred_at=at(n)) for n in range(300)))
        assert seen_by(stores, "ada", None) == ["mine"]

    def test_the_first_to_identify_owns_what_came_before_and_a_later_one_only_from_then_on(
        self, stores: SqlStores
    ) -> None:
        for moment in (1, 11, 21):
            append(stores, event(f"e{moment}", occurred_at=at(moment), received_at=at(moment)))
        stores.customers.link(link("browser", "ada", 10))
        stores.customers.link(link("browser", "bob", 20))
        assert seen_by(stores, "ada", None) == ["e1", "e11"]
        assert seen_by(stores, "bob", None) == ["e21"]

    def test_a_claimed_link_gives_no_window(self, stores: SqlStores) -> None:
        append(stores, event("before", occurred_at=at(1)))
        stores.customers.link(link("browser", "ada", 10, trust=Trust.CLIENT))
        assert seen_by(stores, "ada", None) == []
        assert stores.customers.has_identified(AnonymousId("browser"))

    def test_another_customers_events_on_the_same_browser_stay_theirs(self, stores: SqlStores) -> None:
        append(
            stores,
            event("adas", customer_id="ada", anonymous_id="browser", trust=Trust.SERVER, received_at=at(25)),
            event("claim", customer_id="bob", anonymous_id="browser", trust=Trust.CLIENT, received_at=at(26)),
            event("free", anonymous_id="browser", received_at=at(27)),
        )
        stores.customers.link(link("browser", "bob", 20))
        assert seen_by(stores, "bob", "browser") == ["claim", "free"]

    def test_asking_with_somebody_elses_browser_shows_none_of_its_past(self, stores: SqlStores) -> None:
        append(stores, event("adas", anonymous_id="browser", received_at=at(5)))
        stores.customers.link(link("browser", "ada", 10))
        assert seen_by(stores, "bob", "browser") == []

    def test_a_browser_without_links_counts_for_the_customer_asking_with_it(self, stores: SqlStores) -> None:
        append(stores, event("own", anonymous_id="browser"))
        append(stores, event("mine", customer_id="ada", trust=Trust.SERVER, occurred_at=at(1)))
        assert seen_by(stores, "ada", "browser") == ["own", "mine"]

    def test_an_anonymous_shopper_never_sees_a_customers_history(self, stores: SqlStores) -> None:
        append(
            stores,
            event("vouched", customer_id="ada", anonymous_id="browser", trust=Trust.SERVER),
            event("claimed", customer_id="ada", anonymous_id="browser", trust=Trust.CLIENT, occurred_at=at(1)),
        )
        stores.customers.link(link("browser", "ada", 10))
        assert seen_by(stores, None, "browser") == ["claimed"]

    def test_an_event_told_by_browser_and_server_counts_once_as_the_vouched_one(self, stores: SqlStores) -> None:
        append(stores, event("e1", anonymous_id="browser", query="claimed"))
        append(stores, event("e1", customer_id="ada", anonymous_id="browser", trust=Trust.SERVER, query="vouched"))
        stores.customers.link(link("browser", "ada", 0))
        shopper = stores.customers.shopper(CustomerId("ada"), None, vouched=True)
        (found,) = stores.log.recent(shopper, KINDS, 10)
        assert found.query == "vouched"

    def test_the_limit_is_filled_although_events_were_told_several_times(self, stores: SqlStores) -> None:
        for n in range(20):
            for trust in (Trust.SHOPPER, Trust.SERVER):
                append(stores, event(f"e{n:02}", customer_id="ada", trust=trust, occurred_at=at(n)))
        shopper = stores.customers.shopper(CustomerId("ada"), None, vouched=True)
        assert names(stores, shopper, limit=10) == [f"e{n:02}" for n in range(10, 20)]

    @pytest.mark.parametrize("asked", ["ada", "ada-old", "ada-older"])
    def test_merged_customers_are_one_until_it_is_undone(self, stores: SqlStores, asked: str) -> None:
        for n, customer in enumerate(("ada", "ada-old", "ada-older", "bob")):
            append(stores, event(f"of-{customer}", customer_id=customer, trust=Trust.SERVER, occurred_at=at(n)))
        stores.customers.merge(CustomerId("ada-older"), CustomerId("ada-old"), at(1))
        stores.customers.merge(CustomerId("ada-old"), CustomerId("ada"), at(2))
        assert seen_by(stores, asked, None) == ["of-ada", "of-ada-old", "of-ada-older"]
        shopper = stores.customers.shopper(CustomerId(asked), None, vouched=True)
        assert shopper.customer_ids == ("ada", "ada-old", "ada-older")
        assert shopper.shopper_key == asked
        stores.customers.undo_merge(CustomerId("ada-old"), at(3))
        assert seen_by(stores, "ada", None) == ["of-ada"]
        assert seen_by(stores, "ada-old", None) == ["of-ada-old", "of-ada-older"]

    def test_an_event_without_customer_and_link_stays_the_browsers(self, stores: SqlStores) -> None:
        append(stores, LogEntry(event=event("e1", anonymous_id="other")))
        assert seen_by(stores, None, "browser") == []
