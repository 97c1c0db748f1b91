"""A segment's name and sentence are what a merchant would say, and true."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.family_names import name_families
from smartshop.ai_agents.segmentation.feature_list import FEATURES, Unit, column
from smartshop.ai_agents.segmentation.features import Features, features_of
from smartshop.ai_agents.segmentation.figures import say, say_both, say_days, say_money, say_number, say_share
from smartshop.ai_agents.segmentation.naming import LONGEST_NAME, Words, name_segments
from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.title_words import as_name, english_plural, in_sentence
from smartshop.ai_agents.segmentation.topics import Topics, make_topics
from smartshop.ai_agents.segmentation.usual import figure_of, usual_of
from smartshop.ai_agents.segmentation.why import (
    Contributions,
    Reason,
    habit_contributions,
    topic_contributions,
    why,
)
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.events import EventKind
from tests.recommendation.worlds import make_shelf
from tests.segmentation.activities import Line, Order, Sign, activity_of

BULK, WEEKEND, CANDLES = range(3)
"""The planted segments: customers 0–29, 30–59, 60–89."""
LABELS = np.repeat(np.arange(3, dtype=np.int32), 30)
CATEGORIES = ("Tools", "Pots", "Candles", "Lamps")


def planted(seed: int = 4) -> CustomerActivity:
    """Who buys twenty of a thing, who buys on Saturdays, and who buys candles; all else is chance."""
    rng = np.random.default_rng(seed)
    orders: list[Order] = []
    lines: list[Line] = []
    for customer in range(90):
        kind = customer // 30
        for _ in range(int(rng.integers(3, 8))):
            # Day 5 was a Saturday.
            day = 5.5 + 7 * int(rng.integers(0, 50)) if kind == WEEKEND else 0.5 + int(rng.integers(0, 360))
            orders.append((customer, day, int(rng.integers(2_000, 6_000))))
            for _ in range(2):
                product = 2 + 4 * int(rng.integers(3)) if kind == CANDLES else int(rng.integers(12))
                pieces = 20 if kind == BULK else int(rng.integers(1, 4))
                lines.append((len(orders) - 1, product, pieces, 500 * pieces))
    return activity_of(orders, lines=lines, as_of_day=400)


def world(categories: Sequence[str] = CATEGORIES) -> tuple[CustomerActivity, Features, Topics]:
    activity = planted()
    topics = make_topics(activity, make_shelf(12, categories), np.random.default_rng(1))
    return activity, features_of(activity, topics), topics


def words_of_world(categories: Sequence[str] = CATEGORIES, kept: dict[int, str] | None = None) -> tuple[Words, ...]:
    _, features, topics = world(categories)
    return name_segments(features, LABELS, topics, "GBP", k=3, kept_names=kept)


def test_segments_are_named_by_what_was_planted() -> None:
    names = [words.name for words in words_of_world()]
    assert names[BULK].startswith("Bulk buyers")
    assert names[WEEKEND].startswith("Weekend buyers")
    assert "Candles" in names[CANDLES]
    assert all(len(name) <= LONGEST_NAME for name in names)


def test_figures_of_a_sentence_are_those_of_the_orders() -> None:
    activity, _, _ = world()
    bulk, weekend, candles = (words.sentence for words in words_of_world())
    assert f"{_median_of_means(activity, BULK)} pieces of each product" in bulk
    assert f"{_weekend_share(activity, WEEKEND)} at weekends (shop: {_weekend_share(activity, None)})" in weekend
    for kind, sentence in enumerate((bulk, weekend, candles)):
        assert f"{_orders_a_year(activity, kind)} orders a year" in sentence
        assert f"{_order_value(activity, kind)} an order" in sentence
    assert f"100 % of what they buy is in Candles (shop: {_candle_share(activity)})" in candles


def _of_kind(customers: NDArray[np.integer], kind: int | None) -> NDArray[np.bool_]:
    return np.ones(len(customers), np.bool_) if kind is None else customers // 30 == kind


def _median_of_means(activity: CustomerActivity, kind: int) -> str:
    customer = activity.order_customer[activity.line_order]
    return say_number(
        float(np.median([activity.line_units[customer == one].mean() for one in range(30 * kind, 30 * kind + 30)]))
    )


def _weekend_share(activity: CustomerActivity, kind: int | None) -> str:
    # 2024-01-01, the first day, was a Monday.
    start = activity.order_at.min() // 86_400_000_000
    weekday = (activity.order_at // 86_400_000_000 - 19_723) % 7
    assert start >= 19_723
    customers = range(90) if kind is None else range(30 * kind, 30 * kind + 30)
    return say_share(float(np.mean([(weekday[activity.order_customer == one] >= 5).mean() for one in customers])))


def _orders_a_year(activity: CustomerActivity, kind: int) -> str:
    repeats, days = 0, 0.0
    for customer in range(30 * kind, 30 * kind + 30):
        at = activity.order_at[activity.order_customer == customer]
        repeats += len(set((at // 86_400_000_000).tolist())) - 1
        days += (activity.as_of - int(at.min())) / 86_400_000_000
    return say_number(repeats / (days / 365.25))


def _order_value(activity: CustomerActivity, kind: int) -> str:
    value, customer = activity.order_value_minor, activity.order_customer
    means = [value[customer == one].mean() for one in range(30 * kind, 30 * kind + 30)]
    return say_money(float(np.median(means)), "GBP")


def _candle_share(activity: CustomerActivity) -> str:
    customer, is_candle = activity.order_customer[activity.line_order], activity.line_product % 4 == 2
    return say_share(float(np.mean([is_candle[customer == one].mean() for one in range(90)])))


def test_a_department_names_a_segment_that_buys_all_over_it() -> None:
    """Twelve products in six leaves of three departments; customers 0–29 buy from all leaves of one of them."""
    leaves = [(room, f"{room} {kind}") for room in ("Garden", "Home", "Food") for kind in "AB"]
    shelf = replace(make_shelf(12), category=(np.arange(12) // 2 + 1).astype(np.int32), categories=((), *leaves))
    rng = np.random.default_rng(6)
    orders: list[Order] = [(place % 60, float(place // 4), 1_000) for place in range(600)]
    lines: list[Line] = [
        (place, int(rng.integers(4) if row[0] in range(30) else rng.integers(12)), 1, 500)
        for place, row in enumerate(orders)
    ]
    activity = activity_of(orders, lines=lines)
    topics = make_topics(activity, shelf, np.random.default_rng(1))
    gardeners, _ = name_segments(
        features_of(activity, topics), np.repeat(np.arange(2, dtype=np.int32), 30), topics, "GBP", k=2
    )
    assert gardeners.name.endswith(("Garden buyers", " buyers in Garden"))
    assert gardeners.sentence.startswith("Buy from Garden")
    assert "100 % of what they buy is in Garden" in gardeners.sentence


def test_a_segment_keeps_its_name_and_a_new_one_does_not_take_it() -> None:
    fresh = words_of_world()
    kept = words_of_world(kept={WEEKEND: fresh[BULK].name})
    assert kept[WEEKEND].name == fresh[BULK].name
    assert kept[WEEKEND].sentence.split("; ")[1].startswith(f"{_median_of_means(world()[0], WEEKEND)} pieces of each")
    assert "in bulk" not in kept[WEEKEND].sentence, "the name outlived what gave it: its figure is told, and no more"
    assert kept[BULK].name.casefold() != fresh[BULK].name.casefold()
    assert words_of_world(kept={}) == fresh


def test_adjectives_are_of_lasting_habits_with_a_figure_and_can_be_told_in_a_sentence() -> None:
    for feature in FEATURES:
        for side in (feature.much, feature.little):
            if side.adjective:
                assert feature.clusters, f"{side.adjective} changes as time goes by"
                assert feature.unit is not Unit.DEGREE
                assert side.adverb
                assert "{}" in side.phrase


def visited(seed: int) -> CustomerActivity:
    """Orders and visits of sixty customers, each with habits of their own; every fifth never buys."""
    rng = np.random.default_rng(seed)
    orders: list[Order] = []
    lines: list[Line] = []
    signs: list[Sign] = []
    for customer in range(60):
        pieces, many, dear = rng.integers(1, 20, 3).tolist()
        for _ in range(int(rng.integers(1, 9)) if customer % 5 else 0):
            day = float(rng.uniform(0, 400))
            lines += [(len(orders), int(rng.integers(12)), pieces, pieces * 100 * dear) for _ in range(many)]
            orders.append((customer, day, pieces * many * 100 * dear))
            signs.append((customer, day, EventKind.PRODUCT_ADDED, 3))
        kinds = (EventKind.PRODUCT_VIEWED, EventKind.SEARCHED)
        signs += [
            (customer, float(rng.uniform(0, 400)), kinds[int(rng.integers(2))], int(rng.integers(12)))
            for _ in range(int(rng.integers(1, 30)))
        ]
    listed = [value + int(rng.integers(2)) * value // 3 for _, _, value in orders]
    return activity_of(orders, lines=lines, signs=signs, order_list_minor=listed, as_of_day=410)


@pytest.mark.parametrize("seed", range(3))
def test_what_gives_a_name_its_adjective_is_told_first_with_its_figure(seed: int) -> None:
    """Over segments made by every habit in turn: the least, the middle and the most of it."""
    activity = visited(seed)
    topics = make_topics(activity, make_shelf(12, CATEGORIES), np.random.default_rng(1))
    features = features_of(activity, topics)
    adjectives = {side.adjective: (feature, side) for feature in FEATURES for side in (feature.much, feature.little)}
    told = set()
    for place in range(len(FEATURES)):
        labels = (np.argsort(np.argsort(np.nan_to_num(features.x[:, place]), kind="stable")) // 20).astype(np.int32)
        for segment, words in enumerate(name_segments(features, labels, topics, "GBP", k=3)):
            adjective = re.split(" (?:buyers|browsers)", words.name)[0].casefold()
            if adjective in adjectives:
                feature, side = adjectives[adjective]
                figure = figure_of(features, column(feature.name), labels == segment)
                opening, first, *_ = words.sentence.split("; ")
                assert first.startswith(side.phrase.format(say(feature, figure, "GBP"))) or "hardly any second" in first
                assert side.adverb in opening
                others = [one.adverb for _, one in adjectives.values() if one.adverb and f" {one.adverb}" in opening]
                assert min(others, key=lambda one: (opening.index(one), -len(one))) == side.adverb
                told.add(feature.name)
    assert len(told) >= 6, "made-up segments show many habits"


def test_a_difference_that_is_sure_but_small_gives_no_word() -> None:
    """Half buy one piece, the others mostly one: a world apart by Cohen's d, and no bulk."""
    orders: list[Order] = [(customer, float(day), 1_000) for customer in range(40) for day in range(9)]
    lines = [(place, 0, 2 if place >= 180 and place % 9 == 8 else 1, 1_000) for place in range(len(orders))]
    activity = activity_of(orders, lines=lines, as_of_day=30)
    topics = make_topics(activity, make_shelf(12, CATEGORIES), np.random.default_rng(1))
    labels = np.repeat(np.arange(2, dtype=np.int32), 20)
    for words in name_segments(features_of(activity, topics), labels, topics, "GBP", k=2):
        assert "ulk" not in words.name + words.sentence
        assert "1.1 pieces of each product" in words.sentence or "1 pieces of each product" in words.sentence


