"""What customers are worth: the closed forms against integrals, made-up shops with known truth, and odd shops."""

import dataclasses

import msgspec
import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import (
    BgNbd,
    BgNbdConfig,
    expected_purchases,
    fit_bg_nbd,
    next_purchase_median,
    p_alive,
    purchase_count_quantile,
    purchase_count_tail,
)
from smartshop.ai_agents.segmentation.gamma_gamma import (
    GammaGamma,
    GammaGammaConfig,
    expected_order_value,
    fit_gamma_gamma,
    total_value_cdf,
)
from smartshop.ai_agents.segmentation.predictor import Predictor, Variant, count_log_score, fit_predictor
from smartshop.ai_agents.segmentation.purchases import Purchases, purchases_between, purchases_of
from smartshop.ai_agents.segmentation.value import ValueConfig, ValueModel, fit_value, intervals, predict
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros
from tests.segmentation.activities import Order, activity_of, less, moment

Array = NDArray[np.float64]

SHOP = BgNbd(r=0.243, alpha=30.9, a=0.793, b=2.426)
"""Near the published parameters, in days."""
MONEY = GammaGamma(p=6.25, q=3.74, v=1544.0, cap_minor=1e6)
MODEL = ValueModel(
    predictor=Predictor(variant=Variant.BG_NBD, timing=SHOP), gamma_gamma=MONEY, holdout=None, buyers=1, repeaters=1
)

parameter = st.floats(-3.0, 3.0).map(np.exp)
shops = st.builds(
    BgNbd,
    r=parameter,
    alpha=parameter.map(lambda value: 30 * value),
    a=parameter,
    b=parameter,
    chances_missed=st.sampled_from([0, 1]),
)
counts = st.integers(0, 60)
times = st.tuples(st.floats(0.0, 1.0), st.floats(0.05, 7_300.0))
"""Recency as a share of T, and T from about an hour to twenty years in days."""


def history(x: float, share: float, T: float) -> tuple[Array, Array, Array]:  # noqa: N803
    return np.array([float(x)]), np.array([share * T if x else 0.0]), np.array([float(T)])


def simulated(params: BgNbd, n: int, days: int, rng: np.random.Generator) -> list[Order]:
    """Orders of n customers who came over the first third of the days and live by BG/NBD; values by Gamma-Gamma."""
    orders: list[Order] = []
    rates, leaving = rng.gamma(params.r, 1 / params.alpha, n), rng.beta(params.a, params.b, n)
    levels = rng.gamma(MONEY.q, 1 / MONEY.v, n)
    for who in range(n):
        at = rng.uniform(0, days / 3)
        while at < days:
            orders.append((who, at, round(rng.gamma(MONEY.p, 1 / levels[who])) + 1))
            if len(orders) > 1 and orders[-2][0] == who and rng.random() < leaving[who]:
                break
            at += rng.exponential(1 / rates[who])
    return orders


# --- Orders


@given(shops, counts, times, st.floats(0.5, 1_000.0))
def test_the_tails_of_the_counts_add_up_to_the_published_expectation(
    params: BgNbd, x: int, when: tuple[float, float], horizon: float
) -> None:
    one = history(x, *when)
    expected = float(expected_purchases(params, *one, horizon)[0])
    y = np.arange(1.0, 20_001.0)
    many = tuple(np.repeat(column, len(y)) for column in one)
    tails = purchase_count_tail(params, many[0], many[1], many[2], horizon, y)
    assert np.all(np.diff(tails) <= 1e-12)
    if tails[-1] < 1e-9:
        assert tails.sum() == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("r", "alpha", "a", "b", "x"),
    [(0.125, 1.16, 142.29, 111.7, 1), (0.0277, 0.17, 1.651, 177.9, 0), (1.59, 0.7, 143, 62, 2)],
)
def test_the_expectation_is_told_where_the_hypergeometric_series_gives_up(
    r: float, alpha: float, a: float, b: float, x: int
) -> None:
    params, one = BgNbd(r=r, alpha=alpha, a=a, b=b), history(x, 0.5, 1)
    y = np.arange(1.0, 4_000.0)
    many = tuple(np.repeat(column, len(y)) for column in one)
    tails = purchase_count_tail(params, many[0], many[1], many[2], 365.0, y)
    assert float(expected_purchases(params, *one, 365.0)[0]) == pytest.approx(float(tails.sum()), rel=1e-6)


