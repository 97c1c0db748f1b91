"""What every Decisions promises."""

from collections.abc import Callable

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import DecisionId, Micros, ProductId, ProductNo, ShopperKey
from smartshop.data_collection.schemas.slates import Adjustment, Decision, Policy, Reason, Surface
from tests.connectors.told import at


def decision(name: str, seconds: float = 0) -> Decision:
    return Decision(
        decision_id=DecisionId(name),
        decided_at=at(seconds),
        surface=Surface.HOME,
        shopper_key=ShopperKey("browser"),
        policy=Policy("base", 0.9, {"recommendation": 1.0}),
        model_versions={"recommendation": "v1"},
        product_no=[ProductNo(3), ProductNo(1)],
        shown=1,
        propensity=[0.25, 1.0],
        advisors=["recommendation"],
        log_odds=[b"\x00\xff\x00\xfe"],
        reasons=[Reason("similar", "Like the tent", {"product_id": "tent", "shoppers": 4}), None],
        adjustments={0: [Adjustment("explore", "Tried out")]},
        anchor_product_id=ProductId("tent"),
    )


class TestDecisions:
    def test_a_decision_comes_back_as_it_was_written(self, stores: SqlStores) -> None:
        stores.decisions.write([decision("d1"), decision("d2")])
        stores.decisions.write([decision("d1", seconds=99)])
        assert stores.decisions.get(DecisionId("d1")) == decision("d1")
        assert stores.decisions.get(DecisionId("d3")) is None
        assert stores.decisions.count() == 2

    def test_a_scan_covers_its_stretch_in_order_of_time(
        self, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("smartshop.data_collection.connectors.sql.decisions.AT_ONCE", 2)
        stores.decisions.write([decision(f"d{n}", seconds=n // 2) for n in (9, 3, 2, 5, 4, 0)])
        found = [each.decision_id for batch in stores.decisions.scan(at(1), at(4)) for each in batch]
        assert found == ["d2", "d3", "d4", "d5"]

    def test_what_is_old_goes(self, stores: SqlStores) -> None:
        stores.decisions.write([decision(f"d{n}", seconds=n) for n in range(5)])
        assert stores.decisions.prune(at(3)) == 3
        assert stores.decisions.prune(Micros(0)) == 0
        assert stores.decisions.count() == 2

    def test_another_process_reads_it(self, stores: SqlStores, open_again: Callable[[], SqlStores]) -> None:
        stores.decisions.write([decision("d1")])
        another = open_again()
        assert another.decisions.get(DecisionId("d1")) is not None
        another.close()
