"""What every Rules store promises."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from smartshop.data_collection.connectors.sql import rules as sql_rules
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.data_collection.schemas.rules import (
    Boost,
    Cap,
    CapPer,
    MerchantRule,
    Pin,
    PriceBetween,
    RuleId,
    RuleProducts,
    RuleWhere,
)
from smartshop.data_collection.schemas.slates import Surface
from smartshop.errors import Conflict
from tests.connectors.told import NOON, at, in_threads


def rule(rule_id: str, name: str = "Tents up") -> MerchantRule:
    return MerchantRule(
        rule_id=RuleId(rule_id),
        name=name,
        effect=Boost(strength=0.7),
        products=RuleProducts(category=["Outdoor > Tents"], price_minor=PriceBetween(min=100)),
        where=RuleWhere(surface=[Surface.HOME], query_contains=["帳篷"]),
        starts_at=NOON,
        created_at=NOON,
        changed_at=NOON,
    )


class TestAdding:
    def test_what_is_kept_is_what_was_told_with_a_version(self, stores: SqlStores) -> None:
        told = MerchantRule(
            rule_id=RuleId("r-1"),
            name="Two of a brand",
            effect=Cap(share=0.25, per=CapPer.BRAND),
            products=RuleProducts(attributes={"colour": ["red", 1, True], "size": 2.5}),
            priority=-3,
            enabled=False,
            created_at=NOON,
            changed_at=at(1),
        )
        [kept] = stores.rules.add([told])
        assert kept.version > 0
        assert msgspec.structs.replace(kept, version=0) == told
        assert stores.rules.get(RuleId("r-1")) == kept
        assert stores.rules.get(RuleId("r-2")) is None

    def test_rules_come_by_name(self, stores: SqlStores) -> None:
        for rule_id, name in (("r-1", "beta"), ("r-3", "Alpha"), ("r-2", "alpha")):
            stores.rules.add([rule(rule_id, name)])
        assert [one.rule_id for one in stores.rules.all()] == ["r-2", "r-3", "r-1"]

    def test_an_id_is_added_once(self, stores: SqlStores) -> None:
        [first] = stores.rules.add([rule("r-1")])
        state = stores.rules.state()
        with pytest.raises(Conflict, match="r-1"):
            stores.rules.add([rule("r-1", "Other")])
        assert stores.rules.all() == [first]
        assert stores.rules.state() == state

    def test_a_shop_has_only_so_many(self, stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sql_rules, "MAX_RULES", 3)
        for number in range(3):
            stores.rules.add([rule(f"r-{number}")])
        with pytest.raises(Conflict, match="3 rules"):
            stores.rules.add([rule("r-9")])
        stores.rules.delete(RuleId("r-1"))
        with pytest.raises(Conflict, match="3 rules"):
            stores.rules.add([rule("r-8"), rule("r-9")])
        assert [one.rule_id for one in stores.rules.all()] == ["r-0", "r-2"], "all or none"
        stores.rules.add([rule("r-9")])
        assert len(stores.rules.all()) == 3


class TestReplacing:
    def test_the_newer_takes_the_place_under_a_new_version(self, stores: SqlStores) -> None:
        [first] = stores.rules.add([rule("r-1")])
        told = msgspec.structs.replace(
            rule("r-1", "Pinned"), effect=Pin(position=0), products=RuleProducts(product_ids=[ProductId("tent")])
        )
        second = stores.rules.replace(told, first.version)
        assert second is not None
        assert second.version > first.version
        assert stores.rules.all() == [second]

    def test_who_read_an_older_version_changes_nothing(self, stores: SqlStores) -> None:
        [first] = stores.rules.add([rule("r-1")])
        second = stores.rules.replace(rule("r-1", "Second"))
        state = stores.rules.state()
        with pytest.raises(Conflict, match=f"version {second.version if second else 0}, not {first.version}"):
            stores.rules.replace(rule("r-1", "Third"), first.version)
        assert stores.rules.get(RuleId("r-1")) == second
        assert stores.rules.state() == state

    def test_what_is_not_there_is_not_replaced(self, stores: SqlStores) -> None:
        assert stores.rules.replace(rule("r-1")) is None
        assert stores.rules.all() == []

    def test_of_many_who_read_the_same_version_one_wins(self, stores: SqlStores) -> None:
        [first] = stores.rules.add([rule("r-1")])

        def change(number: int) -> str:
            try:
                stores.rules.replace(rule("r-1", f"by {number}"), first.version)
            except Conflict:
                return "late"
            return f"by {number}"

        ends = in_threads([partial(change, number) for number in range(8)])
        assert len([end for end in ends if end != "late"]) == 1
        left = stores.rules.get(RuleId("r-1"))
        assert left is not None
        assert left.name in ends


class TestState:
    def test_every_change_is_seen_by_another_process(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        other = open_again()
        try:
            seen = [other.rules.state()]
            stores.rules.add([rule("r-1")])
            seen.append(other.rules.state())
            stores.rules.replace(rule("r-1", "Other"))
            seen.append(other.rules.state())
            assert stores.rules.delete(RuleId("r-1"))
            seen.append(other.rules.state())
            assert seen == sorted(set(seen))
            assert other.rules.all() == []
        finally:
            other.close()

    def test_versions_are_never_given_twice(self, stores: SqlStores) -> None:
        versions = []
        for _ in range(3):
            versions.append(stores.rules.add([rule("r-1")])[0].version)
            stores.rules.delete(RuleId("r-1"))
        assert versions == sorted(set(versions))
        assert not stores.rules.delete(RuleId("r-1"))
