"""Learning to rank for the simulator's shoppers: it wins where clicks say something, and not where they do not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.agent import RecommendationAgent
from smartshop.ai_agents.recommendation.metrics import measure
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker import NAME
from smartshop.ai_agents.recommendation.ranker_learning import RankerTried, learn_ranker
from smartshop.ai_agents.recommendation.ranker_table import question_of
from smartshop.ai_agents.recommendation.training import TrainedModel
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.slate_outcomes import ShownSlate, load_shown_slates
from smartshop.data_collection.schemas.ids import Micros
from tests.recommendation.clicking_shop import END_AT, ClickingShop, live, open_shop

pytest.importorskip("lightgbm", reason="the extra `ranker` is not installed")
DAYS = 6


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickingShop]:
    opened = open_shop(tmp_path_factory.mktemp("clicking"), products=120, shoppers=400)
    live(opened, DAYS)
    yield opened
    opened.stores.close()


@pytest.fixture(scope="module")
def slates(shop: ClickingShop) -> tuple[ShownSlate, ...]:
    stores = shop.stores
    until = Micros(END_AT + 30 * DAY)
    return load_shown_slates(stores.log, stores.customers, stores.decisions, shop.shelf, since=END_AT, until=until)


@pytest.fixture(scope="module")
def tried(shop: ClickingShop, slates: tuple[ShownSlate, ...]) -> RankerTried:
    return learn_ranker(shop.model, shop.shelf, slates)


def told_of_others(slates: Sequence[ShownSlate], seed: int) -> list[ShownSlate]:
    """Every slate gets what became of another one of its length: places keep their share, products say nothing."""
    rng = np.random.default_rng(seed)
    noise = list(slates)
    for n in sorted({len(slate.product_no) for slate in slates}):
        alike = [number for number, slate in enumerate(slates) if len(slate.product_no) == n]
        for mine, theirs in zip(alike, rng.permutation(alike).tolist(), strict=True):
            other = slates[theirs]
            noise[mine] = replace(slates[mine], outcome=other.outcome, named=other.named)
    return noise


def true_worth(shop: ClickingShop, model: RecommendationModel, slates: Sequence[ShownSlate]) -> float:
    """Of the first ten candidates, in standard deviations of their shopper's utility: only the simulator knows it."""
    advisor, shelf = RecommendationAdvisor(model), shop.shelf
    row_of = {int(shelf.number_of[product.product_id]): row for row, product in enumerate(shop.world.products)}
    shopper_of = {decision.decided_at: int(decision.shopper_key.split("-")[2]) for decision in shop.decisions}
    worth: list[float] = []
    for slate in slates:
        utility = shop.world.utility[shopper_of[slate.decided_at]]
        found = advisor.candidates(question_of(slate, shelf), 60).product_no[:10]
        best = utility[[row_of[number] for number in found.tolist()]]
        worth.append(float((best.mean() - utility.mean()) / utility.std()))
    return float(np.mean(worth))


def test_what_was_shown_is_read_as_it_was_decided(shop: ClickingShop, slates: tuple[ShownSlate, ...]) -> None:
    assert len(slates) > 1_000
    decisions = {decision.decided_at: decision for decision in shop.decisions}
    clicks = {(event.decision_id, event.product_id) for event in shop.events if event.kind == "recommendation_clicked"}
    told = set()
    for slate in slates:
        decision = decisions[slate.decided_at]
        assert decision.product_no[: len(slate.product_no)] == slate.product_no.tolist()
        assert (slate.history_at < slate.decided_at).all()
        assert not np.isin(slate.basket, slate.product_no).any()
        assert (slate.outcome[slate.named] > 0).all()
        clicked = slate.product_no[slate.named].tolist()
        told |= {(decision.decision_id, shop.shelf.product_ids[number]) for number in clicked}
    assert told == clicks


def test_where_clicks_say_something_the_ranker_serves(
    shop: ClickingShop, slates: tuple[ShownSlate, ...], tried: RankerTried
) -> None:
    assert tried.ranker is not None, tried.said
    assert tried.metrics["ranker_gain_low"] > 0
    assert tried.metrics["ranker_gain_halved_low"] > 0
    assert tried.metrics["ranker_ndcg_new"] > tried.metrics["ranker_ndcg_blend"]
    newest = slates[-200:]
    ranked = true_worth(shop, replace(shop.model, ranker=tried.ranker), newest)
    assert ranked > true_worth(shop, shop.model, newest)


@pytest.mark.parametrize("seed", [0, 1])
def test_where_clicks_say_nothing_the_blend_serves(
    shop: ClickingShop, slates: tuple[ShownSlate, ...], seed: int
) -> None:
    tried = learn_ranker(shop.model, shop.shelf, told_of_others(slates, seed))
    assert tried.ranker is None, tried.said
    assert tried.metrics["ranker_serves"] == 0
    assert tried.said.startswith("the blend serves")


def test_a_present_ranker_stays_unless_the_new_one_beats_it(
    shop: ClickingShop, slates: tuple[ShownSlate, ...], tried: RankerTried
) -> None:
    again = learn_ranker(shop.model, shop.shelf, slates, tried.ranker)
    assert again.ranker is tried.ranker
    assert again.metrics["ranker_is_new"] == 0
    few = learn_ranker(shop.model, shop.shelf, slates[:40], tried.ranker)
    assert few.ranker is tried.ranker
    assert "stays" in few.said
    assert learn_ranker(shop.model, shop.shelf, slates[:40]).ranker is None


def test_the_same_slates_give_the_same_ranker(
    shop: ClickingShop, slates: tuple[ShownSlate, ...], tried: RankerTried
) -> None:
    again = learn_ranker(shop.model, shop.shelf, slates)
    assert again.ranker is not None
    assert tried.ranker is not None
    assert again.ranker.text == tried.ranker.text
    assert again.metrics == tried.metrics


def test_it_is_published_with_its_figures_and_serves_from_the_folder(
    shop: ClickingShop, slates: tuple[ShownSlate, ...], tried: RankerTried
) -> None:
    nothing = measure(np.zeros((0, 10), np.bool_), np.zeros(0, np.int64))
    trained = TrainedModel(shop.model, shop.model, (), nothing, Micros(shop.model.as_of), 0, 1_000)
    said: list[str] = []
    agent = RecommendationAgent(shop.stores.models, lambda: Micros(END_AT + 30 * DAY))
    agent.publish(trained, shop.shelf, slates, lambda _, what: said.append(what))
    record = shop.stores.models.promoted("recommendation")
    assert record is not None
    assert record.metrics["ranker_serves"] == 1
    assert said[-1] == tried.said
    loaded = RecommendationModel.load(shop.stores.models.open(record))
    question: Question = question_of(slates[-1], shop.shelf)
    fresh = RecommendationAdvisor(replace(shop.model, ranker=tried.ranker))
    served, expected = RecommendationAdvisor(loaded).candidates(question, 60), fresh.candidates(question, 60)
    assert served.product_no.tolist() == expected.product_no.tolist()
    assert served.relevance.tolist() == expected.relevance.tolist()
    assert NAME in served.origins
    plain = RecommendationAdvisor(shop.model).candidates(question, 60)
    assert served.product_no.tolist() != plain.product_no.tolist()
    origin_of = dict(zip(plain.product_no.tolist(), plain.origin.tolist(), strict=True))
    assert all(origin_of[p] == o for p, o in zip(served.product_no.tolist(), served.origin.tolist(), strict=True))
    log_odds = fresh.advise(question, served).log_odds
    assert (np.diff(log_odds) <= 1e-6).all()
    assert abs(float(log_odds.mean())) < 1e-4
