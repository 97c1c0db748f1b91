"""The process that learns: it runs queued jobs, decides when to learn again, and sends the demonstration's shoppers.

Every job is a process of its own at low priority: its memory goes back when it ends, and a job that dies takes nothing
with it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import SECOND, ShopClock
from smartshop.errors import Unavailable
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
LEAST_PAUSE = 60 * SECOND
"""Between two trainings: a model that is not better is not promoted, and must not be tried again at once."""
BEAT_EVERY_SECONDS = 2.0
NOTE_CHARACTERS = 2_000
INTERRUPTED = "Its worker ended while it ran; it was queued again."
KILLED = "Its process was killed; it was queued again, once."
RESUMABLE = frozenset({"push-audience", "find-alike"})
"""Jobs that go on where they stopped, and that somebody waits for."""
PRUNE = "prune"
LEARNERS: Mapping[str, str] = {"recommendation": "train-recommendation", "segmentation": "train-segmentation"}
"""Agent → the job by which it learns, in this order."""


@dataclass(frozen=True, slots=True)
class Work:
    settings: Settings
    place: Place
    stores: SqlStores
    clock: ShopClock
    url: str


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
    parts = [_run_jobs(work, stop), _consider_learning(work, stop)]
    if work.place.demo and work.url:
        parts.append(_send_shoppers(work, stop))
    await asyncio.gather(*parts)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _run_jobs(work: Work, stop: asyncio.Event) -> None:
    while not stop.is_set():
        now = work.clock.now()
        await asyncio.to_thread(work.stores.jobs.beat, "work", now)
        job = await asyncio.to_thread(work.stores.jobs.claim, now)
        if job is None:
            await _pause(stop, LOOK_EVERY_SECONDS)
            continue
        await _run_job(work, job, stop)


async def _run_job(work: Work, job: JobRecord, stop: asyncio.Event) -> None:
    command = ["job", job.name, *work.place.arguments, "--json", "--job-id", str(job.job_id)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "smartshop", *command,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **ONE_BLAS_THREAD},
    )  # fmt: skip
    give_way(process.pid)
    ended = asyncio.create_task(process.communicate())
    stopping = asyncio.create_task(stop.wait())
    while not ended.done() and not stopping.done():
        await asyncio.wait([ended, stopping], timeout=BEAT_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(work.stores.jobs.beat, "work", work.clock.now(), job.name)
    if not ended.done():
        with suppress(ProcessLookupError):
            process.terminate()
    told, complaint = await ended
    stopping.cancel()
    if stop.is_set() and process.returncode:
        await asyncio.to_thread(_queue_again, work.stores, job, work.clock)
        return
    if (process.returncode or 0) < 0 and job.name in RESUMABLE and job.note != KILLED:
        await asyncio.to_thread(_queue_again, work.stores, job, work.clock, note=KILLED)
        return
    good = process.returncode == 0
    note = (told if good else complaint).decode(errors="replace").strip()[-NOTE_CHARACTERS:]
    state = "done" if good else "failed"
    note = note or f"It ended with status {process.returncode} and said nothing."
    await asyncio.to_thread(work.stores.jobs.finish, job.job_id, state, note, work.clock.now())
    if good:
        log.info("job_done", job=job.name)
    else:
        log.error("job_failed", job=job.name, reason=note[-300:])


def take_up_again(stores: SqlStores, clock: ShopClock) -> None:
    """Queue anew what a worker that died left running. Only where there is one worker, as on the embedded SQLite;
    among several, a job without news for ten minutes is free again.
    """
    for job in stores.jobs.recent(50):
        if job.state == "running":
            _queue_again(stores, job, clock)


def _queue_again(stores: SqlStores, job: JobRecord, clock: ShopClock, *, note: str = "") -> None:
    """`note` of the new one tells why it is there; without, the worker ended."""
    stores.jobs.finish(job.job_id, "failed", note or INTERRUPTED, clock.now())
    stores.jobs.enqueue(JobRecord(name=job.name, arguments=job.arguments, queued_at=clock.now(), note=note))


async def _consider_learning(work: Work, stop: asyncio.Event) -> None:
    while not stop.is_set():
        for name in await asyncio.to_thread(due_jobs, work.stores, work.clock):
            await asyncio.to_thread(work.stores.jobs.enqueue, JobRecord(name=name, queued_at=work.clock.now()))
        await _pause(stop, CONSIDER_EVERY_SECONDS)


def due_jobs(stores: SqlStores, clock: ShopClock) -> Sequence[str]:
    """What should be queued now: learning when there is enough new to learn from, forgetting once a day."""
    recent = stores.jobs.recent(50)
    if any(job.state in ("queued", "running") for job in recent):
        return ()
    due = [
        job_name
        for agent, job_name in LEARNERS.items()
        if _should_learn(stores, clock, agent, next((job for job in recent if job.name == job_name), None))
    ]
    pruned = next((job for job in recent if job.name == PRUNE), None)
    if stores.log.size().events and (pruned is None or _is_of_an_earlier_day(pruned.queued_at, clock)):
        due.append(PRUNE)
    return due


def _should_learn(stores: SqlStores, clock: ShopClock, agent: str, last: JobRecord | None) -> bool:
    size, model = stores.log.size(), stores.models.promoted(agent)
    if size.events < LEAST_EVENTS:
        return False
    if last is not None and last.state == "failed" and last.note != INTERRUPTED:
        # The same log fails the same way; more of it, or tomorrow, may not.
        return _is_of_an_earlier_day(last.queued_at, clock)
    # Log numbers run on from 1, so the last one learned from is about how many there were.
    learned_from = 0 if model is None else model.log_no
    if model is None or size.events - learned_from > GROWN_BY * size.events:
        return last is None or clock.now() - last.queued_at > LEAST_PAUSE
    tried_at = max(model.trained_at, last.queued_at if last else 0)
    return size.events > learned_from and _is_of_an_earlier_day(tried_at, clock)


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
