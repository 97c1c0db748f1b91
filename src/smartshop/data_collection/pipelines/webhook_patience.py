"""Sending to a webhook until it is taken: which answers are worth another attempt, and how long to wait for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec
import numpy as np
from msgspec import Meta

from smartshop.data_collection.connectors.ports import Webhooks
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.webhooks import WebhookAnswer
from smartshop.errors import Conflict, Unavailable

WORTH_A_RETRY = frozenset({408, 425, 429})
"""Beside 5xx: the receiver may take it later. Any other answer says that it never will."""


class SendConfig(msgspec.Struct, frozen=True, kw_only=True):
    retries: Annotated[int, Meta(ge=0, le=20)] = 7
    """After the first attempt; with the pauses below about a minute and a half."""
    first_pause_seconds: Annotated[float, Meta(ge=0)] = 1.0
    """Doubles with every retry; half of each pause is left to chance."""
    longest_pause_seconds: Annotated[float, Meta(ge=0)] = 120.0
    """Also of what `Retry-After` may ask for."""


class Pauses(Protocol):
    """What `pause_seconds` goes by."""

    @property
    def first_pause_seconds(self) -> float: ...
    @property
    def longest_pause_seconds(self) -> float: ...


class Sending(Protocol):
    """What a sender works with."""

    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def now(self) -> Callable[[], Micros]: ...
    @property
    def rng(self) -> np.random.Generator: ...
    @property
    def pause(self) -> Callable[[float], Awaitable[None]]: ...
    @property
    def tell(self) -> Callable[[float, str], None]: ...
    @property
    def config(self) -> SendConfig: ...


@dataclass(frozen=True, slots=True)
class Message:
    url: str
    webhook_id: str
    body: bytes
    receiver: str
    """Who answered what, as a sentence begins."""


@dataclass(frozen=True, slots=True)
class Outcome:
    attempts: int
    taken: bool
    never: bool = False
    """The receiver says that it never takes this."""
    trouble: str = ""
    """The last one, as a sentence."""


class NotTaken(Conflict):
    code = "webhook_not_taken"


async def send_patiently(room: Sending, compose: Callable[[], Awaitable[Message]]) -> Outcome:
    """Send until it is taken, refused for good, or tried often enough; composed anew for each attempt, since the
    pauses between them may be minutes.

    Raises:
        AddressRefused: the address may not be called.
    """
    trouble, attempts = "", room.config.retries + 1
    for attempt in range(attempts):
        message = await compose()
        room.tell(attempt / attempts, trouble or "sending")
        answer: WebhookAnswer | None = None
        try:
            answer = await room.webhooks.post(message.url, message.webhook_id, room.now() // SECOND, message.body)
        except Unavailable as error:
            trouble = str(error)
        if answer is not None:
            if 200 <= answer.status < 300:
                return Outcome(attempt + 1, taken=True)
            trouble = f"{message.receiver} with {answer.status}."
            if not is_worth_a_retry(answer.status):
                return Outcome(attempt + 1, taken=False, never=True, trouble=trouble)
        if attempt + 1 < attempts:
            await room.pause(pause_seconds(room.config, attempt, answer, room.rng))
    return Outcome(attempts, taken=False, trouble=trouble)


def is_worth_a_retry(status: int) -> bool:
    return status in WORTH_A_RETRY or status >= 500


def pause_seconds(config: Pauses, attempt: int, answer: WebhookAnswer | None, rng: np.random.Generator) -> float:
    """Seconds until the next attempt: exponential, half of it by chance, at least what the receiver asked for."""
    longest = config.longest_pause_seconds
    pause = min(longest, config.first_pause_seconds * 2.0**attempt) * (0.5 + 0.5 * rng.random())
    asked = answer.retry_after_seconds if answer is not None else None
    return pause if asked is None else max(pause, min(longest, asked))