def test_names_are_distinct_however_alike_segments_are() -> None:
    _, features, topics = world()
    labels = np.arange(90, dtype=np.int32) % 12
    names = [words.name for words in name_segments(features, labels, topics, "GBP", k=12)]
    assert len({name.casefold() for name in names}) == 12


def test_customers_of_no_segment_count_nowhere() -> None:
    _, features, topics = world()
    some = LABELS.copy()
    some[:10] = -1
    customers = np.flatnonzero(some >= 0)
    x = features.x.copy()
    x[:10] = 1e6
    spoilt = replace(features, x=x, figures=x.astype(np.float32))
    spoilt.figures[customers] = features.figures[customers]
    assert name_segments(spoilt, some, topics, "GBP", k=3) == name_segments(features, some, topics, "GBP", k=3)


def test_an_empty_segment_and_a_shop_all_alike_are_no_crash() -> None:
    activity = activity_of([(customer, 1, 1_000) for customer in range(20)], as_of_day=30)
    topics = make_topics(activity, make_shelf(4), np.random.default_rng(1))
    words = name_segments(features_of(activity, topics), np.zeros(20, np.int32), topics, "JPY", k=2)
    assert words[0].name == "Everyday buyers"
    assert words[0].sentence.startswith("Close to the shop's average; hardly any second order yet; ¥1,000 an order")
    assert words[1].sentence == "Nobody is in it now."


