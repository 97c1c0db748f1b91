"""Made-up shops, made once and read by many tests."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import msgspec
import pytest

from smartshop.data_collection.pipelines.clock import to_micros
from smartshop.data_collection.schemas.events import Event
from smartshop.data_collection.schemas.ids import Micros
from smartshop.simulator.history import HistoryDay, make_history
from smartshop.simulator.scenario import Scenario, load_scenario
from smartshop.simulator.truth import Ledger, new_ledger
from smartshop.simulator.world import World, build_world

SEED = 20
END_AT = to_micros(datetime(2026, 11, 20, 12, tzinfo=UTC))


@dataclass(frozen=True)
class Made:
    world: World
    days: list[HistoryDay]
    ledger: Ledger

    @property
    def events(self) -> list[Event]:
        return [event for day in self.days for event in day.events]


def make(scenario: Scenario, seed: int = SEED, end_at: Micros = END_AT) -> Made:
    world = build_world(scenario, seed, end_at)
    ledger = new_ledger(world, scenario.days)
    days = list(make_history(world, scenario.days, scenario.shoppers, seed, ledger))
    return Made(world, days, ledger)


@cache
def whole_history(name: str) -> Made:
    """Sixty days of three thousand shoppers of a shipped scenario."""
    return make(load_scenario(name))


def small_scenario(name: str = "outdoor_store", **changes: object) -> Scenario:
    """A shipped scenario cut down to what a test can read through."""
    size: dict[str, object] = {"products": 150, "shoppers": 150, "days": 6}
    return msgspec.structs.replace(load_scenario(name), **{**size, **changes})


@pytest.fixture(scope="session")
def outdoor() -> Made:
    return whole_history("outdoor_store")
