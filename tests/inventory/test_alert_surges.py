"""Surges of demand: how surprising they must be, among how many."""

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from smartshop.ai_agents.inventory.alerts.false_alarms import surprising
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentDemand
from smartshop.ai_agents.inventory.alerts.surge import SurgeConfig, Surges, find_surges
from tests.inventory.alert_cases import lines, recent


def surges(window: RecentDemand, *rows: tuple[int, int, float], was_open: list[bool] | None = None) -> Surges:
    open_now = np.array(was_open or [False] * len(window.units), np.bool_)
    return find_surges([window], lines(*rows), open_now, SurgeConfig())


class TestSurge:
    def test_the_chance_is_that_of_so_many_or_more(self) -> None:
        found = surges(recent([30.0, 12.0], [10.0, 10.0]))
        assert found.chance[0] == pytest.approx(poisson.sf(29, 10.0), rel=1e-6)
        assert found.chance[1] == pytest.approx(poisson.sf(11, 10.0), rel=1e-6)
        assert found.is_surge.tolist() == [True, False]

    def test_a_wild_series_needs_more(self) -> None:
        window = recent([30.0], [10.0], scatter=10.0)
        assert surges(window).chance[0] == pytest.approx(nbinom.sf(29, 10.0 / 9.0, 0.1), rel=1e-6)
        assert not surges(window).is_surge[0]

    def test_one_large_order_is_no_rise_of_demand(self) -> None:
        found = surges(recent([100.0], [10.0]), (0, 2, 92.0))
        assert (found.units[0], found.largest_line[0], found.is_surge[0]) == (8.0, 92.0, False)

    def test_a_line_that_was_called_off_hides_no_surge(self) -> None:
        # 80,995 units for twelve minutes: the table has them no more, the line is still told.
        assert surges(recent([40.0], [10.0]), (0, 3, 80_995.0)).is_surge[0]

    def test_it_stays_until_so_much_comes_by_chance(self) -> None:
        # P(17 or more) = 2.7 %: too often among ten products to open, too seldom to close.
        window = recent([17.0] + [10.0] * 9, [10.0] * 10)
        assert not surges(window).is_surge.any()
        assert surges(window, was_open=[True] * 10).is_surge.tolist() == [True] + [False] * 9

    def test_certain_and_small_is_no_surge(self) -> None:
        assert not surges(recent([13_000.0], [10_000.0])).is_surge[0]

    def test_the_more_products_the_more_surprising_it_must_be(self) -> None:
        one, many = [23.0], [23.0] + [10.0] * 999
        assert surges(recent(one, [10.0])).is_surge[0]
        assert not surges(recent(many, [10.0] * 1_000)).is_surge.any()

    def test_the_likelihood_is_that_of_the_rises_against_none(self) -> None:
        window = recent([30.0], [10.0])
        by_hand = np.log(np.mean([poisson.pmf(30, times * 10.0) for times in (2, 3, 5)]) / poisson.pmf(30, 10.0))
        assert window.log_likelier(np.array([30.0]), (2.0, 3.0, 5.0))[0] == pytest.approx(by_hand, rel=5e-3)

    def test_three_units_where_hardly_any_is_expected_are_no_surge(self) -> None:
        # By chance that comes once in 6,000 weeks; a rise makes it 37 times likelier, no more.
        window = recent([3.0], [0.1])
        assert surges(window).chance[0] < 2e-4
        assert not surges(window).is_surge[0]
        assert surges(recent([6.0], [0.1])).is_surge[0]

    def test_of_untested_products_nothing_is_told(self) -> None:
        window = RecentDemand(7, np.array([50.0]), np.array([1.0]), np.array([1.0]), np.zeros(1, np.bool_))
        found = surges(window)
        assert np.isnan(found.chance[0])
        assert not found.is_surge[0]


def test_false_discoveries_are_those_of_the_paper() -> None:
    # Benjamini & Hochberg (1995), section 4.1: 15 p-values, four are told at q = 0.05.
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    chances += [0.6528, 0.7590, 1.0]
    assert surprising(np.array(chances), 0.05).sum() == 4
    assert not surprising(np.full(5, np.nan), 0.05).any()
    assert not surprising(np.zeros(0), 0.05).any()
