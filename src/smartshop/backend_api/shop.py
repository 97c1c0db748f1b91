"""Everything one serving process works with, put together by `wiring`; routes and sockets receive it whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smartshop.ai_agents.inventory.back_in_stock import ReturnConfig
from smartshop.ai_agents.inventory.model import ServedForecasts
from smartshop.ai_agents.inventory.replenishment.costs import USUAL_COSTS, CostConfig
from smartshop.ai_agents.inventory.supply_keeper import SupplyNews
from smartshop.ai_agents.inventory.supply_pressure import StockPressure
from smartshop.ai_agents.segmentation.explaining import ServedSegments
from smartshop.backend_api.services.awaited_goods import AwaitedGoods
from smartshop.backend_api.services.changed_variants import ChangedVariants
from smartshop.backend_api.services.recommendations import Recommendations
from smartshop.backend_api.services.rule_keeper import RuleKeeper
from smartshop.data_collection.connectors.ports import (
    Alerts,
    Audiences,
    Bus,
    Cache,
    Catalogue,
    Customers,
    DeadLetters,
    Decisions,
    DemandCauses,
    Erasure,
    EventLog,
    Imports,
    Jobs,
    Keys,
    Models,
    Orders,
    Prices,
    Profiles,
    ProposalBook,
    PurchaseOrders,
    Quarantine,
    Reservations,
    Rules,
    Standings,
    Stock,
    Suppliers,
    WaitNews,
    Waits,
)
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.pipelines.ingest import Ingest
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.segments import Standing, StandingDetails, WhyReason


@dataclass(frozen=True, slots=True)
class Shop:
    name: str
    currency: str
    demo: bool
    consent_default: Consent
    cors_origins: tuple[str, ...]
    storefront: Path | None
    """The built pages; None when they were not built."""
    clock: ShopClock
    log: EventLog
    quarantine: Quarantine
    catalogue: Catalogue
    prices: Prices
    customers: Customers
    orders: Orders
    stock: Stock
    reservations: Reservations
    waits: Waits
    wait_news: WaitNews
    awaited_goods: AwaitedGoods
    """What is back in stock and who wanted it, as this process knows it."""
    suppliers: Suppliers
    purchase_orders: PurchaseOrders
    proposals: ProposalBook
    alerts: Alerts
    demand_causes: DemandCauses
    standings: Standings
    audiences: Audiences
    rules: Rules
    decisions: Decisions
    models: Models
    keys: Keys
    jobs: Jobs
    dead_letters: DeadLetters
    imports: Imports
    erasure: Erasure
    profiles: Profiles
    cache: Cache
    bus: Bus
    ingest: Ingest
    shelves: ShelfKeeper
    rule_keeper: RuleKeeper
    recommendations: Recommendations
    art: Callable[[Product], str] | None = None
    """A product's picture as SVG, for shops whose products have none of their own."""
    webhooks_private: bool = False
    """Audiences may be pushed to this machine itself and to private networks."""
    segmentation: ServedSegments = field(default_factory=ServedSegments)
    """The segments that serve in this process."""
    forecasts: ServedForecasts = field(default_factory=ServedForecasts)
    """What is foreseen, as it serves in this process."""
    returns: ReturnConfig = field(default_factory=ReturnConfig)
    """How many people are told of what is back in stock."""
    stock_costs: CostConfig = USUAL_COSTS
    """What keeping stock and running out of it costs."""
    stock_pressure: StockPressure = field(default_factory=StockPressure)
    """How slates lean by what is in stock, as it holds in this process."""
    supply_news: SupplyNews = field(default_factory=SupplyNews)
    """Told by whoever changes suppliers or terms, so that slates know at once."""
    changed_variants: ChangedVariants = field(default_factory=ChangedVariants)
    """Told by whoever changes stock, orders or terms of a variant, so that what is to be ordered is decided anew."""
    explain_standing: Callable[[Standing], Sequence[WhyReason]] | None = None
    """What counts most for a customer being in their segment; None while no model is loaded."""
    standing_details: Callable[[Standing], StandingDetails] | None = None
    """What is expected of a customer, with bounds; None while no model is loaded."""
