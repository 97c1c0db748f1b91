"""Churn, on a made-up shop whose truth is known: who comes how often, and who has left."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.churn import ChurnConfig, ChurnModel, fit_churn, risk, silence
from smartshop.ai_agents.segmentation.churn_check import Forecasts, area_under_curve, check_forecasts, reliability
from smartshop.ai_agents.segmentation.churn_features import days_of, newest_visits
from smartshop.ai_agents.segmentation.churn_trial import try_churn
from smartshop.ai_agents.segmentation.cut import only, until
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.newest_signs import newest_signs
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from tests.segmentation.activities import Order, Sign, activity_of, less, moment

SHOPPERS = 1_200
CUT = 60
DAYS = 90
BUYING_SHARE = 0.15


@dataclass(frozen=True)
class Shop:
    whole: CustomerActivity
    past: CustomerActivity
    """As of day 60."""
    rate: NDArray[np.float64]
    """(n,) of the past's customers: true visits a day, 0 for those who have left."""
    ordered: NDArray[np.bool_]
    """(n,) in days 61 to 90."""
    came: NDArray[np.bool_]
    has_bought: NDArray[np.bool_]


@pytest.fixture(scope="module")
def shop() -> Shop:
    rng = np.random.default_rng(11)
    rate = rng.gamma(1.0, 0.12, size=SHOPPERS)
    leaves = rng.exponential(1 / 0.006, size=SHOPPERS)
    visits = rng.random((SHOPPERS, DAYS)) < rate[:, None]
    visits &= np.arange(DAYS) < leaves[:, None]
    buys = visits & (rng.random(visits.shape) < BUYING_SHARE)
    signs: list[Sign] = [
        (who, day + 0.4, EventKind.PRODUCT_VIEWED, 0) for who, day in zip(*np.nonzero(visits), strict=True)
    ]
    orders: list[Order] = [(who, day + 0.5, 2_000) for who, day in zip(*np.nonzero(buys), strict=True)]
    whole = activity_of(orders, signs=signs, as_of_day=DAYS)
    past = until(whole, Micros(moment(CUT)))
    number = np.array([int(name[1:]) for name in past.customer_ids])
    return Shop(
        whole=whole,
        past=past,
        rate=np.where(leaves > CUT, rate, 0.0)[number],
        ordered=_any(buys[number, CUT:]),
        came=_any(visits[number, CUT:]),
        has_bought=_any(buys[number, :CUT]),
    )


@pytest.fixture(scope="module")
def model(shop: Shop) -> ChurnModel:
    found = fit_churn(shop.past, rng=np.random.default_rng(0))
    assert found is not None
    return found


def test_risk_ranks_a_later_month_nearly_as_well_as_the_truth(shop: Shop, model: ChurnModel) -> None:
    churned = ~shop.ordered
    found = area_under_curve(risk(model, shop.past).astype(np.float64), churned)

    # The truth knows each rate and who has left; the history does not tell them.
    assert found > area_under_curve(-shop.rate, churned) - 0.08
    assert found > area_under_curve(-shop.past.last_seen_at.astype(np.float64), churned) + 0.02


def test_silence_is_foretold(shop: Shop, model: ChurnModel) -> None:
    of_risk = area_under_curve(risk(model, shop.past).astype(np.float64), ~shop.came)
    of_silence = area_under_curve(silence(model, shop.past).astype(np.float64), ~shop.came)
    of_recency = area_under_curve(-shop.past.last_seen_at.astype(np.float64), ~shop.came)

    assert of_silence > max(0.8, of_recency + 0.02)
    assert of_risk > max(0.8, of_recency)


def test_the_chances_are_what_happens(shop: Shop, model: ChurnModel) -> None:
    """Learned for 20 days, held against 30: between them lies a third more of the hazard."""
    assert model.horizon_days == 20
    no_sign_in_30 = silence(model, shop.past) ** 1.5

    for band in reliability(no_sign_in_30.astype(np.float64), ~shop.came):
        assert band.foretold == pytest.approx(band.happened, abs=0.15)


