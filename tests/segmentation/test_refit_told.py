"""A refit is made in another process; who listens in the serving one hears of it, and looks at customers again."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from smartshop import serve
from smartshop.ai_agents.segmentation.agent import SegmentationAgent
from smartshop.ai_agents.segmentation.learning import learn_segments
from smartshop.data_collection.connectors.ports import Delivery
from smartshop.data_collection.pipelines.clock import DAY, SECOND, system_now, to_micros
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.messages import SegmentsRefitted
from smartshop.data_collection.schemas.segments import Standing
from smartshop.serve import NewestHuman, beside_requests
from smartshop.wiring import build_clock, build_shop
from tests.commands.command import environment
from tests.importing.shop import EmbeddedShop
from tests.segmentation.shop_of_two import LEAVES, START, ShopOfTwo, customer, opened_shop_of_two, segments_of

PATIENCE_SECONDS = 90.0


async def refit_elsewhere(shop: EmbeddedShop) -> None:
    """As the worker does: a process of its own that shares nothing with us but the stores."""
    command = [sys.executable, "-m", "smartshop", "job", "train-segmentation", *shop.place.arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()


async def next_told(stream: AsyncIterator[Sequence[Delivery]]) -> SegmentsRefitted:
    async with asyncio.timeout(PATIENCE_SECONDS):
        (delivery,) = await anext(stream)
    assert isinstance(delivery.message, SegmentsRefitted)
    return delivery.message


async def test_a_refit_of_another_process_is_told_when_its_model_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "LOOK_EVERY_SECONDS", 0.1)
    with opened_shop_of_two(tmp_path, per_sort=12) as two:
        stores = two.shop.stores
        two.refit()  # before anybody listens: no news
        shop = build_shop(two.shop.settings, two.shop.place, stores, build_clock(two.shop.settings, stores))
        async with beside_requests(shop, stores, NewestHuman()):
            stream = shop.bus.subscribe("listener", (SegmentsRefitted,))
            served = shop.segmentation.model
            assert served is not None
            await refit_elsewhere(two.shop)
            told = await next_told(stream)
            (newest, _) = stores.standings.refits()
            assert (told.version, told.held_back) == (newest.version, False)
            assert shop.segmentation.model not in (None, served), "whoever hears of it may ask the new model"

            waiting = msgspec.structs.replace(
                newest, version="waits", held_back=True, refitted_at=newest.refitted_at + 1
            )
            stores.standings.add_refit(waiting)
            held = await next_told(stream)
            assert (held.version, held.held_back) == ("waits", True)
            now = system_now()
            stores.models.promote("segmentation", newest.version, now)
            stores.standings.add_refit(msgspec.structs.replace(waiting, accepted_at=now))
            accepted = await next_told(stream)
            assert (accepted.version, accepted.held_back) == ("waits", False), "and again when it is accepted"


def standing(two: ShopOfTwo, customer_id: CustomerId) -> Standing:
    return two.shop.stores.standings.get([customer_id])[customer_id]


def test_who_ordered_while_a_refit_ran_is_looked_at_again_under_it(tmp_path: Path) -> None:
    with opened_shop_of_two(tmp_path, per_sort=104) as two:
        end, two.now = two.now, Micros(to_micros(START) + 10 * DAY)
        two.refit()
        assert two.model().cluster_ids == (), "too few had come yet: only the RFM groups"
        two.now = end
        serving, who = [two.model()], customer("cook", 3)
        agent = SegmentationAgent(two.look(), lambda: serving[0])

        def meanwhile(_: float, doing: str) -> None:
            """After the log was read and before standings are written, the customer orders."""
            if doing.startswith("writing"):
                order = two.tell(two.order(who, LEAVES["cook"][0], number=1))
                asyncio.run(agent.handle([order]))

        two.now = Micros(two.now + SECOND)
        found = learn_segments(two.learning(), until=two.now, progress=meanwhile)
        serving[0] = two.model()
        assert serving[0].cluster_ids
        left = standing(two, who)
        assert left.segment_id is None, "what was told of the order came from the model before"

        told = SegmentsRefitted(version=found.version, held_back=False, moved_behaviour=0, moved_model=0)
        said = asyncio.run(agent.handle([told]))
        now = standing(two, who)
        assert now.segment_id in serving[0].cluster_ids
        assert (now.orders, now.spent_minor) == (left.orders, left.spent_minor), "with the order"
        assert (who, None, now.segment_id) in segments_of(list(said))
