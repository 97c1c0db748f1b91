"""The segmentation agent in a real shop: refits, live moves, and everything that must not be lost or said twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartshop.ai_agents.segmentation.due import RUN
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.customers import ConsentChange
from smartshop.data_collection.schemas.ids import CustomerId, Micros, ShopperKey
from smartshop.data_collection.schemas.messages import SlateRefreshed
from smartshop.data_collection.schemas.segments import SegmentId, SegmentKind, Standing
from tests.segmentation.shop_of_two import (
    LEAVES,
    PER_SORT,
    SORTS,
    ShopOfTwo,
    customer,
    opened_shop_of_two,
    product_id,
    segments_of,
)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopOfTwo]:
    """Learned once; tests use customers of their own."""
    with opened_shop_of_two(tmp_path_factory.mktemp("two")) as two:
        two.refit()
        yield two


def standing(two: ShopOfTwo, customer_id: str) -> Standing | None:
    return two.shop.stores.standings.get([CustomerId(customer_id)]).get(CustomerId(customer_id))


def known(two: ShopOfTwo, customer_id: str) -> Standing:
    found = standing(two, customer_id)
    assert found is not None
    return found


def sorts_of_segments(two: ShopOfTwo) -> dict[str, Counter[str]]:
    """Behavioural segment → how many of each sort are in it."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for sort in SORTS:
        for number in range(PER_SORT):
            stands = standing(two, customer(sort, number))
            if stands is not None and stands.segment_id is not None:
                found[stands.segment_id][sort] += 1
    return found


def test_no_segment_mixes_the_sorts_and_each_is_named_by_what_it_buys(learned: ShopOfTwo) -> None:
    found = sorts_of_segments(learned)
    assert sum(counts.total() for counts in found.values()) > 0.9 * 2 * PER_SORT
    segments = {one.segment_id: one for one in learned.shop.stores.standings.segments()}
    for segment_id, counts in found.items():
        (sort, most), *_ = counts.most_common()
        assert most >= 0.9 * counts.total(), (segment_id, counts)
        told = segments[SegmentId(segment_id)]
        words = {word for leaf in LEAVES[sort] for word in leaf.split(" > ")}
        assert any(word in f"{told.name} {told.sentence}" for word in words), told


def test_everybody_has_a_group_a_value_and_affinities(learned: ShopOfTwo) -> None:
    found = known(learned, customer("cook", 7))
    assert found.rfm_group.startswith("rfm-")
    assert found.orders > 0
    assert found.p_alive is not None
    assert found.churn_risk is not None
    assert 0 <= found.churn_risk <= 1
    assert any(affinity.subject.startswith("Kitchen") for affinity in found.affinities)


async def test_a_first_order_brings_a_customer_in_within_the_same_message(learned: ShopOfTwo) -> None:
    told = learned.tell(learned.order("newcomer", "Garden > Seeds", number=1))
    said = await learned.agent().handle([told])
    assert ("newcomer", None, "rfm-new") in segments_of(list(said))
    assert known(learned, "newcomer").orders == 1


async def test_a_cook_who_turns_to_gardening_moves_and_it_is_told_once_but_never_lost(learned: ShopOfTwo) -> None:
    agent, cooks = learned.agent(), [known(learned, customer("cook", number)) for number in range(30, PER_SORT)]
    cook, was = next((one.customer_id, one.segment_id) for one in cooks if 2 <= one.orders <= 4 and one.segment_id)
    orders = [learned.order(cook, leaf, number=n) for n, leaf in enumerate(LEAVES["gardener"] * 6)]
    told = learned.tell(*(order | {"order_id": f"turn-{n}", "event_id": f"turn-{n}"} for n, order in enumerate(orders)))
    said = list(await agent.handle([told]))
    (now,) = [entered for who, left, entered in segments_of(said) if left == was]
    assert sorts_of_segments(learned)[str(now)].most_common()[0][0] == "gardener"
    assert list(await agent.handle([told])) == said, "delivered again it is the very same fact"
    assert list(await learned.agent().handle([told])) == said, "after a restart, too"
    kept = learned.shop.stores.standings.moves(cook)
    assert [move.to_segment for move in kept if move.kind is SegmentKind.BEHAVIOUR] == [now]


