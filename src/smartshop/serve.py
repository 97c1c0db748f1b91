"""The process that answers people, and what goes on in it beside the requests.

Light work only: learning happens in `work`. Everything that others may have changed (shelf, models, keys, the newest
event) is read again every second.
"""

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
import uvicorn
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.runtime import Runtime
from smartshop.ai_agents.segmentation.agent import AGENT, as_message
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.shelf import Shelf
from smartshop.backend_api.app import create_app
from smartshop.backend_api.services.alert_news import tell_of_alerts
from smartshop.backend_api.services.questions import TellWanted, wanted_by_nobody
from smartshop.backend_api.services.return_watch import watch_returns
from smartshop.backend_api.shop import Shop
from smartshop.counting_on import CountingOn, keep_counting_on
from smartshop.data_collection.connectors.ports import ModelRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.pipelines.owner_changes import OwnedEvents
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import Refit
from smartshop.errors import ModelRefused
from smartshop.log import configure_logging
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.wiring import build_advisors, build_agents, build_shop, build_supply, build_wanted

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 1.0
LOOKS_FOR_A_MODEL = 30
"""A worker that dies between writing a refit and promoting its model leaves one that no model comes for."""
EARLIER_LOOKED_AT = 8
"""Versions, newest first, for one to begin with where the promoted one is refused; each that served is read whole."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the idle time of common load balancers (60 s), so that they, not we, close a connection first."""
SWITCH_SECONDS = 0.001
"""Turn of a thread at the interpreter lock: the event loop waits no longer for a thread that writes or looks."""
GARBAGE_THRESHOLD = 50_000
"""Objects between collections: a slate makes few cycles, and a pause is a late answer."""


@dataclass(slots=True)
class NewestHuman:
    """The time of the newest human event, read beside the requests."""

    at: Micros | None = None

    def __call__(self) -> Micros | None:
        return self.at


class ModelKeeper:
    """Serves with the promoted models; one that is refused leaves the last good one in place, and is told once."""

    def __init__(self, shop: Shop, owned: OwnedEvents) -> None:
        self._shop = shop
        self.counting = CountingOn(shop.log, owned, self._newest_shelf, self._serve_grown)
        self._turn = threading.Lock()
        """Models are taken up and count on in threads of their own; who swaps one waits for the other."""
        self._trained: RecommendationModel | None = None
        self._recommender: RecommendationAdvisor | None = None
        self._advisors = build_advisors(shop.stock_pressure)
        self._wanted: TellWanted = wanted_by_nobody
        self._versions: dict[str, str] = {}
        self._refused: dict[str, str] = {}

    def refresh(self) -> None:
        with self._turn:
            took = [
                self._take("recommendation", self._recommend_with),
                self._take("segmentation", self._segment_with),
            ]
            if any(took):
                self._use()
            self._take("inventory", self._foresee_with)
            if self._recommender is not None:
                self._recommender.prepare(self._shop.shelves.shelf)

    def has_taken_up(self, agent: str, since: Micros) -> bool:
        """Whether a model promoted at `since` or later serves, or was refused."""
        record = self._shop.models.promoted(agent)
        if record is None or (record.promoted_at or 0) < since:
            return False
        return record.version in (self._versions.get(agent), self._refused.get(agent))

    def _newest_shelf(self) -> Shelf:
        self._shop.shelves.refresh()
        return self._shop.shelves.shelf

    def _use(self) -> None:
        self._shop.recommendations.use(self._recommender, self._advisors, self._versions, wanted=self._wanted)

    def _serve_grown(self, trained: RecommendationModel, grown: RecommendationModel) -> None:
        """Serve with what counted on, unless another model was taken up meanwhile."""
        with self._turn:
            if self._recommender is not None and trained is self._trained:
                self._recommender = self._recommender.grown(grown)
                self._use()

    def _take(self, agent: str, serve_with: Callable[[Path, ModelRecord], None]) -> bool:
        """Whether another version serves now."""
        record = self._shop.models.promoted(agent)
        if record is None or record.version in (self._versions.get(agent), self._refused.get(agent)):
            return False
        if self._serves(record, serve_with):
            return True
        self._refused[agent] = record.version
        # A process that began after the damage has no last good model yet; the shop may.
        return agent not in self._versions and any(self._serves(one, serve_with) for one in self._earlier(record))

    def _earlier(self, record: ModelRecord) -> Sequence[ModelRecord]:
        """Versions of this agent that served before, newest first."""
        known = self._shop.models.history(record.agent, EARLIER_LOOKED_AT)
        return [one for one in known if one.promoted_at is not None and one.version != record.version]

    def _serves(self, record: ModelRecord, serve_with: Callable[[Path, ModelRecord], None]) -> bool:
        try:
            serve_with(self._shop.models.open(record), record)
        except ModelRefused as error:
            log.error("model_refused", agent=record.agent, version=record.version, reason=str(error))
            return False
        self._versions = {**self._versions, record.agent: record.version}
        log.info("model_served", agent=record.agent, version=record.version)
        return True

    def _recommend_with(self, folder: Path, record: ModelRecord) -> None:
        model = RecommendationModel.load(folder)
        recommender = RecommendationAdvisor(model)
        recommender.prepare(self._shop.shelves.shelf)
        self._recommender, self._trained = recommender, model
        self.counting.follow(model, record.log_no)

    def _foresee_with(self, folder: Path, record: ModelRecord) -> None:
        self._shop.forecasts.use(InventoryModel.load(folder), record.version)

    def _segment_with(self, folder: Path, _: ModelRecord) -> None:
        model = SegmentationModel.load(folder)
        # Once per model: their tables grow with the catalogue, and counting on swaps recommenders every second.
        self._advisors = build_advisors(self._shop.stock_pressure, model)
        self._wanted = build_wanted(model)
        self._shop.segmentation.model = model


