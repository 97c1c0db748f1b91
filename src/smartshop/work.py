"""The process that learns: it runs queued jobs, decides when to learn again, and sends the demonstration's shoppers.

Every job is a process of its own at low priority: its memory goes back when it ends, and a job that dies takes nothing
with it. Jobs run in lanes, one at a time in each: deliveries beside everything else, since they mostly wait for others.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import structlog

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.push_jobs import PUSH, give_up, lost_pushes, push_job
from smartshop.data_collection.connectors.ports import JobRecord, Models
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY, SECOND, ShopClock
from smartshop.data_collection.pipelines.purchase_push import SEND_PURCHASE_ORDER
from smartshop.data_collection.pipelines.return_push import TELL_BACK_IN_STOCK, return_job
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.errors import ModelRefused, Unavailable
from smartshop.log import configure_logging
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.simulator.live import run_live
from smartshop.simulator.scenario import load_scenario
from smartshop.supervisor import ONE_BLAS_THREAD
from smartshop.wiring import DEMO_SCENARIO, build_clock

log = structlog.get_logger()

NICENESS = 10
"""People come first: whoever learns gets what they leave of the processor."""
LOOK_EVERY_SECONDS = 1.0
CONSIDER_EVERY_SECONDS = 10.0
LEAST_EVENTS = 200
"""Below this a model has nothing to say that popularity does not."""
GROWN_BY = 0.2
"""Learn again when the log has grown by this share since the last model, else once a day."""
DEMO_SHOPPERS_PER_MINUTE = 12.0
HOUR = 3_600 * SECOND
LEAST_PAUSE = 60 * SECOND
"""Between two trainings: a model that is not better is not promoted, and must not be tried again at once."""
BEAT_EVERY_SECONDS = 2.0
NOTE_CHARACTERS = 2_000
INTERRUPTED = "Its worker ended while it ran; it was queued again."
KILLED = "Its process was killed; it was queued again, once."
RESUMABLE = frozenset({PUSH, SEND_PURCHASE_ORDER, TELL_BACK_IN_STOCK, "find-alike"})
"""Jobs that go on where they stopped, and that somebody waits for."""
PRUNE = "prune"
LEARNERS: Mapping[str, str] = {
    "recommendation": "train-recommendation",
    "segmentation": "train-segmentation",
    "inventory": "train-inventory",
}
"""Agent → the job by which it learns, in this order."""
READERS: Mapping[str, Callable[[Path], object]] = {
    "recommendation": RecommendationModel.load,
    "segmentation": SegmentationModel.load,
    "inventory": InventoryModel.load,
}
LOOK_OVER = "look-over-stock"
LOOK_OVER_EVERY = 4 * HOUR
"""Also after each training: stock moves all day long, and what is proposed should not be of this morning."""
OLDEST_ORDER = 28 * DAY
"""Before the first order is so old there are no two whole weeks to forecast from."""
DELIVERIES = frozenset({PUSH, SEND_PURCHASE_ORDER, TELL_BACK_IN_STOCK})
DELIVERIES_AT_ONCE = 2
"""A receiver that is silent holds up a minute and a half of one lane; the other goes on."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Jobs that run one after the other, whatever other lanes do."""

    only: frozenset[str] = frozenset()
    """Names; none is all of them."""
    but: frozenset[str] = frozenset()