def test_those_who_only_look_are_told_of_as_looking() -> None:
    looks: list[Sign] = [
        (customer, 0.1 * visit, EventKind.PRODUCT_VIEWED, 2 if customer < 20 else visit % 2)
        for customer in range(40)
        for visit in range(8)
    ]
    activity = activity_of([(customer, 1, 900) for customer in range(20, 40)], signs=looks, as_of_day=30)
    topics = make_topics(activity, make_shelf(12, CATEGORIES), np.random.default_rng(1))
    labels = np.repeat(np.arange(2, dtype=np.int32), 20)
    lookers, buyers = name_segments(features_of(activity, topics), labels, topics, "GBP", k=2)
    assert lookers.name == "Candles browsers"
    assert lookers.sentence.startswith("Look at Candles")
    assert "100 % of their interest is in Candles" in lookers.sentence
    assert "an order" not in lookers.sentence
    assert "buyers" in buyers.name.casefold()


@pytest.mark.parametrize(
    "word", ["Women's Shoes", "Baby", "Herren", "Halal food", "Pharmacy", "Boys' toys", "Maternity"]
)
def test_no_segment_is_called_by_what_a_person_may_be(word: str) -> None:
    assert is_sensitive(word)
    told = words_of_world(("Tools", "Pots", word, "Lamps"))
    assert all(word not in words.name and word not in words.sentence for words in told)


