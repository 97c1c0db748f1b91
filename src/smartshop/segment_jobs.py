"""The jobs of the segmentation agent: it learns, a refit is let through, and lookalikes are found."""

from typing import Any

import numpy as np

from smartshop.ai_agents.segmentation.alike import fill_queued
from smartshop.ai_agents.segmentation.learning import Learning, learn_segments
from smartshop.ai_agents.segmentation.learning import accept_segments as accept_held_back
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.audiences import Listed
from smartshop.data_collection.schemas.ids import ModelVersion
from smartshop.data_collection.schemas.segments import Refit
from smartshop.job_context import JobContext, rounded, shelf_of, until_now
from smartshop.opening import consent_default


def train_segmentation(context: JobContext) -> dict[str, Any]:
    """Segments, value and churn from everything customers did; who stands where is written anew."""
    return _told(learn_segments(_learning(context), until=until_now(context), progress=context.tell))


def accept_segments(context: JobContext) -> dict[str, Any]:
    """A refit that was held back serves after all; argument `version`."""
    version = ModelVersion(context.arguments.get("version", ""))
    return _told(accept_held_back(_learning(context), version, until=until_now(context), progress=context.tell))


def find_alike(context: JobContext) -> dict[str, Any]:
    """Lookalikes for an audience that a request made; the arguments are `alike.job_arguments`."""
    stores, clock = context.stores, context.clock
    filled = fill_queued(
        stores.audiences,
        stores.standings,
        context.arguments,
        now=clock.now(),
        shop_now=clock.shop_now(),
        rng=np.random.default_rng(),
        tell=context.tell,
    )
    found = filled.definition.customer_ids if isinstance(filled.definition, Listed) else ()
    return {"audience_id": filled.audience_id, "found": len(found)}


def _learning(context: JobContext) -> Learning:
    stores = context.stores
    return Learning(
        log=stores.log,
        customers=stores.customers,
        standings=stores.standings,
        models=stores.models,
        shelf=shelf_of(context),
        currency=context.settings.currency,
        timezone=context.settings.timezone,
        consent_default=consent_default(context.settings),
        now=context.clock.now,
    )


def _told(found: Refit) -> dict[str, Any]:
    return {
        "version": found.version,
        "as_of": format_rfc3339(found.as_of),
        "customers": found.customers,
        "buyers": found.buyers,
        "changed_segment_by_behaviour": found.moved_behaviour,
        "changed_segment_by_model": found.moved_model,
        "held_back": found.held_back and found.accepted_at is None,
        "note": found.note,
        **rounded(found.measures),
    }
