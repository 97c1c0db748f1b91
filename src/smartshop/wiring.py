"""The composition root: settings in, a whole shop out. Only here concrete stores and agents are named."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from smartshop.ai_agents.advice import Advisor
from smartshop.ai_agents.agent import Agent
from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.inventory.agent import InventoryAgent
from smartshop.ai_agents.personalization.advice import PersonalizationAdvisor
from smartshop.ai_agents.personalization.agent import PersonalizationAgent
from smartshop.ai_agents.recommendation.agent import RecommendationAgent
from smartshop.ai_agents.recommendation.popular import PopularSource
from smartshop.backend_api.api.openapi import openapi_document as describe_api
from smartshop.backend_api.api.table import ENDPOINTS
from smartshop.backend_api.services.recommendations import Recommendations
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.memory.cache import MemoryCache
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.pipelines.ingest import Ingest
from smartshop.data_collection.pipelines.profiles import fold as fold_profile
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.errors import SettingsError
from smartshop.settings import Settings
from smartshop.simulator.art import picture_of
from smartshop.simulator.scenario import load_scenario

SHOP_FILE = "shop.db"
DEMO_FOLDER = "demo"
DEMO_SCENARIO = "outdoor_store"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one shop's data lies."""

    root: Path
    """The data dir as the operator knows it."""
    folder: Path
    """The root, or `demo` in it."""
    database_url: str
    models_dir: Path
    demo: bool

    @property
    def shown_database(self) -> str:
        """The database without its password."""
        head, at, tail = self.database_url.rpartition("@")
        return f"{head.split('//')[0]}//…@{tail}" if at else self.database_url


def find_place(settings: Settings, demo: bool | None) -> Place:
    """The shop that is meant: with servers the one of the URL; embedded the one in the data dir, else its demo.

    `demo` None means: whatever is there already, and for an empty data dir the demonstration shop.
    """
    root = settings.data_dir
    if demo is None:
        demo = not settings.database_url and not (root / SHOP_FILE).exists()
    folder = root / DEMO_FOLDER if demo else root
    url = settings.database_url or f"sqlite:///{(folder / SHOP_FILE).resolve()}"
    return Place(root, folder, url, settings.models_dir or folder / "models", demo)


def require_server_engine(settings: Settings, command: str) -> None:
    """
    Raises:
        SettingsError: the embedded SQLite is one machine's; separate processes need a server.
    """
    if not settings.database_url.startswith("postgresql"):
        raise SettingsError(
            f"`smartshop {command}` runs one process of several and needs SMARTSHOP_DATABASE_URL=postgresql://…; "
            "with the embedded SQLite use `smartshop up`, which runs them all."
        )


@contextmanager
def opened_stores(settings: Settings, place: Place) -> Iterator[SqlStores]:
    """The stores of a shop, their schema up to date; closed at the end."""
    place.folder.mkdir(parents=True, exist_ok=True)
    stores = open_stores(place.database_url, place.folder, place.models_dir, consent_default=consent_default(settings))
    try:
        yield stores
    finally:
        stores.close()


def consent_default(settings: Settings) -> Consent:
    granted = settings.consent_default == "granted"
    return Consent(analytics=granted, personalisation=granted, marketing=granted)


def build_clock(settings: Settings, stores: SqlStores) -> ShopClock:
    """For processes that end: the newest event is read once."""
    newest = stores.log.size().newest_human_at
    return ShopClock(ZoneInfo(settings.timezone), system_now, lambda: newest)


def build_agents(stores: SqlStores, clock: ShopClock) -> Sequence[Agent]:
    """Every agent that listens. To add one: its folder, its messages, one line here, one test file."""
    return (
        RecommendationAgent(stores.models, clock.now),
        PersonalizationAgent(),
        InventoryAgent(stores.stock, stores.catalogue, clock.now),
    )


def build_advisors() -> Sequence[Advisor]:
    """Every advisor beside recommendation, which argues for its own candidates."""
    return (PersonalizationAdvisor(), InventoryAdvisor())


def build_ingest(settings: Settings, stores: SqlStores, clock: ShopClock) -> Ingest:
    """The door for commands and jobs: what they bring is history, so nobody waits on the bus for it."""
    return Ingest(
        log=stores.log,
        quarantine=stores.quarantine,
        customers=stores.customers,
        profiles=LogProfiles(stores.log, fold_profile),
        bus=MemoryBus(),
        currency=settings.currency,
        consent_default=consent_default(settings),
        now=clock.now,
    )


def build_shop(settings: Settings, place: Place, stores: SqlStores, clock: ShopClock) -> Shop:
    """Everything that one serving process works with."""
    profiles, bus = LogProfiles(stores.log, fold_profile), MemoryBus()
    shelves = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now)
    consent = consent_default(settings)
    return Shop(
        name=load_scenario(DEMO_SCENARIO).title if place.demo else settings.shop_name,
        currency=settings.currency,
        demo=place.demo,
        consent_default=consent,
        cors_origins=settings.cors_origins,
        storefront=storefront_folder(),
        clock=clock,
        log=stores.log,
        quarantine=stores.quarantine,
        catalogue=stores.catalogue,
        customers=stores.customers,
        orders=stores.orders,
        stock=stores.stock,
        decisions=stores.decisions,
        models=stores.models,
        keys=stores.keys,
        jobs=stores.jobs,
        dead_letters=stores.dead_letters,
        imports=stores.imports,
        profiles=profiles,
        cache=MemoryCache(),
        bus=bus,
        ingest=Ingest(
            log=stores.log,
            quarantine=stores.quarantine,
            customers=stores.customers,
            profiles=profiles,
            bus=bus,
            currency=settings.currency,
            product_of=lambda sent: product_of(shelves, sent),
            consent_default=consent,
            now=clock.now,
        ),
        shelves=shelves,
        recommendations=Recommendations(
            stores.customers,
            profiles,
            stores.decisions,
            lambda: shelves.shelf,
            clock,
            PopularSource(),
            advisors=build_advisors(),
        ),
        art=picture_of,
    )


def product_of(shelves: ShelfKeeper, sent: str) -> ProductId | None:
    """The product of a product's or variant's id; None for one that the catalogue does not know."""
    shelf = shelves.shelf
    number = shelf.number_of.get(ProductId(sent))
    return None if number is None else shelf.product_ids[number]


def openapi_document() -> dict[str, Any]:
    """Made from the table of endpoints alone; needs no shop."""
    return describe_api(ENDPOINTS)


def storefront_folder() -> Path | None:
    """The built pages: beside the package when installed, else in the checkout; None when nobody built them."""
    packaged = Path(str(files("smartshop"))) / "storefront"
    checkout = Path(__file__).parents[2] / "frontend" / "web" / "dist"
    return next((folder for folder in (packaged, checkout) if (folder / "index.html").exists()), None)
