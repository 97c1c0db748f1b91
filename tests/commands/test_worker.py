"""The process that learns: what it decides to do, and what becomes of a job whose worker or own process dies."""

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smartshop.data_collection.connectors.ports import JobRecord, ModelRecord
from smartshop.data_collection.pipelines.clock import DAY, SECOND, ShopClock, system_now
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.jobs import run_job
from smartshop.wiring import build_clock
from smartshop.work import INTERRUPTED, LOOK_OVER, LOOK_OVER_EVERY, can_be_read, due_jobs, take_up_again
from tests.commands.command import children_of, is_alive
from tests.commands.worker import PATIENCE_SECONDS, until, working
from tests.importing.shop import EmbeddedShop, interactions_file, opened_shop

TRAIN, SEGMENT, FORESEE, PRUNE = "train-recommendation", "train-segmentation", "train-inventory", "prune"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[EmbeddedShop]:
    with opened_shop(tmp_path / "shop") as opened:
        yield opened


def clock_of(shop: EmbeddedShop, later: int = 0) -> ShopClock:
    return replace(build_clock(shop.settings, shop.stores), now=lambda: Micros(system_now() + later))


def finished(shop: EmbeddedShop, name: str, state: str = "done", note: str = "{}") -> None:
    job_id = shop.stores.jobs.enqueue(JobRecord(name=name, queued_at=system_now()))
    shop.stores.jobs.claim(system_now())
    shop.stores.jobs.finish(job_id, state, note, system_now())


def imported(shop: EmbeddedShop, folder: Path, rows: int) -> None:
    shop.bring("interactions", interactions_file(folder / f"{rows}.csv", rows))


def test_a_shop_that_sold_nothing_yet_has_nothing_to_foresee(shop: EmbeddedShop, tmp_path: Path) -> None:
    file = tmp_path / "looked.csv"
    rows = [f"c{n % 20},p{n % 7},product_viewed,2026-01-02T10:{n % 60:02d}:00Z" for n in range(300)]
    file.write_text("\n".join(["customer_id,product_id,kind,occurred_at", *rows]))
    shop.bring("interactions", file)
    assert FORESEE not in due_jobs(shop.stores, clock_of(shop))


def test_stock_is_looked_over_after_each_training_and_every_few_hours(shop: EmbeddedShop) -> None:
    assert LOOK_OVER not in due_jobs(shop.stores, clock_of(shop))
    for name in (TRAIN, SEGMENT, FORESEE, PRUNE):
        finished(shop, name)
    learned(shop)
    assert list(due_jobs(shop.stores, clock_of(shop))) == [LOOK_OVER]
    finished(shop, LOOK_OVER)
    assert list(due_jobs(shop.stores, clock_of(shop))) == []
    assert LOOK_OVER in due_jobs(shop.stores, clock_of(shop, LOOK_OVER_EVERY))
    assert LOOK_OVER in due_jobs(shop.stores, clock_of(shop, -DAY))
    learned(shop)
    assert list(due_jobs(shop.stores, clock_of(shop))) == [LOOK_OVER]


def learned(shop: EmbeddedShop) -> None:
    """Forecasts are promoted; what they say is looked at by nobody here."""
    models, now = shop.stores.models, system_now()
    version = ModelVersion(f"v{now}")
    record = ModelRecord(agent="inventory", version=version, trained_at=now, data_until=now, log_no=0, sha256="")
    models.publish(record, models.new_folder("inventory", version))
    models.promote("inventory", version, now)


def test_an_empty_shop_has_nothing_to_do(shop: EmbeddedShop) -> None:
    assert list(due_jobs(shop.stores, clock_of(shop))) == []


def test_too_few_events_are_not_learned_from(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 100)
    assert list(due_jobs(shop.stores, clock_of(shop))) == [PRUNE]


def test_a_first_history_is_learned_from_at_once(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 400)
    assert list(due_jobs(shop.stores, clock_of(shop))) == [TRAIN, SEGMENT, FORESEE, PRUNE]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_one_thing_at_a_time(shop: EmbeddedShop, tmp_path: Path, state: str) -> None:
    imported(shop, tmp_path, 400)
    shop.stores.jobs.enqueue(JobRecord(name=TRAIN, queued_at=system_now()))
    if state == "running":
        shop.stores.jobs.claim(system_now())
    assert list(due_jobs(shop.stores, clock_of(shop))) == []


