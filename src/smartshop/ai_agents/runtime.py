"""The one loop around every agent: deliver → handle → publish → acknowledge.

Each agent reads the bus as a group of its own name, so one that fails or is slow never stops another. A failing batch
is handled again message by message; a message that fails three times goes to the dead letters with its error and is
acknowledged. Whatever breaks off in between is delivered again: agents are idempotent, so that is harmless.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import structlog

from smartshop.ai_agents.agent import Agent
from smartshop.data_collection.connectors.ports import Bus, DeadLetter, DeadLetters, Delivery, Jobs
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.messages import Message, ReplayRequested

log = structlog.get_logger(__name__)

TRIES = 3
"""Times a message is handled alone before it is a dead letter."""
RETRY_SECONDS = 0.05
"""Before the second try; doubled before the third."""
BEAT_SECONDS = 5.0
RECONNECT_SECONDS = 1.0
ERROR_LENGTH = 500
REPLAY_GROUP = "dead-letters"
"""Whoever runs agents shares it, so that one of them replays."""


@dataclass(slots=True)
class Tally:
    """What an agent's loop did since the start."""

    handled: int = 0
    published: int = 0
    dead: int = 0


class Runtime:
    """Runs the agents of this process until stopped."""

    def __init__(
        self,
        bus: Bus,
        agents: Sequence[Agent],
        dead_letters: DeadLetters,
        jobs: Jobs,
        now: Callable[[], Micros],
        *,
        retry_seconds: float = RETRY_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._bus, self._agents, self._dead_letters, self._jobs, self._now = bus, agents, dead_letters, jobs, now
        self._retry_seconds, self._beat_seconds = retry_seconds, beat_seconds
        self._tasks: list[asyncio.Task[None]] = []
        self.tallies = {agent.name: Tally() for agent in agents}

    async def start(self) -> None:
        """From the return on, every message published reaches its agents."""
        self._tasks = [
            asyncio.create_task(self._serve(agent, self._subscribe(agent)), name=f"agent-{agent.name}")
            for agent in self._agents
        ]
        requests = self._bus.subscribe(REPLAY_GROUP, (ReplayRequested,))
        self._tasks.append(asyncio.create_task(self._replay(requests), name="agents-dead-letters"))
        self._tasks.append(asyncio.create_task(self._beat(), name="agents-heartbeat"))

    async def stop(self) -> None:
        """Ends between two steps; what was not acknowledged is delivered again at the next start."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _subscribe(self, agent: Agent) -> AsyncIterator[Sequence[Delivery]]:
        return self._bus.subscribe(agent.name, agent.listens_to)

    async def _serve(self, agent: Agent, stream: AsyncIterator[Sequence[Delivery]]) -> None:
        while True:
            try:
                async for deliveries in stream:
                    await self.take(agent, deliveries)
            except Exception as error:  # the bus or the dead letters are away: nothing is lost, so try again
                log.warning("agent_interrupted", agent=agent.name, error=repr(error))
                await asyncio.sleep(RECONNECT_SECONDS)
                stream = self._subscribe(agent)
                continue
            return  # the bus was closed

    async def take(self, agent: Agent, deliveries: Sequence[Delivery]) -> None:
        """One batch, all the way to its acknowledgement."""
        try:
            await self._say(agent, await agent.handle([delivery.message for delivery in deliveries]))
        except Exception as error:  # an agent's failure is contained here: find the message that causes it
            log.warning("batch_failed", agent=agent.name, messages=len(deliveries), error=repr(error))
            for delivery in deliveries:
                await self._take_alone(agent, delivery.message)
                await self._bus.acknowledge(agent.name, [delivery.delivery_id])
            return
        await self._bus.acknowledge(agent.name, [delivery.delivery_id for delivery in deliveries])
        self.tallies[agent.name].handled += len(deliveries)

    async def _take_alone(self, agent: Agent, message: Message) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                await self._say(agent, await agent.handle([message]))
            except Exception as error:  # the same boundary, for one message
                if attempt == TRIES:
                    await self._bury(agent, message, error)
                    return
                await asyncio.sleep(self._retry_seconds * 2 ** (attempt - 1))
                continue
            self.tallies[agent.name].handled += 1
            return

    async def _say(self, agent: Agent, messages: Sequence[Message]) -> None:
        if messages:
            await self._bus.publish(messages)
            self.tallies[agent.name].published += len(messages)

    async def _bury(self, agent: Agent, message: Message, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
        letter = DeadLetter(agent=agent.name, message=message, error=text, failed_at=self._now())
        await asyncio.to_thread(self._dead_letters.add, letter)
        self.tallies[agent.name].dead += 1
        log.error("message_died", agent=agent.name, kind=type(message).__name__, error=text)

    async def _replay(self, requests: AsyncIterator[Sequence[Delivery]]) -> None:
        async for deliveries in requests:
            try:
                done = await replay(self._dead_letters, self._agents, self._bus)
                log.info("dead_letters_replayed", healed=done.healed, failed=len(done.failed))
            except Exception as error:  # the store or the bus is away: the letters stay, and the operator asks again
                log.warning("dead_letters_not_replayed", error=repr(error))
            await self._bus.acknowledge(REPLAY_GROUP, [delivery.delivery_id for delivery in deliveries])

    async def _beat(self) -> None:
        while True:
            try:
                for name, tally in self.tallies.items():
                    note = f"{tally.handled} handled, {tally.published} said, {tally.dead} dead"
                    await asyncio.to_thread(self._jobs.beat, f"agent {name}", self._now(), note)
            except Exception as error:  # a heartbeat that cannot be written is no reason to stop
                log.warning("heartbeat_failed", error=repr(error))
            await asyncio.sleep(self._beat_seconds)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the dead letters that were handled again."""

    healed: int
    failed: dict[int, str]
    """Letter id → its error now; these stay."""


async def replay(dead_letters: DeadLetters, agents: Sequence[Agent], bus: Bus, limit: int = 1_000) -> Replayed:
    """Handle the dead letters again, after a fix; those that pass are published and removed."""
    by_name = {agent.name: agent for agent in agents}
    healed, failed, after = 0, dict[int, str](), 0
    while letters := await asyncio.to_thread(dead_letters.page, after, min(limit, 100)):
        for letter in letters:
            after = letter.letter_id
            agent = by_name.get(letter.agent)
            if agent is None:
                failed[letter.letter_id] = f"no agent is called {letter.agent}"
                continue
            try:
                messages = await agent.handle([letter.message])
                if messages:
                    await bus.publish(messages)
            except Exception as error:  # it is still dead, and says why
                failed[letter.letter_id] = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
                continue
            await asyncio.to_thread(dead_letters.remove, [letter.letter_id])
            healed += 1
        if healed + len(failed) >= limit:
            break
    return Replayed(healed, failed)
