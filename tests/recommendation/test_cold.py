"""Newcomers: what they borrow, how it fades, and a product published after the model in a shopper's list."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy

from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.cold import Newcomers, NewcomersConfig, fit_newcomers, shoppers_per_product
from smartshop.ai_agents.recommendation.cold_borrowing import borrowed, by_rank, cut_rows
from smartshop.ai_agents.recommendation.cold_view import newcomers_view
from smartshop.ai_agents.recommendation.content import Content, ContentConfig, fit_content
from smartshop.ai_agents.recommendation.markov import MarkovConfig, fit_markov
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.source import Lesson, Moment, NewcomersView
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.recommendation.training import fit
from smartshop.ai_agents.recommendation.view import view_shelf
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Surface
from tests.recommendation.worlds import DAY, SECOND, START, Row, ask, make_shelf, sequences_of, view

KINDS = ("Tent", "Stove", "Lamp", "Kayak")
COLOURS = ("red", "blue", "green", "white", "black", "yellow")
N = len(KINDS) * len(COLOURS)
NOW = START + 90 * DAY


def titled(titles: list[str], published_at: int = START) -> Shelf:
    """Categories are the kinds, which every title ends with."""
    paths = ((), *((kind,) for kind in KINDS))
    codes = {kind: code for code, (kind,) in enumerate(paths[1:], 1)}
    shelf = make_shelf(len(titles), published_at=published_at)
    category = np.array([codes[title.split()[-1]] for title in titles], np.int32)
    return replace(shelf, titles=tuple(titles), categories=paths, category=category)


TITLES = [f"{colour} {kind}" for kind in KINDS for colour in COLOURS]


def rows() -> list[Row]:
    """Whoever looks at a tent goes on to a stove, and whoever looks at a lamp to a kayak; the yellow ones are new."""
    found: list[Row] = []
    for shopper in range(240):
        first = (shopper % 2) * 12 + shopper % 5
        found += [
            view(shopper, first, START + shopper * SECOND),
            view(shopper, 6 + first, START + (shopper + 9) * SECOND),
        ]
    return found


def lesson(extra: list[Row] | None = None) -> Lesson:
    return Lesson(sequences=sequences_of(rows() + (extra or []), N), shelf=titled(TITLES), as_of=NOW)


def learned(extra: list[Row] | None = None) -> tuple[Content, Newcomers]:
    one = lesson(extra)
    content = fit_content(one, ContentConfig())
    assert content is not None
    newcomers = fit_newcomers(one, content, (fit_markov(one.sequences, MarkovConfig()),), NewcomersConfig())
    assert newcomers is not None
    return content, newcomers


def drawn(newcomers: Newcomers, shelf: Shelf, history: list[int], late: NewcomersView | None = None) -> list[str]:
    moment = Moment(
        eligible=shelf.alive,
        history=np.array(history, np.int32),
        history_at=np.full(len(history), NOW, np.int64),
        now=NOW,
        focus=np.zeros(0, np.int32),
    )
    plain = view_shelf(np.zeros(0, np.float32), shelf.categories, shelf)
    found = newcomers.draw(ask_of(moment), replace(plain, newcomers=late), 8)
    return [shelf.titles[number] for number in found.product_no.tolist()]


def test_a_product_without_a_past_stands_where_its_like_stand() -> None:
    """From a red tent shoppers go on to stoves: the yellow stove, which nobody met, comes next to the yellow tent."""
    _, newcomers = learned()
    assert set(drawn(newcomers, titled(TITLES), [0])[:2]) == {"yellow Stove", "yellow Tent"}
    assert set(drawn(newcomers, titled(TITLES), [12])[:2]) == {"yellow Kayak", "yellow Lamp"}


def test_a_shopper_who_only_met_a_newcomer_is_given_what_its_like_lead_to() -> None:
    _, newcomers = learned()
    assert {title.split()[-1] for title in drawn(newcomers, titled(TITLES), [5])} == {"Tent", "Stove"}


def test_what_is_borrowed_fades_with_shoppers_of_its_own() -> None:
    """By k / (n + k), and from `young_below` on nothing is borrowed."""
    stove, weights = 11, []
    for own in (0, 3, 9, 10):
        extra = [view(1_000 + shopper, stove, START) for shopper in range(own)]
        table = learned(extra)[1].rows
        row = slice(table.indptr[0], table.indptr[1])
        weights.append(float(table.weights[row][table.indices[row] == stove].sum()))
    k = NewcomersConfig().half_at
    assert weights[1] / weights[0] == pytest.approx(k / (3 + k), rel=1e-3)
    assert weights[2] / weights[0] == pytest.approx(k / (9 + k), rel=1e-3)
    assert weights[3] == 0


def test_shoppers_are_counted_once() -> None:
    sequences = sequences_of([view(0, 1, START), view(0, 1, START + DAY), view(1, 1, START), view(1, 2, START)], 4)
    assert shoppers_per_product(sequences, 5).tolist() == [0, 2, 1, 0, 0]


def grown(titles: list[str], published_at: int = NOW - DAY) -> Shelf:
    """The shelf learned from, and products published since."""
    shelf = titled([*TITLES, *titles])
    since = shelf.published_at.copy()
    since[N:] = published_at
    return replace(shelf, published_at=since)


def test_a_product_published_after_the_model_is_drawn_once_it_is_read() -> None:
    content, newcomers = learned()
    shelf = grown(["purple Stove", "purple Kayak"])
    assert "purple Stove" not in drawn(newcomers, shelf, [0])
    late = newcomers_view(content, newcomers, shelf)
    assert late is not None
    assert "purple Stove" in drawn(newcomers, shelf, [0], late)[:3]
    assert "purple Kayak" not in drawn(newcomers, shelf, [0], late)
    assert "Stove" in {title.split()[-1] for title in drawn(newcomers, titled([*TITLES, "purple Tent"]), [N], late)}


def test_a_text_is_read_once_over_all_views() -> None:
    content, newcomers = learned()
    first = newcomers_view(content, newcomers, grown(["purple Stove"]))
    assert first is not None
    marked = replace(first, vector_of={text: vector * 0 for text, vector in first.vector_of.items()})
    second = newcomers_view(content, newcomers, grown(["purple Stove", "orange Stove"]), marked)
    assert second is not None
    assert [bool(vector.any()) for vector in second.vector_of.values()] == [False, True]


def test_only_so_many_newcomers_are_read_the_newest_first() -> None:
    content, newcomers = learned()
    few = replace(newcomers, config=NewcomersConfig(most_late=1))
    shelf = grown(["purple Stove", "orange Stove"])
    since = shelf.published_at.copy()
    since[N] += 1
    late = newcomers_view(content, few, replace(shelf, published_at=since))
    assert late is not None
    assert list(late.vector_of) == ["purple stove, stove"]


def test_a_shelf_that_did_not_grow_or_shrank_has_no_newcomers() -> None:
    content, newcomers = learned()
    assert newcomers_view(content, newcomers, titled(TITLES)) is None
    assert newcomers_view(content, newcomers, titled(TITLES[:9])) is None


def test_borrowing_is_the_sum_over_every_way() -> None:
    """By hand, dense: lent · adopted, and the mean of the neighbours' rows for the cold."""
    rng = np.random.default_rng(0)
    lent = np.round(rng.random((7, 7)) * (rng.random((7, 7)) < 0.5), 3)
    adopted = np.zeros((7, 7))
    adopted[0, 5], adopted[1, 5], adopted[2, 6] = 0.6, 0.3, 0.5
    shares = adopted.T * (adopted.max(axis=0) / np.maximum(adopted.sum(axis=0), 1e-9))[:, None]
    expected = lent @ adopted + shares @ lent
    np.fill_diagonal(expected, 0)
    found = borrowed(scipy.sparse.csr_array(lent), scipy.sparse.csr_array(adopted), adopters=7, n_kept=7)
    dense = np.zeros((7, 7))
    dense[np.repeat(np.arange(7), np.diff(found.indptr)), found.indices] = found.weights
    assert dense == pytest.approx(expected, abs=1e-6)


