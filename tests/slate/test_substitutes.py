"""What cannot be had is stood in for: on its page, in the basket, in `similar`, with reasons that are true."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.exploration import NO_EXPLORATION
from smartshop.ai_agents.policy import BASE
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.popular import PopularSource
from smartshop.ai_agents.recommendation.training import train
from smartshop.ai_agents.shelf import Shelf
from smartshop.ai_agents.slate import Decided, SlateConfig, decide
from smartshop.ai_agents.substitutes import PER_LINE, Substitutes, closeness, instead_of, sold_out
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.shelf_arrays import Pricing, StockPicture, arrange
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, ListedProduct
from smartshop.data_collection.schemas.ids import DecisionId, Micros, ProductId, ProductNo, VariantId
from smartshop.data_collection.schemas.slates import Policy, SlateRequest, Surface
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.world import build_world
from tests.recommendation.worlds import ask, shelf_of_tastes, shop_of_tastes, silent
from tests.slate.service_world import FoldedProfiles, ids, make_service
from tests.slate.small_shop import NOW, BrokenModel, ByNumber, Personal, make_question, make_shelf

PLAIN = SlateConfig(exploration=NO_EXPLORATION)
BASE_ONLY = [Policy(name=BASE, probability=1.0, weights={})]


def shelf_without(gone: list[int], n: int = 200) -> Shelf:
    available = np.full(n, 9, np.int32)
    available[gone] = 0
    return make_shelf(n, available=available, sellable=available > 0)


def page_of(shelf: Shelf, number: int) -> Question:
    eligible = shelf.sellable.copy()
    eligible[number] = False
    return make_question(shelf, surface=Surface.PRODUCT, anchor=number, eligible=eligible)


def decided(question: Question, source: ByNumber | PopularSource, *others: Personal) -> Decided:
    recommender = source if isinstance(source, ByNumber) else None
    rung = Substitutes(source, sold_out(question), recommender)
    return decide(question, DecisionId("d-1"), [rung], others, BASE_ONLY, config=PLAIN)


def test_only_what_cannot_be_had_is_stood_in_for_and_only_on_pages_that_are_about_it() -> None:
    shelf = shelf_without([40, 41])
    assert sold_out(page_of(shelf, 40)).tolist() == [40]
    assert sold_out(page_of(shelf, 42)).tolist() == []
    basket = np.array([40, 42, 41], np.int32)
    assert sold_out(make_question(shelf, surface=Surface.BASKET, basket=basket)).tolist() == [40, 41]
    assert sold_out(make_question(shelf, surface=Surface.HOME, basket=basket)).tolist() == []


def test_the_page_of_a_sold_out_product_is_led_by_its_category_the_nearest_first() -> None:
    shelf = shelf_without([80, 84])
    found = decided(page_of(shelf, 80), ByNumber())
    numbers = [shelf.number_of[item.product_id] for item in found.items]
    assert len(numbers) == 12
    assert all(number % 4 == 0 for number in numbers), "category, in turn over the numbers"
    assert not {80, 84} & set(numbers), "what is sold out itself stands in for nothing"
    assert 76 in numbers[:3]
    assert {item.reason.code for item in found.items if item.reason is not None} == {"substitute"}


def test_nothing_that_advisors_say_puts_a_complement_before_a_substitute() -> None:
    shelf = make_shelf(40, available=np.array([0, *[5] * 39], np.int32), sellable=np.arange(40) > 0)
    liked = Personal({number: 2.0 for number in range(40) if number % 4})
    found = decided(page_of(shelf, 0), ByNumber(), liked)
    numbers = [shelf.number_of[item.product_id] for item in found.items]
    assert [number % 4 == 0 for number in numbers] == [True] * 9 + [False] * 3
    reason = found.items[9].reason
    assert reason is not None
    assert reason.code == "said"


def test_the_shopper_still_orders_the_substitutes() -> None:
    shelf = shelf_without([80])
    found = decided(page_of(shelf, 80), ByNumber(), Personal({120: 2.0}))
    before = decided(page_of(shelf, 80), ByNumber())
    assert found.items[0].product_id == "p120"
    assert before.items[0].product_id != "p120"


def test_a_basket_is_told_some_for_each_line_and_then_what_completes_it() -> None:
    shelf = shelf_without([80, 81])
    eligible = shelf.sellable.copy()
    eligible[20] = False
    question = make_question(
        shelf, surface=Surface.BASKET, basket=np.array([80, 20, 81], np.int32), eligible=eligible, limit=12
    )
    found = decided(question, ByNumber())
    codes = [item.reason.code if item.reason else "" for item in found.items]
    assert codes == ["substitute"] * 2 * PER_LINE + ["by_number"] * 4
    leading = [shelf.number_of[item.product_id] % 4 for item in found.items[: 2 * PER_LINE]]
    assert sorted(leading) == [0] * PER_LINE + [1] * PER_LINE


def test_the_reason_says_what_can_be_read_on_both() -> None:
    shelf = shelf_without([80])
    reason = instead_of(shelf, 80, 100)
    assert reason.text == "In place of Tent number 80: also in Tents, 25% dearer"
    assert reason.evidence == {
        "product_id": "p80", "category": ["Outdoor", "Tents"], "price_difference": 0.247,
        "attributes": {"colour": ["red", "blue"]}, "available": 9,
    }  # fmt: skip
    assert instead_of(shelf, 80, 84).text == "In place of Tent number 80: also in Tents, for much the same price"
    bare = replace(shelf, price_minor=np.full(200, -1, np.int64), available=np.full(200, -1, np.int32), attributes=())
    assert instead_of(bare, 80, 84).evidence == {"product_id": "p80", "category": ["Outdoor", "Tents"]}


def test_closeness_rises_with_each_likeness() -> None:
    shelf = replace(
        make_shelf(5, price_minor=np.array([1000, 1000, 1300, 1000, 1000], np.int64), brand=np.array([1, 2, 2, 1, 2])),
        titles=("Tarn two tent", "Moor lamp", "Moor lamp", "Moor lamp", "Fell two tent"),
        attributes=({"colour": "red"}, {}, {}, {}, {"colour": "red"}),
    )
    none, dearer, brand, like = closeness(shelf, 0, np.array([1, 2, 3, 4], np.int32), np.zeros(0, np.int32))
    assert dearer < none < brand < like
    chosen = closeness(shelf, 0, np.array([1, 2], np.int32), np.array([2, 1], np.int32))
    assert chosen[0] > none
    assert chosen[1] > dearer


def test_without_a_category_or_anything_left_in_it_the_source_alone_speaks() -> None:
    bare = replace(shelf_without([80]), category=np.zeros(200, np.int32))
    emptied = shelf_without([number for number in range(200) if number % 4 == 0])
    for shelf in (bare, emptied):
        found = decided(page_of(shelf, 80), ByNumber())
        assert len(found.items) == 12
        assert all(item.reason is not None and item.reason.code == "by_number" for item in found.items)
        assert found.degraded == []


# ------------------------------------------------------------------------------------------------ as a service
@pytest.mark.parametrize("source", [ByNumber(), BrokenModel(), None])
async def test_similar_and_the_page_answer_for_a_sold_out_product_whatever_works(
    stores: SqlStores, profiles: FoldedProfiles, source: ByNumber | None
) -> None:
    shelf = shelf_without([80])
    service = make_service(stores, profiles, source=source, shelf=shelf, fallback=PopularSource())
    similar = await service.similar(ProductId("p80"), limit=8)
    page = await service.answer(SlateRequest(surface=Surface.PRODUCT, product_id=ProductId("p80"), limit=3), None)
    for slate, wanted in ((similar, 8), (page, 3)):
        assert [item.reason.code if item.reason else "" for item in slate.items] == ["substitute"] * wanted
        assert all(shelf.number_of[item.product_id] % 4 == 0 and item.product_id != "p80" for item in slate.items)


async def test_what_can_be_had_has_its_page_as_before_though_a_variant_of_it_is_sold_out(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    shelf = shelf_without([80])
    shelf = replace(shelf, number_of={**shelf.number_of, ProductId("p81-red"): ProductNo(81)})
    service = make_service(stores, profiles, source=ByNumber(), shelf=shelf)
    asked = SlateRequest(surface=Surface.PRODUCT, product_id=ProductId("p81-red"))
    page = await service.answer(asked, None)
    assert not any(item.reason and item.reason.code == "substitute" for item in page.items)
    assert "p81" not in ids(page)


def test_of_a_learned_shop_those_chosen_alike_stand_in_and_the_model_speaks_for_the_rest() -> None:
    model = train(shop_of_tastes(), shelf_of_tastes(), np.random.default_rng(0), silent).model
    advisor, shelf = RecommendationAdvisor(model), shelf_of_tastes()
    sellable = shelf.sellable.copy()
    sellable[3] = False
    shelf = replace(shelf, sellable=sellable)
    question = ask(shelf, [3], surface=Surface.PRODUCT, anchor=3, eligible=sellable.copy(), limit=30)
    rung = Substitutes(advisor, sold_out(question), advisor)
    found = decide(question, DecisionId("d-1"), [rung], [], BASE_ONLY, config=PLAIN)
    numbers = [shelf.number_of[item.product_id] for item in found.items]
    peers = int((sellable & (shelf.category == shelf.category[3])).sum())
    assert len(numbers) == len(set(numbers)) == 30
    assert 0 < peers < 30
    assert (shelf.category[numbers[:peers]] == shelf.category[3]).all()
    codes = [item.reason.code if item.reason else "" for item in found.items]
    assert codes[:peers] == ["substitute"] * peers
    assert "substitute" not in codes[peers:]
    assert found.degraded == []


# ------------------------------------------------------------------------------------------------ the demo shop
@pytest.fixture(scope="module")
def demo_shelf() -> Shelf:
    world = build_world(load_scenario("outdoor_store"), 7, Micros(1_790_000_000_000_000), shoppers=50)
    listed = [
        ListedProduct(product_no=ProductNo(number), product=product, changed_at=NOW)
        for number, product in enumerate(world.products)
    ]
    gone: NDArray[np.bool_] = np.random.default_rng(3).random(len(listed)) < 0.2
    units = {
        VariantId(variant.variant_id): 0 if gone[number] else 6
        for number, product in enumerate(world.products)
        for variant in product.variants
    }
    pricing = Pricing(currency=world.scenario.currency, market=DEFAULT_MARKET, at=Micros(1_790_000_000_000_000))
    return arrange(listed, pricing, StockPicture(units), version=1)


def test_every_sold_out_product_of_the_demo_shop_has_four_substitutes_where_its_category_has_them(
    demo_shelf: Shelf,
) -> None:
    gone = np.flatnonzero(demo_shelf.available == 0)
    assert len(gone) > 200
    for number in gone.tolist():
        in_category = demo_shelf.category == demo_shelf.category[number]
        found = decided(page_of(demo_shelf, number), PopularSource())
        leading = [demo_shelf.number_of[item.product_id] for item in found.items]
        wanted = min(4, int((in_category & demo_shelf.sellable).sum()))
        assert wanted == 4, "the demo shop's categories are large"
        assert in_category[leading[:wanted]].all()
        assert (demo_shelf.available[leading] > 0).all()
        for item in found.items[:wanted]:
            assert item.reason is not None
            assert item.reason.code == "substitute"
            assert item.reason.evidence["product_id"] == demo_shelf.product_ids[number]
            price = demo_shelf.price_minor[[demo_shelf.number_of[item.product_id], number]]
            assert item.reason.evidence["price_difference"] == pytest.approx(price[0] / price[1] - 1, abs=1e-3)


def test_substitutes_in_the_demo_shop_cost_about_as_much_and_are_the_same_sort_of_thing(demo_shelf: Shelf) -> None:
    ratios, usual_ratios = list[float](), list[float]()
    same_noun, usual = list[bool](), list[bool]()
    for number in np.flatnonzero(demo_shelf.available == 0).tolist():
        found = decided(page_of(demo_shelf, number), PopularSource())
        noun = demo_shelf.titles[number].split()[-1]
        peers = np.flatnonzero(demo_shelf.sellable & (demo_shelf.category == demo_shelf.category[number])).tolist()
        usual += [demo_shelf.titles[peer].split()[-1] == noun for peer in peers]
        usual_ratios += np.abs(np.log(demo_shelf.price_minor[peers] / demo_shelf.price_minor[number])).tolist()
        for item in found.items[:4]:
            other = demo_shelf.number_of[item.product_id]
            ratios.append(abs(np.log(demo_shelf.price_minor[other] / demo_shelf.price_minor[number])))
            same_noun.append(demo_shelf.titles[other].split()[-1] == noun)
    assert np.median(ratios) < 0.6 * np.median(usual_ratios)
    assert np.mean(same_noun) > 2 * np.mean(usual)
