"""A reason says what is true of this shopper and this product, no more."""

import pytest

from smartshop.ai_agents.recommendation.popular import PopularSource
from smartshop.ai_agents.recommendation.reasons import NEW_FOR, explain
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sessions import Sessions
from smartshop.ai_agents.recommendation.training import fit
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.slates import Reason
from tests.recommendation.test_conformance import learned_shop
from tests.recommendation.worlds import START, ask, make_shelf, sequences_of, shelf_of_tastes


@pytest.mark.parametrize(
    ("history", "text", "times"),
    [
        ([3, 12], "You looked at Product 12 before", 1),
        ([3, 12, 12, 12], "You looked at Product 12 before", 1),
        ([12, 3, 12, 12], "You looked at Product 12 2 times", 2),
    ],
)
def test_a_product_seen_before_is_said_to_be_so_as_often_as_it_was(history: list[int], text: str, times: int) -> None:
    reason = explain(learned_shop().model, ask(shelf_of_tastes(), history), "buy_again", 12, 12)
    assert reason == Reason(code="looked_at_again", text=text, evidence={"product_id": "p12", "times": times})


def test_only_a_young_product_is_called_new() -> None:
    now = ask(make_shelf(1)).now

    def code_of(age: int) -> str:
        question = ask(make_shelf(1, published_at=now - age))
        source = PopularSource()
        reason = source.advise(question, source.candidates(question, 1)).reason(0)
        assert reason is not None
        return reason.code

    assert code_of(NEW_FOR - 1) == "new"
    assert code_of(NEW_FOR + 1) == "from_the_catalogue"


def test_a_visit_is_named_as_a_reason_with_the_count_of_its_shoppers() -> None:
    model = learned_shop().model
    learned = model.of(Sessions)
    assert learned is not None
    shoppers = learned.shoppers_with_both(11, 12)
    assert shoppers > 20
    reason = explain(model, ask(shelf_of_tastes(), [11]), "sessions", 12, 11)
    said = f"{shoppers} shoppers turned to this on the visit that took them to Product 11"
    assert reason == Reason(code="same_visit", text=said, evidence={"product_id": "p11", "shoppers": shoppers})
    again = explain(model, ask(shelf_of_tastes(), [11]), "sessions", 11, 11)
    assert again is not None
    assert again.text == "You looked at Product 11 before"


def test_what_was_only_bought_in_one_order_is_not_said_to_have_come_after() -> None:
    rows = [(shopper, product, EventKind.ORDER_COMPLETED, START, shopper) for shopper in range(5) for product in (0, 1)]
    model = fit(sequences_of(rows, 2), make_shelf(2), START, Recipe())
    assert explain(model, ask(make_shelf(2), [0]), "markov", 1, 0) == Reason(
        code="viewed_next",
        text="5 shoppers turned to this along with Product 0 or soon after",
        evidence={"product_id": "p0", "shoppers": 5},
    )