def run_serving(settings: Settings, place: Place, host: str, port: int) -> None:
    configure_logging(settings.log_level)
    with opened_stores(settings, place) as stores:
        newest = NewestHuman(stores.log.size().newest_human_at)
        clock = ShopClock(ZoneInfo(settings.timezone), system_now, newest)
        shop = build_shop(settings, place, stores, clock)
        app = create_app(shop, background=lambda: beside_requests(shop, stores, newest))
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, server_header=False, date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=5,
            ws_max_size=1 << 20, ws_ping_interval=20, ws_ping_timeout=20,
        )  # fmt: skip
        for number in (signal.SIGINT, signal.SIGTERM):
            # Uvicorn shuts down and then raises the signal again; the stores are still to be closed after that.
            signal.signal(number, lambda *_: None)
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
        # A slate's matrices are small: more threads of linear algebra only spin, waiting for one another.
        with threadpool_limits(limits=1):
            uvicorn.Server(config).run()


@asynccontextmanager
async def beside_requests(shop: Shop, stores: SqlStores, newest: NewestHuman) -> AsyncIterator[None]:
    """Everything that runs as long as the service does, started in order and stopped in the opposite one."""
    models = ModelKeeper(shop, stores.owned_events)
    supply = build_supply(shop)
    await asyncio.to_thread(models.refresh)
    await asyncio.to_thread(shop.erasure.finish)
    runtime = Runtime(shop.bus, build_agents(stores, shop), shop.dead_letters, shop.jobs, shop.clock.now)
    async with AsyncExitStack() as stack:
        shop.recommendations.start()
        stack.push_async_callback(asyncio.to_thread, shop.recommendations.stop)
        await shop.ingest.start()
        stack.push_async_callback(shop.ingest.stop)
        await runtime.start()
        stack.push_async_callback(runtime.stop)
        looks: tuple[Callable[[], object], ...] = (
            shop.shelves.refresh,
            shop.rule_keeper.refresh,
            shop.awaited_goods.refresh,
            models.refresh,
            supply.refresh,
            lambda: _look_at_newest(shop, newest),
            lambda: shop.jobs.beat("serve", shop.clock.now()),
            shop.erasure.refresh,
        )
        tasks = (
            _look_again(looks),
            _tell_of_refits(shop, models),
            tell_of_alerts(shop.alerts, shop.bus),
            watch_returns(shop),
            keep_counting_on(models.counting),
        )
        for task in tasks:
            stack.push_async_callback(_end, asyncio.create_task(task))
        yield


async def _look_again(looks: tuple[Callable[[], object], ...]) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        for look in looks:
            try:
                await asyncio.to_thread(look)
            except Exception as error:  # a store that is away for a moment must not end the looking
                log.warning("look_failed", error=repr(error))


async def _tell_of_refits(shop: Shop, models: ModelKeeper) -> None:
    """Segments are refitted by another process; who listens here is told when that is done and its model serves."""
    told: tuple[str, bool] | None = None
    is_first = True
    while True:
        try:
            found = await asyncio.to_thread(shop.standings.refits, 1)
            if is_first:  # what was there before us is no news
                told, is_first = _refit_state(found), False
            if found and _refit_state(found) != told:
                await _until_taken_up(models, found[0])
                message = as_message(found[0])
                await shop.bus.publish([message])
                told = _refit_state(found)
                if message.held_back:
                    log.warning("segments_held_back", version=message.version, moved_by_model=message.moved_model)
        except Exception as error:  # a store that is away for a moment must not end the looking
            log.warning("refits_not_read", error=repr(error))
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _until_taken_up(models: ModelKeeper, found: Refit) -> None:
    """Whoever hears of a refit looks at customers again, and should do that with its model."""
    since = found.accepted_at or found.refitted_at
    for _ in range(LOOKS_FOR_A_MODEL):
        if await asyncio.to_thread(models.has_taken_up, AGENT, since):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    log.warning("refit_without_model", version=found.version)


def _refit_state(newest: Sequence[Refit]) -> tuple[str, bool] | None:
    """A refit is news twice: when it is made, and when one that was held back is accepted."""
    return (newest[0].version, newest[0].accepted_at is None) if newest else None


def _look_at_newest(shop: Shop, newest: NewestHuman) -> None:
    newest.at = shop.log.size().newest_human_at


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