LANES = (Lane(but=DELIVERIES), *[Lane(only=DELIVERIES)] * DELIVERIES_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Work:
    settings: Settings
    place: Place
    stores: SqlStores
    clock: ShopClock
    url: str
    running: dict[int, str] = field(default_factory=dict)
    """Job id → name, of those that run now."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job's process ended."""

    status: int
    """Below 0: by this signal."""
    told: str
    complaint: str


def run_working(settings: Settings, place: Place, url: str) -> None:
    configure_logging(settings.log_level)
    os.nice(NICENESS)
    with opened_stores(settings, place) as stores:
        asyncio.run(_work(Work(settings, place, stores, build_clock(settings, stores), url)))


def give_way(pid: int) -> None:
    """Let a process run only where nobody else wants to: whoever answers people never waits for its turn to end.

    Where the system has no such class the niceness that it inherited must do.
    """
    if hasattr(os, "SCHED_IDLE"):
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


async def _work(work: Work) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not work.stores.shop_database.is_postgres:
        await asyncio.to_thread(take_up_again, work.stores, work.clock)
    parts = [_run_jobs(work, lane, stop) for lane in LANES]
    parts += [_beat(work, stop), _consider_learning(work, stop)]
    if work.place.demo and work.url:
        parts.append(_send_shoppers(work, stop))
    await asyncio.gather(*parts)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _beat(work: Work, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.to_thread(work.stores.jobs.beat, "work", work.clock.now(), ", ".join(work.running.values()))
        await _pause(stop, BEAT_EVERY_SECONDS)


async def _run_jobs(work: Work, lane: Lane, stop: asyncio.Event) -> None:
    while not stop.is_set():
        now = work.clock.now()
        job = await asyncio.to_thread(work.stores.jobs.claim, now, only=lane.only, but=lane.but)
        if job is None:
            await _pause(stop, LOOK_EVERY_SECONDS)
            continue
        work.running[job.job_id] = job.name
        try:
            ended = await _run_job(work, job, stop)
        finally:
            # Not there where both delivering lanes had it: a machine that slept wakes up to news that are old.
            work.running.pop(job.job_id, None)
        await asyncio.to_thread(settle, work.stores, work.clock, job, ended, stopping=stop.is_set())


async def _run_job(work: Work, job: JobRecord, stop: asyncio.Event) -> Ended:
    command = ["job", job.name, *work.place.arguments, "--json", "--job-id", str(job.job_id)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "smartshop", *command,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **ONE_BLAS_THREAD},
    )  # fmt: skip
    if job.name not in DELIVERIES:  # they compute next to nothing, and somebody waits for them
        give_way(process.pid)
    ended = asyncio.create_task(process.communicate())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        with suppress(ProcessLookupError):
            process.terminate()
    told, complaint = (text.decode(errors="replace").strip() for text in await ended)
    stopping.cancel()
    return Ended(process.returncode or 0, told, complaint)


def settle(stores: SqlStores, clock: ShopClock, job: JobRecord, ended: Ended, *, stopping: bool) -> None:
    """What becomes of a job that ended: done, failed, or queued again; a push never stays under way with nobody on it.

    `stopping`: we end, and ended it ourselves.
    """
    if stopping and ended.status:
        _queue_again(stores, job, clock)
        return
    if ended.status < 0 and job.name in RESUMABLE and job.note != KILLED:
        _queue_again(stores, job, clock, note=KILLED)
        return
    good = ended.status == 0
    note = (ended.told if good else ended.complaint)[-NOTE_CHARACTERS:]
    note = note or f"It ended with status {ended.status} and said nothing."
    if good:
        stores.jobs.finish(job.job_id, "done", note, clock.now())
        log.info("job_done", job=job.name)
        return
    if job.name == PUSH:
        # Before its job has ended: should we die in between, the job is taken up again, and the push with it.
        _give_up_push(stores, job, note, clock.now())
    stores.jobs.finish(job.job_id, "failed", note, clock.now())
    log.error("job_failed", job=job.name, reason=note[-300:])


def _give_up_push(stores: SqlStores, job: JobRecord, note: str, now: Micros) -> None:
    others = (other for other in stores.jobs.alive() if other.job_id != job.job_id)
    if any((other.name, other.arguments) == (job.name, job.arguments) for other in others):
        return
    last_words = note.splitlines()[-1][-300:].rstrip(". ")
    why = f"The job that delivered it failed: {last_words}. A new push begins anew."
    give_up(stores.audiences, job.arguments, why, secrets.token_hex(8), now)


def take_up_again(stores: SqlStores, clock: ShopClock) -> None:
    """Queue anew what a worker that died left running. Only where there is one worker, as on the embedded SQLite;
    among several, a job without news for ten minutes is free again.
    """
    for job in stores.jobs.alive():
        if job.state == "running":
            _queue_again(stores, job, clock)


def _queue_again(stores: SqlStores, job: JobRecord, clock: ShopClock, *, note: str = "") -> None:
    """`note` of the new one tells why it is there; without, the worker ended.

    The new one comes first: should we die in between, it is there twice, which does no harm, and not never.
    """
    stores.jobs.enqueue(JobRecord(name=job.name, arguments=job.arguments, queued_at=clock.now(), note=note))
    stores.jobs.finish(job.job_id, "failed", note or INTERRUPTED, clock.now())


async def _consider_learning(work: Work, stop: asyncio.Event) -> None:
    while not stop.is_set():
        for job in await asyncio.to_thread(due_jobs, work.stores, work.clock):
            await asyncio.to_thread(work.stores.jobs.enqueue, JobRecord(name=job, queued_at=work.clock.now()))
        await asyncio.to_thread(queue_lost_pushes, work.stores, work.clock)
        if work.settings.back_in_stock_webhook:
            await asyncio.to_thread(queue_return_notices, work.stores, work.clock)
        await _pause(stop, CONSIDER_EVERY_SECONDS)


def queue_lost_pushes(stores: SqlStores, clock: ShopClock) -> None:
    """A push is there before its job: whoever died in between left one that nobody delivers."""
    for push in lost_pushes(stores.audiences, stores.jobs.alive(), clock.now()):
        stores.jobs.enqueue(push_job(push, clock.now()))
        log.warning("push_queued_again", push=push.push_id)


def queue_return_notices(stores: SqlStores, clock: ShopClock) -> None:
    """Whoever was told that something is back stays unsent until the webhook took it."""
    now = clock.now()
    job = return_job(stores.jobs.alive(), stores.jobs.newest(TELL_BACK_IN_STOCK), stores.waits, now)
    if job is not None:
        stores.jobs.enqueue(job)


def due_jobs(stores: SqlStores, clock: ShopClock) -> Sequence[str]:
    """What should be queued now: learning when there is enough new to learn from, forgetting once a day."""
    if any(job.name not in DELIVERIES for job in stores.jobs.alive()):
        return ()
    due = [
        job_name
        for agent, job_name in LEARNERS.items()
        if _should_learn(stores, clock, agent, stores.jobs.newest(job_name))
        and (agent != "inventory" or _has_sold_for_weeks(stores, clock))
    ]
    if LEARNERS["inventory"] not in due and _should_look_over(stores, clock):
        due.append(LOOK_OVER)
    pruned = stores.jobs.newest(PRUNE)
    if stores.log.size().events and (pruned is None or _is_of_an_earlier_day(pruned.queued_at, clock)):
        due.append(PRUNE)
    return due


@lru_cache(maxsize=16)
def can_be_read(models: Models, agent: str, version: ModelVersion, hour: int) -> bool:
    """Whether this release serves with the promoted version: one of an older format is learned anew at once.

    Looked at once in every `hour`, since files may be damaged long after they were written.
    """
    record = models.promoted(agent)
    if record is None or record.version != version:
        return True
    try:
        READERS[agent](models.open(record))
    except ModelRefused as error:
        log.warning("model_refused", agent=agent, version=version, reason=str(error))
        return False
    return True


def _should_learn(stores: SqlStores, clock: ShopClock, agent: str, last: JobRecord | None) -> bool:
    size, model = stores.log.size(), stores.models.promoted(agent)
    if size.events < LEAST_EVENTS:
        return False
    if last is not None and last.state == "failed" and last.note != INTERRUPTED:
        # The same log fails the same way; more of it, or tomorrow, may not.
        return _is_of_an_earlier_day(last.queued_at, clock)
    # Log numbers run on from 1, so the last one learned from is about how many there were.
    learned_from = 0 if model is None else model.log_no
    is_new = model is None or not can_be_read(stores.models, agent, model.version, clock.now() // HOUR)
    if is_new or size.events - learned_from > GROWN_BY * size.events:
        return last is None or clock.now() - last.queued_at > LEAST_PAUSE
    tried_at = max(model.trained_at if model else 0, last.queued_at if last else 0)
    return size.events > learned_from and _is_of_an_earlier_day(tried_at, clock)


def _should_look_over(stores: SqlStores, clock: ShopClock) -> bool:
    """What is foreseen changed since the last time, or some hours went by, or the clock was set back meanwhile."""
    model, last = stores.models.promoted("inventory"), stores.jobs.newest(LOOK_OVER)
    if model is None or last is None:
        return model is not None
    waited = clock.now() - last.queued_at
    return last.queued_at < model.trained_at or not 0 <= waited < LOOK_OVER_EVERY


def _has_sold_for_weeks(stores: SqlStores, clock: ShopClock) -> bool:
    oldest = next(stores.orders.scan(batch_size=1), [])
    return any(order.ordered_at < clock.shop_now() - OLDEST_ORDER for order in oldest)


def _is_of_an_earlier_day(moment: int, clock: ShopClock) -> bool:
    return clock.day(moment) < clock.day(clock.now())


async def _send_shoppers(work: Work, stop: asyncio.Event) -> None:
    scenario = load_scenario(DEMO_SCENARIO)
    key = next((key.plain for key in work.stores.keys.all() if key.kind == "publishable" and key.plain), None)
    if key is None:
        log.warning("shoppers_not_sent", reason="the shop has no publishable key with a known text")
        return
    while not stop.is_set():
        try:
            await run_live(
                work.url, key, scenario, seed=work.clock.now(), shoppers_per_minute=DEMO_SHOPPERS_PER_MINUTE, stop=stop
            )
        except Unavailable as error:
            # The serving process is starting, or starting again.
            log.info("shoppers_wait", reason=str(error))
            await _pause(stop, CONSIDER_EVERY_SECONDS)
