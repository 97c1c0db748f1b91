"""Models fitted one series at a time, over blocks of daily series, in as many processes as are given."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.inventory.forecasting.daily_counts import counts_around
from smartshop.ai_agents.inventory.forecasting.long_series import bounded
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Forecast, Panel
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetCounts
from smartshop.ai_agents.inventory.forecasting.statistical import Model, Statistical
from smartshop.ai_agents.inventory.pieces import Pieces

PROPHET = "Prophet"
MODELS = (Model.AUTO_ETS, Model.AUTO_CES, Model.DYNAMIC_OPTIMIZED_THETA)


@dataclass(frozen=True, slots=True)
class CountsAroundMean:
    """A candidate's means, kept near what was ever seen, with the scatter of daily counts around them."""

    name: ClassVar[str] = "counts around a mean"
    candidate: Candidate

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        return counts_around(panel, bounded(panel, self.candidate.forecast(panel, horizon, ()).mean), levels)


@dataclass(frozen=True, slots=True)
class Asked:
    """One candidate, asked of all the series after so many days."""

    name: str
    origin: int


@dataclass(frozen=True, slots=True)
class HeavyPlan:
    """How far and how finely is told, and in what portions."""

    horizon: int
    levels: tuple[float, ...]
    block: int = 25
    """Series to a piece: a few seconds of work, which is all that a killed run loses."""
    workers: int = 1
    """Processes; with 1 all is done in this one."""


def heavy_candidates() -> dict[str, Candidate]:
    """Those that are installed."""
    found: dict[str, Candidate] = {}
    if find_spec("statsforecast") is not None:
        found |= {model.value: CountsAroundMean(Statistical(model)) for model in MODELS}
    if find_spec("prophet") is not None:
        found[PROPHET] = ProphetCounts()
    return found


def fit_blocks(
    panel: Panel, asked: Sequence[Asked], plan: HeavyPlan, pieces: Pieces, done: Callable[[Asked, int], None]
) -> Mapping[Asked, Forecast]:
    """Each of them of every series of the panel, as known then. `done` is told each block's series."""
    blocks = [np.arange(first, min(first + plan.block, len(panel))) for first in range(0, len(panel), plan.block)]
    jobs = [(one, number) for one in asked for number in range(len(blocks))]
    told = dict[tuple[Asked, int], Forecast]()
    missing = list[tuple[Asked, int]]()
    for one, number in jobs:
        found = pieces.found(_name(one, number))
        if found is None:
            missing.append((one, number))
            continue
        told[one, number] = found
        done(one, len(blocks[number]))
    for (one, number), forecast in _fitted(panel, blocks, missing, plan):
        told[one, number] = pieces.keep(_name(one, number), forecast)
        done(one, len(blocks[number]))
    return {one: _joined([told[one, number] for number in range(len(blocks))]) for one in asked}


def _fitted(
    panel: Panel, blocks: Sequence[NDArray[np.int64]], jobs: Sequence[tuple[Asked, int]], plan: HeavyPlan
) -> Iterator[tuple[tuple[Asked, int], Forecast]]:
    """As they are finished."""

    def known(one: Asked, number: int) -> Panel:
        return panel.of(blocks[number]).until(one.origin)

    if plan.workers < 2 or len(jobs) < 2:
        for one, number in jobs:
            yield (one, number), _fit(one.name, known(one, number), plan.horizon, plan.levels)
        return
    # Fresh processes: one that is forked while others' threads run may hold their locks for ever.
    with ProcessPoolExecutor(plan.workers, mp_context=get_context("spawn")) as pool:
        waiting = {
            pool.submit(_fit, one.name, known(one, number), plan.horizon, plan.levels): (one, number)
            for one, number in jobs
        }
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _fit(name: str, panel: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
    with threadpool_limits(limits=1):
        return heavy_candidates()[name].forecast(panel, horizon, levels)


def _name(one: Asked, number: int) -> str:
    return f"{one.name}-{one.origin}-{number}"


def _joined(parts: Sequence[Forecast]) -> Forecast:
    return Forecast(np.concatenate([one.mean for one in parts]), np.concatenate([one.quantiles for one in parts]))
