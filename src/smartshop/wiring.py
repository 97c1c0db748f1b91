"""The composition root: settings in, a whole shop out. Only here concrete stores and agents are named."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from smartshop.ai_agents.advice import Advisor
from smartshop.ai_agents.agent import Agent
from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.inventory.agent import InventoryAgent
from smartshop.ai_agents.inventory.back_in_stock import ReturnConfig, ReturnLookout
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.return_advice import ReturnAdvisor
from smartshop.ai_agents.inventory.supply_keeper import SupplyKeeper
from smartshop.ai_agents.inventory.supply_pressure import PressureConfig, StockPressure
from smartshop.ai_agents.personalization.advice import PersonalizationAdvisor
from smartshop.ai_agents.personalization.agent import PersonalizationAgent
from smartshop.ai_agents.recommendation.agent import RecommendationAgent
from smartshop.ai_agents.recommendation.popular import PopularSource
from smartshop.ai_agents.segmentation.advice import SegmentationAdvisor
from smartshop.ai_agents.segmentation.agent import SegmentationAgent
from smartshop.ai_agents.segmentation.explaining import Explaining, ServedSegments
from smartshop.ai_agents.segmentation.live import Look
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.wanted import WantedAlike
from smartshop.backend_api.api.openapi import openapi_document as describe_api
from smartshop.backend_api.api.table import ENDPOINTS
from smartshop.backend_api.services.awaited_goods import AwaitedGoods
from smartshop.backend_api.services.questions import TellWanted, wanted_by_nobody
from smartshop.backend_api.services.recommendations import Recommendations
from smartshop.backend_api.services.rule_keeper import RuleKeeper
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.memory.cache import MemoryCache
from smartshop.data_collection.connectors.ports import Bus, Profiles, Quarantine
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.pipelines.ingest import Ingest, no_catalogue
from smartshop.data_collection.pipelines.product_names import ProductOf
from smartshop.data_collection.pipelines.profiles import fold as fold_profile
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.opening import consent_default
from smartshop.place import Place, storefront_folder
from smartshop.settings import Settings
from smartshop.shop_ports import shop_ports
from smartshop.simulator.art import picture_of
from smartshop.simulator.scenario import load_scenario

DEMO_SCENARIO = "outdoor_store"


def build_clock(settings: Settings, stores: SqlStores) -> ShopClock:
    """For processes that end: the newest event is read once."""
    newest = stores.log.size().newest_human_at
    return ShopClock(ZoneInfo(settings.timezone), system_now, lambda: newest)


def cost_config(settings: Settings) -> CostConfig:
    """What stock costs, as the shop's keeper told."""
    return CostConfig(
        holding_share_per_year=settings.holding_cost_share,
        usual_cost_share=settings.usual_cost_share,
        goodwill_share=settings.goodwill_share,
        service_level=settings.service_level,
    )


def build_agents(stores: SqlStores, shop: Shop) -> Sequence[Agent]:
    """Every agent that listens. To add one: its folder, its messages, one line here, one test file."""
    return (
        SegmentationAgent(build_look(stores, shop.shelves, shop.currency, shop.clock), shop.segmentation),
        RecommendationAgent(stores.models, shop.clock.now),
        PersonalizationAgent(),
        InventoryAgent(stores.stock, stores.catalogue, shop.clock.now, lookout=build_lookout(stores, shop)),
    )


def build_lookout(stores: SqlStores, shop: Shop) -> ReturnLookout:
    """How the inventory agent finds what is back in stock, and whom to tell."""
    return ReturnLookout(
        stores.stock, stores.reservations, stores.waits, lambda: shop.shelves.shelf, shop.clock.now, shop.returns
    )


def build_advisors(pressure: StockPressure, segmentation: SegmentationModel | None = None) -> Sequence[Advisor]:
    """Every advisor beside recommendation, which argues for its own candidates. Some wait for a model."""
    others: tuple[Advisor, ...] = (PersonalizationAdvisor(), InventoryAdvisor(pressure), ReturnAdvisor())
    if segmentation is None or segmentation.prior is None:
        return others
    return (*others, SegmentationAdvisor(segmentation.prior, segmentation.topics, segmentation.behavioural))


def pressure_config(settings: Settings) -> PressureConfig:
    """How far slates lean by what is in stock, as the shop's keeper told."""
    return PressureConfig(
        away=settings.pressure_from_shortage,
        toward=settings.pressure_to_overstock,
        overstock_weeks=settings.overstock_weeks,
    )


def build_supply(shop: Shop) -> SupplyKeeper:
    """What keeps the slates' word on stock true while the process serves."""
    return SupplyKeeper(
        shop.stock_pressure,
        shop.forecasts,
        lambda: shop.shelves.shelf,
        shop.suppliers,
        shop.purchase_orders,
        shop.clock,
        news=shop.supply_news,
    )


