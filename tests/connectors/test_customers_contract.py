"""What every Customers promises; whose events are whose stands in test_recent_contract."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.customers import Consent, ConsentChange, Customer
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, ShopperKey
from smartshop.errors import Conflict
from tests.connectors.told import NOON, at, link

ADA, BOB = CustomerId("ada"), CustomerId("bob")


def said(key: str, seconds: float, *, customer: bool = True, **changes: bool) -> ConsentChange:
    return ConsentChange(shopper_key=ShopperKey(key), is_customer=customer, changes=changes, received_at=at(seconds))


class TestTraits:
    def test_what_is_told_joins_what_is_known(self, stores: SqlStores) -> None:
        assert stores.customers.get(ADA) is None
        stores.customers.upsert([Customer(customer_id=ADA, country="GB", traits={"size": "M", "pet": "cat"})], NOON)
        stores.customers.upsert(
            [
                Customer(customer_id=ADA, city="Leeds", traits={"size": "L"}),
                Customer(customer_id=ADA, preferences={"colour": "green"}),
            ],
            NOON,
        )
        assert stores.customers.get(ADA) == Customer(
            customer_id=ADA,
            country="GB",
            city="Leeds",
            preferences={"colour": "green"},
            traits={"size": "L", "pet": "cat"},
        )


class TestLinks:
    def test_a_link_told_twice_is_one_and_links_come_as_received(self, stores: SqlStores) -> None:
        told = [link("b1", "ada", 3), link("b1", "bob", 1, Trust.CLIENT), link("b0", "ada", 1), link("b1", "ada", 3)]
        for each in told:
            stores.customers.link(each)
        assert stores.customers.links() == [told[2], told[1], told[0]]
        assert stores.customers.has_identified(AnonymousId("b1"))
        assert not stores.customers.has_identified(AnonymousId("b2"))


class TestConsent:
    def test_a_purpose_not_named_stays_as_it_was(self, stores: SqlStores) -> None:
        assert stores.customers.consent("ada", is_customer=True) == Consent()
        assert stores.customers.set_consent(said("ada", 1, marketing=False)) == Consent(marketing=False)
        changed = stores.customers.set_consent(said("ada", 2, analytics=False))
        assert changed == Consent(analytics=False, marketing=False)

    def test_an_older_word_never_undoes_a_newer_one(self, stores: SqlStores) -> None:
        stores.customers.set_consent(said("ada", 5, marketing=False))
        assert stores.customers.set_consent(said("ada", 1, marketing=True, analytics=False)) == Consent(
            marketing=False, analytics=False
        )

    def test_a_customer_and_a_browser_of_the_same_name_are_two(self, stores: SqlStores) -> None:
        stores.customers.set_consent(said("ada", 1, customer=False, personalisation=False))
        assert stores.customers.consent("ada", is_customer=True) == Consent()
        assert stores.customers.consent("ada", is_customer=False).personalisation is False

    def test_a_customers_own_word_outweighs_the_browsers(self, stores: SqlStores) -> None:
        stores.customers.set_consent(said("browser", 9, customer=False, personalisation=False, marketing=False))
        stores.customers.set_consent(said("ada", 1, personalisation=True))
        shopper = stores.customers.shopper(ADA, AnonymousId("browser"), vouched=True)
        assert shopper.consent == Consent(personalisation=True, marketing=False)

    def test_the_newest_word_of_merged_customers_holds(self, stores: SqlStores) -> None:
        stores.customers.set_consent(said("bob", 2, marketing=False))
        stores.customers.set_consent(said("ada", 1, marketing=True))
        stores.customers.merge(BOB, ADA, at(3))
        assert stores.customers.consent("ada", is_customer=True).marketing is False
        assert stores.customers.shopper(ADA, None, vouched=True).consent.marketing is False

    def test_the_shops_default_holds_for_who_was_never_asked(self, database_url: str, tmp_path: Path) -> None:
        withheld = Consent(analytics=False, personalisation=False, marketing=False)
        opened = open_stores(database_url, tmp_path, tmp_path / "models", consent_default=withheld)
        try:
            assert opened.customers.consent("ada", is_customer=True) == withheld
            assert opened.customers.shopper(None, AnonymousId("browser"), vouched=False).consent == withheld
            assert opened.customers.set_consent(said("ada", 1, analytics=True)).analytics is True
        finally:
            opened.close()

    def test_what_changed_since_can_be_followed(self, stores: SqlStores) -> None:
        stores.customers.set_consent(said("ada", 1, marketing=False))
        stores.customers.set_consent(said("browser", 5, customer=False, analytics=False))
        assert stores.customers.consents_changed_since(at(2)) == [said("browser", 5, customer=False, analytics=False)]
        assert len(stores.customers.consents_changed_since(at(-(10**6)))) == 2


class TestMerges:
    def test_merging_twice_is_harmless_and_can_be_undone(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        stores.customers.merge(BOB, ADA, at(1))
        stores.customers.merge(BOB, ADA, at(2))
        another = open_again()
        assert another.customers.merges() == {BOB: ADA}
        another.close()
        assert stores.customers.undo_merge(BOB, at(3)) is True
        assert stores.customers.undo_merge(BOB, at(3)) is False
        assert stores.customers.merges() == {}

    def test_a_circle_and_a_second_owner_are_refused(self, stores: SqlStores) -> None:
        stores.customers.merge(BOB, ADA, at(1))
        with pytest.raises(Conflict, match="already merged into ada"):
            stores.customers.merge(BOB, CustomerId("eve"), at(2))
        with pytest.raises(Conflict, match="same customer"):
            stores.customers.merge(ADA, BOB, at(2))
        with pytest.raises(Conflict, match="same customer"):
            stores.customers.merge(ADA, ADA, at(2))


class TestShopper:
    def test_an_unvouched_customer_is_only_the_browser(self, stores: SqlStores) -> None:
        shopper = stores.customers.shopper(ADA, AnonymousId("browser"), vouched=False)
        assert (shopper.shopper_key, shopper.customer_ids, shopper.anonymous_id) == ("browser", (), "browser")

    def test_a_customer_keeps_the_key_they_asked_with(self, stores: SqlStores) -> None:
        shopper = stores.customers.shopper(ADA, None, vouched=True)
        assert (shopper.shopper_key, shopper.customer_ids, shopper.include_claims) == ("ada", ("ada",), True)