@given(shops, counts, times, st.floats(0.5, 3_650.0))
def test_the_expectation_is_the_integral_over_the_chance_to_leave(
    params: BgNbd, x: int, when: tuple[float, float], horizon: float
) -> None:
    """E[Y] = P(alive) · ∫ (1 − (1 + p·t/(α+T))^−(r+x)) / p · Beta(p) dp, by quadrature."""
    one = history(x, *when)
    b, tau = params.b + x + params.chances_missed, horizon / (params.alpha + one[2][0])
    nodes, weights = scipy.special.roots_sh_jacobi(400, params.a + b - 1, params.a)
    renewals = -np.expm1(-(params.r + x) * np.log1p(nodes * tau)) / nodes
    integral = float(weights @ renewals / weights.sum())
    expected = float(expected_purchases(params, *one, horizon)[0])
    assert expected == pytest.approx(float(p_alive(params, *one)[0]) * integral, rel=3e-3, abs=1e-9)


@given(shops, st.integers(0, 5_000), times, st.sampled_from([1.0, 30.0, 365.0, 7_300.0]))
def test_nothing_told_of_orders_is_nonsense(params: BgNbd, x: int, when: tuple[float, float], horizon: float) -> None:
    one = history(x, *when)
    alive, expected = float(p_alive(params, *one)[0]), float(expected_purchases(params, *one, horizon)[0])
    any_order = float(purchase_count_tail(params, *one, horizon, np.array([1.0]))[0])
    assert 0 <= alive <= 1
    assert 0 <= any_order <= alive + 1e-12
    assert any_order - 1e-9 <= expected <= alive * (params.r + x) * horizon / (params.alpha + one[2][0]) + 1e-9


@pytest.mark.parametrize("a", [1.0, 1.0 + 5e-5, 1.0 - 5e-5, 0.9, 1.1])
def test_the_expectation_runs_smoothly_through_a_of_one(a: float) -> None:
    one = history(3, 0.7, 200)
    params = msgspec.structs.replace(SHOP, a=a)
    y = np.arange(1.0, 400.0)
    many = tuple(np.repeat(column, len(y)) for column in one)
    tails = purchase_count_tail(params, many[0], many[1], many[2], 365.0, y)
    assert float(expected_purchases(params, *one, 365.0)[0]) == pytest.approx(float(tails.sum()), rel=1e-6)


@pytest.mark.parametrize("missed", [0, 1])
def test_a_count_beyond_the_quantile_is_as_rare_as_asked(missed: int) -> None:
    params = msgspec.structs.replace(SHOP, chances_missed=missed)
    x, t_x, T = np.array([0.0, 2.0, 26.0, 3_000.0]), np.array([0.0, 213.0, 216.0, 900.0]), np.full(4, 901.0)  # noqa: N806
    for level in (0.1, 0.5, 0.9, 0.999):
        most = purchase_count_quantile(params, x, t_x, T, 365.0, level).astype(np.float64)
        assert np.all(purchase_count_tail(params, x, t_x, T, 365.0, most + 1) <= 1 - level)
        has_fewer = most > 0
        assert np.all(purchase_count_tail(params, x, t_x, T, 365.0, most)[has_fewer] > 1 - level)


