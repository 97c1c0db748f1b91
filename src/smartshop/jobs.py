"""Batch jobs: what the command line, the worker and any scheduler run. Each is repeatable for a day."""

import asyncio
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import structlog
from rich.console import Console
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.inventory.alerts.overstock import OverstockConfig
from smartshop.ai_agents.inventory.alerts.stock_alerts import StockConfigs
from smartshop.ai_agents.inventory.alerts.watching import AlertConfig, Watch, look_for_alerts
from smartshop.ai_agents.inventory.evaluate import DEFAULT_TRIAL as USUAL_FORECAST_TRIAL
from smartshop.ai_agents.inventory.evaluate import ForecastReport, ForecastTrial
from smartshop.ai_agents.inventory.evaluate import evaluate as evaluate_demand
from smartshop.ai_agents.inventory.learning import AGENT as INVENTORY
from smartshop.ai_agents.inventory.learning import Learning as DemandLearning
from smartshop.ai_agents.inventory.learning import learn_demand, read_table
from smartshop.ai_agents.inventory.looking_over import Desk, keep_decisions, score_decisions
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.reading import Stores
from smartshop.ai_agents.inventory.weekly_choice import USUAL_CHOICE
from smartshop.ai_agents.recommendation.agent import RecommendationAgent, train_recommendation
from smartshop.ai_agents.recommendation.evaluate import DEFAULT_TRIAL, Trial
from smartshop.ai_agents.recommendation.evaluate import evaluate as compare_models
from smartshop.ai_agents.recommendation.figures import EvaluationReport
from smartshop.ai_agents.recommendation.source import Folders
from smartshop.ai_agents.recommendation.text_export import export_network
from smartshop.ai_agents.segmentation.alike import fill_queued
from smartshop.ai_agents.segmentation.audience_push import PushRoom
from smartshop.ai_agents.segmentation.audience_push import push_audience as push_to_webhook
from smartshop.ai_agents.segmentation.evaluate import SegmentationReport
from smartshop.ai_agents.segmentation.evaluate import evaluate as evaluate_segmentation
from smartshop.ai_agents.segmentation.learning import Learning, learn_segments
from smartshop.ai_agents.segmentation.learning import accept_segments as accept_held_back
from smartshop.bars import sharing_bar
from smartshop.data_collection.connectors.ports import ImportMark, Jobs
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.connectors.webhooks import HttpWebhooks
from smartshop.data_collection.pipelines.clock import DAY, ShopClock, format_rfc3339, system_now, to_micros
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.purchase_push import SEND_PURCHASE_ORDER, SendRoom, send_to_webhook
from smartshop.data_collection.pipelines.reading_customers import load_customer_activity
from smartshop.data_collection.pipelines.replay import replay
from smartshop.data_collection.pipelines.return_push import TELL_BACK_IN_STOCK, ReturnRoom, Sent, send_notices
from smartshop.data_collection.pipelines.segment import replayed_segment
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.audiences import AudienceId, AudiencePush, Listed
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.data_collection.schemas.segments import Refit
from smartshop.data_collection.schemas.supply import PurchaseOrderId
from smartshop.data_collection.schemas.webhooks import SECRET_BYTES, SECRET_NAME
from smartshop.errors import Conflict, InvalidValue, NotFound
from smartshop.opening import consent_default, opened_stores
from smartshop.place import DEMO_MARK, Place
from smartshop.settings import Settings
from smartshop.simulator.enter import SupplyBooks, enter_history
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.world import build_world
from smartshop.wiring import DEMO_SCENARIO, build_clock, build_ingest, cost_config, product_of

log = structlog.get_logger()

DECISIONS_KEPT = 30 * DAY
EVENT_KEYS_KEPT = 60 * DAY
SEGMENT_MOVES_KEPT = 400 * DAY
RESERVATIONS_KEPT = DAY // 24
"""After its end; clocks of machines side by side never differ by an hour."""
DEMO_SEED = 7
TELL_EVERY_SECONDS = 2.0

