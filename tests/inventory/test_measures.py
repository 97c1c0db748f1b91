"""Measures of forecasts, against published arithmetic and by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.measures import (
    conformal_rank,
    covered,
    pinball,
    ratio_interval,
    rmspe,
    rmspe_without_worst,
    rmsse,
    share_below,
    square_root_interval,
    wmape,
)
from smartshop.ai_agents.inventory.forecasting.panel import Panel, Period, tidy

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "metric_vectors.json"


@pytest.mark.skipif(not VECTORS.exists(), reason=f"{VECTORS} is not here")
def test_the_published_arithmetic_is_met() -> None:
    vectors = json.loads(VECTORS.read_text())
    for one in vectors["pinball"]:
        found = pinball(np.array([one["y"]], float), np.array([one["q"]], float), one["taus"])
        assert found.mean() == pytest.approx(one["mean"], abs=1e-9)
    split = vectors["split_conformal"]
    rank = conformal_rank(len(split["abs_residuals"]), 1 - split["alpha"])
    assert rank == split["rank"]
    assert sorted(split["abs_residuals"])[rank - 1] == split["halfwidth"]


def test_shares_of_error_are_over_periods_with_sales() -> None:
    actual, told = np.array([10.0, 0.0, np.nan, 20.0]), np.array([5.0, 7.0, 1.0, 20.0])
    assert rmspe(actual, told) == pytest.approx(np.sqrt(0.125))
    assert rmspe_without_worst(actual, told) == 0.0
    assert wmape(actual, told) == pytest.approx(12 / 30)
    assert np.isnan(rmspe(np.zeros(3), np.ones(3)))


def test_scaled_errors_begin_with_the_first_sale() -> None:
    history = np.array([[0.0, 0.0, 2.0, 4.0, 2.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    found = rmsse(history, np.array([[4.0], [2.0]]), np.array([[2.0], [2.0]]))
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1])


def test_coverage_counts_both_ends_and_a_tie_half() -> None:
    actual = np.array([1.0, 2.0, 3.0, np.nan])
    assert covered(actual, np.full(4, 1.0), np.full(4, 2.0)) == pytest.approx(2 / 3)
    assert share_below(np.full(4, 2.0), np.full(4, 2.0), np.array([0.1, 0.2, 0.6, 0.9])) == 0.5


def test_an_interval_tells_what_is_real() -> None:
    rng = np.random.default_rng(1)
    theirs = rng.gamma(2.0, 1.0, (400, 3))
    better = ratio_interval(theirs * 0.9, theirs, rng)
    assert better.value == pytest.approx(0.1)
    assert better.excludes_zero
    assert not ratio_interval(rng.permutation(theirs), theirs, rng).excludes_zero
    roots = square_root_interval(theirs * 0.81, theirs, rng)
    assert roots.value == pytest.approx(0.1)


def test_a_panel_refuses_what_is_no_demand() -> None:
    with pytest.raises(ValueError, match="negative"):
        Panel(np.array([[1.0, -1.0]]), Period.DAY, 737000)
    panel = Panel(np.arange(6.0).reshape(2, 3), Period.DAY, 737000, {"promotion": np.ones((1, 5), np.float32)})
    assert panel.until(2).periods == 2
    assert panel.of(np.array([1])).demand.tolist() == [[3.0, 4.0, 5.0]]
    with pytest.raises(ValueError, match="cut to 4"):
        panel.until(4)


def test_a_forecast_is_never_negative_nor_out_of_order() -> None:
    found = tidy(np.array([[-1.0, np.nan]]), np.array([[[3.0, 1.0], [np.nan, -2.0]]]))
    assert found.mean.tolist() == [[0.0, 0.0]]
    assert found.quantiles.tolist() == [[[1.0, 3.0], [0.0, 0.0]]]
