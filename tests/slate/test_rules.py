"""The merchant's rules in the decision: they act on what may be shown, lists stay full, every effect is told."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.advice import Candidates, Question
from smartshop.ai_agents.diversity import NO_DIVERSITY
from smartshop.ai_agents.exploration import NO_EXPLORATION, ExplorationConfig, explore
from smartshop.ai_agents.rules import ActiveRules, Situation, compile_rules
from smartshop.ai_agents.shelf import Shelf
from smartshop.ai_agents.slate import Decided, SlateConfig
from smartshop.ai_agents.slate import decide as decide_by_the_watch
from smartshop.data_collection.schemas.ids import DecisionId, Micros, ProductId
from smartshop.data_collection.schemas.rules import (
    MAX_STRENGTH,
    Boost,
    Bury,
    Cap,
    CapPer,
    Effect,
    MarginBetween,
    MerchantRule,
    Pin,
    PriceBetween,
    RuleId,
    RuleProducts,
    RuleWhere,
    StockBetween,
)
from smartshop.data_collection.schemas.slates import Policy, Surface
from tests.slate.small_shop import DAY, NOW, ByNumber, Personal, make_question, make_shelf

ID = DecisionId("d-1")
BASE = (Policy("base", 1.0, {"recommendation": 1.0}),)
PLAIN = SlateConfig(exploration=NO_EXPLORATION, diversity=NO_DIVERSITY)
BUSY = SlateConfig(exploration=ExplorationConfig(places=(1, 3, 5, 8), epsilon=0.6, shortest=1))


decide = partial(decide_by_the_watch, stopwatch=lambda: 0)
"""No advisor is slow here, however busy the machine."""


def rule(effect: Effect, products: RuleProducts | None = None, **told: Any) -> MerchantRule:  # noqa: ANN401  any field
    fields: dict[str, Any] = {"rule_id": RuleId("r-1"), "name": "A rule", "created_at": NOW, "changed_at": NOW}
    return MerchantRule(effect=effect, products=products or RuleProducts(), **{**fields, **told})


def named(*numbers: int) -> RuleProducts:
    return RuleProducts(product_ids=[ProductId(f"p{number}") for number in numbers])


def active(shelf: Shelf, *rules: MerchantRule, **situation: Any) -> ActiveRules:  # noqa: ANN401  any field
    fields: dict[str, Any] = {"surface": Surface.SEARCH, "now": NOW, **situation}
    return compile_rules(rules, shelf).in_situation(Situation(**fields))


def decided_with(
    *rules: MerchantRule,
    shelf: Shelf | None = None,
    config: SlateConfig = PLAIN,
    **question: Any,  # noqa: ANN401  any field
) -> Decided:
    shelf = shelf or make_shelf()
    asked = make_question(shelf, **question)
    return decide(asked, ID, [ByNumber()], [], BASE, config=config, rules=active(shelf, *rules, surface=asked.surface))


def shown(decided: Decided) -> list[int]:
    return [int(item.product_id[1:]) for item in decided.items]


def meant(shelf: Shelf, products: RuleProducts, now: Micros = NOW) -> list[int]:
    """By both ways of asking, which must agree."""
    found = active(shelf, rule(Boost(strength=1.0), products))
    every = np.arange(shelf.n_products, dtype=np.int32)
    asked = found.meant(every, shelf, now)[:, 0]
    np.testing.assert_array_equal(asked, found.meant_everywhere(0, shelf, now))
    numbers: list[int] = np.flatnonzero(asked).tolist()
    return numbers


# ------------------------------------------------------------------------------------ which products
@pytest.mark.parametrize(
    ("products", "passes"),
    [
        (named(3, 17, 999), lambda i: i in (3, 17)),
        (RuleProducts(category=["Outdoor"]), lambda i: i % 4 in (0, 1)),
        (RuleProducts(category=["Outdoor > Tents", "Garden>Spades"]), lambda i: i % 4 in (0, 2)),
        (RuleProducts(brand=["Tarn", "nobody"]), lambda i: i % 3 == 0),
        (RuleProducts(price_minor=PriceBetween(min=300, max=700)), lambda i: 2 <= i <= 6),
        (RuleProducts(attributes={"colour": "red"}), lambda i: i % 5 == 0),
        (RuleProducts(attributes={"colour": ["green", "blue"]}), lambda i: True),
        (RuleProducts(attributes={"colour": "green", "size": 4}), lambda i: False),
        (RuleProducts(category=["Garden"], brand=["Birch"]), lambda i: i % 4 in (2, 3) and i % 3 == 1),
    ],
)
def test_a_rule_means_the_products_for_which_all_that_it_says_holds(products: RuleProducts, passes: Any) -> None:  # noqa: ANN401  a function
    assert meant(make_shelf(40), products) == [i for i in range(40) if passes(i)]


def test_stock_age_and_margin_are_those_of_the_moment() -> None:
    available = np.array([-1, 0, 3, 8], dtype=np.int32)
    published = np.array([0, NOW - 3 * DAY, NOW - 30 * DAY, NOW - DAY])
    shelf = make_shelf(
        4, available=available, published_at=published, margin=np.array([np.nan, 0.5, 0.2, -0.1], dtype=np.float32)
    )
    assert meant(shelf, RuleProducts(stock=StockBetween(min=3))) == [0, 2, 3], "never counted is without end"
    assert meant(shelf, RuleProducts(stock=StockBetween(max=3))) == [1, 2]
    assert meant(shelf, RuleProducts(new_days=7)) == [1, 3]
    assert meant(shelf, RuleProducts(new_days=7), Micros(NOW + 5 * DAY)) == [3]
    assert meant(shelf, RuleProducts(margin=MarginBetween(min=0.2))) == [1, 2]
    assert meant(shelf, RuleProducts(margin=MarginBetween(max=0.3))) == [2, 3]
    assert meant(make_shelf(4), RuleProducts(margin=MarginBetween(max=0.3))) == [], "no cost is known"


def test_a_product_that_came_after_compiling_is_meant_by_none() -> None:
    found = active(make_shelf(5), rule(Boost(strength=1.0), RuleProducts(brand=["Tarn"])))
    grown = make_shelf(12)
    assert (
        found.meant(np.arange(12, dtype=np.int32), grown, NOW)[:, 0].tolist()
        == [True, False, False, True] + [False] * 8
    )
    assert found.meant_everywhere(0, grown, NOW).sum() == 2
    nothing = active(make_shelf(0), rule(Boost(strength=1.0), RuleProducts(brand=["Tarn"])))
    assert not nothing.meant(np.arange(12, dtype=np.int32), grown, NOW).any()


def test_many_rules_keep_to_their_own_products() -> None:
    rules = [rule(Boost(strength=1.0), named(i), rule_id=RuleId(f"r-{i:03}")) for i in range(70)]
    table = active(make_shelf(100), *rules).meant(np.arange(100, dtype=np.int32), make_shelf(100), NOW)
    np.testing.assert_array_equal(table, np.eye(100, 70, dtype=np.bool_))


def test_what_was_compiled_before_is_taken_over_and_changes_nothing() -> None:
    shelf = make_shelf(50)
    first = [
        rule(Boost(strength=1.0), RuleProducts(attributes={"colour": "red"}), rule_id=RuleId("r-a"), version=1),
        rule(Boost(strength=1.0), RuleProducts(brand=["Tarn"]), rule_id=RuleId("r-b"), version=2),
    ]
    second = [
        rule(Boost(strength=1.0), named(7), rule_id=RuleId("r-c"), version=3, priority=9),
        first[0],
        rule(Boost(strength=1.0), RuleProducts(brand=["Birch"]), rule_id=RuleId("r-b"), version=4),
    ]
    before = compile_rules(first, shelf)
    for present in (shelf, make_shelf(60)):
        anew, taken_over = compile_rules(second, present), compile_rules(second, present, before)
        np.testing.assert_array_equal(anew.products.bits, taken_over.products.bits)
        assert taken_over.products.keys == (("r-c", 3), ("r-a", 1), ("r-b", 4))


# ---------------------------------------------------------------------------------------- where, when
@pytest.mark.parametrize(
    ("where", "situation", "holds"),
    [
        (RuleWhere(), {}, True),
        (RuleWhere(surface=[Surface.HOME, Surface.SEARCH]), {}, True),
        (RuleWhere(surface=[Surface.HOME]), {}, False),
        (RuleWhere(query_contains=["TENT "]), {"query": "two  Tents"}, True),
        (RuleWhere(query_contains=["red tent"]), {"query": "tent red"}, False),
        (RuleWhere(category=["Garden"]), {"categories": (("Garden", "Tools"),)}, True),
        (RuleWhere(category=["Garden > Tools"]), {"categories": (("Garden",),)}, False),
        (RuleWhere(category=["Garden"]), {}, False),
        (RuleWhere(segment=["b1", "rfm-new"]), {"segments": frozenset({"rfm-new", "b7"})}, True),
        (RuleWhere(segment=["b1"]), {}, False),
        (RuleWhere(channel=["App"], device=["mobile"]), {"channel": "app", "device": "Mobile"}, True),
        (RuleWhere(channel=["app"], device=["mobile"]), {"channel": "app"}, False),
    ],
)
def test_a_rule_holds_where_all_that_it_says_is_so(where: RuleWhere, situation: dict[str, Any], holds: bool) -> None:
    assert bool(active(make_shelf(5), rule(Boost(strength=1.0), named(1), where=where), **situation)) is holds


def test_a_rule_holds_from_its_beginning_up_to_its_end() -> None:
    timed = rule(Boost(strength=1.0), named(1), starts_at=Micros(100), ends_at=Micros(200))
    found = [bool(active(make_shelf(5), timed, now=Micros(now))) for now in (99, 100, 199, 200)]
    assert found == [False, True, True, False]
    assert not active(make_shelf(5), rule(Boost(strength=1.0), named(1), enabled=False))


# ------------------------------------------------------------------------------------------------ pins
def test_pins_stand_at_their_places_in_the_order_told() -> None:
    decided = decided_with(rule(Pin(position=1), named(150, 199, 5)))
    assert shown(decided) == [0, 150, 199, 5, 1, 2, 3, 4, 6, 7, 8, 9]
    assert [item.position for item in decided.items] == list(range(12))
    assert [note.text for note in decided.items[2].adjustments] == ["Pinned to place 3 by the shop."]
    assert decided.items[2].adjustments[0].rule == "r-1"
    assert decided.items[2].score == pytest.approx(1 - 1.99, abs=1e-5), "argued about like any other"
    assert decided.items[4].adjustments == []


def test_of_two_pins_for_one_place_the_more_important_gets_it() -> None:
    low = rule(Pin(position=0), named(50), rule_id=RuleId("r-low"), created_at=Micros(1))
    high = rule(Pin(position=0), named(60), rule_id=RuleId("r-high"), priority=5)
    assert shown(decided_with(low, high))[:3] == [60, 50, 0]
    both = rule(Pin(position=7), named(60), rule_id=RuleId("r-both"), priority=1)
    assert shown(decided_with(high, both)).count(60) == 1


def test_a_pin_needs_a_place_in_the_slate_and_a_product_that_may_be_shown() -> None:
    assert shown(decided_with(rule(Pin(position=4), named(50)), limit=4)) == [0, 1, 2, 3]
    eligible = np.arange(200) % 2 == 0
    assert shown(decided_with(rule(Pin(position=0), named(51, 50)), eligible=eligible))[:2] == [50, 0]
    few = np.isin(np.arange(200), [3, 7, 9])
    assert shown(decided_with(rule(Pin(position=8), named(3)), eligible=few)) == [7, 9, 3], "a short shelf's last place"
    none = np.zeros(200, dtype=np.bool_)
    assert shown(decided_with(rule(Pin(position=0), named(3)), eligible=none)) == []


def test_a_pin_may_depend_on_stock() -> None:
    shelf = make_shelf(available=np.where(np.arange(200) == 50, 2, -1).astype(np.int32))
    pinned = RuleProducts(product_ids=[ProductId("p50"), ProductId("p51")], stock=StockBetween(min=5))
    assert shown(decided_with(rule(Pin(position=0), pinned), shelf=shelf))[:2] == [51, 0]


def test_chance_never_takes_a_pinned_place() -> None:
    shelf = make_shelf()
    rules = active(shelf, rule(Pin(position=3), named(150)), rule(Pin(position=8), named(151), rule_id=RuleId("r-2")))
    explored = set[int]()
    for number in range(60):
        decided = decide(
            make_question(shelf), DecisionId(f"d{number}"), [ByNumber()], [], BASE, config=BUSY, rules=rules
        )
        found = shown(decided)
        assert (found[3], found[8]) == (150, 151)
        assert (decided.items[3].propensity, decided.items[8].propensity) == (1.0, 1.0)
        assert len(set(found)) == 12
        explored |= set(found)
    assert len(explored) > 14, "the other places are still left to chance"


def test_beside_pins_and_caps_the_logged_propensity_is_the_frequency() -> None:
    """Pins at places 2 and 4; of those not planned only even ones may join."""
    config = ExplorationConfig(places=(1, 2, 3), epsilon=0.5, pool=4)
    n, order = 20_000, list(range(20))
    prefixes: dict[tuple[int, ...], int] = {}
    continued: dict[tuple[int, ...], int] = {}
    logged: dict[tuple[int, ...], float] = {}
    for number in range(n):
        found = explore(
            order, 6, DecisionId(f"d{number}"), config, pins={2: 90, 4: 91},
            lets_in=lambda planned, one: one % 2 == 0 and {90, 91} <= set(planned) and len(planned) == 6,
        )  # fmt: skip
        assert (found.shown[2], found.shown[4], found.propensity[2], found.propensity[4]) == (90, 91, 1.0, 1.0)
        assert sorted(found.shown + found.rest) == [*order, 90, 91]
        for place in (1, 3):
            above, here = tuple(found.shown[:place]), tuple(found.shown[: place + 1])
            prefixes[above] = prefixes.get(above, 0) + 1
            continued[here] = continued.get(here, 0) + 1
            assert logged.setdefault(here, found.propensity[place]) == found.propensity[place]
    assert {here[-1] for here in continued if len(here) == 2} == {1, 4, 6}
    for here, seen in continued.items():
        tries, chance = prefixes[here[:-1]], logged[here]
        # 5 standard deviations; a dozen comparisons of a fixed set of ids.
        assert tries < 500 or abs(seen / tries - chance) <= 5 * np.sqrt(chance * (1 - chance) / tries), here


# ------------------------------------------------------------------------------------ boosts and buries
def test_boosts_and_buries_add_up_and_say_from_where_to_where() -> None:
    up = rule(Boost(strength=0.5), named(20, 30), rule_id=RuleId("r-up"))
    down = rule(Bury(strength=0.435), named(30), rule_id=RuleId("r-down"))
    decided = decided_with(up, down, limit=40)
    assert shown(decided)[:3] == [20, 0, 1]
    told = {str(item.product_id): {note.rule: note.text for note in item.adjustments} for item in decided.items}
    assert told["p20"] == {"r-up": "Raised by 0.50 log-odds by the shop, from place 21 to 1."}
    # 0.7 and 0.065 more: behind 0.77, before 0.76.
    assert shown(decided)[24] == 30
    assert told["p30"] == {
        "r-up": "Raised by 0.50 log-odds by the shop.",
        "r-down": f"Lowered by {0.435:.2f} log-odds by the shop.",
        "rules": f"2 rules of the shop together: {0.5 - 0.435:+.2f} log-odds, from place 31 to 25.",
    }
    assert told["p0"] == {}
    assert decided.items[0].score == pytest.approx(0.8, abs=1e-5), "a score is what the advisors said"


def test_a_boost_is_bounded_however_many_rules_there_are() -> None:
    rules = [rule(Boost(strength=MAX_STRENGTH), named(40), rule_id=RuleId(f"r-{i}")) for i in range(8)]
    shelf = make_shelf()
    question = make_question(shelf)
    told = decide(
        question, ID, [ByNumber()], [Personal({2: 2.0})], BASE, config=PLAIN, rules=active(shelf, *rules)
    ).items[0]
    assert told.product_id == "p40"
    assert told.score == pytest.approx(0.6, abs=1e-5)
    assert len(told.adjustments) == 6
    assert told.adjustments[-1].text == "8 rules of the shop together: +4.00 log-odds, from place 41 to 1."


# ------------------------------------------------------------------------------------------------ caps
class OfOneKind(ByNumber):
    """However many are asked for, it draws tents first, and nothing else while there are any."""

    def candidates(self, question: Question, n: int) -> Candidates:
        tents = question.eligible & (question.shelf.category == 1)
        return super().candidates(question if not tents.any() else make_question(question.shelf, eligible=tents), n)


def kinds(decided: Decided, shelf: Shelf) -> list[int]:
    return [int(shelf.category[number]) for number in shown(decided)]


def test_a_cap_keeps_products_back_and_tells_of_it() -> None:
    decided = decided_with(rule(Cap(at_most=2), RuleProducts(category=["Outdoor > Tents"])))
    assert shown(decided) == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13]
    moved = {
        str(item.product_id): [note.text for note in item.adjustments] for item in decided.items if item.adjustments
    }
    assert moved["p13"] == ["Moved from place 14 to 12: a cap of the shop kept others back."]
    assert {note.rule for item in decided.items for note in item.adjustments} == {"r-1"}


def test_a_share_is_of_the_places_and_each_brand_counts_by_itself() -> None:
    decided = decided_with(rule(Cap(share=0.25, per=CapPer.BRAND)), limit=8)
    brands = [int(number) % 3 for number in shown(decided)]
    assert [brands.count(brand) for brand in range(3)] == [3, 3, 2], "2 each, and 2 more since there is nobody else"
    assert shown(decided)[:6] == [0, 1, 2, 3, 4, 5]
    leaf = decided_with(rule(Cap(at_most=1, per=CapPer.CATEGORY), RuleProducts(category=["Garden"])))
    assert sum(number % 4 == 2 for number in shown(leaf)) == 1
    assert sum(number % 4 == 3 for number in shown(leaf)) == 1


def test_a_cap_holds_even_where_the_source_draws_nothing_else() -> None:
    shelf = make_shelf(900)
    cap = rule(Cap(at_most=2), RuleProducts(category=["Outdoor > Tents"]))
    decided = decide(make_question(shelf), ID, [OfOneKind()], [], BASE, config=PLAIN, rules=active(shelf, cap))
    assert len(set(shown(decided))) == 12
    assert kinds(decided, shelf).count(1) == 2
    each = rule(Cap(at_most=1, per=CapPer.CATEGORY))
    decided = decide(
        make_question(shelf, limit=4), ID, [OfOneKind()], [], BASE, config=PLAIN, rules=active(shelf, each)
    )
    assert sorted(kinds(decided, shelf)) == [1, 2, 3, 4]
    only_tents = shelf.category == 1
    question = make_question(shelf, eligible=only_tents)
    decided = decide(question, ID, [OfOneKind()], [], BASE, config=PLAIN, rules=active(shelf, cap))
    assert kinds(decided, shelf) == [1] * 12, "there is nothing else to show"


def test_a_pin_is_not_kept_back_by_a_cap_but_counts() -> None:
    pin = rule(Pin(position=0), named(40, 44, 48), rule_id=RuleId("r-pin"))
    cap = rule(Cap(at_most=2), RuleProducts(category=["Outdoor > Tents"]))
    decided = decided_with(pin, cap)
    assert shown(decided)[:3] == [40, 44, 48]
    assert sum(number % 4 == 0 for number in shown(decided)) == 3


def test_chance_keeps_to_caps() -> None:
    shelf = make_shelf()
    rules = active(shelf, rule(Cap(at_most=2), RuleProducts(category=["Outdoor > Tents"])))
    for number in range(80):
        decided = decide(
            make_question(shelf), DecisionId(f"d{number}"), [ByNumber()], [], BASE, config=BUSY, rules=rules
        )
        assert kinds(decided, shelf).count(1) <= 2
        assert len(set(shown(decided))) == 12


# ------------------------------------------------------------------------------------------ properties
PRODUCTS = st.one_of(
    st.lists(st.integers(0, 70), max_size=6).map(lambda numbers: named(*numbers)),
    st.sampled_from(["Outdoor", "Garden > Spades", "Nowhere"]).map(lambda path: RuleProducts(category=[path])),
    st.sampled_from(["Tarn", "Birch"]).map(lambda brand: RuleProducts(brand=[brand])),
    st.integers(0, 9_000).map(lambda price: RuleProducts(price_minor=PriceBetween(max=price))),
    st.just(RuleProducts(stock=StockBetween(min=3))),
)
EFFECTS = st.one_of(
    st.integers(0, 30).map(lambda position: Pin(position=position)),
    st.floats(0.1, 4).map(lambda strength: Boost(strength=strength)),
    st.floats(0.1, 4).map(lambda strength: Bury(strength=strength)),
    st.builds(Cap, at_most=st.integers(0, 5), per=st.sampled_from([None, CapPer.BRAND, CapPer.CATEGORY])),
)


@given(
    told=st.lists(st.tuples(EFFECTS, PRODUCTS, st.integers(-2, 2)), max_size=8),
    n=st.integers(0, 70),
    limit=st.integers(1, 30),
    surface=st.sampled_from([Surface.HOME, Surface.SEARCH]),
    seed=st.integers(0, 10_000),
)
def test_whatever_the_rules_the_slate_keeps_its_promises(
    told: Sequence[tuple[Effect, RuleProducts, int]], n: int, limit: int, surface: Surface, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shelf = make_shelf(n, available=rng.integers(-1, 6, n).astype(np.int32))
    rules = active(
        shelf,
        *(
            rule(effect, products, rule_id=RuleId(f"r-{number}"), priority=priority)
            for number, (effect, products, priority) in enumerate(told)
        ),
    )
    question = make_question(shelf, eligible=rng.random(n) < 0.6, limit=limit, surface=surface)
    opinions = {number: float(value) for number, value in enumerate(rng.normal(0, 2, n))}
    one, two = (
        decide(question, DecisionId(str(seed)), [ByNumber()], [Personal(opinions)], BASE, config=BUSY, rules=rules)
        for _ in range(2)
    )
    assert one.items == two.items
    found = shown(one)
    assert len(found) == len(set(found)) == min(limit, int(question.eligible.sum()))
    assert question.eligible[found].all()
    assert [item.position for item in one.items] == list(range(len(found)))
    for item in one.items:
        assert sum(item.contributions.values()) == pytest.approx(item.score, abs=1e-5)
        assert 0 < item.propensity <= 1
        pinned = [note for note in item.adjustments if note.text.startswith("Pinned")]
        assert not pinned or (
            item.propensity == 1.0 and pinned[0].text == f"Pinned to place {item.position + 1} by the shop."
        )


@given(
    at_most=st.integers(0, 6),
    per=st.sampled_from([None, CapPer.BRAND]),
    pins=st.lists(st.integers(0, 120), max_size=3),
    limit=st.integers(1, 20),
    seed=st.integers(0, 10_000),
)
def test_a_cap_holds_whenever_there_are_enough_others(
    at_most: int, per: CapPer | None, pins: Sequence[int], limit: int, seed: int
) -> None:
    """Tents are capped, all together or each brand of them; whoever is no tent is free."""
    rng = np.random.default_rng(seed)
    shelf = make_shelf(120)
    question = make_question(shelf, eligible=rng.random(120) < 0.5, limit=limit, surface=Surface.HOME)
    rules = active(
        shelf,
        rule(Cap(at_most=at_most, per=per), RuleProducts(category=["Outdoor > Tents"])),
        rule(Pin(position=0), named(*pins), rule_id=RuleId("r-2")),
        surface=Surface.HOME,
    )
    decided = decide(question, DecisionId(str(seed)), [OfOneKind()], [], BASE, config=BUSY, rules=rules)
    is_tent = shelf.category == 1
    if int((question.eligible & ~is_tent).sum()) < limit:
        return
    counted: dict[int, int] = {}
    for number in shown(decided):
        if is_tent[number] and number not in pins:
            kind = int(shelf.brand[number]) if per else 0
            counted[kind] = counted.get(kind, 0) + 1
    assert max(counted.values(), default=0) <= at_most


@given(
    at_most=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    per=st.tuples(st.sampled_from([None, CapPer.BRAND]), st.sampled_from([None, CapPer.CATEGORY])),
    limit=st.integers(1, 20),
    seed=st.integers(0, 10_000),
)
def test_caps_that_overlap_hold_whenever_there_are_enough_others(
    at_most: tuple[int, int], per: tuple[CapPer | None, CapPer | None], limit: int, seed: int
) -> None:
    """Tents are capped and so is a brand, which makes tents too; whoever is neither is free."""
    rng = np.random.default_rng(seed)
    shelf = make_shelf(120)
    question = make_question(shelf, eligible=rng.random(120) < 0.5, limit=limit)
    rules = active(
        shelf,
        rule(Cap(at_most=at_most[0], per=per[0]), RuleProducts(category=["Outdoor > Tents"])),
        rule(Cap(at_most=at_most[1], per=per[1]), RuleProducts(brand=["Tarn"]), rule_id=RuleId("r-2")),
    )
    opinions = {number: float(value) for number, value in enumerate(rng.normal(0, 2, 120))}
    decided = decide(
        question, DecisionId(str(seed)), [OfOneKind()], [Personal(opinions)], BASE, config=BUSY, rules=rules
    )
    is_tent, is_tarn = shelf.category == 1, shelf.brand == 1
    assert len(set(shown(decided))) == min(limit, int(question.eligible.sum()))
    if int((question.eligible & ~is_tent & ~is_tarn).sum()) < limit:
        return
    tents = [int(shelf.brand[one]) if per[0] else 0 for one in shown(decided) if is_tent[one]]
    tarns = [int(shelf.category[one]) if per[1] else 0 for one in shown(decided) if is_tarn[one]]
    assert max((tents.count(kind) for kind in tents), default=0) <= at_most[0]
    assert max((tarns.count(kind) for kind in tarns), default=0) <= at_most[1]
