"""What a long forecast has done so far, on disk, so that a run that was killed goes on where it was."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Forecast, Panel

PREFIX = "pieces-"
PACKAGES = ("smartshop", "numpy", "lightgbm", "statsforecast", "prophet")
"""Whose other release may tell otherwise, so that pieces of the one are none of the other."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Forecasts by name, kept in a folder of their own, or nowhere.

    Numbers are kept, and told, in single precision: what is read back is what was told at first.
    """

    folder: Path | None = None

    @staticmethod
    def of(scratch: Path, digest: str) -> "Pieces":
        """The pieces of one run below a scratch folder; those of others, which nobody will ask for, are removed."""
        folder = scratch / f"{PREFIX}{digest}"
        for other in scratch.glob(f"{PREFIX}*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        return Pieces(folder)

    def found(self, name: str) -> Forecast | None:
        """A piece that is whole; None where there is none, or one that cannot be read."""
        if self.folder is None:
            return None
        try:
            return _opened(np.load(self.folder / f"{name}.npy", allow_pickle=False))
        except (OSError, ValueError):
            return None

    def keep(self, name: str, forecast: Forecast) -> Forecast:
        """Written whole or not at all; told as it will be read."""
        told = np.concatenate([forecast.mean[..., None], forecast.quantiles], axis=2).astype(np.float32)
        if self.folder is not None:
            part = self.folder / f"{name}.part"
            with part.open("wb") as file:
                np.save(file, told, allow_pickle=False)
            part.replace(self.folder / f"{name}.npy")
        return _opened(told)

    def once(self, name: str, make: Callable[[], Forecast]) -> Forecast:
        """The piece of this name, made where it is missing."""
        found = self.found(name)
        return self.keep(name, make()) if found is None else found

    def clear(self) -> None:
        """When the whole is done."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def digest_of(panel: Panel, value: NDArray[np.float64], config: object) -> str:
    """32 hex digits that stand for all that pieces depend on: the data, the settings and the learners' releases."""
    ahead = sorted(panel.told_ahead.items())
    found = hashlib.sha256(f"{panel.period} {panel.first_day} {ahead!r} {config!r} {_releases()}".encode())
    arrays: dict[str, NDArray[np.generic]] = {"demand": panel.demand, "value": value}
    arrays |= {f"cause {name}": cause for name, cause in panel.causes.items()}
    arrays |= {f"group {name}": codes for name, codes in panel.groups.items()}
    for name, array in arrays.items():
        found.update(f"{name} {array.shape} {array.dtype.str}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:32]


def _opened(told: NDArray[np.float32]) -> Forecast:
    whole = told.astype(np.float64)
    return Forecast(whole[..., 0], whole[..., 1:])


def _releases() -> str:
    return " ".join(f"{name}={_release(name)}" for name in PACKAGES)


def _release(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
