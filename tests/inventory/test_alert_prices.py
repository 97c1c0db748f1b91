"""Prices and demand that do not fit each other: slips of a digit, and demand against its price."""

import numpy as np
import pytest
from scipy.stats import poisson

from smartshop.ai_agents.inventory.alerts.price_demand import (
    PriceConfig,
    PriceSurprises,
    ToldPrices,
    find_price_surprises,
)
from tests.inventory.alert_cases import lines, recent


def prices(before: float, lately: float | None, days: int = 200) -> np.ndarray:
    """One product sold daily, 2 % up and down."""
    paid = before * (1.0 + 0.02 * np.sin(np.arange(days)))
    paid[-14:] = np.nan if lately is None else lately
    return paid[None, :]


def priced(paid: np.ndarray, units: float, offered: float = np.nan, largest: float = 1.0) -> PriceSurprises:
    window = recent([units], [20.0], days=7)
    told = ToldPrices(paid, np.full_like(paid, np.nan), np.array([False]), np.array([offered]))
    return find_price_surprises(told, window, lines((0, 1, largest)), np.array([False]), PriceConfig())


class TestPriceDemand:
    def test_a_digit_that_slipped_is_found_where_demand_answers(self) -> None:
        found = priced(prices(2_000.0, 200.0), 60.0)
        assert (found.is_slip[0], found.is_against[0]) == (True, False)
        assert found.usual_minor[0] == pytest.approx(2_000.0, rel=0.01)
        assert found.chance[0] == pytest.approx(poisson.sf(59, 20.0), rel=1e-6)

    def test_a_hundred_times_too_dear_is_bought_by_nobody(self) -> None:
        assert priced(prices(2_000.0, None), 0.0, offered=200_000.0).is_slip[0]
        assert not priced(prices(2_000.0, None), 0.0, offered=2_000.0).is_slip[0]

    def test_given_away_for_nothing_is_a_slip(self) -> None:
        assert priced(prices(2_000.0, 0.0), 60.0).is_slip[0]

    def test_a_price_that_moved_alone_is_a_price_the_shop_meant(self) -> None:
        found = priced(prices(2_000.0, 200.0), 20.0)
        assert (found.is_slip[0], found.is_against[0]) == (False, False)

    def test_demand_that_moved_alone_is_no_matter_of_price(self) -> None:
        found = priced(prices(2_000.0, 2_010.0), 80.0)
        assert (found.is_slip[0], found.is_against[0]) == (False, False)

    def test_demand_against_its_price_is_told(self) -> None:
        assert priced(prices(2_000.0, 2_600.0), 60.0).is_against[0]
        assert priced(prices(2_000.0, 1_500.0), 3.0).is_against[0]

    def test_one_large_buyer_is_no_proof_against_a_price_but_answers_a_slip(self) -> None:
        assert not priced(prices(2_000.0, 2_600.0), 60.0, largest=40.0).is_against[0]
        assert priced(prices(2_000.0, 200.0), 60.0, largest=40.0).is_slip[0]

    def test_demand_with_its_price_is_as_it_should_be(self) -> None:
        assert not priced(prices(2_000.0, 1_500.0), 60.0).is_against[0]
        assert not priced(prices(2_000.0, 2_600.0), 3.0).is_against[0]

    def test_the_present_price_is_that_of_the_newest_sales(self) -> None:
        paid = prices(2_000.0, 2_000.0)
        paid[0, -3:] = 200.0
        assert priced(paid, 60.0).price_minor[0] == 200.0
        assert priced(paid, 60.0).is_slip[0]

    def test_prices_that_always_jump_prove_nothing(self) -> None:
        paid = np.where(np.arange(200) % 2 == 0, 1_000.0, 2_000.0)[None, :].copy()
        paid[:, -14:] = 2_600.0
        assert not priced(paid, 60.0).is_against[0]

    @pytest.mark.parametrize("paid", [np.full((1, 200), np.nan), np.zeros((1, 200)), np.full((1, 3), 100.0)])
    def test_unknown_prices_are_no_evidence(self, paid: np.ndarray) -> None:
        found = priced(paid, 90.0)
        assert (found.is_slip[0], found.is_against[0]) == (False, False)
