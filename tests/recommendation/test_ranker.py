"""The ranker's parts against values worked out by hand, and what it does with bad input."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.recommendation import ranker as ranker_module
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.mixing import mix
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker import NOT_INSTALLED, Ranker, load_ranker
from smartshop.ai_agents.recommendation.ranker_columns import feature_names
from smartshop.ai_agents.recommendation.ranker_contest import Order, click_ndcg, judge_orders
from smartshop.ai_agents.recommendation.ranker_examination import Examination, fit_examination
from smartshop.ai_agents.recommendation.ranker_features import features_of, shelf_facts
from smartshop.ai_agents.recommendation.ranker_learning import (
    RankerConfig,
    click_likelihood,
    fit_ranker,
    fit_slope,
    learn_ranker,
)
from smartshop.ai_agents.recommendation.ranker_table import RankerTable
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.recommendation.trending import TrendingConfig, fit_trending
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Surface
from tests.recommendation.worlds import DAY, N_PRODUCTS, START, ask, make_shelf, shelf_of_tastes, shop_of_tastes

EVERY_LOOK = Examination()


def trending_model() -> RecommendationModel:
    sequences = make_sequences(shop_of_tastes(), SequenceConfig())
    as_of = int(sequences.occurred_at.max())
    return RecommendationModel(
        n_products=sequences.n_products,
        as_of=as_of,
        recipe=Recipe(),
        sources=(fit_trending(sequences, as_of, TrendingConfig()),),
        categories=shelf_of_tastes().categories,
    )


@pytest.fixture(scope="module")
def model() -> RecommendationModel:
    return trending_model()


def priced_shelf() -> Shelf:
    """Prices 100, 200, … in turn; brands in turn of three."""
    shelf = shelf_of_tastes()
    return replace(
        shelf,
        price_minor=100 * (1 + np.arange(N_PRODUCTS, dtype=np.int64)),
        brand=(np.arange(N_PRODUCTS) % 3).astype(np.int32),
        brands=("", "Tarn", "Fell"),
    )


def columns_of(model: RecommendationModel, question: Question, products: Sequence[int]) -> dict[str, list[float]]:
    view = model.view(question.shelf)
    mixed = mix(model, view, question, 40)
    numbers = np.array(products, np.int32)
    table = features_of(
        question, view, shelf_facts(question.shelf), mixed, numbers, np.arange(len(numbers), dtype=np.float64)
    )
    assert table.dtype == np.float32
    assert table.flags.c_contiguous
    return {name: table[:, at].tolist() for at, name in enumerate(feature_names(SOURCES))}


def made_table(size: Sequence[int], outcome: Sequence[int], shopper: Sequence[int] | None = None) -> RankerTable:
    n = sum(size)
    return RankerTable(
        features=np.zeros((n, len(feature_names(SOURCES))), np.float32),
        size=np.array(size, np.int32),
        shopper=np.arange(len(size), dtype=np.int32) if shopper is None else np.array(shopper, np.int32),
        blend=np.zeros(n),
        place=np.concatenate([np.arange(each) for each in size]).astype(np.int32),
        outcome=np.array(outcome, np.int8),
        weight=np.ones(n),
    )


def test_features_are_what_their_names_say(model: RecommendationModel) -> None:
    shelf = priced_shelf()
    question = ask(shelf, [3, 3, 12], surface=Surface.PRODUCT, anchor=5)
    question = replace(question, history_bought=np.array([False, True, False]))
    found = columns_of(model, question, [3, 4, 25])
    assert found["log_odds"] == [0.0, 1.0, 2.0]
    assert found["times_in_history"] == [2.0, 0.0, 0.0]
    assert found["times_bought"] == [1.0, 0.0, 0.0]
    assert found["price"] == pytest.approx([math.log(400), math.log(500), math.log(2600)], abs=1e-4)
    # Products 0 to 9 are one category: prices 100 to 1000, the middle of ln 500 and ln 600.
    assert found["price_level"][1] == pytest.approx(math.log(500) - (math.log(500) + math.log(600)) / 2, abs=1e-4)
    assert found["category_of_loudest"] == [1.0, 1.0, 0.0]
    assert found["same_category"][0] == found["same_category"][1] > found["same_category"][2] == 0
    assert found["same_brand"][2] == 0.0
    assert found["in_focus"] == [1.0] * 3
    assert found["surface"] == [float(list(Surface).index(Surface.PRODUCT))] * 3
    assert found["hour"] == [float(question.now // (DAY // 24) % 24)] * 3
    assert found["n_sources"] == [1.0] * 3
    first = int(mix(model, model.view(shelf), question, 40).drawn[SOURCES.index("trending")].product_no[0])
    assert columns_of(model, question, [first])["list_trending"] == [1.0]


def test_what_is_not_known_is_nan_or_nought(model: RecommendationModel) -> None:
    shelf = replace(priced_shelf(), price_minor=np.full(N_PRODUCTS, -1, np.int64))
    found = columns_of(model, ask(shelf), [3, 4])
    for name in ("price", "price_level", "price_gap", "same_category", "days_since_sign", "days_on_sale", "stock"):
        assert np.isnan(found[name]).all(), name
    assert found["signs"] == [0.0, 0.0]
    grown = make_shelf(N_PRODUCTS + 5, ["Range 0"], published_at=START)
    late = columns_of(model, ask(grown, [N_PRODUCTS + 1]), [N_PRODUCTS + 3])
    assert late["demand"] == [0.0]
    assert late["days_on_sale"] == pytest.approx([math.log1p(90)], abs=1e-4)
    assert columns_of(model, ask(make_shelf(0)), [])["price"] == []


def test_the_chance_of_a_look_is_found_beside_the_liking() -> None:
    rng = np.random.default_rng(4)
    place, argued = np.tile(np.arange(8), 12_000), rng.normal(size=96_000)
    argued -= 0.15 * place  # what stands lower is worse, too
    clicked = rng.random(96_000) < (place + 1.0) ** -0.7 / (1 + np.exp(-(argued - 1.0)))
    found = fit_examination(place, argued, clicked)
    assert np.exp(found.log_chance(np.arange(8))) == pytest.approx((np.arange(8) + 1.0) ** -0.7, abs=0.06)
    # Without the liking the lower places would seem to be looked at far less.
    alone = fit_examination(place, np.zeros(96_000), clicked)
    assert float(alone.log_chance(np.array([7]))[0]) < float(found.log_chance(np.array([7]))[0]) - 0.2


def test_without_clicks_all_places_are_looked_at_alike() -> None:
    for clicked in (np.zeros(6, np.bool_), np.ones(6, np.bool_)):
        assert fit_examination(np.arange(6), np.zeros(6), clicked) == EVERY_LOOK
    looks = Examination((0.0, -1.0))
    assert looks.weight(np.array([0, 1, 30])).tolist() == pytest.approx([1, math.e, math.e])
    assert looks.halved().log_looks == (0.0, -0.5)


def test_a_click_counts_where_the_order_puts_it() -> None:
    table = made_table([3, 2], [0, 0, 1, 1, 0])
    shown = click_ndcg(table, np.array([3.0, 2.0, 1.0, 2.0, 1.0]), EVERY_LOOK)
    assert shown.tolist() == pytest.approx([1 / math.log2(4), 1.0])
    turned = click_ndcg(table, np.array([1.0, 2.0, 3.0, 1.0, 1.0]), EVERY_LOOK)
    assert turned.tolist() == pytest.approx([1.0, 1.0])
    # The click at the third place stands for e², that at the first for 1; the weights average 1.
    steep = click_ndcg(table, np.array([3.0, 2.0, 1.0, 2.0, 1.0]), Examination((0.0, -1.0, -2.0)))
    mean = (math.e**2 + 1) / 2
    assert steep.tolist() == pytest.approx([math.e**2 / mean / 2, 1 / mean])


def test_only_a_clear_gain_promotes() -> None:
    n = 60
    table = made_table([3] * n, [0, 0, 1] * n)
    best, worst = np.tile([0.0, 0.0, 1.0], n), np.tile([2.0, 1.0, 0.0], n)
    rng = np.random.default_rng(0)
    assert judge_orders(table, {Order.BLEND: worst, Order.NEW: best}, EVERY_LOOK, rng).chosen is Order.NEW
    assert judge_orders(table, {Order.BLEND: worst, Order.NEW: worst}, EVERY_LOOK, rng).chosen is Order.BLEND
    assert judge_orders(table, {Order.BLEND: best, Order.NEW: worst}, EVERY_LOOK, rng).chosen is Order.BLEND
    kept = {Order.BLEND: worst, Order.PRESENT: best, Order.NEW: best}
    assert judge_orders(table, kept, EVERY_LOOK, rng).chosen is Order.PRESENT
    fallen = {Order.BLEND: best, Order.PRESENT: worst, Order.NEW: worst}
    assert judge_orders(table, fallen, EVERY_LOOK, rng).chosen is Order.BLEND


def test_one_shopper_is_no_evidence() -> None:
    """Sixty clicks of two who disagree are two opinions, not sixty."""
    table = made_table([2] * 60, [0, 1] * 59 + [1, 0], shopper=[0] * 59 + [1])
    scores = {Order.BLEND: np.tile([1.0, 0.0], 60), Order.NEW: np.tile([0.0, 1.0], 60)}
    assert judge_orders(table, scores, EVERY_LOOK, np.random.default_rng(0)).chosen is Order.BLEND


def test_likelihood_and_slope_are_the_logit_models() -> None:
    table = made_table([2, 2], [1, 0, 0, 1])
    assert click_likelihood(table, np.zeros(4)) == pytest.approx(math.log(0.5))
    assert click_likelihood(table, np.array([math.log(3), 0, 0, 0])) == pytest.approx(
        (math.log(0.75) + math.log(0.5)) / 2
    )
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(3_000, 4))
    chosen = np.argmax(1.7 * scores + rng.gumbel(size=scores.shape), axis=1)
    outcome = (np.arange(4) == chosen[:, None]).astype(int)
    many = made_table([4] * 3_000, outcome.ravel().tolist())
    assert fit_slope(many, scores.ravel(), EVERY_LOOK) == pytest.approx(1.7, abs=0.12)


def test_without_slates_nothing_is_learned(model: RecommendationModel) -> None:
    tried = learn_ranker(model, shelf_of_tastes(), ())
    assert tried.ranker is None
    assert "200 are needed" in tried.said or tried.said == NOT_INSTALLED


def test_without_lightgbm_the_blend_serves_and_says_so(
    model: RecommendationModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not ranker_module.is_installed()
    tried = learn_ranker(model, shelf_of_tastes(), ())
    assert (tried.ranker, tried.said) == (None, NOT_INSTALLED)
    assert load_ranker(tmp_path) is None


# ------------------------------------------------------------------------------------------ with LightGBM
def small_ranker() -> Ranker:
    """Learns from 400 slates of four that the cheaper one is clicked."""
    pytest.importorskip("lightgbm", reason="the extra `ranker` is not installed")
    rng = np.random.default_rng(1)
    table = made_table([4] * 400, [0] * 1_600)
    price = feature_names(SOURCES).index("price_level")
    table.features[:, price] = rng.normal(size=1_600)
    cheapest = table.features[:, price].reshape(400, 4).argmin(axis=1)
    table.outcome[:] = (np.arange(4) == cheapest[:, None]).ravel()
    return fit_ranker(
        table.part(0, 300), table.part(300, 400), EVERY_LOOK, RankerConfig(trees=40, learning_rate=0.3), seed=0
    )


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return small_ranker()


def test_what_clicks_follow_is_learned_and_the_same_again(ranker: Ranker) -> None:
    features = np.zeros((2, len(feature_names(SOURCES))), np.float32)
    features[:, feature_names(SOURCES).index("price_level")] = [-1.0, 1.0]
    cheap, dear = ranker.log_odds(features, np.zeros(2))
    assert cheap > dear
    assert ranker.log_odds(features[:0], np.zeros(0)).tolist() == []
    assert small_ranker().text == ranker.text


def test_saved_and_loaded_it_says_the_same(ranker: Ranker, model: RecommendationModel, tmp_path: Path) -> None:
    replace(model, ranker=ranker).save(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    loaded = RecommendationModel.load(tmp_path)
    loaded.save(again)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == {
        path.name: path.read_bytes() for path in again.iterdir()
    }
    assert loaded.ranker is not None
    question = ask(priced_shelf(), [2, 3])
    one, other = (
        RecommendationAdvisor(each).candidates(question, 30) for each in (loaded, replace(model, ranker=ranker))
    )
    assert one.product_no.tolist() == other.product_no.tolist()
    assert dear_first(one.product_no) < dear_first(RecommendationAdvisor(model).candidates(question, 30).product_no)


def dear_first(product_no: np.ndarray[tuple[int], np.dtype[np.int32]]) -> float:
    """How much nearer to the head the products that are dear in their category stand."""
    level = shelf_facts(priced_shelf()).price_level[product_no]
    return float(-np.corrcoef(level, np.arange(len(product_no)))[0, 1])


def test_ranking_a_given_list_and_odd_questions_work_with_a_ranker(ranker: Ranker, model: RecommendationModel) -> None:
    advisor = RecommendationAdvisor(replace(model, ranker=ranker))
    given = np.array([39, 3, 12, 0], np.int32)
    assert sorted(advisor.rank(ask(priced_shelf(), [2]), given).product_no.tolist()) == [0, 3, 12, 39]
    nothing = np.zeros(N_PRODUCTS, np.bool_)
    for question in (
        ask(make_shelf(0)),
        ask(priced_shelf(), eligible=nothing),
        ask(make_shelf(N_PRODUCTS + 25, ["Range 1"]), [N_PRODUCTS + 3, 2], anchor=N_PRODUCTS + 20, limit=30),
    ):
        found = advisor.candidates(question, 200)
        assert len(found.product_no) == min(int(question.eligible.sum()), len(found.product_no))
        assert question.eligible[found.product_no].all()
        assert (np.diff(found.relevance) <= 0).all()
        assert np.isfinite(advisor.advise(question, found).log_odds).all()
    assert advisor.grown(advisor.model).candidates(ask(priced_shelf(), [2]), 20).origins[-1] == "ranker"


@pytest.mark.parametrize("spoil", ["cut", "not a model", "other columns", "gone"])
def test_a_ranker_that_cannot_be_read_is_left_out(
    ranker: Ranker, model: RecommendationModel, tmp_path: Path, spoil: str
) -> None:
    replace(model, ranker=ranker).save(tmp_path)
    text = tmp_path / "ranker.txt"
    match spoil:
        case "cut":
            text.write_text(ranker.text[: len(ranker.text) // 2])
        case "not a model":
            text.write_text("tree\nnothing here\nend of trees\n")
        case "other columns":
            text.write_text(ranker.text.replace("price_level", "price_depth"))
        case _:
            text.unlink()
    loaded = RecommendationModel.load(tmp_path)
    assert loaded.ranker is None
    assert len(RecommendationAdvisor(loaded).candidates(ask(priced_shelf(), [2]), 20).product_no) == 20
