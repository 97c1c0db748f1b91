"""The process that learns: it runs queued jobs, decides when to learn again, and sends the demonstration's shoppers.

Every job is a process of its own at low priority: its memory goes back when it ends, and a job that dies takes nothing
with it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from rich.console import Console

from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import SECOND, ShopClock
from smartshop.settings import Settings
from smartshop.simulator.live import run_live
from smartshop.simulator.scenario import load_scenario
from smartshop.wiring import DEMO_SCENARIO, Place, build_clock, opened_stores

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
TRAIN, PRUNE = "train-recommendation", "prune"


@dataclass(frozen=True, slots=True)
class Work:
    settings: Settings
    place: Place
    stores: SqlStores
    clock: ShopClock
    url: str


def run_working(settings: Settings, place: Place, url: str) -> None:
    os.nice(NICENESS)
    with opened_stores(settings, place) as stores:
        asyncio.run(_work(Work(settings, place, stores, build_clock(settings, stores), url)))


async def _work(work: Work) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
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
    where = ["--data-dir", str(work.place.root), "--demo" if work.place.demo else "--no-demo"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "smartshop", "job", job.name, *where, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    ended = asyncio.create_task(process.communicate())
    while not ended.done():
        await asyncio.wait([ended], timeout=2.0)
        await asyncio.to_thread(work.stores.jobs.beat, "work", work.clock.now(), job.name)
        await asyncio.to_thread(work.stores.jobs.report, job.job_id, 0.5, "running", work.clock.now())
        if stop.is_set() and not ended.done():
            process.terminate()
    told, complaint = await ended
    good = process.returncode == 0
    note = (told if good else complaint).decode(errors="replace").strip()[-500:]
    state = "done" if good else "failed"
    await asyncio.to_thread(work.stores.jobs.finish, job.job_id, state, note, work.clock.now())
    (log.info if good else log.error)("job_ended", job=job.name, state=state)


async def _consider_learning(work: Work, stop: asyncio.Event) -> None:
    while not stop.is_set():
        for name in await asyncio.to_thread(due_jobs, work.stores, work.clock):
            await asyncio.to_thread(work.stores.jobs.enqueue, JobRecord(name=name, queued_at=work.clock.now()))
        await _pause(stop, CONSIDER_EVERY_SECONDS)


def due_jobs(stores: SqlStores, clock: ShopClock) -> Sequence[str]:
    """What should be queued now: learning when there is enough new to learn from or a new day began."""
    if any(job.state in ("queued", "running") for job in stores.jobs.recent(20)):
        return ()
    size = stores.log.size()
    if size.events < LEAST_EVENTS:
        return ()
    model = stores.models.promoted("recommendation")
    last = next((job for job in stores.jobs.recent(50) if job.name == TRAIN), None)
    if last and last.state == "failed" and clock.now() - (last.finished_at or 0) < 600 * SECOND:
        return ()
    # Log numbers run on from 1, so the last one learned from is about how many there were.
    if model is None or size.events - model.log_no > GROWN_BY * size.events:
        return (TRAIN,)
    tried_at = max(model.trained_at, last.queued_at if last else 0)
    if clock.day(clock.now()) > clock.day(tried_at):
        return (TRAIN, PRUNE)
    return ()


async def _send_shoppers(work: Work, stop: asyncio.Event) -> None:
    scenario = load_scenario(DEMO_SCENARIO)
    key = next((key.plain for key in work.stores.keys.all() if key.kind == "publishable" and key.plain), None)
    if key is None:
        log.warning("shoppers_not_sent", reason="the shop has no publishable key with a known text")
        return
    await run_live(
        work.url, key, scenario, seed=work.clock.now(), shoppers_per_minute=DEMO_SHOPPERS_PER_MINUTE, stop=stop
    )


def simulate_shoppers(url: str, scenario: str, shoppers: int, per_minute: float, seed: int, console: Console) -> None:
    """Simulated shoppers against any running service; its publishable key is what its storefront tells everybody."""
    import httpx  # only this command needs it here

    with httpx.Client(base_url=url, timeout=10) as client:
        key = client.get("/v1/storefront").raise_for_status().json()["publishable_key"]
    console.print(f"{shoppers} shoppers go to {url}, {per_minute:g} a minute.")
    asyncio.run(
        run_live(url, key, load_scenario(scenario), seed=seed, shoppers_per_minute=per_minute, stop=asyncio.Event(),
                 shoppers=shoppers)
    )  # fmt: skip
