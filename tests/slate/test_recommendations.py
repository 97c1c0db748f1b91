"""Slates out to people: always an answer, only what may be known, and a record of every argument."""

import asyncio

import numpy as np
import pytest

from smartshop.ai_agents.advice import Candidates, Question
from smartshop.data_collection.connectors.sql.customers import SqlCustomers
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.customers import Consent, ConsentChange, Shopper
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import (
    CustomerId,
    Micros,
    ProductId,
    ShopperKey,
)
from smartshop.data_collection.schemas.slates import (
    SlateRequest,
    Surface,
)
from smartshop.errors import NotFound, Unavailable
from tests.slate.service_world import (
    ANONYMOUS,
    DownProfiles,
    FoldedProfiles,
    SlowProfiles,
    event,
    filtered,
    ids,
    make_service,
    request,
)
from tests.slate.small_shop import DAY, NOW, Breaks, BrokenModel, ByNumber, listed, make_shelf


async def test_a_click_changes_the_very_next_slate_and_says_why(stores: SqlStores, profiles: FoldedProfiles) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    before = await service.answer(request(), None)
    await profiles.fold([event(EventKind.PRODUCT_VIEWED, number, at=number) for number in (43, 47, 51)])
    after = await service.answer(request(), None)
    assert ids(before) != ids(after)
    spoken = [item.reason for item in after.items if item.reason is not None and item.reason.code == "your_interest"]
    assert spoken
    # A product that was itself looked at is no evidence for itself, so it counts the two others.
    assert {reason.text for reason in spoken} <= {
        f"You looked at {n} products in Tents in the last minute." for n in (2, 3)
    }
    assert all(set(reason.evidence["product_ids"]) <= {"p43", "p47", "p51"} for reason in spoken)


async def test_unknown_ids_are_ignored_and_named(stores: SqlStores, profiles: FoldedProfiles) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    slate = await service.answer(
        request(history=["p1", "nix"], basket=["nought"], product_id="none", filters={"exclude": ["zero"]}),
        None,
    )
    assert slate.degraded == [
        "history: unknown nix", "basket: unknown nought", "exclude: unknown zero", "product_id: unknown none",
    ]  # fmt: skip
    assert len(slate.items) == 12
    many = await service.answer(request(history=[f"x{i}" for i in range(9)]), None)
    assert many.degraded == ["history: unknown x0, x1, x2, x3, x4 and 4 more"]


