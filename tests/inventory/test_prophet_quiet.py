"""What Prophet and its engine say of each fit is nothing to a reader of forecasts."""

import subprocess
import sys

import pytest

FORECAST = """
import numpy as np
from smartshop.ai_agents.inventory.forecasting.panel import Panel, Period
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetDefault

panel = Panel(np.arange(60.0)[None, :] % 7, Period.DAY, 734_000)
print(ProphetDefault().forecast(panel, 7, (0.1, 0.5, 0.9)).mean.shape)
"""


def test_a_fit_says_nothing() -> None:
    pytest.importorskip("prophet")
    done = subprocess.run([sys.executable, "-c", FORECAST], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("(1, 7)\n", "")
