"""Forecasts kept in files, so that a table is scored anew in seconds where its models took an hour."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

import numpy as np

from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Forecast, Panel

LIBRARIES = ("statsforecast", "lightgbm", "numpy", "scipy")
"""Another version of one of them makes another forecast."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate that is asked once for the same panel; the folder is to be emptied after its code changed."""

    name: ClassVar[str] = "kept"
    candidate: Candidate
    folder: Path

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        file = self._file(panel, horizon, levels)
        if not file.is_file():
            began = time.process_time()
            told = self.candidate.forecast(panel, horizon, levels)
            self.folder.mkdir(parents=True, exist_ok=True)
            took = time.process_time() - began
            unfinished = file.with_suffix(".part.npz")
            np.savez(unfinished, mean=told.mean, quantiles=told.quantiles, seconds=took)
            unfinished.rename(file)
        with np.load(file) as found:
            return Forecast(found["mean"], found["quantiles"])

    def seconds(self, panel: Panel, horizon: int, levels: Sequence[float]) -> float:
        """Processor time of the forecast when it was made; 0 where it never was."""
        file = self._file(panel, horizon, levels)
        if not file.is_file():
            return 0.0
        with np.load(file) as found:
            return float(found["seconds"])

    def _file(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Path:
        asked = [repr(self.candidate), panel.period, panel.first_day, horizon, tuple(levels), *map(_version, LIBRARIES)]
        digest = hashlib.sha256(repr(asked).encode())
        digest.update(np.ascontiguousarray(panel.demand).tobytes())
        for kind in (panel.groups, panel.causes):
            for name, values in kind.items():
                digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
        return self.folder / f"{digest.hexdigest()[:32]}.npz"


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
