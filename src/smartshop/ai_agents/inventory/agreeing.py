"""Means of products, categories, places and the shop foreseen apart, then made to agree, so that sums add up.

A season or a trend that single products hide is told by what they add up to.
"""

import numpy as np

from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.cause_effects import WEEKLY_EFFECTS, learn_effects
from smartshop.ai_agents.inventory.forecasting.choosing_counts import forecast_counts, plain_candidates
from smartshop.ai_agents.inventory.forecasting.counts import RecentCounts
from smartshop.ai_agents.inventory.forecasting.hierarchy import Hierarchy, build_hierarchy, reconcile, sums
from smartshop.ai_agents.inventory.forecasting.panel import Cause, Floats, Panel
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason
from smartshop.ai_agents.inventory.forecasting.with_causes import KNOWING, WithCauses, causes_by_week
from smartshop.data_collection.pipelines.shelf import Shelf

LEAST_WEEKS = 8
"""Younger shops know no sums worth listening to."""
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""By the loss over which the sums' forecast is chosen."""
MOVED = "moved"
"""Name of the cause that tells a sum what causes do to its parts."""
LEAST_SIZE = 0.01
"""Units a week: a series that is expected to sell nothing may still be moved a little."""


def agreed_means(series: DemandSeries, shelf: Shelf, mean: Floats) -> Floats:
    """(n, h) means moved as little as sums that are foreseen by themselves ask for; never negative.

    `mean`: (n, h) of every series, from the panel's end on. Quantiles stay where they were: on a wholesaler's books
    moved ones lost as much as they won, while means came nearer for products and for the shop (docs/benchmarks.md).
    """
    if series.panel.periods < LEAST_WEEKS or len(series) < 2:
        return mean
    paths = [shelf.categories[code] for code in shelf.category[series.product_no].tolist()]
    tree = build_hierarchy(series.product_no, series.location, series.locations, paths)
    # What was not sold yet added nothing: a sum is known from the shop's first week on.
    demand = np.nan_to_num(series.panel.demand)
    causes = _moved(tree, series.panel, demand)
    upper = Panel(sums(tree, demand), series.panel.period, series.panel.first_day, causes)
    candidates = {**plain_candidates(), SharedSeason.name: SharedSeason()}
    if causes:
        knowing = (WithCauses(one, (MOVED,), WEEKLY_EFFECTS) for one in (RecentCounts(), SharedSeason()))
        candidates |= {f"{one.candidate.name}{KNOWING}": one for one in knowing}
    told = forecast_counts(upper, mean.shape[1], LEVELS, candidates).forecast
    # Counts stray with their size: what a sum asks for is shared out by it, or the rarest would pay for the busiest.
    size = np.maximum(mean.mean(axis=1), LEAST_SIZE)
    return reconcile(tree, mean, told.mean, (size, tree.adds @ size))


def _moved(tree: Hierarchy, panel: Panel, demand: Floats) -> dict[str, Cause]:
    """Name → (u, t + h) logarithm of what known causes make of each sum: of its parts' factors, by their units."""
    names = causes_by_week(panel)
    if not names:
        return {}
    reach = min(panel.causes[name].shape[1] for name in names)
    factors = learn_effects(panel, names, WEEKLY_EFFECTS).factors(panel.causes, 0, reach)
    units = demand.mean(axis=1, keepdims=True)
    moved, usual = tree.adds @ (units * factors), tree.adds @ units
    share = np.divide(moved, usual, out=np.ones_like(moved), where=usual > 0)
    return {MOVED: np.log(share).astype(np.float32)}
