"""A product, its stock and its last days, in as few words as tests of warnings need."""

from datetime import date

import numpy as np

from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentDemand
from smartshop.ai_agents.inventory.alerts.surge import RecentLines
from smartshop.ai_agents.inventory.model import Facts, InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace
from smartshop.ai_agents.inventory.sum_spread import SUM_LEVELS
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.catalogue import ListedProduct, Product, Variant
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, ProductNo, VariantId

MAIN = LocationId("main")
NOW = Micros(20_000 * DAY)
SURE = LeadTime(mean_days=7.0, sd_days=0.0, orders_seen=9, stated_days=7.0)
WEEKS_KNOWN = 104


def model(weekly: float, relative: float = 0.0, history: np.ndarray | None = None) -> InventoryModel:
    """One product that sells so many a week, Poisson but for what levels are missed by."""
    levels = np.tile(np.array(SUM_LEVELS), (5, 12, 1))
    sold = np.full((1, WEEKS_KNOWN), weekly, np.float32) if history is None else history.astype(np.float32)
    letters = np.array(["A"])
    return InventoryModel(
        facts=Facts(
            as_of=NOW,
            currency="GBP",
            history_day=date(2024, 1, 1).toordinal(),
            first_day=date(2026, 1, 5).toordinal(),
            levels=(0.5,),
            locations=(MAIN,),
            methods=("told",),
            variants=(VariantId("mug"),),
            lead_times={},
            measures={},
            weeks=WEEKS_KNOWN,
        ),
        product_no=np.zeros(1, np.int32),
        location=np.zeros(1, np.int32),
        sold=sold,
        demand=sold,
        mean=np.full((1, 12), weekly, np.float32),
        quantiles=np.zeros((1, 12, 1), np.float32),
        scatter=np.ones(1, np.float32),
        series_class=np.zeros(1, np.int32),
        method=np.zeros(1, np.int32),
        value_class=letters,
        steadiness=letters,
        pinball=np.full(1, np.nan, np.float32),
        covered=np.full(1, np.nan, np.float32),
        variant_series=np.zeros(1, np.int32),
        variant_share=np.ones(1, np.float32),
        relative=np.full((5, 12), relative),
        asked=levels,
    )


def facts(
    on_hand: int,
    *arrivals: Arrival,
    reserved: int = 0,
    lead: LeadTime = SURE,
    foreseen: bool = True,
    price_minor: int | None = 1_000,
    unit_cost: float | None = 600.0,
) -> StockFacts:
    variant = Variant(variant_id=VariantId("mug"))
    product = Product(product_id=ProductId("mug"), title="Mug", variants=(variant,))
    return StockFacts(
        place=StockedPlace(
            product=ListedProduct(product_no=ProductNo(0), product=product, changed_at=NOW),
            variant=variant,
            location_id=MAIN,
            locations=frozenset({MAIN}),
            on_hand=on_hand,
            reserved=reserved,
            series=0 if foreseen else None,
            share=1.0 if foreseen else 0.0,
            price_minor=price_minor,
        ),
        asked=Asked(0, 1.0, 0.0) if foreseen else None,
        supplier_id=None,
        lead=lead,
        arrivals=arrivals,
        unit_cost=unit_cost,
        margin=400.0,
    )


def recent(units: list[float], expected: list[float], scatter: float = 1.0, days: int = 7) -> RecentDemand:
    mean = np.array(expected)
    return RecentDemand(days, np.array(units), mean, scatter * mean + 1e-9, np.ones(len(units), np.bool_))


def lines(*rows: tuple[int, int, float]) -> RecentLines:
    series, ago, units = zip(*rows, strict=True) if rows else ((), (), ())
    return RecentLines(np.array(series, np.int64), np.array(ago, np.int64), np.array(units, np.float64))