@pytest.mark.parametrize("word", ["Kerzen & Düfte", "キャンドル", "शमा", "Свечи"])
def test_names_work_in_any_script(word: str) -> None:
    told = words_of_world(("Tools", "Pots", word, "Lamps"))[CANDLES]
    assert word in told.name
    assert word in told.sentence


def test_feasts_keep_their_capital_and_other_title_words_do_not() -> None:
    assert as_name("lunch BAGS") == "Lunch bags"
    assert in_sentence("Vintage christmas") == "vintage Christmas"


def test_figures_read_as_one_says_them() -> None:
    assert [say_days(days) for days in (0.2, 1, 45.4, 200, 1100)] == [
        "0 days",
        "1 day",
        "45 days",
        "7 months",
        "3 years",
    ]
    assert [say_number(number) for number in (4.14, 3.0, 24.3, 12_345)] == ["4.1", "3", "24", "12,345"]
    assert [say_share(share) for share in (0.0, 0.004, 0.62)] == ["0 %", "under 1 %", "62 %"]
    assert say_money(1_234_567, "KWD") == "1,235 KWD"


def test_the_three_reasons_that_count_most_are_told_with_the_customers_figures() -> None:
    _, features, topics = world()
    usual = usual_of(features, LABELS >= 0)
    by_feature = np.zeros(len(FEATURES))
    by_feature[[column("units_per_line"), column("weekend_share"), column("order_value")]] = (3.0, -1.0, 0.5)
    by_topic = np.zeros(len(topics))
    by_topic[topics.names.index("Pots")] = 1.0
    customer = int(np.flatnonzero((LABELS == BULK) & (features.taste.toarray()[:, topics.names.index("Pots")] > 0))[0])
    reasons = reasons_for(features, topics, customer, Contributions(by_feature, by_topic))
    assert [reason.subject for reason in reasons] == ["units_per_line", "topic:Pots", "order_value"]
    usually = usual.figures[column("units_per_line")]
    assert usually is not None
    assert reasons[0].words == f"20 pieces of each product (usually {say_number(usually)})"
    taste = features.taste.toarray()[customer]
    share = say_share(float(taste[topics.names.index("Pots")] / taste.sum()))
    assert reasons[1].words.startswith(f"{share} of their interest is in Pots (usually ")


