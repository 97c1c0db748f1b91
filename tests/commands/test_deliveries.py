"""Pushes and the worker: whatever ends their jobs they end in a told state, and nobody waits for a silent receiver."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from smartshop.ai_agents.segmentation.audience_push import PushedPage
from smartshop.ai_agents.segmentation.push_jobs import LOST_AFTER, PUSH, push_job
from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.connectors.sql.jobs import SILENT_FOR
from smartshop.data_collection.connectors.sql.tables import audiences as audience_rows
from smartshop.data_collection.pipelines.clock import ShopClock, system_now
from smartshop.data_collection.schemas.audiences import Audience, AudienceId, AudiencePush, InSegment, PushState
from smartshop.data_collection.schemas.ids import Micros
from smartshop.wiring import build_clock
from smartshop.work import (
    INTERRUPTED,
    KILLED,
    Ended,
    Lane,
    Work,
    _run_jobs,
    due_jobs,
    queue_lost_pushes,
    settle,
    take_up_again,
)
from tests.api.customers_who_stand import CHAMPIONS, DORMANT, populate
from tests.commands.command import children_of, is_alive
from tests.commands.worker import PATIENCE_SECONDS, until, working
from tests.connectors.receiver import Receiver, receiving, status
from tests.importing.shop import EmbeddedShop, interactions_file, opened_shop

PRIVATE = {"SMARTSHOP_WEBHOOKS_PRIVATE": "true"}
CUSTOMERS = 700
MEMBERS = 630
"""Every tenth allows no marketing; two pages."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[EmbeddedShop]:
    with opened_shop(tmp_path / "shop") as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


def peopled(shop: EmbeddedShop) -> None:
    populate(shop.stores.customers, shop.stores.standings, CUSTOMERS)


def audience(shop: EmbeddedShop, audience_id: str, url: str) -> None:
    shop.stores.audiences.save(
        Audience(
            audience_id=AudienceId(audience_id), name=audience_id, definition=InSegment((CHAMPIONS, DORMANT)),
            webhook_url=url, created_at=system_now(), changed_at=system_now(),
        )
    )  # fmt: skip


def pushed(shop: EmbeddedShop, audience_id: str, push_id: str) -> int:
    """As a request does; the job's number."""
    push = AudiencePush(
        push_id=push_id, audience_id=AudienceId(audience_id), state=PushState.QUEUED, asked_at=system_now()
    )
    shop.stores.audiences.start_push(push)
    return shop.stores.jobs.enqueue(push_job(push, system_now()))


def told(shop: EmbeddedShop, push_id: str) -> AudiencePush:
    return next(push for push in shop.stores.audiences.pushes() if push.push_id == push_id)


def clock_of(shop: EmbeddedShop, later: int = 0) -> ShopClock:
    return replace(build_clock(shop.settings, shop.stores), now=lambda: Micros(system_now() + later))


def waits(shop: EmbeddedShop, job_id: int) -> bool:
    job = shop.stores.jobs.get(job_id)
    return job is None or job.state == "queued"


def ids(receiver: Receiver) -> list[str]:
    return [got.headers["webhook-id"] for got in receiver.received]


def customers(receiver: Receiver) -> set[str]:
    pages = [msgspec.json.decode(got.body, type=PushedPage) for got in receiver.received]
    return {customer.customer_id for page in pages for customer in page.customers}


def push_jobs(shop: EmbeddedShop) -> list[tuple[str, str]]:
    """State and note, the oldest first."""
    return [(job.state, job.note) for job in reversed(shop.stores.jobs.recent()) if job.name == PUSH]


def job_in(worker: int) -> int:
    """The process of the one job that runs."""
    until(lambda: children_of(worker), "the job to start")
    (child,) = children_of(worker)
    return child