def test_rows_are_cut_to_the_greatest_and_ranks_are_counted_in_each_row() -> None:
    cut = cut_rows(scipy.sparse.csr_array(np.array([[0, 1, 3, 3], [0, 0, 0, 0], [2, 0, 0, 1]], float)), 2)
    assert cut.indptr.tolist() == [0, 2, 2, 4]
    assert cut.indices.tolist() == [2, 3, 0, 3]
    ranked = by_rank(Rows(cut.indptr, cut.indices, cut.weights, cut.evidence), 1.0)
    assert ranked.weights.tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 2, 1 / 3])


@pytest.fixture(scope="module")
def model() -> RecommendationModel:
    one = lesson()
    return fit(one.sequences, one.shelf, NOW, Recipe())


def test_one_click_makes_a_list_personal(model: RecommendationModel) -> None:
    """Also where the one product clicked at is newer than the model."""
    advisor, shelf = RecommendationAdvisor(model), grown(["purple Tent", "purple Lamp"])
    advisor.prepare(shelf)
    lists = {
        clicked: [shelf.titles[number] for number in advisor.candidates(ask(shelf, [clicked]), 6).product_no.tolist()]
        for clicked in (0, 12, N, N + 1)
    }
    assert len({tuple(titles) for titles in lists.values()}) == 4
    for tent, lamp in ((0, 12), (N, N + 1)):
        assert {title.split()[-1] for title in lists[tent][:3]} <= {"Tent", "Stove"}
        assert {title.split()[-1] for title in lists[lamp][:3]} <= {"Lamp", "Kayak"}


