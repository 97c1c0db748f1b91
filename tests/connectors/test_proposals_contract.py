"""What every ProposalBook promises."""

import msgspec

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import LocationId, Micros, ModelVersion, ProductId, VariantId
from smartshop.data_collection.schemas.proposals import ProposalScore, ToldCosts, ToldLaw, ToldProposal
from smartshop.data_collection.schemas.supply import PurchaseOrderId
from tests.connectors.told import NOON

MAIN = LocationId("main")


def told(proposal_id: str, days: float = 0.0, units: int = 10, stretch_days: int = 12) -> ToldProposal:
    return ToldProposal(
        proposal_id=proposal_id,
        decided_at=Micros(int(NOON + days * DAY)),
        product_id=ProductId("kettle"),
        variant_id=VariantId("kettle-red"),
        title="Kettle, red",
        location_id=MAIN,
        locations=(MAIN,),
        units=units,
        on_hand=3,
        lead_days=5.0,
        lead_spread_days=1.5,
        review_days=7.0,
        stretch_days=stretch_days,
        mean=11.5,
        told_10=7.0,
        told_50=11.0,
        told_90=17.0,
        law=ToldLaw((0.0, 10.0, 30.0), (0.01, 0.4, 1.0)),
        service_level=0.93,
        chance_short_before=0.2,
        costs=ToldCosts(
            currency="GBP",
            unit=900.0,
            holding_per_unit_day=0.6,
            missed_per_unit=800.0,
            order=250.0,
            order_lasts_days=21.0,
        ),
        demand_class="AX",
        pattern="smooth",
        model_version=ModelVersion("m-1"),
        in_turn=False,
    )


AGAIN = Micros(NOON + 19 * DAY)


def score(proposal_id: str, again: Micros | None = None, asked_for: float = 12.0) -> ProposalScore:
    return ProposalScore(
        proposal_id=proposal_id, scored_at=Micros(NOON + 13 * DAY), look_again_at=again, sold=12, asked_for=asked_for
    )


def without_law(one: ToldProposal) -> ToldProposal:
    return msgspec.structs.replace(one, law=None)


class TestKeeping:
    def test_what_is_kept_is_what_was_told(self, stores: SqlStores) -> None:
        assert stores.proposals.keep([told("p-1"), told("p-2", units=0)]) == 2
        found = stores.proposals.get("p-1")
        assert found is not None
        assert (found.told, found.followed_by, found.score) == (told("p-1"), None, None)
        assert stores.proposals.get("p-3") is None
        assert stores.proposals.keep([]) == 0

    def test_the_same_id_is_replaced_until_it_is_followed(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1", units=10)])
        assert book.keep([told("p-1", days=0.2, units=20)]) == 1
        assert book.follow("p-1", PurchaseOrderId("po-1"))
        assert book.follow("p-1", PurchaseOrderId("po-2"))
        assert book.keep([told("p-1", days=0.4, units=30)]) == 0
        found = book.get("p-1")
        assert found is not None
        assert (found.told, found.followed_by) == (told("p-1", days=0.2, units=20), "po-1")
        assert not book.follow("p-2", PurchaseOrderId("po-1"))

    def test_not_now_never_replaces_what_said_to_order(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1", units=0)])
        assert book.keep([told("p-1", units=5)]) == 1
        assert book.keep([told("p-1", days=0.1, units=0)]) == 0
        found = book.get("p-1")
        assert found is not None
        assert found.told.units == 5

    def test_what_is_scored_stays_as_it_was_told(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1")])
        book.settle([score("p-1", AGAIN)])
        assert book.keep([told("p-1", units=99)]) == 0

    def test_whoever_is_named_twice_at_once_is_kept_as_told_last(self, stores: SqlStores) -> None:
        assert stores.proposals.keep([told("p-1", units=1), told("p-1", units=2)]) == 1
        found = stores.proposals.get("p-1")
        assert found is not None
        assert found.told.units == 2


class TestScoring:
    def test_due_is_what_is_over_the_longest_over_first(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("late", days=3), told("early"), told("ahead", days=9), told("long", stretch_days=90)])
        due = book.due(Micros(NOON + 16 * DAY), 10)
        assert [one.told.proposal_id for one in due] == ["early", "late"]
        assert due[0].told.law == told("early").law
        assert [one.told.proposal_id for one in book.due(Micros(NOON + 16 * DAY), 1)] == ["early"]
        assert book.due(Micros(NOON), 10) == []

    def test_a_score_that_may_change_is_due_again_and_a_final_one_never(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1"), told("p-2")])
        book.settle([score("p-1", AGAIN), score("p-2"), score("p-9")])
        assert book.due(Micros(NOON + 13 * DAY), 10) == []
        (due,) = book.due(AGAIN, 10)
        assert (due.told, due.score) == (told("p-1"), score("p-1", AGAIN))
        book.settle([score("p-1", asked_for=13.0)])
        assert book.due(Micros(NOON + 400 * DAY), 10) == []
        found = book.get("p-1")
        assert found is not None
        assert found.score == score("p-1", asked_for=13.0)
        assert found.told == without_law(told("p-1"))


class TestLookingBack:
    def test_decisions_come_oldest_first_and_without_their_laws(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("b", days=1), told("c", days=2), told("a", days=1), told("d", days=5)])
        book.follow("c", PurchaseOrderId("po-c"))
        book.settle([score("a")])
        found = [one for batch in book.decided(Micros(NOON + DAY), Micros(NOON + 5 * DAY)) for one in batch]
        assert [(one.told.proposal_id, one.followed_by) for one in found] == [("a", None), ("b", None), ("c", "po-c")]
        assert [one.told.law for one in found] == [None] * 3
        assert found[0].score == score("a")
        assert list(book.decided(Micros(NOON + 9 * DAY), Micros(NOON + 99 * DAY))) == []

    def test_what_is_long_ago_is_forgotten(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("old"), told("new", days=30)])
        assert book.prune(Micros(NOON + 10 * DAY)) == 1
        assert book.get("old") is None
        assert book.get("new") is not None