def test_the_model_tells_its_own_error_on_a_later_part_of_the_past(model: ChurnModel) -> None:
    check = model.check

    assert check is not None
    assert check.horizon_days == 20
    assert check.no_order is not None
    assert check.no_order.low < check.no_order.value < check.no_order.high
    assert sum(band.customers for band in check.bands) == check.customers
    # Visits say when one will buy, orders alone do not.
    assert check.is_better


def test_a_trial_measures_the_same_by_itself(shop: Shop, model: ChurnModel) -> None:
    trial = try_churn(shop.whole, Micros(moment(CUT)), DAYS - CUT, rng=np.random.default_rng(0))

    assert trial is not None
    found = risk(model, shop.past).astype(np.float64)
    bought = shop.has_bought
    assert trial.by_order.risk == pytest.approx(area_under_curve(found, ~shop.ordered))
    assert trial.by_sign_of_buyers.risk == pytest.approx(area_under_curve(found[bought], ~shop.came[bought]))
    assert trial.by_sign.customers == len(shop.past)
    assert trial.by_order_of_buyers.customers == int(bought.sum())


def test_ninety_days_leave_more_time_to_order_than_twenty(shop: Shop, model: ChurnModel) -> None:
    assert model.stretch > 1
    at_horizon = msgspec.structs.replace(model, stretch=1.0)

    assert (risk(model, shop.past) <= risk(at_horizon, shop.past)).all()


def test_one_customer_alone_has_the_same_risk_as_among_all(shop: Shop, model: ChurnModel) -> None:
    everybody = risk(model, shop.past)
    for row in (0, 7, len(shop.past) - 1):
        alone = only(shop.past, np.arange(len(shop.past)) == row)
        assert risk(model, alone)[0] == pytest.approx(everybody[row], abs=1e-6)


def test_an_earlier_moment_sees_nothing_of_what_came_later(shop: Shop, model: ChurnModel) -> None:
    known = set(shop.past.customer_ids)
    rows = [row for row, name in enumerate(shop.whole.customer_ids) if name in known]

    looked_back = risk(model, shop.whole, Micros(moment(CUT)))[rows]

    np.testing.assert_allclose(looked_back, risk(model, shop.past), atol=1e-6)


def test_what_comes_back_changes_no_risk_and_nothing_that_is_learned(shop: Shop, model: ChurnModel) -> None:
    day_of = (shop.past.order_at - moment(0)) / DAY
    back = less(shop.past, [(order, day_of[order] + 3, 2_000, 1, True) for order in range(0, len(day_of), 4)])

    assert len(back.order_at) < len(shop.past.order_at)
    np.testing.assert_array_equal(risk(model, back), risk(model, shop.past))
    assert fit_churn(back, rng=np.random.default_rng(0)) == model


def test_a_model_is_the_same_after_being_written_down(shop: Shop, model: ChurnModel) -> None:
    read = msgspec.json.decode(msgspec.json.encode(model), type=ChurnModel)

    np.testing.assert_array_equal(risk(read, shop.past), risk(model, shop.past))


def test_the_same_shop_and_seed_give_the_same_model(shop: Shop, model: ChurnModel) -> None:
    assert fit_churn(shop.past, rng=np.random.default_rng(0)) == model


def test_a_shop_that_only_keeps_orders_has_a_model_too() -> None:
    rng = np.random.default_rng(3)
    rate = rng.gamma(0.8, 0.03, size=900)
    leaves = rng.exponential(300, size=900)
    buys = (rng.random((900, 360)) < rate[:, None]) & (np.arange(360) < leaves[:, None])
    orders: list[Order] = [(who, day + 0.5, 1_500) for who, day in zip(*np.nonzero(buys), strict=True)]
    past = until(activity_of(orders, as_of_day=360), Micros(moment(270)))
    number = np.array([int(name[1:]) for name in past.customer_ids])

    found = fit_churn(past, rng=np.random.default_rng(0))

    assert found is not None
    assert found.horizon_days == 90
    assert found.stretch == 1
    no_order = ~_any(buys[number, 270:])
    assert area_under_curve(risk(found, past).astype(np.float64), no_order) > 0.7
    assert float(risk(found, past).mean()) == pytest.approx(no_order.mean(), abs=0.1)


