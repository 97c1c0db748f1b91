"""The jobs of pushes: none is left without one, and one whose job ended badly has failed and says why."""

from collections.abc import Iterable, Mapping

import msgspec

from smartshop.ai_agents.segmentation.audience_push import KNOWN_PUSHES, UNFINISHED
from smartshop.data_collection.connectors.ports import Audiences, JobRecord
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.audiences import AudiencePush, PushState
from smartshop.data_collection.schemas.ids import Micros

PUSH = "push-audience"
LOST_AFTER = 60 * SECOND
"""A push without a job is lost; a younger one may just be getting its job."""


def push_job(push: AudiencePush, now: Micros) -> JobRecord:
    """What is queued to deliver it, or the rest of it."""
    return JobRecord(name=PUSH, arguments=_arguments(push), queued_at=now)


def has_job(push: AudiencePush, alive: Iterable[JobRecord]) -> bool:
    return any((job.name, job.arguments) == (PUSH, _arguments(push)) for job in alive)


def lost_pushes(audiences: Audiences, alive: Iterable[JobRecord], now: Micros) -> list[AudiencePush]:
    """Pushes that have not ended and that none of the living jobs is for, the oldest first."""
    at_work = [job.arguments for job in alive if job.name == PUSH]
    return [
        push
        for push in reversed(audiences.pushes(limit=KNOWN_PUSHES))
        if push.state in UNFINISHED and push.asked_at < now - LOST_AFTER and _arguments(push) not in at_work
    ]


def give_up(audiences: Audiences, arguments: Mapping[str, str], why: str, deliverer: str, now: Micros) -> None:
    """The push of a job that ended badly has failed; one that has ended, or is gone, stays as it is.

    `arguments` are the job's. Whoever still delivers it, as a process that was thought dead may, stops.
    """
    push = audiences.take_push(arguments.get("push_id", ""), deliverer)
    if push is None or push.state not in UNFINISHED:
        return
    audiences.report_push(msgspec.structs.replace(push, state=PushState.FAILED, error=why, finished_at=now))


def _arguments(push: AudiencePush) -> dict[str, str]:
    return {"audience_id": push.audience_id, "push_id": push.push_id}
