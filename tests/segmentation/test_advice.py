"""Segments' advice, on a made-up shop of two kinds of people whose tastes are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.ai_agents.segmentation.advice import SegmentationAdvisor
from smartshop.ai_agents.segmentation.prior import SegmentPrior, fit_prior, from_arrays, trending_in
from smartshop.ai_agents.segmentation.reference import Reference
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import Segment, SegmentId, SegmentKind
from smartshop.errors import ModelRefused
from tests.segmentation.activities import Line, Order, Sign, activity_of, moment
from tests.slate.small_shop import make_question, make_shelf

CLIMBERS, GARDENERS = 0, 1
ROPES, TOOLS, TEA = 0, 1, 2
"""Topics; products 0 to 9 are ropes, 10 to 19 tools, 20 to 29 tea, which both drink."""
N = 30
TODAY = 100
NEW_ROPE = 3
"""Only lately wanted by climbers."""
SEGMENTS = tuple(
    Segment(segment_id=SegmentId(f"b{number}"), kind=SegmentKind.BEHAVIOUR, name=name, sentence="", since=Micros(0))
    for number, name in ((1, "Climbers"), (2, "Gardeners"))
)
SHELF = make_shelf(N)
ALL = Candidates(
    product_no=np.arange(N, dtype=np.int32),
    relevance=np.ones(N, np.float32),
    origin=np.zeros(N, np.int8),
    because=np.full(N, -1, np.int32),
)


def topics_of(names: tuple[str, ...] = ("Ropes", "Tools", "Tea")) -> Topics:
    return Topics(
        topic_of_product=np.repeat(np.arange(3), 10).astype(np.int32),
        names=names,
        paths=tuple((name,) for name in names),
        median_price_minor=np.full(3, 1_000.0),
        words=(),
        word_weights=np.zeros((0, 3), np.float32),
        reference=Reference(),
    )


def fit(days_ago: float = 40.0) -> SegmentPrior:
    """40 climbers, 20 gardeners: three of four purchases in their own topic, the fourth is tea."""
    rng = np.random.default_rng(4)
    orders: list[Order] = []
    lines: list[Line] = []
    for who in range(60):
        own = ROPES if who < 40 else TOOLS
        for number in range(4):
            topic = TEA if number == 3 else own
            orders.append((who, TODAY - days_ago - number, 1_000))
            lines.append((len(orders) - 1, topic * 10 + int(rng.integers(10)), 1, 1_000))
    signs: list[Sign] = [(who, TODAY - 1.0, EventKind.PRODUCT_VIEWED, NEW_ROPE) for who in range(40)]
    signs += [(who, TODAY - 1.0, EventKind.ITEM_DISMISSED, 25) for who in range(60)]
    activity = activity_of(orders, lines=lines, signs=signs, as_of_day=TODAY)
    labels = np.array([CLIMBERS] * 40 + [GARDENERS] * 20, np.int32)
    return fit_prior(activity, labels, 2, topics_of(), as_of=Micros(moment(TODAY)))


@pytest.fixture(scope="module")
def prior() -> SegmentPrior:
    return fit()


@pytest.fixture(scope="module")
def advisor(prior: SegmentPrior) -> SegmentationAdvisor:
    return SegmentationAdvisor(prior, topics_of(), SEGMENTS)


def ask(*history: int) -> Question:
    numbers = np.array(history, np.int32)
    return make_question(SHELF, history=numbers, history_at=np.full(len(numbers), 1, np.int64))


def means(advice: Advice) -> NDArray[np.float64]:
    """(3,) by topic."""
    return np.asarray(advice.log_odds.reshape(3, 10).mean(axis=1), np.float64)


def test_one_click_pulls_toward_what_the_segment_buys(advisor: SegmentationAdvisor) -> None:
    ropes, tools, tea = means(advisor.advise(ask(12), ALL))

    assert tools > tea > ropes
    assert tools - ropes > 0.5


def test_a_topic_that_all_like_says_little(advisor: SegmentationAdvisor) -> None:
    of_tea, of_tools = (np.ptp(means(advisor.advise(ask(product), ALL))) for product in (22, 12))

    assert of_tea < of_tools / 4


def test_more_of_the_same_makes_the_segment_surer(advisor: SegmentationAdvisor) -> None:
    chances = [
        advisor.membership(np.array(history, np.int32))[GARDENERS] for history in ([], [11], [11, 12], [11, 12, 13])
    ]

    assert chances[0] == pytest.approx(21 / 62)
    assert (np.diff(chances) > 0).all()


def test_it_fades_as_the_shopper_becomes_known(advisor: SegmentationAdvisor) -> None:
    few = np.ptp(advisor.advise(ask(10, 11, 12, 13), ALL).log_odds)
    many = np.ptp(advisor.advise(ask(*range(10, 20), *range(20, 30)), ALL).log_odds)

    assert 0 < many < few / 2


def test_the_advice_is_a_difference_to_the_average_candidate(advisor: SegmentationAdvisor) -> None:
    log_odds = advisor.advise(ask(2), ALL).log_odds

    assert log_odds.dtype == np.float32
    assert float(log_odds.mean()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("history", [(), (N + 5,), (10_000,)], ids=["nothing", "just arrived", "unknown"])
def test_nothing_known_gives_no_advice(advisor: SegmentationAdvisor, history: tuple[int, ...]) -> None:
    advice = advisor.advise(ask(*history), ALL)

    np.testing.assert_allclose(advice.log_odds, np.zeros(N), atol=1e-6)
    assert advice.reason(0) is None


def test_without_candidates_there_is_nothing_to_say(advisor: SegmentationAdvisor) -> None:
    nobody = replace(ALL, **{part: getattr(ALL, part)[:0] for part in ("product_no", "relevance", "origin", "because")})

    assert len(advisor.advise(ask(2), nobody).log_odds) == 0


def test_a_product_later_than_the_fit_is_neither_pulled_nor_pushed(advisor: SegmentationAdvisor) -> None:
    with_new = replace(ALL, product_no=np.append(ALL.product_no[:-1], np.int32(N + 7)))

    log_odds = advisor.advise(ask(12), with_new).log_odds

    assert means(advisor.advise(ask(12), ALL))[ROPES] < log_odds[-1] < means(advisor.advise(ask(12), ALL))[TOOLS]


def test_what_the_segment_wants_lately_stands_out_among_its_topic(advisor: SegmentationAdvisor) -> None:
    log_odds = advisor.advise(ask(1, 2), ALL).log_odds

    assert int(log_odds.argmax()) == NEW_ROPE


def test_the_reason_tells_figures_that_are_counted(advisor: SegmentationAdvisor) -> None:
    reason = advisor.advise(ask(11, 12), ALL).reason(15)

    assert reason is not None
    assert reason.code == "your_segment"
    # Gardeners bought 60 of 80 lines in Tools, climbers none of 160: counted as one of 161.
    assert reason.evidence["share_of_lines"] == 0.75
    assert reason.evidence["share_of_lines_elsewhere"] == round(1 / 161, 3)
    assert reason.evidence["lines"] == 60
    assert reason.evidence["customers"] == 20
    assert reason.text == "Customers who shop like you buy from Tools more than 20 times as often as others."
    assert "Gardeners" not in repr(reason), "what the shop calls its segments is not for shoppers"


def test_no_reason_where_the_segment_does_not_pull(advisor: SegmentationAdvisor) -> None:
    advice = advisor.advise(ask(11, 12), ALL)

    assert advice.reason(25) is None
    assert advice.reason(2) is None


def test_no_reason_speaks_of_personal_matters(prior: SegmentPrior) -> None:
    advisor = SegmentationAdvisor(prior, topics_of(("Ropes", "Pregnancy", "Tea")), SEGMENTS)

    assert advisor.advise(ask(11, 12), ALL).reason(15) is None


def test_the_prior_is_the_same_after_being_written_down(prior: SegmentPrior, tmp_path: Path) -> None:
    for part, array in prior.to_arrays().items():
        np.save(tmp_path / part, array, allow_pickle=False)

    read = from_arrays({path.stem: np.load(path, allow_pickle=False) for path in tmp_path.iterdir()})

    for part, array in prior.to_arrays().items():
        np.testing.assert_array_equal(read.to_arrays()[part], array)


def test_a_prior_with_a_missing_or_foreign_part_is_refused(prior: SegmentPrior) -> None:
    arrays = prior.to_arrays()

    with pytest.raises(ModelRefused, match="sizes"):
        from_arrays({part: array for part, array in arrays.items() if part != "sizes"})
    with pytest.raises(ModelRefused, match="fit each other"):
        from_arrays({**arrays, "demand_by_product": arrays["demand_by_product"][:, :5]})


def test_trending_is_what_the_segment_wants_now(prior: SegmentPrior) -> None:
    everything = np.ones(N, np.bool_)

    of_climbers, shares = trending_in(prior, CLIMBERS, everything, 5)

    assert of_climbers[0] == NEW_ROPE
    assert set(of_climbers.tolist()) <= set(range(10)) | set(range(20, 30))
    assert (np.diff(shares) <= 0).all()
    assert set(trending_in(prior, GARDENERS, everything, 3)[0].tolist()) <= set(range(10, 30))


def test_trending_keeps_to_the_eligible_products(prior: SegmentPrior) -> None:
    only_tea = np.arange(N) >= 20

    found, _ = trending_in(prior, CLIMBERS, only_tea, 50)

    assert set(found.tolist()) <= set(range(20, 30))
    assert len(trending_in(prior, CLIMBERS, np.zeros(N, np.bool_), 5)[0]) == 0


def test_what_is_disliked_is_no_demand(prior: SegmentPrior) -> None:
    never_bought = fit().demand_by_product[:, 25]

    np.testing.assert_array_equal(prior.demand_by_product[:, 25], never_bought)
    assert never_bought.max() < prior.demand_by_product[CLIMBERS, NEW_ROPE]


def test_what_comes_after_the_fit_does_not_count() -> None:
    activity = activity_of([(1, 5.0, 100), (1, 50.0, 100)], lines=[(0, 1, 1, 100), (1, 12, 1, 100)], as_of_day=60)

    early = fit_prior(activity, np.zeros(1, np.int32), 1, topics_of(), as_of=Micros(moment(10)))

    assert early.lines_by_topic.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert early.demand_by_product[0, 12] == 0
