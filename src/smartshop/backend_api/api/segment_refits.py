"""`/v1/segments/refits`: what each refit changed and why, and accepting one that was held back."""

from typing import Any

import msgspec

from smartshop.backend_api.api.operations import Job, job_seen
from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Limit, id_in_path
from smartshop.data_collection.connectors.ports import JobRecord
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas.segments import Refit, SegmentFlow, SegmentId
from smartshop.errors import Conflict, NotFound

ACCEPT = "accept-segments"
REFITS_KNOWN = 1_000


class RefitSeen(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    as_of: str
    """Learned from everything up to this moment."""
    refitted_at: str
    customers: int
    buyers: int
    sizes: dict[SegmentId, int]
    compared: int
    """Customers who had a behavioural segment before and after."""
    moved_behaviour: int
    """Of them, moved because they behave differently."""
    moved_model: int
    """Of them, moved only because the model changed."""
    held_back: bool
    """Too many moved for the model's reasons: the model before still serves, until this one is accepted."""
    accepted_at: str | None
    note: str
    flows: list[SegmentFlow]
    """Null is "in none"."""
    measures: dict[str, float]


class RefitPage(msgspec.Struct, frozen=True):
    items: list[RefitSeen]
    next_cursor: str | None


class RefitsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 24


def list_refits(service: Service, call: Call[RefitsQuery, None]) -> RefitPage:
    return RefitPage([_seen(refit) for refit in service.shop.standings.refits(call.query.limit)], None)


def accept_refit(service: Service, call: Call[None, None]) -> Answer:
    """Queue the job that puts it into service; one that waits already is not queued twice."""
    version = _acceptable(service.shop.standings.refits(REFITS_KNOWN), call.path("version")).version
    jobs, arguments = service.shop.jobs, {"version": str(version)}
    for job in jobs.recent():
        if (job.name, job.arguments) == (ACCEPT, arguments) and job.state in ("queued", "running"):
            return Answer(job_seen(job), 200)
    record = JobRecord(name=ACCEPT, arguments=arguments, queued_at=service.shop.clock.now())
    return Answer(job_seen(msgspec.structs.replace(record, job_id=jobs.enqueue(record))), 202)


def _acceptable(refits: list[Refit], sent: str) -> Refit:
    """Raises:
    NotFound: no such refit.
    Conflict: it was not held back, was accepted before, or a newer one serves.
    """
    version = id_in_path(sent, "refit")
    for newer, refit in enumerate(refits):
        if refit.version != version:
            continue
        if not refit.held_back:
            raise Conflict(f"The refit {version!r} was not held back: it went into service by itself.")
        if refit.accepted_at is not None:
            raise Conflict(f"The refit {version!r} was accepted at {format_rfc3339(refit.accepted_at)}.")
        if any(not later.held_back or later.accepted_at is not None for later in refits[:newer]):
            raise Conflict(f"The refit {version!r} is older than the one in service; there is nothing to accept.")
        return refit
    raise NotFound(f"There is no refit {version!r}; /v1/segments/refits lists them.")


def _seen(refit: Refit) -> RefitSeen:
    return RefitSeen(
        version=refit.version,
        as_of=format_rfc3339(refit.as_of),
        refitted_at=format_rfc3339(refit.refitted_at),
        customers=refit.customers,
        buyers=refit.buyers,
        sizes=refit.sizes,
        compared=refit.compared,
        moved_behaviour=refit.moved_behaviour,
        moved_model=refit.moved_model,
        held_back=refit.held_back,
        accepted_at=rfc3339_or_none(refit.accepted_at),
        note=refit.note,
        flows=list(refit.flows),
        measures=refit.measures,
    )


ENDPOINTS: tuple[Endpoint[Any, None], ...] = (
    Endpoint(
        method="GET",
        path="/v1/segments/refits",
        permission=Permission.SECRET,
        handle=list_refits,
        summary="What each refit changed and why, newest first",
        query=RefitsQuery,
        answer=RefitPage,
    ),
    Endpoint(
        method="POST",
        path="/v1/segments/refits/{version}/accept",
        permission=Permission.SECRET,
        handle=accept_refit,
        summary="Put a refit into service that was held back",
        answer=Job,
        status=202,
        other_successes=(200,),
        other_problems=(409,),
    ),
)