def test_a_silent_receiver_keeps_nobody_waiting_and_a_job_that_breaks_leaves_a_push_that_says_why(
    shop: EmbeddedShop, receiver: Receiver
) -> None:
    peopled(shop)
    with receiving() as silent, working(shop, **PRIVATE):
        audience(shop, "a-silent", silent.url)
        audience(shop, "a-well", receiver.url)
        audience(shop, "a-damaged", receiver.url)
        damaged = update(audience_rows).where(audience_rows.c.audience_id == "a-damaged").values(payload=b"{")
        shop.stores.shop_database.write(lambda connection: connection.execute(damaged))
        silent.told(*[silent.silent] * 50)
        pushed(shop, "a-silent", "p-silent")
        until(lambda: silent.received, "the silent receiver to be called")
        others = [shop.stores.jobs.enqueue(JobRecord(name="prune", queued_at=system_now()))]
        others += [pushed(shop, "a-damaged", "p-damaged"), pushed(shop, "a-well", "p-well")]
        until(
            lambda: not any(waits(shop, job_id) for job_id in others), "the learning lane, and other pushes, to go on"
        )
        assert told(shop, "p-silent").state is PushState.DELIVERING, "it is still tried all the while"
        silent.replies.clear()
        silent.released.set()
        until(lambda: not shop.stores.jobs.alive(), "the silent one to answer at last, and all to end")
    assert told(shop, "p-silent").state is PushState.DELIVERED
    assert told(shop, "p-well").state is PushState.DELIVERED
    failed = told(shop, "p-damaged")
    assert (failed.state, failed.delivered) == (PushState.FAILED, 0)
    assert failed.error.startswith("The job that delivered it failed: ")
    assert failed.error.endswith(" A new push begins anew.")
    assert failed.finished_at is not None
    assert customers(silent) == customers(receiver)
    assert len(customers(silent)) == MEMBERS


def test_a_push_does_not_keep_the_shop_from_learning(shop: EmbeddedShop, tmp_path: Path) -> None:
    shop.bring("interactions", interactions_file(tmp_path / "some.csv", 400))
    for number in range(60):
        shop.stores.jobs.enqueue(JobRecord(name=PUSH, arguments={"push_id": f"p-{number}"}, queued_at=system_now()))
    assert "train-segmentation" in due_jobs(shop.stores, clock_of(shop))
    shop.stores.jobs.enqueue(JobRecord(name="prune", queued_at=system_now()))
    assert list(due_jobs(shop.stores, clock_of(shop))) == []