def test_what_is_like_a_product_newer_than_the_model_is_told_from_its_words(model: RecommendationModel) -> None:
    advisor, shelf = RecommendationAdvisor(model), grown(["purple Kayak"])
    advisor.prepare(shelf)
    question = ask(shelf, anchor=N, surface=Surface.PRODUCT, limit=3)
    found = advisor.similar(question, 3)
    assert {shelf.titles[number].split()[-1] for number in found.product_no.tolist()} == {"Kayak"}
    reasons = [advisor.advise(question, found).reason(place) for place in range(3)]
    assert any(reason is not None and reason.text == "Described much like purple Kayak" for reason in reasons)


def test_newcomers_to_be_tried_are_new_by_date_and_by_shoppers(model: RecommendationModel) -> None:
    advisor = RecommendationAdvisor(model)
    shelf = grown(["purple Stove", "orange Stove"])
    advisor.prepare(shelf)
    named = advisor.candidates(ask(shelf, [0], now=NOW), 20).newcomers
    assert {shelf.titles[number] for number in named} == {"purple Stove", "orange Stove"}
    late = ask(shelf, [0], now=NOW + 60 * DAY)
    assert advisor.candidates(late, 20).newcomers == ()


def test_a_newcomer_to_be_tried_is_among_the_candidates_however_few(model: RecommendationModel) -> None:
    advisor, shelf = RecommendationAdvisor(model), grown(["purple Stove"])
    advisor.prepare(shelf)
    for n in (1, 2, 5):
        found = advisor.candidates(ask(shelf, [0], now=NOW, limit=1), n)
        assert len(set(found.product_no.tolist())) == len(found.product_no) == n
        assert N in found.product_no or n == 1, "the slate's own places are not touched"


def test_a_request_that_comes_before_the_newcomers_were_read_is_answered(model: RecommendationModel) -> None:
    advisor, shelf = RecommendationAdvisor(model), grown(["purple Stove"])
    before = advisor.candidates(ask(shelf, [0]), 5)
    assert before.newcomers == ()
    advisor.prepare(shelf)
    assert advisor.candidates(ask(shelf, [0], now=NOW), 5).newcomers == (N,)


def test_a_saved_model_reads_newcomers_as_before(model: RecommendationModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded, shelf = RecommendationModel.load(tmp_path), grown(["purple Stove"])
    first, second = (each.view_with_newcomers(shelf).newcomers for each in (model, loaded))
    assert first is not None
    assert second is not None
    for told, said in ((first.alike, second.alike), (first.borrowed, second.borrowed)):
        assert told.indices.tolist() == said.indices.tolist()
        assert told.weights.tolist() == said.weights.tolist()
    assert "newcomers" in SOURCES
