"""A whole slate service over real stores, with profiles in memory and small sources."""

import asyncio
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import msgspec

from smartshop.ai_agents.advice import FallbackRecommender, Recommender
from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.personalization.advice import PersonalizationAdvisor
from smartshop.ai_agents.rules import CompiledRules
from smartshop.ai_agents.shelf import Shelf
from smartshop.backend_api.services.recommendations import Recommendations
from smartshop.data_collection.connectors.ports import Customers, Profiles, Standings
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    EventId,
    Micros,
    ProductId,
    ShopperKey,
)
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import (
    Slate,
    SlateRequest,
)
from smartshop.errors import Unavailable
from tests.slate.small_shop import NOW, SECOND, ByNumber, make_shelf

ANONYMOUS = AnonymousId("a-1")


class FoldedProfiles:
    """Profiles in memory, by shopper key."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}

    async def fold(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            self.profiles[event.shopper_key] = fold([event], self.profiles.get(event.shopper_key))

    async def read(self, shopper: Shopper) -> Profile:
        return self.profiles.get(shopper.shopper_key, Profile())

    async def forget(self, shopper: Shopper) -> None:
        self.profiles.pop(shopper.shopper_key, None)


class SlowProfiles(FoldedProfiles):
    async def read(self, shopper: Shopper) -> Profile:
        await asyncio.sleep(5)
        return await super().read(shopper)


class DownProfiles(FoldedProfiles):
    async def read(self, shopper: Shopper) -> Profile:
        raise Unavailable("The profiles' engine is down; try again.")


def make_service(
    stores: SqlStores,
    profiles: Profiles,
    *,
    source: Recommender | None = None,
    fallback: FallbackRecommender | None = None,
    shelf: Shelf | None = None,
    customers: Customers | None = None,
    rules: Callable[[], CompiledRules] | None = None,
    standings: Standings | None = None,
) -> Recommendations:
    clock, present = ShopClock(ZoneInfo("UTC"), lambda: NOW), shelf or make_shelf()
    service = Recommendations(
        customers or stores.customers, profiles, stores.decisions, lambda: present, clock, fallback or ByNumber(),
        rules=rules, standings=standings,
    )  # fmt: skip
    if source is not None:
        service.use(source, [PersonalizationAdvisor(), InventoryAdvisor()], {"recommendation": "v1"})
    return service


def event(kind: EventKind, product: int, *, at: int = 0) -> StoredEvent:
    """`at`: seconds before now."""
    return StoredEvent(
        event_id=EventId(f"{kind}-{product}-{at}"),
        kind=kind,
        occurred_at=Micros(NOW - at * SECOND),
        received_at=NOW,
        shopper_key=ShopperKey(ANONYMOUS),
        source="api",
        trust=Trust.CLIENT,
        anonymous_id=ANONYMOUS,
        products=(ProductLine(product_id=ProductId(f"p{product}"), quantity=1),),
    )


def request(**changes: object) -> SlateRequest:
    """As it would come in JSON."""
    return msgspec.convert({"surface": "home", "anonymous_id": ANONYMOUS, **changes}, SlateRequest)


def filtered(**filters: object) -> SlateRequest:
    return request(limit=200, filters=filters)


def ids(slate: Slate) -> list[str]:
    return [item.product_id for item in slate.items]
