"""What statsforecast's models say through our contract, and that our own Croston and TSB are theirs."""

import numpy as np
import pytest

from smartshop.ai_agents.inventory.forecasting.intermittent import croston_sba, tsb
from smartshop.ai_agents.inventory.forecasting.panel import Panel, Period
from smartshop.ai_agents.inventory.forecasting.statistical import Model, Statistical, StatisticalCounts
from tests.inventory.test_counts import LEVELS, odd_panel

pytest.importorskip("statsforecast", reason="statsforecast is an extra (`forecast`)")


def sometimes(series: int, periods: int = 40) -> Panel:
    rng = np.random.default_rng(2)
    return Panel(rng.poisson(0.6, (series, periods)).astype(np.float64), Period.MONTH, 729_390)


def test_our_croston_and_tsb_are_the_librarys() -> None:
    panel = sometimes(20)
    theirs = StatisticalCounts(Model.CROSTON_SBA).forecast(panel, 1, LEVELS).mean[:, 0]
    assert croston_sba(panel.demand, 0.1) == pytest.approx(theirs)
    theirs = StatisticalCounts(Model.TSB).forecast(panel, 1, LEVELS).mean[:, 0]
    assert tsb(panel.demand, 0.1, 0.1) == pytest.approx(theirs)


@pytest.mark.parametrize("model", list(Model))
def test_every_model_forecasts_odd_series_natively_and_as_counts(model: Model) -> None:
    panel = odd_panel()
    for candidate in (Statistical(model), StatisticalCounts(model)):
        told = candidate.forecast(panel, 3, LEVELS)
        assert told.mean.shape == (6, 3)
        assert told.quantiles.shape == (6, 3, 5)
        assert np.isfinite(told.quantiles).all()
        assert (told.quantiles >= 0).all()
        assert (np.diff(told.quantiles, axis=2) >= 0).all()
        assert not told.quantiles[:2].any()
        assert (told.mean[5] > 9e6).all()


@pytest.mark.parametrize("model", [Model.AUTO_ETS, Model.IMAPA])
def test_native_quantiles_lie_about_the_mean(model: Model) -> None:
    rng = np.random.default_rng(3)
    panel = Panel(rng.normal(100.0, 10.0, (8, 60)), Period.MONTH, 729_390)
    told = Statistical(model).forecast(panel, 3, LEVELS)
    assert told.quantiles[:, :, 2] == pytest.approx(told.mean)
    assert (told.quantiles[:, :, 0] < told.mean).all()
    assert (told.quantiles[:, :, 4] > told.mean).all()
