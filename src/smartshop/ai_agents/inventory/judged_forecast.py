"""How good the newest forecast would have been: judged at the last origin by a choice that saw what came before it."""

import numpy as np

from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.measures import covered, pinball
from smartshop.ai_agents.inventory.forecasting.panel import Floats
from smartshop.ai_agents.inventory.sum_spread import SUM_LEVELS, learn_spread, sums_within
from smartshop.ai_agents.inventory.weekly_choice import LEVELS, ChosenForecasts, PastForecast

COVERED_LEVEL = 0.9
"""At which the coverage of sums is told."""


def judged_series(series: DemandSeries, judged: PastForecast | None) -> tuple[Floats, Floats]:
    """(n,) mean loss at the last origin, and share of its weeks within the outermost quantiles; NaN where not tried."""
    lost, within = np.full(len(series), np.nan), np.full(len(series), np.nan)
    if judged is not None:
        came, told = _came(series, judged)
        some = np.isfinite(came).any(axis=1)
        losses = pinball(came, told, LEVELS).mean(axis=2)
        inside = (told[..., 0] <= came) & (came <= told[..., -1])
        lost[some] = np.nanmean(losses[some], axis=1)
        within[some] = np.nanmean(np.where(np.isfinite(came), inside, np.nan)[some], axis=1)
    return lost, within


def _came(series: DemandSeries, past: PastForecast) -> tuple[Floats, Floats]:
    """(n, h) what came, (n, h, q) what was told."""
    came = series.panel.demand[:, past.origin : past.origin + past.told.mean.shape[1]]
    return came, past.told.quantiles[:, : came.shape[1]]


def measures_of(series: DemandSeries, chosen: ChosenForecasts, rng: np.random.Generator) -> dict[str, float]:
    """At the last origin, by a choice that saw only what came before it; empty in a young shop.

    The spread is learned at the origins before it, as the choice of now tells these: sums are told a shade too good.
    """
    if chosen.judged is None or chosen.baseline is None:
        return {}
    (came, ours), (_, theirs) = _came(series, chosen.judged), _came(series, chosen.baseline)
    earlier = [one for one in chosen.past if one.origin < chosen.judged.origin]
    spread = learn_spread(series.panel.until(chosen.judged.origin), earlier, rng)
    within = sums_within(series.panel, chosen.judged, spread, SUM_LEVELS.index(COVERED_LEVEL))
    found = {
        "pinball": float(np.nanmean(pinball(came, ours, LEVELS))),
        "pinball_of_baseline": float(np.nanmean(pinball(came, theirs, LEVELS))),
        "weeks_within_90_percent": covered(came, ours[..., 0], ours[..., -1]),
        "sums_within_their_90_percent_level": within,
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}
