"""What people who shop alike want gets into slates from the question alone, and no further than it should."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.advice import NOTHING_WANTED, Numbers, Question, Wanted
from smartshop.ai_agents.eligibility import ShelfMasks
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.mix_search import EVERY_SOURCE
from smartshop.ai_agents.recommendation.mixing import mix, moment_in
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker_features import features_of, shelf_facts
from smartshop.ai_agents.recommendation.segment_trending import SegmentTrending
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.backend_api.services.questions import ask as question_of
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from tests.recommendation.test_conformance import learned_shop
from tests.recommendation.worlds import DAY, N_PRODUCTS, START, ask, make_shelf, shelf_of_tastes
from tests.slate.service_world import event, request
from tests.slate.small_shop import make_shelf as make_small_shelf

STRANGER = N_PRODUCTS
"""Came after the model: no source of its own has ever heard of it."""
SHELF = make_shelf(N_PRODUCTS + 1, [f"Range {taste}" for taste in range(4) for _ in range(10)])
ORIGIN = SOURCES.index(SegmentTrending.name)
PLAIN = learned_shop().model


@pytest.fixture
def model() -> RecommendationModel:
    """As learned, without any text that newcomers could be read by."""
    return replace(PLAIN, sources=tuple(source for source in PLAIN.sources if source.name != "newcomers"))


def wanted(products: Sequence[int], times: float = 3.0, customers: int = 40) -> Wanted:
    return Wanted(np.array(products, np.int32), np.full(len(products), times, np.float32), customers)


def asked(history: Sequence[int], told: Wanted, eligible: Sequence[int] | None = None) -> Question:
    mask = np.ones(SHELF.n_products, np.bool_)
    if eligible is not None:
        mask[:] = False
        mask[list(eligible)] = True
    return replace(ask(SHELF, history, eligible=mask), wanted_alike=told)


def drawn(model: RecommendationModel, question: Question, n: int = 10) -> list[int]:
    found = SegmentTrending().draw(ask_of(moment_in(question)), model.view(SHELF), n)
    assert set(found.because.tolist()) <= {-1}
    listed: list[int] = found.product_no.tolist()
    return listed


def test_the_list_is_the_questions_own_inside_the_mask(model: RecommendationModel) -> None:
    told = wanted([7, 3, 21, 5])

    assert drawn(model, asked([1], told)) == [7, 3, 21, 5]
    assert drawn(model, asked([1], told), n=2) == [7, 3]
    assert drawn(model, asked([1], told, eligible=[5, 3])) == [3, 5]
    assert drawn(model, asked([1], told, eligible=[])) == []


def test_a_product_that_this_shelf_does_not_know_yet_is_passed_over(model: RecommendationModel) -> None:
    assert drawn(model, asked([1], wanted([SHELF.n_products + 9, 3]))) == [3]


def test_a_product_that_no_other_source_drew_gets_among_the_candidates(model: RecommendationModel) -> None:
    question = asked([1, 2], wanted([STRANGER]))
    advisor = RecommendationAdvisor(model)
    without = advisor.candidates(replace(question, wanted_alike=NOTHING_WANTED), 20)
    found = advisor.candidates(question, 20)
    place = found.product_no.tolist().index(STRANGER)

    assert STRANGER not in without.product_no
    assert found.origins[found.origin[place]] == "segment_trending"
    reason = advisor.advise(question, found).reason(place)
    assert reason is not None
    assert reason.code == "wanted_alike"
    assert reason.text == "Wanted 3.0 times as often as usual by customers who shop like you"
    assert reason.evidence == {"times": 3.0, "customers": 40}


@pytest.mark.parametrize("told", [wanted([STRANGER], times=1.2), wanted([STRANGER], customers=1)])
def test_what_is_no_difference_or_one_persons_is_not_told(model: RecommendationModel, told: Wanted) -> None:
    question = asked([1, 2], told)
    advisor = RecommendationAdvisor(model)
    found = advisor.candidates(question, 20)
    reason = advisor.advise(question, found).reason(found.product_no.tolist().index(STRANGER))

    assert reason is not None
    assert reason.code != "wanted_alike"


def test_where_nobody_says_anything_nothing_changes(model: RecommendationModel) -> None:
    question = asked([1, 2, 3], NOTHING_WANTED)
    bare = replace(model, sources=tuple(source for source in model.sources if source.name != "segment_trending"))
    ours, plain = (RecommendationAdvisor(each).candidates(question, 30) for each in (model, bare))

    assert ours.product_no.tolist() == plain.product_no.tolist()
    assert ours.relevance.tolist() == plain.relevance.tolist()


def test_its_word_fades_as_the_shopper_becomes_known(model: RecommendationModel) -> None:
    histories = ([1], [1, 2, 3, 4], list(range(20)))
    shares = []
    for history in histories:
        mixed = mix(model, model.view(SHELF), asked(history, wanted([STRANGER])), 200)
        shares.append(float(mixed.blended.score[mixed.blended.product_no == STRANGER][0] / mixed.blended.score.max()))

    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 2 * shares[-1] > 0


def test_it_is_silent_where_the_question_is_what_goes_with_a_product(model: RecommendationModel) -> None:
    question = replace(asked([1], wanted([STRANGER])), anchor=3)

    assert STRANGER not in mix(model, model.view(SHELF), question, 200).blended.product_no


def test_a_model_saved_before_the_source_came_still_serves(model: RecommendationModel, tmp_path: Path) -> None:
    before = replace(model, sources=tuple(source for source in model.sources if source.name != "segment_trending"))
    before.save(tmp_path)
    loaded = RecommendationModel.load(tmp_path)
    found = RecommendationAdvisor(loaded).candidates(asked([1, 2], wanted([STRANGER])), 20)

    assert STRANGER not in found.product_no
    assert len(found.product_no) == 20


def test_neither_the_search_for_the_mix_nor_a_ranker_looks_at_it(model: RecommendationModel) -> None:
    """Logged slates and held-out questions carry none of it: what was never learned from must not speak."""
    assert SegmentTrending.name not in EVERY_SOURCE
    assert SegmentTrending.name in {source.name for source in model.sources}
    products, view, facts = np.array([4, 14, 24], np.int32), model.view(SHELF), shelf_facts(SHELF)
    tables = []
    for told in (NOTHING_WANTED, wanted([14, 24])):
        question = asked([1, 2], told)
        tables.append(features_of(question, view, facts, mix(model, view, question, 40), products, np.zeros(3)))
    first, second = tables

    assert (first[:, : len(SOURCES)] == second[:, : len(SOURCES)]).all()
    assert not first[:, ORIGIN].any()


def test_only_the_history_of_who_did_not_withhold_it_is_asked_about() -> None:
    heard: list[list[int]] = []

    def tell(history: Numbers) -> Wanted:
        heard.append(history.tolist())
        return wanted([9])

    masks, profile = ShelfMasks(make_small_shelf()), fold([event(EventKind.PRODUCT_VIEWED, 3, at=500)])
    now = Micros(START + 90 * DAY)
    known, withheld, unknown = (
        question_of(request(history=history), masks, known, now, personal=personal, wanted=tell).question
        for history, known, personal in ((["p5"], profile, True), (["p5"], profile, False), ([], fold([]), True))
    )

    assert heard == [[3, 5]]
    assert known.wanted_alike.product_no.tolist() == [9]
    assert withheld.wanted_alike is unknown.wanted_alike is NOTHING_WANTED


def test_the_shelf_of_the_lesson_needs_none_of_it() -> None:
    """Trained on one shelf and asked on a shorter one, the list is what both know."""
    short = make_shelf(10)
    question = replace(ask(short, [1]), wanted_alike=wanted([4, 30, 2]))
    view = PLAIN.view(shelf_of_tastes())

    assert SegmentTrending().draw(ask_of(moment_in(question)), view, 5).product_no.tolist() == [4, 2]
