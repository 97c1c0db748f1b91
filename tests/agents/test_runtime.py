"""The loop: every message is handled or buried, one agent's failure is its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest

from smartshop.ai_agents.agent import Agent
from smartshop.ai_agents.runtime import Runtime, replay
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import ProductId, ShopperKey
from smartshop.data_collection.schemas.messages import CatalogueChanged, Message, SlateRefreshed
from tests.agents.world import NOW


class Echo:
    """Says a refresh for every catalogue change; fails on the products it dislikes, so often."""

    name: ClassVar[str] = "echo"
    listens_to: ClassVar[tuple[type[Message], ...]] = (CatalogueChanged,)

    def __init__(self, failures: dict[str, int] | None = None) -> None:
        self.failures = failures or {}
        self.heard: list[str] = []

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        said: list[Message] = []
        for message in messages:
            assert isinstance(message, CatalogueChanged)
            product_id = message.product_ids[0]
            if self.failures.get(product_id, 0) > 0:
                self.failures[product_id] -= 1
                raise ValueError(f"{product_id} cannot be read")
            said.append(SlateRefreshed(ShopperKey(product_id), False, "echo"))
        self.heard += [message.shopper_key for message in said if isinstance(message, SlateRefreshed)]
        return said


class Listener(Echo):
    """Hears what others say."""

    name: ClassVar[str] = "listener"
    listens_to: ClassVar[tuple[type[Message], ...]] = (SlateRefreshed,)

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        self.heard += [message.shopper_key for message in messages if isinstance(message, SlateRefreshed)]
        return []


class Hopeless(Echo):
    name: ClassVar[str] = "hopeless"

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        raise RuntimeError("nothing works")


def changed(*product_ids: str) -> list[Message]:
    return [CatalogueChanged((ProductId(product_id),)) for product_id in product_ids]


def runtime_of(stores: SqlStores, bus: MemoryBus, *agents: Agent) -> Runtime:
    return Runtime(bus, agents, stores.dead_letters, stores.jobs, lambda: NOW, retry_seconds=0.001, beat_seconds=0.01)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110  # what is waited for happens in other tasks and threads
            await asyncio.sleep(0.005)


async def test_what_one_agent_says_another_hears_and_all_is_acknowledged(stores: SqlStores) -> None:
    bus, echo, listener = MemoryBus(), Echo(), Listener()
    runtime = runtime_of(stores, bus, echo, listener)
    await runtime.start()
    await bus.publish(changed("p1", "p2"))
    await until(lambda: listener.heard == ["p1", "p2"] and not any(bus.backlog().values()))
    assert runtime.tallies["echo"].published == 2
    await runtime.stop()


async def test_a_failing_batch_is_handled_one_by_one_and_a_hopeless_message_is_buried(stores: SqlStores) -> None:
    bus, echo = MemoryBus(), Echo({"bad": 100, "shaky": 2})
    runtime = runtime_of(stores, bus, echo)
    await runtime.start()
    await bus.publish(changed("p1", "bad", "shaky", "p2"))
    await until(lambda: set(echo.heard) == {"p1", "shaky", "p2"} and not any(bus.backlog().values()))
    (letter,) = stores.dead_letters.page()
    assert (letter.agent, letter.message, letter.failed_at) == ("echo", changed("bad")[0], NOW)
    assert letter.error == "ValueError: bad cannot be read"
    assert runtime.tallies["echo"].dead == 1
    await runtime.stop()


async def test_a_hopeless_agent_stops_no_other(stores: SqlStores) -> None:
    bus, echo = MemoryBus(), Echo()
    runtime = runtime_of(stores, bus, Hopeless(), echo)
    await runtime.start()
    await bus.publish(changed("p1", "p2", "p3"))
    await until(lambda: echo.heard == ["p1", "p2", "p3"] and runtime.tallies["hopeless"].dead == 3)
    await bus.publish(changed("p4"))
    await until(lambda: echo.heard[-1] == "p4" and runtime.tallies["hopeless"].dead == 4)
    await runtime.stop()


async def test_a_failure_of_the_bus_while_publishing_is_retried(stores: SqlStores) -> None:
    class Shaky(MemoryBus):
        failures = 2

        async def publish(self, messages: Sequence[Message]) -> None:
            if any(isinstance(message, SlateRefreshed) for message in messages) and self.failures:
                self.failures -= 1
                raise ConnectionError("the bus is away")
            await super().publish(messages)

    bus, echo, listener = Shaky(), Echo(), Listener()
    runtime = runtime_of(stores, bus, echo, listener)
    await runtime.start()
    await bus.publish(changed("p1"))
    await until(lambda: listener.heard == ["p1"])
    assert stores.dead_letters.page() == []
    await runtime.stop()


async def test_dead_letters_are_replayed_after_a_fix(stores: SqlStores) -> None:
    bus, echo, listener = MemoryBus(), Echo({"bad": 4, "worse": 4}), Listener()
    runtime = runtime_of(stores, bus, echo, listener)
    await runtime.start()
    await bus.publish(changed("bad"))
    await bus.publish(changed("worse"))
    await until(lambda: runtime.tallies["echo"].dead == 2)
    echo.failures = {"worse": 100}
    done = await replay(stores.dead_letters, [echo], bus)
    assert done.healed == 1
    assert list(done.failed.values()) == ["ValueError: worse cannot be read"]
    await until(lambda: listener.heard == ["bad"])
    assert [letter.message for letter in stores.dead_letters.page()] == changed("worse")
    nobody = await replay(stores.dead_letters, [], bus)
    assert list(nobody.failed.values()) == ["no agent is called echo"]
    await runtime.stop()


async def test_agents_beat_and_stopping_is_clean(stores: SqlStores) -> None:
    bus = MemoryBus()
    runtime = runtime_of(stores, bus, Echo())
    await runtime.start()
    await until(lambda: "agent echo" in stores.jobs.beats())
    assert stores.jobs.beats()["agent echo"] == (NOW, "0 handled, 0 said, 0 dead")
    await runtime.stop()
    await runtime.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("agent")]


async def test_what_was_not_acknowledged_at_the_stop_is_handled_by_the_next(stores: SqlStores) -> None:
    class Stuck(Echo):
        async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
            await asyncio.sleep(60)
            return []

    bus = MemoryBus(redeliver_after_seconds=0.02)
    first = runtime_of(stores, bus, Stuck())
    await first.start()
    await bus.publish(changed("p1"))
    await until(lambda: bus.backlog()["echo"] == 1)
    await asyncio.sleep(0.02)
    await first.stop()
    echo = Echo()
    second = runtime_of(stores, bus, echo)
    await second.start()
    await until(lambda: echo.heard == ["p1"])
    await second.stop()


@pytest.mark.parametrize("closing", [True, False])
async def test_the_loop_ends_with_the_bus(stores: SqlStores, closing: bool) -> None:
    bus = MemoryBus()
    runtime = runtime_of(stores, bus, Echo())
    await runtime.start()
    if closing:
        await bus.close()
    async with asyncio.timeout(5):
        await runtime.stop()