def test_a_job_and_then_its_worker_that_are_killed_deliver_the_rest_later(
    shop: EmbeddedShop, receiver: Receiver
) -> None:
    peopled(shop)
    audience(shop, "a-1", receiver.url)
    receiver.told(status(200), receiver.silent, receiver.silent)
    pushed(shop, "a-1", "p-1")
    with working(shop, **PRIVATE) as worker:
        until(lambda: len(receiver.received) >= 2, "the second page to be sent")
        first = job_in(worker.pid)
        os.kill(first, signal.SIGKILL)
        until(lambda: len(receiver.received) >= 3, "it to be sent again by the next job")
        second = job_in(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(PATIENCE_SECONDS)
    until(lambda: not is_alive(second), "the job to end by itself, since nobody waits for it")
    left = told(shop, "p-1")
    assert (left.state, left.next_page, left.delivered) == (PushState.DELIVERING, 1, 500)
    with working(shop, **PRIVATE):
        until(lambda: not shop.stores.jobs.alive(), "the rest")
    done = told(shop, "p-1")
    assert (done.state, done.delivered, done.error) == (PushState.DELIVERED, MEMBERS, "")
    assert ids(receiver) == ["p-1.0", "p-1.1", "p-1.1", "p-1.1"], "what was under way comes again under the same id"
    assert len(customers(receiver)) == MEMBERS
    assert [state for state, _ in push_jobs(shop)] == ["failed", "failed", "done"]
    assert [note for _, note in push_jobs(shop)][:2] == [KILLED, INTERRUPTED]


def claimed(shop: EmbeddedShop, note: str = "") -> JobRecord:
    """The oldest push's job, as a worker takes it."""
    job = shop.stores.jobs.claim(system_now())
    assert job is not None
    return msgspec.structs.replace(job, note=note)


@pytest.mark.parametrize(
    ("ended", "note", "word"),
    [
        (Ended(1, "", "Traceback\nValueError: no such thing"), "", "ValueError: no such thing."),
        (Ended(2, "", ""), "", "ended with status 2"),
        (Ended(-signal.SIGKILL, "", ""), KILLED, "ended with status -9"),
    ],
)
def test_whatever_ends_a_job_its_push_ends_in_words(shop: EmbeddedShop, ended: Ended, note: str, word: str) -> None:
    pushed(shop, "a-1", "p-1")
    shop.stores.audiences.take_push("p-1", "the job")
    settle(shop.stores, clock_of(shop), claimed(shop, note), ended, stopping=False)
    assert told(shop, "p-1").state is PushState.FAILED
    assert word in told(shop, "p-1").error
    assert shop.stores.jobs.alive() == []


@pytest.mark.parametrize(
    ("ended", "stopping"), [(Ended(-signal.SIGKILL, "", ""), False), (Ended(-signal.SIGTERM, "", ""), True)]
)
def test_a_job_that_was_ended_from_outside_goes_on_later(shop: EmbeddedShop, ended: Ended, *, stopping: bool) -> None:
    pushed(shop, "a-1", "p-1")
    shop.stores.audiences.take_push("p-1", "the job")
    settle(shop.stores, clock_of(shop), claimed(shop), ended, stopping=stopping)
    assert told(shop, "p-1").state is PushState.DELIVERING
    assert [(job.name, job.state) for job in shop.stores.jobs.alive()] == [(PUSH, "queued")]


def test_a_push_that_ended_or_is_gone_or_is_anothers_is_not_failed_by_a_job(shop: EmbeddedShop) -> None:
    pushed(shop, "a-1", "p-done")
    taken = shop.stores.audiences.take_push("p-done", "x")
    assert taken is not None
    shop.stores.audiences.report_push(msgspec.structs.replace(taken, state=PushState.DELIVERED))
    settle(shop.stores, clock_of(shop), claimed(shop), Ended(1, "", "late"), stopping=False)
    assert told(shop, "p-done").state is PushState.DELIVERED

    arguments = {"audience_id": "a-1", "push_id": "p-none"}
    shop.stores.jobs.enqueue(JobRecord(name=PUSH, arguments=arguments, queued_at=system_now()))
    settle(shop.stores, clock_of(shop), claimed(shop), Ended(1, "", "There is no push."), stopping=False)

    pushed(shop, "a-1", "p-twice")
    first = claimed(shop)
    shop.stores.jobs.enqueue(push_job(told(shop, "p-twice"), system_now()))
    settle(shop.stores, clock_of(shop), first, Ended(1, "", "no"), stopping=False)
    assert told(shop, "p-twice").state is PushState.QUEUED, "another job is there for it"


def test_a_push_without_a_job_gets_one_and_never_two(shop: EmbeddedShop) -> None:
    pushed(shop, "a-1", "p-1")
    shop.stores.jobs.finish(claimed(shop).job_id, "failed", "and nobody told the push", system_now())
    queue_lost_pushes(shop.stores, clock_of(shop))
    assert shop.stores.jobs.alive() == [], "it is too young to be lost"
    for _ in range(2):
        queue_lost_pushes(shop.stores, clock_of(shop, 2 * LOST_AFTER))
        assert [job.arguments["push_id"] for job in shop.stores.jobs.alive()] == ["p-1"]


def test_all_that_a_dead_worker_left_is_queued_again_however_much_waits_behind_it(shop: EmbeddedShop) -> None:
    for number in range(60):
        pushed(shop, "a-1", f"p-{number:02d}")
        if number == 0:
            claimed(shop)
    take_up_again(shop.stores, clock_of(shop))
    assert len(shop.stores.jobs.alive()) == 60
    assert {job.state for job in shop.stores.jobs.alive()} == {"queued"}


def test_a_job_that_two_lanes_took_while_the_machine_slept_ends_neither(
    shop: EmbeddedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its news is old when the machine wakes up."""
    pushed(shop, "a-1", "p-1")
    both, taken = asyncio.Event(), list[int]()

    async def run(work: Work, job: JobRecord, stop: asyncio.Event) -> Ended:
        taken.append(job.job_id)
        if len(taken) == 2:
            both.set()
            stop.set()
        await both.wait()
        return Ended(0, "done", "")

    async def two_lanes() -> None:
        stop, lane = asyncio.Event(), Lane(only=frozenset({PUSH}))
        awake = Work(shop.settings, shop.place, shop.stores, clock_of(shop), "")
        after_sleep = replace(awake, clock=clock_of(shop, 2 * SILENT_FOR))
        await asyncio.gather(_run_jobs(awake, lane, stop), _run_jobs(after_sleep, lane, stop))
        assert awake.running == {}

    monkeypatch.setattr("smartshop.work._run_job", run)
    asyncio.run(asyncio.wait_for(two_lanes(), 60))
    assert taken == [taken[0]] * 2
    assert shop.stores.jobs.alive() == []
