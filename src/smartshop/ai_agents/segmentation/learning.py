"""The learning side of the segmentation agent: read the log, refit, store a version, write where everybody stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import structlog
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smartshop.ai_agents.segmentation.agent import AGENT
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.refit import (
    Before,
    Learned,
    Progress,
    RefitSettings,
    before_ids,
    before_of,
    refit,
    rejudge,
)
from smartshop.data_collection.connectors.ports import Customers, EventLog, ModelRecord, Models, Standings
from smartshop.data_collection.pipelines.clock import to_datetime
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.reading_customers import load_customer_activity
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.data_collection.schemas.segments import Refit
from smartshop.errors import Conflict, ModelRefused, NotFound

log = structlog.get_logger(__name__)

KEPT_SUFFIX = "-kept"
"""Of the version that serves while a refit is held back: everything learned anew but the segments."""
NO_SEGMENTS = "It was accepted that the behavioural segments end, so there are only the RFM groups."
REFITS_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Learning:
    """What a refit reads, and where it writes."""

    log: EventLog
    customers: Customers
    standings: Standings
    models: Models
    shelf: Shelf
    currency: str
    timezone: str
    consent_default: Consent
    now: Callable[[], Micros]


def learn_segments(learning: Learning, *, until: Micros | None, progress: Progress, seed: int = 0) -> Refit:
    """The job: learn from the log up to `until`, publish, and write where everybody stands.

    A refit that moves too many customers for the model's own reasons, or would end all segments, is stored, but does
    not serve until accepted.
    """
    progress(0.0, "reading the log")
    activity = _read(learning, until)
    before = _before(learning, activity)
    version = ModelVersion(to_datetime(learning.now()).strftime("%Y%m%dT%H%M%S.%f"))
    settings = RefitSettings(learning.currency, learning.timezone, version, learning.now())
    with threadpool_limits(limits=1):
        learned = refit(activity, learning.shelf, before, settings, rng=np.random.default_rng(seed), progress=progress)
    found = learned.refit
    _publish(learning, learned.candidate, version, activity, found)
    serving = version
    if found.held_back:
        serving = ModelVersion(version + KEPT_SUFFIX)
        _publish(learning, learned.serving, serving, activity, found)
    progress(0.95, "writing where everybody stands")
    _write(learning, learned, found)
    learning.models.promote(AGENT, serving, learning.now())
    return found


def accept_segments(learning: Learning, version: ModelVersion, *, until: Micros | None, progress: Progress) -> Refit:
    """Let a refit that was held back serve after all; customers stand where it puts them today.

    Raises:
        NotFound: there is no such refit.
        Conflict: it is not held back, or there is a newer one.
        ModelRefused: its model is damaged.
    """
    found = _waiting(learning.standings.refits(REFITS_LOOKED_AT), version)
    record = next((one for one in learning.models.history(AGENT, REFITS_LOOKED_AT) if one.version == version), None)
    if record is None:
        raise NotFound(f"The model of the refit {version} is gone; train again.")
    model = SegmentationModel.load(learning.models.open(record))
    progress(0.1, "reading the log")
    activity = _read(learning, until)
    learned = rejudge(model, activity, learning.shelf, _before(learning, activity), found, learning.now())
    # The note said that it waits.
    note = NO_SEGMENTS if before_ids(learned.before) and not model.cluster_ids else ""
    accepted = msgspec.structs.replace(learned.refit, accepted_at=learning.now(), note=note)
    progress(0.7, "writing where everybody stands")
    _write(learning, learned, accepted)
    learning.models.promote(AGENT, version, learning.now())
    return accepted


def _waiting(refits: Sequence[Refit], version: ModelVersion) -> Refit:
    """The refit that may be accepted; `refits` newest first. Raises as `accept_segments` says."""
    place = next((place for place, one in enumerate(refits) if one.version == version), None)
    if place is None:
        raise NotFound(f"There is no refit {version!r}; `smartshop segments` names the one that waits.")
    found = refits[place]
    if not found.held_back or found.accepted_at is not None:
        raise Conflict(f"The refit {version} is not held back: it serves, or has served, already.")
    if place:
        # What serves, and the ids that it gave, are of a later refit.
        raise Conflict(f"The refit {version} is older than {refits[0].version}; only the newest can be accepted.")
    return found


def _read(learning: Learning, until: Micros | None) -> CustomerActivity:
    """`log_no` is that of the log itself: what is read may end earlier, when its end was erased."""
    last_no = learning.log.size().last_no
    activity = load_customer_activity(
        learning.log,
        learning.customers,
        learning.shelf,
        currency=learning.currency,
        consent_default=learning.consent_default,
        until=until,
    )
    return replace(activity, log_no=last_no)


def _before(learning: Learning, activity: CustomerActivity) -> Before:
    """What serves, else the newest that served before and is whole; without any, segments begin under new ids."""
    standings, present = learning.standings, None
    served = [one for one in learning.models.history(AGENT, REFITS_LOOKED_AT) if one.promoted_at is not None]
    for record in sorted(served, key=lambda one: one.promoted_at or 0, reverse=True):
        try:
            present = SegmentationModel.load(learning.models.open(record))
            break
        except ModelRefused as error:
            log.warning("model_refused", agent=AGENT, version=record.version, reason=str(error))
    return before_of(present, activity.customer_ids, standings.scan(), standings.segments())


def _publish(
    learning: Learning, model: SegmentationModel, version: ModelVersion, activity: CustomerActivity, found: Refit
) -> None:
    folder = learning.models.new_folder(AGENT, version)
    model.save(folder)
    record = ModelRecord(
        agent=AGENT,
        version=version,
        trained_at=learning.now(),
        data_until=activity.as_of,
        log_no=activity.log_no,
        sha256="",
        metrics={"customers": float(found.customers), "buyers": float(found.buyers), **found.measures},
    )
    learning.models.publish(record, folder)


def _write(learning: Learning, learned: Learned, found: Refit) -> None:
    records = learned.standings(log_no=learned.judged.activity.log_no, now=learning.now())
    moves = learned.moves(learning.now())
    learning.standings.replace_all(records, found, learned.serving.facts.segments, moves)