Tell = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job may use."""

    settings: Settings
    place: Place
    stores: SqlStores
    clock: ShopClock
    until: Micros | None
    """The end of the day the job is for; None is now."""
    tell: Tell
    arguments: Mapping[str, str] = field(default_factory=dict)
    """What the job was queued with."""


Job = Callable[[JobContext], dict[str, Any]]
"""Any: facts to print, as JSON can say them."""


def train(context: JobContext) -> dict[str, Any]:
    stores = context.stores
    if not stores.log.size().events:
        raise NotFound(f"There is nothing to learn from in {context.place.folder}; import or simulate a history first.")
    shelf = _shelf(context.settings, stores, context.clock)
    folders = Folders(text_network=_text_network(context.place), scratch=_scratch(context.place))
    agent = RecommendationAgent(stores.models, context.clock.now, folders)
    trained = train_recommendation(
        stores.log, stores.customers, stores.decisions, shelf, agent, until=context.until, progress=context.tell
    )
    shutil.rmtree(_scratch(context.place), ignore_errors=True)
    record = next(found for found in stores.models.history(trained.agent) if found.version == trained.version)
    return {"version": trained.version, "promoted": trained.promoted, **_rounded(record.metrics)}


def export_text_network(context: JobContext) -> dict[str, Any]:
    """Make the file of the language network that reads products' texts, once; the next training uses it."""
    folder = _text_network(context.place)
    context.tell(0.1, "exporting the network")
    export_network(folder)
    return {"folder": str(folder), "mib": round(sum(file.stat().st_size for file in folder.iterdir()) / 2**20, 1)}


def _text_network(place: Place) -> Path:
    return place.folder / "text_network"


def _scratch(place: Place) -> Path:
    """What a training that is killed has learned so far; the next one goes on from there."""
    return place.folder / "learning"


def train_segmentation(context: JobContext) -> dict[str, Any]:
    """Segments, value and churn from everything customers did; who stands where is written anew."""
    return _told(learn_segments(_learning(context), until=_until(context), progress=context.tell))


def train_inventory(context: JobContext) -> dict[str, Any]:
    """What will be asked for of every product at every place, and how long suppliers take.

    Argument `most_valuable`: how many series are tried with the models that are fitted one by one.
    """
    heavy = int(context.arguments.get("most_valuable", USUAL_CHOICE.most_valuable))
    config = replace(USUAL_CHOICE, most_valuable=heavy)
    record = learn_demand(demand_learning(context), until=_until(context), tell=context.tell, config=config)
    return {"version": record.version, "as_of": format_rfc3339(record.data_until), **_rounded(record.metrics)}


def demand_learning(context: JobContext) -> DemandLearning:
    stores, settings = context.stores, context.settings
    return DemandLearning(
        log=stores.log,
        orders=stores.orders,
        stock=stores.stock,
        catalogue=stores.catalogue,
        suppliers=stores.suppliers,
        purchase_orders=stores.purchase_orders,
        models=stores.models,
        shelf=_shelf(settings, stores, context.clock),
        currency=settings.currency,
        timezone=ZoneInfo(settings.timezone),
        scratch=context.place.folder / "learning_demand",
        prices=stores.prices,
        now=context.clock.now,
    )


def look_over_stock(context: JobContext) -> dict[str, Any]:
    """What to order is decided and kept, and what was decided before is judged by what came. As stock is now, whatever
    day is told; a second time on a day replaces what the first one decided.
    """
    watch_alerts = partial(_alerts_step, context)
    steps: tuple[Callable[[Desk, Tell], dict[str, int]], ...] = (keep_decisions, score_decisions, watch_alerts)
    desk, found = _desk(context), dict[str, Any]()
    for place, step in enumerate(steps):
        found |= step(desk, _part_of(context.tell, place, len(steps)))
    return found


def _alerts_step(context: JobContext, desk: Desk, tell: Tell) -> dict[str, int]:
    """What to warn the shop's keeper of; messages of new ones go out from the process that serves."""
    cover = OverstockConfig(cover_weeks=context.settings.overstock_weeks)
    watch = Watch(
        books=demand_learning(context),
        stores=desk.stores,
        alerts=context.stores.alerts,
        model=desk.model,
        present=desk.present,
        now=desk.now,
        config=AlertConfig(stock=StockConfigs(overstock=cover)),
    )
    return look_for_alerts(watch, tell)


def _part_of(tell: Tell, place: int, parts: int) -> Tell:
    """For a part of a job that knows nothing of the others."""
    return lambda share, what: tell((place + share) / parts, what)


def _desk(context: JobContext) -> Desk:
    stores, clock = context.stores, context.clock
    record = stores.models.promoted(INVENTORY)
    if record is None:
        raise NotFound("Nothing is foreseen yet; run `smartshop train inventory` first.")
    now = clock.shop_now()
    return Desk(
        stores=Stores(stores.catalogue, stores.stock, stores.reservations, stores.suppliers, stores.purchase_orders),
        orders=stores.orders,
        book=stores.proposals,
        model=InventoryModel.load(stores.models.open(record)),
        version=record.version,
        shelf=_shelf(context.settings, stores, clock),
        present=Present(now, clock.day(now), cost_config(context.settings)),
        timezone=clock.timezone,
        now=clock.now(),
    )


