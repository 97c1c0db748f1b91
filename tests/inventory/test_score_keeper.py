"""Scores that a serving process keeps say what reading everything anew would, and read little for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from smartshop.ai_agents.inventory.replenishment.score_parts import parts_of
from smartshop.ai_agents.inventory.replenishment.score_view import scores_of
from smartshop.backend_api.services.proposal_scores import ScoreKeeper
from smartshop.data_collection.connectors.ports import ProposalBook
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.proposals import KeptProposal, ToldProposal
from tests.connectors.test_proposals_contract import follow, score, told
from tests.connectors.told import NOON
from tests.importing.shop import opened_shop

PLACES = 24
ALL = 400


@dataclass
class CountedReading:
    """The shop's own book, which remembers how many decisions were read from it."""

    book: ProposalBook
    read: int = 0

    def decided(self, since: Micros, until: Micros) -> Iterator[list[KeptProposal]]:
        for batch in self.book.decided(since, until):
            self.read += len(batch)
            yield batch


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with opened_shop(tmp_path / "shop") as shop:
        yield shop.stores


def look(day: int, rng: np.random.Generator) -> list[ToldProposal]:
    """All places at one moment, some of them with an order."""
    return [
        replace(
            told(f"{day}-{place}", float(day), units=int(rng.integers(0, 2)) * 10),
            variant_id=VariantId(f"v{place}"),
            supplier_id=SupplierId(f"s{place % 3}"),
            in_turn=bool(rng.random() < 0.3),
            demand_class="ABC"[place % 3] + "X",
        )
        for place in range(PLACES)
    ]


def test_whatever_comes_meanwhile_it_says_what_reading_everything_would(stores: SqlStores) -> None:
    rng, keeper, book = np.random.default_rng(7), ScoreKeeper(), stores.proposals
    for day in range(40):
        book.keep(look(day, rng))
        if day >= 12:
            due = [f"{day - 12}-{place}" for place in range(PLACES)]
            book.settle([replace(score(one), level_met=float(rng.random()), look_again_at=Micros(NOON)) for one in due])
            follow(stores, f"po-{day}", v3=due[3])
        if day >= 19:
            final = [f"{day - 19}-{place}" for place in range(PLACES)]
            book.settle([replace(score(one), level_met=float(rng.random())) for one in final])
        now, days = Micros(NOON + day * DAY), int(rng.integers(1, 40))
        since = Micros(now - days * DAY)
        anew = parts_of(one for batch in book.decided(since, Micros(now + 1)) for one in batch)
        kept = keeper.read(book, since, now)
        assert scores_of(kept, "a", "b", "GBP") == scores_of(anew, "a", "b", "GBP")
        some = SupplierId("s1")
        assert scores_of(kept.of_supplier(some), "a", "b", "GBP") == scores_of(anew.of_supplier(some), "a", "b", "GBP")


def test_what_was_scored_for_good_is_read_once(stores: SqlStores) -> None:
    rng, book, keeper = np.random.default_rng(7), CountedReading(stores.proposals), ScoreKeeper()
    for day in range(30):
        stores.proposals.keep(look(day, rng))
        if day < 20:
            stores.proposals.settle([score(f"{day}-{place}") for place in range(PLACES)])
    now = Micros(NOON + 30 * DAY)
    # Of the twenty days that are final the last is read again: another look may keep more under the same moment.
    for reads in (30 * PLACES, 41 * PLACES, 52 * PLACES):
        parts = keeper.read(book, Micros(now - ALL * DAY), now)
        assert len(parts.rows) == 30 * PLACES
        assert book.read == reads


def test_what_is_decided_under_a_clock_that_went_back_is_seen(stores: SqlStores) -> None:
    rng, book, keeper = np.random.default_rng(7), stores.proposals, ScoreKeeper()
    for day in range(30):
        book.keep(look(day, rng))
        book.settle([score(f"{day}-{place}") for place in range(PLACES)])
    now = Micros(NOON + 30 * DAY)
    assert len(keeper.read(book, NOON, now).rows) == 30 * PLACES
    book.keep([told("late", 9.5)])
    back = Micros(NOON + 10 * DAY)
    assert len(keeper.read(book, NOON, back).rows) == 11 * PLACES + 1
    assert len(keeper.read(book, NOON, now).rows) == 30 * PLACES + 1
