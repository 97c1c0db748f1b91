"""Buying again: orders and looks, fading; what is due; and a wholesaler's next baskets, where the data is at hand."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.eligibility import ShelfMasks
from smartshop.ai_agents.recommendation.baselines import fit_personal_frequency
from smartshop.ai_agents.recommendation.buy_again import BuyAgainConfig, draw_again, fit_buy_again
from smartshop.ai_agents.recommendation.habits import Habits, HabitsConfig, learn_habits
from smartshop.ai_agents.recommendation.metrics import draw_bootstrap
from smartshop.ai_agents.recommendation.source import Lesson, Moment
from smartshop.ai_agents.recommendation.tuning import moment_of
from smartshop.backend_api.services.questions import ask
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.events import EventKind
from tests.recommendation.retail import micros, next_baskets
from tests.recommendation.worlds import DAY, HOUR, START, make_shelf, order, sequences_of
from tests.slate.service_world import event, request
from tests.slate.small_shop import NOW
from tests.slate.small_shop import make_shelf as make_small_shelf

N = 6
NOON = START + 400 * DAY
CONFIG = BuyAgainConfig()
Turn = tuple[int, float, bool]
"""product, days ago, ordered"""


def habits(*, wanted: Sequence[float] = (1,) * N, cycle: Sequence[float] = (30,) * N, look: float = 0.5) -> Habits:
    return Habits(
        wanted=np.array(wanted, np.float32),
        returns=np.ones(N, np.float32),
        cycle=np.array(cycle, np.float32),
        look_weight=look,
        usual_cycle=30.0,
    )


def moment(turns: Sequence[Turn], eligible: Sequence[int] = range(20)) -> Moment:
    ordered = sorted(turns, key=lambda turn: -turn[1])
    return Moment(
        eligible=np.isin(np.arange(20), list(eligible)),
        history=np.array([product for product, _, _ in ordered], np.int32),
        history_at=np.array([NOON - int(days * DAY) for _, days, _ in ordered], np.int64),
        now=NOON,
        focus=np.zeros(0, np.int32),
        bought=np.array([bought for _, _, bought in ordered], np.bool_),
    )


def drawn(learned: Habits, turns: Sequence[Turn], config: BuyAgainConfig = CONFIG) -> list[int]:
    return [int(product) for product in draw_again(learned, moment(turns), 10, config).product_no]


def by_hand(learned: Habits, turns: Sequence[Turn], config: BuyAgainConfig) -> dict[int, float]:
    """The score as the docstring of `buy_again` has it, in plain Python; visits are a day and more apart."""
    days = sorted({days for _, days, _ in turns})
    found: dict[int, float] = {}
    for product in {product for product, _, _ in turns}:
        orders = sorted(days for one, days, bought in turns if one == product and bought)
        again = 1.0
        if orders:
            own = len(orders) >= 3
            cycle = (orders[-1] - orders[0]) / (len(orders) - 1) if own else float(learned.cycle[product])
            distance = np.log(orders[0] / cycle)
            again = float(learned.returns[product])
            again *= 1 - config.due_share * (1 - np.exp(-(distance**2) / 2))
        total = 0.0
        for one, ago, bought in turns:
            if one == product:
                decay = (config.visit_decay if bought else config.look_decay) ** days.index(ago)
                total += decay * 0.5 ** (ago * DAY / config.half_life) * (again if bought else learned.look_weight)
        found[product] = total * float(learned.wanted[product])
    return found


def test_scores_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(5)
    learned = habits(wanted=rng.uniform(0.5, 2, N).tolist(), cycle=rng.uniform(5, 90, N).tolist())
    for _ in range(20):
        turns = {(int(rng.integers(N)), float(rng.integers(1, 200))): bool(rng.integers(2)) for _ in range(15)}
        told = [(product, days, bought) for (product, days), bought in turns.items()]
        expected = by_hand(learned, told, CONFIG)
        assert drawn(learned, told) == sorted(expected, key=lambda product: -expected[product])


def test_an_order_speaks_louder_than_a_look_of_the_same_day() -> None:
    assert drawn(habits(), [(1, 5, False), (2, 5, True)]) == [2, 1]


def test_the_newer_and_the_more_often_ordered_come_first() -> None:
    always_due = BuyAgainConfig(due_share=0.0)
    assert drawn(habits(), [(1, 60, True), (2, 20, True)], always_due) == [2, 1]
    assert drawn(habits(), [(1, 90, True), (1, 60, True), (2, 40, True)], always_due) == [1, 2]


def test_what_was_just_ordered_is_not_yet_due_and_what_is_long_overdue_fades() -> None:
    due = BuyAgainConfig(due_share=0.9, visit_decay=1.0, half_life=10_000 * DAY)
    assert drawn(habits(), [(1, 1, True), (2, 30, True), (3, 300, True)], due)[0] == 2


def test_from_three_orders_on_the_shoppers_own_rhythm_counts() -> None:
    due = BuyAgainConfig(due_share=0.9, visit_decay=1.0, half_life=10_000 * DAY)
    slow = habits(cycle=(300,) * N)
    weekly = [(1, 7, True), (1, 14, True), (1, 21, True)]
    once = [(2, 7, True), (2, 7.5, True), (2, 8, True)]
    assert drawn(slow, [*weekly, *once], due) == [1, 2]
    assert drawn(slow, [*weekly[:2], (2, 150, True), (2, 160, True)], due) == [2, 1]


def test_signs_of_one_visit_count_once() -> None:
    one_visit = [(1, 5, False), (1, 5 - 1 / 1440, False), (1, 5 - 2 / 1440, False)]
    assert drawn(habits(), [*one_visit, (2, 4.9, False)]) == [2, 1]


def test_products_that_came_after_the_model_are_drawn_and_the_mask_holds() -> None:
    told = moment([(15, 3, True), (1, 5, True), (2, 5, True)], eligible=(15, 2))
    found = draw_again(habits(), told, 10, CONFIG)
    assert found.product_no.tolist() == found.because.tolist() == [15, 2]
    assert len(draw_again(habits(), moment([(1, 5, True)], eligible=()), 10, CONFIG).product_no) == 0


def test_a_question_tells_orders_from_looks() -> None:
    events = [event(EventKind.PRODUCT_VIEWED, 3, at=500), event(EventKind.ORDER_COMPLETED, 3, at=400)]
    events.append(event(EventKind.PRODUCT_VIEWED, 4, at=300))
    asked = ask(request(history=["p5"]), ShelfMasks(make_small_shelf()), fold(events), NOW, personal=True).question
    assert asked.history.tolist() == [3, 3, 4, 5]
    assert asked.history_bought.tolist() == [False, True, False, False]


def test_the_next_basket_of_a_wholesaler_is_told_better_than_by_decayed_personal_frequency(shared_data: Path) -> None:
    """R@10 = hits / min(10, basket size), repeats allowed, first baskets within 28 days of 2011-06-01."""
    held = next_baskets(shared_data, micros(2011, 6, 1), shoppers=400)
    n_products, as_of = held.rest.n_products, int(held.rest.occurred_at.max())
    everything = np.ones(n_products, np.bool_)
    lesson = Lesson(sequences=held.rest, shelf=make_shelf(n_products), as_of=as_of)
    ours = fit_buy_again(lesson, CONFIG)
    plain = fit_personal_frequency(held.rest, 240.0, 60.0)
    gain, shoppers = [], []
    for question in held.questions:
        lists = (
            draw_again(ours.habits, moment_of(question, everything), 10, CONFIG).product_no,
            plain.rank(question, everything, 10),
        )
        of_ours, of_plain = (np.isin(each, question.targets).sum() / min(10, len(question.targets)) for each in lists)
        gain.append(of_ours - of_plain)
        shoppers.append(question.shopper)
    interval = draw_bootstrap(np.array(shoppers), np.random.default_rng(0)).interval(np.array(gain))
    assert len(gain) == 400
    assert interval.low > 0


@pytest.mark.parametrize("changes", [{"due_share": 1.2}, {"visit_decay": 0.0}])
def test_settings_out_of_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(changes, BuyAgainConfig)


def test_habits_are_learned_in_hours_as_in_days() -> None:
    """A kiosk whose customers come twice a day has a cycle below a day; nothing divides by it."""
    rows = [row for turn in range(40) for row in order(0, [1], START + turn * 12 * HOUR, turn)]
    sequences = sequences_of(rows, N)
    learned = learn_habits(
        sequences, np.zeros(N, np.int32), int(sequences.occurred_at.max()), HabitsConfig(shrinkage=0.001)
    )
    assert learned.cycle[1] == pytest.approx(0.5, rel=0.01)
    turns = [(1, turn / 2, True) for turn in range(1, 9)]
    assert drawn(learned, turns) == [1]