def accept_segments(context: JobContext) -> dict[str, Any]:
    """A refit that was held back serves after all; argument `version`."""
    version = ModelVersion(context.arguments.get("version", ""))
    return _told(accept_held_back(_learning(context), version, until=_until(context), progress=context.tell))


def _until(context: JobContext) -> Micros:
    """An event dated ahead of us is not of the past yet, nor is a day to come."""
    return min(context.until or context.clock.shop_now(), context.clock.shop_now())


def push_audience(context: JobContext) -> dict[str, Any]:
    """An audience's members to its webhook; arguments `audience_id` and `push_id`."""
    stores, settings = context.stores, context.settings
    secret = stores.keys.secret(SECRET_NAME, secrets.token_bytes(SECRET_BYTES))

    async def push() -> AudiencePush:
        async with HttpWebhooks(secret, private=settings.webhooks_private) as webhooks:
            room = PushRoom(
                audiences=stores.audiences,
                standings=stores.standings,
                webhooks=webhooks,
                currency=settings.currency,
                now=context.clock.now,
                shop_now=context.clock.shop_now,
                rng=np.random.default_rng(),
                deliverer=secrets.token_hex(8),
                tell=context.tell,
            )
            audience_id = AudienceId(context.arguments.get("audience_id", ""))
            return await push_to_webhook(room, audience_id, context.arguments.get("push_id", ""))

    pushed = asyncio.run(push())
    return {
        "push_id": pushed.push_id,
        "state": pushed.state.value,
        "delivered": pushed.delivered,
        "attempts": pushed.attempts,
        "error": pushed.error,
    }


def send_purchase_order(context: JobContext) -> dict[str, Any]:
    """A purchase order that was sent to its supplier's webhook; argument `purchase_order_id`."""
    stores, settings = context.stores, context.settings
    secret = stores.keys.secret(SECRET_NAME, secrets.token_bytes(SECRET_BYTES))
    purchase_order_id = PurchaseOrderId(context.arguments.get("purchase_order_id", ""))

    async def send() -> int:
        async with HttpWebhooks(secret, private=settings.webhooks_private) as webhooks:
            room = SendRoom(
                purchase_orders=stores.purchase_orders,
                suppliers=stores.suppliers,
                webhooks=webhooks,
                now=context.clock.now,
                rng=np.random.default_rng(),
                tell=context.tell,
            )
            return await send_to_webhook(room, purchase_order_id)

    return {"purchase_order_id": purchase_order_id, "attempts": asyncio.run(send())}


def tell_back_in_stock(context: JobContext) -> dict[str, Any]:
    """Who asked for what is back in stock, to the shop's own webhook."""
    stores, settings = context.stores, context.settings
    secret = stores.keys.secret(SECRET_NAME, secrets.token_bytes(SECRET_BYTES))
    if not settings.back_in_stock_webhook:
        raise NotFound("There is no webhook to tell of what is back in stock; set SMARTSHOP_BACK_IN_STOCK_WEBHOOK.")

    async def send() -> Sent:
        async with HttpWebhooks(secret, private=settings.webhooks_private) as webhooks:
            room = ReturnRoom(
                news=stores.waits,
                customers=stores.customers,
                webhooks=webhooks,
                is_erased=stores.erasure.is_erased,
                now=context.clock.now,
                rng=np.random.default_rng(),
                tell=context.tell,
            )
            return await send_notices(room, settings.back_in_stock_webhook)

    return asdict(asyncio.run(send()))


def find_alike(context: JobContext) -> dict[str, Any]:
    """Lookalikes for an audience that a request made; the arguments are `alike.job_arguments`."""
    stores, clock = context.stores, context.clock
    filled = fill_queued(
        stores.audiences,
        stores.standings,
        context.arguments,
        now=clock.now(),
        shop_now=clock.shop_now(),
        rng=np.random.default_rng(),
        tell=context.tell,
    )
    found = filled.definition.customer_ids if isinstance(filled.definition, Listed) else ()
    return {"audience_id": filled.audience_id, "found": len(found)}


def _learning(context: JobContext) -> Learning:
    stores = context.stores
    return Learning(
        log=stores.log,
        customers=stores.customers,
        standings=stores.standings,
        models=stores.models,
        shelf=_shelf(context.settings, stores, context.clock),
        currency=context.settings.currency,
        timezone=context.settings.timezone,
        consent_default=consent_default(context.settings),
        now=context.clock.now,
    )


