"""The jobs of the recommendation agent: it learns, and the network that reads texts is made."""

import shutil
from pathlib import Path
from typing import Any

from smartshop.ai_agents.recommendation.agent import RecommendationAgent, train_recommendation
from smartshop.ai_agents.recommendation.source import Folders
from smartshop.ai_agents.recommendation.text_export import export_network
from smartshop.errors import NotFound
from smartshop.job_context import JobContext, rounded, shelf_of
from smartshop.place import Place


def train(context: JobContext) -> dict[str, Any]:
    stores = context.stores
    if not stores.log.size().events:
        raise NotFound(f"There is nothing to learn from in {context.place.folder}; import or simulate a history first.")
    shelf = shelf_of(context)
    folders = Folders(text_network=text_network(context.place), scratch=_scratch(context.place))
    agent = RecommendationAgent(stores.models, context.clock.now, folders)
    trained = train_recommendation(
        stores.log, stores.customers, stores.decisions, shelf, agent, until=context.until, progress=context.tell
    )
    shutil.rmtree(_scratch(context.place), ignore_errors=True)
    record = next(found for found in stores.models.history(trained.agent) if found.version == trained.version)
    return {"version": trained.version, "promoted": trained.promoted, **rounded(record.metrics)}


def export_text_network(context: JobContext) -> dict[str, Any]:
    """Make the file of the language network that reads products' texts, once; the next training uses it."""
    folder = text_network(context.place)
    context.tell(0.1, "exporting the network")
    export_network(folder)
    return {"folder": str(folder), "mib": round(sum(file.stat().st_size for file in folder.iterdir()) / 2**20, 1)}


def text_network(place: Place) -> Path:
    """Where its file is, once it was made."""
    return place.folder / "text_network"


def _scratch(place: Place) -> Path:
    """What a training that is killed has learned so far; the next one goes on from there."""
    return place.folder / "learning"
