"""What every candidate source promises, asked of each alone: in a learned shop and in odd worlds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.source import Asked, Drawn, Lesson, Moment, Source
from smartshop.ai_agents.recommendation.sources import SOURCES, fit_sources, load_sources
from smartshop.ai_agents.recommendation.trending import fit_trending
from smartshop.ai_agents.recommendation.view import view_shelf
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.interactions import Interactions
from tests.recommendation.worlds import (
    DAY,
    N_PRODUCTS,
    SECOND,
    START,
    make_interactions,
    make_shelf,
    order,
    shelf_of_tastes,
    shop_of_tastes,
    view,
)

WORLDS: Mapping[str, Callable[[], Interactions]] = {
    "a learned shop": shop_of_tastes,
    "an empty log": lambda: make_interactions([], N_PRODUCTS),
    "no product": lambda: make_interactions([], 0),
    "one shopper": lambda: make_interactions([view(0, p, START + p) for p in range(6)], N_PRODUCTS),
    "one product": lambda: make_interactions([view(s, 0, START + s) for s in range(6)], 1),
    "one order": lambda: make_interactions(order(0, (1, 2, 3), START, 0), N_PRODUCTS),
    "only ties": lambda: make_interactions([view(s, s, START) for s in range(N_PRODUCTS)], N_PRODUCTS),
    "orders only": lambda: make_interactions(
        [row for s in range(30) for row in order(s, (s % 7, (s * 3) % 11), START + s * DAY, s)], N_PRODUCTS
    ),
}
N = 12


@lru_cache
def lesson_of(world: str) -> Lesson:
    interactions = WORLDS[world]()
    sequences = make_sequences(interactions, SequenceConfig())
    return Lesson(sequences=sequences, shelf=shelf_of_tastes(), as_of=int(interactions.data_until))


@lru_cache
def sources_of(world: str) -> tuple[Source, ...]:
    return tuple(fit_sources(lesson_of(world), Recipe().configs))


def asked(
    shelf: Shelf, history: Sequence[int], focus: Sequence[int] = (), eligible: Sequence[int] | None = None
) -> Asked:
    mask = np.ones(shelf.n_products, np.bool_)
    if eligible is not None:
        mask[:] = False
        mask[list(eligible)] = True
    now = START + 90 * DAY
    return ask_of(
        Moment(
            eligible=mask,
            history=np.array(history, np.int32),
            history_at=now - np.arange(len(history), 0, -1, dtype=np.int64) * SECOND,
            now=now,
            focus=np.array(focus, np.int32),
        )
    )


def moments(shelf: Shelf) -> list[Asked]:
    last = shelf.n_products - 1
    return [
        asked(shelf, []),
        asked(shelf, [1, 2, 3]),
        asked(shelf, [5] * 300),
        asked(shelf, [1, 2], eligible=(3, 17, 29)),
        asked(shelf, [1, 2], eligible=()),
        asked(shelf, [4], focus=[4, 9]),
        asked(shelf, [last, 1], focus=[last]),
        ask_of(replace(asked(shelf, [1]).moment, wanted_alike=np.array([7, last, 1, last + 9], np.int32))),
    ]


def shelves() -> list[Shelf]:
    """As learned; grown since; of another, flat catalogue."""
    return [
        shelf_of_tastes(),
        make_shelf(N_PRODUCTS + 25, [f"Range {i}" for i in range(3)], published_at=START),
        make_shelf(N_PRODUCTS),
    ]


def drawn_by(source: Source, lesson: Lesson, shelf: Shelf, one: Asked) -> Drawn:
    trending = fit_trending(lesson.sequences, lesson.as_of, Recipe().configs.trending)
    return source.draw(one, view_shelf(trending.score, lesson.shelf.categories, shelf), N)


@pytest.mark.parametrize("world", WORLDS)
def test_lists_are_distinct_eligible_and_say_a_true_because(world: str) -> None:
    for shelf in shelves():
        for one in moments(shelf):
            known = {*one.moment.history.tolist(), *one.moment.focus.tolist(), -1}
            for source in sources_of(world):
                drawn = drawn_by(source, lesson_of(world), shelf, one)
                products = drawn.product_no.tolist()
                assert drawn.product_no.dtype == np.int32, source.name
                assert len(products) == len(set(products)) <= N, source.name
                assert len(drawn.because) == len(products), source.name
                assert one.eligible[drawn.product_no].all(), source.name
                assert set(drawn.because.tolist()) <= known, source.name


@pytest.mark.parametrize("world", WORLDS)
def test_two_fits_of_one_lesson_are_equal_byte_for_byte(world: str, tmp_path: Path) -> None:
    again = tuple(fit_sources(lesson_of(world), Recipe().configs))
    for name, sources in (("first", sources_of(world)), ("second", again)):
        (tmp_path / name).mkdir()
        for source in sources:
            source.save(tmp_path / name)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert first == second


@pytest.mark.parametrize("world", WORLDS)
def test_a_saved_source_answers_as_before(world: str, tmp_path: Path) -> None:
    sources = sources_of(world)
    for source in sources:
        source.save(tmp_path)
    loaded = load_sources(tmp_path, [source.name for source in sources])
    shelf = shelf_of_tastes()
    for one in moments(shelf):
        for before, after in zip(sources, loaded, strict=True):
            told, said = (drawn_by(each, lesson_of(world), shelf, one) for each in (before, after))
            assert told.product_no.tolist() == said.product_no.tolist(), before.name
            assert told.because.tolist() == said.because.tolist(), before.name


def test_no_file_of_a_source_is_pickled_and_each_bears_its_name(tmp_path: Path) -> None:
    for source in sources_of("a learned shop"):
        folder = tmp_path / source.name
        folder.mkdir()
        source.save(folder)
        for path in folder.iterdir():
            assert path.name.startswith(source.name), path.name
            assert path.suffix in (".npy", ".json", ".onnx", ".txt"), path.name
            if path.suffix == ".npy":
                np.load(path, allow_pickle=False)


def test_sources_stand_in_one_order_and_each_is_known_by_name() -> None:
    names = [source.name for source in sources_of("a learned shop")]
    assert names == [name for name in SOURCES if name in names]
    with pytest.raises(ValueError, match="'rumour'"):
        load_sources(Path(), ["rumour"])


def test_what_is_not_eligible_costs_no_place() -> None:
    """The mask comes before the cut: a list of a few eligible products is as long as they are known well."""
    shelf, lesson = shelf_of_tastes(), lesson_of("a learned shop")
    few = replace(asked(shelf, [11, 12, 13]).moment, eligible=np.isin(np.arange(N_PRODUCTS), (14, 15, 16)))
    markov = next(source for source in sources_of("a learned shop") if source.name == "markov")
    assert sorted(drawn_by(markov, lesson, shelf, ask_of(few)).product_no.tolist()) == [14, 15, 16]
