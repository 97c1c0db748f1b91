"""What every Standings promises, on both engines."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from smartshop.data_collection.connectors.sql import standing_refill
from smartshop.data_collection.connectors.sql.bulk import ask
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.customers import ConsentChange
from smartshop.data_collection.schemas.ids import CustomerId, ShopperKey
from smartshop.data_collection.schemas.segments import (
    Affinity,
    AffinityKind,
    SegmentFigures,
    SegmentId,
    SegmentKind,
    SegmentMove,
    Standing,
)
from smartshop.errors import Conflict, InvalidValue
from tests.connectors.standings_told import (
    CHAMPIONS,
    CLIMBERS,
    DORMANT,
    GARDENERS,
    SEGMENTS,
    refit,
    segment,
    standing,
)
from tests.connectors.told import NOON, at

ADA, BOB, CLEO = CustomerId("ada"), CustomerId("bob"), CustomerId("cleo")
TENTS = Affinity(AffinityKind.CATEGORY, "Outdoor > Tents", 0.8)
ROPES = Affinity(AffinityKind.CATEGORY, "Outdoor > Ropes", 0.5)
ACME = Affinity(AffinityKind.BRAND, "Acme", 0.25)


def move(customer_id: str, seconds: float, to: SegmentId | None, **told: Any) -> SegmentMove:  # noqa: ANN401  any field
    fields: dict[str, Any] = {
        "customer_id": CustomerId(customer_id),
        "kind": SegmentKind.BEHAVIOUR,
        "from_segment": None,
        "to_segment": to,
        "cause": "behaviour",
        "moved_at": at(seconds),
        **told,
    }
    return SegmentMove(**fields)


def affinity_rows(stores: SqlStores) -> set[tuple[str, str, int]]:
    """(customer, subject, ten-thousandths): what stands the other way round."""
    with stores.shop_database.read() as connection:
        rows = ask(
            connection,
            "SELECT customer_id, subject, strength FROM affinities a"
            " LEFT JOIN standings s ON s.customer_no = a.customer_no"
            " JOIN affinity_subjects b ON b.subject_no = a.subject_no",
        )
    return {(customer_id, subject, strength) for customer_id, subject, strength in rows}


def expected_rows(stores: SqlStores) -> set[tuple[str, str, int]]:
    return {
        (each.customer_id, affinity.subject, round(affinity.strength * 10_000))
        for batch in stores.standings.scan()
        for each in batch
        for affinity in each.affinities
    }


class TestWhereCustomersStand:
    def test_a_standing_is_read_as_it_was_told(self, stores: SqlStores) -> None:
        whole = standing(
            "ada",
            recency_score=5,
            frequency_score=4,
            monetary_score=1,
            membership=0.75,
            in_segment_since=at(-50),
            orders=7,
            spent_minor=-1_250,
            first_order_at=at(-90),
            last_order_at=at(-9),
            p_alive=1 / 3,
            churn_risk=0.125,
            expected_orders=(0.1, 0.3, 1.2),
            expected_value_minor=(1, 2, 3_000_000_000_000),
            next_order_at=at(99),
            affinities=(TENTS, ROPES, ACME),
            features=np.array([1.5, np.nan], dtype=np.float32).tobytes(),
        )
        bare = Standing(customer_id=BOB, rfm_group=DORMANT, last_seen_at=NOON, changed_at=NOON)
        stores.standings.put([whole, bare], [])
        assert stores.standings.get([ADA, BOB, CLEO]) == {ADA: whole, BOB: bare}
        assert stores.standings.get([]) == {}

    def test_another_process_reads_the_same(self, stores: SqlStores, open_again: Callable[[], SqlStores]) -> None:
        told = standing("ada", affinities=(TENTS, ACME))
        stores.standings.put([told], [move("ada", 0, CLIMBERS)])
        other = open_again()
        try:
            assert other.standings.get([ADA]) == {ADA: told}
            assert other.standings.moves() == [move("ada", 0, CLIMBERS)]
            assert other.standings.sizes() == {CHAMPIONS: 1, CLIMBERS: 1}
        finally:
            other.close()

    def test_scan_and_page_go_by_customer_id(self, stores: SqlStores) -> None:
        told = [standing(name, segment_id=CLIMBERS if number % 2 else None) for number, name in enumerate("ecbda")]
        stores.standings.put(told, [])
        assert [[each.customer_id for each in batch] for batch in stores.standings.scan(2)] == [
            ["a", "b"],
            ["c", "d"],
            ["e"],
        ]
        page = stores.standings.page(CHAMPIONS, None, 3)
        assert [each.customer_id for each in page] == ["a", "b", "c"]
        assert [each.customer_id for each in stores.standings.page(CHAMPIONS, CustomerId("c"), 3)] == ["d", "e"]
        assert [each.customer_id for each in stores.standings.page(CLIMBERS, None, 3)] == ["c", "d"]
        assert stores.standings.page(SegmentId("b99"), None, 3) == []

    def test_numbers_that_are_none_are_refused(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada")], [])
        for told in (
            {"p_alive": float("nan")},
            {"expected_orders": (0.0, float("inf"), 0.0)},
            {"affinities": (Affinity(AffinityKind.BRAND, "Acme", 1.5),)},
            {"affinities": (Affinity(AffinityKind.BRAND, "Acme", float("nan")),)},
        ):
            with pytest.raises(InvalidValue, match="ada"):
                stores.standings.put([standing("ada", log_no=11, **told)], [])
        assert stores.standings.get([ADA])[ADA].log_no == 10

    def test_money_beyond_what_fits_stands_as_the_most_that_fits(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada", spent_minor=1 << 70, expected_value_minor=(0, 0, -(1 << 70)))], [])
        stored = stores.standings.get([ADA])[ADA]
        assert (stored.spent_minor, stored.expected_value_minor[2]) == ((1 << 63) - 1, -(1 << 63) + 1)

    def test_segments_are_worth_what_their_customers_are(self, stores: SqlStores) -> None:
        assert stores.standings.figures() == {}
        most = (1 << 63) - 1
        told = [
            standing("ada", spent_minor=300, churn_risk=0.5, expected_value_minor=(1, 40, 100)),
            standing("bob", spent_minor=100, rfm_group=DORMANT, churn_risk=0.1),
            standing("cleo", segment_id=None, rfm_group=DORMANT),
            standing("dan", segment_id=GARDENERS, spent_minor=most),
            standing("eve", segment_id=GARDENERS, spent_minor=most),
        ]
        stores.standings.put(told, [])
        found = stores.standings.figures()
        assert found[CLIMBERS] == SegmentFigures(2, 200.0, 0.3, 20.0)
        assert found[DORMANT] == SegmentFigures(2, 50.0, 0.1, 0.0)
        assert found[GARDENERS] == SegmentFigures(2, float(most), None, 0.0)
        assert found[CHAMPIONS].customers == 3
        assert found[CHAMPIONS].mean_churn_risk == 0.5


class TestLiveChanges:
    def test_the_same_change_twice_is_one(self, stores: SqlStores) -> None:
        told, moved = standing("ada", affinities=(TENTS,)), move("ada", 1, CLIMBERS)
        stores.standings.put([told], [moved])
        stores.standings.put([told], [moved])
        assert stores.standings.get([ADA]) == {ADA: told}
        assert stores.standings.moves(ADA) == [moved]

    def test_an_older_one_changes_nothing_nor_do_its_moves(self, stores: SqlStores) -> None:
        newer = standing("ada", log_no=20, affinities=(TENTS,))
        stores.standings.put([newer], [])
        stores.standings.put([standing("ada", log_no=19, segment_id=None)], [move("ada", 1, None)])
        assert stores.standings.get([ADA]) == {ADA: newer}
        assert stores.standings.moves() == []

    def test_of_one_customer_told_twice_at_once_the_newest_counts(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada", log_no=12, orders=2), standing("ada", log_no=11, orders=1)], [])
        assert stores.standings.get([ADA])[ADA].orders == 2

    def test_moves_are_read_newest_first_and_pruned(self, stores: SqlStores) -> None:
        told = [move("ada", seconds, CLIMBERS) for seconds in (1, 3)] + [move("bob", 2, None, from_segment=GARDENERS)]
        stores.standings.put([standing("ada"), standing("bob")], told)
        assert [each.moved_at for each in stores.standings.moves()] == [at(3), at(2), at(1)]
        assert [each.moved_at for each in stores.standings.moves(ADA)] == [at(3), at(1)]
        assert stores.standings.moves(limit=1) == [told[1]]
        assert stores.standings.prune_moves(at(3)) == 2
        assert stores.standings.moves() == [told[1]]

    def test_affinities_follow_every_change(self, stores: SqlStores) -> None:
        for affinities in ((TENTS, ROPES), (ROPES, ACME), (msgspec.structs.replace(ACME, strength=0.5),), ()):
            stores.standings.put([standing("ada", affinities=affinities), standing("bob", affinities=(TENTS,))], [])
            assert affinity_rows(stores) == expected_rows(stores)


class TestLeaving:
    @pytest.mark.parametrize("cause", ["merged", "consent"])
    def test_who_is_dropped_moved_out_for_that_cause(self, stores: SqlStores, cause: str) -> None:
        stores.standings.put([standing("ada", affinities=(TENTS,)), standing("bob")], [move("ada", 1, CLIMBERS)])
        stores.standings.drop([ADA, CLEO], cause, at(5))
        assert set(stores.standings.get([ADA, BOB])) == {BOB}
        assert affinity_rows(stores) == set()
        out = {(each.kind, each.from_segment, each.to_segment, each.cause) for each in stores.standings.moves(ADA)[:2]}
        assert out == {
            (SegmentKind.RFM, CHAMPIONS, None, cause),
            (SegmentKind.BEHAVIOUR, CLIMBERS, None, cause),
        }

    def test_who_is_erased_leaves_nothing(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada", affinities=(TENTS,))], [move("ada", 1, CLIMBERS)])
        stores.standings.drop([ADA], "erased", at(5))
        assert stores.standings.get([ADA]) == {}
        assert stores.standings.moves() == []
        assert affinity_rows(stores) == set()
        assert stores.standings.sizes() == {}

    def test_a_new_customer_never_gets_what_one_before_cared_for(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada", affinities=(TENTS,))], [])
        stores.standings.drop([ADA], "erased", NOON)
        stores.standings.put([standing("bob")], [])
        with stores.shop_database.read() as connection:
            assert ask(connection, "SELECT customer_no FROM standings") == [(2,)]

    def test_who_may_have_none_gets_none(self, stores: SqlStores) -> None:
        """A refit or a live change that began before the word was given comes after it."""
        stores.customers.set_consent(no_personalisation("ada", 1))
        stores.customers.merge(BOB, CLEO, NOON)
        stores.standings.put([standing("ada"), standing("bob"), standing("cleo")], [move("ada", 1, CLIMBERS)])
        assert set(stores.standings.get([ADA, BOB, CLEO])) == {CLEO}
        assert stores.standings.moves() == []
        stores.customers.set_consent(no_personalisation("bob", 2))
        stores.standings.replace_all([standing("ada"), standing("bob"), standing("cleo")], refit(), SEGMENTS)
        assert stores.standings.get([ADA, BOB, CLEO]) == {}


def no_personalisation(customer_id: str, seconds: float) -> ConsentChange:
    return ConsentChange(
        shopper_key=ShopperKey(customer_id),
        is_customer=True,
        changes={"personalisation": False},
        received_at=at(seconds),
    )


class TestRefits:
    def test_a_refit_replaces_everybody(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada", affinities=(TENTS,)), standing("bob", affinities=(ACME,))], [])
        told = [standing("bob", segment_id=GARDENERS, affinities=(ROPES, TENTS)), standing("cleo", rfm_group=DORMANT)]
        moved = move("bob", 9, GARDENERS, from_segment=CLIMBERS, cause="model")
        stores.standings.replace_all(told, refit(customers=2), SEGMENTS, [moved])
        assert stores.standings.get([ADA, BOB, CLEO]) == {each.customer_id: each for each in told}
        assert stores.standings.sizes() == {CHAMPIONS: 1, DORMANT: 1, GARDENERS: 1, CLIMBERS: 1}
        assert stores.standings.segments() == [segment(each) for each in (CHAMPIONS, CLIMBERS, DORMANT, GARDENERS)]
        assert stores.standings.refits() == [refit(customers=2)]
        assert stores.standings.moves() == [moved]
        assert affinity_rows(stores) == expected_rows(stores)

    def test_a_live_standing_newer_than_the_refit_stays(self, stores: SqlStores) -> None:
        newer = [standing("ada", log_no=12, affinities=(TENTS,)), standing("bob", log_no=12, affinities=(ACME,))]
        stores.standings.put(newer, [])
        stores.standings.put([standing("cleo", log_no=11)], [])
        stores.standings.replace_all([standing("ada", affinities=(ROPES,))], refit(log_no=11), SEGMENTS)
        assert stores.standings.get([ADA, BOB, CLEO]) == {each.customer_id: each for each in newer}
        assert affinity_rows(stores) == expected_rows(stores)

    def test_nobody_told_is_nobody_left(self, stores: SqlStores) -> None:
        stores.standings.put([standing("ada", affinities=(TENTS,))], [])
        stores.standings.replace_all([], refit(log_no=10), [])
        assert stores.standings.sizes() == {}
        assert affinity_rows(stores) == set()

    def test_refits_are_told_newest_first_and_replaced_by_version(self, stores: SqlStores) -> None:
        held = refit("v2", refitted_at=at(10), held_back=True, note="Too many moved.")
        stores.standings.replace_all([standing("ada")], refit("v1"), SEGMENTS)
        stores.standings.add_refit(held)
        assert [each.version for each in stores.standings.refits()] == ["v2", "v1"]
        accepted = msgspec.structs.replace(held, accepted_at=at(20))
        stores.standings.add_refit(accepted)
        assert stores.standings.refits(1) == [accepted]
        assert stores.standings.get([ADA]) == {ADA: standing("ada")}

    def test_segments_keep_their_place_and_are_replaced(self, stores: SqlStores) -> None:
        stores.standings.replace_all([], refit("v1"), SEGMENTS)
        retired = msgspec.structs.replace(segment(CLIMBERS, retired_at=at(3)), sentence="They went.")
        stores.standings.replace_all([], refit("v2"), [retired])
        assert stores.standings.segments() == [SEGMENTS[0], SEGMENTS[1], retired, SEGMENTS[3]]

    def test_a_customer_told_twice_stands_as_told_last(
        self, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(standing_refill, "STANDINGS_AT_ONCE", 1)
        told = [standing("ada", affinities=(TENTS, ACME)), standing("ada", affinities=(ROPES,))]
        stores.standings.replace_all(told, refit(), SEGMENTS)
        assert stores.standings.get([ADA]) == {ADA: told[1]}
        assert affinity_rows(stores) == expected_rows(stores)

    def test_a_newer_refit_ends_the_one_before(self, stores: SqlStores) -> None:
        def interrupted() -> Iterator[Standing]:
            stores.standings.replace_all([standing("ada")], refit("v2", refitted_at=at(1)), SEGMENTS)
            yield standing("bob")

        with pytest.raises(Conflict, match="Another refit"):
            stores.standings.replace_all(interrupted(), refit("v1"), SEGMENTS)
        assert set(stores.standings.get([ADA, BOB])) == {ADA}
        assert [each.version for each in stores.standings.refits()] == ["v2"]


class Cut(Exception):
    """The process ends here."""


class TestBesideAShopThatGoesOn:
    """Small transactions, so that much happens between them."""

    @pytest.fixture(autouse=True)
    def few_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(standing_refill, "STANDINGS_AT_ONCE", 3)
        monkeypatch.setattr(standing_refill, "AFFINITIES_AT_ONCE", 2)
        monkeypatch.setattr(standing_refill, "READ_AT_ONCE", 4)

    def test_cut_off_anywhere_and_run_again_it_ends_the_same(self, stores: SqlStores) -> None:
        for cut_after in range(0, 21, 4):
            before = [made_up(f"c{number:02}", seed=cut_after) for number in range(5, 20)]
            stores.standings.replace_all(before, refit("v0", log_no=10), SEGMENTS)
            after = [made_up(f"c{number:02}", seed=100 + cut_after) for number in range(20)]
            with pytest.raises(Cut):
                stores.standings.replace_all(cut(after, cut_after), refit("v1"), SEGMENTS)
            between = {each.customer_id for batch in stores.standings.scan() for each in batch}
            assert between >= {each.customer_id for each in before}
            stores.standings.drop([CustomerId("c07")], "erased", NOON)
            stores.standings.replace_all(after, refit("v1", log_no=10), SEGMENTS)
            assert [each for batch in stores.standings.scan() for each in batch] == after
            assert affinity_rows(stores) == expected_rows(stores)

    def test_live_changes_between_its_transactions_stay(
        self, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stores.standings.replace_all([made_up(f"c{number:02}", seed=1) for number in range(20)], refit("v0"), SEGMENTS)
        rng = np.random.default_rng(5)
        live: dict[str, Standing | None] = {}

        def shop_goes_on(_: float) -> None:
            name = f"c{rng.integers(26):02}"
            if rng.random() < 0.3:
                stores.standings.drop([CustomerId(name)], "erased", NOON)
                live[name] = None
                return
            newer = made_up(name, seed=int(rng.integers(1 << 30)), log_no=11 + int(rng.integers(100)))
            live[name] = max(newer, live.get(name) or newer, key=lambda each: each.log_no)
            stores.standings.put([newer], [])

        monkeypatch.setattr(time, "sleep", shop_goes_on)
        told = [made_up(f"c{number:02}", seed=2) for number in range(20)]
        stores.standings.replace_all(told, refit("v1", log_no=10), SEGMENTS)
        stored = {each.customer_id: each for batch in stores.standings.scan() for each in batch}
        assert len(live) > 10
        for name, newest in live.items():
            if newest is not None:
                assert stored[CustomerId(name)] == newest
        assert affinity_rows(stores) == expected_rows(stores)


def made_up(customer_id: str, seed: int, log_no: int = 10) -> Standing:
    """A standing with up to six affinities of twelve."""
    rng = np.random.default_rng([seed, *customer_id.encode()])
    subjects = rng.permutation(12)[: rng.integers(7)]
    affinities = tuple(
        Affinity(AffinityKind.CATEGORY, f"Shelf {subject}", int(rng.integers(1, 10_001)) / 10_000)
        for subject in subjects
    )
    return standing(customer_id, affinities=affinities, log_no=log_no)


def cut(told: list[Standing], after: int) -> Iterator[Standing]:
    yield from told[:after]
    raise Cut


class TestNames:
    def test_a_behavioural_segment_gets_a_name_that_refits_keep(self, stores: SqlStores) -> None:
        told = [segment(CHAMPIONS, "Champions"), segment(CLIMBERS, "Climbers"), segment(GARDENERS, "Gardeners")]
        stores.standings.replace_all([standing("ada")], refit("v1"), told)
        assert stores.standings.rename(CLIMBERS, "Summit club", NOON)
        stores.standings.replace_all([standing("ada")], refit("v2"), told)  # read before the name was given
        assert {one.segment_id: one.name for one in stores.standings.segments()} == {
            CHAMPIONS: "Champions", CLIMBERS: "Summit club", GARDENERS: "Gardeners"
        }  # fmt: skip
        assert stores.standings.rename(CLIMBERS, "SUMMIT club", NOON), "its own name in other letters"
        assert not stores.standings.rename(SegmentId("b99"), "Nobody", NOON)

    def test_names_that_are_taken_or_fixed_are_refused(self, stores: SqlStores) -> None:
        gone = segment(SegmentId("b3"), "Gone", retired_at=NOON)
        told = [segment(CHAMPIONS, "Champions"), segment(CLIMBERS, "Climbers"), segment(GARDENERS, "Gardeners"), gone]
        stores.standings.replace_all([], refit(), told)
        for segment_id, name, why in (
            (CLIMBERS, "gardeners", "b2 is named 'Gardeners'"),
            (CLIMBERS, "CHAMPIONS", "rfm-champions is named"),
            (CHAMPIONS, "Winners", "RFM group"),
            (gone.segment_id, "Back", "ended"),
        ):
            with pytest.raises(Conflict, match=why):
                stores.standings.rename(segment_id, name, at(1))
        assert stores.standings.segments() == told
        assert stores.standings.rename(CLIMBERS, "Gone", at(1)), "a name that nobody living has is free"
