"""Every agent tried on the shop's own past: what `smartshop evaluate` asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from rich.console import Console
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.inventory.evaluate import DEFAULT_TRIAL as USUAL_FORECAST_TRIAL
from smartshop.ai_agents.inventory.evaluate import ForecastReport, ForecastTrial
from smartshop.ai_agents.inventory.evaluate import evaluate as evaluate_demand
from smartshop.ai_agents.inventory.learning import read_table
from smartshop.ai_agents.recommendation.evaluate import DEFAULT_TRIAL, Trial
from smartshop.ai_agents.recommendation.evaluate import evaluate as compare_models
from smartshop.ai_agents.recommendation.figures import EvaluationReport
from smartshop.ai_agents.recommendation.source import Folders
from smartshop.ai_agents.segmentation.evaluate import SegmentationReport
from smartshop.ai_agents.segmentation.evaluate import evaluate as evaluate_segmentation
from smartshop.bars import sharing_bar
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.reading_customers import load_customer_activity
from smartshop.errors import NotFound
from smartshop.job_context import JobContext, end_of_day, shelf_of, until_now
from smartshop.opening import consent_default, opened_stores
from smartshop.place import Place
from smartshop.recommendation_jobs import text_network
from smartshop.settings import Settings
from smartshop.stock_jobs import demand_learning, known_of_days
from smartshop.wiring import build_clock


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
    with _opened(settings, place, day, console) as context:
        stores, tell = context.stores, context.tell
        tell(0.0, "reading the log")
        shelf = shelf_of(context)
        interactions = load_interactions(stores.log, stores.customers, shelf, context.until)
        if not len(interactions):
            raise NotFound("There is nothing to evaluate: the log holds no interactions; import or simulate some.")
        folders = Folders(text_network=text_network(place))
        report = compare_models(interactions, shelf, tell, replace(trial, folders=folders))
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
    with _opened(settings, place, day, console) as context, threadpool_limits(limits=1):
        context.tell(0.0, "reading the log")
        shelf = shelf_of(context)
        activity = load_customer_activity(
            context.stores.log,
            context.stores.customers,
            shelf,
            currency=settings.currency,
            consent_default=consent_default(settings),
            until=context.until or context.clock.shop_now(),
        )
        if not len(activity):
            raise NotFound("There is nothing to evaluate: no customer did anything yet; import or simulate a history.")
        rng = np.random.default_rng(0)
        return evaluate_segmentation(activity, shelf, rng, context.tell, timezone=settings.timezone)


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
    with _opened(settings, place, day, console) as context, threadpool_limits(limits=1):
        context.tell(0.0, "reading orders and stock")
        learning = demand_learning(context)
        table = read_table(learning, until_now(context))
        if not len(table):
            raise NotFound("There is nothing to evaluate: nothing was sold yet; import or simulate a history.")
        known, why_not = known_of_days(context)
        report = evaluate_demand(table, learning.shelf, trial, context.tell, known)
        return msgspec.structs.replace(report, notes=(*report.notes, why_not)) if why_not else report


@contextmanager
def _opened(settings: Settings, place: Place, day: date | None, console: Console | None) -> Iterator[JobContext]:
    """What a job would be given, for a question that is no job."""
    until = None if day is None else end_of_day(day, ZoneInfo(settings.timezone))
    with opened_stores(settings, place) as stores, sharing_bar("evaluating", console) as tell:
        yield JobContext(settings, place, stores, build_clock(settings, stores), until, tell)
