"""Rules as a process keeps them: what others wrote or changed of the catalogue is taken up at the next look."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.rules import Situation
from smartshop.ai_agents.shelf import Shelf
from smartshop.backend_api.services.rule_keeper import RuleKeeper
from smartshop.data_collection.connectors.sql.erased_keys import ErasedKeys
from smartshop.data_collection.connectors.sql.standings import SqlStandings
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.customers import Consent
from smartshop.data_collection.schemas.ids import CustomerId, ProductId
from smartshop.data_collection.schemas.rules import Boost, MerchantRule, RuleId, RuleProducts, RuleWhere
from smartshop.data_collection.schemas.segments import Standing
from smartshop.data_collection.schemas.slates import Surface
from smartshop.errors import Unavailable
from tests.connectors.standings_told import SEGMENTS, refit, standing
from tests.slate.service_world import FoldedProfiles, ids, make_service, request
from tests.slate.small_shop import NOW, ByNumber, make_shelf

HERE = Situation(Surface.HOME, NOW)
RULE = MerchantRule(
    rule_id=RuleId("r-1"),
    name="Garden up",
    effect=Boost(strength=4.0),
    products=RuleProducts(category=["Garden"], attributes={"colour": "red"}),
    created_at=NOW,
    changed_at=NOW,
)


@pytest.fixture
def others_stores(tmp_path: Path, stores: SqlStores) -> Iterator[SqlStores]:
    opened = open_stores("", tmp_path, tmp_path / "models")
    yield opened
    opened.close()


def meant(keeper: RuleKeeper, shelf: Shelf) -> int:
    active = keeper.compiled.in_situation(HERE)
    return int(active.meant(np.arange(shelf.n_products, dtype=np.int32), shelf, NOW).sum()) if active else 0


def test_what_another_process_writes_is_taken_up_once(stores: SqlStores, others_stores: SqlStores) -> None:
    shelf = make_shelf()
    keeper = RuleKeeper(stores.rules, lambda: shelf)
    assert not keeper.refresh()
    others_stores.rules.add([RULE])
    assert meant(keeper, shelf) == 0
    assert keeper.refresh()
    assert meant(keeper, shelf) == 20
    assert not keeper.refresh()
    others_stores.rules.replace(msgspec.structs.replace(RULE, enabled=False))
    assert keeper.refresh()
    assert meant(keeper, shelf) == 0
    others_stores.rules.delete(RULE.rule_id)
    assert keeper.refresh()
    assert keeper.compiled.rules == ()


def test_rules_are_compiled_anew_for_another_catalogue_and_not_for_another_stock(stores: SqlStores) -> None:
    shelves = [make_shelf(100)]
    stores.rules.add([RULE])
    keeper = RuleKeeper(stores.rules, lambda: shelves[-1])
    assert meant(keeper, shelves[-1]) == 10
    first = shelves[-1]
    restocked = make_shelf(
        100, version=2, category=first.category, price_minor=first.price_minor, available=np.zeros(100, dtype=np.int32)
    )
    shelves.append(restocked)
    assert not keeper.refresh()
    shelves.append(make_shelf(200, version=3))
    assert keeper.refresh()
    assert meant(keeper, shelves[-1]) == 20


class DownStandings(SqlStandings):
    def get(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, Standing]:
        raise Unavailable("The standings' engine is down; try again.")


async def test_rules_act_on_slates_and_not_on_plain_lists(stores: SqlStores, profiles: FoldedProfiles) -> None:
    shelf = make_shelf()
    stores.rules.add([RULE])
    keeper = RuleKeeper(stores.rules, lambda: shelf)
    service = make_service(stores, profiles, source=ByNumber(), shelf=shelf, rules=lambda: keeper.compiled)
    slate = await service.answer(request(limit=3, surface="search"), None)
    assert ids(slate) == ["p10", "p15", "p30"]
    assert {note.rule for item in slate.items for note in item.adjustments} == {"r-1"}
    logged = await service.decision(slate.decision_id)
    assert logged is not None
    assert logged.adjustments == {item.position: item.adjustments for item in slate.items}
    for plain in (await service.trending(limit=3), await service.similar(ProductId("p50"), limit=3)):
        assert not {"p10", "p15", "p30"} & set(ids(plain))
    ranked = await service.rank([ProductId("p2"), ProductId("p10")], request(), None)
    assert ids(ranked) == ["p2", "p10"]


async def test_a_decision_stays_small_however_many_rules_had_a_say(stores: SqlStores, profiles: FoldedProfiles) -> None:
    shelf = make_shelf()
    told = [msgspec.structs.replace(RULE, rule_id=RuleId(f"r-{number:012}"), products=RuleProducts(brand=["Tarn"]))
            for number in range(9)]  # fmt: skip
    stores.rules.add(told)
    keeper = RuleKeeper(stores.rules, lambda: shelf)
    service = make_service(stores, profiles, source=ByNumber(), shelf=shelf, rules=lambda: keeper.compiled)
    slate = await service.answer(request(limit=12), None, with_candidates=True)
    assert sum(len(item.adjustments) for item in slate.items) > 40
    logged = await service.decision(slate.decision_id)
    assert logged is not None
    assert list(logged.adjustments)[:3] == [0, 1, 2]
    assert len(msgspec.msgpack.encode(msgspec.structs.replace(logged, candidates=None))) <= 4096


async def test_standings_that_are_down_cost_the_segments_and_not_the_slate(
    stores: SqlStores, profiles: FoldedProfiles
) -> None:
    shelf, customer = make_shelf(), CustomerId("c-climber")
    stores.standings.replace_all([standing(customer)], refit(), SEGMENTS)
    stores.rules.add([msgspec.structs.replace(RULE, where=RuleWhere(segment=["b1"]))])
    keeper = RuleKeeper(stores.rules, lambda: shelf)
    down = DownStandings(stores.shop_database, Consent(), ErasedKeys(stores.shop_database, lambda: b"key"))
    found = []
    for standings in (stores.standings, down):
        service = make_service(
            stores, profiles, source=ByNumber(), shelf=shelf, rules=lambda: keeper.compiled, standings=standings
        )
        asked = request(limit=3, surface="search", customer_id=customer, anonymous_id=None)
        slate = await service.answer(asked, None, vouched=True)
        found.append((ids(slate), slate.degraded))
    assert found == [
        (["p10", "p15", "p30"], None),
        (["p0", "p1", "p2"], ["standings: failed (Unavailable)"]),
    ]