@pytest.mark.parametrize(
    "orders",
    [
        [],
        [(who, 1.0, 100) for who in range(50)],
        [(who, 1.0, 100) for who in range(300)],
        [(who, float(day), -100) for who in range(150) for day in (1, 40, 80)],
    ],
    ids=["nobody", "too few", "one day", "only returns"],
)
def test_too_little_to_learn_from_gives_no_model(orders: list[Order]) -> None:
    assert fit_churn(activity_of(orders, as_of_day=100), rng=np.random.default_rng(0)) is None


def test_customers_all_alike_are_given_chances() -> None:
    alike = activity_of([(who, float(day), 100) for who in range(150) for day in (1, 80)], as_of_day=100)

    found = fit_churn(alike, rng=np.random.default_rng(0))

    assert found is not None
    for chances in (risk(found, alike), silence(found, alike)):
        assert ((chances >= 0) & (chances <= 1)).all()
        assert float(np.ptp(chances)) < 1e-6


def test_odd_customers_get_a_chance_and_no_nonsense(model: ChurnModel) -> None:
    odd = activity_of(
        [(1, 5.0, -3_000), (2, 30.0, 10**12), (3, 500.0, 100), (4, 59.9, 1)],
        customers=[5],
        signs=[(6, -20_000.0, EventKind.SEARCHED, -1)],
        as_of_day=CUT,
    )

    for chances in (risk(model, odd), silence(model, odd)):
        assert ((chances >= 0) & (chances <= 1)).all()


def test_the_area_under_the_curve_counts_ties_half() -> None:
    score = np.array([0.2, 0.2, 0.5, 0.9])
    positive = np.array([True, False, True, True])

    assert area_under_curve(score, positive) == pytest.approx((0.5 + 1 + 1) / 3)
    assert np.isnan(area_under_curve(score, np.ones(4, np.bool_)))


def test_a_check_without_buyers_or_outcomes_says_so() -> None:
    nobody_ordered = Forecasts(
        order=np.full(10, 0.1),
        comes=np.full(10, 0.5),
        bg_nbd=np.full(10, np.nan),
        ordered=np.zeros(10, np.bool_),
        came=np.arange(10) < 5,
    )

    check = check_forecasts(nobody_ordered, 30, np.random.default_rng(0))

    assert check.no_order is None
    assert check.no_order_of_buyers is None
    assert check.no_sign is not None
    assert not check.is_better


def test_fewer_customers_than_asked_for_are_not_learned_from(shop: Shop) -> None:
    assert fit_churn(shop.past, config=ChurnConfig(least_customers=5_000), rng=np.random.default_rng(0)) is None


def _any(days: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(days.any(axis=1), np.bool_)


@pytest.mark.parametrize("day", [7, 23, 60])
@pytest.mark.parametrize("most", [1, 2, 4])
def test_a_moment_of_the_past_knows_as_many_signs_as_a_customer_is_judged_from(shop: Shop, day: int, most: int) -> None:
    """Learning cuts the visits of busy customers as serving does: their risk means what was measured of it."""
    then = until(shop.whole, Micros(moment(day) - 1))
    known = np.isin(shop.whole.customer_ids, then.customer_ids)
    learned = newest_visits(days_of(only(shop.whole, known)), moment(day) // DAY, most)
    judged = days_of(newest_signs(then, most))
    assert len(judged.visits) < len(days_of(then).visits)
    np.testing.assert_array_equal(learned, judged.visits)