def test_counts_come_as_often_as_told() -> None:
    """The closed form against customers drawn from what is known of one who bought 4 times."""
    rng = np.random.default_rng(5)
    one, n, horizon = history(4, 0.8, 180), 40_000, 240.0
    stays = rng.random(n) < p_alive(SHOP, *one)[0]
    rate = rng.gamma(SHOP.r + 4, 1 / (SHOP.alpha + 180), n)
    arrivals = rng.poisson(rate * horizon)
    until_leaving = rng.geometric(rng.beta(SHOP.a, SHOP.b + 4, n))
    drawn = np.where(stays, np.minimum(arrivals, until_leaving), 0)
    for y in (1, 2, 4, 8):
        told = float(purchase_count_tail(SHOP, *one, horizon, np.array([float(y)]))[0])
        assert (drawn >= y).mean() == pytest.approx(told, abs=4 * np.sqrt(told / n))


def test_the_median_wait_is_where_the_chance_of_an_order_reaches_a_half() -> None:
    x, t_x, T = np.array([2.0, 26.0, 1.0]), np.array([213.0, 216.0, 35.0]), np.array([272.0, 217.0, 266.0])  # noqa: N806
    wait = next_purchase_median(SHOP, x, t_x, T)
    assert purchase_count_tail(SHOP, x[:2], t_x[:2], T[:2], wait[:2], np.ones(2)) == pytest.approx(0.5)
    assert p_alive(SHOP, x, t_x, T)[2] < 0.5
    assert np.isinf(wait[2])


