"""How a queued job's row stays in the news while the job runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from smartshop.data_collection.connectors.ports import Jobs
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.job_context import Tell

log = structlog.get_logger()

TELL_EVERY_SECONDS = 2.0


@contextmanager
def reporting(jobs: Jobs, job_id: int | None) -> Iterator[Tell]:
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
