"""Too few customers are left for behavioural segments: nobody loses theirs before an operator said so."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from rich.console import Console

from smartshop.ai_agents.segmentation.clusters import NOWHERE
from smartshop.ai_agents.segmentation.dividing import DivideConfig
from smartshop.ai_agents.segmentation.identity import RefitConfig, refit_clusters
from smartshop.ai_agents.segmentation.learning import NO_SEGMENTS, accept_segments
from smartshop.ai_agents.segmentation.report import SegmentsNow, as_tables, sentences
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import Refit, SegmentId, SegmentKind, SegmentMove
from tests.segmentation.made_tastes import known, sorts
from tests.segmentation.shop_of_two import SORTS, ShopOfTwo, customer, opened_shop_of_two

PER_SORT = 104
"""Just enough for behavioural segments."""
LEFT_PER_SORT = 49
"""Just too few for them to go on."""


@dataclass(frozen=True)
class Seen:
    """What the store says after a refit."""

    refit: Refit
    of_customers: Mapping[CustomerId, SegmentId]
    """Of those who have a behavioural segment."""
    living: frozenset[SegmentId]
    retired: frozenset[SegmentId]
    moves: tuple[SegmentMove, ...]
    text: str
    """Of `smartshop segments`."""


@dataclass(frozen=True)
class Story:
    full: Seen
    had: Mapping[CustomerId, SegmentId]
    """Of those who stayed, before anything was learned of that."""
    held: Seen
    held_again: Seen
    accepted: Seen
    small: Seen
    full_again: Seen


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("ended")
    with opened_shop_of_two(folder, per_sort=PER_SORT) as two:
        full = seen(two, two.refit())
        for sort in SORTS:
            for number in range(LEFT_PER_SORT, PER_SORT):
                two.shop.stores.erasure.erase(customer(sort, number), two.now)
        had = segments_of_everybody(two)
        held, held_again = seen(two, two.refit()), seen(two, two.refit())
        two.now = Micros(two.now + SECOND)
        version = held_again.refit.version
        accepted = accept_segments(two.learning(), version, until=two.now, progress=lambda share, what: None)
        after = seen(two, accepted)
        small = seen(two, two.refit())
        two.bring_customers(folder / "more.csv", range(200, 260))
        yield Story(full, had, held, held_again, after, small, seen(two, two.refit()))


def test_a_refit_that_would_end_every_segment_is_held_back_and_says_why(story: Story) -> None:
    held, customers = story.held.refit, len(story.had)
    assert held.held_back
    assert "need 100 customers of whom something is known, and there are 98" in held.note
    assert f"all {len(story.full.living)} would end, and {customers} customers lose theirs" in held.note
    assert (held.compared, held.moved_model, held.moved_behaviour) == (customers, customers, 0)


def test_meanwhile_the_segments_go_on_serving(story: Story) -> None:
    assert len(story.had) > LEFT_PER_SORT
    for waiting in (story.held, story.held_again):
        assert waiting.refit.held_back
        assert waiting.of_customers == story.had
        assert (waiting.living, waiting.retired, waiting.moves) == (story.full.living, frozenset(), ())
        assert sum(waiting.refit.sizes[one] for one in waiting.living) == len(story.had)


def test_what_it_would_make_of_the_customers_is_shown(story: Story) -> None:
    held = story.held.refit
    assert held.proposed is not None
    assert held.proposed.segments == ()
    assert sum(held.proposed.sizes.values()) == held.customers == 2 * LEFT_PER_SORT, "in groups, and in nothing else"
    assert {flow.to_segment for flow in held.proposed.flows} == {None}
    assert "no behavioural segments, only the RFM groups" in story.held.text
    assert f"--accept {held.version}" in story.held.text


def test_accepted_it_leaves_groups_only_and_everybody_is_told_to_have_left(story: Story) -> None:
    accepted = story.accepted
    assert accepted.refit.note == NO_SEGMENTS
    assert (accepted.of_customers, accepted.living, accepted.retired) == ({}, frozenset(), story.full.living)
    assert {(move.customer_id, move.from_segment) for move in accepted.moves} == set(story.had.items())
    assert {(move.to_segment, move.cause) for move in accepted.moves} == {(None, "model")}
    assert (story.small.refit.held_back, "need 200 customers" in story.small.refit.note) == (False, True)


def test_when_there_are_enough_customers_again_no_id_is_given_again(story: Story) -> None:
    assert not story.full_again.refit.held_back
    assert story.full_again.living
    assert not story.full_again.living & story.full.living


def test_customers_who_cannot_be_divided_any_more_end_no_segment_by_themselves() -> None:
    config = RefitConfig(divide=DivideConfig(k=3, starts=3))
    customers, _ = sorts(300, 3, seed=1)
    before = refit_clusters(customers, None, None, rng=np.random.default_rng(0), config=config)
    assert before.clusters is not None
    # As if every sign had lost its product, and all habits were alike.
    bare = replace(known(np.zeros_like(customers.x), np.zeros(customers.taste.shape)), evidence=customers.evidence)
    after = refit_clusters(bare, before.clusters, before.labels, rng=np.random.default_rng(0), config=config)
    assert (after.clusters, after.report.held_back, set(after.labels.tolist())) == (None, True, {NOWHERE})
    assert "when it is tried on half of them: all 3 would end" in after.note


def seen(two: ShopOfTwo, refit: Refit) -> Seen:
    standings = two.shop.stores.standings
    segments = [one for one in standings.segments() if one.kind is SegmentKind.BEHAVIOUR]
    console = Console(file=io.StringIO(), width=200)
    now = SegmentsNow(standings.segments(), standings.sizes(), standings.refits())
    with console.capture() as said:
        for part in (*as_tables(now), *sentences(now)):
            console.print(part)
    return Seen(
        refit,
        segments_of_everybody(two),
        frozenset(one.segment_id for one in segments if one.retired_at is None),
        frozenset(one.segment_id for one in segments if one.retired_at is not None),
        tuple(move for move in standings.moves(limit=1_000) if move.kind is SegmentKind.BEHAVIOUR),
        said.get(),
    )


def segments_of_everybody(two: ShopOfTwo) -> dict[CustomerId, SegmentId]:
    return {
        one.customer_id: one.segment_id
        for batch in two.shop.stores.standings.scan()
        for one in batch
        if one.segment_id is not None
    }
