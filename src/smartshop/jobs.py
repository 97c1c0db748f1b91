"""Batch jobs: what the command line, the worker and any scheduler run. Each is repeatable for a day."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from smartshop.bars import sharing_bar
from smartshop.data_collection.pipelines.purchase_push import SEND_PURCHASE_ORDER
from smartshop.data_collection.pipelines.return_push import TELL_BACK_IN_STOCK
from smartshop.delivery_jobs import push_audience, send_purchase_order, tell_back_in_stock
from smartshop.errors import NotFound
from smartshop.job_context import Job, JobContext, end_of_day
from smartshop.job_news import reporting
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.recommendation_jobs import export_text_network, train
from smartshop.segment_jobs import accept_segments, find_alike, train_segmentation
from smartshop.settings import Settings
from smartshop.stock_jobs import look_over_stock, train_inventory
from smartshop.upkeep_jobs import make_demo, prune
from smartshop.wiring import build_clock

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
        reporting(stores.jobs, job_id) as report,
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
