"""`/v1/agents/dead-letters`: messages that an agent could not handle, and handling them again after a fix."""

from typing import Any

import msgspec

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Limit, offset_of
from smartshop.data_collection.connectors.ports import DeadLetter
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.messages import ReplayRequested


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    letter_id: int
    agent: str
    message: str
    """The kind of message; its content stays inside."""
    error: str
    """What the agent failed with, three times."""
    failed_at: str


class LetterPage(msgspec.Struct, frozen=True):
    items: list[Letter]
    next_cursor: str | None


class LettersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class ReplayAsked(msgspec.Struct, frozen=True):
    asked: bool
    """The agents handle them again now; what passes leaves the list, what fails stays in it."""


def list_letters(service: Service, call: Call[LettersQuery, None]) -> LetterPage:
    limit = call.query.limit
    letters = service.shop.dead_letters.page(offset_of(call.query.cursor), limit)
    return LetterPage(
        [_letter(letter) for letter in letters], str(letters[-1].letter_id) if len(letters) == limit else None
    )


async def replay_letters(service: Service, _: Call[None, None]) -> ReplayAsked:
    await service.shop.bus.publish([ReplayRequested()])
    return ReplayAsked(True)


def _letter(letter: DeadLetter) -> Letter:
    return Letter(
        letter_id=letter.letter_id,
        agent=letter.agent,
        message=type(letter.message).__name__,
        error=letter.error,
        failed_at=format_rfc3339(letter.failed_at),
    )


ENDPOINTS: tuple[Endpoint[Any, None], ...] = (
    Endpoint(
        method="GET",
        path="/v1/agents/dead-letters",
        permission=Permission.SECRET,
        handle=list_letters,
        summary="Messages that an agent failed on three times, oldest first",
        query=LettersQuery,
        answer=LetterPage,
    ),
    Endpoint(
        method="POST",
        path="/v1/agents/dead-letters/replay",
        permission=Permission.SECRET,
        handle=replay_letters,
        summary="Have the agents handle their dead letters again, after a fix",
        answer=ReplayAsked,
        status=202,
    ),
)