def reasons_for(features: Features, topics: Topics, customer: int, contributions: Contributions) -> tuple[Reason, ...]:
    usual = usual_of(features, LABELS >= 0)
    taste = features.taste.toarray()[customer]
    return why(contributions, features.figures[customer], taste, usual, topics, "GBP")


def test_a_topic_of_little_share_is_a_reason_only_where_better_ones_are_too_few() -> None:
    _, features, topics = world()
    taste = np.zeros(len(topics))
    taste[[topics.names.index("Pots"), topics.names.index("Lamps")]] = (24.0, 1.0)
    by_topic = np.zeros(len(topics))
    by_topic[[topics.names.index("Pots"), topics.names.index("Lamps")]] = (1.0, 9.0)
    by_feature = np.zeros(len(FEATURES))
    by_feature[[column("units_per_line"), column("order_value")]] = (0.5, 0.2)

    def subjects(features_say: NDArray[np.float64]) -> list[str]:
        usual = usual_of(features, LABELS >= 0)
        told = why(Contributions(features_say, by_topic), features.figures[0], taste, usual, topics, "GBP")
        return [reason.subject for reason in told]

    assert subjects(by_feature) == ["topic:Pots", "units_per_line", "order_value"]
    assert subjects(np.zeros(len(FEATURES))) == ["topic:Pots", "topic:Lamps"]


def test_figures_side_by_side_are_in_the_same_unit() -> None:
    feature = FEATURES[column("days_since_last_order")]
    assert say_both(feature, 213.0, 106.0, "GBP") == ("213 days", "106 days")
    assert say_both(feature, 900.0, 200.0, "GBP") == ("30 months", "7 months")
    assert say_both(feature, 900.0, 1_500.0, "GBP") == ("2 years", "4 years")


def test_what_titles_name_in_the_singular_is_told_in_the_plural() -> None:
    titles = [
        "Metal sign of love",
        "Metal sign with cats",
        "Lunch bag for cats",
        "Lunch bags",
        "Jigsaw dolly",
        "Jigsaw dolly",
    ]
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert name_families(titles, labels, np.ones(6)) == ("Metal signs", "Lunch bags", "Jigsaw dollies")
    german = ["Kerze mit Duft", "Kerze und Duft"]
    assert name_families(german, np.zeros(2, np.int64), np.ones(2)) == ("Kerze duft",)
    assert [english_plural(word) for word in ("paper", "glassware", "christmas", "glasses")] == [
        "paper",
        "glassware",
        "christmas",
        "glasses",
    ]


def test_what_does_not_apply_or_speaks_against_is_no_reason() -> None:
    _, features, topics = world()
    everything = Contributions(np.ones(len(FEATURES)), np.zeros(len(topics)))
    told = reasons_for(features, topics, 0, everything)
    assert len(told) == 3
    assert not {reason.subject for reason in told} & {"mobile_share", "visits_per_month"}, "nothing is known of visits"
    assert reasons_for(features, topics, 0, Contributions(-everything.features, everything.topics)) == ()


def test_contributions_add_up_to_the_difference_of_scores() -> None:
    rng = np.random.default_rng(3)
    z, own, other, s, here, there = rng.normal(size=(6, 5))
    score = (-0.7 / 2 * ((z - own) ** 2).sum() + s @ here) - (-0.7 / 2 * ((z - other) ** 2).sum() + s @ there)
    told = habit_contributions(z, own, other, 0.7).sum() + topic_contributions(s, here, there).sum()
    assert told == pytest.approx(score)
