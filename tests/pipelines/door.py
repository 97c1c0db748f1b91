"""The real door over real stores, for tests: SQLite in a folder, memory bus, profiles over the log."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.ports import Bus, EventLog
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.ingest import Arrival, Ingest
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.schemas.events import StoredEvent, Trust
from smartshop.data_collection.schemas.ids import Micros, ProductId

CATALOGUE = {"tent": ProductId("tent"), "tent-red": ProductId("tent"), "stove": ProductId("stove")}


def stores_in(folder: Path) -> SqlStores:
    return open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models")


def door_of(
    stores: SqlStores, *, bus: Bus | None = None, log: EventLog | None = None, now: Callable[[], Micros] = system_now
) -> Ingest:
    return Ingest(
        log=log or stores.log,
        quarantine=stores.quarantine,
        customers=stores.customers,
        profiles=LogProfiles(stores.log, fold),
        bus=bus or MemoryBus(),
        currency="GBP",
        product_of=CATALOGUE.get,
        is_erased=stores.erasure.is_erased,
        now=now,
    )


@asynccontextmanager
async def opened(ingest: Ingest) -> AsyncIterator[Ingest]:
    await ingest.start()
    try:
        yield ingest
    finally:
        await ingest.stop()


def arrival(trust: Trust = Trust.SERVER, at: Micros | None = None, *, privacy: bool = False) -> Arrival:
    return Arrival(source="api", trust=trust, received_at=at or system_now(), global_privacy_control=privacy)


def texts(*events: object) -> list[bytes]:
    return [msgspec.json.encode(event) for event in events]


def view(event_id: str, shopper: str = "a-1", product_id: str = "tent") -> dict[str, object]:
    return {"kind": "product_viewed", "event_id": event_id, "anonymous_id": shopper, "product_id": product_id}


def everything_in(stores: SqlStores) -> list[StoredEvent]:
    return [event for batch in stores.log.scan() for _, event in batch]


def event_ids(events: Sequence[StoredEvent]) -> list[str]:
    return [event.event_id for event in events]
