"""The command that judges an agent on the shop's own past, whichever agent it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from rich.console import Console
from rich.table import Table

from smartshop.ai_agents.recommendation import report as recommendation_tables
from smartshop.ai_agents.segmentation import evaluation_tables as segmentation_tables
from smartshop.errors import NotFound
from smartshop.jobs import evaluate_models, evaluate_segments
from smartshop.place import Place
from smartshop.settings import Settings

AGENTS = ("recommendation", "segmentation")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One report in its three forms."""

    record: msgspec.Struct
    markdown: str
    tables: Sequence[Table]


def evaluated(agent: str, settings: Settings, place: Place, day: date | None, console: Console | None) -> Evaluated:
    """Judge an agent.

    Raises:
        NotFound: no such agent can be judged, or there is nothing to judge it on.
    """
    match agent:
        case "recommendation":
            models = evaluate_models(settings, place, day=day, console=console)
            return Evaluated(models, recommendation_tables.as_markdown(models), recommendation_tables.as_tables(models))
        case "segmentation":
            found = evaluate_segments(settings, place, day=day, console=console)
            tables = list(segmentation_tables.as_tables(found))
            return Evaluated(found, segmentation_tables.as_markdown(found), tables)
        case _:
            raise NotFound(f"The agent {agent!r} has no evaluation; there are {', '.join(AGENTS)}.")
