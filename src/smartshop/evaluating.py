"""The command that judges an agent on the shop's own past, whichever agent it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from smartshop.ai_agents.inventory import evaluation_tables as inventory_tables
from smartshop.ai_agents.inventory.evaluate import DEFAULT_TRIAL, ForecastTrial
from smartshop.ai_agents.recommendation import report as recommendation_tables
from smartshop.ai_agents.recommendation.evaluate import MAX_SHOPPERS, Trial
from smartshop.ai_agents.recommendation.held_out import ALL_SHOPPERS, Protocol
from smartshop.ai_agents.segmentation import evaluation_tables as segmentation_tables
from smartshop.errors import InvalidValue, NotFound
from smartshop.job_context import end_of_day
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.trials import evaluate_forecasts, evaluate_models, evaluate_segments

AGENTS = ("recommendation", "segmentation", "inventory")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One report in its three forms."""

    record: msgspec.Struct
    markdown: str
    tables: Sequence[Table]


def evaluated(
    agent: str,
    settings: Settings,
    place: Place,
    trial: Trial,
    *,
    forecast_trial: ForecastTrial = DEFAULT_TRIAL,
    day: date | None,
    console: Console | None,
) -> Evaluated:
    """Judge an agent; how recommendations are tried is said by `trial`, how forecasts are by `forecast_trial`.

    Raises:
        NotFound: no such agent can be judged, or there is nothing to judge it on.
    """
    match agent:
        case "recommendation":
            models = evaluate_models(settings, place, trial, day=day, console=console)
            return Evaluated(models, recommendation_tables.as_markdown(models), recommendation_tables.as_tables(models))
        case "segmentation":
            found = evaluate_segments(settings, place, day=day, console=console)
            tables = list(segmentation_tables.as_tables(found))
            return Evaluated(found, segmentation_tables.as_markdown(found), tables)
        case "inventory":
            foretold = evaluate_forecasts(settings, place, forecast_trial, day=day, console=console)
            return Evaluated(foretold, inventory_tables.as_markdown(foretold), inventory_tables.as_tables(foretold))
        case _:
            raise NotFound(f"The agent {agent!r} has no evaluation; there are {', '.join(AGENTS)}.")


def trial_of(protocol: str | None, cut: str | None, shoppers: int | None, seed: int, settings: Settings) -> Trial:
    """What was asked for on the command line. `shoppers`: 0 is all; `cut`: a date in the shop's zone, or a share.

    Raises:
        InvalidValue: one of them cannot be read.
    """
    named = {known.value: known for known in Protocol}
    if protocol is not None and protocol not in named:
        raise InvalidValue(f"There is no protocol {protocol!r}; there are {', '.join(named)}.")
    trial = Trial(
        protocol=None if protocol is None else named[protocol],
        max_shoppers=MAX_SHOPPERS if shoppers is None else shoppers or ALL_SHOPPERS,
        seed=seed,
    )
    if cut is None:
        return trial
    if protocol == Protocol.LEAVE_ONE_OUT:
        raise InvalidValue("Leave-one-out asks for every shopper's last product and has no cut; leave --cut out.")
    try:
        if cut.replace(".", "", 1).isdigit():
            return replace(trial, share=_share(cut))
        before = date.fromisoformat(cut) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise InvalidValue(f"The cut {cut!r} cannot be read; write a date, 2011-06-01, or a share, 0.1.") from None
    return replace(trial, cut=end_of_day(before, ZoneInfo(settings.timezone)) + 1)


def forecast_trial_of(series: int | None, daily_series: int | None, seed: int, *, quick: bool = False) -> ForecastTrial:
    """What was asked for on the command line; what was not is as usual."""
    trial = replace(DEFAULT_TRIAL, seed=seed, quick=quick)
    trial = trial if series is None else replace(trial, series=series)
    return trial if daily_series is None else replace(trial, daily_series=daily_series)


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise ValueError(text)
    return share
