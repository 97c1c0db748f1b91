"""What every Bus and Cache promises, in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from smartshop.data_collection.connectors.memory.bus import BATCH, MemoryBus
from smartshop.data_collection.connectors.memory.cache import MemoryCache
from smartshop.data_collection.connectors.ports import Delivery
from smartshop.data_collection.schemas.ids import ProductId, VariantId
from smartshop.data_collection.schemas.messages import CatalogueChanged, StockChanged
from smartshop.errors import Unavailable

SOON = 2.0


def stock(name: str) -> StockChanged:
    return StockChanged((VariantId(name),))


async def following(reader: AsyncIterator[Sequence[Delivery]]) -> Sequence[Delivery]:
    return await asyncio.wait_for(anext(reader), SOON)


class TestBus:
    async def test_every_group_gets_what_it_listens_to(self) -> None:
        bus = MemoryBus()
        first, second = (
            bus.subscribe("first", [StockChanged]),
            bus.subscribe("second", [StockChanged, CatalogueChanged]),
        )
        catalogue = CatalogueChanged((ProductId("p"),))
        await bus.publish([stock("a"), catalogue])
        assert [delivery.message for delivery in await following(first)] == [stock("a")]
        assert [delivery.message for delivery in await following(second)] == [stock("a"), catalogue]

    async def test_within_a_group_each_message_goes_to_one_reader(self) -> None:
        bus = MemoryBus()
        readers = [bus.subscribe("group", [StockChanged]) for _ in range(2)]
        await bus.publish([stock(str(n)) for n in range(BATCH + 1)])
        batches = [await following(reader) for reader in readers]
        assert [len(batch) for batch in batches] == [BATCH, 1]

    async def test_what_is_not_acknowledged_comes_again(self) -> None:
        bus = MemoryBus(redeliver_after_seconds=0.05)
        reader = bus.subscribe("group", [StockChanged])
        await bus.publish([stock("a"), stock("b")])
        first, second = await following(reader)
        await bus.acknowledge("group", [second.delivery_id])
        assert await following(reader) == [first]
        await bus.acknowledge("group", [first.delivery_id, "unknown"])
        assert bus.backlog() == {"group": 0}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader), 0.2)

    async def test_a_late_acknowledgement_still_counts(self) -> None:
        bus = MemoryBus(redeliver_after_seconds=0.05)
        reader = bus.subscribe("group", [StockChanged])
        await bus.publish([stock("a")])
        (slow,) = await following(reader)
        (again,) = await following(reader)
        await bus.acknowledge("group", [slow.delivery_id])
        assert again == slow
        assert bus.backlog() == {"group": 0}

    async def test_a_full_group_holds_publishers_up_until_there_is_room(self) -> None:
        bus = MemoryBus(capacity=2)
        reader = bus.subscribe("group", [StockChanged])
        publishing = asyncio.create_task(bus.publish([stock("a"), stock("b"), stock("c")]))
        batch = await following(reader)
        assert not publishing.done()
        await bus.acknowledge("group", [batch[0].delivery_id])
        await asyncio.wait_for(publishing, SOON)
        assert bus.backlog() == {"group": 2}

    async def test_a_group_that_stays_full_refuses_in_words(self) -> None:
        bus = MemoryBus(capacity=1, room_within_seconds=0.01)
        bus.subscribe("group", [StockChanged])
        with pytest.raises(Unavailable, match="group"):
            await bus.publish([stock("a"), stock("b")])

    async def test_readers_end_when_the_bus_closes(self) -> None:
        bus = MemoryBus()
        reading = asyncio.create_task(_read_all(bus.subscribe("group", [StockChanged])))
        await bus.publish([stock("a")])
        await asyncio.sleep(0.01)
        await bus.close()
        assert len(await asyncio.wait_for(reading, SOON)) == 1
        with pytest.raises(Unavailable):
            await bus.publish([stock("b")])

    async def test_publishing_without_listeners_is_harmless(self) -> None:
        bus = MemoryBus()
        await bus.publish([stock("a")])
        await bus.acknowledge("nobody", ["1"])
        assert bus.backlog() == {}


async def _read_all(reader: AsyncIterator[Sequence[Delivery]]) -> list[Delivery]:
    return [delivery async for batch in reader for delivery in batch]


class Watch:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class TestCache:
    async def test_a_value_lives_as_long_as_it_was_given(self) -> None:
        watch = Watch()
        cache = MemoryCache(monotonic=watch)
        await cache.put("a", b"1", 10)
        watch.seconds = 9.9
        assert await cache.get("a") == b"1"
        watch.seconds = 10.0
        assert await cache.get("a") is None
        await cache.put("b", b"2", 10)
        await cache.drop("b")
        assert await cache.get("b") is None

    async def test_a_counter_lives_from_its_first_use(self) -> None:
        watch = Watch()
        cache = MemoryCache(monotonic=watch)
        assert [await cache.add("n", 2, 10), await cache.add("n", 3, 10)] == [2, 5]
        watch.seconds = 10.0
        assert await cache.add("n", 1, 10) == 1
        await cache.drop("n")
        assert await cache.add("n", 1, 10) == 1

    async def test_beyond_its_bound_the_longest_unused_goes(self) -> None:
        cache = MemoryCache(capacity=2)
        await cache.put("a", b"1", 10)
        await cache.put("b", b"2", 10)
        await cache.get("a")
        await cache.put("c", b"3", 10)
        assert [await cache.get(key) for key in "abc"] == [b"1", None, b"3"]
