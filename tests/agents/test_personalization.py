"""Interest from the profile's sets becomes odds and words."""

import numpy as np
import pytest

from smartshop.ai_agents.advice import Advice
from smartshop.ai_agents.personalization.advice import PersonalizationAdvisor
from smartshop.ai_agents.personalization.agent import PersonalizationAgent
from smartshop.data_collection.schemas.events import EventKind, Traffic
from smartshop.data_collection.schemas.ids import EventId, Micros, ProductId
from smartshop.data_collection.schemas.messages import EventsAccepted, SlateRefreshed
from smartshop.data_collection.schemas.profiles import Exposure, Interest, Profile
from tests.agents.world import event
from tests.slate.small_shop import DAY, NOW, SECOND, listed, make_question, make_shelf

VIEWED, ADDED, DISMISSED = EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED, EventKind.ITEM_DISMISSED


def sign(kind: EventKind, number: int, ago: int = 60, **changes: float) -> Interest:
    """`ago` in seconds."""
    occurred_at = Micros(NOW - ago * SECOND)
    dwell_ms, rating = changes.get("dwell_ms"), changes.get("rating")
    return Interest(
        occurred_at, EventId(f"{kind}-{number}-{ago}"), kind, ProductId(f"p{number}"),
        dwell_ms=None if dwell_ms is None else int(dwell_ms), rating=rating,
    )  # fmt: skip


def searched(query: str, ago: int = 60) -> Interest:
    return Interest(Micros(NOW - ago * SECOND), EventId(f"s-{query}"), EventKind.SEARCHED, None, query=query)


def advised(*signs: Interest, exposures: tuple[Exposure, ...] = (), query: str | None = None) -> Advice:
    """Over products 0 to 39: product i is of category 1 + i % 4 and brand 1 + i % 3."""
    newest_last = tuple(sorted(signs, key=lambda one: one.occurred_at))
    question = make_question(make_shelf(40), profile=Profile(newest_last, (), exposures), query=query)
    return PersonalizationAdvisor().advise(question, listed(range(40)))


def odds_of(advice: Advice, number: int) -> float:
    return float(advice.log_odds[number])


def test_nothing_known_says_nothing() -> None:
    assert not advised().log_odds.any()
    assert advised().reason(3) is None


def test_interest_spreads_to_the_category_more_than_to_the_department() -> None:
    advice = advised(sign(VIEWED, 0))
    same_category, same_department, elsewhere = 24, 25, 26  # one brand each: 24 % 3 = 0 is the seen one's
    assert odds_of(advice, same_category) > odds_of(advice, same_department) > odds_of(advice, elsewhere)
    assert odds_of(advice, 4) > 0 > odds_of(advice, 2)


def test_advice_is_centred_and_within_its_limit() -> None:
    advice = advised(*(sign(ADDED, number, ago) for ago in range(1, 50) for number in (0, 4, 8)))
    assert np.abs(advice.log_odds).max() <= 2.0
    assert abs(float(advice.log_odds.mean())) < 0.2
    assert advice.log_odds.dtype == np.float32


def test_the_newer_the_stronger_and_a_basket_says_more_than_a_view() -> None:
    assert odds_of(advised(sign(VIEWED, 0, ago=5)), 4) > odds_of(advised(sign(VIEWED, 0, ago=7_200)), 4)
    assert odds_of(advised(sign(VIEWED, 0, ago=7_200)), 4) > odds_of(advised(sign(VIEWED, 0, ago=60 * 86_400)), 4)
    assert odds_of(advised(sign(ADDED, 0)), 4) > odds_of(advised(sign(VIEWED, 0)), 4)


def test_dwelling_scales_and_ratings_have_a_sign() -> None:
    long = advised(sign(EventKind.DWELLED, 0, dwell_ms=50_000))
    short = advised(sign(EventKind.DWELLED, 0, dwell_ms=1_000))
    assert odds_of(long, 4) > odds_of(short, 4) > 0
    assert odds_of(advised(sign(EventKind.RATED, 0, rating=5)), 4) > 0
    assert odds_of(advised(sign(EventKind.RATED, 0, rating=1)), 4) < 0


def test_a_dismissal_is_strong_on_the_product_and_slight_on_its_category() -> None:
    advice = advised(sign(DISMISSED, 0))
    assert odds_of(advice, 0) < -1.0
    assert -0.7 < odds_of(advice, 4) < 0


def test_a_search_lifts_what_matches_its_words() -> None:
    advice = advised(searched("SPADE"))
    assert all(odds_of(advice, number) > 0 for number in (2, 6, 10))
    assert odds_of(advice, 1) < 0
    reason = advice.reason(2)
    assert reason is not None
    assert reason.text == "You searched for “SPADE” a moment ago."
    of_the_page = advised(query="spade number 6")
    assert int(np.argmax(of_the_page.log_odds)) == 6


