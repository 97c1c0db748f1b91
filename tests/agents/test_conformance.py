"""What every wired agent keeps to; a new one is tested by being wired."""

import subprocess
import sys
from collections.abc import Sequence
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest

from smartshop.ai_agents.agent import Agent
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import CustomerId, LocationId, ModelVersion, ProductId, ShopperKey, VariantId
from smartshop.data_collection.schemas.messages import (
    BackInStock,
    CatalogueChanged,
    CustomerErased,
    EventsAccepted,
    Message,
    ModelTrained,
    SegmentChanged,
    SegmentsRefitted,
    SlateRefreshed,
    StockAlert,
    StockChanged,
)
from smartshop.data_collection.schemas.segments import SegmentId, SegmentKind
from tests.agents.world import BLUE, NOW, RED, event, move, wired

AGENT_NAMES = ("segmentation", "recommendation", "personalization", "inventory")

EVERY_MESSAGE: tuple[Message, ...] = (
    EventsAccepted(tuple(event(kind, variant_id=RED, customer_id="c-1") for kind in EventKind)),
    EventsAccepted(()),
    StockChanged((RED, BLUE)),
    CatalogueChanged((ProductId("tent"),)),
    ModelTrained("recommendation", ModelVersion("v1"), True),
    SlateRefreshed(ShopperKey("a-1"), False, "product_viewed"),
    StockAlert(RED, ProductId("tent"), LocationId("main"), 3, 5, NOW),
    BackInStock(
        product_id=ProductId("tent"), variant_id=RED, units=3, customer_ids=(CustomerId("c-1"),),
        anonymous_ids=(), others=2, gone_at=NOW, back_at=NOW,
    ),
    SegmentChanged(CustomerId("c-1"), SegmentKind.RFM, None, SegmentId("rfm-new"), NOW),
    SegmentsRefitted(ModelVersion("v1"), held_back=False, moved_behaviour=1, moved_model=0),
    CustomerErased(CustomerId("c-2")),
)  # fmt: skip
STRANGERS: tuple[Message, ...] = (
    EventsAccepted(
        (event(EventKind.ORDER_COMPLETED, anonymous_id="nobody", variant_id=VariantId("nix")),
         event(EventKind.PRODUCT_VIEWED, anonymous_id="nobody", variant_id=None)),
    ),
    StockChanged((VariantId("nix"),)),
)  # fmt: skip


def make(stores: SqlStores, name: str) -> Agent:
    clock = ShopClock(ZoneInfo("UTC"), lambda: NOW)
    return next(agent for agent in wired(stores, clock) if agent.name == name)


def heard_by(agent: Agent, messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if isinstance(message, agent.listens_to)]


def as_set(messages: Sequence[Message]) -> set[bytes]:
    return {msgspec.msgpack.encode(message) for message in messages}


def test_the_names_here_are_those_wired(stores: SqlStores) -> None:
    names = [agent.name for agent in wired(stores, ShopClock(ZoneInfo("UTC"), lambda: NOW))]
    assert sorted(names) == sorted(AGENT_NAMES)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", AGENT_NAMES)
class TestAgent:
    async def test_it_listens_to_messages_that_exist(self, stores: SqlStores, name: str) -> None:
        assert set(make(stores, name).listens_to) <= set(get_args(Message))

    async def test_the_same_message_twice_says_nothing_new(self, stores: SqlStores, name: str) -> None:
        move(stores, RED, -17, at=5)
        agent = make(stores, name)
        messages = heard_by(agent, EVERY_MESSAGE)
        first = await agent.handle(messages)
        again = await agent.handle(messages)
        assert as_set(again) <= as_set(first)
        reborn = await make(stores, name).handle(messages)
        assert as_set(reborn) == as_set(first), "after a restart the same facts, not others"

    async def test_in_one_batch_or_one_by_one_the_same_is_said(self, stores: SqlStores, name: str) -> None:
        move(stores, RED, -17, at=5)
        together = make(stores, name)
        messages = heard_by(together, EVERY_MESSAGE)
        said = await together.handle(messages)
        alone = make(stores, name)
        one_by_one = [message for one in messages for message in await alone.handle([one])]
        assert {type(message) for message in said} == {type(message) for message in one_by_one}
        assert _subjects(said) == _subjects(one_by_one)

    async def test_unknown_ids_and_empty_batches_are_no_error(self, stores: SqlStores, name: str) -> None:
        agent = make(stores, name)
        assert list(await agent.handle([])) == []
        said = await agent.handle(heard_by(agent, STRANGERS))
        assert not any(isinstance(message, StockAlert) for message in said)

    async def test_what_it_says_travels(self, stores: SqlStores, name: str) -> None:
        move(stores, RED, -17, at=5)
        agent = make(stores, name)
        for message in await agent.handle(heard_by(agent, EVERY_MESSAGE)):
            packed = msgspec.msgpack.encode(message)
            assert msgspec.msgpack.decode(packed, type=Message) == message

    async def test_it_writes_nothing_to_the_stores(self, stores: SqlStores, name: str) -> None:
        move(stores, RED, -17, at=5)
        before = stores.stock.levels([RED, BLUE]), stores.log.size(), stores.decisions.count()
        agent = make(stores, name)
        await agent.handle(heard_by(agent, EVERY_MESSAGE))
        assert (stores.stock.levels([RED, BLUE]), stores.log.size(), stores.decisions.count()) == before


@pytest.mark.parametrize("name", AGENT_NAMES)
def test_its_modules_name_no_store_no_web_and_no_other_agent(name: str) -> None:
    """Loaded alone, an agent pulls in ports and schemas only: no I/O is possible but through the ports."""
    code = f"import smartshop.ai_agents.{name}.agent, smartshop.ai_agents.{name}.advice, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    others = {f"smartshop.ai_agents.{other}" for other in AGENT_NAMES if other != name}
    forbidden = {"sqlalchemy", "fastapi", "starlette", "httpx", "requests", "psycopg", *others}
    assert not forbidden & set(loaded)
    assert not any(module.startswith("smartshop.data_collection.connectors.sql") for module in loaded)


def _subjects(messages: Sequence[Message]) -> set[tuple[str, ...]]:
    """Who or what is spoken of, without the cause, of which the newest wins in a batch."""
    found: set[tuple[str, ...]] = set()
    for message in messages:
        match message:
            case SlateRefreshed(shopper_key=key, is_customer=is_customer):
                found.add(("slate", key, str(is_customer)))
            case StockAlert(variant_id=variant_id, location_id=location_id, noticed_at=at):
                found.add(("stock", variant_id, location_id, str(at)))
            case _:
                found.add((repr(message),))
    return found
