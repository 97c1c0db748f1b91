"""Whose an event is: the same for links in any order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from smartshop.data_collection.connectors.ownership import stretches, windows_of
from smartshop.data_collection.pipelines.identity import learning_owners
from smartshop.data_collection.schemas.customers import AnonymousWindow, IdentityLink
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros
from tests.connectors.told import at, event, link

BROWSER = AnonymousId("browser")
ADA, BOB = CustomerId("ada"), CustomerId("bob")

links_told = st.lists(
    st.builds(
        IdentityLink,
        anonymous_id=st.sampled_from([AnonymousId("b1"), AnonymousId("b2")]),
        customer_id=st.sampled_from([ADA, BOB, CustomerId("eve")]),
        received_at=st.integers(0, 12).map(Micros),
        trust=st.sampled_from(Trust),
    ),
    max_size=10,
)


@given(links_told, st.randoms(use_true_random=False))
def test_links_in_any_order_and_twice_give_the_same_owners(links: list[IdentityLink], random: Random) -> None:
    shuffled = [*links, *links]
    random.shuffle(shuffled)
    assert stretches(shuffled) == stretches(links)
    assert learning_owners(shuffled) == learning_owners(links)


@given(links_told)
def test_every_moment_of_a_linked_id_has_exactly_one_owner(links: list[IdentityLink]) -> None:
    owners = learning_owners(links)
    for anonymous_id in {told.anonymous_id for told in links}:
        for moment in range(14):
            windows = {
                customer: [
                    window
                    for window in windows_of(links, [customer])
                    if window.anonymous_id == anonymous_id
                    and window.since <= moment
                    and (window.until is None or moment < window.until)
                ]
                for customer in (ADA, BOB, CustomerId("eve"))
            }
            assert [customer for customer, found in windows.items() if found] == [
                owners.of_anonymous(anonymous_id, Micros(moment))
            ]


def test_the_first_owns_what_came_before_the_next_only_what_comes_after() -> None:
    links = [link("browser", "bob", 20), link("browser", "ada", 10), link("browser", "ada", 12)]
    assert windows_of(links, [ADA]) == (AnonymousWindow(BROWSER, Micros(0), at(20)),)
    assert windows_of(links, [BOB]) == (AnonymousWindow(BROWSER, at(20), None),)
    owners = learning_owners(links)
    assert [owners.of_anonymous(BROWSER, at(moment)) for moment in (-100, 10, 19, 20, 99)] == [ADA, ADA, ADA, BOB, BOB]
    assert owners.of_anonymous(AnonymousId("unknown"), at(0)) is None


def test_who_comes_back_owns_from_then_on() -> None:
    links = [link("browser", "ada", 10), link("browser", "bob", 20), link("browser", "ada", 30)]
    assert windows_of(links, [ADA]) == (
        AnonymousWindow(BROWSER, Micros(0), at(20)),
        AnonymousWindow(BROWSER, at(30), None),
    )


def test_merges_are_followed_to_their_end_and_a_circle_harms_nothing() -> None:
    owners = learning_owners([link("browser", "a", 1)], {CustomerId("a"): CustomerId("b"), CustomerId("b"): ADA})
    assert owners.of_anonymous(BROWSER, at(1)) == ADA
    assert owners.of_event(event("e1", customer_id="b")) == (True, "ada")
    circle = learning_owners([], {ADA: BOB, BOB: ADA})
    assert circle.of_customer(ADA) in (ADA, BOB)


def test_an_event_is_its_customers_else_the_owners_else_the_browsers() -> None:
    owners = learning_owners([link("browser", "ada", 1)])
    assert owners.of_event(event("e1", customer_id="bob", anonymous_id="browser")) == (True, "bob")
    assert owners.of_event(event("e2", anonymous_id="browser")) == (True, "ada")
    assert owners.of_event(event("e3", anonymous_id="other")) == (False, "other")
