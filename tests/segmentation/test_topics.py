"""Topics are a shop's leaf categories, or families found in titles and orders; later products join them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.segmentation.title_words import words_of
from smartshop.ai_agents.segmentation.topics import (
    TOPICS_NAME,
    Topics,
    extend_topics,
    fold_rare,
    load_topics,
    make_topics,
    topics_at,
)
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.errors import ModelRefused
from tests.recommendation.worlds import make_shelf
from tests.segmentation.activities import activity_of

KINDS = ("Candle holder", "Lunch bag", "Garden spade", "Photo frame", "Birthday card", "Tea cup")
LOOKS = ("Red", "Blue", "Large", "Rosy", "Striped", "Plain", "Dotted", "Oak", "Fern", "Wave")


def titled(titles: Sequence[str]) -> Shelf:
    return replace(make_shelf(len(titles)), titles=tuple(titles))


def shelf_of_paths(paths: Sequence[str]) -> Shelf:
    """Product i has the i-th path, written `Garden > Tools`; empty for none."""
    parted = [tuple(path.split(" > ")) if path else () for path in paths]
    known = ((), *sorted({path for path in parted if path}))
    return replace(make_shelf(len(paths)), category=np.array([known.index(path) for path in parted]), categories=known)


def selling(*products: int, price: int = 100) -> CustomerActivity:
    """One order per product, by one customer."""
    lines = [(place, product, 1, price) for place, product in enumerate(products)]
    return activity_of([(1, place, price) for place in range(len(products))], lines=lines)


def things() -> tuple[Shelf, CustomerActivity]:
    """60 products of six kinds, whose titles share their kind's words and a look; orders keep to one kind."""
    titles = [f"{look} {thing}" for thing in KINDS for look in LOOKS]
    rng = np.random.default_rng(2)
    kinds = rng.integers(0, 6, 300)
    lines = [(place, int(kind) * 10 + int(rng.integers(10)), 1, 100) for place, kind in enumerate(kinds) for _ in "abc"]
    return titled(titles), activity_of([(place % 50, place / 3, 300) for place in range(300)], lines=lines)


def learned(seed: int = 3) -> tuple[Topics, Shelf]:
    shelf, activity = things()
    return make_topics(activity, shelf, np.random.default_rng(seed)), shelf


def test_categories_are_topics_named_by_their_leaves() -> None:
    shelf = shelf_of_paths(["Garden > Tools", "Garden > Seeds", "Kitchen > Tools", ""])
    topics = make_topics(selling(0, 1, 2), shelf, np.random.default_rng(1))
    assert topics.names == ("Seeds", "Tools (Garden)", "Tools (Kitchen)")
    assert [topics.names[topic] for topic in topics.topic_of_product[:3]] == [
        "Tools (Garden)",
        "Seeds",
        "Tools (Kitchen)",
    ]
    assert topics.topic_of_product[3] == -1


def test_a_rare_category_is_folded_into_the_one_above() -> None:
    weights = {("Garden", "Tools", "Spades"): 3.0, ("Garden", "Tools"): 30.0, ("Toys",): 2.0, ("Food", "Jam"): 1.0}
    assert fold_rare(weights, min_weight=10) == [("Garden", "Tools"), ("Toys",), ("Food",)]


def test_rare_siblings_together_are_common_enough() -> None:
    weights: dict[tuple[str, ...], float] = {("Garden", "Tools", name): 4.0 for name in "abc"}
    weights[("Garden", "Pots")] = 20.0
    assert fold_rare(weights, min_weight=10) == [("Garden", "Pots"), ("Garden", "Tools")]


@given(
    st.dictionaries(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map(tuple), st.floats(0, 100), min_size=1, max_size=30
    ),
    st.integers(1, 6),
)
def test_however_many_categories_there_are_topics_are_few(weights: dict[tuple[str, ...], float], most: int) -> None:
    kept = fold_rare(weights, min_weight=5.0, max_topics=most)
    assert 1 <= len(kept) <= most
    assert len(set(kept)) == len(kept)


def test_a_later_product_joins_its_category_or_the_nearest_above() -> None:
    first = shelf_of_paths(["Garden > Tools", "Kitchen > Pans"])
    topics = make_topics(selling(0, 1), first, np.random.default_rng(1))
    later = shelf_of_paths(["Kitchen > Pans", "Kitchen > Pans", "Garden > Tools > Spades", "Toys", "Kitchen > Pans"])
    extended = extend_topics(topics, later)
    names = [topics.names[topic] if topic >= 0 else None for topic in extended.topic_of_product]
    assert names == ["Tools", "Pans", "Tools", None, "Pans"], "what was placed before stays where it was"
    assert extend_topics(extended, later) is extended


def test_products_of_one_kind_are_one_family() -> None:
    topics, _ = learned()
    kinds = [set(topics.topic_of_product[start : start + 10].tolist()) for start in range(0, 60, 10)]
    for kind in kinds:
        assert all(kind.isdisjoint(other) for other in kinds if other is not kind), "no family mixes kinds"


