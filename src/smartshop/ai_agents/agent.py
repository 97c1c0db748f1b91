"""What every agent is: messages in, messages out."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from smartshop.data_collection.schemas.messages import Message


class Agent(Protocol):
    """It gets only the ports it uses, returns what it has to say and never publishes by itself.

    The same message twice changes nothing more; an unknown shopper or product is no error; clock and randomness are
    passed in. `runtime` delivers, retries and keeps the dead letters.
    """

    name: ClassVar[str]
    listens_to: ClassVar[tuple[type[Message], ...]]

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]: ...