def _told(found: Refit) -> dict[str, Any]:
    return {
        "version": found.version,
        "as_of": format_rfc3339(found.as_of),
        "customers": found.customers,
        "buyers": found.buyers,
        "changed_segment_by_behaviour": found.moved_behaviour,
        "changed_segment_by_model": found.moved_model,
        "held_back": found.held_back and found.accepted_at is None,
        "note": found.note,
        **_rounded(found.measures),
    }


def prune(context: JobContext) -> dict[str, Any]:
    now = context.until or context.clock.now()
    return {
        "decisions_forgotten": context.stores.decisions.prune(Micros(now - DECISIONS_KEPT)),
        "event_keys_forgotten": context.stores.log.prune(Micros(now - EVENT_KEYS_KEPT)),
        "reservations_swept": context.stores.reservations.sweep(Micros(context.clock.now() - RESERVATIONS_KEPT)),
        "waits_forgotten": context.stores.waits.sweep(context.clock.now()),
        "segment_moves_forgotten": context.stores.standings.prune_moves(Micros(now - SEGMENT_MOVES_KEPT)),
        "erasures_completed": context.stores.erasure.finish(),
        "traces_removed": context.stores.erasure.remove_traces(),
    }


def make_demo(context: JobContext) -> dict[str, Any]:
    """The demonstration shop's past: made from a scenario, entered through the only door, its truth kept apart."""
    stores, now = context.stores, context.clock.now()
    if not context.place.demo or stores.log.size().events:
        raise Conflict(
            f"{context.place.folder} holds a shop already, and a made history would mix with it; "
            "`smartshop up --demo` makes the demonstration in a folder of its own."
        )
    context.tell(0.0, "thinking up products and shoppers")
    world = build_world(load_scenario(DEMO_SCENARIO), DEMO_SEED, now)
    entered = enter_history(
        world,
        build_ingest(context.settings, stores, context.clock),
        stores.catalogue,
        stores.stock,
        now=now,
        books=SupplyBooks(stores.suppliers, stores.purchase_orders),
        truth_folder=context.place.folder / "truth",
        progress=context.tell,
    )
    stores.imports.mark(ImportMark(import_key=DEMO_MARK, rows_done=entered.accepted, finished=True), now)
    return asdict(entered)


JOBS: Mapping[str, Job] = {
    "train-recommendation": train,
    "train-segmentation": train_segmentation,
    "train-inventory": train_inventory,
    "look-over-stock": look_over_stock,
    "accept-segments": accept_segments,
    "push-audience": push_audience,
    SEND_PURCHASE_ORDER: send_purchase_order,
    TELL_BACK_IN_STOCK: tell_back_in_stock,
    "find-alike": find_alike,
    "prune": prune,
    "make-demo": make_demo,
    "export-text-network": export_text_network,
}


