"""A whole small shop of real parts for tests: SQLite in a folder, memory bus, the real door, agents and service."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Client

from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.inventory.agent import InventoryAgent
from smartshop.ai_agents.inventory.back_in_stock import ReturnLookout
from smartshop.ai_agents.inventory.return_advice import ReturnAdvisor
from smartshop.ai_agents.personalization.advice import PersonalizationAdvisor
from smartshop.ai_agents.personalization.agent import PersonalizationAgent
from smartshop.ai_agents.recommendation.popular import PopularSource
from smartshop.ai_agents.runtime import Runtime
from smartshop.backend_api.app import create_app
from smartshop.backend_api.services.awaited_goods import AwaitedGoods
from smartshop.backend_api.services.recommendations import Recommendations
from smartshop.backend_api.services.rule_keeper import RuleKeeper
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import fingerprint
from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.memory.cache import MemoryCache
from smartshop.data_collection.connectors.ports import ApiKey
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.pipelines.ingest import Ingest
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.segments import Standing, WhyReason
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.shop_ports import shop_ports

SECRET_KEY = "sk_test_0123456789abcdef"
PUBLISHABLE_KEY = "pk_test_0123456789abcdef"
SECRET = {"Authorization": f"Bearer {SECRET_KEY}"}
PUBLISHABLE = {"Authorization": f"Bearer {PUBLISHABLE_KEY}"}
NO_LIMIT = 1_000_000
"""Requests per second of tests that are not about the rate limit."""
SHELVES = {
    ("Outdoor", "Tents"): "Tarn tent",
    ("Outdoor", "Stoves"): "Ember stove",
    ("Garden", "Spades"): "Oakley spade",
    ("Garden", "Planters"): "Crème brûlée planter",
}
PER_SHELF = 15


@dataclass(frozen=True, slots=True)
class Opened:
    """A service in this process with a client to talk to it."""

    shop: Shop
    client: Client

    def token(self, **named: str) -> dict[str, str]:
        """Headers of a shopper token made with the secret key."""
        answer = self.client.post("/v1/shopper-tokens", json=named, headers=SECRET)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}


@contextmanager
def opened_service(
    folder: Path,
    *,
    requests_per_second: int = NO_LIMIT,
    storefront: Path | None = None,
    explain_standing: Callable[[Standing], Sequence[WhyReason]] | None = None,
    webhooks_private: bool = False,
) -> Iterator[Opened]:
    """The service over a fresh shop in `folder`."""
    stores = open_shop_stores(folder)
    try:
        shop = replace(
            make_shop(stores, storefront=storefront),
            explain_standing=explain_standing,
            webhooks_private=webhooks_private,
        )
        with TestClient(app_of(shop, requests_per_second), raise_server_exceptions=False) as client:
            yield Opened(shop, client)
    finally:
        stores.close()


def app_of(shop: Shop, requests_per_second: int = NO_LIMIT) -> FastAPI:
    return create_app(shop, background=lambda: beside_requests(shop), requests_per_second=requests_per_second)


def open_shop_stores(folder: Path) -> SqlStores:
    """Stores with two keys, sixty products and ten of each in stock; the last of every shelf is sold out."""
    stores = open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models")
    now = system_now()
    for kind, plain in (("secret", SECRET_KEY), ("publishable", PUBLISHABLE_KEY)):
        public = plain if kind == "publishable" else None
        stores.keys.add(
            ApiKey(key_id=kind, kind=kind, sha256=fingerprint(plain), label="tests", created_at=now, plain=public)
        )
    products = catalogue()
    stores.catalogue.upsert(products, now)
    counts = [
        StockCount(
            movement_id=f"count-{product.product_id}",
            variant_id=VariantId(product.product_id),
            level=0 if product.product_id.endswith(f"-{PER_SHELF - 1}") else 10,
            occurred_at=now,
        )
        for product in products
    ]
    stores.stock.count(counts, now)
    return stores


def catalogue() -> list[Product]:
    """`tents-0` … `planters-14`, priced 10.00 upwards."""
    return [_product(path, name, number) for path, name in SHELVES.items() for number in range(PER_SHELF)]


def _product(path: tuple[str, ...], name: str, number: int) -> Product:
    product_id = ProductId(f"{path[-1].lower()}-{number}")
    offer = Offer(variant_id=VariantId(product_id), price_minor=1_000 + 100 * number, currency="GBP")
    return Product(
        product_id=product_id,
        title=f"{name} {number}",
        brand=("Northfold", "Hearth")[number % 2],
        category=path,
        attributes={"colour": ("green", "grey")[number % 2]},
        published_at=Micros(1_700_000_000_000_000 + number),
        variants=(Variant(variant_id=VariantId(product_id), offers=(offer,)),),
    )


def make_shop(stores: SqlStores, *, storefront: Path | None = None, now: Callable[[], Micros] = system_now) -> Shop:
    """Everything that one serving process works with, as `wiring` puts it together, without a model."""
    clock = ShopClock(ZoneInfo("UTC"), now)
    profiles, bus = LogProfiles(stores.log, fold), MemoryBus()
    shelves = ShelfKeeper(stores.catalogue, stores.stock, "GBP", clock.shop_now, reservations=stores.reservations)
    rule_keeper = RuleKeeper(stores.rules, lambda: shelves.shelf)
    awaited = AwaitedGoods(stores.waits, stores.erasure, clock.now)

    def product_of(sent: str) -> ProductId | None:
        number = shelves.shelf.number_of.get(ProductId(sent))
        return None if number is None else shelves.shelf.product_ids[number]

    return Shop(
        **shop_ports(stores),
        name="Test shop",
        currency="GBP",
        demo=False,
        consent_default=Consent(),
        cors_origins=("*",),
        storefront=storefront,
        clock=clock,
        awaited_goods=awaited,
        profiles=profiles,
        cache=MemoryCache(),
        bus=bus,
        ingest=Ingest(
            log=stores.log,
            quarantine=stores.quarantine,
            customers=stores.customers,
            profiles=profiles,
            bus=bus,
            currency="GBP",
            product_of=product_of,
            is_erased=stores.erasure.is_erased,
            now=clock.now,
        ),
        shelves=shelves,
        rule_keeper=rule_keeper,
        recommendations=Recommendations(
            stores.customers,
            profiles,
            stores.decisions,
            lambda: shelves.shelf,
            clock,
            PopularSource(),
            advisors=(PersonalizationAdvisor(), InventoryAdvisor(), ReturnAdvisor()),
            rules=lambda: rule_keeper.compiled,
            standings=stores.standings,
            awaited=awaited,
        ),
        art=lambda product: f"<svg xmlns='http://www.w3.org/2000/svg'><title>{product.title}</title></svg>",
    )


def stock_agent(shop: Shop) -> InventoryAgent:
    lookout = ReturnLookout(
        shop.stock, shop.reservations, shop.waits, lambda: shop.shelves.shelf, shop.clock.now, shop.returns
    )
    return InventoryAgent(shop.stock, shop.catalogue, shop.clock.now, lookout=lookout)


@asynccontextmanager
async def beside_requests(shop: Shop) -> AsyncIterator[None]:
    """What runs as long as the service does."""
    agents = (PersonalizationAgent(), stock_agent(shop))
    runtime = Runtime(shop.bus, agents, shop.dead_letters, shop.jobs, shop.clock.now)
    shop.recommendations.start()
    await shop.ingest.start()
    await runtime.start()
    try:
        yield
    finally:
        await runtime.stop()
        await shop.ingest.stop()
        shop.recommendations.stop()