async def test_a_live_move_is_what_a_refit_would_say(learned: ShopOfTwo) -> None:
    agent, who = learned.agent(), "as-in-a-refit"
    for number in range(3):
        await agent.handle([learned.tell(learned.order(who, "Kitchen > Pans", number=number))])
    live = known(learned, who)
    learned.refit()
    later = known(learned, who)
    assert (later.segment_id, later.orders, later.spent_minor) == (live.segment_id, live.orders, live.spent_minor)
    assert later.in_segment_since == live.in_segment_since
    assert later.rfm_group.split("-")[1] in ("new", "promising", "champions", "active")


async def test_browsing_alone_moves_after_a_run_of_events(learned: ShopOfTwo) -> None:
    view = {"kind": "product_viewed", "customer_id": "looker"}
    agent = learned.agent()
    views = [view | {"event_id": f"v{n}", "product_id": product_id("Garden > Seeds", n % 4)} for n in range(RUN)]
    assert list(await agent.handle([learned.tell(*views[:-1])])) == []
    said = await agent.handle([learned.tell(views[-1])])
    assert ("looker", None, "rfm-prospects") in segments_of(list(said))


async def test_who_withdraws_personalisation_stands_nowhere(learned: ShopOfTwo) -> None:
    who = customer("cook", 11)
    key, now = ShopperKey(who), Micros(learned.now + 1)
    change = ConsentChange(shopper_key=key, is_customer=True, changes={"personalisation": False}, received_at=now)
    learned.shop.stores.customers.set_consent(change)
    await learned.agent().handle([SlateRefreshed(key, is_customer=True, cause="consent_changed")])
    assert standing(learned, who) is None
    learned.refit()
    assert standing(learned, who) is None


async def test_who_was_merged_counts_as_one(learned: ShopOfTwo) -> None:
    old, new = customer("gardener", 20), customer("gardener", 21)
    orders = known(learned, old).orders + known(learned, new).orders
    learned.shop.stores.customers.merge(old, new, learned.now)
    await learned.agent().handle([SlateRefreshed(ShopperKey(new), is_customer=True, cause="merged")])
    assert standing(learned, old) is None
    assert known(learned, new).orders == orders
    learned.refit()
    assert standing(learned, old) is None


def test_refits_keep_ids_names_and_since(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path) as two:
        first = two.refit()
        names = {segment.segment_id: segment.name for segment in two.shop.stores.standings.segments()}
        since = known(two, customer("cook", 1)).in_segment_since
        renamed = next(segment_id for segment_id in names if segment_id.startswith("b"))
        assert two.shop.stores.standings.rename(renamed, "Our best friends", two.now)
        names[renamed] = "Our best friends"
        two.now = Micros(two.now + 30 * DAY)
        second = two.refit(seed=1)
        assert second.compared > PER_SORT
        assert not second.held_back
        later = {segment.segment_id: segment.name for segment in two.shop.stores.standings.segments()}
        assert {segment_id: later[segment_id] for segment_id in names} == names, "whoever lives on keeps the name"
        assert known(two, customer("cook", 1)).in_segment_since == since
        assert [refit.version for refit in two.shop.stores.standings.refits()] == [second.version, first.version]
        assert sum(flow.customers for flow in second.flows) >= second.compared


def test_a_small_shop_gets_groups_only_and_is_told_so(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path, per_sort=30) as two:
        found = two.refit()
        assert "only the RFM groups" in found.note
        kinds = {segment.kind for segment in two.shop.stores.standings.segments()}
        assert kinds == {SegmentKind.RFM}
        assert known(two, customer("cook", 1)).segment_id is None


def test_an_empty_shop_learns_nothing_and_is_no_error(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path, per_sort=0) as two:
        assert two.refit().customers == 0
        assert two.model().cluster_ids == ()
