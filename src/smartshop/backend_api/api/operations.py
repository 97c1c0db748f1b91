"""What the shop's engineers look at: `/v1/agents`, `/v1/models`, `/v1/jobs`, `/v1/quality`."""

from typing import Literal

import msgspec

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Limit
from smartshop.data_collection.connectors.ports import JobRecord, ModelRecord
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339, rfc3339_or_none
from smartshop.errors import NotFound

ALIVE_WITHIN = 30 * SECOND
"""A process or agent heard of within this time (µs) is alive; they beat every few seconds."""
MAX_LETTERS = 1_000
LONGEST_JOB_ID = 18
"""Digits that fit the column of every engine."""


class AgentBeat(msgspec.Struct, frozen=True):
    name: str
    alive: bool
    heard_at: str
    note: str


class AgentPage(msgspec.Struct, frozen=True):
    items: list[AgentBeat]
    next_cursor: str | None


class ModelVersionSeen(msgspec.Struct, frozen=True, kw_only=True):
    agent: str
    version: str
    trained_at: str
    data_until: str
    metrics: dict[str, float]
    promoted: bool
    """It serves now."""
    promoted_at: str | None


class ModelPage(msgspec.Struct, frozen=True):
    items: list[ModelVersionSeen]
    next_cursor: str | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    job_id: int
    name: str
    state: str
    progress: float
    note: str
    queued_at: str
    started_at: str | None
    finished_at: str | None


class JobPage(msgspec.Struct, frozen=True):
    items: list[Job]
    next_cursor: str | None


class JobRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Literal["train-recommendation", "train-segmentation"]


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    events: int
    """In the log."""
    decisions: int
    since_start: dict[str, int]
    """Of this process: accepted, duplicates, rejected, other_content (a duplicate that differs; the first won)."""
    not_kept: dict[str, int]
    """Since the beginning: only_counted (no consent to analytics), duplicate, other_content."""
    quarantined: dict[str, int]
    """Reason code → rows not yet replayed."""
    dead_letters: int
    """Messages that an agent failed on three times; counted to a thousand."""
    newest_human_at: str | None
    clock_stands_still: bool
    """The newest human event is over 30 days old: slates are as of that time."""


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 50


def list_agents(service: Service, _: Call[None, None]) -> AgentPage:
    now = service.shop.clock.now()
    beats = sorted(service.shop.jobs.beats().items())
    return AgentPage(
        [AgentBeat(name, now - heard < ALIVE_WITHIN, format_rfc3339(heard), note) for name, (heard, note) in beats],
        None,
    )


def list_models(service: Service, call: Call[PageQuery, None]) -> ModelPage:
    records = service.shop.models.history(limit=call.query.limit)
    promoted = [service.shop.models.promoted(agent) for agent in sorted({record.agent for record in records})]
    serving = {(record.agent, record.version) for record in promoted if record is not None}
    return ModelPage([_model(record, (record.agent, record.version) in serving) for record in records], None)


def list_jobs(service: Service, call: Call[PageQuery, None]) -> JobPage:
    return JobPage([job_seen(record) for record in service.shop.jobs.recent(call.query.limit)], None)


def get_job(service: Service, call: Call[None, None]) -> Job:
    sent = call.path("job_id")
    is_number = sent.isascii() and sent.isdecimal() and len(sent) <= LONGEST_JOB_ID
    record = service.shop.jobs.get(int(sent)) if is_number else None
    if record is None:
        raise NotFound(f"There is no job {sent[:40]!r}; /v1/jobs lists those of late.")
    return job_seen(record)


def enqueue_job(service: Service, call: Call[None, JobRequest]) -> Answer:
    """The same job twice in the queue is once enough."""
    jobs = service.shop.jobs
    waiting = [job for job in jobs.recent() if job.name == call.body.name and job.state == "queued"]
    if waiting:
        return Answer(job_seen(waiting[0]), 200)
    record = JobRecord(name=call.body.name, queued_at=service.shop.clock.now())
    return Answer(job_seen(msgspec.structs.replace(record, job_id=jobs.enqueue(record))), 202)


def get_quality(service: Service, _: Call[None, None]) -> Quality:
    shop = service.shop
    size = shop.log.size()
    return Quality(
        events=size.events,
        decisions=shop.decisions.count(),
        since_start=dict(shop.ingest.totals),
        not_kept=shop.log.tallies(),
        quarantined=shop.quarantine.counts(),
        dead_letters=len(shop.dead_letters.page(limit=MAX_LETTERS)),
        newest_human_at=rfc3339_or_none(size.newest_human_at),
        clock_stands_still=shop.clock.stands_still,
    )


def _model(record: ModelRecord, promoted: bool) -> ModelVersionSeen:
    return ModelVersionSeen(
        agent=record.agent,
        version=record.version,
        trained_at=format_rfc3339(record.trained_at),
        data_until=format_rfc3339(record.data_until),
        metrics=record.metrics,
        promoted=promoted,
        promoted_at=rfc3339_or_none(record.promoted_at),
    )


def job_seen(record: JobRecord) -> Job:
    return Job(
        job_id=record.job_id,
        name=record.name,
        state=record.state,
        progress=record.progress,
        note=record.note,
        queued_at=format_rfc3339(record.queued_at),
        started_at=rfc3339_or_none(record.started_at),
        finished_at=rfc3339_or_none(record.finished_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/agents",
        permission=Permission.SECRET,
        handle=list_agents,
        summary="Which processes and agents are alive",
        answer=AgentPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/models",
        permission=Permission.SECRET,
        handle=list_models,
        summary="Model versions, newest first, and which serves",
        query=PageQuery,
        answer=ModelPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/jobs",
        permission=Permission.SECRET,
        handle=list_jobs,
        summary="Jobs of late, newest first",
        query=PageQuery,
        answer=JobPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/jobs/{job_id}",
        permission=Permission.SECRET,
        handle=get_job,
        summary="How one job is getting on, or how it went",
        answer=Job,
    ),
    Endpoint(
        method="POST",
        path="/v1/jobs",
        permission=Permission.SECRET,
        handle=enqueue_job,
        summary="Queue a job for the worker; one that waits already is not queued twice",
        body=JobRequest,
        answer=Job,
        status=202,
        other_successes=(200,),
    ),
    Endpoint(
        method="GET",
        path="/v1/quality",
        permission=Permission.SECRET,
        handle=get_quality,
        summary="What came in, what was refused and why",
        answer=Quality,
    ),
)
