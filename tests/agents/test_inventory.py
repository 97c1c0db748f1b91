"""Low stock is said once per crossing of the line, and shoppers are told how few are left."""

import numpy as np

from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.inventory.agent import InventoryAgent
from smartshop.ai_agents.inventory.supply_pressure import StockPressure
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import VariantId
from smartshop.data_collection.schemas.messages import EventsAccepted, Message, StockAlert, StockChanged
from smartshop.data_collection.schemas.stock import MovementReason
from tests.agents.world import BLUE, NOW, RED, TENT, event, move
from tests.slate.small_shop import listed, make_question, make_shelf

CHANGED = StockChanged((RED, BLUE))


def agent_of(stores: SqlStores) -> InventoryAgent:
    return InventoryAgent(stores.stock, stores.catalogue, lambda: NOW)


async def test_one_alert_for_each_crossing_however_often_stock_moves(stores: SqlStores) -> None:
    agent = agent_of(stores)
    assert await agent.handle([CHANGED]) == []
    move(stores, RED, -15, at=1)
    (alert,) = await agent.handle([CHANGED])
    assert isinstance(alert, StockAlert)
    assert (alert.variant_id, alert.product_id, alert.level, alert.low_stock_level) == (RED, TENT, 5, 5)
    assert alert.noticed_at == NOW + 1_000_000
    move(stores, RED, -2, at=2)
    assert await agent.handle([CHANGED]) == [], "still low is no news"
    move(stores, RED, 30, at=3, reason=MovementReason.RECEIPT)
    assert await agent.handle([CHANGED]) == []
    move(stores, RED, -30, at=4)
    (second,) = await agent.handle([CHANGED])
    assert isinstance(second, StockAlert)
    assert (second.level, second.noticed_at) == (3, NOW + 4_000_000)


async def test_an_order_makes_it_look_too_and_a_restart_says_the_same_fact(stores: SqlStores) -> None:
    move(stores, BLUE, -16, at=1)
    order: Message = EventsAccepted((event(EventKind.ORDER_COMPLETED, variant_id=BLUE),))
    first = await agent_of(stores).handle([order])
    after_restart = await agent_of(stores).handle([order])
    assert first == after_restart
    assert len(first) == 1


async def test_a_variant_never_counted_is_never_low(stores: SqlStores) -> None:
    assert await agent_of(stores).handle([StockChanged((VariantId("never-counted"),))]) == []


def test_before_anything_is_foreseen_it_says_only_how_few_are_left() -> None:
    shelf = make_shelf(6, available=np.array([-1, 100, 4, 3, 2, 1], dtype=np.int32))
    advice = InventoryAdvisor(StockPressure()).advise(make_question(shelf), listed(range(6)))
    assert not advice.log_odds.any()
    reason = advice.reason(5)
    assert reason is not None
    assert (reason.code, reason.text, reason.evidence) == ("low_stock", "Only 1 left.", {"available": 1})
    assert [advice.reason(place) is None for place in range(6)] == [True, True, True, False, False, False]
