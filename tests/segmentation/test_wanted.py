"""What people who shop alike want, in the made-up shop of climbers and gardeners."""

from collections.abc import Sequence

import numpy as np
import pytest

from smartshop.ai_agents.advice import Wanted
from smartshop.ai_agents.segmentation.membership import Membership
from smartshop.ai_agents.segmentation.prior import SegmentPrior, fit_prior, trending_in
from smartshop.ai_agents.segmentation.wanted import WantedAlike, WantedConfig
from smartshop.data_collection.schemas.ids import Micros
from tests.segmentation.activities import activity_of, moment
from tests.segmentation.test_advice import CLIMBERS, NEW_ROPE, ROPES, TEA, TODAY, TOOLS, N, fit, topics_of

TOPIC_OF = topics_of().topic_of_product


@pytest.fixture(scope="module")
def prior() -> SegmentPrior:
    return fit()


@pytest.fixture(scope="module")
def alike(prior: SegmentPrior) -> WantedAlike:
    return WantedAlike(prior, topics_of())


def after(alike: WantedAlike, *history: int) -> Wanted:
    return alike(np.array(history, np.int32))


def topics_in(products: Sequence[int]) -> set[int]:
    return set(TOPIC_OF[list(products)].tolist())


def test_what_the_own_kind_wants_lately_comes_first(alike: WantedAlike) -> None:
    of_climber, of_gardener = (after(alike, *history).product_no.tolist() for history in ((1, 2), (11, 12)))

    assert of_climber[0] == NEW_ROPE
    assert topics_in(of_gardener[:3]) <= {TOOLS, TEA}
    assert len(of_climber) == len(set(of_climber))


def test_the_surer_the_kind_the_more_alike_the_list_is_to_its_own(alike: WantedAlike, prior: SegmentPrior) -> None:
    own, _ = trending_in(prior, CLIMBERS, np.ones(N, np.bool_), 5)

    assert after(alike, *range(10)).product_no[:5].tolist() == own.tolist()


@pytest.mark.parametrize("history", [(), (N + 5,), (10_000, 20_000)], ids=["nothing", "just arrived", "unknown"])
def test_nothing_is_told_of_who_is_not_known(alike: WantedAlike, history: tuple[int, ...]) -> None:
    told = after(alike, *history)

    assert len(told.product_no) == len(told.times) == told.customers == 0


def test_products_that_nobody_knows_do_not_hide_those_that_tell(alike: WantedAlike) -> None:
    assert after(alike, 10_000, 1, 2).product_no.tolist() == after(alike, 1, 2).product_no.tolist()


def test_one_segment_is_the_whole_shop_and_tells_nothing() -> None:
    activity = activity_of([(who, 50.0, 100) for who in range(9)], lines=[(who, who, 1, 100) for who in range(9)])
    alone = fit_prior(activity, np.zeros(9, np.int32), 1, topics_of(), as_of=Micros(moment(TODAY)))

    assert len(after(WantedAlike(alone, topics_of()), 1).product_no) == 0


def test_the_figures_are_of_the_kinds_own_topic(alike: WantedAlike, prior: SegmentPrior) -> None:
    told = after(alike, *range(11, 18))
    times = dict(zip(told.product_no.tolist(), told.times.tolist(), strict=True))
    tools = [times[number] for number in times if TOPIC_OF[number] == TOOLS]

    assert tools
    assert min(tools) > 1.5, "gardeners bought three of four lines in Tools, all others none"
    assert all(times[number] < 1 for number in times if TOPIC_OF[number] == ROPES)
    assert 0 < told.customers <= prior.sizes.max()
    assert told.customers == pytest.approx(20, abs=1)


def test_nothing_is_claimed_of_personal_matters(prior: SegmentPrior) -> None:
    told = after(WantedAlike(prior, topics_of(("Ropes", "Pregnancy", "Tea"))), *range(11, 18))
    of_tools = TOPIC_OF[told.product_no] == TOOLS

    assert of_tools.any()
    assert told.times[of_tools].tolist() == pytest.approx([1.0] * int(of_tools.sum()))


def test_lists_are_as_long_as_the_settings_say(prior: SegmentPrior) -> None:
    config = WantedConfig(of_segment=4, told=5)

    assert len(after(WantedAlike(prior, topics_of(), config=config), 1).product_no) == 5


def test_nothing_ever_wanted_is_never_told() -> None:
    activity = activity_of([(0, 50.0, 100), (1, 50.0, 100)], lines=[(0, 1, 1, 100), (1, 12, 1, 100)], as_of_day=60)
    few = fit_prior(activity, np.array([0, 1], np.int32), 2, topics_of(), as_of=Micros(moment(60)))

    assert sorted(after(WantedAlike(few, topics_of()), 1).product_no.tolist()) == [1, 12]


def test_membership_is_the_sizes_where_nothing_is_known(prior: SegmentPrior) -> None:
    membership = Membership(prior, topics_of())

    assert not membership.knows(np.array([N + 1], np.int32))
    assert membership.chances(np.array([N + 1], np.int32)).tolist() == pytest.approx(membership.sizes.tolist())
    assert membership.newest_distinct(np.array([3, 5, 3], np.int32)).tolist() == [3, 5]