def run_job(
    name: str,
    settings: Settings,
    place: Place,
    *,
    day: date | None = None,
    job_id: int | None = None,
    arguments: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Run one job to its end; what it found out. `job_id` is the row of a queued one, which is told how far it is and
    brings its own arguments.

    Raises:
        NotFound: no such job.
    """
    if name not in JOBS:
        raise NotFound(f"There is no job {name!r}; there are {', '.join(JOBS)}.")
    until = None if day is None else end_of_day(day, ZoneInfo(settings.timezone))
    with (
        opened_stores(settings, place) as stores,
        sharing_bar(name, console) as show,
        _reporting(stores.jobs, job_id) as report,
    ):

        def tell(share: float, what: str) -> None:
            show(share, what)
            report(share, what)

        clock = build_clock(settings, stores)
        queued = None if job_id is None else stores.jobs.get(job_id)
        given = {**(arguments or {}), **(queued.arguments if queued is not None else {})}
        found = JOBS[name](JobContext(settings, place, stores, clock, until, tell, given))
        tell(1.0, "done")
    return found


def evaluate_models(
    settings: Settings,
    place: Place,
    trial: Trial = DEFAULT_TRIAL,
    *,
    day: date | None = None,
    console: Console | None = None,
) -> EvaluationReport:
    """Every model and baseline on the shop's own later data.

    Raises:
        NotFound: the shop has nothing to evaluate on.
    """
    until = None if day is None else end_of_day(day, ZoneInfo(settings.timezone))
    with opened_stores(settings, place) as stores, sharing_bar("evaluating", console) as tell:
        tell(0.0, "reading the log")
        shelf = _shelf(settings, stores, build_clock(settings, stores))
        interactions = load_interactions(stores.log, stores.customers, shelf, until)
        if not len(interactions):
            raise NotFound("There is nothing to evaluate: the log holds no interactions; import or simulate some.")
        report = compare_models(
            interactions, shelf, tell, replace(trial, folders=Folders(text_network=_text_network(place)))
        )
    if not any(table.questions for table in report.tables):
        raise NotFound(
            f"There is too little to evaluate: of {len(interactions)} interactions none is a shopper's later one that "
            "could be asked for."
        )
    return report


def evaluate_segments(
    settings: Settings, place: Place, *, day: date | None = None, console: Console | None = None
) -> SegmentationReport:
    """What value, churn risk and segments are worth, on the shop's own past.

    Raises:
        NotFound: no customer did anything yet.
    """
    until = None if day is None else end_of_day(day, ZoneInfo(settings.timezone))
    with (
        opened_stores(settings, place) as stores,
        sharing_bar("evaluating", console) as tell,
        threadpool_limits(limits=1),
    ):
        tell(0.0, "reading the log")
        clock = build_clock(settings, stores)
        shelf = _shelf(settings, stores, clock)
        activity = load_customer_activity(
            stores.log,
            stores.customers,
            shelf,
            currency=settings.currency,
            consent_default=consent_default(settings),
            until=until or clock.shop_now(),
        )
        if not len(activity):
            raise NotFound("There is nothing to evaluate: no customer did anything yet; import or simulate a history.")
        return evaluate_segmentation(activity, shelf, np.random.default_rng(0), tell, timezone=settings.timezone)


def evaluate_forecasts(
    settings: Settings,
    place: Place,
    trial: ForecastTrial = USUAL_FORECAST_TRIAL,
    *,
    day: date | None = None,
    console: Console | None = None,
) -> ForecastReport:
    """How near forecasts of demand come, on the shop's own past.

    Raises:
        NotFound: nothing was sold yet.
    """
    until = None if day is None else end_of_day(day, ZoneInfo(settings.timezone))
    with (
        opened_stores(settings, place) as stores,
        sharing_bar("evaluating", console) as tell,
        threadpool_limits(limits=1),
    ):
        tell(0.0, "reading orders and stock")
        context = JobContext(settings, place, stores, build_clock(settings, stores), until, tell)
        learning = demand_learning(context)
        table = read_table(learning, _until(context))
        if not len(table):
            raise NotFound("There is nothing to evaluate: nothing was sold yet; import or simulate a history.")
        return evaluate_demand(table, learning.shelf, trial, tell)


def replay_refused(settings: Settings, place: Place) -> dict[str, Any]:
    """Refused events through the door again; ids of variants are resolved as the serving process would."""
    with opened_stores(settings, place) as stores:
        clock = build_clock(settings, stores)
        shelves = ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now)
        ingest = build_ingest(settings, stores, clock, product_of=lambda sent: product_of(shelves, sent))
        wires = {"segment": replayed_segment(settings.currency)}
        report = replay(stores.quarantine, ingest, system_now(), source=None, wires=wires)
    return dict(msgspec.structs.asdict(report))


def end_of_day(day: date, timezone: ZoneInfo) -> Micros:
    """The last microsecond of a day in the shop's zone.

    Raises:
        InvalidValue: a day out of the calendar that the shop keeps.
    """
    if not 2000 <= day.year <= 2100:
        raise InvalidValue(f"The day {day} is not between 2000 and 2100.")
    midnight = datetime.combine(day + timedelta(days=1), time(), timezone)
    return Micros(to_micros(midnight) - 1)


@contextmanager
def _reporting(jobs: Jobs, job_id: int | None) -> Iterator[Tell]:
    """Keeps a queued job's row in the news as long as the job lives, so that no other worker takes it."""
    if job_id is None:
        yield lambda share, what: None
        return
    row, newest, ended = job_id, (0.0, "starting"), threading.Event()

    def remember(share: float, what: str) -> None:
        nonlocal newest
        newest = (share, what)

    def keep_telling() -> None:
        while not ended.wait(TELL_EVERY_SECONDS):
            try:
                jobs.report(row, *newest, system_now())
            except Exception as error:  # the next telling may succeed, and the job itself goes on
                log.warning("job_news_failed", job_id=row, error=type(error).__name__)

    teller = threading.Thread(target=keep_telling, name="job-news", daemon=True)
    teller.start()
    try:
        yield remember
    finally:
        ended.set()
        teller.join()


def _shelf(settings: Settings, stores: SqlStores, clock: ShopClock) -> Shelf:
    return ShelfKeeper(stores.catalogue, stores.stock, settings.currency, clock.shop_now, clock.now).shelf


def _rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items() if not name.startswith("weight_")}
