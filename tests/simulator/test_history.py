"""The made history: always the same, in order, possible, and with the habits that were planted."""

from collections import Counter, defaultdict

import msgspec
import numpy as np
import pytest

from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.schemas.events import EventKind
from tests.simulator.conftest import END_AT, SEED, Made, make, small_scenario


def as_bytes(made: Made) -> bytes:
    return msgspec.json.encode([(day.receipts, day.events) for day in made.days])


def test_the_same_seed_gives_the_same_history_byte_for_byte() -> None:
    scenario = small_scenario()
    assert as_bytes(make(scenario)) == as_bytes(make(scenario))
    assert as_bytes(make(scenario)) != as_bytes(make(scenario, seed=SEED + 1))


def test_sixty_days_of_three_thousand_shoppers_are_about_150_000_events(outdoor: Made) -> None:
    assert len(outdoor.events) == pytest.approx(150_000, rel=0.1)


def test_events_come_in_time_order_with_ids_of_their_own_and_end_in_time(outdoor: Made) -> None:
    times = [event.occurred_at or "" for event in outdoor.events]
    assert times == sorted(times)
    assert format_rfc3339(END_AT - 60 * DAY) <= times[0]
    assert times[-1] < format_rfc3339(END_AT)
    assert len({event.event_id for event in outdoor.events}) == len(times)


def test_stock_is_never_sold_below_zero(outdoor: Made) -> None:
    world = outdoor.world
    level = dict(zip(world.range.variant_ids, world.opening_level.tolist(), strict=True))
    for day in outdoor.days:
        for receipt in day.receipts:
            level[receipt.variant_id] += receipt.quantity
        for event in day.events:
            sign = {EventKind.ORDER_COMPLETED: -1, EventKind.ORDER_RETURNED: 1}.get(event.kind, 0)
            for line in event.products if sign else ():
                assert line.variant_id is not None
                level[line.variant_id] += sign * (line.quantity or 0)
                assert level[line.variant_id] >= 0
    assert min(level.values()) == 0


def test_receipts_have_ids_of_their_own(outdoor: Made) -> None:
    ids = [receipt.movement_id for day in outdoor.days for receipt in day.receipts]
    assert ids
    assert len(set(ids)) == len(ids)


def test_what_stands_higher_is_clicked_more(outdoor: Made) -> None:
    shown, clicked = Counter[int](), Counter[int]()
    for event in outdoor.events:
        if event.kind is EventKind.RECOMMENDATION_SHOWN:
            shown.update(line.position or 0 for line in event.products)
        if event.kind is EventKind.RECOMMENDATION_CLICKED:
            clicked[event.position or 0] += 1
    rate = [clicked[place] / shown[place] for place in range(8)]
    assert rate[0] > 1.3 * rate[1] > 1.3 * rate[3]
    assert rate[0] > 2 * rate[7]


def test_who_buys_a_tent_comes_for_what_goes_with_it(outdoor: Made) -> None:
    """Buying in a leaf lifts what goes with it, against leaves that nothing ties to it, for the same shoppers."""
    category = {product.product_id: " > ".join(product.category) for product in outdoor.world.products}
    leaves = [leaf.category for leaf in outdoor.world.scenario.leaves]
    bought: dict[str, set[str]] = defaultdict(set)
    for event in outdoor.events:
        if event.kind is EventKind.ORDER_COMPLETED and event.order_id is not None:
            bought[event.order_id] |= {category[line.product_id] for line in event.products if line.product_id}
    baskets = np.array([[leaf in basket for leaf in leaves] for basket in bought.values()], dtype=np.float64)
    together = baskets.T @ baskets * len(baskets) / np.outer(baskets.sum(axis=0), baskets.sum(axis=0))
    tied = outdoor.world.range.assortment.complements
    same_department = np.array([[a.split(" > ")[0] == b.split(" > ")[0] for b in leaves] for a in leaves])
    other = same_department & ~tied & ~tied.T & ~np.eye(len(leaves), dtype=np.bool_)
    assert together[tied & same_department].mean() > together[other].mean()
    tents, bags = leaves.index("Camping > Tents"), leaves.index("Camping > Sleeping bags")
    assert together[tents, bags] > 1.2


def test_shoppers_like_what_their_type_likes(outdoor: Made) -> None:
    people, world = outdoor.world.population, outdoor.world
    climbers = [kind.name for kind in world.scenario.shopper_types].index("climber")
    who = {world.customer_id(number) for number in np.flatnonzero(people.type == climbers).tolist()}
    department = {product.product_id: product.category[0] for product in world.products}
    share = {}
    for name, is_them in (("climbers", True), ("others", False)):
        lines = [
            department[line.product_id]
            for event in outdoor.events
            if event.kind is EventKind.ORDER_COMPLETED and event.customer_id and (event.customer_id in who) is is_them
            for line in event.products
            if line.product_id
        ]
        share[name] = lines.count("Climbing") / len(lines)
    assert share["climbers"] > 4 * share["others"]


def test_some_shoppers_stop_coming_and_none_of_them_returns(outdoor: Made) -> None:
    world = outdoor.world
    start = END_AT - 60 * DAY
    last: dict[str, str] = {}
    for event in outdoor.events:
        if event.kind is EventKind.PAGE_VIEWED and event.anonymous_id:
            last[event.anonymous_id] = event.occurred_at or ""
    lapsed = np.flatnonzero(world.population.lapse_day < 40)
    assert len(lapsed) > 100
    needs = 9
    """Days for which an earlier order may still bring somebody back."""
    for number in lapsed.tolist():
        seen = last.get(world.anonymous_id(number, bool(world.population.prefers_mobile[number])), "")
        assert seen <= format_rfc3339(start + (int(world.population.lapse_day[number]) + needs) * DAY)


def test_customers_sign_in_before_they_are_named_and_orders_take_stock(outdoor: Made) -> None:
    signed_in: set[str] = set()
    for event in outdoor.events:
        if event.kind is EventKind.IDENTIFIED and event.anonymous_id:
            signed_in.add(event.anonymous_id)
        if event.customer_id is not None:
            assert event.anonymous_id in signed_in
        if event.kind is EventKind.ORDER_COMPLETED:
            assert event.takes_stock
            assert all((line.quantity or 0) > 0 and (line.price_minor or 0) > 0 for line in event.products)


def test_the_truth_knows_more_than_was_sold(outdoor: Made) -> None:
    sold = sum(
        line.quantity or 0
        for event in outdoor.events
        if event.kind is EventKind.ORDER_COMPLETED
        for line in event.products
    )
    assert outdoor.ledger.wanted.sum() - outdoor.ledger.missed.sum() == sold
    assert 0 < outdoor.ledger.missed.sum() < 0.15 * outdoor.ledger.wanted.sum()
