"""Newcomers in the model: every product that has not sold yet gets a series of its own, told by launches of its like.

It stands at the default place, where orders that name no place are kept: stock of it anywhere counts with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.classes import Steadiness, Value
from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.choosing_classes import NEWCOMER
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast
from smartshop.ai_agents.inventory.launch_forecasts import (
    MOST_LAIN,
    Asked,
    LaunchTrial,
    foresee_launches,
    likeness_of,
    record_launches,
    try_launches,
)
from smartshop.ai_agents.inventory.model import Facts, InventoryModel
from smartshop.ai_agents.inventory.newcomers import Newcomer
from smartshop.ai_agents.inventory.sum_spread import PRIOR_LAUNCHES, spread_of_sums
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION

Number = TypeVar("Number", bound=np.generic)

NEVER_SOLD = "launches of its like, before its first sale"


@dataclass(frozen=True, slots=True)
class _Added:
    newcomers: Sequence[Newcomer]
    forecast: Forecast
    trial: LaunchTrial


def with_newcomers(
    model: InventoryModel, series: DemandSeries, shelf: Shelf, found: Sequence[Newcomer], rng: np.random.Generator
) -> InventoryModel:
    """The model with a series more for each newcomer that enough launches tell of; how well is among its measures.

    `series`: what the model was learned from.
    """
    horizon, levels = model.mean.shape[1], model.facts.levels
    found = [one for one in found if one.product_no < shelf.n_products]
    record = record_launches(series, shelf, found, MOST_LAIN + horizon)
    trial = try_launches(record, horizon, levels)
    asked = Asked(found, likeness_of(shelf, np.array([one.product_no for one in found], np.int32)))
    forecast, heard = foresee_launches(record, asked, horizon, levels, trial.config)
    some = np.flatnonzero(heard)
    if not len(some):
        return _measured(model, trial, 0)
    kept = _Added([found[row] for row in some.tolist()], _some(forecast, some), trial)
    return _measured(_grown(model, kept, rng), trial, len(some))


def _measured(model: InventoryModel, trial: LaunchTrial, newcomers: int) -> InventoryModel:
    levels = model.facts.levels
    told = {"launches_pinball": trial.loss(levels), "launches_pinball_of_mean": trial.loss_of_mean_launch(levels)}
    known = {name: loss for name, loss in told.items() if np.isfinite(loss)}
    measures = {**model.facts.measures, **known, "newcomers": float(newcomers)}
    return replace(model, facts=msgspec.structs.replace(model.facts, measures=measures))


def _grown(model: InventoryModel, added: _Added, rng: np.random.Generator) -> InventoryModel:
    n, m = len(added.newcomers), len(model)
    scatter = float(np.mean(model.scatter))
    relative, asked = _spread(added.trial, scatter, model.relative.shape[1], rng)
    facts, place = _with_place(model)
    variants = [(one, row) for row, newcomer in enumerate(added.newcomers, m) for one in newcomer.variants]
    shares = [1.0 / len(newcomer.variants) for newcomer in added.newcomers for _ in newcomer.variants]
    lain = np.arange(-model.sold.shape[1], 0) >= -np.array([[one.lain_weeks] for one in added.newcomers])
    methods, known = (*facts.methods, NEVER_SOLD), (*facts.variants, *(one for one, _ in variants))
    return replace(
        model,
        facts=msgspec.structs.replace(facts, methods=methods, variants=known),
        product_no=_put(model.product_no, np.array([one.product_no for one in added.newcomers])),
        location=_put(model.location, np.full(n, place)),
        sold=_put(model.sold, np.zeros(lain.shape)),
        demand=_put(model.demand, np.where(lain, 0.0, np.nan)),
        mean=_put(model.mean, added.forecast.mean),
        quantiles=_put(model.quantiles, added.forecast.quantiles),
        scatter=_put(model.scatter, np.full(n, scatter)),
        series_class=_put(model.series_class, np.full(n, NEWCOMER)),
        method=_put(model.method, np.full(n, len(facts.methods))),
        value_class=np.concatenate([model.value_class, np.full(n, Value.C.value)]),
        steadiness=np.concatenate([model.steadiness, np.full(n, Steadiness.Z.value)]),
        pinball=_put(model.pinball, np.full(n, np.nan)),
        covered=_put(model.covered, np.full(n, np.nan)),
        variant_series=_put(model.variant_series, np.array([row for _, row in variants])),
        variant_share=_put(model.variant_share, np.array(shares)),
        relative=_with_row(model.relative, relative),
        asked=_with_row(model.asked, asked),
    )


def _spread(trial: LaunchTrial, scatter: float, weeks: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """((k,) φ, (k, q) levels) of sums over 1 … k weeks of what has not sold yet, by how launches strayed."""
    tried = len(trial.came)
    came, told = trial.came.cumsum(axis=1)[:, :weeks], trial.told.mean.cumsum(axis=1)[:, :weeks]
    return spread_of_sums(came, told, scatter, tried / (tried + PRIOR_LAUNCHES), rng)


def _with_row(classes: Floats, own: Floats) -> Floats:
    """With what was learned for newcomers in their row."""
    rows = classes.copy()
    rows[NEWCOMER] = own
    return rows


def _with_place(model: InventoryModel) -> tuple[Facts, int]:
    facts = model.facts
    if DEFAULT_LOCATION not in facts.locations:
        facts = msgspec.structs.replace(facts, locations=(*facts.locations, DEFAULT_LOCATION))
    return facts, facts.locations.index(DEFAULT_LOCATION)


def _put(rows: NDArray[Number], more: NDArray[np.generic]) -> NDArray[Number]:
    """One below the other, in the type of the first."""
    return np.concatenate([rows, more.astype(rows.dtype)])


def _some(forecast: Forecast, rows: NDArray[np.int64]) -> Forecast:
    return Forecast(forecast.mean[rows], forecast.quantiles[rows])