@pytest.mark.parametrize("missed", [0, 1])
def test_planted_parameters_are_found_again(missed: int) -> None:
    rng = np.random.default_rng(11)
    n = 30_000
    rate, leaving, T = rng.gamma(0.8, 1 / 40, n), rng.beta(0.9, 2.5, n), rng.uniform(200, 500, n)  # noqa: N806
    lives = rng.geometric(leaving) - missed
    x, t_x, at, alive = np.zeros(n), np.zeros(n), np.zeros(n), lives > 0
    while alive.any():
        at = at + rng.exponential(1 / rate)
        alive &= at <= T
        x, t_x = x + alive, np.where(alive, at, t_x)
        alive &= x < lives
    found = fit_bg_nbd(x, t_x, T, chances_missed=missed, config=BgNbdConfig(), rng=rng)
    assert (found.r, found.alpha) == pytest.approx((0.8, 40), rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(0.9 / 3.4, rel=0.1)


def test_the_pace_that_order_values_set_is_found_again() -> None:
    rng = np.random.default_rng(2)
    n = 8_000
    z = rng.normal(size=n)
    T = rng.uniform(200, 400, n)  # noqa: N806
    x = rng.poisson(rng.gamma(1.0, 1 / 60, n) * np.exp(0.5 * z) * T).astype(np.float64)
    t_x = np.where(x > 0, T * rng.beta(np.maximum(x, 1), 1), 0.0)
    purchases = Purchases(
        x=x,
        t_x=t_x,
        T=T,
        mean_value_minor=np.where(x > 0, np.exp(8 + z), np.nan),
        mean_purchase_minor=np.exp(8 + z),
        spent_minor=np.ones(n, np.int64),
        buyer=np.arange(n, dtype=np.int32),
    )
    found = fit_predictor(purchases, Variant.BG_NBD_AMOUNT, config=BgNbdConfig(), rng=rng)
    assert found.timing.effect == pytest.approx(0.5, abs=0.05)
    plain = fit_predictor(purchases, Variant.BG_NBD, config=BgNbdConfig(), rng=rng)
    later = rng.poisson(rng.gamma(1.0 + x, 1 / (60 * np.exp(-0.5 * z) + T)) * 100).astype(np.float64)
    gain = count_log_score(found, purchases, 100, later) - count_log_score(plain, purchases, 100, later)
    assert gain.mean() > 2 * gain.std() / np.sqrt(n)


# --- Money


def test_the_total_of_further_orders_is_spread_as_told() -> None:
    rng = np.random.default_rng(3)
    x, mean_value, n = 3.0, 2_500.0, 5
    level = rng.gamma(MONEY.q + MONEY.p * x, 1 / (MONEY.v + x * mean_value), 40_000)
    totals = rng.gamma(MONEY.p * n, 1 / level)
    for total in np.quantile(totals, [0.1, 0.5, 0.9]):
        told = float(total_value_cdf(MONEY, x, mean_value, np.array([float(n)]), float(total))[0])
        assert (totals <= total).mean() == pytest.approx(told, abs=0.01)
    (expected,) = expected_order_value(MONEY, np.array([x]), np.array([mean_value]))
    assert totals.mean() / n == pytest.approx(float(expected), rel=0.01)


def test_planted_order_values_are_found_again() -> None:
    rng = np.random.default_rng(8)
    n = 20_000
    x = rng.integers(1, 8, n).astype(np.float64)
    level = rng.gamma(MONEY.q, 1 / MONEY.v, n)
    found = fit_gamma_gamma(x, rng.gamma(MONEY.p * x, 1 / level) / x, config=GammaGammaConfig(), rng=rng)
    assert found is not None
    assert (found.p, found.q, found.v) == pytest.approx((MONEY.p, MONEY.q, MONEY.v), rel=0.12)


def test_one_giant_order_moves_nobodys_expected_value() -> None:
    rng = np.random.default_rng(8)
    n = 500
    x = rng.integers(1, 8, n).astype(np.float64)
    mean_value = rng.gamma(MONEY.p * x, 1 / rng.gamma(MONEY.q, 1 / MONEY.v, n)) / x
    with_giant = mean_value.copy()
    with_giant[0] = 168_469_600.0
    plain, robust = (
        fit_gamma_gamma(x, values, config=GammaGammaConfig(), rng=rng) for values in (mean_value, with_giant)
    )
    assert plain is not None
    assert robust is not None
    assert robust.capped == 1
    before, after = (expected_order_value(params, x[1:], mean_value[1:]) for params in (plain, robust))
    assert np.abs(after / before - 1).max() < 0.1
    (giant,) = expected_order_value(robust, x[:1], with_giant[:1])
    assert giant < 20 * np.median(mean_value) * np.exp(1)


# --- Intervals of one customer


def test_the_intervals_hold_what_comes_as_often_as_asked() -> None:
    rng = np.random.default_rng(13)
    x, share, T, mean_value, horizon, n = 6, 0.9, 250.0, 3_000.0, 365.0, 40_000  # noqa: N806
    found = intervals(MODEL, x, share * T, T, mean_value, horizon, level=0.8)
    stays = rng.random(n) < p_alive(SHOP, *history(x, share, T))[0]
    rate = rng.gamma(SHOP.r + x, 1 / (SHOP.alpha + T), n)
    count = np.where(stays, np.minimum(rng.poisson(rate * horizon), rng.geometric(rng.beta(SHOP.a, SHOP.b + x, n))), 0)
    level = rng.gamma(MONEY.q + MONEY.p * x, 1 / (MONEY.v + x * mean_value), n)
    value = np.where(count > 0, rng.gamma(np.maximum(MONEY.p * count, 1e-9), 1 / level), 0.0)
    for drawn, (low, high) in ((count, found.orders), (value, found.value_minor)):
        assert (drawn < low).mean() <= 0.1 + 0.006
        assert (drawn > high).mean() <= 0.1 + 0.006
    assert (value <= found.value_minor[1]).mean() == pytest.approx(0.9, abs=0.01)


def test_who_is_surely_gone_is_told_nothing_to_nothing() -> None:
    found = intervals(MODEL, 50, 100.0, 2_000.0, 3_000.0, 365.0)
    assert (found.orders, found.value_minor) == ((0, 0), (0, 0))


@given(st.integers(0, 5_000), times, st.floats(1.0, 1e9), st.sampled_from([0.5, 0.8, 0.95]))
@settings(max_examples=30)
def test_intervals_are_in_order_and_widen_with_the_level(
    x: int, when: tuple[float, float], mean_value: float, level: float
) -> None:
    _, t_x, T = history(x, *when)  # noqa: N806
    value = mean_value if x else float("nan")
    narrow, wide = (intervals(MODEL, x, t_x[0], T[0], value, 90.0, level=share) for share in (level, 0.99))
    for inner, outer in ((narrow.orders, wide.orders), (narrow.value_minor, wide.value_minor)):
        assert 0 <= outer[0] <= inner[0] <= inner[1] <= outer[1]


# --- Purchases


def test_several_orders_of_a_day_are_one_purchase_and_returns_are_none() -> None:
    activity = activity_of(
        [
            ("ann", 1.2, 500),
            ("ann", 1.9, 700),
            ("ann", 11.0, 800),
            ("ann", 12.0, -300),
            ("bob", 4.0, -900),
            ("cid", 5.0, 400),
        ],
        as_of_day=30.5,
        customers=["dot"],
    )
    found = purchases_of(activity)
    assert [activity.customer_ids[place] for place in found.buyer] == ["ann", "cid"]
    assert found.x.tolist() == [1, 0]
    assert found.t_x.tolist() == [10, 0]
    assert found.T.tolist() == [29, 25]
    assert found.spent_minor.tolist() == [1_700, 400]
    assert found.mean_value_minor[0] == 800
    assert np.isnan(found.mean_value_minor[1])
    assert found.mean_purchase_minor.tolist() == [1_000, 400]


def test_what_is_later_than_asked_for_is_ignored() -> None:
    orders: list[Order] = [("ann", 1.0, 500), ("ann", 20.0, 700), ("bob", 25.0, 100), ("ann", 400.0, 900)]
    activity = activity_of(orders, as_of_day=30.0)
    assert purchases_of(activity).x.tolist() == [1, 0]
    early = purchases_of(activity, Micros(moment(10.0)))
    assert (early.x.tolist(), early.T.tolist(), early.spent_minor.tolist()) == ([0], [9], [500])
    assert purchases_of(activity, Micros(moment(1_000.0))).x.tolist() == [1, 0]
    assert purchases_between(activity, Micros(moment(10.0)), activity.as_of).tolist() == [1, 1]


def test_what_came_back_later_was_bought_until_then() -> None:
    placed = activity_of([("ann", 1.0, 500), ("ann", 5.0, 700), ("bob", 2.0, 300), ("bob", 9.0, 400)], as_of_day=30.0)
    # Of ann's second order 200 came back on day 12, of bob's first everything on day 20.
    activity = less(placed, [(1, 12.0, 200, 0, False), (2, 20.0, 300, 1, True)])

    now, earlier = purchases_of(activity), purchases_of(activity, Micros(moment(11.0)))
    assert (now.x.tolist(), now.spent_minor.tolist()) == ([1, 0], [1_000, 400])
    assert (earlier.x.tolist(), earlier.spent_minor.tolist()) == ([1, 1], [1_200, 700])
    assert purchases_of(activity, Micros(moment(15.0))).spent_minor.tolist() == [1_000, 700]
    assert purchases_between(activity, Micros(moment(0.5)), Micros(moment(15.0))).tolist() == [2, 2]
    assert purchases_between(activity, Micros(moment(0.5)), activity.as_of).tolist() == [2, 1]


# --- Whole shops


@pytest.fixture(scope="module")
def shop() -> CustomerActivity:
    return activity_of(simulated(SHOP, 1_500, 540, np.random.default_rng(21)), as_of_day=540)


@pytest.fixture(scope="module")
def learned(shop: CustomerActivity) -> ValueModel:
    model = fit_value(shop, config=ValueConfig(), rng=np.random.default_rng(0))
    assert model is not None
    return model


def test_a_shop_that_lives_by_the_model_gets_what_it_was_told(shop: CustomerActivity, learned: ValueModel) -> None:
    assert learned.holdout is not None
    assert learned.holdout.mae < learned.holdout.naive_mae
    assert learned.holdout.told == pytest.approx(learned.holdout.actual, rel=0.2)
    assert learned.holdout.weeks == pytest.approx(179 / 7, abs=0.3)
    assert learned.buyers == len(purchases_of(shop))


def test_more_time_brings_more_and_churn_is_what_is_left_of_an_order(
    shop: CustomerActivity, learned: ValueModel
) -> None:
    purchases = purchases_of(shop)
    told = predict(learned, purchases)
    sane(told.p_alive, told.expected_orders, told.expected_value_minor, told.churn_90)
    assert np.all(np.diff(told.expected_orders, axis=1) >= 0)
    # At least the chance of an order, since every order counts one.
    assert np.all(told.expected_orders[:, 1] >= 1 - told.churn_90 - 1e-9)
    soon = np.nan_to_num(told.next_order_days, nan=np.inf) <= 90
    assert np.all(told.churn_90[soon] <= 0.5 + 1e-9)
    assert np.all(told.churn_90[~soon] >= 0.5 - 1e-9)


def test_one_customer_alone_is_told_the_same(shop: CustomerActivity, learned: ValueModel) -> None:
    purchases = purchases_of(shop)
    everybody = predict(learned, purchases)
    place = int(np.argmax(purchases.x))
    alone = Purchases(*(getattr(purchases, field.name)[[place]] for field in dataclasses.fields(Purchases)))
    found = predict(learned, alone)
    assert found.expected_value_minor[0] == pytest.approx(everybody.expected_value_minor[place], rel=1e-12)
    assert found.churn_90[0] == pytest.approx(everybody.churn_90[place], rel=1e-12)


def test_a_model_goes_through_json(learned: ValueModel) -> None:
    assert msgspec.json.decode(msgspec.json.encode(learned), type=ValueModel) == learned


def test_the_same_shop_and_seed_give_the_same_model(shop: CustomerActivity, learned: ValueModel) -> None:
    assert fit_value(shop, config=ValueConfig(), rng=np.random.default_rng(0)) == learned


def test_the_variant_is_chosen_without_a_look_at_what_is_held_out(shop: CustomerActivity, learned: ValueModel) -> None:
    """Other last weeks change the error, never the choice."""
    assert learned.holdout is not None
    silent = int(shop.as_of - round(learned.holdout.weeks * 7) * 86_400_000_000)
    kept = shop.order_at <= silent
    quiet = dataclasses.replace(
        shop,
        order_customer=shop.order_customer[kept],
        order_at=shop.order_at[kept],
        order_value_minor=shop.order_value_minor[kept],
        order_units=shop.order_units[kept],
        order_units_back=shop.order_units_back[kept],
    )
    model = fit_value(quiet, config=ValueConfig(), rng=np.random.default_rng(0))
    assert model is not None
    assert model.holdout is not None
    assert model.holdout.actual == 0
    assert model.holdout.variant == learned.holdout.variant
    assert model.holdout.told == pytest.approx(learned.holdout.told)


def test_what_came_back_in_the_span_held_out_is_not_known_before_it(
    shop: CustomerActivity, learned: ValueModel
) -> None:
    assert learned.holdout is not None
    silent = shop.as_of - round(learned.holdout.weeks * 7) * DAY
    earlier = np.flatnonzero(shop.order_at < silent - DAY)[::3].tolist()
    day = (silent + 2 * DAY - moment(0)) / DAY
    back = less(shop, [(order, day, int(shop.order_value_minor[order]), 1, True) for order in earlier])
    model = fit_value(back, config=ValueConfig(), rng=np.random.default_rng(0))
    assert model is not None
    assert model.holdout is not None
    assert model.buyers < learned.buyers
    assert model.holdout == learned.holdout


def each(n: int, *days_and_values: tuple[float, int]) -> list[Order]:
    return [(who, day, value) for who in range(n) for day, value in days_and_values]


ODD_SHOPS: dict[str, list[Order]] = {
    "all alike": each(80, (0, 1_000), (30, 1_000), (60, 1_000), (90, 1_000)),
    "nearly nobody comes back": each(300, (0, 1_000)) + [(who, 50.0, 900) for who in range(12)],
    "everybody came back today": each(100, (0, 1_000), (100, 2_000)),
    "all since yesterday": each(100, (99, 1_000), (100, 1_000)),
    "every day": each(60, *((float(day), 500 + day) for day in range(100))),
    "more comes back than was bought": each(100, (0, 1_000), (40, 1_000)) + each(100, (41, -5_000)),
    "one giant order": [*each(100, (0, 1_000), (40, 1_100)), (7, 60.0, 1_684_696_000), (7, 80.0, 1_000)],
    "a cent and a fortune": each(50, (0, 1), (40, 1))
    + [(who, day, 10**12) for who in range(50, 99) for day in (3.0, 60.0)],
    "the future is there already": each(100, (0, 1_000), (40, 1_100), (5_000, 10)),
}


@pytest.mark.parametrize("name", ODD_SHOPS)
def test_an_odd_shop_is_told_no_nonsense(name: str) -> None:
    activity = activity_of(ODD_SHOPS[name], as_of_day=100)
    model = fit_value(activity, config=ValueConfig(), rng=np.random.default_rng(0))
    assert model is not None
    purchases = purchases_of(activity)
    told = predict(model, purchases)
    sane(told.p_alive, told.expected_orders, told.expected_value_minor, told.churn_90)
    assert told.p_alive.max() <= 1
    assert told.churn_90.max() <= 1
    # Nobody is expected to buy much more often than anybody ever has, nor for more.
    pace = (purchases.x.max() + 1) / max(purchases.T.max(), 1)
    assert told.expected_orders[:, 2].max() <= 2 * 365 * pace
    assert told.expected_value_minor.max() <= 365 * float(activity.order_value_minor.max())
    waits = told.next_order_days[~np.isnan(told.next_order_days)]
    assert np.all((waits > 0) & (waits <= 730))
    msgspec.json.decode(msgspec.json.encode(model), type=ValueModel)


@pytest.mark.parametrize(
    "orders",
    [[], [(1, 3.0, 500)], each(1_000, (0, 1_000)), each(5, (0, 1_000), (30, 1_000)), each(100, (0, -5), (30, -5))],
    ids=["no order", "a single buyer", "one order each", "five customers", "returns alone"],
)
def test_a_shop_with_too_little_is_told_nothing(orders: list[Order]) -> None:
    activity = activity_of(orders, as_of_day=100, customers=["waiting"])
    assert fit_value(activity, config=ValueConfig(), rng=np.random.default_rng(0)) is None


order_lists = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0, 400, allow_nan=False), st.integers(-10_000, 10_000) | st.just(10**11)),
    max_size=150,
)