def test_being_shown_in_vain_tires_and_a_later_click_forgives() -> None:
    shown = tuple(
        Exposure(Micros(NOW - ago * SECOND), EventId(f"x{ago}"), ProductId("p1"), None, 0) for ago in (900, 600, 300)
    )
    tired = advised(sign(VIEWED, 3, 100), exposures=shown)
    assert odds_of(tired, 1) < odds_of(tired, 13) - 0.4, "same category and brand, never shown"
    forgiven = advised(sign(VIEWED, 1, 10), exposures=shown)
    assert odds_of(forgiven, 1) > odds_of(forgiven, 13)


def test_prices_like_those_of_interest_are_favoured() -> None:
    prices = np.array([1_000, 1_100, 10_000, 1_050] * 10, dtype=np.int64)
    shelf = make_shelf(40, price_minor=prices, category=np.ones(40, np.int32), brand=np.zeros(40, np.int32))
    profile = Profile((sign(VIEWED, 0), sign(VIEWED, 4), sign(VIEWED, 8)))
    advice = PersonalizationAdvisor().advise(make_question(shelf, profile=profile), listed(range(40)))
    assert odds_of(advice, 15) > odds_of(advice, 14) + 0.2


def test_what_was_only_looked_at_is_not_said_to_have_been_bought() -> None:
    bought = EventKind.ORDER_COMPLETED
    looks = (sign(VIEWED, 8, 120), sign(VIEWED, 0, 60))
    two = advised(sign(bought, 0, 10 * 86_400), sign(bought, 4, 9 * 86_400), *looks).reason(12)
    assert two is not None
    assert two.text == "You bought 2 products in Tents in the last 10 days."
    assert two.evidence["product_ids"] == ["p4", "p0"]
    assert (two.evidence["products"], two.evidence["signs"]) == (2, 2)
    one = advised(sign(bought, 0, 9 * 86_400), *looks).reason(12)
    assert one is not None
    assert one.text == "You bought Tent number 0 9 days ago."


def test_the_reason_counts_what_was_really_done() -> None:
    advice = advised(sign(VIEWED, 0, 500), sign(VIEWED, 4, 300), sign(VIEWED, 8, 100), sign(VIEWED, 8, 90))
    reason = advice.reason(12)
    assert reason is not None
    assert reason.code == "your_interest"
    assert reason.text == "You looked at 3 products in Tents in the last 9 minutes."
    assert reason.evidence["product_ids"] == ["p8", "p4", "p0"]
    assert (reason.evidence["products"], reason.evidence["signs"]) == (3, 4)
    assert reason.evidence["category"] == "Outdoor > Tents"
    one = advised(sign(ADDED, 0, 7_200)).reason(16)
    assert one is not None
    assert one.text == "You put Tent number 0 in your basket 2 hours ago."
    itself = advised(sign(VIEWED, 0, 86_400)).reason(0)
    assert itself is not None
    assert itself.text == "You looked at this a day ago."


def test_unknown_products_future_signs_and_bare_shelves_are_no_error() -> None:
    stranger = Interest(NOW, EventId("e"), VIEWED, ProductId("nix"))
    ahead = Interest(Micros(NOW + DAY), EventId("f"), VIEWED, ProductId("p0"))
    assert np.isfinite(advised(stranger, ahead).log_odds).all()
    bare = make_shelf(
        4, category=np.zeros(4, np.int32), brand=np.zeros(4, np.int32), price_minor=np.full(4, -1, np.int64)
    )
    advice = PersonalizationAdvisor().advise(make_question(bare, profile=Profile((ahead,))), listed(range(4)))
    assert np.isfinite(advice.log_odds).all()
    assert [advice.reason(index) is None for index in range(4)] == [False, True, True, True]
    assert (
        len(PersonalizationAdvisor().advise(make_question(bare, profile=Profile((ahead,))), listed([])).log_odds) == 0
    )


# ------------------------------------------------------------------------------------------ the agent
async def test_one_refresh_per_shopper_and_batch_and_only_for_people() -> None:
    said = await PersonalizationAgent().handle(
        [
            EventsAccepted((event(VIEWED), event(ADDED), event(VIEWED, anonymous_id="a-2"))),
            EventsAccepted((event(VIEWED, anonymous_id="bot", traffic=Traffic.BOT), event(EventKind.PAGE_VIEWED))),
            EventsAccepted((event(EventKind.RECOMMENDATION_SHOWN, anonymous_id="a-3"),)),
        ]
    )
    assert [(one.shopper_key, one.cause) for one in said if isinstance(one, SlateRefreshed)] == [
        ("a-1", "product_added"), ("a-2", "product_viewed"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [EventKind.SEARCHED, EventKind.IDENTIFIED, EventKind.CONSENT_CHANGED, DISMISSED])
async def test_a_customers_event_refreshes_their_browser_too(kind: EventKind) -> None:
    said = await PersonalizationAgent().handle([EventsAccepted((event(kind, customer_id="c-1"),))])
    assert {(one.shopper_key, one.is_customer) for one in said if isinstance(one, SlateRefreshed)} == {
        ("c-1", True), ("a-1", False),
    }  # fmt: skip
