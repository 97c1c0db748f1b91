"""What the agent would have stored of a simulated shop: the same model that it serves from."""

import numpy as np

from smartshop.ai_agents.inventory.forecasting.choosing_classes import classes_by_age
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel
from smartshop.ai_agents.inventory.model import Facts, InventoryModel
from smartshop.ai_agents.inventory.sum_spread import SumSpread, weekly_scatter
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.simulator.supply import SupplyWorld

PLACE = LocationId("main")
EPOCH_ORDINAL = 719_163
"""1970-01-01 as a proleptic ordinal."""


def learned_model(world: SupplyWorld, day: int, panel: Panel, mean: Floats, spread: SumSpread) -> InventoryModel:
    """Of the world's products alone, which come first in the panel; `mean`: (n or more, weeks) from `day` on."""
    n = len(world)
    sold = panel.demand[:n].astype(np.float32)
    letters = np.full(n, "A")
    return InventoryModel(
        facts=_facts(world, day, panel.periods),
        product_no=np.arange(n, dtype=np.int32),
        location=np.zeros(n, np.int32),
        sold=sold,
        demand=sold,
        mean=mean[:n].astype(np.float32),
        quantiles=np.zeros((n, mean.shape[1], 1), np.float32),
        scatter=weekly_scatter(panel)[:n].astype(np.float32),
        series_class=classes_by_age(panel)[:n].astype(np.int32),
        method=np.zeros(n, np.int32),
        value_class=letters,
        steadiness=letters,
        pinball=np.full(n, np.nan, np.float32),
        covered=np.full(n, np.nan, np.float32),
        variant_series=np.arange(n, dtype=np.int32),
        variant_share=np.ones(n, np.float32),
        relative=spread.relative,
        asked=spread.asked,
    )


def _facts(world: SupplyWorld, day: int, weeks: int) -> Facts:
    first = world.first_day + EPOCH_ORDINAL
    return Facts(
        as_of=Micros(0),
        currency="GBP",
        history_day=first,
        first_day=first + day,
        levels=(0.5,),
        locations=(PLACE,),
        methods=("as chosen",),
        variants=tuple(VariantId(str(number)) for number in range(len(world))),
        lead_times={},
        measures={},
        weeks=weeks,
    )