@given(order_lists, st.floats(0, 400))
@settings(max_examples=25)
def test_whatever_happened_nothing_breaks(orders: list[Order], as_of_day: float) -> None:
    activity = activity_of(orders, as_of_day=as_of_day)
    config = ValueConfig(least_buyers=1, least_repeaters=1)
    model = fit_value(activity, config=config, rng=np.random.default_rng(0))
    purchases = purchases_of(activity)
    assert np.all((purchases.t_x >= 0) & (purchases.t_x <= purchases.T))
    if model is not None:
        told = predict(model, purchases)
        sane(told.p_alive, told.expected_orders, told.expected_value_minor, told.churn_90)


def sane(*arrays: Array) -> None:
    for values in arrays:
        assert np.all(np.isfinite(values))
        assert np.all(values >= 0)


def test_orders_of_no_known_price_are_purchases_of_no_known_value() -> None:
    orders = [(1, 0.5, 0), (1, 9.5, 0), (2, 3.5, 0), (3, 1.5, 500)]
    bought = purchases_of(activity_of(orders, as_of_day=20, order_units_back=[0, 0, 1, 0]))
    assert bought.x.tolist() == [1.0, 0.0], "what was given back is no purchase"
    assert bought.buyer.tolist() == [0, 2]
    assert np.isnan(bought.mean_purchase_minor[0])
    assert bought.mean_purchase_minor[1] == 500