async def test_without_consent_the_slate_is_contextual_and_tied_to_no_one(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    await profiles.fold([event(EventKind.PRODUCT_VIEWED, 47), event(EventKind.ITEM_DISMISSED, 0)])
    stores.customers.set_consent(
        ConsentChange(shopper_key=ShopperKey(ANONYMOUS), is_customer=False, changes={"personalisation": False},
                      received_at=NOW)
    )  # fmt: skip
    slate = await service.answer(request(history=["p9"], basket=["p3"]), None)
    stranger = await service.answer(SlateRequest(surface=Surface.HOME, basket=[ProductId("p3")]), None)
    assert set(ids(slate)) >= {"p0", "p9"}
    assert {item.contributions["personalization"] for item in slate.items} == {0.0}
    assert sorted(ids(slate)[:3]) == sorted(ids(stranger)[:3])
    decision = await service.decision(slate.decision_id)
    assert decision is not None
    assert decision.shopper_key == ""


async def test_a_decision_says_whose_it_is(stores: SqlStores, profiles: FoldedProfiles) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    browser = await service.decision((await service.answer(request(), None)).decision_id)
    customer = await service.decision(
        (await service.answer(request(customer_id=CustomerId("c-1")), None, vouched=True)).decision_id
    )
    assert browser is not None
    assert customer is not None
    assert (browser.shopper_key, browser.is_customer) == ("a-1", False)
    assert (customer.shopper_key, customer.is_customer) == ("c-1", True)


@pytest.mark.parametrize(
    ("broken", "said"), [(SlowProfiles, "took over 150 ms"), (DownProfiles, "failed (Unavailable)")]
)
async def test_a_store_that_is_slow_or_down_costs_the_profile_only(
    stores: SqlStores, broken: type[FoldedProfiles], said: str
) -> None:
    service = make_service(stores, broken(), source=ByNumber())
    slate = await service.answer(request(), None)
    assert slate.degraded == [f"profiles: {said}"]
    assert len(slate.items) == 12


async def test_without_customers_consent_is_not_assumed(stores: SqlStores, profiles: FoldedProfiles) -> None:
    class Gone(SqlCustomers):
        def shopper(self, *_: object) -> Shopper:
            raise Unavailable("The customers' engine is down; try again.")

    gone = Gone(stores.shop_database, Consent(), stores.erasure.keys)
    service = make_service(stores, profiles, source=ByNumber(), customers=gone)
    await profiles.fold([event(EventKind.PRODUCT_VIEWED, 47)])
    slate = await service.answer(request(), None)
    assert slate.degraded == ["customers: failed (Unavailable)"]
    assert len(slate.items) == 12
    assert {item.contributions["personalization"] for item in slate.items} == {0.0}


async def test_the_ladder_answers_whatever_is_broken(stores: SqlStores, profiles: FoldedProfiles) -> None:
    assert len((await make_service(stores, profiles).answer(request(), None)).items) == 12
    broken = make_service(stores, profiles, source=BrokenModel(), fallback=Breaks())
    for slate in (await broken.answer(request(), None), await broken.similar(ProductId("p3"))):
        assert len(slate.items) == 12
        assert slate.degraded


async def test_filters_hold_and_lists_are_full(stores: SqlStores, profiles: FoldedProfiles) -> None:
    sellable = np.arange(200) % 10 != 1
    service = make_service(stores, profiles, source=ByNumber(), shelf=make_shelf(sellable=sellable))
    await profiles.fold([event(EventKind.PRODUCT_VIEWED, 4), event(EventKind.ORDER_COMPLETED, 8, at=90)])

    async def shown(**filters: object) -> list[int]:
        slate = await service.answer(filtered(**filters), None)
        return sorted(int(one[1:]) for one in ids(slate))

    everything = [number for number in range(200) if sellable[number]]
    assert await shown(bought="allow") == everything
    assert await shown() == [number for number in everything if number != 8], "home leaves out what was just bought"
    assert await shown(in_stock=False, bought="allow") == list(range(200))
    assert await shown(category=["Outdoor"], brand=["Tarn"]) == [
        number for number in everything if number % 4 in (0, 1) and number % 3 == 0
    ]
    assert await shown(category=["Outdoor > Tents", "Garden > Spades"], bought="allow") == [
        number for number in everything if number % 4 in (0, 2)
    ]
    assert await shown(category=["Tents"]) == []
    assert await shown(bought="only") == [8]
    assert await shown(seen="exclude") == [number for number in everything if number not in (4, 8)]
    assert await shown(exclude=["p0", "p4"], bought="allow") == [n for n in everything if n not in (0, 4)]
    assert await shown(attributes={"colour": ["red", "black"]}) == [n for n in everything if n % 5 == 0]
    assert await shown(attributes={"size": "XL"}) == []
    assert await shown(price_minor={"min": 1_000, "max": 2_000}) == [n for n in everything if 9 <= n <= 19]
    assert await shown(price_minor={"min": 2**62}) == []
    assert await shown(price_minor={"min": -(2**62), "max": 400}) == [0, 2, 3]


async def test_basket_anchor_and_dismissed_products_are_never_shown(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    await profiles.fold([event(EventKind.ITEM_DISMISSED, 2, at=5), event(EventKind.ITEM_DISMISSED, 3, at=50)])
    await profiles.fold([event(EventKind.PRODUCT_VIEWED, 3, at=1)])
    slate = await service.answer(request(basket=["p0"], product_id="p1", limit=200), None)
    assert not {"p0", "p1", "p2"} & set(ids(slate))
    assert len(slate.items) == 197
    assert "p3" in ids(slate), "looked at again since"


async def test_what_lies_in_the_basket_is_not_shown_on_the_home_page_unless_the_shelf_is_bare(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    await profiles.fold([event(EventKind.PRODUCT_ADDED, product, at=60) for product in (0, 1, 2, 3)])
    await profiles.fold([event(EventKind.PRODUCT_REMOVED, 1, at=50), event(EventKind.ORDER_COMPLETED, 2, at=40)])
    await profiles.fold([event(EventKind.PRODUCT_ADDED, 4, at=2 * 86_400)])
    shown = ids(await service.answer(request(limit=100, filters={"bought": "allow"}), None))
    assert not {"p0", "p3"} & set(shown)
    assert {"p1", "p2", "p4"} <= set(shown), "taken out, bought, and forgotten"
    assert "p0" in ids(await service.answer(request(surface="category", limit=200), None))
    shelf = await service.answer(request(limit=197, filters={"bought": "allow"}), None)
    assert "p0" not in ids(shelf)
    assert len(ids(await service.answer(request(limit=199, filters={"bought": "allow"}), None))) == 199


async def test_stateless_uses_only_the_request_and_at_knows_no_later_events(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    await profiles.fold([event(EventKind.ORDER_COMPLETED, 0, at=60)])
    only = request(filters={"bought": "only"})
    assert ids(await service.answer(only, None)) == ["p0"]
    assert ids(await service.answer(only, None, at=Micros(NOW - DAY))) == []
    stateless = request(filters={"bought": "only"}, stateless=True, history=["p7"])
    assert ids(await service.answer(stateless, None)) == ["p7"]


async def test_plain_lists_and_rank(stores: SqlStores, profiles: FoldedProfiles) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    together = await service.bought_together(ProductId("p7"))
    assert sorted(ids(together)) == ["p8", "p9"], "only what was learned, without the product itself"
    assert {item.propensity for item in together.items} == {1.0}
    assert together.policy.probability == 1.0
    assert len((await service.similar(ProductId("p7"), limit=30)).items) == 30
    assert all(int(one[1:]) % 4 < 2 for one in ids(await service.trending("Outdoor", limit=20)))
    with pytest.raises(NotFound, match="nix"):
        await service.similar(ProductId("nix"))

    wanted = [ProductId(one) for one in ("p9", "nix", "p2", "p9", "p150")]
    ranked = await service.rank(wanted, request(), None)
    assert ids(ranked) == ["p2", "p9", "p150", "nix"]
    assert [item.position for item in ranked.items] == [0, 1, 2, 3]
    assert ranked.degraded == ["product_ids: unknown nix"]
    assert ids(await service.rank([ProductId("nix")], request(), None)) == ["nix"]
    unlearned = make_service(stores, profiles)
    assert ids(await unlearned.rank(wanted, request(), None)) == ["p9", "p2", "p150", "nix"]
    assert ids(await unlearned.bought_together(ProductId("p7"))) == []


async def test_a_model_is_swapped_while_requests_run(stores: SqlStores, profiles: FoldedProfiles) -> None:
    class Reversed(ByNumber):
        def candidates(self, question: Question, n: int) -> Candidates:
            return listed(np.flatnonzero(question.eligible)[::-1][:n].tolist())

    service = make_service(stores, profiles, source=ByNumber(), shelf=make_shelf(1_000))

    async def ask() -> tuple[str, list[int]]:
        slate = await service.answer(request(), None)
        decision = await service.decision(slate.decision_id)
        assert decision is not None
        return decision.model_versions["recommendation"], list(decision.product_no)

    asking = [asyncio.create_task(ask()) for _ in range(20)]
    await asyncio.sleep(0)
    service.use(Reversed(), [], {"recommendation": "v2"})
    answers = [await one for one in asking] + [await ask()]
    assert {version for version, _ in answers} == {"v1", "v2"}
    assert all((max(numbers) < 200) == (version == "v1") for version, numbers in answers)
