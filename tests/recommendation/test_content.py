"""Neighbours by what the shop says: exact nearest, the words, the network where it is installed, and its file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation import content_likeness
from smartshop.ai_agents.recommendation.content import Content, ContentConfig, draw_from_both, fit_content
from smartshop.ai_agents.recommendation.content_likeness import LikenessConfig, most_alike, traits_of
from smartshop.ai_agents.recommendation.content_nearest import nearest
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.row_source import draw_from_rows
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.source import Anchors, Folders, Lesson
from smartshop.ai_agents.recommendation.text import SIZE, texts_of
from smartshop.ai_agents.recommendation.text_export import GRAPH, can_export, export_network, open_network
from smartshop.ai_agents.recommendation.text_network import Network, can_encode, fit_network
from smartshop.ai_agents.recommendation.text_words import fit_words
from smartshop.ai_agents.recommendation.training import fit
from smartshop.ai_agents.shelf import Shelf
from tests.recommendation.worlds import START, make_shelf, sequences_of, view

COLOURS = ("red", "blue", "green", "white", "black", "yellow")
THINGS = ("lantern", "teapot", "blanket", "garden chair", "picture frame")


def shelf_of_words() -> Shelf:
    """Every thing in every colour, and one product of which only a number is known."""
    titles = (*(f"{colour.title()} {thing}" for thing in THINGS for colour in COLOURS), "4711")
    return replace(make_shelf(len(titles)), titles=titles)


def lesson(shelf: Shelf, text_network: Path | None = None) -> Lesson:
    return Lesson(sequences=sequences_of([], shelf.n_products), shelf=shelf, as_of=0, text_network=text_network)


def learned(shelf: Shelf) -> Content:
    content = fit_content(lesson(shelf), ContentConfig(n=len(COLOURS) - 1))
    assert content is not None
    return content


def neighbours(rows: Rows, product: int) -> list[int]:
    return [int(number) for number in rows.indices[rows.indptr[product] : rows.indptr[product + 1]]]


@pytest.mark.parametrize("n_targets", [0, 1, 7, 33, 1_000])
def test_the_nearest_are_those_of_a_full_sort(n_targets: int) -> None:
    rng = np.random.default_rng(n_targets)
    queries, targets = (rng.standard_normal((size, SIZE)).astype(np.float32) for size in (20, n_targets))
    found = nearest(queries, targets, 5)
    product = queries @ targets.T
    for row in range(20):
        best = [place for place in np.argsort(-product[row], kind="stable").tolist() if product[row, place] > 0][:5]
        assert [place for place in found.place[row].tolist() if place >= 0] == best


def test_things_of_one_kind_are_neighbours() -> None:
    rows = learned(shelf_of_words()).rows
    same_kind = []
    for product in range(len(COLOURS) * len(THINGS)):
        assert product not in neighbours(rows, product)
        same_kind += [other // len(COLOURS) == product // len(COLOURS) for other in neighbours(rows, product)[:2]]
    # Some are nearer to another thing of their colour; by chance alone a sixth would be of one kind.
    assert np.mean(same_kind) > 0.8


def test_a_number_is_no_text_and_a_shelf_without_words_teaches_nothing() -> None:
    content = learned(shelf_of_words())
    assert neighbours(content.rows, content.rows.n_rows - 1) == []
    bare = make_shelf(12)
    assert fit_content(lesson(replace(bare, titles=tuple(str(i) for i in range(12)))), ContentConfig()) is None


def test_what_is_not_sold_any_more_is_no_neighbour_but_has_some() -> None:
    shelf = shelf_of_words()
    alive = shelf.alive.copy()
    alive[0] = False
    rows = learned(replace(shelf, alive=alive)).rows
    assert 0 not in rows.indices
    assert neighbours(rows, 0)


def test_category_brand_and_price_part_what_the_text_cannot() -> None:
    paths = ((), ("Home",), ("Home", "Light"), ("Garden",))
    shelf = replace(
        make_shelf(4),
        titles=("Lantern",) * 4,
        categories=paths,
        category=np.array([2, 2, 1, 3], np.int32),
        brands=("", "Fen", "Tor"),
        brand=np.array([1, 1, 1, 2], np.int32),
        price_minor=np.array([1_000, 1_000, 2_000, -1], np.int64),
    )
    vectors = np.zeros((4, SIZE), np.float32)
    vectors[:, 0] = 1
    traits = traits_of(shelf, vectors)
    config = LikenessConfig(category=0.2, brand=0.1, price=0.1)
    found = most_alike(traits.take(np.array([0])), traits, np.array([0]), 3, config)
    assert found.place.tolist() == [[1, 2, 3]]
    assert found.likeness[0].tolist() == pytest.approx([1.0, 0.6 + 0.1 + 0.1 + 0.05, 0.6])


def test_products_compared_in_blocks_have_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(90, SIZE)).astype(np.float32) + 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    traits, own_place = traits_of(make_shelf(90, ["Lamps", "Beds"]), vectors), np.arange(90)
    whole = most_alike(traits, traits, own_place, 5, LikenessConfig(looked_at=20))
    assert (whole.place >= 0).all()
    monkeypatch.setattr(content_likeness, "QUERIES_AT_ONCE", 7)
    in_blocks = most_alike(traits, traits, own_place, 5, LikenessConfig(looked_at=20))
    assert in_blocks.place.tolist() == whole.place.tolist()
    assert in_blocks.likeness == pytest.approx(whole.likeness, rel=1e-5)


def test_the_same_shelf_is_not_learned_twice() -> None:
    shelf = shelf_of_words()
    first = learned(shelf)
    config = ContentConfig(n=len(COLOURS) - 1)
    assert fit_content(lesson(shelf), config, earlier=first) is first
    renamed = replace(shelf, titles=("Red lamp", *shelf.titles[1:]))
    assert fit_content(lesson(renamed), config, earlier=first) is not first


def test_rows_of_two_tables_add_up_as_those_of_one() -> None:
    def table(rows: dict[int, list[tuple[int, float]]], n: int) -> Rows:
        entries = [rows.get(row, []) for row in range(n)]
        flat = [entry for row in entries for entry in row]
        return Rows(
            indptr=np.cumsum([0, *map(len, entries)]).astype(np.int64),
            indices=np.array([product for product, _ in flat], np.int32),
            weights=np.array([weight for _, weight in flat], np.float32),
            evidence=np.zeros(len(flat), np.int32),
        )

    own, late = table({0: [(1, 3.0), (2, 1.0)]}, 3), table({0: [(5, 2.5)], 4: [(1, 1.0), (2, 4.0)]}, 6)
    both = table({0: [(1, 3.0), (5, 2.5), (2, 1.0)], 4: [(2, 4.0), (1, 1.0)]}, 6)
    anchors, eligible = Anchors(np.array([4, 0, 99], np.int32), np.array([0.5, 1.0, 1.0])), np.ones(6, np.bool_)
    found, expected = draw_from_both(own, late, anchors, eligible, 4), draw_from_rows(both, anchors, eligible, 4)
    assert found.product_no.tolist() == expected.product_no.tolist() == [1, 2, 5]
    assert found.because.tolist() == expected.because.tolist() == [0, 4, 0]


def test_words_give_the_same_vector_to_a_text_whatever_stands_beside_it() -> None:
    texts = texts_of(shelf_of_words(), range(31))
    encoder = fit_words(texts, 0)
    together, alone = encoder.encode([*texts, "a purple lantern", ""]), encoder.encode(["a purple lantern"])
    assert np.allclose(together[-2], alone[0], atol=1e-6)
    assert not together[-1].any()
    like = together[:30] @ together[-2]
    assert int(like.argmax()) // len(COLOURS) == 0


@pytest.fixture(scope="module")
def network_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (can_encode() and can_export()):
        pytest.skip("the extras text and text-export are not installed")
    folder = tmp_path_factory.mktemp("network")
    assert open_network(folder) is None
    export_network(folder)
    return folder


def read_network(folder: Path) -> Network:
    network = open_network(folder)
    assert network is not None
    return network


def test_the_network_knows_words_of_one_meaning(network_folder: Path) -> None:
    read = read_network(network_folder).read(["crimson lamp", "red lantern", "garden chair", "crimson lamp"])
    assert read.shape == (4, 384)
    assert np.allclose(read[0], read[3], atol=1e-6)
    assert read[0] @ read[1] > read[0] @ read[2]


def test_a_model_with_the_network_is_saved_whole_and_serves_as_before(network_folder: Path, tmp_path: Path) -> None:
    shelf = shelf_of_words()
    content = fit_content(lesson(shelf, network_folder), ContentConfig())
    assert content is not None
    assert content.encoder.name == "network"
    content.save(tmp_path)
    loaded = Content.load(tmp_path)
    assert (loaded.vectors == content.vectors).all()
    assert np.allclose(loaded.encoder.encode(["crimson lamp"]), content.encoder.encode(["crimson lamp"]), atol=1e-6)
    assert neighbours(loaded.rows, 0) == neighbours(content.rows, 0)


def test_a_training_with_the_network_says_so_and_places_newcomers_by_it(network_folder: Path) -> None:
    sequences = sequences_of([view(s, s % 12, START + s) for s in range(240)], 31)
    model = fit(sequences, shelf_of_words(), START, Recipe(), folders=Folders(text_network=network_folder))
    content = model.of(Content)
    assert content is not None
    assert content.encoder.name == "network"
    grown = replace(make_shelf(32), titles=(*shelf_of_words().titles, "Crimson lantern"))
    newcomers = model.view_with_newcomers(grown).newcomers
    assert newcomers is not None
    assert neighbours(newcomers.alike, 31)[0] // len(COLOURS) == THINGS.index("lantern")


def test_every_text_is_read_once_for_encoder_and_vectors(network_folder: Path) -> None:
    texts = texts_of(shelf_of_words(), range(31))
    encoder, vectors = fit_network(read_network(network_folder), texts)
    assert np.allclose(encoder.encode(texts), vectors, atol=1e-5)
    assert not vectors[-1].any()


def test_an_altered_network_is_refused(network_folder: Path, tmp_path: Path) -> None:
    for path in network_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    altered = bytearray((tmp_path / GRAPH).read_bytes())
    altered[len(altered) // 2] ^= 1
    (tmp_path / GRAPH).write_bytes(bytes(altered))
    with pytest.raises(ValueError, match="sha256"):
        open_network(tmp_path)


def test_an_encoder_that_is_not_known_here_is_refused(tmp_path: Path) -> None:
    learned(shelf_of_words()).save(tmp_path)
    told = (tmp_path / "content.json").read_text().replace('"words"', '"runes"')
    (tmp_path / "content.json").write_text(told)
    with pytest.raises(ValueError, match="'runes'"):
        Content.load(tmp_path)
