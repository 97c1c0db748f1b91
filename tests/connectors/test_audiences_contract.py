"""What every Audiences promises, on both engines."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.audiences import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_LISTED,
    AllOf,
    AnyOf,
    Audience,
    AudienceId,
    AudiencePush,
    AudienceSize,
    Between,
    CaresFor,
    Consents,
    InAudience,
    InSegment,
    Listed,
    LivesIn,
    Not,
    Number,
    PushState,
    Rule,
)
from smartshop.data_collection.schemas.customers import Consent, ConsentChange, Customer, Purpose
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from smartshop.data_collection.schemas.segments import Affinity, AffinityKind
from smartshop.errors import Conflict, InvalidValue
from tests.connectors.rule_oracle import Known, matches, random_rule
from tests.connectors.standings_told import CLIMBERS, DORMANT, GARDENERS, SEGMENTS, refit, standing
from tests.connectors.told import NOON, at, in_threads

DAY = 86_400
EVERYBODY = Not(Listed(()))
MARKETING = Purpose.MARKETING

SHOP = [
    standing("ada", orders=4, spent_minor=10_000, churn_risk=0.2, recency_score=5, last_order_at=at(-3 * DAY),
             affinities=(Affinity(AffinityKind.CATEGORY, "Garden > Tools", 0.9),)),
    standing("bob", rfm_group=DORMANT, segment_id=GARDENERS, orders=1, spent_minor=900, churn_risk=0.8,
             recency_score=1, last_order_at=at(-300 * DAY), next_order_at=at(10 * DAY),
             affinities=(Affinity(AffinityKind.CATEGORY, "Garden", 0.4), Affinity(AffinityKind.BRAND, "Acme", 0.7))),
    standing("cleo", rfm_group=DORMANT, segment_id=None,
             affinities=(Affinity(AffinityKind.CATEGORY, "Gardening", 1.0),)),
    standing("dan", segment_id=CLIMBERS, orders=2, spent_minor=-500, churn_risk=0.5, last_order_at=at(DAY),
             affinities=(Affinity(AffinityKind.PRODUCT, "rake", 0.5),)),
]  # fmt: skip


@pytest.fixture
def shop(stores: SqlStores) -> SqlStores:
    stores.standings.replace_all(SHOP, refit(), SEGMENTS)
    stores.customers.upsert(
        [
            Customer(customer_id=CustomerId("ada"), country="GB", city="Leeds"),
            Customer(customer_id=CustomerId("bob"), country="ch", city="ZÜRICH"),
            Customer(customer_id=CustomerId("cleo"), city="leeds "),
        ],
        NOON,
    )
    return stores


def listed(shop: SqlStores, rule: Rule, purpose: Purpose = MARKETING) -> list[str]:
    """Who is listed; the size agrees with it."""
    page = [each.customer_id for each in shop.audiences.page(rule, purpose, NOON, None, 100)]
    assert shop.audiences.size(rule, purpose, NOON).customers == len(page)
    return [*page]


def number(name: Number, least: float | None = None, most: float | None = None) -> Between:
    return Between(name, least, most)


def said(key: str, seconds: float, *, customer: bool = True, **changes: bool) -> ConsentChange:
    return ConsentChange(shopper_key=ShopperKey(key), is_customer=customer, changes=changes, received_at=at(seconds))


def audience(name: str, definition: Rule = EVERYBODY) -> Audience:
    return Audience(audience_id=AudienceId(name), name=name, definition=definition, created_at=NOON, changed_at=NOON)


FOUND: list[tuple[Rule, str]] = [
    (InSegment(("b1",)), "ada dan"),
    (InSegment(("b2", "rfm-champions")), "ada bob dan"),
    (Not(InSegment(("b1", "b2"))), "cleo"),
    (InSegment(("b77",)), ""),
    (number(Number.ORDERS, 1, 2), "bob dan"),
    (number(Number.ORDERS, 1.5), "ada dan"),
    (number(Number.ORDERS, None, 1.5), "bob cleo"),
    (number(Number.SPENT_MINOR, None, -1), "dan"),
    (number(Number.SPENT_MINOR, -1e300, 1e300), "ada bob cleo dan"),
    (number(Number.AVERAGE_ORDER_MINOR, 900), "ada bob"),
    (number(Number.AVERAGE_ORDER_MINOR, None, 2_500), "ada bob dan"),
    (number(Number.CHURN_RISK, 0.5), "bob dan"),
    (Not(number(Number.CHURN_RISK, 0.5)), "ada cleo"),
    (number(Number.RECENCY_SCORE, None, 5), "ada bob"),
    (number(Number.DAYS_SINCE_ORDER, 3), "ada bob"),
    (number(Number.DAYS_SINCE_ORDER, None, 3), "ada dan"),
    (number(Number.DAYS_SINCE_ORDER, -1e300, 1e300), "ada bob dan"),
    (number(Number.DAYS_UNTIL_NEXT_ORDER, 9.5, 10), "bob"),
    (number(Number.DAYS_UNTIL_NEXT_ORDER, None, 9.5), ""),
    (CaresFor(AffinityKind.CATEGORY, ("Garden",)), "ada bob"),
    (CaresFor(AffinityKind.CATEGORY, ("Garden",), 0.5), "ada"),
    (CaresFor(AffinityKind.CATEGORY, (" Garden>Tools ",), 0.9), "ada"),
    (CaresFor(AffinityKind.BRAND, ("Garden", "Acme")), "bob"),
    (CaresFor(AffinityKind.PRODUCT, ("rake",)), "dan"),
    (Not(CaresFor(AffinityKind.PRODUCT, ("rake",))), "ada bob cleo"),
    (LivesIn(("gb", "CH")), "ada bob"),
    (LivesIn(("GB",), ("Zürich",)), ""),
    (LivesIn((), ("zürich", "LEEDS")), "ada bob cleo"),
    (Not(LivesIn(("GB",))), "bob cleo dan"),
    (Listed((CustomerId("dan"), CustomerId("ada"), CustomerId("nobody"), CustomerId("dan"))), "ada dan"),
    (Listed(()), ""),
    (AllOf(()), "ada bob cleo dan"),
    (AnyOf(()), ""),
    (AllOf((InSegment(("b1",)), number(Number.CHURN_RISK, 0.5))), "dan"),
    (AnyOf((InSegment(("b2",)), Not(AnyOf((number(Number.ORDERS, 1),))))), "bob cleo"),
]


class TestRules:
    def test_a_rule_finds_its_customers(self, shop: SqlStores) -> None:
        for rule, expected in FOUND:
            assert listed(shop, rule) == expected.split(), rule

    def test_words_with_meaning_in_sql_mean_nothing(self, shop: SqlStores) -> None:
        shop.standings.put([standing("o'neil", affinities=(Affinity(AffinityKind.BRAND, "50% _\"'; --", 1.0),))], [])
        assert listed(shop, CaresFor(AffinityKind.BRAND, ("50% _\"'; --",))) == ["o'neil"]
        assert listed(shop, CaresFor(AffinityKind.CATEGORY, ("%", "Gard_n", "' OR 1=1 --"))) == []
        assert listed(shop, Listed((CustomerId("o'neil"), CustomerId('"], "x')))) == ["o'neil"]

    def test_rules_say_the_same_as_a_plain_reading_of_them(self, stores: SqlStores) -> None:
        rng = np.random.default_rng(3)
        known = [Known.made_up(f"c{place:02}", rng) for place in range(40)]
        stores.standings.replace_all([each.standing for each in known], refit(), SEGMENTS)
        stores.customers.upsert([each.customer for each in known], NOON)
        for each in known:
            for change in each.said:
                stores.customers.set_consent(change)
        for _ in range(40):
            rule = random_rule(rng, depth=3)
            expected = [each for each in known if matches(rule, each) and each.allows(Purpose.PERSONALISATION)]
            allowing = [each.standing for each in expected if each.allows(MARKETING)]
            assert stores.audiences.page(rule, MARKETING, NOON, None, 100) == allowing, rule
            assert stores.audiences.size(rule, MARKETING, NOON) == AudienceSize(
                len(allowing), len(expected) - len(allowing)
            )

    def test_pages_go_by_customer_id(self, shop: SqlStores) -> None:
        first = shop.audiences.page(EVERYBODY, MARKETING, NOON, None, 3)
        second = shop.audiences.page(EVERYBODY, MARKETING, NOON, first[-1].customer_id, 3)
        assert [*first, *second] == SHOP

    def test_a_live_change_counts_at_once(self, shop: SqlStores) -> None:
        shop.standings.put([msgspec.structs.replace(SHOP[0], segment_id=GARDENERS, affinities=(), log_no=99)], [])
        assert listed(shop, InSegment(("b2",))) == ["ada", "bob"]
        assert listed(shop, CaresFor(AffinityKind.CATEGORY, ("Garden",))) == ["bob"]

    def test_overlap_tells_how_many_are_in_both(self, shop: SqlStores) -> None:
        shop.customers.set_consent(said("dan", 1, marketing=False))
        rules: list[Rule] = [InSegment(("b1",)), number(Number.ORDERS, 1), InSegment(("b77",)), EVERYBODY]
        assert shop.audiences.overlap(rules, MARKETING, NOON) == [
            [1, 1, 0, 1],
            [1, 2, 0, 2],
            [0, 0, 0, 0],
            [1, 2, 0, 3],
        ]
        assert shop.audiences.overlap([], MARKETING, NOON) == []


class TestConsent:
    def test_who_does_not_allow_the_purpose_is_counted_and_never_listed(self, shop: SqlStores) -> None:
        shop.customers.set_consent(said("ada", 1, marketing=False))
        shop.customers.set_consent(said("dan", 1, marketing=False))
        shop.customers.set_consent(said("dan", 2, marketing=True))
        shop.customers.set_consent(said("bob", 3, customer=False, marketing=False))
        assert listed(shop, EVERYBODY) == ["bob", "cleo", "dan"]
        assert shop.audiences.size(EVERYBODY, MARKETING, NOON) == AudienceSize(3, 1)
        assert shop.audiences.size(EVERYBODY, Purpose.ANALYTICS, NOON) == AudienceSize(4, 0)

    def test_who_withdrew_personalisation_is_nowhere_before_their_standing_goes(self, shop: SqlStores) -> None:
        shop.customers.set_consent(said("ada", 1, personalisation=False))
        assert listed(shop, EVERYBODY) == ["bob", "cleo", "dan"]
        assert shop.audiences.size(EVERYBODY, MARKETING, NOON) == AudienceSize(3, 0)
        assert shop.audiences.overlap([EVERYBODY], MARKETING, NOON) == [[3]]

    def test_who_was_never_asked_has_the_shops_default(
        self, shop: SqlStores, database_url: str, tmp_path: Path
    ) -> None:
        shop.customers.set_consent(said("ada", 1, marketing=True))
        shop.customers.set_consent(said("bob", 1, marketing=True, personalisation=True))
        asking = open_stores(database_url, tmp_path, tmp_path / "models", consent_default=Consent(True, False, False))
        try:
            assert listed(asking, EVERYBODY) == ["bob"]
            assert listed(asking, Consents(MARKETING, granted=False)) == []
        finally:
            asking.close()
        assert listed(shop, Not(Consents(MARKETING))) == []

    def test_of_a_merged_family_the_newest_word_counts(self, shop: SqlStores) -> None:
        shop.customers.merge(CustomerId("bob"), CustomerId("cleo"), NOON)
        shop.customers.merge(CustomerId("cleo"), CustomerId("dan"), NOON)
        assert listed(shop, EVERYBODY) == ["ada", "dan"]
        for who, seconds, granted, expected in (
            ("bob", 5, False, ["ada"]),
            ("dan", 4, True, ["ada"]),
            ("cleo", 6, True, ["ada", "dan"]),
            ("dan", 7, False, ["ada"]),
        ):
            shop.customers.set_consent(said(who, seconds, marketing=granted))
            assert listed(shop, EVERYBODY) == expected
            assert listed(shop, Consents(MARKETING)) == expected
        shop.customers.set_consent(said("bob", 9, personalisation=False))
        assert shop.audiences.size(EVERYBODY, MARKETING, NOON) == AudienceSize(1, 0)
        shop.customers.undo_merge(CustomerId("cleo"), NOON)
        assert shop.audiences.size(EVERYBODY, MARKETING, NOON) == AudienceSize(1, 1)

    def test_who_was_erased_is_in_no_audience(self, shop: SqlStores) -> None:
        shop.standings.drop([CustomerId("ada")], "erased", NOON)
        assert listed(shop, EVERYBODY) == ["bob", "cleo", "dan"]
        assert listed(shop, Listed((CustomerId("ada"),))) == []
        assert listed(shop, CaresFor(AffinityKind.CATEGORY, ("Garden",))) == ["bob"]


class TestSaving:
    def test_an_audience_is_kept_as_it_was_saved(self, shop: SqlStores) -> None:
        told = Audience(
            audience_id=AudienceId("a1"),
            name="Leaving",
            definition=AllOf((InSegment(("b1", "rfm-dormant")), number(Number.CHURN_RISK, 0.5))),
            purpose=Purpose.ANALYTICS,
            alike=True,
            webhook_url="https://example.com/hook",
            created_at=NOON,
            changed_at=at(1),
        )
        shop.audiences.save(told)
        shop.audiences.save(audience("Zebras"))
        assert shop.audiences.get(AudienceId("a1")) == told
        assert shop.audiences.get(AudienceId("a2")) is None
        assert [each.name for each in shop.audiences.all()] == ["Leaving", "Zebras"]
        renamed = msgspec.structs.replace(told, name="Left")
        shop.audiences.save(renamed)
        assert shop.audiences.get(AudienceId("a1")) == renamed
        assert shop.audiences.delete(AudienceId("a1"))
        assert not shop.audiences.delete(AudienceId("a1"))

    def test_an_audience_within_an_audience_is_as_it_is_now(self, shop: SqlStores) -> None:
        shop.audiences.save(audience("inner", InSegment(("b1",))))
        shop.audiences.save(audience("outer", Not(InAudience(AudienceId("inner")))))
        assert listed(shop, InAudience(AudienceId("outer"))) == ["bob", "cleo"]
        shop.audiences.save(audience("inner", InSegment(("b2",))))
        assert listed(shop, InAudience(AudienceId("outer"))) == ["ada", "cleo", "dan"]
        with pytest.raises(Conflict, match="outer"):
            shop.audiences.delete(AudienceId("inner"))
        assert shop.audiences.delete(AudienceId("outer"))
        assert shop.audiences.delete(AudienceId("inner"))

    def test_what_is_not_there_is_refused(self, shop: SqlStores) -> None:
        with pytest.raises(InvalidValue, match="no segment 'b77'"):
            shop.audiences.save(audience("a1", Not(InSegment(("b1", "b77")))))
        with pytest.raises(InvalidValue, match="no audience 'a0'"):
            shop.audiences.save(audience("a1", AnyOf((InAudience(AudienceId("a0")),))))
        with pytest.raises(InvalidValue, match="no audience 'a0'"):
            shop.audiences.size(InAudience(AudienceId("a0")), MARKETING, NOON)
        assert shop.audiences.all() == []

    def test_a_circle_is_refused(self, shop: SqlStores) -> None:
        with pytest.raises(InvalidValue, match="a1 → a1"):
            shop.audiences.save(audience("a1", InAudience(AudienceId("a1"))))
        shop.audiences.save(audience("a1"))
        shop.audiences.save(audience("a2", InAudience(AudienceId("a1"))))
        shop.audiences.save(audience("a3", Not(InAudience(AudienceId("a2")))))
        with pytest.raises(InvalidValue, match="a1 → a3 → a2 → a1"):
            shop.audiences.save(audience("a1", AllOf((InAudience(AudienceId("a3")),))))
        assert shop.audiences.get(AudienceId("a1")) == audience("a1")


def nested(depth: int) -> Rule:
    rule: Rule = EVERYBODY
    for _ in range(depth):
        rule = Not(rule)
    return rule


REFUSED: list[tuple[Rule, str]] = [
    (nested(MAX_DEPTH + 1), "deep"),
    (AnyOf(tuple(AllOf((number(Number.ORDERS, 1),) * 20) for _ in range(6))), "120 conditions"),
    (number(Number.ORDERS), "no bounds"),
    (number(Number.ORDERS, float("nan")), "nan"),
    (number(Number.ORDERS, None, float("inf")), "inf"),
    (number(Number.ORDERS, 3, 2), "at least 3 and at most 2"),
    (LivesIn(), "no country and no city"),
    (CaresFor(AffinityKind.BRAND, ()), "0 subjects"),
    (CaresFor(AffinityKind.BRAND, ("Acme",), float("nan")), "nan"),
    (CaresFor(AffinityKind.BRAND, (" ",)), "empty"),
    (InSegment(("b1\x00",)), "characters"),
    (Listed((CustomerId("x"),) * (MAX_LISTED + 1)), "10001"),
    (Listed((CustomerId("\ud800"),)), "characters"),
]


class TestLimits:
    def test_what_cannot_be_asked_is_refused_with_a_sentence(self, shop: SqlStores) -> None:
        for rule, words in REFUSED:
            with pytest.raises(InvalidValue, match=words):
                shop.audiences.save(audience("a1", rule))
            with pytest.raises(InvalidValue, match=words):
                shop.audiences.size(rule, MARKETING, NOON)
            with pytest.raises(InvalidValue, match=words):
                shop.audiences.page(rule, MARKETING, NOON, None, 1)

    def test_the_largest_rules_are_answered(self, shop: SqlStores) -> None:
        some = tuple(CustomerId(f"customer {place}") for place in range(MAX_LISTED))
        assert listed(shop, AnyOf((Listed(some), Listed((*some[1:], CustomerId("ada")))))) == ["ada"]
        assert listed(shop, AnyOf((*[number(Number.ORDERS, 99)] * (MAX_CONDITIONS - 1), InSegment(("b2",))))) == ["bob"]
        shelves = ("Garden", *(f"Nowhere {number}" for number in range(19)))
        leaning = tuple(CaresFor(AffinityKind.CATEGORY, shelves) for _ in range(MAX_CONDITIONS))
        assert listed(shop, AllOf(leaning)) == ["ada", "bob"]
        places = tuple(LivesIn(countries=tuple(f"{k} {number}" for number in range(20))) for k in range(MAX_CONDITIONS))
        assert listed(shop, Not(AnyOf(places))) == listed(shop, EVERYBODY)

    def test_all_conditions_together_name_only_so_much(self, shop: SqlStores) -> None:
        wide = CaresFor(AffinityKind.CATEGORY, ("Garden", *(f"Nowhere {number}" for number in range(199))))
        assert listed(shop, AllOf((wide,) * 10)) == ["ada", "bob"]
        shop.audiences.save(audience("wide", AllOf((wide,) * 10)))
        for rule in (
            AllOf((*(wide,) * 10, InSegment(("b1",)))),
            AnyOf((InAudience(AudienceId("wide")), LivesIn(countries=("GB",)))),
        ):
            with pytest.raises(InvalidValue, match="names 2001 segments, subjects and places; at most 2000"):
                shop.audiences.save(audience("wider", rule))
            with pytest.raises(InvalidValue, match="names 2001"):
                shop.audiences.check(rule)

    def test_what_was_saved_while_more_was_allowed_can_still_be_asked(self, shop: SqlStores) -> None:
        wide = CaresFor(AffinityKind.CATEGORY, ("Garden", *(f"Nowhere {number}" for number in range(199))))
        assert listed(shop, AllOf((wide,) * 11)) == ["ada", "bob"]

    def test_audiences_of_audiences_end(self, shop: SqlStores) -> None:
        shop.audiences.save(audience("a0", InSegment(("b1",))))
        ninefold = [audience(f"a{level}", AnyOf((InAudience(AudienceId(f"a{level - 1}")),) * 9)) for level in (1, 2, 3)]
        shop.audiences.save(ninefold[0])
        shop.audiences.save(ninefold[1])
        assert listed(shop, InAudience(AudienceId("a2"))) == ["ada", "dan"]
        with pytest.raises(InvalidValue, match="400 conditions"):
            shop.audiences.save(ninefold[2])

    def test_an_audience_never_grows_beyond_what_those_that_name_it_can_be_asked_with(self, shop: SqlStores) -> None:
        wide = CaresFor(AffinityKind.CATEGORY, ("Garden", *(f"Nowhere {number}" for number in range(199))))
        inner, middle = InAudience(AudienceId("inner")), InAudience(AudienceId("middle"))
        shop.audiences.save(audience("inner", InSegment(("b1",))))
        shop.audiences.save(audience("middle", AnyOf((inner, InSegment(("b1",))))))
        shop.audiences.save(audience("outer", AllOf((middle, *(wide,) * 9))))
        with pytest.raises(InvalidValue, match=r"'outer' would be too much.*names 2001 segments"):
            shop.audiences.save(audience("inner", wide))
        assert shop.audiences.get(AudienceId("inner")) == audience("inner", InSegment(("b1",)))
        assert listed(shop, InAudience(AudienceId("outer"))) == ["ada"]
        shop.audiences.save(audience("inner", Not(InSegment(("b1",)))))


class TestPushes:
    def test_a_push_is_remembered_from_start_to_end(self, shop: SqlStores) -> None:
        shop.audiences.save(audience("a1"))
        first, second = push("p1", 1), push("p2", 2, audience_id=AudienceId("a2"))
        for each in (first, second, msgspec.structs.replace(first, attempts=9)):
            shop.audiences.start_push(each)
        assert shop.audiences.pushes() == [second, first]
        done = msgspec.structs.replace(first, state=PushState.DELIVERED, delivered=3, finished_at=at(9))
        shop.audiences.report_push(done)
        assert shop.audiences.pushes(AudienceId("a1")) == [done]
        assert shop.audiences.pushes(limit=1) == [second]

    def test_a_push_has_one_deliverer_the_last_who_took_it(self, shop: SqlStores) -> None:
        shop.audiences.start_push(push("p1", 1))
        first = shop.audiences.take_push("p1", "first")
        second = shop.audiences.take_push("p1", "second")
        assert first is not None
        assert second is not None
        assert (second.state, second.deliverer) == (PushState.DELIVERING, "second")
        assert not shop.audiences.report_push(msgspec.structs.replace(first, delivered=9, state=PushState.FAILED))
        assert shop.audiences.pushes() == [second], "what the first says counts no more"
        done = msgspec.structs.replace(second, delivered=2, state=PushState.DELIVERED)
        assert shop.audiences.report_push(done)
        assert shop.audiences.take_push("p1", "third") == done == shop.audiences.pushes()[0]
        assert shop.audiences.take_push("p2", "third") is None

    def test_of_many_who_take_a_push_at_once_one_may_report(
        self, shop: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        shop.audiences.start_push(push("p1", 1))
        another = open_again()

        def deliver(number: int) -> bool:
            taken = (shop, another)[number % 2].audiences.take_push("p1", f"d{number}")
            assert taken is not None
            return shop.audiences.report_push(msgspec.structs.replace(taken, delivered=number + 1))

        told = in_threads([partial(deliver, number) for number in range(8)])
        another.close()
        (known,) = shop.audiences.pushes()
        assert told[int(known.deliverer.removeprefix("d"))] is True
        assert f"d{known.delivered - 1}" == known.deliverer

    def test_of_many_who_start_a_push_at_once_all_get_the_same(
        self, shop: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        another = open_again()

        def start(number: int) -> AudiencePush:
            return (shop, another)[number % 2].audiences.push_under_way(push(f"p{number}", number))

        told = in_threads([partial(start, number) for number in range(8)])
        another.close()
        assert shop.audiences.pushes() == [told[0]]
        assert told == [told[0]] * 8
        shop.audiences.report_push(msgspec.structs.replace(told[0], state=PushState.FAILED))
        new, others = push("p8", 8), push("p9", 9, audience_id=AudienceId("a2"))
        assert shop.audiences.push_under_way(new) == new
        assert shop.audiences.push_under_way(others) == others

    def test_pushes_go_with_their_audience_and_stay_gone(self, shop: SqlStores) -> None:
        shop.audiences.save(audience("a1"))
        shop.audiences.start_push(push("p1", 1))
        shop.audiences.delete(AudienceId("a1"))
        shop.audiences.report_push(push("p1", 1, delivered=2))
        assert shop.audiences.pushes() == []


def push(push_id: str, seconds: float, **told: object) -> AudiencePush:
    fields = {"audience_id": AudienceId("a1"), "state": PushState.QUEUED, "asked_at": at(seconds), **told}
    return AudiencePush(push_id=push_id, **fields)  # type: ignore[arg-type]  # any field of the record
