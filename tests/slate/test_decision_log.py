"""The record of every argument: found at once, written in batches, never in the way."""

import asyncio
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.decision_log import unpacked_candidates
from smartshop.backend_api.services import decision_writer
from smartshop.backend_api.services.recommendations import new_decision_id
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import (
    DecisionId,
    Micros,
)
from smartshop.data_collection.schemas.slates import (
    Decision,
)
from smartshop.errors import Unavailable
from tests.slate.service_world import (
    FoldedProfiles,
    make_service,
    request,
)
from tests.slate.small_shop import NOW, ByNumber


async def test_a_decision_is_found_before_and_after_it_is_written(stores: SqlStores, profiles: FoldedProfiles) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    slate = await service.answer(request(), None, with_candidates=True)
    assert stores.decisions.get(slate.decision_id) is None
    waiting = await service.decision(slate.decision_id)
    service.start()
    assert service.writer.flush()
    assert service.writer.find(slate.decision_id) is None
    stored = await service.decision(slate.decision_id)
    assert stored == waiting
    assert stored is not None
    assert stored.shown == 12
    assert len(stored.product_no) == 32
    assert stored.propensity == [item.propensity for item in slate.items]
    assert len(msgspec.msgpack.encode(msgspec.structs.replace(stored, candidates=None))) <= 4096
    log_odds = {a: np.frombuffer(row, "<f4") for a, row in zip(stored.advisors, stored.log_odds, strict=True)}
    for place, item in enumerate(slate.items):
        for advisor, contribution in item.contributions.items():
            expected = stored.policy.weights[advisor] * float(log_odds[advisor][place])
            assert contribution == pytest.approx(expected, abs=1e-6)
    numbers, scores = unpacked_candidates(stored.candidates or b"")
    assert len(numbers) == 200
    assert scores == sorted(scores, reverse=True)
    await asyncio.to_thread(service.stop)
    assert (service.writer.written, service.writer.dropped) == (1, 0)


async def test_about_one_decision_in_a_hundred_keeps_its_candidates(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    service = make_service(stores, profiles, source=ByNumber())
    kept = 0
    for _ in range(1_000):
        decision = service.writer.find((await service.answer(request(limit=1, explain=False), None)).decision_id)
        assert decision is not None
        kept += decision.candidates is not None
    assert 0 < kept < 30  # 10 expected; outside in fewer than one run in 20,000


class _Decisions:
    """A decision store whose engine can be away, or refuse one decision."""

    def __init__(self, refuses: DecisionId | None = None) -> None:
        self.kept: list[DecisionId] = []
        self.is_up = True
        self.refuses = refuses

    def write(self, decisions: Sequence[Decision]) -> None:
        found = [decision.decision_id for decision in decisions]
        if not self.is_up or self.refuses in found:
            raise Unavailable("The decision log is down; try again.")
        self.kept += found

    def get(self, decision_id: DecisionId) -> None:
        return None


async def test_decisions_wait_for_a_store_that_is_down_and_overflow_is_counted(
    stores: SqlStores, profiles: FoldedProfiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_writer, "RETRY_SECONDS", 0.01)
    log = _Decisions()
    service = make_service(stores, profiles, source=ByNumber())
    service.writer = decision_writer.DecisionWriter(log, interval_seconds=0.01, capacity=5)  # type: ignore[arg-type]  # write is all it is asked
    log.is_up = False
    service.start()
    slates = [await service.answer(request(), None) for _ in range(8)]
    assert (service.writer.waiting, service.writer.dropped) == (5, 3)
    log.is_up = True
    assert await asyncio.to_thread(service.writer.flush)
    assert log.kept == [slate.decision_id for slate in slates[:5]]
    await asyncio.to_thread(service.stop)


async def test_one_decision_that_the_store_refuses_does_not_block_the_rest(
    stores: SqlStores, profiles: FoldedProfiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_writer, "RETRY_SECONDS", 0.01)
    service = make_service(stores, profiles, source=ByNumber())
    slates = [await service.answer(request(), None) for _ in range(6)]
    log = _Decisions(refuses=slates[2].decision_id)
    waiting = [service.writer.find(slate.decision_id) for slate in slates]
    service.writer = decision_writer.DecisionWriter(log, interval_seconds=0.01)  # type: ignore[arg-type]  # as above
    for decision in waiting:
        assert decision is not None
        service.writer.put(decision)
    service.start()
    assert await asyncio.to_thread(service.writer.flush)
    assert log.kept == [slate.decision_id for slate in slates if slate.decision_id != log.refuses]
    assert service.writer.dropped == 1
    await asyncio.to_thread(service.stop)


def test_decision_ids_sort_by_time_and_are_distinct() -> None:
    made = [new_decision_id(Micros(NOW + i * 1_000)) for i in range(500)]
    assert made == sorted(made)
    assert len({new_decision_id(NOW) for _ in range(500)}) == 500