def test_families_are_named_by_words_of_their_titles() -> None:
    topics, shelf = learned()
    assert len(set(topics.names)) == len(topics.names)
    assert sum(name in KINDS for name in topics.names) >= 5
    for family, name in enumerate(topics.names):
        titles = [shelf.titles[place].casefold() for place in np.flatnonzero(topics.topic_of_product == family)]
        assert all(any(word in title for title in titles) for word in name.casefold().split())


def test_the_same_seed_gives_the_same_families() -> None:
    (once, _), (again, _) = learned(), learned()
    assert once.names == again.names
    np.testing.assert_array_equal(once.topic_of_product, again.topic_of_product)
    np.testing.assert_array_equal(once.word_weights, again.word_weights)


def test_a_later_product_joins_the_family_of_its_title() -> None:
    topics, shelf = learned()
    later = titled([*shelf.titles, "Golden lunch bag", "Garden spade, oak", "Xylophone", "4711"])
    bag, spade, xylophone, number = extend_topics(topics, later).topic_of_product[60:].tolist()
    assert bag in topics.topic_of_product[10:20]
    assert spade in topics.topic_of_product[20:30]
    assert xylophone == number == -1


def test_what_is_no_product_for_sale_is_in_no_family() -> None:
    shelf, activity = things()
    alive = np.ones(60, np.bool_)
    alive[:10] = False
    topics = make_topics(activity, replace(shelf, alive=alive), np.random.default_rng(3))
    assert (topics.topic_of_product[:10] == -1).all()
    assert (topics.topic_of_product[10:] >= 0).all()


@pytest.mark.parametrize("titles", [[], ["P1"], ["Same thing"] * 40, ["", "123", "!!"] * 9])
def test_a_shop_with_hardly_a_title_has_few_topics_or_none(titles: list[str]) -> None:
    topics = make_topics(selling(*range(len(titles))), titled(titles), np.random.default_rng(1))
    assert len(topics) <= 10
    assert len(topics.topic_of_product) == len(titles)
    assert topics.median_price_minor.shape == (len(topics),)


def test_titles_in_any_script_have_words() -> None:
    assert words_of("Ärmelbretter für Frühling") == ["ärmelbretter", "frühling"]
    assert words_of("マグカップ") == ["マグ", "グカ", "カッ", "ップ"]
    assert words_of("हिन्दी किताब") == ["हिन्दी", "किताब"]
    assert words_of("12 x Set/6") == ["set"]


def test_median_prices_are_those_of_the_lines() -> None:
    activity = activity_of([(1, 0, 1)], lines=[(0, 0, 2, 200), (0, 2, 1, 300), (0, 4, 1, 900), (0, 1, 1, 50)])
    topics = make_topics(activity, make_shelf(6, ["Tools", "Pots"]), np.random.default_rng(1))
    assert dict(zip(topics.names, topics.median_price_minor.tolist(), strict=True)) == {"Tools": 300.0, "Pots": 50.0}


def test_products_unknown_or_newer_than_the_topics_have_none() -> None:
    topics = make_topics(selling(0, 1), make_shelf(4, ["Tools", "Pots"]), np.random.default_rng(1))
    assert topics_at(np.array([-1, 0, 4, 2_000_000], np.int32), topics).tolist() == [
        -1,
        topics.topic_of_product[0],
        -1,
        -1,
    ]


def test_topics_are_read_as_they_were_saved(tmp_path: Path) -> None:
    topics, _ = learned()
    topics.save(tmp_path)
    read = load_topics(tmp_path)
    assert (read.names, read.paths, read.words, read.reference) == (
        topics.names,
        topics.paths,
        topics.words,
        topics.reference,
    )
    np.testing.assert_array_equal(read.topic_of_product, topics.topic_of_product)
    np.testing.assert_array_equal(read.median_price_minor, topics.median_price_minor)
    np.testing.assert_array_equal(read.word_weights, topics.word_weights)


def test_topics_cut_short_are_refused(tmp_path: Path) -> None:
    topics, _ = learned()
    topics.save(tmp_path)
    np.save(tmp_path / "topics.median_price_minor.npy", topics.median_price_minor[:-1])
    with pytest.raises(ModelRefused, match="do not fit"):
        load_topics(tmp_path)
    (tmp_path / TOPICS_NAME).write_text("{")
    with pytest.raises(ModelRefused, match="cannot be read"):
        load_topics(tmp_path)


def test_the_titles_of_a_real_gift_shop_fall_into_families_that_hold_together(shared_data: Path) -> None:
    """UCI Online Retail has titles only. By chance a family would hold a fortieth of what is called alike."""
    table = pl.read_parquet(shared_data / "online_retail" / "online_retail.parquet", columns=["description"])
    described = table.filter(pl.col("description").str.contains("^[A-Z]"))["description"]
    titles: list[str] = sorted(title.strip().title() for title in described.unique().to_list())[::2]
    topics = make_topics(selling(*range(len(titles))), titled(titles), np.random.default_rng(1))
    assert 10 <= len(topics) <= 40
    for thing in ("Lunch Bag", "Wall Clock", "Gift Wrap", "Birthday Card", "T-Light Holder"):
        families = topics.topic_of_product[[place for place, title in enumerate(titles) if thing in title]]
        commonest = int(np.bincount(families[families >= 0]).max())
        assert commonest >= 0.6 * len(families) >= 3, thing