def test_learning_waits_for_growth_or_a_new_day_with_news(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 1_000)
    for learner in (TRAIN, SEGMENT, FORESEE):
        run_job(learner, shop.settings, shop.place)
    for done in (LOOK_OVER, PRUNE):
        finished(shop, done)
    assert list(due_jobs(shop.stores, clock_of(shop))) == []
    assert list(due_jobs(shop.stores, clock_of(shop, later=DAY))) == [LOOK_OVER, PRUNE]  # nothing new to learn from
    imported(shop, tmp_path, 1_010)
    assert list(due_jobs(shop.stores, clock_of(shop))) == []
    assert list(due_jobs(shop.stores, clock_of(shop, later=DAY))) == [TRAIN, SEGMENT, FORESEE, PRUNE]
    imported(shop, tmp_path, 1_600)
    assert list(due_jobs(shop.stores, clock_of(shop))) == [TRAIN, SEGMENT, FORESEE]


def test_a_model_that_was_not_promoted_is_not_tried_again_at_once(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 400)
    for done in (TRAIN, SEGMENT, FORESEE, PRUNE):
        finished(shop, done)
    assert list(due_jobs(shop.stores, clock_of(shop))) == []
    assert list(due_jobs(shop.stores, clock_of(shop, later=120 * SECOND))) == [TRAIN, SEGMENT, FORESEE]


def test_a_model_that_this_release_cannot_read_is_learned_anew_at_once(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 1_000)
    for learner in (TRAIN, SEGMENT, FORESEE):
        run_job(learner, shop.settings, shop.place)
    for done in (LOOK_OVER, PRUNE):
        finished(shop, done)
    record = shop.stores.models.promoted("recommendation")
    assert record is not None
    assert can_be_read(shop.stores.models, "recommendation", record.version, 1)
    manifest = shop.stores.models.open(record) / "model.json"
    manifest.chmod(0o644)
    manifest.write_text("{}")
    assert not can_be_read(shop.stores.models, "recommendation", record.version, 2)
    assert list(due_jobs(shop.stores, clock_of(shop))) == [TRAIN]


def test_what_failed_is_tried_again_the_next_day(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 400)
    finished(shop, TRAIN, "failed", "smartshop: no.")
    finished(shop, SEGMENT, "failed", "smartshop: no.")
    finished(shop, FORESEE, "failed", "smartshop: no.")
    finished(shop, PRUNE)
    soon = list(due_jobs(shop.stores, clock_of(shop, later=120 * SECOND)))
    assert soon in ([], [TRAIN, SEGMENT, FORESEE])  # midnight may be near
    assert TRAIN in due_jobs(shop.stores, clock_of(shop, later=DAY))


def test_what_a_dead_worker_left_is_queued_again(shop: EmbeddedShop) -> None:
    shop.stores.jobs.enqueue(JobRecord(name=TRAIN, queued_at=system_now()))
    shop.stores.jobs.claim(system_now())
    take_up_again(shop.stores, clock_of(shop))
    assert [(job.state, job.note) for job in shop.stores.jobs.recent()] == [("queued", ""), ("failed", INTERRUPTED)]


def newest(shop: EmbeddedShop, name: str) -> JobRecord:
    return next(job for job in shop.stores.jobs.recent() if job.name == name)


def test_a_queued_job_is_run_and_its_facts_are_its_note(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 400)
    shop.stores.jobs.enqueue(JobRecord(name=TRAIN, queued_at=system_now()))
    shop.stores.jobs.enqueue(JobRecord(name="dance", queued_at=system_now()))
    with working(shop):
        until(lambda: newest(shop, "dance").state == "failed", "both jobs to end")
        assert "work" in shop.stores.jobs.beats()
    learned = newest(shop, TRAIN)
    assert (learned.state, learned.progress) == ("done", 1.0)
    promoted = shop.stores.models.promoted("recommendation")
    assert promoted is not None
    assert json.loads(learned.note)["version"] == promoted.version
    assert "There is no job 'dance'" in newest(shop, "dance").note


def test_the_end_of_the_worker_ends_its_job_and_queues_it_again(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 20_000)
    shop.stores.jobs.enqueue(JobRecord(name=TRAIN, queued_at=system_now()))
    with working(shop) as process:
        until(lambda: children_of(process.pid), "the job to start")
        (child,) = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
        assert not is_alive(child)
    states = [job.state for job in reversed(shop.stores.jobs.recent()) if job.name == TRAIN]
    assert states == ["failed", "queued"]


def test_a_job_that_is_killed_is_failed(shop: EmbeddedShop, tmp_path: Path) -> None:
    imported(shop, tmp_path, 20_000)
    shop.stores.jobs.enqueue(JobRecord(name=TRAIN, queued_at=system_now()))
    with working(shop) as process:
        until(lambda: children_of(process.pid), "the job to start")
        (child,) = children_of(process.pid)
        subprocess.run(["kill", "-KILL", str(child)], check=True)
        until(lambda: newest(shop, TRAIN).state == "failed", "the job to be failed")
    assert "-9" in newest(shop, TRAIN).note