def build_wanted(segmentation: SegmentationModel) -> TellWanted:
    """What questions learn of people who shop alike; worked out once per model."""
    if segmentation.prior is None:
        return wanted_by_nobody
    return WantedAlike(segmentation.prior, segmentation.topics)


def build_look(stores: SqlStores, shelves: ShelfKeeper, currency: str, clock: ShopClock) -> Look:
    """How the segmentation agent reads one customer anew."""
    return Look(stores.log, stores.customers, stores.standings, lambda: shelves.shelf, currency, clock.shop_now)


def build_ingest(
    settings: Settings,
    stores: SqlStores,
    clock: ShopClock,
    *,
    product_of: ProductOf = no_catalogue,
    quarantine: Quarantine | None = None,
    profiles: Profiles | None = None,
    bus: Bus | None = None,
) -> Ingest:
    """The door. What commands and jobs bring is history: nobody waits on a bus for it, so they name none."""
    return Ingest(
        log=stores.log,
        quarantine=quarantine or stores.quarantine,
        customers=stores.customers,
        profiles=profiles or LogProfiles(stores.log, fold_profile),
        bus=bus or MemoryBus(),
        currency=settings.currency,
        product_of=product_of,
        consent_default=consent_default(settings),
        is_erased=stores.erasure.is_erased,
        now=clock.now,
    )


@dataclass(frozen=True, slots=True)
class InMemory:
    """What one serving process keeps beside the stores, each true to them by its own means."""

    profiles: Profiles
    shelves: ShelfKeeper
    awaited: AwaitedGoods
    pressure: StockPressure
    rule_keeper: RuleKeeper


def build_memory(settings: Settings, stores: SqlStores, clock: ShopClock) -> InMemory:
    shelves = ShelfKeeper(
        stores.catalogue,
        stores.stock,
        settings.currency,
        clock.shop_now,
        clock.now,
        reservations=stores.reservations,
    )
    return InMemory(
        profiles=LogProfiles(stores.log, fold_profile, read=stores.short_read),
        shelves=shelves,
        awaited=AwaitedGoods(stores.waits, stores.erasure, clock.now),
        pressure=StockPressure(pressure_config(settings)),
        rule_keeper=RuleKeeper(stores.rules, lambda: shelves.shelf),
    )


def build_recommendations(stores: SqlStores, clock: ShopClock, kept: InMemory) -> Recommendations:
    """The service behind every slate, without a model yet."""
    return Recommendations(
        stores.customers,
        kept.profiles,
        stores.decisions,
        lambda: kept.shelves.shelf,
        clock,
        PopularSource(),
        advisors=build_advisors(kept.pressure),
        read=stores.short_read,
        rules=lambda: kept.rule_keeper.compiled,
        standings=stores.standings,
        awaited=kept.awaited,
    )


def build_shop(settings: Settings, place: Place, stores: SqlStores, clock: ShopClock) -> Shop:
    """Everything that one serving process works with."""
    kept, bus, segmentation = build_memory(settings, stores, clock), MemoryBus(), ServedSegments()
    explaining = Explaining(build_look(stores, kept.shelves, settings.currency, clock), segmentation)
    names = partial(product_of, kept.shelves)
    return Shop(
        **shop_ports(stores),
        name=load_scenario(DEMO_SCENARIO).title if place.demo else settings.shop_name,
        currency=settings.currency,
        demo=place.demo,
        consent_default=consent_default(settings),
        cors_origins=settings.cors_origins,
        storefront=storefront_folder(),
        clock=clock,
        awaited_goods=kept.awaited,
        returns=ReturnConfig(people_per_unit=settings.told_per_unit),
        webhooks_private=settings.webhooks_private,
        stock_costs=cost_config(settings),
        stock_pressure=kept.pressure,
        profiles=kept.profiles,
        cache=MemoryCache(),
        bus=bus,
        ingest=build_ingest(settings, stores, clock, product_of=names, profiles=kept.profiles, bus=bus),
        shelves=kept.shelves,
        rule_keeper=kept.rule_keeper,
        recommendations=build_recommendations(stores, clock, kept),
        art=picture_of,
        segmentation=segmentation,
        explain_standing=explaining.why,
        standing_details=explaining.details,
    )


def product_of(shelves: ShelfKeeper, sent: str) -> ProductId | None:
    """The product of a product's or variant's id; None for one that the catalogue does not know."""
    shelf = shelves.shelf
    number = shelf.number_of.get(ProductId(sent))
    return None if number is None else shelf.product_ids[number]


def openapi_document() -> dict[str, Any]:
    """Made from the table of endpoints alone; needs no shop."""
    return describe_api(ENDPOINTS)
